"""What it costs to judge an estate: upheld beside Prowler, on the same emulator, in the same run.

    python -m tests.bench.collect --scale 5

The two do not ask the same questions: read the calls and the seconds beside the number of findings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import product, prowler
from tests.bench.estate285 import REGION, build
from tests.bench.measure import Cost, table
from tests.world.servers import moto

HEADING = ("tool", "resources", "findings", "exit", "wall s", "CPU s", "peak MB", "calls", "of them 5xx", "CPU ms/resource")


def row(tool: str, resources: int, findings: int, cost: Cost) -> tuple[object, ...]:
    per_resource = 1000 * cost.cpu / resources
    return (tool, resources, findings, cost.exit_code, cost.wall, cost.cpu, cost.peak, cost.calls, cost.lacking, per_resource)


def ratio(own: Cost, peer: Cost) -> str:
    return (
        f"prowler / upheld: wall x{peer.wall / own.wall:.1f}, CPU x{peer.cpu / own.cpu:.1f}, "
        f"memory x{peer.peak / own.peak:.1f}, calls x{peer.calls / own.calls:.1f}"
    )


def run(scale: int, folder: Path, *, with_upheld: bool, with_prowler: bool) -> list[str]:
    """Build the estate, let each tool judge it, and say what that took."""
    lines: list[str] = []
    rows: list[Sequence[object]] = [HEADING]
    costs: dict[str, Cost] = {}
    with moto() as server:
        resources = sum(build(server.endpoint, scale).values())
        if with_upheld:
            checked = product.check(server.endpoint, folder / "upheld", region=REGION)
            costs["upheld"] = checked.cost
            rows.append(row("upheld", resources, len(checked.verdicts), checked.cost))
        if with_prowler:
            scanned = prowler.scan(server.endpoint, folder / "prowler", region=REGION)
            costs["prowler"] = scanned.cost
            rows.append(row(f"prowler {prowler.VERSION}", resources, len(scanned.statuses), scanned.cost))
    lines.append(table(rows))
    if with_upheld:
        lines.append(
            f"upheld made {checked.cost.calls} calls for {checked.needed} answers: each page, and one for each resource and detail"
        )
    if len(costs) == 2:
        lines.append(ratio(costs["upheld"], costs["prowler"]))
    lines.append(f"load average when each began: {', '.join(f'{name} {cost.load:.1f}' for name, cost in costs.items())}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 2 where a tool is missing or fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=1, help="1: 285 resources, 5: 1425")
    parser.add_argument("--without-prowler", action="store_true")
    parser.add_argument("--without-upheld", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder in which the outputs stay")
    asked = parser.parse_args(arguments)
    try:
        with TemporaryDirectory(prefix="bench-") as scratch:
            folder = (asked.keep or Path(scratch)).absolute()
            lines = run(asked.scale, folder, with_upheld=not asked.without_upheld, with_prowler=not asked.without_prowler)
    except (product.ProductError, prowler.ProwlerError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
