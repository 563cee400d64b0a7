"""A time line of what is known, cut into clock hours: proven, broken, not yet due, or cannot tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

HOUR: Final = timedelta(hours=1)


class Proof(StrEnum):
    """What is known of an hour. Not yet due is neutral: nobody could know more."""

    PROVEN = "proven"
    NOT_YET_DUE = "not-yet-due"
    CANNOT_TELL = "cannot-tell"
    BROKEN = "broken"


_WEIGHT = {proof: weight for weight, proof in enumerate(Proof)}


def worst(proofs: Iterable[Proof]) -> Proof:
    """Broken over cannot tell over not yet due over proven; of nothing, nothing can be told."""
    return max(proofs, key=_WEIGHT.__getitem__, default=Proof.CANNOT_TELL)


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What one thing shows about a span of time, `start` up to and without `end`."""

    start: datetime
    end: datetime
    proof: Proof
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A clock hour, or what of it lies in the window."""

    start: datetime
    end: datetime
    proof: Proof
    why: tuple[str, ...]


def rows(claims: Sequence[Claim], start: datetime, end: datetime) -> Iterator[Row]:
    """Every clock hour of a window. An hour is proven only if proven claims cover it from end to end and none says otherwise."""
    by_hour: dict[datetime, list[Claim]] = {}
    for claim in sorted(claims):
        at = _hour(max(claim.start, start))
        while at < min(claim.end, end):
            by_hour.setdefault(at, []).append(claim)
            at += HOUR
    at = _hour(start)
    while at < end:
        yield _row(max(at, start), min(at + HOUR, end), by_hour.get(at, ()))
        at += HOUR


def _row(start: datetime, end: datetime, claims: Sequence[Claim]) -> Row:
    proofs = [claim.proof for claim in claims]
    why = [claim.why for claim in claims if claim.proof is not Proof.PROVEN]
    if any(uncovered(claims, start, end)):
        proofs.append(Proof.CANNOT_TELL)
        why.append("nothing covers the whole of it")
    proof = worst(proofs)
    return Row(start, end, proof, () if proof is Proof.PROVEN else tuple(dict.fromkeys(why)))


def uncovered(claims: Iterable[Claim], start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """What of a window no claim covers."""
    at = start
    for claim in sorted(claims):
        if claim.start > at:
            yield at, min(claim.start, end)
        at = max(at, claim.end)
        if at >= end:
            return
    yield at, end


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
