"""What becomes of the verdicts when 16 actions are denied, or throttled: upheld beside Prowler, on the same emulator.

    python -m tests.bench.denied
    python -m tests.bench.denied --kind throttle

An honest reader says that it could not look. A verdict that turned, or that is gone without a word, is a lie.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from tests.bench import product, prowler
from tests.bench.estate285 import REGION, build
from tests.bench.measure import Cost, table
from tests.world.faults import Fault
from tests.world.servers import moto

DENIED = (
    ("ec2", "DescribeSecurityGroups"),
    ("ec2", "DescribeNetworkAcls"),
    ("ec2", "DescribeFlowLogs"),
    ("ec2", "DescribeSnapshotAttribute"),
    ("ec2", "GetEbsEncryptionByDefault"),
    ("s3", "GetBucketEncryption"),
    ("s3", "GetBucketPolicy"),
    ("s3", "GetBucketAcl"),
    ("s3", "GetBucketLogging"),
    ("kms", "GetKeyRotationStatus"),
    ("sqs", "GetQueueAttributes"),
    ("sns", "GetTopicAttributes"),
    ("elbv2", "DescribeListeners"),
    ("cloudtrail", "DescribeTrails"),
    ("dynamodb", "DescribeTable"),
    ("rds", "DescribeDBInstances"),
)
S = TypeVar("S", bound=Hashable)


def faults(kind: str) -> tuple[Fault, ...]:
    """The same fault in each of these actions."""
    return tuple(Fault(service, operation, kind) for service, operation in DENIED)


class Fate(StrEnum):
    """What became of one verdict."""

    STAYED = "stayed"
    TO_GOOD = "bad turned good"
    TO_BAD = "good turned bad"
    TO_UNKNOWN = "turned to unknown"
    BAD_VANISHED = "bad vanished"
    GOOD_VANISHED = "good vanished"
    UNKNOWN_VANISHED = "unknown vanished"
    INVENTED = "invented"
    NEW_UNKNOWN = "new unknown"

    @property
    def is_honest(self) -> bool:
        return self in {Fate.STAYED, Fate.TO_UNKNOWN, Fate.NEW_UNKNOWN, Fate.UNKNOWN_VANISHED}


WORDS = {"PASS": "good", "upheld": "good", "FAIL": "bad", "broken": "bad", "MANUAL": "unknown", "unproven": "unknown"}


def fate(before: str | None, after: str | None) -> Fate:
    """What became of a verdict, given in either tool's words; None is no finding."""
    was, now = WORDS.get(before or ""), WORDS.get(after or "")
    if was == now:
        return Fate.STAYED
    if was is None:
        return Fate.NEW_UNKNOWN if now == "unknown" else Fate.INVENTED
    if now is None:
        return {"bad": Fate.BAD_VANISHED, "good": Fate.GOOD_VANISHED, "unknown": Fate.UNKNOWN_VANISHED}[was]
    return {"good": Fate.TO_GOOD, "bad": Fate.TO_BAD, "unknown": Fate.TO_UNKNOWN}[now]


def fates_of_prowler(before: prowler.Scan, after: prowler.Scan) -> dict[str, Counter[Fate]]:
    """Check -> how many of its findings met each fate."""
    found: dict[str, Counter[Fate]] = {}
    for subject in _subjects(before.statuses, after.statuses):
        met = fate(before.statuses.get(subject), after.statuses.get(subject))
        found.setdefault(subject[0], Counter())[met] += 1
    return found


def fates_of_upheld(before: product.Check, after: product.Check) -> dict[str, Counter[Fate]]:
    """Rule -> how many of its findings met each fate.

    Where a listing is denied, its resources cannot be named: a finding that says so for the whole listing covers them.
    """
    found: dict[str, Counter[Fate]] = {}
    for subject in _subjects(before.verdicts, after.verdicts):
        rule, account, region, _ = subject
        now = after.verdicts.get(subject)
        if now is None:
            now = after.verdicts.get((rule, account, region, product.LISTING))
        found.setdefault(rule, Counter())[fate(before.verdicts.get(subject), now)] += 1
    return found


def _subjects(before: Mapping[S, str], after: Mapping[S, str]) -> list[S]:
    return sorted({*before, *after}, key=repr)


def report(
    tool: str, before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]], fates: Mapping[str, Counter[Fate]]
) -> list[str]:
    """A table of what changed, and one line that sums it up."""
    rows: list[Sequence[object]] = [("check", "baseline", "with the faults", "what became of it")]
    for name, met in sorted(fates.items()):
        changed = Counter({kind: count for kind, count in met.items() if kind is not Fate.STAYED})
        if changed:
            rows.append((name, _counts(before.get(name)), _counts(after.get(name)), _counts(changed)))
    total = sum(fates.values(), Counter[Fate]())
    lies = sum(count for kind, count in total.items() if not kind.is_honest)
    return [
        f"== {tool}",
        table(rows),
        f"{tool}: {_counts(total)}",
        f"{tool}: {lies} findings turned, vanished or were invented",
    ]


def _counts(counter: Mapping[Any, int] | None) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted((counter or {}).items())) or "-"


def ended(before: Cost, after: Cost) -> str:
    """How both runs ended, and what they took."""
    return (
        f"exit {before.exit_code} -> {after.exit_code}, wall {before.wall:.0f} s -> {after.wall:.0f} s,"
        f" calls {before.calls} -> {after.calls}"
    )


def run(folder: Path, *, with_upheld: bool, with_prowler: bool, kind: str) -> list[str]:
    """Judge the estate with everything allowed and with 16 actions denied; say what became of each verdict."""
    lines: list[str] = []
    with moto() as server:
        build(server.endpoint)
        if with_upheld:
            was = product.check(server.endpoint, folder / "upheld-baseline", region=REGION)
            now = product.check(server.endpoint, folder / "upheld-denied", region=REGION, faults=faults(kind))
            lines += report("upheld", was.per_rule(), now.per_rule(), fates_of_upheld(was, now))
            lines.append(f"upheld: {ended(was.cost, now.cost)}")
        if with_prowler:
            saw = prowler.scan(server.endpoint, folder / "prowler-baseline", region=REGION)
            sees = prowler.scan(server.endpoint, folder / "prowler-denied", region=REGION, faults=faults(kind))
            name = f"prowler {prowler.VERSION}"
            lines += report(name, saw.per_check(), sees.per_check(), fates_of_prowler(saw, sees))
            lines.append(f"{name}: {ended(saw.cost, sees.cost)}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 2 where a tool is missing or fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-prowler", action="store_true")
    parser.add_argument("--without-upheld", action="store_true")
    parser.add_argument("--kind", choices=["deny", "throttle"], default="deny", help="what happens to the 16 actions")
    parser.add_argument("--keep", type=Path, help="a folder in which the outputs stay")
    asked = parser.parse_args(arguments)
    try:
        with TemporaryDirectory(prefix="bench-") as scratch:
            folder = (asked.keep or Path(scratch)).absolute()
            lines = run(folder, with_upheld=not asked.without_upheld, with_prowler=not asked.without_prowler, kind=asked.kind)
    except (product.ProductError, prowler.ProwlerError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
