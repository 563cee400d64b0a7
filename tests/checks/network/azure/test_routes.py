"""Routes: which one takes a packet, and what it leads to."""

import pytest

from tests.checks.network.azure.arm_world import (
    answer,
    anything,
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

WEB, DB = nic("web", "shop/front", "10.0.1.4", public="pip"), nic("db", "shop/back", "10.0.2.4")
OPEN = nsg("open", rule("all", 100))


def shop(*routes, table=True, **front):
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", nsg="open", table="rt", **front), subnet("back", "10.0.2.0/24"))
    return [net, WEB, DB, OPEN, public_ip("pip", "20.1.1.1"), *([route_table("rt", *routes)] if table else [])]


def test_a_network_leads_to_itself():
    graph = lowered(*shop())
    assert answer(graph, "web", "db", 80) == "reachable"
    assert ("system route VnetLocal 10.0.0.0/16",) in [hop.allowed_by for hop in verdict(graph, "web", "db", 80).hops]


def test_a_route_to_nowhere_drops():
    graph = lowered(*shop(route("drop", "10.0.2.0/24", "None")))
    assert answer(graph, "web", "db", 80) == "unreachable"


def test_the_longest_prefix_decides():
    graph = lowered(*shop(route("drop", "10.0.2.0/24", "None"), route("one", "10.0.2.4/32", "VnetLocal")))
    assert answer(graph, "web", "db", 80) == "reachable"
    assert ("rt/one",) in [hop.allowed_by for hop in verdict(graph, "web", "db", 80).hops]


def test_a_users_route_comes_before_a_system_route_of_the_same_prefix():
    assert answer(lowered(*shop(route("drop", "10.0.0.0/16", "None"))), "web", "db", 80) == "unreachable"
    assert answer(lowered(*shop(route("drop", "10.0.0.0/8", "None"))), "web", "db", 80) == "reachable"


def test_without_a_way_back_the_internet_gets_in_one_way():
    assert answer(lowered(*shop()), "internet", "web", 80) == "reachable"
    assert answer(lowered(*shop(route("drop", "0.0.0.0/0", "None"))), "internet", "web", 80) == "one-way"
    assert answer(lowered(*shop(route("nva", "0.0.0.0/0", "VirtualAppliance", "10.0.2.9"))), "internet", "web", 80) == "one-way"


def test_an_interface_that_does_not_forward_is_a_dead_end():
    def world(forwards):
        nva = nic("nva", "shop/back", "10.0.2.9", forwards=forwards)
        return lowered(*shop(route("nva", "10.0.2.4/32", "VirtualAppliance", "10.0.2.9")), nva)

    assert answer(world(forwards=False), "web", "db", 80) == "unreachable"
    assert answer(world(forwards=True), "web", "db", 80) == "unknown"
    assert "nva forwards is not known" in why(world(forwards=True), "web", "db", 80)


def test_a_next_hop_that_is_not_seen_is_unknown():
    graph = lowered(*shop(route("nva", "10.0.2.0/24", "VirtualAppliance", "10.9.9.9")))
    assert answer(graph, "web", "db", 80) == "unknown"


@pytest.mark.parametrize("hop", ["CarrierPigeon", ""])
def test_a_next_hop_of_an_unknown_type_is_unknown(hop):
    assert answer(lowered(*shop(route("odd", "10.0.2.0/24", hop))), "web", "db", 80) == "unknown"


def test_a_malformed_prefix_is_unknown():
    graph = lowered(*shop(route("odd", "10.0.2.0/99", "None")))
    assert answer(graph, "web", "internet", 80) == "unknown"


def test_a_route_table_that_is_not_there_is_unknown():
    graph = lowered(*shop(table=False))
    assert answer(graph, "web", "db", 80) == "unknown"
    assert "routeTables/rt is not in the estate" in why(graph, "web", "db", 80)


def test_a_service_tag_as_prefix():
    tags = made("serviceTags/ne", {}, values=[{"name": "Sql", "properties": {"addressPrefixes": ["20.40.0.0/16"]}}])
    graph = lowered(*shop(route("drop", "Sql", "None")), tags)
    assert answer(graph, "web", "internet:20.40.1.1", 80) == "unreachable"
    assert answer(graph, "web", "internet:20.41.1.1", 80) == "reachable"
    assert answer(lowered(*shop(route("drop", "Sql", "None"))), "web", "internet:20.41.1.1", 80) == "unknown"


def test_ipv6_has_routes_of_its_own():
    net = vnet("shop", ["10.0.0.0/16", "fd00:1::/48"], subnet("front", "10.0.1.0/24", "fd00:1:0:1::/64", table="rt"),
               subnet("back", "10.0.2.0/24", "fd00:1:0:2::/64"))  # fmt: skip
    web, db, db6 = (
        nic("web", "shop/front", "10.0.1.4", "fd00:1:0:1::4"),
        nic("db", "shop/back", "10.0.2.4"),
        nic("db6", "shop/back", "fd00:1:0:2::4"),
    )
    graph = lowered(net, web, db, db6, route_table("rt", route("drop", "fd00:1:0:2::/64", "None")))
    assert answer(graph, "web", "db6", 80) == "unreachable"
    assert answer(graph, "web", "db", 80) == "reachable"
    assert answer(lowered(net, web, db6, route_table("rt")), "web", "db6", 80) == "reachable"


def test_a_nat_gateway_lets_out_and_nothing_in():
    out = made("natGateways/out", {"publicIpAddresses": [ref("publicIPAddresses/n")]}, sku={"name": "Standard"})
    net = vnet("shop", "10.0.0.0/16", subnet("back", "10.0.2.0/24", nat="out", defaultOutboundAccess=False))
    graph = lowered(net, DB, out, public_ip("n", "20.2.2.2"))
    assert answer(graph, "db", "internet", 443) == "reachable"
    assert any(hop.kind == "nat-gateway" for hop in verdict(graph, "db", "internet", 443).hops)
    assert answer(graph, "internet", "db", 443) == "unreachable"
    assert answer(lowered(net, DB), "db", "internet", 443) == "unknown"


def test_default_outbound_access_can_be_off():
    def world(allowed):
        return lowered(vnet("shop", "10.0.0.0/16", subnet("back", "10.0.2.0/24", defaultOutboundAccess=allowed)), DB)

    assert answer(world(allowed=True), "db", "internet", 443) == "reachable"
    assert answer(world(allowed=False), "db", "internet", 443) == "unreachable"
    assert anything(world(allowed=True), "internet", "db").verdict == "unreachable"


def test_private_addresses_elsewhere_are_dropped_unless_a_default_route_takes_them():
    spoke = vnet("spoke", "10.5.0.0/16", subnet("s", "10.5.1.0/24", table="rt"), peerings=[peering("hub", forwarded=True)])
    hub = vnet("hub", "10.6.0.0/16", subnet("h", "10.6.1.0/24"), peerings=[peering("spoke"), peering("far")])
    far = vnet("far", "10.7.0.0/16", subnet("f", "10.7.1.0/24"), peerings=[peering("hub", forwarded=True)])
    nics = nic("a", "spoke/s", "10.5.1.4"), nic("nva", "hub/h", "10.6.1.4", forwards=True), nic("b", "far/f", "10.7.1.4")
    through = route_table("rt", route("all", "0.0.0.0/0", "VirtualAppliance", "10.6.1.4"))
    assert answer(lowered(spoke, hub, far, *nics, through), "a", "b", 80) == "unknown"
    assert answer(lowered(spoke, hub, far, *nics, route_table("rt")), "a", "b", 80) == "unreachable"
