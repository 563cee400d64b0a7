"""What is not seen is not ruled out: the prover's answers without one resource, or one listing, after the other.

    python -m tests.network.unseen [--estates 300] [--seed 1]

In random estates something surely gets from here to there. A resource that leaves a gap in its place, or a type that nobody could
list, may take that answer away, and may not turn it round: `unreachable` would be a promise upheld on what nobody knows.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from checks.model import Estate, Gap, Reason, Resource
from checks.network.graph import Graph
from checks.network.lowering import lowered
from checks.network.packet import INTERNET
from checks.network.place import NoSuchPlace
from tests.checks.network.aws.asking import estate as aws_estate
from tests.checks.network.aws.random_worlds import Maker
from tests.checks.network.azure.arm_world import answer
from tests.checks.network.azure.arm_world import estate as azure_estate
from tests.network.azure_estates import Estates

PORTS = (443, 22)
PAIRS = 4
"""Ways through an estate that are held against each of its smaller forms."""
_INTERFACES = ("aws.ec2.network_interface", "azure.network.networkinterfaces")


@dataclass
class Tally:
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run(estates: int, seed: int, clouds: Sequence[str] = ("aws", "azure")) -> Tally:
    tally = Tally()
    for number in range(seed, seed + estates):
        for cloud in clouds:
            things = list(Maker(number).world().resources) if cloud == "aws" else Estates(number).things
            _compare(tally, cloud, number, things)
    return tally


def _compare(tally: Tally, cloud: str, seed: int, things: Sequence[Resource]) -> None:
    ways = _ways(lowered(_estate(cloud, things)), things, seed)
    for what, left, gap in _smaller(things) if ways else ():
        graph = lowered(_estate(cloud, left, gap))
        for source, target, port in ways:
            found = _told(graph, source, target, port)
            tally.counts[found] += 1
            if found == "unreachable":
                tally.wrong.append(f"{cloud} {seed}: {source} -> {target}:{port} is unreachable without {what}")


def _ways(graph: Graph, things: Sequence[Resource], seed: int) -> list[tuple[str, str, int]]:
    """Ways that are surely open."""
    interfaces = [one.id for one in things if one.type in _INTERFACES]
    pairs = [(source, target) for source in (INTERNET, *interfaces) for target in interfaces if source != target]
    Random(seed).shuffle(pairs)
    found = []
    for source, target in pairs:
        port = next((port for port in PORTS if _told(graph, source, target, port) in {"reachable", "one-way"}), None)
        if port is not None:
            found.append((source, target, port))
        if len(found) == PAIRS:
            break
    return found


def _smaller(things: Sequence[Resource]) -> Iterator[tuple[str, list[Resource], Gap]]:
    """(what is missing, what is left, the gap in its place)"""
    for gone in things:
        yield f"{gone.type} {gone.id}", [one for one in things if one is not gone], _gap(gone, gone.id)
    for type_ in sorted({one.type for one in things}):
        of = next(one for one in things if one.type == type_)
        yield f"any {type_}", [one for one in things if one.type != type_], _gap(of, None)


def _gap(of: Resource, id_: str | None) -> Gap:
    region = of.region if id_ is not None or of.type.startswith("aws.") else "global"
    return Gap(of.type, of.account, region, id_, None, Reason.DENIED, "List", code="AccessDenied")


def _estate(cloud: str, things: Sequence[Resource], *gaps: Gap) -> Estate:
    return aws_estate(things, gaps=gaps) if cloud == "aws" else azure_estate(*things, gaps=gaps)


def _told(graph: Graph, source: str, target: str, port: int) -> str:
    """`gone` where an end of the way is not there any more."""
    try:
        told = answer(graph, source, target, port)
    except NoSuchPlace:
        return "gone"
    return told


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--estates", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally = run(options.estates, options.seed)
    for line in tally.wrong[:20]:
        print(line)
    told = ", ".join(f"{count} {name}" for name, count in sorted(tally.counts.items()))
    print(f"{tally.counts.total()} answers ({told}); {len(tally.wrong)} of them unreachable")
    return 1 if tally.wrong or not tally.counts["unknown"] else 0


if __name__ == "__main__":
    sys.exit(main())
