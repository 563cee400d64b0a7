"""A process that records runs is killed at random moments; every run that it acknowledged must be there, whole, once.

    python -m tests.ledger.kills [--kills 1000] [--seed 3]

After each kill another process goes on with the same ledger. Runs that were not acknowledged may be there, whole, or not at all.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from agent.ledger import tables
from tests.ledger.runs import begin, run, verified
from tests.ledger.writing import verdicts

ROOT = Path(__file__).parents[2]


@dataclass
class Tally:
    """What the harness saw; `problems` where anything is not as it must be."""

    kills: int = 0
    acknowledged: dict[int, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@contextmanager
def writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.ledger.writing", str(folder), "--runs", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def harness(kills: int, seed: int, folder: Path) -> Tally:
    """Kill writers, and hold the ledger against what they acknowledged. After so many runs a new ledger is begun."""
    rng, tally, number = random.Random(seed), Tally(), 0
    while tally.kills < kills:
        place = folder / str(number)
        place.mkdir()
        acknowledged: dict[int, str] = {}
        while tally.kills < kills and len(acknowledged) < 200:
            _kill(place, rng, acknowledged, tally)
        _check(place, acknowledged, tally)
        number += 1
    return tally


def _kill(place: Path, rng: random.Random, acknowledged: dict[int, str], tally: Tally) -> None:
    """One writer, killed from before its first run on up to 0.3 s after it."""
    with writer(place) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline() if rng.random() < 0.9 else ""
        timer = threading.Timer(rng.random() * (0.3 if first else 0.6), process.send_signal, [signal.SIGKILL])
        timer.start()
        lines = [first, *process.stdout]
        timer.join()
        if said := process.stderr.read():
            tally.problems.append(said)
    tally.kills += 1
    for line in lines:
        if line.endswith("\n"):
            number, id_, _ = line.split()
            if int(number) in acknowledged:
                tally.problems.append(f"run {number} was acknowledged twice")
            acknowledged[int(number)] = id_


def _check(place: Path, acknowledged: dict[int, str], tally: Tally) -> None:
    ledger, signer = begin(place)
    if not ledger.database.file or not ledger.database.file.exists():
        tally.problems += [f"{place}: no ledger, and {len(acknowledged)} runs acknowledged"] if acknowledged else []
        return
    ledger.ready(signer)
    with ledger.database.reading() as connection:
        held = {row.number: row.id for row in connection.execute(select(tables.runs.c.number, tables.runs.c.id))}
    for number, id_ in acknowledged.items():
        if held.get(number) != id_:
            tally.problems.append(f"run {number} was acknowledged and is not there")
    for number, id_ in held.items():
        if id_ != run(number, verdicts(number, 40)).id:
            tally.problems.append(f"run {number} is another")
    tally.problems += verified(ledger, signer).problems
    tally.acknowledged |= {len(tally.acknowledged) + index: id_ for index, id_ in enumerate(acknowledged.values())}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = harness(options.kills, options.seed, Path(folder))
    print(f"{tally.kills} kills (seed {options.seed}), {len(tally.acknowledged)} runs acknowledged, {len(tally.problems)} problems")
    for problem in tally.problems:
        print(f"  {problem}")
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
