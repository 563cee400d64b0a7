"""What a command costs: wall time, CPU time, memory, and the calls it makes, as a proxy counts them."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.world.faults import Fault
from tests.world.likeness import make_like_aws
from tests.world.proxy import FaultProxy
from tests.world.servers import environment

PORT = re.compile(r"127\.0\.0\.1:\d+")
"""The proxy's address, which differs from run to run and stands in the ids of queues."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One run of a command; `cpu`: user and system seconds with its children; `peak`: its largest RSS, in MB."""

    exit_code: int
    wall: float
    cpu: float
    peak: float
    calls: int
    load: float
    """The machine's load when the run began: with a high one, trust the CPU seconds and not the wall."""
    lacking: int = 0
    """Of the calls, those that the emulator does not know and answered with a 5xx; SDKs wait and try these again."""


def measure(
    command: Sequence[object],
    upstream: str,
    *,
    folder: Path,
    region: str,
    faults: Sequence[Fault] = (),
    extra: Mapping[str, str] | None = None,
) -> Cost:
    """Run a command in `folder` against the emulator at `upstream`, through a proxy that counts and injects `faults`.

    Its output goes to the files `stdout` and `stderr` there.
    """
    with FaultProxy(upstream, faults=faults) as proxy:
        make_like_aws(proxy)
        cost = run(command, folder=folder, environment={**environment(proxy.endpoint, region), **(extra or {})})
        return replace(cost, calls=len(proxy.calls) + len(proxy.unknown), lacking=len(proxy.lacking))


def run(command: Sequence[object], *, folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command in `folder`, `environment` added to our own; its output goes to `stdout` and `stderr` there."""
    load = os.getloadavg()[0]
    started = time.monotonic()
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(list(map(str, command)), cwd=folder, env={**os.environ, **environment}, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    return Cost(process.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, 0, load)


def table(rows: Sequence[Sequence[object]]) -> str:
    """Rows as aligned columns; the first row is the heading."""
    texts = [[f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
