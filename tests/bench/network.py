"""Full internet exposure of estates of 1,000, 10,000 and 50,000 interfaces, beside z3 and CUDD on the same question.

    python -m tests.bench.network [--sizes 1000 10000 50000] [--peers 10000]

Each size runs in a process of its own. CPU seconds; memory is the peak of the whole process, and what it was when the
estate had been made but nothing lowered. z3 and CUDD are asked about a sample, and what that took is scaled up to all
classes: z3 about single classes, CUDD about all classes of some networks, so that it makes each filter once as we do.
All three must agree on the sample. `z3-solver` and `dd` have to be installed.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from checks.network.exposure import Exposed
from checks.network.graph import Graph
from checks.network.packets import has, packets, union
from tests.bench.measure import table
from tests.bench.network_estate import made
from tests.bench.network_peers import Class, Diagrams, Solver, classes, size
from tests.checks.network.aws.asking import lowered

LIMIT_CPU = {10_000: 3.0, 50_000: 15.0}
LIMIT_MB, LIMIT_RECHECK, FASTER_THAN_Z3, FASTER_THAN_CUDD = 400, 0.05, 30, 10
CHANGES, SOLVED, DRAWN = 40, 12, 2
"""How many rules are changed, classes given to z3, and networks to CUDD."""


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(interfaces: int, *, peers: bool) -> dict[str, Any]:
    """Everything about one size, as numbers."""
    estate = made(interfaces)
    gc.freeze()
    before = peak()
    started = time.process_time()
    graph = lowered(estate)
    lowering = time.process_time() - started
    del estate
    gc.freeze()
    started = time.process_time()
    exposed = Exposed(graph)
    found = list(exposed)
    cpu = time.process_time() - started
    open_ones = len({id_ for one in found for id_ in one.interfaces})
    public = sum(1 for one in graph.interfaces.values() if one.public)
    result = {
        "interfaces": interfaces, "rules": sum(len(one.rules) for one in graph.filters.values()), "public": public, "exposed": open_ones,
        "lowering": lowering, "cpu": cpu, "peak": peak(), "before": before, "changes": _changes(graph, exposed),
    }  # fmt: skip
    return result | (_peers(graph, exposed, cpu) if peers else {})


def _changes(graph: Graph, exposed: Exposed) -> dict[str, list[float]]:
    """A rule less, of some security groups and network ACLs: seconds to know all exposures again. Then the whole is compared."""
    chance, took = random.Random(1), {}
    for kind in ("sg-", "acl-"):
        names = sorted(id_ for id_ in graph.filters if id_.startswith(kind) and id_.endswith("ingress"))
        took[kind] = []
        for id_ in chance.choices(names, k=CHANGES):
            was = graph.filters[id_]
            number = chance.randrange(len(was.rules) or 1)
            now = replace(was, rules=was.rules[:number] + was.rules[number + 1 :], _known={})
            started = time.process_time()
            exposed.change(now)
            took[kind].append(time.process_time() - started)
    if list(exposed) != list(Exposed(graph)):
        sys.exit("what was checked again differs from what is checked anew")
    return took


def _peers(graph: Graph, exposed: Exposed, cpu: float) -> dict[str, Any]:
    every = classes(graph)
    chance = random.Random(2)
    solver, started = Solver(graph), time.process_time()
    solved = [(class_, solver.reached(class_)) for class_ in chance.sample(every, min(SOLVED, len(every)))]
    z3 = (time.process_time() - started) / len(solved) * len(every)
    networks = sorted({class_.network for class_ in every})
    some = set(chance.sample(networks, min(DRAWN, len(networks))))
    diagrams, started = Diagrams(graph), time.process_time()
    drawn = [(class_, diagrams.reached(class_)) for class_ in every if class_.network in some]
    cudd = (time.process_time() - started) / len(some) * len(networks)
    for class_, packet in solved:
        _agree(class_, (packet is not None) == bool(size(exposed.at(class_.station))))
        _agree(class_, packet is None or has(_set(exposed, class_), *packet))
    for class_, held in drawn:
        _agree(class_, diagrams.size(held) == size(exposed.at(class_.station)))
    return {
        "classes": len(every),
        "z3": z3,
        "cudd": cudd,
        "solved": len(solved),
        "drawn": len(drawn),
        "z3 ratio": z3 / cpu,
        "cudd ratio": cudd / cpu,
    }


def _set(exposed: Exposed, class_: Class) -> Any:
    here = [one for one in exposed.at(class_.station) if one.certain and not one.one_way]
    return union(packets(one.sources, one.protocols, one.ports) for one in here)


def _agree(class_: Class, same: bool) -> None:
    if not same:
        sys.exit(f"they do not agree about {class_.station}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 50_000])
    parser.add_argument("--peers", type=int, nargs="*", default=[1000, 10_000], help="sizes at which z3 and CUDD are asked too")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one, peers=options.one in options.peers)))
        return 0
    found = []
    for interfaces in options.sizes:
        command = [sys.executable, "-m", "tests.bench.network", "--one", str(interfaces), "--peers", *map(str, options.peers)]
        found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    heading = [
        "interfaces",
        "rules",
        "public",
        "exposed",
        "lowering s",
        "exposure s",
        "peak MB",
        "of it estate",
        "re-check ms: group",
        "worst",
        "ACL",
        "worst",
    ]
    lines: list[list[object]] = [heading]
    for one in found:
        times = [f(one["changes"][kind]) * 1000 for kind in ("sg-", "acl-") for f in (statistics.median, max)]
        lines.append([*(one[name] for name in ("interfaces", "rules", "public", "exposed", "lowering", "cpu", "peak", "before")), *times])
    print(table(lines))
    missed = []
    for one in found:
        name = f"{one['interfaces']} interfaces"
        if "z3" in one:
            print(
                f"{name}: z3 {one['z3']:.0f} s, {one['z3 ratio']:.0f} times as long ({one['solved']} of {one['classes']} classes, one packet each, scaled up)"
            )
            print(
                f"{name}: CUDD {one['cudd']:.1f} s, {one['cudd ratio']:.0f} times as long ({one['drawn']} of {one['classes']} classes, whole sets, scaled up)"
            )
        missed += [f"{name}: {what}" for what in _missed(one)]
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed else 0


def _missed(one: dict[str, Any]) -> list[str]:
    limit, own = LIMIT_CPU.get(one["interfaces"], float("inf")), one["peak"] - one["before"]
    slowest = statistics.median(one["changes"]["sg-"])
    at_10k = one["interfaces"] == 10_000 and "z3" in one
    return [
        *([f"{one['cpu']:.1f} CPU s, aim {limit}"] if one["cpu"] > limit else []),
        *([f"{own:.0f} MB beside the estate, aim {LIMIT_MB}"] if own > LIMIT_MB else []),
        *([f"re-check {slowest * 1000:.0f} ms, aim {LIMIT_RECHECK * 1000:.0f}"] if slowest > LIMIT_RECHECK else []),
        *([f"{one['z3 ratio']:.0f} times z3, aim {FASTER_THAN_Z3}"] if at_10k and one["z3 ratio"] < FASTER_THAN_Z3 else []),
        *([f"{one['cudd ratio']:.0f} times CUDD, aim {FASTER_THAN_CUDD}"] if at_10k and one["cudd ratio"] < FASTER_THAN_CUDD else []),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
