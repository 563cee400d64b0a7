"""Whether a log is whole: of each hour of events, what is known of the rows that should be there.

Only a chain of digests proves an hour. All other delivery is best effort: an hour of it cannot be told, unless the
configuration says that the source is to be taken for complete, which is then an assumption and printed as one. What was
seen to be missing or unreadable counts against an hour whatever is assumed.

An event may be delivered in the hour after its own, so an hour of events is proven by two hours of delivery.
Sources: CloudTrail user guide, "How CloudTrail works" (events are delivered within about 5 minutes on average, which is
not guaranteed) and "CloudTrail digest file structure" (a digest every hour, also where nothing was logged); VPC user
guide, "Flow log records" (SKIPDATA: records were lost; a record for each capture window, NODATA where there was no
traffic); Amazon S3 user guide, "Logging requests with server access logging" and ELB user guide (best effort).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from checks.logs.hours import HOUR, Claim, Proof, Row, rows, worst
from checks.logs.trail import DUE, Problem, TrailReport

LAG: Final = HOUR
"""How long after its own hour an event may be delivered and still be looked for."""
_DELAYS: Final[Mapping[str, timedelta]] = {
    "log.cloudfront": timedelta(hours=24),
    "log.s3_access": timedelta(hours=6),
    "log.gcp_audit": timedelta(hours=4),
}
"""How late rows may be where that is later than of all else (DUE): CloudFront developer guide, "Standard logging" (entries can be delayed
by up to 24 hours); Amazon S3 User Guide, "Logging requests with server access logging" (most within a few hours); Cloud Logging, "View logs
routed to Cloud Storage" (hourly batches, the first after 2 to 3 hours)."""
PERIODIC: Final = frozenset({"log.vpc_flow", "log.azure_vnet_flow", "log.azure_nsg_flow"})
"""Tables of which there are rows in every hour, whether anything happens or not: an hour without any is a hole."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What an object that could not be read whole says against hours; `hours` is None where it may be of any. `lost`: rows are
    known to be missing, and not just unread."""

    object: str
    why: str
    hours: frozenset[datetime] | None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """What is known of a source's delivery. `trail`: its digests, where it has any; `regions`: those of which there must be a chain,
    None where nobody knows them; `unlisted`: why its objects could not all be listed; `seen`: the hours of which there are rows;
    `account`: the account of AWS whose trail it is said to be."""

    table: str
    trail: TrailReport | None
    regions: frozenset[str] | None
    unlisted: str
    doubts: Sequence[Doubt]
    seen: frozenset[datetime]
    assume: bool
    account: str = ""
    objects: int = 1
    """How many were read: that a source is complete can be assumed of one that is there."""


def hours(delivered: Delivered, start: datetime, until: datetime, now: datetime) -> tuple[Row, ...]:
    """Every clock hour of the window, `start` up to and without `until`; all times have a zone."""
    return tuple(rows(list(_claims(delivered, start, until, now)), start, until))


def _claims(delivered: Delivered, start: datetime, until: datetime, now: datetime) -> Iterator[Claim]:
    due = now - _DELAYS.get(delivered.table, DUE)
    for hour in _clock_hours(start, until):
        if hour + HOUR > due:
            yield Claim(hour, hour + HOUR, Proof.NOT_YET_DUE, "its rows may still be on their way")
        elif delivered.trail is not None:
            yield _by_digests(delivered.trail, delivered, hour)
        elif delivered.assume and not delivered.objects:
            yield Claim(hour, hour + HOUR, Proof.CANNOT_TELL, "no object was found, so there is nothing that could be complete")
        elif delivered.assume:
            yield Claim(hour, hour + HOUR, Proof.PROVEN)
        else:
            yield Claim(hour, hour + HOUR, Proof.CANNOT_TELL, f"nothing shows that all rows of {delivered.table} were delivered")
        if hour not in delivered.seen and delivered.table in PERIODIC and hour + HOUR <= due:
            yield Claim(hour, hour + HOUR, Proof.CANNOT_TELL, "there is no row of it, and there is one of every hour")
    if delivered.unlisted:
        yield Claim(start, until, Proof.CANNOT_TELL, f"not all objects could be listed: {delivered.unlisted}")
    for doubt in delivered.doubts:
        yield from _doubted(doubt, start, until)


def _by_digests(trail: TrailReport, delivered: Delivered, hour: datetime) -> Claim:
    """What the chains of all regions say of the deliveries in which an hour's events are."""
    found: list[Proof] = []
    why: list[str] = []
    for chain in trail.chains:
        covering = [row for row in chain.hours if row.end > hour and row.start < hour + HOUR + LAG]
        proof = worst(row.proof for row in covering)
        found.append(proof)
        if proof is not Proof.PROVEN:
            why += [f"{chain.chain}: {reason}" for row in covering if row.proof is proof for reason in row.why[:1]] or [str(chain.chain)]
    if not trail.chains:
        found.append(Proof.CANNOT_TELL)
        why.append("there is no digest")
    elif delivered.regions is None:
        found.append(Proof.CANNOT_TELL)
        why.append("which regions the account uses is not known, so a region without digests would not be missed")
    elif missing := sorted(delivered.regions - {one.chain.region for one in trail.chains if one.chain.account == delivered.account}):
        found.append(Proof.CANNOT_TELL)
        why.append(f"there is no digest of {', '.join(missing)} in account {delivered.account}")
    for problem in trail.problems:
        if problem.chain is None and _is_about(problem, hour):
            found.append(problem.proof)
            why.append(f"{problem.what} ({problem.file})")
    return Claim(hour, hour + HOUR, worst(found), "; ".join(dict.fromkeys(why)))


def _is_about(problem: Problem, hour: datetime) -> bool:
    """Whether a problem may be one of the deliveries in which an hour's events are; one without a time may be of any."""
    return problem.start is None or problem.end is None or (problem.end > hour and problem.start < hour + HOUR + LAG)


def _doubted(doubt: Doubt, start: datetime, until: datetime) -> Iterator[Claim]:
    proof = Proof.BROKEN if doubt.lost else Proof.CANNOT_TELL
    why = f"{doubt.why} ({doubt.object.encode('utf-8', 'backslashreplace').decode()})"  # a file's name need not be text
    if doubt.hours is None:
        yield Claim(start, until, Proof.CANNOT_TELL, why)
        return
    for hour in sorted(doubt.hours):
        yield Claim(hour, hour + HOUR, proof, why)


def _clock_hours(start: datetime, until: datetime) -> Iterable[datetime]:
    at = start.replace(minute=0, second=0, microsecond=0)
    while at < until:
        yield at
        at += timedelta(hours=1)
