"""Reading logs, killed at any point: `python -m tests.logs.kills [--kills 100]`.

A process reads a source with two others that count for it, into a memory on disk. It, or one of the two, is killed at a point
drawn anew each time; then it is run again, and killed again, until it is done. What it says in the end is what a run says that nobody disturbs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.collect.estate import read_estate
from checks.model import Estate
from tests.agent.collect.logs.stage import collected, source
from tests.agent.collect.logs.test_stage import NOW, RULE, login
from tests.world.processes import children
from tests.world.trails import HOUR, START, Trail

ROOT = Path(__file__).parents[2]
FILES = 320
AT_MOST = 3
"""Kills in one round: then it is left alone."""
WAIT = 300
READING = "import sys; from pathlib import Path; from tests.logs.kills import read; read(*map(Path, sys.argv[1:]))"
"""As a module with a name it would be imported again by each process that counts."""


def make(folder: Path) -> Trail:
    """A trail of some hundred files, one login without a second factor among them."""
    trail, at = Trail(folder), START + 5 * HOUR
    for number in range(FILES):
        trail.log(at, [login(at, f"user-{number}", mfa="No" if number == 77 else "Yes")], mark=str(number))
    return trail


def read(root: Path, memory: Path, place: Path) -> None:
    collected(place, [source(root, assume=True)], [RULE], NOW, memory=memory, small=0)


def same(left: Estate, right: Estate) -> bool:
    return (left.resources, left.looks, left.gaps) == (right.resources, right.looks, right.gaps)


@dataclass(frozen=True, slots=True)
class Round:
    """A source read until it is done; `killed` on the way, and whether all was as it must be in the end."""

    killed: tuple[str, ...]
    same: bool


def rounds(kills: int, seed: int) -> Iterator[Round]:
    """As many rounds as it takes to kill so often."""
    chance, done = random.Random(seed), 0
    with tempfile.TemporaryDirectory(prefix="upheld-kills-") as folder:
        base = Path(folder)
        trail = make(base / "trail")
        began = time.monotonic()
        _begun(trail.root, base, "whole").wait(WAIT)
        usual, whole = time.monotonic() - began, read_estate(base / "whole")
        for number in itertools.count():
            killed = list[str]()
            while not (base / str(number)).exists():
                process = _begun(trail.root, base, str(number))
                if len(killed) < AT_MOST:
                    killed += _strike(process, chance, usual)
                process.wait(WAIT)
            done += len(killed)
            yield Round(tuple(killed), same(read_estate(base / str(number)), whole))
            if done >= kills:
                return


def _begun(root: Path, base: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", READING, root, base / f"{name}.db", base / name]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def _strike(process: subprocess.Popen[bytes], chance: random.Random, usual: float) -> list[str]:
    """Kill the process, or one that counts for it, some time after it began: which; none where it was done before."""
    time.sleep(chance.uniform(0.3, 1) * usual)
    whose = chance.choice(["reader", "counter"])
    try:
        victims = [process.pid] if whose == "reader" else children(process.pid)
        if process.poll() is not None or not victims:
            return []
        os.kill(chance.choice(victims), signal.SIGKILL)
    except OSError:  # it was done in the meantime
        return []
    return [whose]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kills: Counter[str] = Counter()
    bad = 0
    for number, one in enumerate(rounds(options.kills, options.seed)):
        print(f"{number}: {', '.join(one.killed) or 'nobody'}: {'the same' if one.same else 'NOT THE SAME'}", flush=True)
        kills.update(one.killed)
        bad += not one.same
    print(json.dumps({"kills": kills.total(), **kills, "rounds": number + 1, "not_the_same": bad}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
