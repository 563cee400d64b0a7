"""The scan for personal data over clean logs: MB of text per CPU second, beside what merely counts bytes and the standard library's re.

    python -m tests.bench.personal [--mb 32]

The texts are drawn like those of an access log and of CloudTrail; nothing is in them, so that all of it is gate, decoding and
rows. The ratios are of the same run on the same text: the load of a machine moves both sides.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pyarrow as pa

from checks.logs.personal.patterns import PATTERNS
from checks.logs.personal.scan import Scanner
from checks.logs.rows import to_arrow
from checks.logs.table import Table
from checks.logs.tables.alb import ALB
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from tests.bench.measure import table
from tests.checks.logs.personal.corpus import drawn

LIMIT = 60
"""MB per CPU second."""
DRAWN = 20_000
AGENTS = [text for text in drawn(2000) if text.startswith("Mozilla")]
OTHER = 2_000_000
"""Bytes that the standard library is given: it takes its time."""


def rows(kind: Table, mb: int) -> pa.Table:
    """So many MB of free text, in the kind's rows."""
    chance = Random(4711)
    texts = [text for text in drawn(DRAWN) if text.startswith("{" if kind is CLOUDTRAIL else "/")]
    column = "request" if kind is CLOUDTRAIL else "path"
    one = to_arrow(kind, [{"line": line, column: text, "user_agent": chance.choice(AGENTS)} for line, text in enumerate(texts)])
    size = sum(map(len, texts)) + one["user_agent"].nbytes
    return pa.concat_tables([one] * (mb * 1_000_000 // size + 1)).combine_chunks()


def texts_of(kind: Table, held: Any) -> bytes:
    free = [column.name for column in kind.columns if column.care == "free"]
    return "\n".join(text for name in free for text in held[name].to_pylist() if text is not None).encode()


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measured(kind: Table, mb: int) -> tuple[float, list[Sequence[object]]]:
    """The rate of the scan, and a line of the report for each peer."""
    held = rows(kind, mb)
    text = texts_of(kind, held)
    size, part = len(text) / 1e6, text[:OTHER]
    scanner = Scanner(b"a key that is as long as it must")
    batches = held.to_batches(max_chunksize=65_536)
    assert not any(scanner.scan(kind, batch).hits for batch in batches[:1])
    rate = size / cpu(lambda: [scanner.scan(kind, batch) for batch in batches])
    expressions = [re.compile(pattern.regex) for pattern in PATTERNS]
    peers = {
        "bytes.count(b'@')": size / cpu(lambda: text.count(b"@")),
        "stdlib re, each pattern": len(part) / 1e6 / cpu(lambda: [sum(1 for _ in one.finditer(part)) for one in expressions]),
    }
    lines: list[Sequence[object]] = [(kind.name, "scan", size, rate, 1.0)]
    return rate, lines + [(kind.name, name, size, peer, peer / rate) for name, peer in peers.items()]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mb", type=int, default=32)
    options = parser.parse_args()
    marker = cpu(lambda: Scanner(b"a key that is as long as it must"))
    report: list[Sequence[object]] = [("table", "what", "MB", "MB per CPU s", "to the scan")]
    slowest = float("inf")
    for kind in (ALB, CLOUDTRAIL):
        rate, lines = measured(kind, options.mb)
        slowest = min(slowest, rate)
        report += lines
    print(table(report))
    print(
        f"{len(PATTERNS)} patterns; a scanner is ready, its marker found, after {marker * 1000:.0f} ms of CPU; limit {LIMIT} MB per CPU s"
    )
    return 0 if slowest >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
