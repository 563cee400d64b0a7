"""What it costs to inspect TLS endpoints: upheld beside sslyze, on the same nginx in the same run.

    python -m tests.bench.tls

Connections are what nginx counts. CPU is the tool's own, user and system; nginx's is not in it.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import sys
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import sslyze
from tests.bench.measure import Cost, run, table
from tests.world.tls_bed import MOZILLA
from tests.world.tls_certificates import Certificates
from tests.world.tls_responders import Responder, dripping, silent
from tests.world.tls_servers import Nginx

SUITES = f"{MOZILLA}:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384"
"""Nine suites of TLS 1.2 for an RSA certificate, beside the three of TLS 1.3."""
SIZES = (1, 25, 200)
FULL_CONNECTIONS, QUICK_CONNECTIONS = 30, 4
FEWER_CONNECTIONS, LESS_CPU = 18, 20
SLOW_SECONDS = 4.0
MANY, MANY_MB = 10_000, 300.0


@dataclass(frozen=True)
class Server:
    """nginx, its TLS ports, and where it counts connections."""

    ports: list[int]
    counter: int

    @property
    def connections(self) -> int:
        """Connections accepted until now, without those that ask for the number."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.counter}/", timeout=10).read().decode()
        return int(re.search(r"\n\s*(\d+) \d+ \d+", text)[1])  # type: ignore[index]


@dataclass(frozen=True)
class Row:
    """One tool on so many endpoints."""

    endpoints: int
    cost: Cost
    connections: int
    report: dict[str, Any]


def server(folder: Path, running: ExitStack) -> tuple[Server, Path]:
    certificates = Certificates(folder)
    nginx = Nginx(folder)
    chain, key = certificates.file("rsa")
    lines = [f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {SUITES};"]
    ports = [nginx.serve(chain, key, lines=lines) for _ in range(max(SIZES))]
    counter = nginx.plain("location / { stub_status; }")
    running.enter_context(nginx.running())
    return Server(ports, counter), certificates.written("roots.pem", certificates.public_root.pem)


def ours(server: Server, root: Path, folder: Path, mode: str, *arguments: object, endpoints: int) -> Row:
    before = server.connections
    command = [sys.executable, "-m", "tests.bench.tls_run", mode, root, *arguments]
    cost = run(command, folder=folder, environment={"PYTHONPATH": str(Path(__file__).parents[2])})
    if cost.exit_code:
        raise sslyze.SslyzeError((folder / "stderr").read_text()[-2000:])
    report = json.loads((folder / "stdout").read_text())
    return Row(endpoints, replace(cost, peak=report["peak"]), server.connections - before - 1, report)


def theirs(server: Server, folder: Path, ports: Sequence[int]) -> Row:
    before = server.connections
    cost, completed = sslyze.scan([f"127.0.0.1:{port}" for port in ports], folder)
    return Row(len(ports), cost, server.connections - before - 1, {"completed": completed})


def beside(server: Server, root: Path, folder: Path, sizes: Sequence[int]) -> tuple[list[str], bool]:
    """Both tools on one, 25 and 200 endpoints."""
    rows: list[Sequence[object]] = [("endpoints", "tool", "wall s", "CPU s", "RSS MB", "connections", "each", "load")]
    ratios: list[str] = []
    kept = True
    idle = ours(server, root, folder, "full", endpoints=0).cost.cpu
    for size in sizes:
        ports = server.ports[:size]
        full, quick = (ours(server, root, folder, mode, *ports, endpoints=size) for mode in ("full", "quick"))
        shutil.rmtree(root.parent / "memory", ignore_errors=True)
        first, again = (ours(server, root, folder, "remembered", *ports, endpoints=size) for _ in range(2))
        peer = theirs(server, folder, ports)
        named = {"upheld, full": full, "upheld, quick": quick, "upheld, at first": first, "upheld, again": again}
        for name, row in {**named, f"sslyze {sslyze.VERSION}": peer}.items():
            cost = row.cost
            rows.append((size, name, cost.wall, f"{cost.cpu:.2f}", cost.peak, row.connections, row.connections / size, cost.load))
        fewer, less = peer.connections / full.connections, peer.cost.cpu / full.cost.cpu
        ratios.append(
            f"{size} endpoints: {fewer:.1f}x fewer connections, {less:.1f}x less CPU ({peer.cost.cpu / (full.cost.cpu - idle):.1f}x beyond "
            f"starting up), {peer.cost.wall / full.cost.wall:.1f}x faster; quick {peer.connections / quick.connections:.0f}x, "
            f"{peer.cost.cpu / quick.cost.cpu:.0f}x, {peer.cost.wall / quick.cost.wall:.1f}x; sslyze completed {peer.report['completed']}"
        )
        kept &= full.report["most"] <= FULL_CONNECTIONS and quick.report["most"] <= QUICK_CONNECTIONS and fewer >= FEWER_CONNECTIONS
        kept &= first.report["most"] <= FULL_CONNECTIONS and again.report["most"] <= QUICK_CONNECTIONS
        kept &= less >= LESS_CPU or size < max(SIZES)  # starting Python up is most of what a single endpoint costs
    return [table(rows), f"starting up alone: {idle:.2f} CPU s", *ratios], kept


def neighbours(server: Server, root: Path, folder: Path, running: ExitStack) -> tuple[list[str], bool]:
    """25 good endpoints alone, and with a silent and a dripping one before them."""
    ports = server.ports[:25]
    alone = ours(server, root, folder, "full", *ports, endpoints=25)
    slow = [running.enter_context(Responder(handler)).port for handler in (silent, dripping)]
    both = ours(server, root, folder, "full", *slow, *ports, endpoints=27)
    last_alone, last = max(alone.report["done"].values()), max(both.report["done"][str(port)] for port in ports)
    added = both.cost.wall - alone.cost.wall
    lines = [
        f"25 endpoints: the last good one is done after {last_alone:.2f} s alone, {last:.2f} s beside a silent and a dripping one; "
        f"these add {added:.2f} s to the run"
    ]
    return lines, added <= SLOW_SECONDS and last <= last_alone + 1


def many(server: Server, root: Path, folder: Path) -> tuple[list[str], bool]:
    """Ten thousand endpoints in quick mode."""
    row = ours(server, root, folder, "quick", "--names", MANY, server.ports[0], endpoints=MANY)
    seen = row.report["outcomes"].get("inspected", 0)
    line = (
        f"{MANY} endpoints, quick: {row.cost.wall:.1f} s wall, {row.cost.cpu:.1f} CPU s, {row.cost.peak:.0f} MB, "
        f"{row.connections / MANY:.2f} connections each, {seen} inspected"
    )
    return [line], row.cost.peak < MANY_MB and seen == MANY


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 where an aim is missed, 2 where a tool is missing or fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    asked = parser.parse_args(arguments)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard) if soft < 8192 else soft, hard))
    kept = True
    try:
        with TemporaryDirectory(prefix="bench-") as scratch, ExitStack() as running:
            folder = Path(scratch)
            held, root = server(folder, running)
            for lines, good in (
                beside(held, root, folder, asked.sizes), neighbours(held, root, folder, running), many(held, root, folder),
            ):  # fmt: skip
                print("\n".join(lines), flush=True)
                kept &= good
    except sslyze.SslyzeError as error:
        print(error, file=sys.stderr)
        return 2
    print("every aim is met" if kept else "an aim is missed")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
