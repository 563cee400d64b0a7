"""An estate of 100,000 recorded resources, judged by all rules: CPU seconds and peak memory of the whole command.

    python -m tests.bench.judge [--resources 100000]

The resources are made from the rules' own examples, in equal shares of every type that is listed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from agent import rulebook
from agent.collect.estate import EstateWriter
from checks.model import GLOBAL, Look, Manifest, Resource, Scope, can_hold, digest
from tests.bench.measure import run

ACCOUNT, REGION, NOW = "111122223333", "eu-central-1", "2026-11-20T12:00:00Z"
LIMIT_CPU, LIMIT_MB = 60, 1024


def build(place: Path, count: int) -> int:
    """Write the estate; returns how many types it has."""
    book = rulebook.load()
    samples: dict[str, list[dict[str, Any]]] = {}
    for rule in book.rules.values():
        if not book.catalogue[rule.kind].pseudo and can_hold(ACCOUNT, rule.kind) and rule.file.paths is None:
            given = [example.get("given", example) for example in (*rule.file.examples.upheld, *rule.file.examples.broken)]
            samples.setdefault(rule.kind, []).extend(given)
    with EstateWriter(place) as writer:
        share = count // len(samples)
        for kind, examples in sorted(samples.items()):
            region = GLOBAL if book.catalogue[kind].is_global else REGION
            look = Look(digest(kind), ACCOUNT, region, kind, "bench", None, 1, share, NOW, None, "")
            writer.add_look(look)
            merged = list(_merged(examples))
            data = itertools.islice(itertools.cycle(merged), share)
            writer.add_resources(Resource(f"{kind}-{n:06}", kind, ACCOUNT, region, one, {}, (look.id,)) for n, one in enumerate(data))
        scope = Scope({ACCOUNT: (REGION,)}, tuple(sorted(samples)))
        writer.finish(Manifest("upheld.estate/1", NOW, NOW, "bench", {}, None, scope))
    return len(samples)


def _merged(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Resources that answer all rules of a type at once, each starting from another rule's example."""
    found = []
    for first in examples:
        data: dict[str, Any] = {}
        for example in (first, *examples):
            for name, value in example.items():
                data.setdefault(name, value)
        found.append(data)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--resources", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "estate"
        types = build(place, options.resources)
        command = [
            str(Path(sys.executable).parent / "upheld"),
            "check",
            "--estate",
            str(place),
            "--all-rules",
            "--max-age",
            "0",
            "--format",
            "json=report.json",
        ]
        cost = run(command, folder=Path(folder), environment={})
        report = json.loads((Path(folder) / "report.json").read_text())
    counts = report["coverage"]["counts"]
    print(f"{options.resources} resources of {types} types, {sum(counts.values())} findings {counts}")
    print(
        f"CPU {cost.cpu:.1f} s (limit {LIMIT_CPU}), wall {cost.wall:.1f} s, peak {cost.peak:.0f} MB (limit {LIMIT_MB}), exit {cost.exit_code}"
    )
    return 0 if cost.cpu <= LIMIT_CPU and cost.peak <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
