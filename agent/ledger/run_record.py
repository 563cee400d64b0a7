"""What a run leaves in the ledger: one record of canonical JSON, from which everything else can be told again.

A record holds in full only the findings that are not as the ledger knows them; of all others, by number, that they were seen. So a
thousand runs that see the same cost little more than one, and each of them can be put together again from the records before it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import rfc8785

from checks import seal
from checks.lifecycle import USUAL, Ending, Known, Seen, Status, Told
from checks.model import Subject, digest
from checks.verdict import Verdict

SCHEMA: Final = "upheld.run/1"
_EXACT: Final = 2**53 - 1
"""The largest whole number that canonical JSON can hold (RFC 8785, 3.2.2.3; RFC 7493, 2.2)."""

_MOST: Final = 1 << 30
"""How large a record may be, in bytes."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is to be recorded. `told` is of the run as a whole and goes into the record as it is."""

    id: str
    finished: str
    verdict: str | None
    promises: Sequence[Mapping[str, Any]]
    """Of each promise: id, verdict, open, lacks."""
    coverage: Sequence[Mapping[str, Any]]
    told: Mapping[str, Any]
    findings: Callable[[], Iterator[dict[str, Any]]]
    """The findings as the JSON report has them, as often as they are asked for."""
    absent: Callable[[Known], Ending | None]
    """What became of a finding that the run did not make; None where it did not look."""
    partial: bool = False
    """Whether it asked for some of the promises only."""
    live: bool = False
    """Whether the world was read just now: its time is then whatever the clock says, also where that was set back."""
    age: Callable[[str], int] = lambda _: USUAL
    """How long it counts that a finding of a rule was seen, in seconds."""
    part: str = ""
    """The part of the configuration that it is of, where several agents share the ledger."""
    looked: Mapping[str, str] = field(default_factory=dict)
    """Finding -> of when the oldest look is that it rests on, for those that earlier looks are behind."""


def seen(record: Mapping[str, Any], known: Mapping[str, Known], age: int, *, partial: bool, looked: str | None = None) -> Seen:
    """A finding as the lifecycle needs it. A partial run does not unsay that other promises ask for the finding, too."""
    promises = set(record["promises"])
    if partial and (held := known.get(record["id"])) is not None:
        promises |= set(held.promises)
    kept = tuple(sorted(promises))
    counterexample, accepted = str(record["evidence"].get("counterexample", "")), sealable(record.get("accepted"))
    explanation, subject = sealable(record["explanation"]), Subject(**sealable(record["resource"]))
    told = digest(record["verdict"], record["severity"], kept, counterexample, accepted, explanation, record.get("other_reading"))
    return Seen(
        record["id"], record["rule"], record["severity"], subject, kept, Verdict(record["verdict"]), counterexample, accepted, explanation,
        told, age, looked,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a run is recorded: in which ledger, as which run, when; and what is kept of what was collected."""

    ledger: str
    number: int
    recorded: str
    evidence: Mapping[str, Any]


def compose(run: Run, entry: Entry, told: Told, before: str, after: str) -> dict[str, Any]:
    """The record of a run, of which `told` is what is new. `before` and `after`: digests of how all findings stand."""
    wanted = {held.id for held in told.observed.values()}
    full = {one["id"]: one for one in run.findings() if one["id"] in wanted} if wanted else {}
    return {
        "schema": SCHEMA,
        "ledger": entry.ledger,
        "number": entry.number,
        "id": run.id,
        "finished": run.finished,
        "recorded": entry.recorded,
        "verdict": run.verdict,
        "partial": run.partial,
        "part": run.part,
        "state": {"before": before, "after": after},
        "run": run.told,
        "promises": list(run.promises),
        "coverage": list(run.coverage),
        "evidence": entry.evidence,
        "observed": [
            {
                "number": one, "digest": held.digest, "age": held.age, "finding": {**full[held.id], "promises": list(held.promises)},
                **({} if held.looked is None else {"looked": held.looked}),
            }
            for one, held in sorted(told.observed.items())
        ],
        "endings": [
            {"number": one, "status": ending.status, "cause": ending.cause} for one, ending in sorted(told.endings.items())
        ],
        "seen": [list(one) for one in told.seen],
    }  # fmt: skip


def told(record: Mapping[str, Any]) -> Told:
    """What is new in a record, the opposite of `compose`. Raises KeyError, TypeError and ValueError for what is none."""
    observed = {}
    for one in record["observed"]:
        held = seen(one["finding"], {}, int(one.get("age", USUAL)), partial=False, looked=one.get("looked"))
        if held.digest != one["digest"]:
            raise ValueError(f"the digest of the finding {held.id} is another")
        observed[int(one["number"])] = held
    endings = {int(one["number"]): Ending(Status(one["status"]), one["cause"]) for one in record["endings"]}
    return Told(observed, endings, [(int(first), int(last)) for first, last in record["seen"]], str(record.get("part", "")))


def pack(record: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """A record's bytes as they are stored, and the leaf that seals them."""
    canonical = rfc8785.dumps(sealable(record))
    return zlib.compress(canonical, 6), seal.leaf(canonical)


def unpack(stored: bytes) -> tuple[dict[str, Any], bytes]:
    """A stored record, and its leaf. Raises ValueError where it is damaged."""
    text, leaf = unpacked(stored)
    return read(text), leaf


def unpacked(stored: bytes) -> tuple[bytes, bytes]:
    """The canonical JSON of a stored record, and its leaf. Raises ValueError where it is damaged."""
    packed = zlib.decompressobj()
    try:
        canonical = packed.decompress(stored, _MOST)
    except zlib.error as error:
        raise ValueError("it is damaged") from error
    if not packed.eof or packed.unused_data:
        raise ValueError("it is damaged at its end")
    return canonical, seal.leaf(canonical)


def read(canonical: bytes) -> dict[str, Any]:
    """Raises ValueError for what is no record."""
    record = orjson.loads(canonical)
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise ValueError(f"it is not of schema {SCHEMA}")
    return record


def sealable(value: Any) -> Any:
    """A value that canonical JSON and every database can hold: numbers that they cannot hold exactly as text, and text that is no
    Unicode, or has a null character, escaped."""
    match value:
        case bool() | None:
            return value
        case str():
            plain = str(value).replace("\0", "\\x00")  # which no text column of PostgreSQL holds
            return plain if plain.isascii() else plain.encode("utf-8", "backslashreplace").decode("utf-8")
        case int():
            return value if abs(value) <= _EXACT else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {sealable(str(name)): sealable(held) for name, held in value.items()}
        case list() | tuple():
            return [sealable(held) for held in value]
    return str(value)


def moment(text: str) -> str:
    """A time in the one form in which times compare as text. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    return (parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
