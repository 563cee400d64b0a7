"""What reading logs costs, beside the limit (isal's gunzip), DuckDB's own readers and pandas, on the same files in the same run.

    python -m tests.bench.logs [--megabytes 300] [--repeat 2] [--formats cloudtrail vpc_flow alb] [--no-digests]

Each way is a process of its own (`logs_ways.py`) and has to give the same answer. CPU is user and system, the least of the
runs, less what the same process needs for one tiny file (imports above all), which stands beside it. Memory is the peak of the whole process.
Then one CloudTrail file of 200 MB, and digests (`logs_digests.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.bench.measure import run, table

ROOT: Final = Path(__file__).parents[2]
WAYS: Final = {
    "cloudtrail": ("gunzip", "upheld-three", "upheld-whole", "duckdb-three", "pandas-three"),
    "vpc_flow": ("gunzip", "upheld-three", "upheld-whole", "duckdb-three", "duckdb-whole", "pandas-three", "pandas-whole"),
    "alb": ("gunzip", "upheld-three", "upheld-whole", "duckdb-three", "duckdb-whole", "pandas-three", "pandas-whole"),
}
LIMITS: Final = {
    ("cloudtrail", "upheld-three"): 3, ("cloudtrail", "upheld-whole"): 8, ("vpc_flow", "upheld-whole"): 3, ("alb", "upheld-whole"): 3,
}  # fmt: skip
"""How many times the CPU of gunzip is aimed at."""
LESS_THAN_DUCKDB, PEAK_MB, FASTER_THAN_AWSCLI = 5, 300, 5
SLOW: Final = ("duckdb", "pandas")
"""Peers that take so long that they run once."""


@dataclass(frozen=True, slots=True)
class Read:
    """One way on one format; `cpu` in seconds without `startup`; `answer` is what the question came to."""

    way: str
    cpu: float
    startup: float
    peak: float
    answer: dict[str, Any]


def made(folder: Path, format_: str, size: int, *, one: int = 0) -> int:
    """Files of a format, made in a process of its own; bytes before compression."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.bench.logs_data", format_, str(folder), str(size), str(one)]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)


def read(way: str, format_: str, folder: Path, tiny: Path, scratch: Path, repeat: int) -> Read:
    startup, _, _ = _cost(way, format_, tiny, scratch, repeat)
    cpu, peak, answer = _cost(way, format_, folder, scratch, 1 if way.startswith(SLOW) else repeat)
    return Read(way, cpu - startup, startup, peak, answer)


def _cost(way: str, format_: str, folder: Path, scratch: Path, repeat: int) -> tuple[float, float, dict[str, Any]]:
    """(CPU seconds, peak MB, the answer)."""
    command = [sys.executable, "-m", "tests.bench.logs_ways", format_, way, folder]
    costs = [run(command, folder=scratch, environment={"PYTHONPATH": str(ROOT)}) for _ in range(repeat)]
    if any(one.exit_code for one in costs):
        sys.exit(f"{way} failed: {(scratch / 'stderr').read_text()[-2000:]}")
    return min(one.cpu for one in costs), max(one.peak for one in costs), json.loads((scratch / "stdout").read_text())


def compared(format_: str, scratch: Path, size: int, repeat: int) -> list[str]:
    """Prints the table of a format; what is missed of its aims."""
    folder, tiny = scratch / format_, scratch / f"{format_}-tiny"
    held = made(folder, format_, size)
    made(tiny, format_, 100_000, one=100_000)
    packed = sum(file.stat().st_size for file in folder.iterdir())
    print(
        f"\n{format_}: {held / 1e6:.0f} MB, {packed / 1e6:.0f} MB compressed, {len(list(folder.iterdir()))} files, load {os.getloadavg()[0]:.1f}"
    )
    found = {way: read(way, format_, folder, tiny, scratch, repeat) for way in WAYS[format_]}
    limit = found["gunzip"].cpu
    lines = [["way", "CPU s", "times gunzip", "MB/s", "startup s", "peak MB"]]
    lines += [
        [way, f"{one.cpu:.2f}", f"{one.cpu / limit:.1f}", f"{held / one.cpu / 1e6:.0f}", f"{one.startup:.2f}", f"{one.peak:.0f}"]
        for way, one in found.items()
    ]
    print(table(lines), flush=True)
    answers = [one.answer for way, one in found.items() if way == "upheld-whole" or way.endswith("-three")]
    if any(one != answers[0] for one in answers):
        sys.exit(f"{format_}: they do not agree")
    return list(_missed(format_, found))


def _missed(format_: str, found: dict[str, Read]) -> Sequence[str]:
    missed = []
    for way, one in found.items():
        times, aim = one.cpu / found["gunzip"].cpu, LIMITS.get((format_, way))
        if aim and times > aim:
            missed.append(f"{format_}, {way}: {times:.1f} times gunzip, aim {aim}")
        if way.startswith("upheld") and one.peak > PEAK_MB:
            missed.append(f"{format_}, {way}: {one.peak:.0f} MB, aim {PEAK_MB}")
    less = found["duckdb-three"].cpu / found["upheld-three"].cpu
    print(f"DuckDB takes {less:.1f} times as long as upheld for the same question")
    if format_ == "cloudtrail" and less < LESS_THAN_DUCKDB:
        missed.append(f"cloudtrail: DuckDB takes {less:.1f} times as long, aim {LESS_THAN_DUCKDB}")
    return missed


def single(scratch: Path) -> list[str]:
    """One file of 200 MB, which must not be held as a whole."""
    folder = scratch / "single"
    made(folder, "cloudtrail", 200_000_000, one=200_000_000)
    missed = []
    for way in ("upheld-three", "upheld-whole"):
        cpu, peak, _ = _cost(way, "cloudtrail", folder, scratch, 1)
        print(f"one CloudTrail file of 200 MB, {way}: {cpu:.1f} CPU s, peak {peak:.0f} MB")
        if peak > PEAK_MB:
            missed.append(f"one file of 200 MB, {way}: {peak:.0f} MB, aim {PEAK_MB}")
    return missed


def digests() -> list[str]:
    command = [sys.executable, "-m", "tests.bench.logs_digests"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)
    faster = found["awscli"]["wall"] / found["upheld"]["wall"]
    print(f"\ndigests: {found['files']} files, {found['bytes'] / 1e6:.0f} MB, GETs that take {found['latency'] * 1000:.0f} ms")
    lines: list[list[object]] = [["way", "wall s", "files/s", "CPU s"]]
    for way in ("awscli", "upheld"):
        one = found[way]
        lines.append([way, f"{one['wall']:.1f}", f"{found['files'] / one['wall']:.0f}", f"{one['cpu']:.1f}"])
    print(table(lines))
    print(f"upheld is {faster:.1f} times as fast")
    return [f"digests: {faster:.1f} times awscli's rate, aim {FASTER_THAN_AWSCLI}"] if faster < FASTER_THAN_AWSCLI else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--formats", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--no-digests", action="store_true")
    asked = parser.parse_args()
    missed: list[str] = []
    with TemporaryDirectory(prefix="bench-") as scratch:
        for format_ in asked.formats:
            missed += compared(format_, Path(scratch), asked.megabytes * 1_000_000, asked.repeat)
        if "cloudtrail" in asked.formats:
            missed += single(Path(scratch))
    if not asked.no_digests:
        missed += digests()
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
