"""Every nth write, sync, opening and renaming of the ledger's files fails, for n = 1, 2, ... until none fails any more.

    python -m tests.ledger.io_errors [--most 200]

Whatever fails, the process ends with one clear line or goes on; what it acknowledged is there, and the ledger is whole. The kernel's
answers are given by strace (strace(1), -e inject).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.ledger.runs import append, begin, run, verified
from tests.ledger.writing import verdicts

ROOT = Path(__file__).parents[2]
FILES = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger-head.json")
CALLS = (
    ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("fdatasync", "EIO"), ("fsync", "EIO"), ("openat", "EIO"), ("ftruncate", "ENOSPC"),
    ("rename", "ENOSPC"), ("pread64", "EIO"),
)  # fmt: skip
ANYWHERE = frozenset({"fsync", "rename"})
"""Calls that only the ledger makes, on files whose names are not known before."""
RUNS, FINDINGS = 3, 60


def write(folder: Path, call: str, error: str, when: int) -> subprocess.CompletedProcess[str]:
    """A process that records runs, of whose calls on the ledger's files the nth fails."""
    traced = [part for name in FILES for part in ("-P", str(folder / name))] if call not in ANYWHERE else []
    command = [
        "strace", "-f", "-qqq", "-o", str(folder.with_suffix(".strace")), *traced, "-e", f"trace={call}", "-e",
        f"inject={call}:error={error}:when={when}", sys.executable, "-m", "tests.ledger.writing", str(folder), "--runs", str(RUNS),
        "--findings", str(FINDINGS),
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def problems(folder: Path, ended: subprocess.CompletedProcess[str]) -> Iterator[str]:
    """What is not as it must be after a process has ended."""
    acknowledged = ended.stdout.splitlines()
    if ended.returncode not in {0, 2} or "Traceback" in ended.stderr:
        yield f"exit code {ended.returncode}: {ended.stderr[-400:]}"
    if ended.returncode == 0 and len(acknowledged) != RUNS:
        yield f"it ended as done after {len(acknowledged)} runs"
    if ended.returncode == 2 and not ended.stderr.splitlines()[-1].startswith("upheld: "):
        yield f"no clear line: {ended.stderr[-400:]}"
    ledger, signer = begin(folder)
    ledger.ready(signer)
    found = verified(ledger, signer)
    yield from found.problems
    if found.runs < len(acknowledged):
        yield f"{len(acknowledged)} runs were acknowledged, and {found.runs} are there"
    append(ledger, signer, run(found.runs + 1, verdicts(found.runs + 1, FINDINGS)))
    yield from verified(ledger, signer).problems


def sweep(place: Path, calls: Sequence[tuple[str, str]], most: int, step: int = 1) -> tuple[dict[str, int], list[str]]:
    """How often each call was made to fail, and what was wrong."""
    tried: dict[str, int] = {}
    wrong: list[str] = []
    for call, error in calls:
        for when in range(1, most * step + 1, step):
            folder = place / f"{call}-{error}-{when}"
            folder.mkdir()
            ended = write(folder, call, error, when)
            wrong += [f"{call} {when} {error}: {problem}" for problem in problems(folder, ended)]
            if "INJECTED" not in folder.with_suffix(".strace").read_text(errors="replace"):
                break
            tried[f"{call} {error}"] = tried.get(f"{call} {error}", 0) + 1
    return tried, wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tried, wrong = sweep(Path(folder), CALLS, options.most)
    for name, count in tried.items():
        print(f"{count:6} {name}")
    print(f"{sum(tried.values())} calls failed, {len(wrong)} problems")
    for one in wrong:
        print(f"  {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
