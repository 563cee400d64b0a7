"""A day of an agent in minutes: as many runs as a day has, one after the other, with its memory and file descriptors watched.

`python -m tests.soak.agent_day` runs them all; the short form is one of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.agent.daemon.agents import PATIENCE, Agent, agent
from tests.world.trails import HOUR, Trail, key_list

DAY: Final = 24 * 4 + 24 * 3 + 1 + 1
"""Runs of a day, as intervals are by default: logs four times an hour, settings, networks and endpoints each hour, policies, everything."""
WARM: Final = 0.25
"""Of the runs, so many fill caches that stay as they are then."""
EVERY: Final = "{settings: 1s, network: 1s, tls-quick: 1s, logs: 1s, policy: 1s}"
PROMISES: Final = """
schema: upheld.promises/1
policies: [{id: security, title: Security, file: security.md}]
promises:
  - {id: mfa, policy: security, quote: Every login uses a second factor., controls: [{id: mfa}]}
  - {id: moving, policy: security, quote: All is encrypted on its way., controls: [{id: tls-strength}]}
  - {id: rest, policy: security, quote: All is encrypted where it lies., controls: [{id: encryption-at-rest}, {id: network-isolation}]}
"""


LOOKS = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """After a run: resident memory in MB, and open file descriptors."""

    memory: float
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Soaked:
    """`first`: when it was warm, `last`: at the end; `failed` and `fell_over`: runs that gave no verdicts, and lines that are no log."""

    runs: int
    first: Sample
    last: Sample
    failed: int
    fell_over: int
    code: int | None

    @property
    def growth(self) -> float:
        """In MB."""
        return self.last.memory - self.first.memory


def office(folder: Path) -> Path:
    """A configuration that reads a trail, looks at an endpoint, and asks no cloud."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    Trail(folder / "trail", now=now - 6 * HOUR).hours(6)
    (folder / "keys.json").write_text(json.dumps(key_list(0, start=now - 48 * HOUR, end=now + 48 * HOUR)))
    (folder / "promises.yaml").write_text(PROMISES)
    (folder / "security.md").write_text("Every login uses a second factor. All is encrypted on its way. All is encrypted where it lies.")
    file = folder / "upheld.yaml"
    file.write_text(
        f"schema: upheld.config/1\nstate: state\npromises: [promises.yaml]\nagent: {{splay: 0, every: {EVERY}}}\n"
        "collect:\n  aws: []\n  tls: {endpoints: ['127.0.0.1:1'], from_estate: false}\n"
        "  logs: [{id: trail, format: cloudtrail, account: '111122223333', window: 4h, files: [trail], public_keys: [keys.json]}]\n"
    )
    return file


def soak(folder: Path, runs: int) -> Soaked:
    """So many runs."""
    with agent(office(folder)) as running:
        samples = [_sample(running) for _ in _ended(running, runs)]
        code = running.stop()
    failed = sum(line["event"] in {"run-failed", "internal-error"} for line in running.lines)
    return Soaked(len(samples), samples[int(len(samples) * WARM)], samples[-1], failed, len(running.other), code)


def _ended(running: Agent, runs: int) -> Iterator[None]:
    """Steps to the end of each run."""
    for number in range(1, runs + 1):
        running.until("run-ended", times=number)
        yield


def _sample(running: Agent) -> Sample:
    """proc(5): statm, in pages, and fd. The fewest of some looks: a file that is open for a moment is not one that stays open."""
    process = Path(f"/proc/{running.process.pid}")
    pages = int((process / "statm").read_text().split()[1])
    descriptors, threads = [], []
    for _ in range(LOOKS):
        descriptors.append(len(list((process / "fd").iterdir())))
        threads.append(len(list((process / "task").iterdir())))
        time.sleep(0.05)
    return Sample(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, min(descriptors), min(threads))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=DAY)
    options = parser.parse_args()
    assert PATIENCE
    with tempfile.TemporaryDirectory() as folder:
        done = soak(Path(folder), options.runs)
    print(
        f"{done.runs} runs, {done.failed} failed: {done.first.memory:.1f} MB -> {done.last.memory:.1f} MB ({done.growth:+.1f}), "
        f"{done.first.descriptors} -> {done.last.descriptors} descriptors, {done.first.threads} -> {done.last.threads} threads, exit {done.code}"
    )
    if done.failed or done.growth > 5 or done.last.descriptors > done.first.descriptors or done.code != 0:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
