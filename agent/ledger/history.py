"""What the ledger remembers of promises and findings, at a time that is given: what is too old is shown as stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from agent.ledger import LedgerError, rows, tables
from checks.lifecycle import Known, Status, is_stale
from checks.timeline import Span, repairs, shares, spans
from checks.verdict import Verdict

WINDOW = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class PromiseHistory:
    id: str
    runs: int
    spans: Sequence[Span]
    shares: Mapping[Verdict, float] | None
    """Which part of the window each verdict stood, of the time in which there were runs."""
    repairs: Sequence[timedelta]


@dataclass(frozen=True, slots=True)
class Turn:
    """A transition, with what it is about."""

    run: int
    at: str
    finding: str
    rule: str
    resource: Mapping[str, str]
    before: str | None
    after: str
    change: str
    cause: str


@dataclass(frozen=True, slots=True)
class History:
    """Questions to one view of the ledger. `now` is RFC 3339 in UTC."""

    connection: Connection
    now: str
    max_age: timedelta

    def promises(self, only: str | None = None) -> list[PromiseHistory]:
        """The timelines of promises. Where the clock was set back, no time passed. Raises LedgerError for one that no run judged."""
        table = tables.promises
        statement = select(table.c.promise, table.c.at, table.c.verdict).order_by(table.c.promise, table.c.run)
        by_promise: dict[str, list[tuple[datetime, Verdict | None]]] = {}
        for name, at, verdict in self.connection.execute(statement if only is None else statement.where(table.c.promise == only)):
            held = by_promise.setdefault(name, [])
            moment = datetime.fromisoformat(at)
            held.append((max(moment, held[-1][0]) if held else moment, None if verdict is None else Verdict(verdict)))
        if only is not None and not by_promise:
            known = self.connection.execute(select(table.c.promise).distinct().order_by(table.c.promise)).scalars()
            raise LedgerError(f"no run judged a promise {only!r}; the ledger knows {', '.join(known) or 'none'}")
        return [self._promise(name, runs) for name, runs in by_promise.items() if any(verdict is not None for _, verdict in runs)]

    def _promise(self, name: str, runs: list[tuple[datetime, Verdict | None]]) -> PromiseHistory:
        now = max(datetime.fromisoformat(self.now), runs[-1][0])
        held = spans(runs, now, self.max_age)
        return PromiseHistory(name, len(runs), held, shares(held, now - WINDOW, now), repairs(held))

    def finding(self, id_: str) -> Known:
        """A finding, by its id or the beginning of it. Raises LedgerError where that is none, or several."""
        table = tables.findings
        held = self.connection.execute(select(table).where(table.c.id.startswith(id_, autoescape=True)).limit(2)).all()
        if len(held) != 1:
            raise LedgerError(f"there is no finding {id_!r} in the ledger" if not held else f"several findings begin with {id_!r}")
        return rows.finding(held[0])

    def stale(self, known: Known) -> bool:
        return is_stale(known, self.now, self.max_age)

    def counts(self) -> dict[str, int]:
        """How many findings stand as what; those that are too old as `stale`."""
        table, found = tables.findings, dict[str, int]()
        oldest = (datetime.fromisoformat(self.now) - self.max_age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        live = table.c.status.in_([Status.UPHELD, Status.BROKEN, Status.UNPROVEN])
        statement = select(table.c.status, (live & (table.c.last_seen < oldest)).label("old"), func.count()).group_by("status", "old")
        for status, old, count in self.connection.execute(statement):
            name = "stale" if old else str(status)
            found[name] = found.get(name, 0) + count
        return found

    def turns(self, *, since: str | None = None, finding: int | None = None, promise: str | None = None) -> Iterator[Turn]:
        """Transitions in the order of time."""
        moved, about = tables.transitions, tables.findings
        statement = select(moved, about.c.id, about.c.rule, about.c.type, about.c.resource, about.c.account, about.c.region).join(
            about, about.c.number == moved.c.finding
        )
        if since is not None:  # by run, which the rows are ordered by
            first = select(func.min(tables.runs.c.number)).where(tables.runs.c.finished >= since).scalar_subquery()
            statement = statement.where(moved.c.run >= first)
        if finding is not None:
            statement = statement.where(moved.c.finding == finding)
        if promise is not None:
            statement = statement.where((" " + about.c.promises + " ").contains(f" {promise} ", autoescape=True))
        for row in self.connection.execute(statement.order_by(moved.c.run, moved.c.finding)):
            yield _turn(row)


def _turn(row: Any) -> Turn:
    subject = {"type": row.type, "id": row.resource, "account": row.account, "region": row.region}
    return Turn(row.run, row.at, row.id, row.rule, subject, row.before, row.after, row.change, row.cause)
