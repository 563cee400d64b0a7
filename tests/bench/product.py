"""`upheld` itself, as a user runs it: the command beside this interpreter, on the emulator."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import PORT, Cost, measure
from tests.world.faults import Fault
from tests.world.servers import ACCOUNT

COMMAND = Path(sys.executable).parent / "upheld"
ANSWERS = {0, 1, 3}
"""All upheld, something broken, something unproven."""
BESIDE = ("sts:GetCallerIdentity",)
"""Calls beside those that the estate's looks record."""
LISTING = "*"
"""The resource id of a finding that stands for what a listing could not show."""
Subject = tuple[str, str, str, str]
"""Rule, account, region, resource id."""


class ProductError(RuntimeError):
    """The command is not there, or did not finish."""


@dataclass(frozen=True, slots=True)
class Check:
    """One run: what it cost, and the verdict of each rule for each resource."""

    cost: Cost
    verdicts: Mapping[Subject, str]
    needed: int
    """Calls that it takes: each page of a listing, one for each resource and detail, and those that it starts with."""

    def per_rule(self) -> dict[str, Counter[str]]:
        """Rule -> how many resources have each verdict."""
        found: dict[str, Counter[str]] = {}
        for (rule, *_), verdict in self.verdicts.items():
            found.setdefault(rule, Counter())[verdict] += 1
        return found


def check(upstream: str, into: Path, *, region: str, faults: Sequence[Fault] = ()) -> Check:
    """Judge the emulator's estate by every rule. Raises ProductError where the command gives no answer."""
    if not COMMAND.exists():
        message = f"there is no {COMMAND}: install the project into this environment"
        raise ProductError(message)
    into.mkdir(parents=True, exist_ok=True)
    (into / "upheld.yaml").write_text(
        f'schema: upheld.config/1\ncollect: {{deadline: 10m, aws: [{{account: "{ACCOUNT}", regions: [{region}]}}]}}\n'
    )
    command = [COMMAND, "check", "-c", "upheld.yaml", "--all-rules", "--format", "json"]
    state = {"UPHELD_STATE": str(into / "state")}
    cost = measure(command, upstream, folder=into, region=region, faults=faults, extra=state)
    if cost.exit_code not in ANSWERS:
        said = (into / "stderr").read_text(errors="replace")[-500:]
        message = f"upheld ended with {cost.exit_code}: {said}"
        raise ProductError(message)
    report = json.loads((into / "stdout").read_text())
    needed = report["coverage"]["calls"] + len(BESIDE)
    return Check(cost, {_subject(finding): finding["verdict"] for finding in report["findings"]}, needed)


def _subject(finding: Mapping[str, object]) -> Subject:
    resource = finding["resource"]
    assert isinstance(resource, Mapping)
    name = PORT.sub("127.0.0.1", str(resource["id"]))  # a queue's URL holds the port of the proxy
    return str(finding["rule"]), str(resource["account"]), str(resource["region"]), name
