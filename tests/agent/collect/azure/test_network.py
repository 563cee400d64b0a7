"""The prover's Azure half on live data: the rules' own example networks, served by the double, collected, and judged alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent import run
from agent.run import Inputs
from checks.arm import Arm
from checks.network.azure_types import TYPES
from checks.rule import Rule
from tests.agent.collect.azure.eyes import NOW, ONE, Eyes, gaps
from tests.agent.road import UNCONFIGURED, shipped
from tests.checks.small import make_promises
from tests.world.arm_double import ArmDouble, error

RULES = sorted(name for name in shipped().rules if name.startswith("azure-network-"))
TAGS = f"/subscriptions/{ONE}/providers/Microsoft.Network/locations/westeurope/serviceTags"


def cases() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name in RULES:
        examples = shipped().rules[name].file.examples
        for verdict in ("upheld", "broken"):
            for case in [one for one in getattr(examples, verdict) if "params" not in one][:2]:
                yield name, verdict, {**examples.base, **case["estate"]}


def witnessed(arm: Arm, body: Mapping[str, Any]) -> dict[str, Any]:
    """An example with the member that every whole answer has, which examples leave out where no rule reads it."""
    inner = arm.shape.step("properties")
    if inner is None or not arm.witness:
        return dict(body)
    shape = inner.step(arm.witness)
    assert shape is not None
    empty: Any = {"list": [], "structure": {}, "boolean": False}.get(shape.kind, "x")
    return {**body, "properties": {arm.witness: empty, **body.get("properties", {})}}


def serve(double: ArmDouble, things: Mapping[str, Any]) -> None:
    double.subscribe(ONE)
    for type_, held in things.items():
        arm = shipped().catalogue[type_].arm
        assert arm is not None
        for body in map(partial(witnessed, arm), held):
            double.put(TAGS if type_ == "azure.network.servicetags" else body["id"], arm.type, body)
    double.things.setdefault(TAGS.lower(), {
        "id": f"/subscriptions/{ONE}/providers/Microsoft.Network/serviceTags/Public", "name": "Public",
        "type": "Microsoft.Network/serviceTags", "changeNumber": "1", "cloud": "Public", "values": [],
    })  # fmt: skip


def verdict(eyes: Eyes, name: str) -> tuple[set[str], list[Any]]:
    rule: Rule = shipped().rules[name]
    estate = eyes.collect(*TYPES, kinds=shipped().catalogue)
    inputs = Inputs(UNCONFIGURED, replace(shipped(), rules={name: rule}), make_promises("promises: []"), {}, {})
    result = run.assess(inputs, estate, every=True, max_age=0, clock=run.Clock(now=lambda: NOW))
    return {one["verdict"] for one in result.findings.records()}, gaps(estate)


@pytest.mark.parametrize(("name", "expected", "things"), list(cases()))
def test_a_network_that_is_read_live_is_judged_as_the_rules_examples_are(
    azure: ArmDouble, tmp_path: Path, name: str, expected: str, things: Mapping[str, Any]
) -> None:
    serve(azure, things)
    found, lost = verdict(Eyes(azure, tmp_path), name)
    assert [gap for gap in lost if gap[2] is None] == [], "of details, networks read none"
    assert found == {expected} or (expected == "broken" and "broken" in found and "unproven" not in found)


@pytest.mark.parametrize("type_", ["networkInterfaces", "networkSecurityGroups", "virtualNetworks"])
def test_a_network_of_which_a_part_could_not_be_listed_is_not_upheld(azure: ArmDouble, tmp_path: Path, type_: str) -> None:
    name = "azure-network-internet-paths"
    examples = shipped().rules[name].file.examples
    serve(azure, {**examples.base, **examples.upheld[0]["estate"]})
    azure.fail(f"/providers/Microsoft.Network/{type_}", error(403, "AuthorizationFailed", "no"))
    found, _ = verdict(Eyes(azure, tmp_path), name)
    assert "upheld" not in found
    assert "unproven" in found
