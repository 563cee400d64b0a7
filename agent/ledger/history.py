"""What the ledger remembers of promises and findings, at a time that is given: what is too old is shown as stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from agent.ledger import LedgerError, rows, tables
from checks.age import counts
from checks.lifecycle import ENDED, USUAL, Known, Status, is_stale
from checks.timeline import Span, Told, repairs, shares, spans, together
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


@dataclass(slots=True)
class Runs:
    """What the runs of one part said of a promise, in their order: where the clock was set back between two, no time passed."""

    told: list[Told] = field(default_factory=list)
    last: datetime | None = None
    """When the last one was by its own clock."""

    def add(self, at: str, verdict: str | None, until: str | None) -> None:
        self.last = datetime.fromisoformat(at)
        lasting = datetime.fromisoformat(until) - self.last if until else timedelta(seconds=USUAL)
        moment = max(self.last, self.told[-1].at) if self.told else self.last
        self.told.append(Told(moment, None if verdict is None else Verdict(verdict), moment + lasting))

    def spans(self, now: datetime, said: datetime) -> list[Span]:
        """Up to now; `said` is what the clock says, which may be less. Of a last run at a time to come, nobody can tell the age."""
        held, last = spans(self.told, now), self.told[-1]
        assert self.last is not None
        if not counts(self.last, said, max(last.until - last.at, timedelta())) and not held[-1].stale:
            held.append(Span(now, now, Verdict.UNPROVEN, stale=True))
        return held


@dataclass(frozen=True, slots=True)
class History:
    """Questions to one view of the ledger. `now` is RFC 3339 in UTC."""

    connection: Connection
    now: str

    def promises(self, only: str | None = None) -> list[PromiseHistory]:
        """The timelines of promises. Where the clock was set back, no time passed. Raises LedgerError for one that no run judged."""
        table = tables.promises
        statement = select(table.c.promise, table.c.at, table.c.verdict, table.c.until, table.c.part).order_by(table.c.promise, table.c.run)
        by_promise: dict[str, dict[str, Runs]] = {}
        for name, at, verdict, until, part in self.connection.execute(
            statement if only is None else statement.where(table.c.promise == only)
        ):
            by_promise.setdefault(name, {}).setdefault(part, Runs()).add(at, verdict, until)
        if only is not None and not by_promise:
            known = self.connection.execute(select(table.c.promise).distinct().order_by(table.c.promise)).scalars()
            raise LedgerError(f"no run judged a promise {only!r}; the ledger knows {', '.join(known) or 'none'}")
        judged = {name: [runs for runs in parts.values() if any(one.verdict for one in runs.told)] for name, parts in by_promise.items()}
        return [self._promise(name, parts) for name, parts in judged.items() if parts]

    def _promise(self, name: str, parts: list[Runs]) -> PromiseHistory:
        """Of several parts of a configuration, if they share the ledger."""
        said = datetime.fromisoformat(self.now)
        now = max(said, *(runs.told[-1].at for runs in parts))
        held = together([runs.spans(now, said) for runs in parts])
        return PromiseHistory(name, sum(len(runs.told) for runs in parts), held, shares(held, now - WINDOW, now), repairs(held))

    def finding(self, id_: str) -> Known:
        """A finding, by its id or the beginning of it. Raises LedgerError where that is none, or several."""
        table = tables.findings
        held = self.connection.execute(select(table).where(table.c.id.startswith(id_, autoescape=True)).limit(2)).all()
        if len(held) != 1:
            raise LedgerError(f"there is no finding {id_!r} in the ledger" if not held else f"several findings begin with {id_!r}")
        return rows.finding(held[0])

    def stale(self, known: Known) -> bool:
        return is_stale(known, self.now)

    def counts(self) -> dict[str, int]:
        """How many findings stand as what; those that are too old as `stale`."""
        table, found = tables.findings, dict[str, int]()
        statement = select(table.c.status, table.c.last_seen, table.c.age, func.count()).group_by(
            table.c.status, table.c.last_seen, table.c.age
        )
        now = datetime.fromisoformat(self.now)
        for status, seen, age, count in self.connection.execute(statement):
            fresh = Status(status) in ENDED or counts(datetime.fromisoformat(seen), now, timedelta(seconds=age))
            name = str(status) if fresh else "stale"
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
