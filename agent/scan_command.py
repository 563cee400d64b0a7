"""`upheld logs scan`: what log files hold, hour by hour, and what of them could not be read."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from agent.collect.log_files import files
from agent.collect.logs import FileRead, read_file
from agent.exits import UNPROVEN, UPHELD
from agent.publish.text import printable
from agent.terminal import Step

_MOST: Final = 20


@dataclass(slots=True)
class Source:
    """All files of one format. `doubtful` hours may have had more rows; `boundless` tells files that put every hour in doubt."""

    format: str
    files: int = 0
    rows: Counter[datetime | None] = field(default_factory=Counter)
    doubtful: set[datetime] = field(default_factory=set)
    boundless: int = 0

    def add(self, read: FileRead) -> None:
        self.files += 1
        self.rows.update(read.rows)
        self.doubt(read)

    def doubt(self, read: FileRead) -> None:
        hours = read.doubtful()
        if hours is None:
            self.boundless += 1
        else:
            self.doubtful |= hours

    def hours(self) -> list[datetime]:
        return sorted({hour for hour in self.rows if hour is not None} | self.doubtful)

    def certain(self, hour: datetime) -> bool:
        """Whether everything that the files hold of this hour was read."""
        return not self.boundless and hour not in self.doubtful


def scan(paths: Sequence[Path], format_: str, *, as_json: bool, progress: Step | None = None) -> int:
    """Read the files and print what is in them. Raises DocumentError."""
    wanted = list(files(paths))
    reads: list[FileRead] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for read in pool.map(lambda path: _read(path, format_), wanted):
            reads.append(read)
            if progress:
                progress(len(reads), len(wanted))
    if as_json:
        print(json.dumps(_record(reads), indent=2))
    else:
        for line in _lines(reads):
            print(printable(line))
    return UPHELD if any(read.count for read in reads) and all(read.whole for read in reads) else UNPROVEN


def _read(path: Path, format_: str) -> FileRead:
    found = FileRead(str(path))
    for _ in read_file(path, found, format_=format_):
        pass
    return found


def _sources(reads: Sequence[FileRead]) -> list[Source]:
    """By format. What cannot be told apart may be of any."""
    found: dict[str, Source] = {}
    for read in reads:
        if read.format is not None:
            found.setdefault(read.format, Source(read.format)).add(read)
    for read in reads:
        if read.format is None:
            for source in found.values():
                source.doubt(read)
    return [found[name] for name in sorted(found)]


def _record(reads: Sequence[FileRead]) -> dict[str, Any]:
    return {
        "schema": "upheld.log-scan/1",
        "sources": [
            {
                "format": source.format,
                "files": source.files,
                "rows": source.rows.total(),
                "rows_without_time": source.rows[None],
                "hours": [{"from": _stamp(hour), "rows": source.rows[hour], "all_read": source.certain(hour)} for hour in source.hours()],
            }
            for source in _sources(reads)
        ],
        "gaps": [gap for read in reads for gap in _gaps(read)],
    }


def _gaps(read: FileRead) -> Iterator[dict[str, Any]]:
    if read.unread is not None:
        yield {"file": read.path, "line": None, "kind": "unread", "what": read.unread, "count": 1, "lost": True}
    for kind, first in read.faults.first.items():
        one = first[0]
        lines = [fault.line for fault in first if fault.line is not None]
        yield {
            "file": read.path, "line": one.line, "kind": kind, "what": one.what, "count": read.faults.counts[kind], "lost": one.lost,
            "lines": lines,
        }  # fmt: skip


def _lines(reads: Sequence[FileRead]) -> Iterator[str]:
    for source in _sources(reads):
        yield f"{source.format}: {source.rows.total():,} rows in {source.files:,} files"
        for hour in source.hours():
            doubt = "" if source.certain(hour) else "  and what could not be read"
            yield f"  {_stamp(hour)}  {source.rows[hour]:>12,}{doubt}"
        if source.rows[None]:
            yield f"  without a time        {source.rows[None]:>12,}"
    gaps = [gap for read in reads for gap in _gaps(read)]
    for gap in gaps[:_MOST]:
        line = f":{gap['line']}" if gap["line"] is not None else ""
        times = f" ({gap['count']:,} times)" if gap["count"] > 1 else ""
        yield f"{'not read' if gap['lost'] else 'noticed'}: {gap['file']}{line}: {gap['what']}{times}"
    if len(gaps) > _MOST:
        yield f"and {len(gaps) - _MOST} more gaps (--format json lists them all)"
    if not any(read.count for read in reads):
        yield "nothing was read"


def _stamp(hour: datetime) -> str:
    return hour.strftime("%Y-%m-%dT%H:%M:%SZ")
