"""The short form of the fault harness for Azure; `make faults` runs the long one."""

from __future__ import annotations

import pytest

from tests.agent.road import shipped
from tests.faults.azure import Direct, Tally, World, direct, live, settings, shuffled
from tests.faults.azure_company import networks
from tests.world.arm_double import ArmDouble

KINDS = ("azure.eventhub.namespaces", "azure.keyvault.vaults", "azure.sql.servers.databases", "azure.storage.storageaccounts")


def test_no_fault_makes_a_verdict_up_or_a_finding_vanish(azure: ArmDouble) -> None:
    without, over = Tally(), Tally()
    with settings(azure, shipped()) as world:
        rules = [rule for rule in world.rules.values() if rule.kind in KINDS]
        base = world.verdicts(rules, Direct(azure))
        wanted = shuffled(world, 20261126, KINDS)
        direct(world, wanted, base, 250, without)
        live(world, reversed(wanted), base, 8, over)
        asked = {(one.method, one.path) for one in azure.asked}
    assert {path for method, path in asked if method != "GET"} == {"/providers/Microsoft.ResourceGraph/resources"}
    assert len({path for _, path in asked}) > 250, "every type of the catalogue that ships, every detail that a rule reads"
    assert [
        path for _, path in asked if any(word in path.lower() for word in ("listkeys", "appsettings", "register", "/config/web/list"))
    ] == []
    assert (without.cases >= 250, over.cases >= 8) == (True, True)
    assert without.violations + over.violations == []
    assert len(without.faults) > 20
    assert (without.became["upheld -> unproven"] > 0, without.became["broken -> unproven"] > 0) == (True, True)


@pytest.mark.parametrize("verdict", ["upheld", "broken"])
def test_nor_in_a_network(azure: ArmDouble, verdict: str) -> None:
    rule = shipped().rules["azure-network-internet-paths"]
    example = getattr(rule.file.examples, verdict)[0]
    networks(azure, shipped(), rule, example)
    world = World(azure, shipped(), {rule.id: rule}, {rule.id: example.get("params", {})})
    base, tally = world.verdicts([rule], Direct(azure)), Tally()
    assert verdict in {held[0] for held in base.values()}
    direct(world, shuffled(world, 1), base, 25, tally)
    assert tally.violations == []
    assert tally.became[f"{verdict} -> unproven"] > 0
