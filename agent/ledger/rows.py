"""What the tables say of a run, made from its record alone: so it is written, and so it is verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from agent.ledger import tables
from checks.lifecycle import Change, Known, Status, Told, Transition
from checks.model import Subject


def of_finding(known: Known) -> dict[str, Any]:
    subject = known.resource
    return {
        "number": known.number,
        "id": known.id,
        "rule": known.rule,
        "severity": known.severity,
        "type": subject.type,
        "resource": subject.id,
        "account": subject.account,
        "region": subject.region,
        "promises": " ".join(known.promises),
        "status": str(known.status),
        "cause": known.cause,
        "counterexample": known.counterexample,
        "accepted": known.accepted,
        "digest": known.digest,
        "first_seen": known.first_seen,
        "last_seen": known.last_seen,
        "since": known.since,
        "opened": known.opened,
        "repaired": known.repaired,
        "openings": known.openings,
        "age": known.age,
        "part": known.part,
    }


def finding(row: Sequence[Any]) -> Known:
    """The opposite, of the columns in their order."""
    number, id_, rule, severity, type_, resource, account, region, promises, status, *rest = row
    return Known(number, id_, rule, severity, Subject(type_, resource, account, region), tuple(promises.split()), Status(status), *rest)


def run(record: Mapping[str, Any], stored: bytes, leaf: bytes) -> dict[str, Any]:
    """The row of a run, whose record is stored as those bytes."""
    told = {name: record[name] for name in ("number", "id", "finished", "verdict")}
    return {**told, "record": stored, "leaf": leaf, "part": record.get("part", "")}


def blob(value: Any) -> bytes:
    """The bytes of a column. Raises TypeError for what somebody put in their place: `bytes` would make of a number as many."""
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    raise TypeError(f"{type(value).__name__} in the place of bytes")


def observations(number: int, told: Told) -> list[dict[str, Any]]:
    return [
        {"run": number, "finding": one, "verdict": str(held.verdict), "digest": held.digest} for one, held in sorted(told.observed.items())
    ]


def transitions(number: int, made: Iterable[Transition]) -> list[dict[str, Any]]:
    return [
        {
            "run": number, "finding": one.number, "before": one.before and str(one.before), "after": str(one.after),
            "change": str(one.change), "cause": one.cause, "at": one.at,
        }
        for one in made
    ]  # fmt: skip


def transition(row: Any, id_: str) -> Transition:
    """The opposite, of the finding of that id."""
    before = None if row.before is None else Status(row.before)
    return Transition(row.finding, id_, before, Status(row.after), Change(row.change), row.cause, row.at)


def promises(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "run": record["number"], "promise": one["id"], "verdict": one["verdict"], "open": one["open"], "at": record["finished"],
            "until": one.get("until"), "part": record.get("part", ""),
        }
        for one in record["promises"]
    ]  # fmt: skip


def coverage(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"run": record["number"], **one} for one in record["coverage"]]


def values(known: Known) -> list[Any]:
    """A finding's row without the names of its columns."""
    return list(of_finding(known).values())


LAST_SEEN: Final = [column.name for column in tables.findings.columns].index("last_seen")


def state(held: Iterable[Sequence[Any]]) -> str:
    """SHA-256 over how findings stand, as `values` gives them, in their order: what a run is held against is sealed with the run before
    it."""
    return hashlib.sha256(orjson.dumps(list(map(list, held)))).hexdigest()
