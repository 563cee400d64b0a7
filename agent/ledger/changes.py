"""Which events were dealt with, and what they leave in doubt: in the ledger's database, in the transaction of the run that did it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from agent.ledger import tables
from agent.ledger.database import Database
from agent.ledger.ledger import Also, Recorded
from checks.change import Unit
from checks.changing import Unsettled

KEPT: Final = 15 * 86400
"""Seconds for which events are remembered: SQS keeps a message for 14 days at most (Amazon SQS API reference, SetQueueAttributes)."""
_MANY: Final = 500


def put(handled: Sequence[tuple[str, str]], left: Sequence[Unsettled], now: int, part: str = "") -> Also:
    """What goes into the transaction of a run: the (queue, event) that it dealt with, and all that is in doubt after it of its `part` of the
    configuration."""

    def within(connection: Connection, recorded: Recorded) -> None:
        table = tables.changes
        connection.execute(delete(table).where(table.c.made < now - KEPT))
        held = {
            queue: _known(connection, queue, [event for of, event in handled if of == queue]) for queue in {queue for queue, _ in handled}
        }
        new = [(queue, event) for queue, event in dict.fromkeys(handled) if event not in held[queue]]
        rows = [{"queue": queue, "event": event, "run": recorded.number, "made": now} for queue, event in new]
        if rows:
            connection.execute(insert(table), rows)
        connection.execute(delete(tables.unsettled).where(tables.unsettled.c.part == part))
        if left:
            connection.execute(insert(tables.unsettled), [_row(part, number, one) for number, one in enumerate(left, 1)])

    return within


def known(database: Database, queue: str, events: Sequence[str]) -> set[str]:
    """Those of the events that a run has dealt with. Raises LedgerError."""
    if not events:
        return set()
    with database.reading() as connection:
        return _known(connection, queue, events)


def unsettled(database: Database, part: str = "") -> tuple[Unsettled, ...]:
    """What is in doubt of a part of the configuration. Raises LedgerError."""
    with database.reading() as connection:
        rows = connection.execute(select(tables.unsettled).where(tables.unsettled.c.part == part).order_by(tables.unsettled.c.number)).all()
    return tuple(
        Unsettled(row.event, row.name, row.at, Unit(row.type, row.account, row.region), row.resource, row.effect, row.read, row.seen)
        for row in rows
    )


def _known(connection: Connection, queue: str, events: Sequence[str]) -> set[str]:
    table, found = tables.changes, set[str]()
    for start in range(0, len(events), _MANY):  # a statement takes so many parameters, and not more
        some = events[start : start + _MANY]
        found |= set(connection.execute(select(table.c.event).where(table.c.queue == queue, table.c.event.in_(some))).scalars())
    return found


def _row(part: str, number: int, one: Unsettled) -> dict[str, object]:
    unit = one.unit
    return {
        "part": part, "number": number, "event": one.event, "name": one.name, "at": one.at, "type": unit.type, "account": unit.account,
        "region": unit.region, "resource": one.id, "effect": one.effect, "read": one.read, "seen": one.seen,
    }  # fmt: skip


def all_of(also: Iterable[Also]) -> Also:
    """Everything that is to be there with a run, one after the other."""
    each = tuple(also)

    def within(connection: Connection, recorded: Recorded) -> None:
        for one in each:
            one(connection, recorded)

    return within
