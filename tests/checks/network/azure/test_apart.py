"""Rules of paths find database servers that are in no virtual network, each judged by itself."""

from __future__ import annotations

import pytest

from agent.rulebook import load
from checks.judge import Bound, judge
from checks.model import Estate, Finding, Resource
from tests.checks.network.aws import asking
from tests.checks.network.azure.arm_world import estate, gap, listing_gap, made
from tests.checks.network.azure.test_replayed import balancer, shop, sql
from tests.checks.network.simulate import aws_world as aws

BOOK = load()
SERVERS, NETWORKS = "azure.sql.servers", "azure.network.virtualnetworks"


def findings(held: Estate, rule: str, **params: object) -> list[Finding]:
    one = BOOK.rules[rule]
    return list(judge(held, BOOK.catalogue, [Bound(one, one.params(params), {}, ())], {}))


def told(found: list[Finding]) -> dict[tuple[str, str], str]:
    return {(one.resource.type, one.resource.id.rpartition("/")[2]): str(one.verdict) for one in found}


OPEN = sql(("203.0.113.0", "203.0.113.255"))


@pytest.mark.parametrize("rule", ["azure-network-databases-closed", "azure-network-internet-paths", "azure-network-management-paths"])
def test_a_server_in_no_network_has_a_finding_of_its_own(rule: str) -> None:
    found = findings(estate(*shop(), *OPEN), rule)
    assert told(found)[SERVERS, "orders"] == "broken"
    assert "orders" in next(one.explanation for one in found if one.resource.type == SERVERS)
    assert told(findings(estate(*OPEN), rule))[SERVERS, "orders"] == "broken"


def test_what_is_promised_to_be_open_is_no_breach() -> None:
    allowed = [{"from": "internet:203.0.113.0/24", "to": "orders", "protocol": "tcp", "ports": "1433"}]
    found = told(findings(estate(*shop(), *OPEN), "azure-network-internet-paths", allowed=allowed))
    assert found[SERVERS, "orders"] != "broken"


def test_what_was_not_seen_of_servers_is_told() -> None:
    half = findings(estate(*shop(), *OPEN, gaps=(gap(OPEN[0]),)), "azure-network-databases-closed")
    assert told(half)[SERVERS, "orders"] == "unproven"
    unlisted = findings(estate(*shop(), gaps=(listing_gap(SERVERS),)), "azure-network-databases-closed")
    assert any(one.resource.type == SERVERS and str(one.verdict) == "unproven" for one in unlisted)


def test_storage_is_no_machine_unless_it_is_named() -> None:
    acls = {"defaultAction": "Allow", "virtualNetworkRules": [], "ipRules": []}
    files = made("storageAccounts/files", {"publicNetworkAccess": "Enabled", "networkAcls": acls}, "Microsoft.Storage")
    assert ("azure.storage.storageaccounts", "files") not in told(findings(estate(*shop(), files), "azure-network-internet-paths"))


def test_what_comes_in_by_a_load_balancer_that_may_is_no_breach_behind_it() -> None:
    allowed = [{"from": "internet", "to": "front", "protocol": "tcp", "ports": "443"}]
    held = estate(*shop(balancer((443, 8080))))
    assert told(findings(held, "azure-network-internet-paths"))[NETWORKS, "shop"] == "broken"
    assert told(findings(held, "azure-network-internet-paths", allowed=allowed))[NETWORKS, "shop"] != "broken"
    other = estate(*shop(balancer((443, 8080), (80, 8080))))
    found = findings(other, "azure-network-internet-paths", allowed=allowed)
    assert told(found)[NETWORKS, "shop"] == "broken"
    assert [one.rpartition("/")[2] for one in found[0].evidence.affected] == ["front"]


def test_an_estate_of_aws_has_no_findings_of_azure() -> None:
    home: Resource = aws.vpc("vpc-a", "10.0.0.0/16")
    for rule in BOOK.rules.values():
        if rule.file.paths is not None and rule.kind.startswith("azure."):
            assert findings(asking.estate([home]), rule.id) == []
