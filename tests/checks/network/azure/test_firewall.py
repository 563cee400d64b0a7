"""Azure Firewall between networks, on the way out, and as a way in."""

import pytest

from tests.checks.network.azure.arm_world import (
    answer,
    arm,
    at,
    lowered,
    made,
    nic,
    nsg,
    peering,
    public_ip,
    ref,
    route,
    route_table,
    rule,
    subnet,
    verdict,
    vnet,
    why,
)  # fmt: skip

HUB = vnet("hub", "10.0.0.0/16", subnet("AzureFirewallSubnet", "10.0.0.0/26"), peerings=[peering("a"), peering("b")])
A = vnet("a", "10.1.0.0/16", subnet("s", "10.1.1.0/24", table="rt"), peerings=[peering("hub", forwarded=True)])
B = vnet("b", "10.2.0.0/16", subnet("s", "10.2.1.0/24", table="rt"), peerings=[peering("hub", forwarded=True)])
TABLE = route_table("rt", route("all", "0.0.0.0/0", "VirtualAppliance", "10.0.0.4"))
NICS = nic("x", "a/s", "10.1.1.4"), nic("y", "b/s", "10.2.1.4")
FWIP = public_ip("fwip", "20.9.9.9")
WORLD = [HUB, A, B, TABLE, *NICS, FWIP]


def firewall(network=(), nat=(), applications=(), policy="", **more):
    configuration = {
        "name": "c",
        "properties": {
            "privateIPAddress": "10.0.0.4",
            "subnet": at("hub/AzureFirewallSubnet"),
            "publicIPAddress": ref("publicIPAddresses/fwip"),
        },
    }
    properties = {"ipConfigurations": [configuration], **more}
    if policy:
        properties["firewallPolicy"] = ref(f"firewallPolicies/{policy}")
    for member, held in (("networkRuleCollections", network), ("natRuleCollections", nat), ("applicationRuleCollections", applications)):
        properties[member] = [
            {"name": f"{member}-{number}", "properties": {"priority": priority, "action": {"type": action}, "rules": list(rules)}}
            for number, (priority, action, *rules) in enumerate(held)
        ]
    return made("azureFirewalls/fw", properties)


def allows(name, sources="*", destinations="*", ports="*", protocol="TCP", **more):
    return {
        "name": name,
        "sourceAddresses": [sources],
        "destinationAddresses": [destinations],
        "destinationPorts": [ports],
        "protocols": [protocol],
        **more,
    }


def test_what_no_rule_allows_is_dropped():
    assert answer(lowered(*WORLD, firewall()), "x", "y", 443) == "unreachable"


def test_a_network_rule_lets_through_what_it_names_and_no_more():
    fw = firewall(network=[(200, "Allow", allows("ab", "10.1.0.0/16", "10.2.1.4", "443"))])
    graph = lowered(*WORLD, fw)
    assert answer(graph, "x", "y", 443) == "reachable"
    assert answer(graph, "x", "y", 80) == "unreachable"
    assert answer(graph, "y", "x", 443) == "unreachable"
    assert ("networkRuleCollections-0/ab",) in [hop.allowed_by for hop in verdict(graph, "x", "y", 443).hops]


def test_the_collection_of_the_lower_number_decides():
    deny, allow = (100, "Deny", allows("no", ports="22")), (200, "Allow", allows("all"))
    assert answer(lowered(*WORLD, firewall(network=[allow, deny])), "x", "y", 22) == "unreachable"
    later = (300, "Deny", allows("no", ports="22"))
    assert answer(lowered(*WORLD, firewall(network=[allow, later])), "x", "y", 22) == "reachable"


def test_going_out_takes_the_firewalls_address():
    graph = lowered(*WORLD, firewall(network=[(200, "Allow", allows("out", "10.1.0.0/16", "*", "443"))]))
    assert answer(graph, "x", "internet", 443) == "reachable"
    assert answer(graph, "x", "internet", 80) == "unreachable"
    assert str(verdict(graph, "x", "internet", 443).witness.arrives).startswith("tcp 20.9.9.9")


def test_an_application_rule_is_unknown():
    web = {
        "name": "web",
        "sourceAddresses": ["10.1.0.0/16"],
        "targetFqdns": ["*.example"],
        "protocols": [{"protocolType": "Https", "port": 443}],
    }
    graph = lowered(*WORLD, firewall(applications=[(200, "Allow", web)]))
    assert answer(graph, "x", "internet", 443) == "unknown"
    assert answer(graph, "x", "internet", 22) == "unreachable"
    assert "names hosts" in why(graph, "x", "internet", 443)


TRANSLATES = allows("in", "*", "20.9.9.9", "8443") | {"translatedAddress": "10.2.1.4", "translatedPort": "443"}


def test_a_nat_rule_lets_the_internet_in():
    graph = lowered(*WORLD, firewall(nat=[(200, "Dnat", TRANSLATES)]))
    assert answer(graph, "internet", "y", 443) == "reachable"
    assert answer(graph, "internet", "y", 8443) == "unreachable"
    assert answer(graph, "internet", "x", 443) == "unreachable"


def test_a_nat_rule_is_for_its_sources():
    graph = lowered(*WORLD, firewall(nat=[(200, "Dnat", TRANSLATES | {"sourceAddresses": ["198.51.100.0/24"]})]))
    assert answer(graph, "internet:198.51.100.7", "y", 443) == "reachable"
    assert answer(graph, "internet:203.0.113.7", "y", 443) == "unreachable"


def test_the_first_nat_rule_takes_the_packet():
    other = TRANSLATES | {"name": "first", "translatedAddress": "10.1.1.4"}
    graph = lowered(*WORLD, firewall(nat=[(300, "Dnat", TRANSLATES), (200, "Dnat", other)]))
    assert answer(graph, "internet", "x", 443) == "reachable"
    assert answer(graph, "internet", "y", 443) == "unreachable"


def test_a_network_rule_can_deny_what_a_nat_rule_lets_in():
    deny = (100, "Deny", allows("no", "*", "10.2.1.4", "443"))
    assert answer(lowered(*WORLD, firewall(nat=[(200, "Dnat", TRANSLATES)], network=[deny])), "internet", "y", 443) == "unreachable"


def test_behind_a_nat_rule_groups_see_the_firewall():
    closed = vnet("b", "10.2.0.0/16", subnet("s", "10.2.1.0/24", table="rt", nsg="g"), peerings=[peering("hub", forwarded=True)])

    def world(source):
        group = nsg("g", rule("fw", 100, source=source), rule("no", 200, "Deny"))
        return lowered(HUB, A, closed, TABLE, *NICS, FWIP, group, firewall(nat=[(200, "Dnat", TRANSLATES)]))

    assert answer(world("10.0.0.0/26"), "internet", "y", 443) == "reachable"
    assert answer(world("198.51.100.0/24"), "internet", "y", 443) == "unreachable"


def test_a_nat_rule_to_a_name_is_unknown():
    by_name = {name: value for name, value in TRANSLATES.items() if name != "translatedAddress"} | {"translatedFqdn": "y.example"}
    assert answer(lowered(*WORLD, firewall(nat=[(200, "Dnat", by_name)])), "internet", "y", 443) == "unknown"


# -- policies ---------------------------------------------------------------------------------------------------------


def policy(name, base="", groups=(), **more):
    properties = {"ruleCollectionGroups": [ref(f"firewallPolicies/{name}/ruleCollectionGroups/{one}") for one in groups], **more}
    if base:
        properties["basePolicy"] = ref(f"firewallPolicies/{base}")
    return made(f"firewallPolicies/{name}", properties)


def group(name, priority, *collections):
    held = [
        {
            "name": f"c{number}",
            "priority": of,
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
            "action": {"type": action},
            "rules": list(rules),
        }
        for number, (of, action, *rules) in enumerate(collections)
    ]
    return made(f"firewallPolicies/{name}", {"priority": priority, "ruleCollections": held})


def told(name, ports="*", **more):
    return {
        "ruleType": "NetworkRule", "name": name, "ipProtocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["*"],
        "destinationPorts": [ports], **more,
    }  # fmt: skip


def test_a_policys_groups_go_by_priority():
    first = group("p/ruleCollectionGroups/g1", 100, (500, "Deny", told("no", "22")))
    second = group("p/ruleCollectionGroups/g2", 200, (100, "Allow", told("all")))
    graph = lowered(*WORLD, firewall(policy="p"), policy("p", groups=["g1", "g2"]), first, second)
    assert answer(graph, "x", "y", 22) == "unreachable"
    assert answer(graph, "x", "y", 80) == "reachable"


def test_a_base_policy_comes_first():
    above = group("base/ruleCollectionGroups/g", 900, (900, "Deny", told("no", "22")))
    own = group("p/ruleCollectionGroups/g", 100, (100, "Allow", told("all")))
    graph = lowered(*WORLD, firewall(policy="p"), policy("p", "base", ["g"]), policy("base", groups=["g"]), above, own)
    assert answer(graph, "x", "y", 22) == "unreachable"


@pytest.mark.parametrize("missing", ["policy", "group", "base", "circle"])
def test_a_policy_of_which_a_part_is_not_there_is_unknown(missing):
    own = group("p/ruleCollectionGroups/g", 100, (100, "Deny", told("none")))
    held = {
        "policy": [],
        "group": [policy("p", groups=["g", "gone"]), own],
        "base": [policy("p", "gone", ["g"]), own],
        "circle": [policy("p", "p", ["g"]), own],
    }[missing]
    graph = lowered(*WORLD, firewall(policy="p"), *held)
    assert answer(graph, "x", "y", 22) == "unknown"
    assert answer(graph, "internet", "y", 22) == "unknown"


def test_ip_groups_are_read():
    grouped = told("g", "22", sourceAddresses=[], sourceIpGroups=[arm("ipGroups/xs")])
    rules = group("p/ruleCollectionGroups/g", 100, (100, "Allow", grouped))
    world = [*WORLD, firewall(policy="p"), policy("p", groups=["g"]), rules]
    assert answer(lowered(*world, made("ipGroups/xs", {"ipAddresses": ["10.1.1.4"]})), "x", "y", 22) == "reachable"
    assert answer(lowered(*world, made("ipGroups/xs", {"ipAddresses": ["10.1.1.5"]})), "x", "y", 22) == "unreachable"
    assert answer(lowered(*world), "x", "y", 22) == "unknown"


def test_private_destinations_can_be_set_to_see_the_firewall():
    rules = group("p/ruleCollectionGroups/g", 100, (100, "Allow", told("all")))
    own = policy("p", groups=["g"], snat={"privateRanges": ["255.255.255.255/32"]})
    graph = lowered(*WORLD, firewall(policy="p"), own, rules)
    assert str(verdict(graph, "x", "y", 22).witness.arrives).startswith("tcp 10.0.0.")


def test_a_firewall_whose_public_address_is_not_there_is_unknown():
    world = [HUB, A, B, TABLE, *NICS, firewall(nat=[(200, "Dnat", TRANSLATES)])]
    assert answer(lowered(*world), "internet", "y", 443) == "unknown"
    assert answer(lowered(*world), "internet", "x", 443) == "unreachable"
