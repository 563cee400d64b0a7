from __future__ import annotations

import pytest

from checks.model import Resource
from checks.network.packet import INTERNET, Packet
from checks.network.simulate.aws import Simulator
from tests.checks.network.simulate.aws_world import (
    EVERYWHERE,
    EVERYWHERE6,
    World,
    acl,
    allow,
    block_public_access,
    egress_only,
    ends,
    eni,
    entry,
    exclusion,
    group,
    icmp,
    igw,
    nat,
    raw,
    subnet,
    table,
    tcp,
    to,
    udp,
    vpc,
)

HOME = vpc("vpc-a", "10.0.0.0/16", "2a05:d014::/56")
PUBLIC = subnet("subnet-public", HOME, "10.0.1.0/24", "2a05:d014:0:1::/64")
PRIVATE = subnet("subnet-private", HOME, "10.0.2.0/24", "2a05:d014:0:2::/64")
OPEN = group("sg-open", HOME, [allow("tcp", 443, EVERYWHERE, EVERYWHERE6)])
WEB = eni("eni-web", PUBLIC, "10.0.1.5", OPEN, public="198.51.100.5", ipv6=["2a05:d014:0:1::5"])
APP = eni("eni-app", PRIVATE, "10.0.2.5", OPEN, ipv6=["2a05:d014:0:2::5"])
NAT = nat("nat-1", PUBLIC, "10.0.1.9", "198.51.100.9")
OUT = [to(EVERYWHERE, "igw-a"), to(EVERYWHERE6, "igw-a")]
BY_NAT = [to(EVERYWHERE, "nat-1"), to(EVERYWHERE6, "eigw-1")]
WORLD = World(
    *(HOME, PUBLIC, PRIVATE, OPEN, WEB, APP, NAT, acl("acl-a", HOME), igw("igw-a", HOME), egress_only("eigw-1", HOME)),
    table("rtb-public", HOME, *OUT, subnets=[PUBLIC]),
    table("rtb-private", HOME, *BY_NAT, main=True),
)
CLIENT = "203.0.113.7"
INBOUND = tcp(CLIENT, "198.51.100.5", 443)
INBOUND6 = tcp("2001:db8::7", "2a05:d014:0:1::5", 443)
OUTBOUND, OUTBOUND6 = tcp("10.0.2.5", CLIENT, 443), tcp("2a05:d014:0:2::5", "2001:db8::7", 443)


def send(world: World, packet: Packet, at: str = INTERNET) -> dict[str, bool]:
    return ends(Simulator(world).send(packet, at))


def test_an_elastic_address_is_public_though_its_interface_does_not_say():
    bare = eni("eni-web", PUBLIC, "10.0.1.5", OPEN)
    data = {"PublicIp": "198.51.100.77", "NetworkInterfaceId": "eni-web", "PrivateIpAddress": "10.0.1.5"}
    address = Resource("eipalloc-1", "aws.ec2.address", HOME.account, HOME.region, data)
    assert send(WORLD.but(bare), tcp(CLIENT, "198.51.100.77", 443)) == {}
    assert send(WORLD.but(bare, address), tcp(CLIENT, "198.51.100.77", 443)) == {"eni-web": True}


def test_a_public_address_is_translated_on_the_way_in():
    [delivery] = Simulator(WORLD).send(INBOUND, INTERNET).deliveries
    assert (delivery.at, delivery.arrives, delivery.reply) == ("eni-web", tcp(CLIENT, "10.0.1.5", 443), True)
    assert [hop.id for hop in delivery.hops] == [INTERNET, "igw-a", "acl-a", "sg-open", "eni-web"]


def test_a_public_address_on_a_secondary_one_leads_to_that():
    two = eni("eni-web", PUBLIC, "10.0.1.5", OPEN, public="198.51.100.5", secondary=[("10.0.1.6", "198.51.100.6")])
    [delivery] = Simulator(WORLD.but(two)).send(tcp(CLIENT, "198.51.100.6", 443), INTERNET).deliveries
    assert (delivery.arrives, delivery.reply) == (tcp(CLIENT, "10.0.1.6", 443), True)


@pytest.mark.parametrize(
    "world",
    [
        WORLD.but(group("sg-open", HOME, [allow("tcp", 443, "10.0.0.0/8")])),
        WORLD.but(group("sg-open", HOME, [allow("tcp", 443, OPEN)])),
        WORLD.but(acl("acl-public", HOME, PUBLIC, ingress=[])),
        WORLD.without("igw-a"),
        WORLD.but(igw("igw-a", vpc("vpc-other", "10.9.0.0/16"))),
        WORLD.but(eni("eni-web", PUBLIC, "10.0.1.5", OPEN)),
    ],
    ids=["group", "reference", "acl", "no gateway", "gateway elsewhere", "no public address"],
)
def test_each_of_what_inbound_needs_is_needed(world: World):
    assert send(world, INBOUND) == {}


def test_without_a_route_back_it_is_one_way():
    assert send(WORLD.but(table("rtb-public", HOME, subnets=[PUBLIC])), INBOUND) == {"eni-web": False}
    elsewhere = table("rtb-public", HOME, to("203.0.113.0/28", "igw-a"), subnets=[PUBLIC])
    assert send(WORLD.but(elsewhere), INBOUND) == {"eni-web": True}
    assert send(WORLD.but(elsewhere), tcp("203.0.113.77", "198.51.100.5", 443)) == {"eni-web": False}


def test_a_way_back_through_a_nat_gateway_is_none():
    assert send(WORLD.but(table("rtb-public", HOME, to(EVERYWHERE, "nat-1"), subnets=[PUBLIC])), INBOUND) == {"eni-web": False}


def test_acls_judge_the_answer_by_the_client_s_port():
    assert send(WORLD.but(acl("acl-public", HOME, PUBLIC, egress=[entry(1, "allow", EVERYWHERE, 6, (443, 443))])), INBOUND) == {
        "eni-web": False
    }


@pytest.mark.parametrize("source", ["10.9.9.9", "192.168.1.1", "127.0.0.1", "100.64.0.1"])
def test_the_internet_carries_no_private_source(source: str):
    assert send(WORLD.but(group("sg-open", HOME, [allow("-1", None, EVERYWHERE)])), tcp(source, "198.51.100.5", 443)) == {}


def test_an_address_that_nobody_holds_reaches_nothing():
    assert send(WORLD, tcp(CLIENT, "198.51.100.77", 443)) == {}


def test_ipv6_needs_no_translation():
    assert send(WORLD, INBOUND6) == {"eni-web": True}
    assert send(WORLD.but(group("sg-open", HOME, [allow("tcp", 443, EVERYWHERE)])), INBOUND6) == {}


def test_ipv6_behind_an_egress_only_gateway_gets_the_packet_but_answers_nobody():
    assert send(WORLD, tcp("2001:db8::7", "2a05:d014:0:2::5", 443)) == {"eni-app": False}
    assert send(WORLD.without("igw-a"), tcp("2001:db8::7", "2a05:d014:0:2::5", 443)) == {}


def test_an_egress_only_gateway_lets_connections_out():
    assert send(WORLD, OUTBOUND6, "eni-app") == {INTERNET: True}
    assert send(WORLD.without("igw-a"), OUTBOUND6, "eni-app") == {INTERNET: True}


def test_unique_local_addresses_do_not_get_out():
    home = vpc("vpc-a", "10.0.0.0/16", "fd00:1::/56")
    private = subnet("subnet-private", home, "10.0.2.0/24", "fd00:1::/64")
    app = eni("eni-app", private, "10.0.2.5", OPEN, ipv6=["fd00:1::5"])
    assert send(WORLD.but(home, private, app), tcp("fd00:1::5", "2001:db8::7", 443), "eni-app") == {}


def test_an_interface_can_refuse_internet_gateways():
    deaf = type(WEB)(WEB.id, WEB.type, WEB.account, WEB.region, {**WEB.data, "DenyAllIgwTraffic": True})
    assert send(WORLD.but(deaf), INBOUND6) == {}


def test_out_by_an_internet_gateway_a_private_address_needs_a_public_one():
    [delivery] = Simulator(WORLD).send(tcp("10.0.1.5", CLIENT, 443), "eni-web").deliveries
    assert (delivery.at, delivery.arrives, delivery.reply) == (INTERNET, tcp("198.51.100.5", CLIENT, 443), True)
    assert send(WORLD.but(eni("eni-web", PUBLIC, "10.0.1.5", OPEN)), tcp("10.0.1.5", CLIENT, 443), "eni-web") == {}


def test_private_destinations_end_at_the_internet():
    assert send(WORLD, tcp("10.0.1.5", "192.168.7.7", 443), "eni-web") == {}


def test_a_nat_gateway_sends_out_in_its_own_name_and_brings_answers_back():
    [delivery] = Simulator(WORLD).send(OUTBOUND, "eni-app").deliveries
    assert (delivery.at, delivery.arrives, delivery.reply) == (INTERNET, tcp("198.51.100.9", CLIENT, 443), True)
    assert [hop.id for hop in delivery.hops] == [
        "eni-app",
        "sg-open",
        "acl-a",
        "rtb-private",
        "acl-a",
        "nat-1",
        "acl-a",
        "rtb-public",
        "igw-a",
    ]


def test_a_nat_gateway_has_no_low_ports():
    [delivery] = Simulator(WORLD).send(tcp("10.0.2.5", CLIENT, 443, source_port=500), "eni-app").deliveries
    assert (delivery.arrives.source_port, delivery.reply) == (1024, True)


def test_a_nat_gateway_takes_no_connections():
    assert send(WORLD, tcp(CLIENT, "198.51.100.9", 443)) == {}


@pytest.mark.parametrize(
    ("packet", "out"), [(udp("10.0.2.5", CLIENT, 53), True), (icmp("10.0.2.5", CLIENT), True), (raw(50, "10.0.2.5", CLIENT), False)]
)
def test_a_nat_gateway_carries_three_protocols(packet: Packet, out: bool):
    assert send(WORLD, packet, "eni-app") == ({INTERNET: True} if out else {})


def test_the_acl_of_a_nat_gateway_s_subnet_counts_both_ways():
    assert (
        send(WORLD.but(acl("acl-public", HOME, PUBLIC, ingress=[entry(1, "deny", "10.0.2.0/24"), entry(2, "allow")])), OUTBOUND, "eni-app")
        == {}
    )
    assert send(WORLD.but(acl("acl-public", HOME, PUBLIC, egress=[entry(1, "allow", "10.0.0.0/16")])), OUTBOUND, "eni-app") == {}
    no_answers = acl("acl-public", HOME, PUBLIC, ingress=[entry(1, "allow", "10.0.0.0/16")])
    assert send(WORLD.but(no_answers), OUTBOUND, "eni-app") == {INTERNET: False}
    not_back = acl("acl-public", HOME, PUBLIC, egress=[entry(1, "deny", "10.0.2.0/24"), entry(2, "allow")])
    assert send(WORLD.but(not_back), OUTBOUND, "eni-app") == {INTERNET: False}


def test_a_private_nat_gateway_does_not_get_out_by_an_internet_gateway():
    assert send(WORLD.but(nat("nat-1", PUBLIC, "10.0.1.9")), OUTBOUND, "eni-app") == {}


def test_a_nat_gateway_that_is_not_in_the_estate_is_unknown():
    trace = Simulator(WORLD.without("nat-1")).send(OUTBOUND, "eni-app")
    assert not trace.deliveries
    assert trace.unknown == ("nat-1 is not in the estate",)


def test_one_s_own_public_address_is_reached_through_the_internet_and_hides_the_groups():
    by_address = WORLD.but(group("sg-open", HOME, [allow("tcp", 443, "198.51.100.9/32")]))
    assert send(by_address, tcp("10.0.2.5", "198.51.100.5", 443), "eni-app") == {"eni-web": True}
    assert send(WORLD.but(group("sg-open", HOME, [allow("tcp", 443, OPEN)])), tcp("10.0.2.5", "198.51.100.5", 443), "eni-app") == {}


def test_a_gateway_route_table_sends_what_comes_in_to_a_middlebox():
    firewall = eni("eni-firewall", PUBLIC, "10.0.1.77", OPEN, check=False, public="198.51.100.77")
    trace = Simulator(WORLD.but(firewall, table("rtb-edge", HOME, to("10.0.1.0/24", firewall), gateway="igw-a"))).send(INBOUND, INTERNET)
    assert ends(trace) == {"eni-firewall": False}
    assert trace.deliveries[0].arrives == tcp(CLIENT, "10.0.1.5", 443)
    assert "what eni-firewall makes of" in trace.unknown[0]
    assert send(WORLD.but(table("rtb-edge", HOME, gateway="igw-a")), INBOUND) == {"eni-web": True}
    trace = Simulator(WORLD.but(table("rtb-edge", HOME, to("10.0.1.0/24", "vpce-1"), gateway="igw-a"))).send(INBOUND, INTERNET)
    assert not trace.deliveries
    assert "vpce-1" in trace.unknown[0]


BOTH, INGRESS = "block-bidirectional", "block-ingress"


@pytest.mark.parametrize(
    ("mode", "excluded", "reached"),
    [
        ("off", [], [1, 1, 1, 1]),
        (BOTH, [], [0, 0, 0, 0]),
        (BOTH, [exclusion("x-1", PUBLIC)], [1, 1, 1, 0]),
        (BOTH, [exclusion("x-1", HOME)], [1, 1, 1, 1]),
        (BOTH, [exclusion("x-1", HOME, "allow-egress")], [0, 1, 1, 1]),
        (BOTH, [exclusion("x-1", subnet("subnet-else", HOME, "10.0.3.0/24"))], [0, 0, 0, 0]),
        (INGRESS, [], [0, 0, 1, 1]),
        (INGRESS, [exclusion("x-1", PUBLIC)], [1, 1, 1, 1]),
        (INGRESS, [exclusion("x-1", HOME, "allow-egress")], [0, 0, 1, 1]),
    ],
)
def test_block_public_access(mode: str, excluded: list, reached: list[int]):
    world = WORLD.but(block_public_access(mode), *excluded)
    sent = [
        send(world, INBOUND),
        send(world, tcp("10.0.1.5", CLIENT, 443), "eni-web"),
        send(world, OUTBOUND, "eni-app"),
        send(world, OUTBOUND6, "eni-app"),
    ]
    assert [len(one) for one in sent] == reached


def test_exclusions_that_the_organization_does_not_allow_do_not_count():
    assert send(WORLD.but(block_public_access(INGRESS, exclusions="not-allowed"), exclusion("x-1", HOME)), INBOUND) == {}


def test_block_public_access_of_another_region_does_not_count():
    assert send(WORLD.but(block_public_access(BOTH, region="eu-west-1")), INBOUND) == {"eni-web": True}


def test_under_ingress_mode_answers_still_find_back_through_nat_and_egress_only_gateways():
    world = WORLD.but(block_public_access(INGRESS))
    assert send(world, OUTBOUND, "eni-app") == {INTERNET: True}
    assert send(world, OUTBOUND6, "eni-app") == {INTERNET: True}


def test_an_association_that_only_the_interface_itself_tells_counts():
    data = {**WEB.data, "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.5", "Primary": True}]}
    assert send(WORLD.but(type(WEB)(WEB.id, WEB.type, WEB.account, WEB.region, data)), INBOUND) == {"eni-web": True}


def test_a_nat_gateway_without_a_subnet_of_its_own_is_unknown():
    data = {name: value for name, value in NAT.data.items() if name != "SubnetId"}
    trace = Simulator(WORLD.but(type(NAT)(NAT.id, NAT.type, NAT.account, NAT.region, data))).send(OUTBOUND, "eni-app")
    assert not trace.deliveries
    assert "nat-1" in trace.unknown[0]


def test_gateway_route_tables_are_no_subnet_s_table():
    world = WORLD.but(table("rtb-edge", HOME, gateway="igw-a"), table("rtb-public", HOME, *OUT, subnets=[PRIVATE, PUBLIC]))
    assert send(world, INBOUND) == {"eni-web": True}
    assert send(world, tcp("10.0.1.5", CLIENT, 443), "eni-web") == {INTERNET: True}


@pytest.mark.parametrize("member", ["State", "VpcId"])
def test_a_nat_gateway_that_is_gone_or_elsewhere_carries_nothing(member: str):
    data = {**NAT.data, member: "deleted" if member == "State" else "vpc-other"}
    assert send(WORLD.but(type(NAT)(NAT.id, NAT.type, NAT.account, NAT.region, data)), OUTBOUND, "eni-app") == {}


def test_an_egress_only_gateway_of_another_vpc_lets_nothing_out():
    assert send(WORLD.but(egress_only("eigw-1", vpc("vpc-other", "10.9.0.0/16"))), OUTBOUND6, "eni-app") == {}
    assert "eigw-1" in Simulator(WORLD.without("eigw-1")).send(OUTBOUND6, "eni-app").unknown[0]


def test_an_internet_gateway_that_is_not_in_the_estate_is_unknown():
    trace = Simulator(WORLD.without("igw-a")).send(tcp("10.0.1.5", CLIENT, 443), "eni-web")
    assert trace.unknown == ("igw-a is not in the estate",)


def test_unique_local_addresses_do_not_get_out_by_an_internet_gateway_either():
    home = vpc("vpc-a", "10.0.0.0/16", "fd00:1::/56")
    public = subnet("subnet-public", home, "10.0.1.0/24", "fd00:1::/64")
    world = WORLD.but(home, public, eni("eni-web", public, "10.0.1.5", OPEN, ipv6=["fd00:1::5"]))
    assert send(world, tcp("fd00:1::5", "2001:db8::7", 443), "eni-web") == {}
