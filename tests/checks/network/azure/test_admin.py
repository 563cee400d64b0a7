"""Security admin rules: before network security groups, over them, or only ahead of them."""

import pytest

from tests.checks.network.azure.arm_world import answer, arm, lowered, made, nic, nsg, public_ip, rule, subnet, verdict, vnet, why

CONFIG = "networkManagers/m/securityAdminConfigurations/c"
NET = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", nsg="g"))
WEB, PIP = nic("web", "shop/front", "10.0.1.4", public="pip"), public_ip("pip", "20.1.1.1")
MANAGER = made("networkManagers/m", {"networkManagerScopes": {"subscriptions": []}})
MEMBER = made("networkManagers/m/networkGroups/all/staticMembers/one", {"resourceId": arm("virtualNetworks/shop")})
COLLECTION = made(f"{CONFIG}/ruleCollections/rc", {"appliesToGroups": [{"networkGroupId": arm("networkManagers/m/networkGroups/all")}]})
ALLOW, NONE = nsg("g", rule("all", 100)), nsg("g", rule("no", 100, "Deny"))


def admin(
    name,
    access,
    priority=10,
    direction="Inbound",
    sources=(("Internet", "ServiceTag"),),
    destinations=(),
    ports=("22",),
    protocol="Tcp",
    commitTime="2026-01-01T00:00:00Z",
    **top,
):
    def ends(held):
        return [{"addressPrefix": prefix, "addressPrefixType": kind} for prefix, kind in held]

    return made(f"{CONFIG}/ruleCollections/rc/rules/{name}", {
        "access": access, "priority": priority, "direction": direction, "protocol": protocol, "sources": ends(sources),
        "destinations": ends(destinations), "destinationPortRanges": list(ports), "sourcePortRanges": ["0-65535"],
    }, kind="Custom", **({"commitTime": commitTime} if commitTime else {}), **top)  # fmt: skip


def world(*rules, group=ALLOW, more=(MANAGER, MEMBER, COLLECTION), asserted="A. Auditor"):
    return lowered(NET, WEB, PIP, group, *rules, *more, asserted=asserted)


def test_a_denying_rule_is_stronger_than_a_group():
    graph = world(admin("no", "Deny"))
    assert answer(graph, "internet", "web", 22) == "unreachable"
    assert answer(graph, "internet", "web", 23) == "reachable"


def test_an_always_allowing_rule_passes_groups_by():
    graph = world(admin("yes", "AlwaysAllow"), group=NONE)
    assert answer(graph, "internet", "web", 22) == "reachable"
    assert answer(graph, "internet", "web", 23) == "unreachable"
    assert ("rc/yes",) in [hop.allowed_by for hop in verdict(graph, "internet", "web", 22).hops]


def test_an_allowing_rule_leaves_it_to_groups():
    rules = admin("yes", "Allow", 5), admin("no", "Deny", 10)
    assert answer(world(*rules), "internet", "web", 22) == "reachable"
    assert answer(world(*rules, group=NONE), "internet", "web", 22) == "unreachable"


def test_the_lower_number_decides():
    rules = admin("yes", "AlwaysAllow", 20), admin("no", "Deny", 10)
    assert answer(world(*rules), "internet", "web", 22) == "unreachable"


def test_outbound_rules_and_destinations():
    graph = world(admin("no", "Deny", direction="Outbound", sources=(), destinations=(("Internet", "ServiceTag"),)))
    assert answer(graph, "web", "internet", 22) == "unreachable"
    assert answer(graph, "web", "internet", 443) == "reachable"


def test_rules_are_for_the_networks_of_their_group():
    elsewhere = made("networkManagers/m/networkGroups/all/staticMembers/one", {"resourceId": arm("virtualNetworks/other")})
    assert answer(world(admin("no", "Deny"), more=(MANAGER, elsewhere, COLLECTION)), "internet", "web", 22) == "reachable"


def test_a_group_whose_members_nobody_read_is_unknown():
    assert answer(world(admin("no", "Deny"), more=(MANAGER, COLLECTION)), "internet", "web", 22) == "unknown"


def test_a_configuration_that_may_not_be_deployed_is_unknown():
    for asserted in (None, "A. Auditor"):
        assert answer(world(admin("no", "Deny", commitTime=None), asserted=asserted), "internet", "web", 22) == "unknown"
    assert answer(world(admin("no", "Deny"), asserted=None), "internet", "web", 23) == "reachable"


def test_a_configuration_that_is_known_not_to_be_deployed_has_no_effect():
    def manager(*configurations):
        status = [{"deploymentType": "SecurityAdmin", "deploymentStatus": "Deployed", "configurationIds": list(configurations)}]
        return made("networkManagers/m", {"networkManagerScopes": {}}, deploymentStatus=status)

    rule = admin("no", "Deny", commitTime=None)
    assert answer(world(rule, more=(manager(arm(CONFIG)), MEMBER, COLLECTION)), "internet", "web", 22) == "unreachable"
    assert answer(world(rule, more=(manager(), MEMBER, COLLECTION)), "internet", "web", 22) == "reachable"


def test_networks_with_intent_policies_are_unknown():
    managed = subnet("mi", "10.0.9.0/24", delegations=[{"name": "d", "properties": {"serviceName": "Microsoft.Sql/managedInstances"}}])
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", nsg="g"), managed)
    graph = lowered(net, WEB, PIP, ALLOW, MANAGER, MEMBER, COLLECTION, admin("no", "Deny"))
    assert answer(graph, "internet", "web", 22) == "unknown"


@pytest.mark.parametrize("changed", [{"access": "Perhaps"}, {"direction": "Up"}, {"priority": None}, {"protocol": "Gopher"}])
def test_a_malformed_rule_is_unknown(changed):
    odd = admin("odd", "AlwaysAllow")
    odd.data["properties"].update(changed)
    assert answer(world(odd, group=NONE), "internet", "web", 22) == "unknown"
    assert "rc/odd" in why(world(odd, group=NONE), "internet", "web", 22)
