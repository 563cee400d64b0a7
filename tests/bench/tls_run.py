"""One run of the inspector as its own process, so that its CPU seconds and memory are its own.

    python -m tests.bench.tls_run MODE ROOT [PORT...] [--names COUNT PORT]

MODE is full, quick, or remembered: then what is known stands beside the roots, as in runs with a state directory. Prints JSON: the connections, the outcomes, when each of the named ports was done, in seconds, and the largest RSS, in MB.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.collect.tls.inspecting import Inspector, Target
from agent.collect.tls.memory import Memory
from checks.tls.certificate import Roots, load_roots

LOOPBACK = ("127.0.0.1",)


def targets(arguments: list[str]) -> Iterator[Target]:
    if arguments[:1] == ["--names"]:
        count, port = int(arguments[1]), int(arguments[2])
        yield from (Target(f"host{number}.bed.test", port, at=LOOPBACK) for number in range(count))
        return
    yield from (Target(f"host{port}.bed.test", int(port), at=LOOPBACK) for port in arguments)


def peak() -> float:
    """Our largest RSS in MB. What a parent is told of it holds its own, too, from before we were started."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


async def main(mode: str, roots: Roots, folder: Path, rest: list[str]) -> None:
    memory = Memory(folder / "memory", "", timedelta(days=7), sys.exit) if mode == "remembered" else None
    inspector = Inspector(roots, lambda: datetime.now(UTC), lambda _: mode == "full", memory=memory)
    outcomes: Counter[str] = Counter()
    most = connections = 0
    done: dict[str, float] = {}
    started = time.monotonic()
    async for seen in inspector.inspect(targets(rest)):
        assert seen.resource is not None
        outcomes.update(one["outcome"] for one in seen.resource.data["addresses"])
        connections += seen.connections
        most = max(most, seen.connections)
        if len(done) < 300:
            done[str(seen.target.port)] = round(time.monotonic() - started, 2)
    print(json.dumps({"connections": connections, "most": most, "outcomes": outcomes, "done": done, "peak": peak()}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Roots(load_roots(Path(sys.argv[2]).read_bytes())), Path(sys.argv[2]).parent, sys.argv[3:]))
