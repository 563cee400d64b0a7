from __future__ import annotations

import pytest

from checks.model import Resource
from checks.network.packet import INTERNET, Packet
from checks.network.simulate.aws import Simulator
from tests.checks.network.simulate.aws_world import (
    EVERYWHERE,
    THERE,
    World,
    acl,
    allow,
    ends,
    eni,
    entry,
    group,
    igw,
    nat,
    subnet,
    table,
    tcp,
    to,
    vpc,
)
from tests.checks.network.simulate.aws_world_transit import (
    attachment,
    client_vpn,
    peering_attachment,
    transit_gateway,
    transit_route,
    transit_table,
    vpc_attachment,
)

A, B = vpc("vpc-a", "10.0.0.0/16", "2a05:d014::/56"), vpc("vpc-b", "10.1.0.0/16", "2a05:d014:1::/56")
SUBNET_A, FOOT_A = subnet("subnet-a", A, "10.0.1.0/24", "2a05:d014:0:1::/64"), subnet("subnet-foot-a", A, "10.0.9.0/28")
SUBNET_B, FOOT_B = subnet("subnet-b", B, "10.1.1.0/24", "2a05:d014:1:1::/64"), subnet("subnet-foot-b", B, "10.1.9.0/28")
GROUP_A, GROUP_B = group("sg-a", A, [allow("tcp", 443, "10.0.0.0/8")]), group("sg-b", B, [allow("tcp", 443, "10.0.0.0/8", "::/0")])
ENI_A, ENI_B = (
    eni("eni-a", SUBNET_A, "10.0.1.5", GROUP_A, ipv6=["2a05:d014:0:1::5"]),
    eni("eni-b", SUBNET_B, "10.1.1.5", GROUP_B, ipv6=["2a05:d014:1:1::5"]),
)
TO_A, TO_B = transit_route("10.0.0.0/16", "tgw-attach-a"), transit_route("10.1.0.0/16", "tgw-attach-b")
BOTH = ["tgw-attach-a", "tgw-attach-b", "tgw-attach-vpn"]
WORLD = World(
    *(A, B, SUBNET_A, FOOT_A, SUBNET_B, FOOT_B, GROUP_A, GROUP_B, ENI_A, ENI_B, acl("acl-a", A), acl("acl-b", B)),
    table("rtb-a", A, to("10.0.0.0/8", "tgw-1"), to("172.20.0.0/16", "tgw-1"), to("2a05:d014:1::/56", "tgw-1"), main=True),
    table("rtb-b", B, to("10.0.0.0/8", "tgw-1"), to("2a05:d014::/56", "tgw-1"), main=True),
    transit_gateway("tgw-1"),
    vpc_attachment("tgw-attach-a", "tgw-1", A, FOOT_A),
    vpc_attachment("tgw-attach-b", "tgw-1", B, FOOT_B),
    attachment("tgw-attach-vpn", "tgw-1", "vpn", "vpn-1"),
    transit_table("tgw-rtb-1", "tgw-1", TO_A, TO_B, transit_route("172.20.0.0/16", "tgw-attach-vpn", "vpn"), associated=BOTH),
)
ACROSS = tcp("10.0.1.5", "10.1.1.5", 443)
AWAY = tcp("10.0.1.5", "172.20.0.9", 443)


def send(world: World, packet: Packet, at: str = "eni-a") -> dict[str, bool]:
    return ends(Simulator(world).send(packet, at))


def routed(*routes: dict) -> World:
    return WORLD.but(transit_table("tgw-rtb-1", "tgw-1", *routes, associated=BOTH))


def test_over_a_transit_gateway():
    [delivery] = Simulator(WORLD).send(ACROSS, "eni-a").deliveries
    assert (delivery.at, delivery.reply) == ("eni-b", True)
    path = "eni-a sg-a acl-a rtb-a acl-a tgw-attach-a tgw-rtb-1 tgw-attach-b acl-b rtb-b acl-b sg-b eni-b"
    assert [hop.id for hop in delivery.hops] == path.split()
    assert delivery.hops[6].allowed_by == ("tgw-rtb-1 route 10.1.0.0/16 -> tgw-attach-b",)


def test_both_sides_and_the_gateway_s_table_need_a_route():
    assert send(WORLD.but(table("rtb-a", A, main=True)), ACROSS) == {}
    assert send(WORLD.but(table("rtb-b", B, main=True)), ACROSS) == {"eni-b": False}
    assert send(routed(TO_A), ACROSS) == {}
    assert send(routed(TO_B), ACROSS) == {"eni-b": False}


def test_the_gateway_s_routes_have_an_order():
    vpn = transit_route("10.1.0.0/16", "tgw-attach-vpn", "vpn", propagated=True)
    assert send(routed(vpn, TO_B), ACROSS) == {"eni-b": False}
    assert send(routed(transit_route("10.1.1.0/24", "tgw-attach-vpn", "vpn", propagated=True), TO_B, TO_A), ACROSS) == {
        "tgw-attach-vpn": True
    }
    assert send(routed(transit_route("10.1.1.0/24", None), TO_B, TO_A), ACROSS) == {}


def test_the_table_of_the_attachment_a_packet_comes_in_by_counts():
    own = transit_table("tgw-rtb-b", "tgw-1", associated=["tgw-attach-b"])
    shared = transit_table("tgw-rtb-1", "tgw-1", TO_A, TO_B, associated=["tgw-attach-a"])
    assert send(WORLD.but(own, shared), ACROSS) == {"eni-b": False}
    assert send(WORLD.but(transit_table("tgw-rtb-1", "tgw-1", TO_A, TO_B, associated=["tgw-attach-b"])), ACROSS) == {}


def test_only_from_zones_with_a_foot():
    assert send(WORLD.but(subnet("subnet-a", A, "10.0.1.0/24", zone="b")), ACROSS) == {}
    assert send(WORLD.but(subnet("subnet-b", B, "10.1.1.0/24", zone="b")), ACROSS) == {"eni-b": False}


def test_the_acl_of_an_attachment_s_subnet_counts_both_ways():
    away, back = entry(1, "allow", "10.0.1.0/24"), entry(1, "allow", "10.1.1.0/24")
    assert send(WORLD.but(acl("acl-foot", A, FOOT_A, ingress=[back])), ACROSS) == {}
    assert send(WORLD.but(acl("acl-foot", A, FOOT_A, ingress=[away], egress=[])), ACROSS) == {"eni-b": False}
    assert send(WORLD.but(acl("acl-foot", A, FOOT_A, ingress=[away], egress=[away])), ACROSS) == {"eni-b": True}
    assert send(WORLD.but(acl("acl-foot", B, FOOT_B, egress=[away])), ACROSS) == {}


def test_between_the_gateway_and_an_interface_in_its_own_subnet_the_acl_does_not_count_on_the_way_in():
    world = WORLD.but(*vpc_attachment("tgw-attach-b", "tgw-1", B, SUBNET_B))
    assert send(world.but(acl("acl-own", B, SUBNET_B, ingress=[entry(1, "allow", "10.1.1.0/24")])), ACROSS) == {"eni-b": True}
    assert send(world.but(acl("acl-own", B, SUBNET_B, ingress=[])), ACROSS) == {"eni-b": False}


@pytest.mark.parametrize(("gateway", "here", "there", "passes"), [(1, 1, 1, True), (0, 1, 1, False), (1, 0, 1, False), (1, 1, 0, False)])
def test_references_reach_over_a_transit_gateway_where_all_three_say_so(gateway: int, here: int, there: int, passes: bool):
    world = WORLD.but(
        group("sg-b", B, [allow("tcp", 443, GROUP_A)]),
        transit_gateway("tgw-1", referencing=bool(gateway)),
        *vpc_attachment("tgw-attach-a", "tgw-1", A, FOOT_A, referencing=bool(here)),
        *vpc_attachment("tgw-attach-b", "tgw-1", B, FOOT_B, referencing=bool(there)),
    )
    assert send(world, ACROSS) == ({"eni-b": True} if passes else {})
    assert send(world.but(GROUP_B, group("sg-a", A, egress=[allow("tcp", 443, GROUP_B)])), ACROSS) == {}


def test_ipv6_only_over_attachments_that_carry_it():
    six = tcp("2a05:d014:0:1::5", "2a05:d014:1:1::5", 443)
    world = routed(transit_route("2a05:d014:1::/56", "tgw-attach-b"), transit_route("2a05:d014::/56", "tgw-attach-a"))
    assert send(world, six) == {}
    here, there = [
        vpc_attachment(f"tgw-attach-{one}", "tgw-1", home, foot, ipv6=True) for one, home, foot in (("a", A, FOOT_A), ("b", B, FOOT_B))
    ]
    assert send(world.but(*here), six) == {}
    assert send(world.but(*here, *there), six) == {"eni-b": True}


def test_to_and_from_a_vpn_attachment():
    assert send(WORLD, AWAY) == {"tgw-attach-vpn": True}
    open_to_vpn = WORLD.but(group("sg-a", A, [allow("tcp", 443, "172.20.0.0/16")]))
    assert send(open_to_vpn, tcp("172.20.0.9", "10.0.1.5", 443), "tgw-attach-vpn") == {"eni-a": True}
    assert send(WORLD, tcp("172.20.0.9", "10.0.1.5", 443), "tgw-attach-vpn") == {}


def test_an_unread_vpc_is_where_the_packet_leaves_sight():
    unread = WORLD.without("vpc-b", "subnet-b", "subnet-foot-b", "eni-b")
    assert send(unread, ACROSS) == {"tgw-attach-b": True}
    assert send(unread, tcp("10.1.1.5", "10.0.1.5", 443), "tgw-attach-b") == {"eni-a": True}


def test_a_gateway_whose_tables_or_attachments_are_not_in_the_estate_is_unknown():
    for missing in ("tgw-rtb-1", "tgw-attach-a"):
        trace = Simulator(WORLD.without(missing)).send(ACROSS, "eni-a")
        assert not trace.deliveries
        assert bool(trace.unknown) == (missing == "tgw-attach-a")
    no_tables = Simulator(World(*(one for one in WORLD.without("tgw-rtb-1").resources if one.type != "aws.ec2.transit_gateway_attachment")))
    assert "tgw-attach-a" in no_tables.send(ACROSS, "eni-a").unknown[0]


def test_out_to_the_internet_through_another_vpc():
    world = routed(TO_A, transit_route(EVERYWHERE, "tgw-attach-b")).but(
        table("rtb-a", A, to(EVERYWHERE, "tgw-1"), main=True),
        nat("nat-1", SUBNET_B, "10.1.1.9", "198.51.100.9"),
        igw("igw-b", B),
        table("rtb-foot", B, to(EVERYWHERE, "nat-1"), subnets=[FOOT_B]),
        table("rtb-b", B, to(EVERYWHERE, "igw-b"), to("10.0.0.0/16", "tgw-1"), main=True),
    )
    [delivery] = Simulator(world).send(tcp("10.0.1.5", "203.0.113.7", 443), "eni-a").deliveries
    assert (delivery.at, delivery.arrives, delivery.reply) == (INTERNET, tcp("198.51.100.9", "203.0.113.7", 443), True)
    no_way_back = table("rtb-b", B, to(EVERYWHERE, "igw-b"), main=True)
    assert send(world.but(no_way_back), tcp("10.0.1.5", "203.0.113.7", 443)) == {INTERNET: False}


def _peered(state: str = "available") -> World:
    far = vpc_attachment("tgw-attach-b", "tgw-2", B, FOOT_B)
    return WORLD.but(
        *far,
        transit_gateway("tgw-2", region=THERE),
        peering_attachment("tgw-attach-peer", "tgw-1", "tgw-2", state=state),
        transit_table(
            "tgw-rtb-1", "tgw-1", TO_A, transit_route("10.1.0.0/16", "tgw-attach-peer", "peering"), associated=[*BOTH, "tgw-attach-peer"]
        ),
        transit_table(
            "tgw-rtb-2",
            "tgw-2",
            TO_B,
            transit_route("10.0.0.0/16", "tgw-attach-peer", "peering"),
            associated=["tgw-attach-b", "tgw-attach-peer"],
        ),
        table("rtb-b", B, to("10.0.0.0/8", "tgw-2"), main=True),
    )


def test_over_peered_transit_gateways():
    assert send(_peered(), ACROSS) == {"eni-b": True}
    assert send(_peered("pending-acceptance"), ACROSS) == {}
    assert send(_peered().without("tgw-2", "tgw-rtb-2"), ACROSS) == {"tgw-attach-peer": True}
    lonely = transit_table("tgw-rtb-2", "tgw-2", TO_B, associated=["tgw-attach-b", "tgw-attach-peer"])
    assert send(_peered().but(lonely), ACROSS) == {"eni-b": False}


def test_a_client_vpn_sends_in_the_name_of_its_interface():
    clients = group("sg-vpn", A)
    door = eni("eni-vpn", FOOT_A, "10.0.9.4", clients, description="ClientVPN Endpoint resource for cvpn-endpoint-1")
    endpoint = client_vpn("cvpn-endpoint-1", A, "172.31.0.0/16", FOOT_A, authorized=["10.0.1.0/24"])
    world = WORLD.but(clients, door, endpoint, group("sg-a", A, [allow("tcp", 443, clients)]))
    sent = tcp("172.31.0.9", "10.0.1.5", 443)
    [delivery] = Simulator(world).send(sent, "cvpn-endpoint-1").deliveries
    assert (delivery.at, delivery.arrives, delivery.reply) == ("eni-a", tcp("10.0.9.4", "10.0.1.5", 443), True)
    assert send(world, tcp("172.31.0.9", "10.0.2.5", 443), "cvpn-endpoint-1") == {}
    assert send(world.but(group("sg-a", A)), sent, "cvpn-endpoint-1") == {}
    wide = client_vpn("cvpn-endpoint-1", A, "172.31.0.0/16", FOOT_A, authorized=["10.0.0.0/16"])
    assert send(world.but(wide), tcp("172.31.0.9", "10.0.9.4", 443), "cvpn-endpoint-1") == {}
    trace = Simulator(world.without("eni-vpn")).send(sent, "cvpn-endpoint-1")
    assert not trace.deliveries
    assert trace.unknown == ("the network interfaces of cvpn-endpoint-1 are not in the estate",)


def test_an_instance_connect_endpoint_sends_from_its_own_interface():
    own = group("sg-eice", A)
    door = eni("eni-eice", FOOT_A, "10.0.9.5", own)
    data = {"NetworkInterfaceIds": ["eni-eice"], "PreserveClientIp": False, "State": "create-complete"}

    def world(**more):
        endpoint = Resource("eice-1", "aws.ec2.instance_connect_endpoint", A.account, A.region, {**data, **more})
        return WORLD.but(own, door, endpoint, group("sg-a", A, [allow("tcp", 22, own)]))

    knock = tcp("10.0.9.5", "10.0.1.5", 22)
    assert send(world(), knock, "eice-1") == {"eni-a": True}
    assert send(world(), tcp("10.0.9.5", "10.0.1.5", 23), "eice-1") == {}
    assert send(world(State="delete-complete"), knock, "eice-1") == {}
    assert "preserves" in Simulator(world(PreserveClientIp=True)).send(knock, "eice-1").unknown[0]
    assert "holds the source" in Simulator(world()).send(tcp("10.0.9.6", "10.0.1.5", 22), "eice-1").unknown[0]


def test_a_client_vpn_whose_rules_are_not_in_the_estate_is_unknown():
    endpoint = client_vpn("cvpn-endpoint-1", A, "172.31.0.0/16", FOOT_A, authorized=["10.0.1.0/24"])
    for member in ("AuthorizationRules", "Routes"):
        data = {name: value for name, value in endpoint.data.items() if name != member}
        bare = type(endpoint)(endpoint.id, endpoint.type, endpoint.account, endpoint.region, data)
        trace = Simulator(WORLD.but(bare)).send(tcp("172.31.0.9", "10.0.1.5", 443), "cvpn-endpoint-1")
        assert not trace.deliveries
        assert "cvpn-endpoint-1" in trace.unknown[0]


def test_an_attachment_that_is_not_available_carries_nothing():
    for gone in ("tgw-attach-a", "tgw-attach-b"):
        own = next(one for one in WORLD.of("aws.ec2.transit_gateway_vpc_attachment") if one.id == gone)
        deleted = type(own)(own.id, own.type, own.account, own.region, {**own.data, "State": "deleted"})
        assert send(WORLD.but(deleted), ACROSS) == {}


def test_what_an_unread_vpc_s_groups_are_is_unknown_where_references_reach():
    unread = WORLD.without("vpc-b", "subnet-b", "subnet-foot-b", "eni-b")
    unread = World(*(one for one in unread.resources if (one.type, one.id) != ("aws.ec2.transit_gateway_vpc_attachment", "tgw-attach-b")))
    world = unread.but(group("sg-a", A, [allow("tcp", 443, "sg-theirs")]), transit_gateway("tgw-1", referencing=True))
    packet = tcp("10.1.1.5", "10.0.1.5", 443)
    trace = Simulator(world.but(*vpc_attachment("tgw-attach-a", "tgw-1", A, FOOT_A, referencing=True))).send(packet, "tgw-attach-b")
    assert not trace.deliveries
    assert "sg-theirs" in trace.unknown[0]
    assert Simulator(world).send(packet, "tgw-attach-b").unknown == ()
