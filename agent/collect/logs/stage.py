"""The stage of a collection that reads logs: what each source holds of its window, counted, and of which hours it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

from agent.collect.estate import EstateWriter
from agent.collect.logs.cluster import FAILURES, Cluster, rows_file
from agent.collect.logs.counting import Counter, Question
from agent.collect.logs.memory import LogMemory
from agent.collect.logs.objects import LogObject, LogStore, Unlisted
from agent.collect.logs.pool import SMALL_WORK, count
from agent.collect.logs.reading import written
from agent.collect.logs.summing import Sum, personal_found
from agent.collect.logs.vanished import vanished
from checks.judge_rows import ASSUME
from checks.logs.completeness import Delivered, Doubt, hours
from checks.logs.formats.detect import DIGEST
from checks.logs.object_read import ObjectRead
from checks.logs.partial import Partial
from checks.logs.rows import rfc3339
from checks.logs.source import OBJECT, SOURCE, Told, resources
from checks.logs.trail import Held, TrailReport
from checks.model import GLOBAL, Gap, Look, Reason, Resource, digest

Progress = Callable[[int, int], None]
Examine = Callable[[Sequence[Held] | None, datetime, datetime], TrailReport]
"""The chain of digests beside the log files that were read, None where that was not done, over a window."""
AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class LogSource:
    """A source as it is to be read: `account` is that of a cloud, or ACCOUNT. `format` may be `auto`. `window` ends now; None for as far as
    the rows go.

    `regions`: those of which there must be a chain of digests, None where nobody knows.
    """

    id: str
    account: str
    format: str
    store: LogStore
    window: timedelta | None
    assume: bool = False
    asserted_by: str | None = None
    """Who says that no row is missing, where that is a person at a command line."""
    examine: Examine | None = None
    regions: frozenset[str] | None = None
    key: bytes | None = None
    """With a key, rows are scanned for personal data: what is found is told as hashes under it."""
    declared: str | None = None
    """The `log_format` of a web server, where its lines are not as usual."""
    cluster: Cluster | None = None
    """Who counts its rows, where that is not this machine."""


@dataclass(slots=True)
class _Seen:
    """What was seen of a source: its objects, by name, and those of them that there was no time for."""

    objects: list[LogObject] = field(default_factory=list)
    unlisted: Unlisted | None = None
    late: set[str] = field(default_factory=set)
    others: int = 0


def collect(
    source: LogSource, questions: Sequence[Question], memory: LogMemory, writer: EstateWriter, now: datetime, late: Callable[[], bool],
    progress: Progress | None = None, small: int = SMALL_WORK,
) -> None:  # fmt: skip
    """Read a source, and write what it came to. Nothing raises: what could not be looked at is a gap. `small`: as of `log_pool.count`."""
    start = None if source.window is None else (now - source.window).replace(minute=0, second=0, microsecond=0)
    seen = _read(source, tuple(questions), memory, start, now, late, progress, small)
    sums, unknown, held, hashed = _summed(source, seen, memory, writer, start, now)
    for read in _vanished(source, seen, memory, start):
        gone, of = _gone(read, start), sums.get((read.format or "") if source.format == AUTO else source.format)
        (unknown if of is None else of.doubts).append(gone)
        writer.add_gap(Gap(OBJECT, source.account, GLOBAL, read.name, None, Reason.VANISHED, "list", message=gone.why))
    trail = _examined(source, seen, held, start, now)
    for format_, found in sorted(sums.items()):
        failed = _elsewhere(source, format_, found, questions, held, now)
        found.doubts += unknown
        found.whole = found.whole and not unknown
        look = Look(
            digest(SOURCE, found.source), source.account, GLOBAL, SOURCE, "read", found.source, found.objects, found.objects,
            rfc3339(now), None, hashed,
        )  # fmt: skip
        writer.add_look(look)
        asked = () if failed else tuple(one.name for one in questions if one.table == f"log.{format_}")
        writer.add_resources(resources(_told(source, format_, found, seen, trail, asked, now), (look.id,)))
        if failed:
            writer.add_gap(Gap(SOURCE, source.account, GLOBAL, found.source, None, Reason.FAILED, "spark", message=failed))
        if seen.unlisted:
            writer.add_gap(_unlisted(source, found.source, seen.unlisted))
    if not sums:  # nothing tells which format the source is of
        what = Gap(
            SOURCE, source.account, GLOBAL, source.id, None, Reason.NOT_COLLECTED, "read", message="no object of a known format was read"
        )
        writer.add_gap(_unlisted(source, source.id, seen.unlisted) if seen.unlisted else what)
    for one in seen.objects:
        if one.name in seen.late:
            message = "the collection's time was up before it was read"
            writer.add_gap(Gap(OBJECT, source.account, GLOBAL, one.name, None, Reason.LATE, "read", message=message))


def _vanished(source: LogSource, seen: _Seen, memory: LogMemory, start: datetime | None) -> list[ObjectRead]:
    """What was read before and is missing now. Of a trail, its digests say what must be there; of half a listing, nothing is missing."""
    if seen.unlisted or start is None:
        return []
    there = [one for one in seen.objects if one.name not in seen.late]
    if source.examine is None:
        return list(vanished(memory, source.id, source.store, there, start))
    named = [(one.name, one.version) for one in there]
    memory.forget(source.id, [(read.name, version) for version, read in memory.orphans(source.id, named)])
    return []


def _gone(read: ObjectRead, start: datetime | None) -> Doubt:
    hours = frozenset(hour for hour in read.rows if hour is not None and (start is None or hour >= start))
    return Doubt(read.name, "it was read before, and what it held is not there any more", None if None in read.rows else hours)


def _examined(source: LogSource, seen: _Seen, held: Sequence[Held], start: datetime | None, now: datetime) -> TrailReport | None:
    """What the digests prove. A file that was not read is not one that is missing, and of an incomplete listing nothing is."""
    if source.examine is None or start is None:
        return None
    late = [Held(name, None, "there was no time to read it") for name in sorted(seen.late)]
    return source.examine(None if seen.unlisted else [*held, *late], start, now)


def _elsewhere(
    source: LogSource, format_: str, found: Sum, questions: Sequence[Question], held: Sequence[Held], now: datetime
) -> str:  # fmt: skip
    """Have the rows counted by a cluster, where the source has one; why that failed, where it did."""
    if source.cluster is None:
        return ""
    try:
        counted = source.cluster.count(found.source, f"log.{format_}", questions, [one.path for one in held], now)
    except FAILURES as error:
        found.elsewhere(Partial())
        return f"its rows were not counted: {error}"
    found.elsewhere(counted)
    return ""


def _read(
    source: LogSource, questions: tuple[Question, ...], memory: LogMemory, start: datetime | None, now: datetime, late: Callable[[], bool],
    progress: Progress | None, small: int,
) -> _Seen:  # fmt: skip
    """Every object of the window, read now or before. What is new is kept, some objects at a time."""
    seen = _Seen()
    try:
        for one in source.store.objects(start, now):
            if _is_another(source.format, one.name):
                seen.others += 1
            else:
                seen.objects.append(one)
    except Unlisted as error:
        seen.unlisted = error
    seen.objects.sort(key=lambda one: one.name)
    asked = digest(
        version("upheld"),  # another one may read otherwise
        source.format,
        source.declared,
        [one.name for one in questions],
        bool(source.cluster),
        source.key is not None and digest(source.key.hex()),
    )
    known = memory.known(source.id, asked)
    kept = source.cluster is None or {one.name for one in seen.objects if rows_file(source.cluster.folder, one.name).exists()}
    new = [one for one in seen.objects if (written(one.name), one.version) not in known or (kept is not True and one.name not in kept)]
    seen.late = {one.name for one in new}
    for some in count(_counter(source, questions, now), source.store, new, source.format, late=late, small=small):
        memory.keep(source.id, (("" if read.reason else asked, one.version, read) for one, read in some))
        seen.late.difference_update(one.name for one, _ in some)
        if progress:
            progress(len(new) - len(seen.late), len(new))
    if source.cluster is not None and not seen.unlisted:
        source.cluster.clear([one.name for one in seen.objects])
    return seen


def _counter(source: LogSource, questions: tuple[Question, ...], now: datetime) -> Counter:
    """Who reads the objects: with a cluster, it keeps of their rows what is asked about."""
    if source.cluster is None:
        return Counter(source.id, questions, now, source.key, source.declared)
    source.cluster.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Counter(source.id, questions, now, source.key, source.declared, partial(rows_file, source.cluster.folder))


def _is_another(format_: str, name: str) -> bool:
    """Whether an object stands where a trail's bucket has what is none of its log files: digests, and what other services write."""
    return format_ == "cloudtrail" and "AWSLogs/" in name and "/CloudTrail/" not in name


def _summed(
    source: LogSource, seen: _Seen, memory: LogMemory, writer: EstateWriter, start: datetime | None, now: datetime
) -> tuple[dict[str, Sum], list[Doubt], list[Held], str]:
    """By format; what objects of no known format say against hours; every object's hash, and the hash of all of them."""
    sums = {} if source.format == AUTO else {source.format: Sum(source.id, source.format, start, now)}
    unknown: list[Doubt] = [Doubt(name, "there was no time to read it", None) for name in sorted(seen.late)]
    held: list[Held] = []
    hashed = hashlib.sha256()
    there = [one for one in seen.objects if one.name not in seen.late]
    for one, read in zip(there, memory.reads(source.id, ((one.name, one.version) for one in there)), strict=True):
        hashed.update(f"{one.name}\t{one.version}\t{read.sha256}\n".encode("utf-8", "backslashreplace"))
        held.append(Held(one.name, read.sha256, read.unread or "", damaged=read.damaged))
        for gap in _gaps(source, read):
            writer.add_gap(gap)
        if read.format == DIGEST:
            continue
        writer.add_resources([_object(source, one, read)])
        if read.format is None:
            unknown += read.doubts()
        else:
            sums.setdefault(read.format, Sum(f"{source.id}/{read.format}", read.format, start, now)).add(read)
    return sums, unknown, held, hashed.hexdigest()


def _told(
    source: LogSource, format_: str, found: Sum, seen: _Seen, trail: TrailReport | None, asked: tuple[str, ...], now: datetime
) -> Told:
    table = f"log.{format_}"
    unlisted = seen.unlisted.what if seen.unlisted else ""
    start, until = found.window()
    doubts = [*found.doubts, *found.beyond(start), *found.sequences.holes()]
    delivered = Delivered(table, trail, source.regions, unlisted, doubts, found.hours, source.assume, source.account, found.objects)
    data = {
        "Format": format_,
        "Where": source.store.name,
        "From": rfc3339(start),
        "Until": rfc3339(until),
        "Completeness": ASSUME if source.assume else "prove",
        "Objects": found.objects,
        "ObjectsOfOthers": seen.others,
        **({"AssertedBy": source.asserted_by} if source.asserted_by else {}),
        **({"Whole": True} if found.whole and not unlisted and not seen.late else {}),
        **({"Personal": personal_found(found)} if source.key else {}),
    }
    return Told(found.source, source.account, table, data, hours(delivered, start, until, now), asked, found.counted(), found.rows)


def _object(source: LogSource, one: LogObject, read: ObjectRead) -> Resource:
    data = {"Source": source.id, "Version": one.version, "Size": one.size, "Sha256": read.sha256, "Rows": read.count}
    return Resource(one.name, OBJECT, source.account, GLOBAL, data, {}, ())


def _gaps(source: LogSource, read: ObjectRead) -> Iterator[Gap]:
    """What of an object was not read, one gap for each kind of fault."""
    at = (OBJECT, source.account, GLOBAL, read.name)
    if read.unread is not None:
        yield Gap(*at, None, read.reason or Reason.MALFORMED, "read", message=read.unread, action=read.action)
    for fault, number in read.faults:
        if fault.lost:
            where = None if fault.line is None else f"line {fault.line}"
            times = f" ({number:,} times)" if number > 1 else ""
            yield Gap(*at, where, Reason.MALFORMED, "read", fault.kind, f"{fault.what}{times}")


def _unlisted(source: LogSource, id_: str, error: Unlisted) -> Gap:
    failure = error.failure
    return Gap(
        SOURCE, source.account, GLOBAL, id_, None, failure.reason, error.call, failure.code or "", f"not all objects could be listed: {failure.message}",
        error.action,
    )  # fmt: skip
