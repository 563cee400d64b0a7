"""What an estate holds of logs: each source with its hours, the counts of each rule over it, and the objects it is made of.

Rows are counted where they are read (they do not fit into an estate), so judging goes by counts: of each source, hour and
question. A question is a rule under its parameters, word for word: counts that another wording was asked for answer nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from checks.logs.hours import Proof, Row
from checks.logs.partial import Key, Partial, plain, restore
from checks.logs.rows import rfc3339
from checks.logs.terms import Now, walk
from checks.model import GLOBAL, Estate, Resource, digest
from checks.rule import Rule

SOURCE: Final = "log.source"
COUNT: Final = "log.count"
OBJECT: Final = "log.object"
TYPES: Final = (SOURCE, COUNT, OBJECT)
ACCOUNT: Final = "log"
"""The account of a source that no account of a cloud is named for: the logs of servers of one's own."""


def question(rule: Rule, params: Mapping[str, Any], now: datetime) -> str:
    """The name under which a rule over rows is counted. `now` has a part in it only where the rule asks for the time."""
    file, terms = rule.file, rule.terms
    assert terms is not None
    conditions = [one for one in (terms.applies_if, terms.upheld_if) if one is not None]
    moment = rfc3339(now) if any(isinstance(term, Now) for condition in conditions for term in walk(condition)) else None
    return digest(rule.id, rule.kind, file.applies_if, file.good, file.group_by, file.show, params, moment)


@dataclass(frozen=True, slots=True)
class Told:
    """What a source came to: `data` of its resource but for the hours, the questions asked, and the counts of each, over all its
    rows."""

    id: str
    account: str
    table: str
    data: Mapping[str, Any]
    hours: tuple[Row, ...]
    questions: tuple[str, ...]
    counts: Partial
    rows: Mapping[datetime | None, int] = field(default_factory=dict)
    """How many there are of each hour; None for those without a time."""


def resources(told: Told, looks: tuple[str, ...]) -> Iterator[Resource]:
    """A source as it stands in an estate: itself, and its counts by question and hour."""
    data = {
        **told.data,
        "Table": told.table,
        "Rows": sum(told.counts.rows.values()),
        "Questions": sorted(told.questions),
        "Hours": [_hour(row, told.rows.get(row.start.replace(minute=0, second=0, microsecond=0), 0)) for row in told.hours],
        "BrokenHours": [{"From": rfc3339(row.start), "Why": list(row.why)} for row in told.hours if row.proof is Proof.BROKEN],
        "UntoldHours": sum(row.proof is Proof.CANNOT_TELL for row in told.hours),
        "ProvenHours": sum(row.proof is Proof.PROVEN for row in told.hours),
        "RowsWithoutTime": told.rows.get(None, 0),
    }
    if doubt := doubted(data):
        data["Doubt"] = doubt
    yield Resource(told.id, SOURCE, told.account, GLOBAL, data, {}, looks)
    by_cell: dict[tuple[str, datetime | None], dict[Key, Any]] = {}
    for key, cells in told.counts.cells.items():
        by_cell.setdefault((key.rule, key.hour), {})[key] = cells
    for (name, hour), some in by_cell.items():
        part = Partial(some, {key: told.counts.samples[key] for key in some if key in told.counts.samples})
        id_ = f"{told.id}/{name}/{'no-time' if hour is None else rfc3339(hour)}"
        yield Resource(id_, COUNT, told.account, GLOBAL, {"Source": told.id, "Question": name, **plain(part)}, {}, looks)


def _hour(row: Row, rows: int) -> dict[str, Any]:
    told = {Proof.BROKEN: False, Proof.PROVEN: True, Proof.NOT_YET_DUE: True}
    complete = {"Complete": told[row.proof]} if row.proof in told else {}
    return {"From": rfc3339(row.start), "Until": rfc3339(row.end), "Proof": str(row.proof), "Why": list(row.why), "Rows": rows, **complete}


@dataclass
class Sources:
    """The log sources of an estate, and what was counted of them."""

    estate: Estate
    _known: dict[tuple[str, str], Partial] = field(default_factory=dict)

    def of(self, table: str) -> list[Resource]:
        return [one for one in self.estate.of(SOURCE) if one.data.get("Table") == table]

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables of which there are sources, or gaps where there should be one."""
        return frozenset(str(one.data.get("Table")) for one in self.estate.of(SOURCE))

    def counts(self, source: Resource, question: str) -> list[Partial] | None:
        """The counts of a question, hour by hour; None where it was not asked of this source, or not of each of its rows."""
        if question not in source.data.get("Questions", ()):
            return None
        found = [restore({"rows": {}, **one.data}) for one in self._counts.get((source.account, source.id, question), ())]
        counted = sum(tally.count for one in found for cells in one.cells.values() for tally in cells.values())
        return found if counted == source.data.get("Rows") else None

    @cached_property
    def _counts(self) -> dict[tuple[str, str, str], list[Resource]]:
        found: dict[tuple[str, str, str], list[Resource]] = {}
        for one in self.estate.of(COUNT):
            found.setdefault((one.account, str(one.data["Source"]), str(one.data["Question"])), []).append(one)
        return found


def coverage(estate: Estate) -> list[dict[str, Any]]:
    """What was read of logs, and of which hours it is known to be whole, as a report says it."""
    names = {
        "Table": "table", "Where": "where", "From": "from", "Until": "until", "Objects": "objects", "Rows": "rows",
        "RowsWithoutTime": "rows_without_time", "Completeness": "completeness",
    }  # fmt: skip
    return [
        {
            "id": one.id,
            "account": one.account,
            **{told: one.data[held] for held, told in names.items() if held in one.data},
            "hours": [
                {"from": hour["From"], "until": hour["Until"], "proof": hour["Proof"], "why": hour["Why"], "rows": hour.get("Rows", 0)}
                for hour in one.data.get("Hours", ())
            ],
        }
        for one in estate.of(SOURCE)
    ]


def unproven_hours(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The hours of a source of which it is not shown that every row is there; an hour that is not due yet is none of them."""
    return [one for one in data.get("Hours", ()) if one["Proof"] not in {Proof.PROVEN, Proof.NOT_YET_DUE}]


def proven_hours(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in data.get("Hours", ()) if one["Proof"] == Proof.PROVEN]


def doubted(data: Mapping[str, Any]) -> str:
    """How many hours of a source are not proven to be complete, and why the first of them is not; empty where all are."""
    lacking = unproven_hours(data)
    if not lacking:
        return "" if proven_hours(data) else "no hour of it is proven to be complete"
    some = f"{len(lacking):,} of {len(data['Hours']):,} hours are" if len(lacking) > 1 else "an hour is"
    return f"{some} not proven to be complete, first that of {lacking[0]['From']}: {'; '.join(lacking[0]['Why'])}"
