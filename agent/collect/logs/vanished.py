"""Objects that were read in an earlier run and are not there any more: what they held is missing, though nothing else says so.

A log file that is rotated, compressed or written on is still there: the same contents under another name, or at least as many rows of
each hour. What is deleted, or cut, is not. It stays known for as long as its rows are in the window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from agent.collect.logs.memory import LogMemory
from agent.collect.logs.objects import LogObject, LogStore
from checks.logs.object_read import ObjectRead

_ROTATED: Final = re.compile(r"(?:\.[0-9]{1,4}|[-.]20[0-9]{6}(?:[0-9]{2})?)?(?:\.gz)?$")
"""What logrotate puts behind a name (logrotate(8), `rotate`, `dateext`, `compress`)."""


def vanished(memory: LogMemory, id_: str, store: LogStore, listed: Sequence[LogObject], start: datetime) -> Iterator[ObjectRead]:
    """What objects came to that a source had, with rows since `start`, and has no more. `listed`: all that it has and was read.

    All other that it has no more is forgotten.
    """
    there = [(one.name, one.version) for one in listed]
    orphans = memory.orphans(id_, there)
    if not orphans:
        return
    wanted = {_stem(read.name) for _, read in orphans}, {read.sha256 for _, read in orphans}
    held = [read for read in memory.reads(id_, there) if _stem(read.name) in wanted[0] or read.sha256 in wanted[1]]
    gone = []
    for version, read in orphans:
        if store.holds(read.name) and _since(read, start) and not any(_is_in(read, other, start) for other in held):
            yield read
        else:
            gone.append((read.name, version))
    memory.forget(id_, gone)


def _stem(name: str) -> str:
    return _ROTATED.sub("", name)


def _since(read: ObjectRead, start: datetime) -> Mapping[datetime | None, int]:
    return {hour: count for hour, count in read.rows.items() if hour is None or hour >= start}


def _is_in(read: ObjectRead, other: ObjectRead, start: datetime) -> bool:
    """Whether the other object holds what this one held."""
    if read.sha256 is not None and read.sha256 == other.sha256:
        return True
    return _stem(read.name) == _stem(other.name) and all(other.rows.get(hour, 0) >= count for hour, count in _since(read, start).items())
