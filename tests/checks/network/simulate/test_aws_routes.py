from __future__ import annotations

import pytest

from checks.network.packet import INTERNET, Packet
from checks.network.simulate.aws import Simulator
from tests.checks.network.simulate.aws_world import (
    EVERYWHERE,
    THERE,
    World,
    acl,
    allow,
    endpoint,
    ends,
    eni,
    group,
    igw,
    nat,
    peering,
    prefix_list,
    subnet,
    table,
    tcp,
    to,
    vpc,
    vpn_gateway,
)

A, B = vpc("vpc-a", "10.0.0.0/16"), vpc("vpc-b", "10.1.0.0/16")
SUBNET_A, SUBNET_B = subnet("subnet-a", A, "10.0.1.0/24"), subnet("subnet-b", B, "10.1.1.0/24")
GROUP_A, GROUP_B = group("sg-a", A, [allow("tcp", 443, "10.0.0.0/8")]), group("sg-b", B, [allow("tcp", 443, "10.0.0.0/8")])
ENI_A, ENI_B = eni("eni-a", SUBNET_A, "10.0.1.5", GROUP_A), eni("eni-b", SUBNET_B, "10.1.1.5", GROUP_B)
PEERING = peering("pcx-1", A, B)
WORLD = World(
    *(A, B, SUBNET_A, SUBNET_B, GROUP_A, GROUP_B, ENI_A, ENI_B, acl("acl-a", A), acl("acl-b", B), PEERING),
    *(table("rtb-a", A, to("10.1.0.0/16", "pcx-1"), main=True), table("rtb-b", B, to("10.0.0.0/16", "pcx-1"), main=True)),
    *(vpn_gateway("vgw-1", A), vpn_gateway("vgw-2", A), igw("igw-a", A)),
)
ACROSS = tcp("10.0.1.5", "10.1.1.5", 443)
AWAY = tcp("10.0.1.5", "172.20.0.9", 443)
TO_VPN, TO_VPN2 = to("172.20.0.0/16", "vgw-1"), to("172.20.0.0/16", "vgw-2")


def send(world: World, packet: Packet, at: str = "eni-a") -> dict[str, bool]:
    return ends(Simulator(world).send(packet, at))


def routed(*routes: dict, world: World = WORLD) -> dict[str, bool]:
    return send(world.but(table("rtb-a", A, *routes, main=True)), AWAY)


def test_a_subnet_s_own_table_stands_before_the_main_one():
    world = WORLD.but(table("rtb-own", A, TO_VPN, subnets=[SUBNET_A]))
    assert send(world, AWAY) == {"vgw-1": True}
    assert send(world, ACROSS) == {}


def test_the_longest_prefix_wins_whatever_the_order():
    assert routed(to("172.16.0.0/12", "vgw-2"), TO_VPN) == {"vgw-1": True}
    assert routed(TO_VPN, to("172.20.0.9/32", "vgw-2")) == {"vgw-2": True}


def test_static_wins_over_propagated_on_equal_prefixes_only():
    assert routed(to("172.20.0.0/16", "vgw-2", propagated=True), TO_VPN) == {"vgw-1": True}
    assert routed(to("172.20.0.0/17", "vgw-2", propagated=True), TO_VPN) == {"vgw-2": True}


def test_a_cidr_wins_over_a_prefix_list_and_that_over_what_is_propagated():
    world = WORLD.but(prefix_list("pl-1", "172.20.0.0/16"))
    assert routed(to("pl-1", "vgw-2"), TO_VPN, world=world) == {"vgw-1": True}
    assert routed(to("pl-1", "vgw-2"), to("172.20.0.0/16", "vgw-1", propagated=True), world=world) == {"vgw-2": True}


def test_equally_good_routes_are_both_taken():
    assert routed(TO_VPN, TO_VPN2) == {"vgw-1": True, "vgw-2": True}


def test_a_blackhole_takes_what_it_matches():
    assert routed(to("172.16.0.0/12", "vgw-1"), to("172.20.0.0/16", "vgw-2", state="blackhole")) == {}


def test_without_a_route_or_a_table_nothing_leaves_the_subnet():
    assert routed() == {}
    trace = Simulator(WORLD.without("rtb-a")).send(AWAY, "eni-a")
    assert not trace.deliveries
    assert trace.unknown == ("the route table of subnet-a is not in the estate",)


def test_a_route_by_a_prefix_list_without_entries_leaves_it_unknown():
    for listed in ([], [prefix_list("pl-1", read=False)]):
        trace = Simulator(WORLD.but(table("rtb-a", A, to("pl-1", "vgw-2"), TO_VPN, main=True), *listed)).send(AWAY, "eni-a")
        assert not trace.deliveries
        assert "pl-1" in trace.unknown[0]


@pytest.mark.parametrize(
    "target", ["lgw-1", "cagw-1", "arn:aws:networkmanager::111122223333:core-network/core-network-1", "vpce-1", "vgw-9", "pcx-9", "tgw-9"]
)
def test_a_target_that_is_not_followed_or_not_in_the_estate_is_named(target: str):
    trace = Simulator(WORLD.but(table("rtb-a", A, to("172.20.0.0/16", target), main=True))).send(AWAY, "eni-a")
    assert not trace.deliveries
    assert target in trace.unknown[0]


def test_a_gateway_load_balancer_endpoint_is_not_followed():
    world = WORLD.but(endpoint("vpce-1", A, "svc", kind="GatewayLoadBalancer"), table("rtb-a", A, to(EVERYWHERE, "vpce-1"), main=True))
    trace = Simulator(world).send(AWAY, "eni-a")
    assert not trace.deliveries
    assert "vpce-1" in trace.unknown[0]


def test_a_route_more_specific_than_local_hands_to_a_middlebox():
    other = subnet("subnet-a2", A, "10.0.2.0/24")
    target = eni("eni-a2", other, "10.0.2.5", GROUP_A)
    box = eni("eni-box", SUBNET_A, "10.0.1.7", GROUP_A, check=False)
    world = WORLD.but(other, target, box, table("rtb-a", A, to("10.0.2.0/24", box), main=True))
    trace = Simulator(world).send(tcp("10.0.1.5", "10.0.2.5", 443), "eni-a")
    assert ends(trace) == {"eni-box": False}
    assert trace.unknown
    checked = Simulator(world.but(eni("eni-box", SUBNET_A, "10.0.1.7", GROUP_A))).send(tcp("10.0.1.5", "10.0.2.5", 443), "eni-a")
    assert (checked.deliveries, checked.unknown) == ((), ())


def test_over_a_peering():
    [delivery] = Simulator(WORLD).send(ACROSS, "eni-a").deliveries
    assert (delivery.at, delivery.reply) == ("eni-b", True)
    assert [hop.id for hop in delivery.hops] == ["eni-a", "sg-a", "acl-a", "rtb-a", "pcx-1", "acl-b", "sg-b", "eni-b"]


def test_a_peering_without_a_route_back_is_one_way():
    assert send(WORLD.but(table("rtb-b", B, main=True)), ACROSS) == {"eni-b": False}


@pytest.mark.parametrize("status", ["pending-acceptance", "deleted"])
def test_a_peering_that_is_not_active_carries_nothing(status: str):
    assert send(WORLD.but(peering("pcx-1", A, B, status=status)), ACROSS) == {}


def test_references_reach_over_a_peering_of_one_region_only():
    by_group = group("sg-b", B, [allow("tcp", 443, GROUP_A)])
    assert send(WORLD.but(by_group), ACROSS) == {"eni-b": True}
    far = vpc("vpc-b", "10.1.0.0/16", region=THERE)
    assert send(WORLD.but(by_group, far, peering("pcx-1", A, far)), ACROSS) == {}
    out_by_group = group("sg-a", A, egress=[allow("tcp", 443, GROUP_B)])
    assert send(WORLD.but(out_by_group), ACROSS) == {"eni-b": True}
    assert send(WORLD.but(out_by_group, far, peering("pcx-1", A, far)), ACROSS) == {}


def test_a_peering_carries_nothing_on():
    beyond = tcp("10.0.1.5", "203.0.113.7", 443)
    world = WORLD.but(
        table("rtb-a", A, to(EVERYWHERE, "pcx-1"), main=True), igw("igw-b", B), table("rtb-b", B, to(EVERYWHERE, "igw-b"), main=True)
    )
    assert send(world, beyond) == {}
    behind = WORLD.but(table("rtb-a", A, to("172.20.0.0/16", "pcx-1"), main=True), vpn_gateway("vgw-b", B))
    assert send(behind, AWAY) == {}


def test_a_peering_carries_only_what_its_own_side_sends():
    router = eni("eni-a", SUBNET_A, "10.0.1.5", GROUP_A, check=False)
    assert send(WORLD.but(router), tcp("10.9.9.9", "10.1.1.5", 443)) == {}


def test_an_unread_peer_is_where_the_packet_leaves_sight():
    world = WORLD.without("vpc-b", "subnet-b", "eni-b", "sg-b", "acl-b", "rtb-b")
    assert send(world, ACROSS) == {"pcx-1": True}
    assert send(world, tcp("10.1.1.5", "10.0.1.5", 443), "pcx-1") == {"eni-a": True}
    assert send(world, tcp("10.2.1.5", "10.0.1.5", 443), "pcx-1") == {}
    trace = Simulator(world.but(group("sg-a", A, [allow("tcp", 443, "sg-theirs")]))).send(tcp("10.1.1.5", "10.0.1.5", 443), "pcx-1")
    assert not trace.deliveries
    assert "sg-theirs" in trace.unknown[0]


def test_a_peering_whose_sides_are_both_read_is_no_place_to_start_from():
    assert send(WORLD, tcp("10.1.1.5", "10.0.1.5", 443), "pcx-1") == {}


def test_a_private_nat_gateway_hides_who_sends():
    private = subnet("subnet-nat", A, "10.0.3.0/24")
    inside = table("rtb-in", A, to("10.1.0.0/16", "nat-1"), subnets=[SUBNET_A])
    by_address, by_group = [group("sg-b", B, [allow("tcp", 443, peer)]) for peer in ("10.0.3.9/32", GROUP_A)]
    world = WORLD.but(private, nat("nat-1", private, "10.0.3.9"), inside)
    assert send(world.but(by_address), ACROSS) == {"eni-b": True}
    assert send(world.but(by_group), ACROSS) == {}


def test_from_a_virtual_private_gateway_to_the_vpc_it_is_attached_to():
    world = WORLD.but(group("sg-a", A, [allow("tcp", 443, "172.20.0.0/16")]), table("rtb-a", A, TO_VPN, main=True))
    inbound = tcp("172.20.0.9", "10.0.1.5", 443)
    assert send(world, inbound, "vgw-1") == {"eni-a": True}
    assert send(world, inbound, "vgw-2") == {"eni-a": False}
    assert send(world, tcp("172.20.0.9", "203.0.113.7", 443), "vgw-1") == {}
    assert send(world.but(acl("acl-a", A, ingress=[])), inbound, "vgw-1") == {}
    assert send(world, inbound, "vgw-9") == {}


def test_the_edge_table_of_a_virtual_private_gateway_counts():
    world = WORLD.but(group("sg-a", A, [allow("tcp", 443, "172.20.0.0/16")]))
    box = eni("eni-box", SUBNET_A, "10.0.1.7", GROUP_A)
    assert (
        send(world.but(box, table("rtb-edge", A, to("10.0.1.0/24", box), gateway="vgw-1")), tcp("172.20.0.9", "10.0.1.5", 443), "vgw-1")
        == {}
    )


def test_a_gateway_endpoint_is_reached_by_its_prefix_list_and_answers():
    world = WORLD.but(prefix_list("pl-s3", "3.5.136.0/22"), endpoint("vpce-s3", A, "com.amazonaws.eu-central-1.s3", kind="Gateway"))
    world = world.but(table("rtb-a", A, to("pl-s3", "vpce-s3"), main=True))
    assert send(world, tcp("10.0.1.5", "3.5.137.1", 443)) == {"vpce-s3": True}
    assert send(world.but(acl("acl-a", A, ingress=[])), tcp("10.0.1.5", "3.5.137.1", 443)) == {"vpce-s3": False}
    assert send(world, tcp("3.5.137.1", "10.0.1.5", 443), "vpce-s3") == {}


def test_two_subnets_of_a_vpc_are_crossed_by_the_local_route():
    other = subnet("subnet-a2", A, "10.0.2.0/24")
    assert send(WORLD.but(other, eni("eni-a2", other, "10.0.2.5", GROUP_A)), tcp("10.0.1.5", "10.0.2.5", 443)) == {"eni-a2": True}
    assert send(WORLD, tcp("10.0.1.5", "10.0.2.5", 443)) == {}


def test_the_same_addresses_elsewhere_are_not_meant():
    twin = vpc("vpc-twin", "10.0.0.0/16")
    there = subnet("subnet-twin", twin, "10.0.2.0/24")
    assert send(WORLD.but(twin, there, eni("eni-twin", there, "10.0.2.5", GROUP_A)), tcp("10.0.1.5", "10.0.2.5", 443)) == {}


def test_routes_in_circles_end():
    loop = subnet("subnet-nat", A, "10.0.3.0/24")
    world = WORLD.but(loop, nat("nat-1", loop, "10.0.3.9", "198.51.100.9"), table("rtb-a", A, to(EVERYWHERE, "nat-1"), main=True))
    trace = Simulator(world).send(tcp("10.0.1.5", "203.0.113.7", 443), "eni-a")
    assert not trace.deliveries
    assert "round in circles" in trace.dropped[0]
    assert INTERNET not in ends(trace)


def test_every_block_of_a_vpc_counts_unless_it_is_being_taken_away():
    second = vpc("vpc-a", "10.0.0.0/16", "100.64.0.0/16")
    inside = eni("eni-a", subnet("subnet-a", second, "100.64.1.0/24"), "100.64.1.5", GROUP_A)
    world = WORLD.but(second, subnet("subnet-a", second, "100.64.1.0/24"), inside, peering("pcx-1", second, B))
    world = world.but(table("rtb-b", B, to("100.64.0.0/16", "pcx-1"), main=True), group("sg-b", B, [allow("tcp", 443, EVERYWHERE)]))
    sent = tcp("100.64.1.5", "10.1.1.5", 443)
    assert send(world, sent) == {"eni-b": True}
    blocks = [one | {"CidrBlockState": {"State": "disassociated"}} for one in second.data["CidrBlockAssociationSet"]]
    gone = type(A)(A.id, A.type, A.account, A.region, {**second.data, "CidrBlockAssociationSet": blocks})
    assert send(world.but(gone), sent) == {}


def test_every_block_of_an_unread_peer_counts():
    wide = vpc("vpc-b", "10.1.0.0/16", "10.2.0.0/16")
    world = WORLD.without("vpc-b").but(peering("pcx-1", A, wide), table("rtb-a", A, to("10.0.0.0/8", "pcx-1"), main=True))
    assert send(world, tcp("10.0.1.5", "10.2.1.5", 443)) == {"pcx-1": True}
    assert send(world, tcp("10.0.1.5", "10.3.1.5", 443)) == {}


def test_ipv6_over_a_peering():
    a, b = vpc("vpc-a", "10.0.0.0/16", "2a05:d014::/56"), vpc("vpc-b", "10.1.0.0/16", "2a05:d014:1::/56")
    near, far = subnet("subnet-a", a, "10.0.1.0/24", "2a05:d014::/64"), subnet("subnet-b", b, "10.1.1.0/24", "2a05:d014:1::/64")
    open_b = group("sg-b", b, [allow("tcp", 443, "2a05:d014::/56")])
    world = WORLD.but(
        *(a, b, near, far, open_b, peering("pcx-1", a, b)),
        *(eni("eni-a", near, "10.0.1.5", GROUP_A, ipv6=["2a05:d014::5"]), eni("eni-b", far, "10.1.1.5", open_b, ipv6=["2a05:d014:1::5"])),
        *(table("rtb-a", a, to("2a05:d014:1::/56", "pcx-1"), main=True), table("rtb-b", b, to("2a05:d014::/56", "pcx-1"), main=True)),
    )
    assert send(world, tcp("2a05:d014::5", "2a05:d014:1::5", 443)) == {"eni-b": True}
