"""The outbox: what is to be told stands in the ledger's database with the run it is of, until its receiver has it.

It is put there in the transaction that records the run, and sent after. Whoever dies in between finds it there again. A message is
marked when it was sent; between the receiver's yes and the mark it may be sent twice, and then has the same id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection, delete, func, insert, select, update

from agent.ledger import tables
from agent.ledger.database import Database
from agent.publish.notify import DeliveryError
from agent.publish.notify.events import Event, read
from checks.model import digest

LEASE: Final = 120
"""How long whoever sends a message has it to himself, in seconds: longer than any attempt takes."""
LONGEST: Final = 3600
"""The longest wait between two attempts, in seconds."""
_FIRST: Final = 5
_KEPT: Final = 90 * 86400
_FORSAKEN: Final = 30 * 86400
_FEW: Final = 100


class Recipient(Protocol):
    """What the outbox needs to know of a sink."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> int:
        """How long events are gathered, in seconds."""

    @property
    def deadline(self) -> int:
        """How long delivery is tried, in seconds."""

    @property
    def part(self) -> int | None:
        """How many events one message takes; None for any number."""

    def wants(self, event: Event) -> bool: ...


@dataclass(frozen=True, slots=True)
class Message:
    """What one sink is told at once. `made`: seconds since 1970, when its run was recorded."""

    number: int
    id: str
    made: int
    attempts: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a sink stands: messages that wait, since when the oldest does, and how many were sent and given up."""

    messages: int
    since: int | None
    sent: int
    lost: int


@dataclass(frozen=True, slots=True)
class Outbox:
    """Raises LedgerError where the database cannot be read or written. `now`: seconds since 1970."""

    database: Database

    def claim(self, sink: Recipient, now: int) -> Message | None:
        """The next message that is due, for this caller alone until its lease ends; None where there is none."""
        with self.database.reading() as connection:  # most of the time there is nothing, and nobody has to wait
            if not connection.execute(_waiting(sink.name).limit(1)).all():
                return None
        with self.database.writing() as connection:
            for row in connection.execute(_waiting(sink.name).limit(_FEW).with_for_update()):
                if _within(row.claimed, now, LEASE):
                    return None  # somebody is at it, and what comes behind it stays behind it
                if not _within(row.due, now, max(LONGEST, sink.digest)):
                    table = tables.messages
                    connection.execute(
                        update(table).where(table.c.number == row.number).values(claimed=now + LEASE, attempts=row.attempts + 1)
                    )
                    return Message(row.number, row.id, row.made, row.attempts + 1, tuple(_events(connection, row.number)))
                if row.attempts and row.blocks:
                    return None
        return None

    def sent(self, message: Message, outcome: str, now: int) -> None:
        """The receiver has it."""
        self._mark(message, ended=now, outcome=outcome, sent=1, claimed=None)

    def failed(self, message: Message, error: DeliveryError, sink: Recipient, now: int) -> bool:
        """It did not arrive. Gives whether it was given up: past its deadline, or where the receiver is there no more."""
        if error.final or now - message.made > sink.deadline + sink.digest:
            self._mark(message, ended=now, outcome=str(error), claimed=None)
            return True
        wait = min(max(_FIRST * 3 ** min(message.attempts - 1, 9), error.after), LONGEST)
        self._mark(message, due=now + wait, blocks=int(error.blocks), outcome=str(error), claimed=None)
        return False

    def forsake(self, names: Iterable[str], now: int) -> int:
        """Give up what waits for sinks that nobody has sent to for long, and that are not among these. Gives how many messages that
        were. Not at once: another agent with sinks of its own may share the database."""
        table, kept = tables.messages, list(names)
        with self.database.writing() as connection:
            gone = table.c.ended.is_(None) & table.c.sink.not_in(kept) & (table.c.made < now - _FORSAKEN)
            return connection.execute(update(table).where(gone).values(ended=now, outcome="no such sink is configured any more")).rowcount

    def waiting(self, name: str) -> Waiting:
        table = tables.messages
        with self.database.reading() as connection:
            open_ = connection.execute(
                select(func.count(), func.min(table.c.made)).where(table.c.sink == name, table.c.ended.is_(None))
            ).one()
            ended = connection.execute(
                select(func.count(), func.sum(table.c.sent)).where(table.c.sink == name, table.c.ended.is_not(None))
            ).one()
        return Waiting(open_[0], open_[1], ended[1] or 0, ended[0] - (ended[1] or 0))

    def _mark(self, message: Message, **values: Any) -> None:
        table = tables.messages
        with self.database.writing() as connection:
            connection.execute(update(table).where(table.c.number == message.number).values(values))


def put(connection: Connection, sinks: Sequence[Recipient], told: Sequence[Event], now: int) -> None:
    """Put events in for every sink that wants them, in the transaction that is under way. Who was told of one is not told again."""
    _forget(connection, now)
    records = {one.id: json.dumps(one.record, sort_keys=True) for one in told}
    for sink in sinks:
        wanted = [one for one in told if sink.wants(one)]
        known = _known(connection, sink.name, [one.id for one in wanted])
        fresh = [one for one in {one.id: one for one in wanted}.values() if one.id not in known]
        _fill(connection, sink, [(one.id, records[one.id]) for one in fresh], now)


def _fill(connection: Connection, sink: Recipient, fresh: Sequence[tuple[str, str]], now: int) -> None:
    """Into the digest that is gathered at present, and into new messages."""
    left = list(fresh)
    number, held = _gathering(connection, sink, now) if sink.digest and left else (None, 0)
    while left:
        if number is None:
            number, held = _begin(connection, sink, left[0][0], now), 0
        room = len(left) if sink.part is None else sink.part - held
        rows = [
            {"sink": sink.name, "id": id_, "message": number, "position": held + place, "record": record}
            for place, (id_, record) in enumerate(left[:room])
        ]
        if rows:
            connection.execute(insert(tables.events), rows)
        left, number = left[room:], None


def _begin(connection: Connection, sink: Recipient, first: str, now: int) -> int:
    values = {
        "id": digest("message", sink.name, first), "sink": sink.name, "made": now, "due": now + sink.digest, "attempts": 0, "blocks": 1,
        "sent": 0,
    }  # fmt: skip
    return int(connection.execute(insert(tables.messages).values(values).returning(tables.messages.c.number)).scalar_one())


def _gathering(connection: Connection, sink: Recipient, now: int) -> tuple[int | None, int]:
    """The digest that nobody has begun to send, and how many events it has."""
    rows = connection.execute(_waiting(sink.name).with_for_update()).all()
    if not rows or rows[-1].attempts or not _within(rows[-1].due, now, sink.digest):
        return None, 0
    number = rows[-1].number
    held = connection.execute(select(func.count()).select_from(tables.events).where(tables.events.c.message == number)).scalar_one()
    return number, held


def _waiting(name: str) -> Any:
    """What has not ended, the oldest first."""
    table = tables.messages
    return select(table).where(table.c.sink == name, table.c.ended.is_(None)).order_by(table.c.number)


def _within(end: int | None, now: int, longest: int) -> bool:
    """Whether a time is still to come. One that is further away than it can have been set was set by a clock that went wrong."""
    return end is not None and now < end <= now + longest


def _events(connection: Connection, message: int) -> Iterator[Event]:
    table = tables.events
    for record in connection.execute(select(table.c.record).where(table.c.message == message).order_by(table.c.position)).scalars():
        yield read(_record(record))


def _record(text: str) -> Mapping[str, Any]:
    held: Mapping[str, Any] = json.loads(text)
    return held


def _known(connection: Connection, name: str, ids: Sequence[str]) -> set[str]:
    table, found = tables.events, set[str]()
    for start in range(0, len(ids), 500):  # a statement takes so many parameters, and not more
        some = ids[start : start + 500]
        found |= set(connection.execute(select(table.c.id).where(table.c.sink == name, table.c.id.in_(some))).scalars())
    return found


def _forget(connection: Connection, now: int) -> None:
    """Messages that ended long ago: no run makes their events again."""
    old = select(tables.messages.c.number).where(tables.messages.c.ended < now - _KEPT)
    connection.execute(delete(tables.events).where(tables.events.c.message.in_(old)))
    connection.execute(delete(tables.messages).where(tables.messages.c.ended < now - _KEPT))
