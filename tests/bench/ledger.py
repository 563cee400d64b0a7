"""A ledger of 1,000 runs with 10,000 findings each: its size, what recording a run costs, and how long history takes to tell.

    python -m tests.bench.ledger [--runs 1000] [--findings 10000] [--url URL]

Of every run, one finding in a hundred changes. The peer is the plainest store there is, measured in the same run: each run's
findings as a compressed JSON file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from agent.ledger.history import History
from agent.ledger.ledger import Ledger
from agent.ledger.run_record import Run
from checks.model import digest
from tests.ledger.runs import append, at, begin, record, run, verified

LIMIT_HISTORY = 0.2
"""Seconds that a question about history may take."""


def runs(count: int, findings: int) -> Iterator[tuple[Run, list[dict[str, Any]]]]:
    """Runs an hour apart, over the same findings."""
    rng = random.Random(1)
    held = [record(f"vol-{number:05}", "upheld") for number in range(findings)]
    for hour in range(count):
        for number in rng.sample(range(findings), max(findings // 100, 1)) if hour else ():
            was = held[number]["verdict"]
            held[number] = record(f"vol-{number:05}", "broken" if was == "upheld" else "upheld", "" if was == "broken" else "c1")
        now = list(held)
        yield replace(run(hour, {"vol-x": "upheld"}), id=digest("bench", hour), findings=lambda now=now: iter(now)), now


def _asked(ledger: Ledger, now: str, ask: Callable[[History], Any]) -> tuple[float, float]:
    """How long a question takes the first time, and at best: the machine may have other things to do. Each on a connection of its own,
    which knows nothing of the database yet."""
    took = []
    for _ in range(5):
        with ledger.database.reading() as connection:
            told = History(connection, now)
            took.append(_timed(partial(ask, told)))
    return took[0], min(took)


def _timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--url")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder, plain = Path(text), 0
        ledger, signer = begin(folder, options.url)
        cpu, wall = time.process_time(), time.perf_counter()
        spent = 0.0
        for one, held in runs(options.runs, options.findings):
            began = time.process_time()
            append(ledger, signer, one)
            spent += time.process_time() - began
            if int(one.finished[11:13]) == 0:  # one run a day stands for all of them
                plain += len(gzip.compress(json.dumps(held).encode(), 6)) * 24
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(
            f"{options.runs} runs of {options.findings} findings, 1 % of them changing: {size / 1e6:.0f} MB, {spent / options.runs:.2f} CPU s a run"
        )
        print(f"as a compressed JSON file for each run: {plain / 1e6:.0f} MB, {plain / size:.1f} times as much")
        slowest = 0.0
        since = at(options.runs - 24)
        for name, ask in {
            "all promises": lambda told: told.promises(),
            "all changes of a day": lambda told: list(told.turns(since=since)),
            "one promise's changes of a day": lambda told: list(told.turns(since=since, promise="at-rest")),
            "one finding": lambda told: list(told.turns(finding=told.finding(digest("vol-00007")).number)),
            "counts": lambda told: told.counts(),
        }.items():
            first, best = _asked(ledger, at(options.runs), ask)
            slowest = max(slowest, best)
            print(f"history of {name}: {first * 1000:.0f} ms the first time, {best * 1000:.0f} ms (limit {LIMIT_HISTORY * 1000:.0f})")
        began = time.process_time()
        found = verified(ledger, signer)
        print(f"verified, every row: {time.process_time() - began:.1f} CPU s, {len(found.problems)} problems")
        print(f"all of it: {time.process_time() - cpu:.0f} CPU s, {time.perf_counter() - wall:.0f} s")
    return 1 if found.problems or slowest > LIMIT_HISTORY else 0


if __name__ == "__main__":
    sys.exit(main())
