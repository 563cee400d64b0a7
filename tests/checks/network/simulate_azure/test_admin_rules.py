"""Security admin rules stand before network security groups."""

from __future__ import annotations

from typing import Any

from checks.network.packet import Trace
from checks.network.simulate_azure import AzureSimulator
from tests.checks.network.simulate_azure.azure_services import admin_rule, admin_rules, network_manager
from tests.checks.network.simulate_azure.azure_world import (
    CLIENT,
    estate,
    nic,
    nic_id,
    nsg,
    private_endpoint,
    public_ip,
    rule,
    subnet,
    tcp,
    vnet,
)

OPENED = nsg("guard", rule("ssh", 100, ports="22"))
CLOSED = nsg("guard", rule("none", 100, "Deny"))


def sent(*rules: Any, guard: Any = OPENED, members: tuple[str, ...] = ("shop",), deployed: bool | None = True, **parts: Any) -> Trace:
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24", nsg="guard" if guard else "", **parts)])
    web = (nic("web", "shop/front", "10.0.1.4", public="pip"), public_ip("pip", "198.51.100.4"))
    admin = [network_manager("base", deployed=deployed), *admin_rules("base", members, *rules)]
    return AzureSimulator(estate(network, *web, *admin, *([guard] if guard else []))).send(tcp(CLIENT, "198.51.100.4", 22), "internet")


def test_a_deny_ends_it() -> None:
    trace = sent(admin_rule("no-ssh", 10, "Deny", ports="22", protocol="Tcp"))
    assert trace.dropped == ("web: denied by security admin rule central/no-ssh",)


def test_always_allow_goes_past_the_groups() -> None:
    trace = sent(admin_rule("ssh", 10, "AlwaysAllow", ports="22"), guard=CLOSED)
    assert trace.deliveries[0].hops[-1].allowed_by == ("central/ssh",)


def test_allow_leaves_it_to_the_groups() -> None:
    rules = (admin_rule("ssh", 10, "Allow", ports="22"), admin_rule("no-ssh", 20, "Deny", ports="22"))
    assert sent(*rules).deliveries[0].at == nic_id("web")
    assert not sent(*rules, guard=CLOSED).deliveries
    assert not sent(rules[0], guard=None).deliveries


def test_a_lower_number_comes_first() -> None:
    rules = (admin_rule("no-ssh", 20, "Deny", ports="22"), admin_rule("ssh", 10, "AlwaysAllow", ports="22"))
    assert sent(*rules).deliveries


def test_private_endpoints_are_not_touched() -> None:
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24")])
    cards = (nic("web", "shop/front", "10.0.1.4"), nic("pe", "shop/front", "10.0.1.9", endpoint="files"))
    policies = {"privateEndpointNetworkPolicies": "Enabled"}
    network.data["properties"]["subnets"][0]["properties"] |= policies
    admin = [network_manager("base"), *admin_rules("base", ["shop"], admin_rule("none", 10, "Deny"))]
    simulator = AzureSimulator(estate(network, *cards, private_endpoint("files", "shop/front", "pe"), *admin))
    assert simulator.send(tcp("10.0.1.4", "10.0.1.9", 443), nic_id("web")).deliveries[0].at == nic_id("pe")
    assert not simulator.send(tcp("10.0.1.9", "10.0.1.4", 443), nic_id("pe")).deliveries


def test_other_ports_sources_and_directions_are_left_alone() -> None:
    assert sent(admin_rule("rdp", 10, "Deny", ports="3389")).deliveries
    assert sent(admin_rule("inside", 10, "Deny", source="10.0.0.0/8")).deliveries
    assert sent(admin_rule("out", 10, "Deny", out=True)).deliveries


def test_what_is_not_deployed_has_no_effect() -> None:
    assert sent(admin_rule("no-ssh", 10, "Deny"), deployed=False).deliveries


def test_whether_it_is_deployed_must_be_told_where_it_matters() -> None:
    trace = sent(admin_rule("no-ssh", 10, "Deny"), deployed=None)
    assert not trace.deliveries
    assert "whether base is deployed" in trace.unknown[0]
    assert sent(admin_rule("no-ssh", 10, "Deny"), deployed=None, guard=CLOSED).unknown == ()


def test_membership_by_policy_is_not_known() -> None:
    trace = sent(admin_rule("no-ssh", 10, "Deny"), members=("bank",))
    assert not trace.deliveries
    assert "by Azure Policy" in trace.unknown[0]


def test_services_with_intent_policies_may_be_skipped() -> None:
    delegation = {"name": "mi", "properties": {"serviceName": "Microsoft.Sql/managedInstances"}}
    trace = sent(admin_rule("no-ssh", 10, "Deny"), delegations=[delegation])
    assert not trace.deliveries
    assert "managedinstances" in trace.unknown[0]
