"""Reading logs, killed at any point: `python -m tests.logs.kills [--points 100]`.

A process reads a source with two others that count for it, into a memory on disk. It, or one of the two, is killed at a point
drawn anew each time; then it is run again, until it is done. What it says in the end is what a run says that nobody disturbs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agent.collect.estate import read_estate
from checks.model import Estate
from tests.agent.collect.logs.stage import collected, source
from tests.agent.collect.logs.test_stage import NOW, RULE, login
from tests.world.processes import children
from tests.world.trails import HOUR, START, Trail

ROOT = Path(__file__).parents[2]
FILES = 320


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


def points(count: int, seed: int) -> Iterator[str]:
    """One point after another: what was killed, and whether all was as it must be in the end."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="upheld-kills-") as folder:
        base = Path(folder)
        trail = make(base / "trail")
        began = time.monotonic()
        read(trail.root, base / "whole.db", base / "whole")
        usual, whole = time.monotonic() - began, read_estate(base / "whole")
        for number in range(count):
            memory, place = base / f"{number}.db", base / f"estate-{number}"
            killed = []
            while not place.exists():
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.logs.kills", "--read", trail.root, memory, place], cwd=ROOT, stderr=subprocess.DEVNULL
                )
                if len(killed) < 3:
                    killed.append(_strike(process, chance, usual))
                if process.wait(300) == 0:
                    break
            yield f"{number}: {', '.join(killed)}: {'the same' if same(read_estate(place), whole) else 'NOT THE SAME'}"


def _strike(process: subprocess.Popen[bytes], chance: random.Random, usual: float) -> str:
    """Kill the process, or one that counts for it, some time after it began."""
    time.sleep(chance.uniform(0.2, 1.2) * usual)
    whose = chance.choice(["reader", "counter"])
    victims = [process.pid]
    if whose == "counter":
        try:
            victims = children(process.pid) or victims
        except OSError:
            return "nobody, it was done"
    try:
        os.kill(chance.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        return "nobody, it was done"
    return whose


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--read", nargs=3, type=Path)
    options = parser.parse_args()
    if options.read:
        read(*options.read)
        return 0
    told = []
    for line in points(options.points, options.seed):
        print(line, flush=True)
        told.append(line)
    bad = sum("NOT" in line for line in told)
    print(json.dumps({"points": len(told), "not_the_same": bad}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
