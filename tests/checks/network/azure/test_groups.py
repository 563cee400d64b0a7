"""Network security groups: who gets past them, and who stands before which of their rules."""

import pytest

from checks.network.exposure import Exposed
from tests.checks.network.azure.arm_world import answer, lowered, made, nic, nsg, public_ip, rule, subnet, verdict, vnet, why

NET = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", nsg="g"), subnet("back", "10.0.2.0/24"))
WEB = nic("web", "shop/front", "10.0.1.4", public="pip")
PIP = public_ip("pip", "20.1.1.1")


def world(*rules, more=(), net=NET, web=WEB):
    return lowered(net, web, PIP, nsg("g", *rules), *more)


def test_a_rule_opens_its_port_and_no_other():
    graph = world(rule("https", 100, protocol="Tcp", source="Internet", ports="443"))
    assert answer(graph, "internet", "web", 443) == "reachable"
    assert answer(graph, "internet", "web", 22) == "unreachable"
    assert answer(graph, "internet", "web", 443, protocol="udp") == "unreachable"


def test_the_rule_that_let_a_packet_in_is_named():
    graph = world(rule("https", 100, protocol="Tcp", ports="443"))
    assert ("g/https",) in [hop.allowed_by for hop in verdict(graph, "internet", "web", 443).hops]


def test_a_default_rule_is_named_as_one():
    graph = world(more=[nic("db", "shop/back", "10.0.2.4")])
    assert ("g/DefaultRule AllowVnetInBound",) in [hop.allowed_by for hop in verdict(graph, "db", "web", 443).hops]


def test_the_lower_priority_number_decides():
    deny, allow = rule("no", 100, "Deny", ports="22"), rule("all", 200)
    assert answer(world(deny, allow), "internet", "web", 22) == "unreachable"
    later = rule("no", 300, "Deny", ports="22")
    assert answer(world(later, allow), "internet", "web", 22) == "reachable"


def test_plural_members_and_ranges_count():
    graph = world(rule("some", 100, protocol="Tcp", source=["198.51.100.0/24", "203.0.113.9"], ports=["80", "8000-8010"]))
    assert answer(graph, "internet:198.51.100.7", "web", 8005) == "reachable"
    assert answer(graph, "internet:203.0.113.9", "web", 80) == "reachable"
    assert answer(graph, "internet:203.0.113.10", "web", 80) == "unreachable"


def test_source_ports_count():
    graph = world(rule("dns", 100, protocol="Udp", source_ports="53"))
    assert answer(graph, "internet", "web", 4000, protocol="udp", source_port=53) == "reachable"
    assert answer(graph, "internet", "web", 4000, protocol="udp", source_port=54) == "unreachable"


def test_a_rule_for_a_low_source_port_opens_to_whoever_chooses_it():
    graph = world(rule("dns", 100, protocol="Udp", source_ports="53"))
    assert answer(graph, "internet", "web", 4000, protocol="udp") == "reachable"
    assert [one.interfaces for one in Exposed(graph)] == [(WEB.id,)]


def test_both_the_subnets_and_the_interfaces_group_must_allow():
    opens, closes = rule("all", 100), rule("none", 100, "Deny")
    web = nic("web", "shop/front", "10.0.1.4", public="pip", nsg="own")
    assert answer(world(opens, web=web, more=[nsg("own", opens)]), "internet", "web", 80) == "reachable"
    assert answer(world(opens, web=web, more=[nsg("own", closes)]), "internet", "web", 80) == "unreachable"
    assert answer(world(closes, web=web, more=[nsg("own", opens)]), "internet", "web", 80) == "unreachable"


def test_a_group_filters_within_its_subnet():
    deny = rule("none", 100, "Deny", source="10.0.1.0/24")
    assert answer(world(deny, more=[nic("other", "shop/front", "10.0.1.5")]), "other", "web", 80) == "unreachable"
    assert answer(world(more=[nic("other", "shop/front", "10.0.1.5")]), "other", "web", 80) == "reachable"


def test_what_goes_out_is_filtered_too():
    deny = rule("none", 100, "Deny", out=True, destination="Internet")
    assert answer(world(deny), "web", "internet", 443) == "unreachable"
    assert answer(world(), "web", "internet", 443) == "reachable"


def test_only_the_interfaces_that_a_rule_names_are_open():
    graph = world(
        rule("one", 100, destination="10.0.1.5"), more=[nic("other", "shop/front", "10.0.1.5", public="p2"), public_ip("p2", "20.1.1.2")]
    )
    assert answer(graph, "internet", "other", 80) == "reachable"
    assert answer(graph, "internet", "web", 80) == "unreachable"


def test_each_address_of_an_interface_meets_its_own_rules():
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", nsg="g"), subnet("back", "10.0.2.0/24"))
    web = nic("web", "shop/front", "10.0.1.4", "10.0.1.9")
    graph = lowered(net, web, nic("db", "shop/back", "10.0.2.4"), nsg("g", rule("no", 100, "Deny", destination="10.0.1.4")))
    assert answer(graph, "db", "10.0.1.9", 80) == "reachable"
    assert answer(graph, "db", "10.0.1.4", 80) == "unreachable"


def test_application_security_groups_at_both_ends():
    rules = [
        rule("app", 100, source_asgs=["apps"], destination_asgs=["dbs"], ports="5432"),
        rule("none", 200, "Deny", source="VirtualNetwork"),
    ]
    net = vnet("shop", "10.0.0.0/16", subnet("back", "10.0.2.0/24", nsg="g"))
    graph = lowered(
        net, nsg("g", *rules), nic("db", "shop/back", "10.0.2.4", asgs=["dbs"]), nic("app", "shop/back", "10.0.2.5", asgs=["apps"]),
        nic("other", "shop/back", "10.0.2.6"),
    )  # fmt: skip
    assert answer(graph, "app", "db", 5432) == "reachable"
    assert answer(graph, "other", "db", 5432) == "unreachable"
    assert answer(graph, "db", "app", 5432) == "unreachable"


def test_an_application_security_group_as_destination_of_what_goes_out():
    rules = [rule("db", 100, out=True, destination_asgs=["dbs"]), rule("none", 200, "Deny", out=True)]
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", nsg="g"), subnet("back", "10.0.2.0/24"))
    graph = lowered(
        net, nsg("g", *rules), nic("web", "shop/front", "10.0.1.4"), nic("db", "shop/back", "10.0.2.4", asgs=["dbs"]),
        nic("other", "shop/back", "10.0.2.5"),
    )  # fmt: skip
    assert answer(graph, "web", "db", 5432) == "reachable"
    assert answer(graph, "web", "other", 5432) == "unreachable"


def test_a_service_tag_that_is_expanded_holds_its_addresses_alone():
    tags = made("serviceTags/ne", {}, values=[{"name": "AzureDevOps", "properties": {"addressPrefixes": ["20.40.0.0/16"]}}])
    graph = world(rule("builds", 100, source="AzureDevOps"), more=[tags])
    assert answer(graph, "internet:20.40.1.1", "web", 22) == "reachable"
    assert answer(graph, "internet:20.41.1.1", "web", 22) == "unreachable"


def test_a_service_tag_that_is_not_expanded_is_unknown():
    graph = world(rule("builds", 100, source="AzureDevOps", ports="22"))
    assert answer(graph, "internet", "web", 22) == "unknown"
    assert "service tag AzureDevOps is not expanded" in why(graph, "internet", "web", 22)
    assert answer(graph, "internet", "web", 23) == "unreachable"


def test_a_deny_for_a_tag_that_is_not_expanded_does_not_prove_anything():
    graph = world(rule("no", 100, "Deny", source="AzureDevOps"), rule("all", 200))
    assert answer(graph, "internet", "web", 22) == "unknown"


def test_the_internet_is_what_is_not_in_the_network():
    rules = rule("no", 100, "Deny", source="VirtualNetwork"), rule("in", 200, source="Internet")
    assert answer(world(*rules), "internet", "web", 80) == "reachable"
    inside = lowered(NET, nic("web", "shop/front", "10.0.1.4"), nic("db", "shop/back", "10.0.2.4"), nsg("g", *rules))
    assert answer(inside, "db", "web", 80) == "unreachable"


def test_a_public_address_is_reached_from_within_by_way_of_the_internet():
    rules = rule("no", 100, "Deny", source="VirtualNetwork"), rule("in", 200, source="Internet")
    by_its_own = nic("db", "shop/back", "10.0.2.4", public="p2"), public_ip("p2", "20.1.1.2")
    assert answer(world(*rules, more=by_its_own), "db", "web", 80) == "reachable"
    by_default = world(*rules, more=[nic("db", "shop/back", "10.0.2.4")])
    assert answer(by_default, "db", "web", 80) == "unknown"
    assert "default outbound access" in why(by_default, "db", "web", 80)


def test_a_group_that_is_not_there_is_unknown():
    graph = lowered(NET, WEB, PIP)
    assert answer(graph, "internet", "web", 80) == "unknown"
    assert "networkSecurityGroups/g is not in the estate" in why(graph, "internet", "web", 80)


@pytest.mark.parametrize("changed", [
    {"sourceAddressPrefix": "10.0.0.0/33"}, {"protocol": "Carrier pigeon"}, {"destinationPortRange": "http"}, {"destinationPortRange": "9-1"},
    {"sourceAddressPrefix": ""}, {"priority": None}, {"access": "Maybe"}, {"direction": "Sideways"},
])  # fmt: skip
def test_a_malformed_rule_is_unknown(changed):
    broken = rule("odd", 100)
    broken["properties"] |= changed
    graph = world(broken)
    assert answer(graph, "internet", "web", 80) == "unknown"
    assert "g/odd" in why(graph, "internet", "web", 80)


def test_ping_is_a_protocol_of_its_own():
    graph = world(rule("ping", 100, protocol="Icmp"))
    assert answer(graph, "internet", "web", protocol="icmp") == "reachable"
    assert answer(graph, "internet", "web", protocol="tcp") == "unreachable"


def test_interfaces_alike_share_a_class():
    many = [nic(f"n{number}", "shop/front", f"10.0.1.{number}") for number in range(10, 60)]
    graph = world(more=many)
    assert len({one.station for one in graph.interfaces.values()}) == 1
