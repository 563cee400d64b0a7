"""Rules of paths find database servers that are in no virtual network, each judged by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.rulebook import load
from checks.judge import Bound, judge
from checks.model import Estate, Finding, Gap, Resource
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


def test_what_is_known_only_by_the_gap_it_left_is_never_passed_over() -> None:
    held = shop()
    machine = next(one for one in held if one.type == "azure.network.networkinterfaces")
    others = [one for one in held if one is not machine]
    unseen = replace(gap(machine, None), code="NotListed")
    assert told(findings(estate(*others, gaps=(unseen,)), "azure-network-internet-paths"))[NETWORKS, "shop"] == "unproven"
    server = gap(OPEN[0], None)
    found = told(findings(estate(*shop(), gaps=(server,)), "azure-network-databases-closed"))
    assert found[SERVERS, "orders"] == "unproven"


def test_a_detail_that_no_network_is_made_of_is_no_doubt_and_no_end() -> None:
    gateway = made("applicationGateways/edge", {"gatewayIPConfigurations": []})
    whole = told(findings(estate(*shop(), gateway), "azure-network-internet-paths"))
    refused = told(findings(estate(*shop(), gateway, gaps=(gap(gateway, "DiagnosticSettings"),)), "azure-network-internet-paths"))
    assert refused == whole


def test_where_application_gateways_are_not_listed_one_may_lead_to_a_server_that_is_in_no_network() -> None:
    def why(*gaps: Gap) -> str:
        found = findings(estate(*shop(), *sql(), gaps=gaps), "azure-network-databases-closed")
        return next(one.explanation for one in found if one.resource.type == SERVERS)

    assert why() == "Not decided: the estate holds no look behind this network.", "which is all that it lacks"
    assert "application gateways" in why(listing_gap("azure.network.applicationgateways"))
