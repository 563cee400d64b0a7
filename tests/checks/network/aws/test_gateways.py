"""Internet, egress-only, NAT and virtual private gateways, Block Public Access, and gateways' own route tables."""

from __future__ import annotations

import pytest

from checks.model import Resource
from tests.checks.network.aws.asking import ask, denied, estate, lowered
from tests.checks.network.simulate.aws_world import (
    ALLOW_ALL,
    EVERYWHERE,
    EVERYWHERE6,
    World,
    acl,
    allow,
    block_public_access,
    egress_only,
    eni,
    exclusion,
    group,
    igw,
    nat,
    subnet,
    table,
    to,
    vpc,
    vpn_gateway,
)

HOME = vpc("vpc-a", "10.0.0.0/16", "2600:db8:0:100::/56")
WEB = subnet("subnet-web", HOME, "10.0.1.0/24", "2600:db8:0:101::/64")
APP = subnet("subnet-app", HOME, "10.0.2.0/24", "2600:db8:0:102::/64")
OPEN = group("sg-open", HOME, [ALLOW_ALL])
TO_WORLD = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), to(EVERYWHERE6, "igw-a"), main=True)
ENI = eni("eni-web", WEB, "10.0.1.5", OPEN, public="198.51.100.5")
SITE = World(HOME, WEB, APP, OPEN, acl("acl-a", HOME), TO_WORLD, igw("igw-a", HOME), ENI, eni("eni-app", APP, "10.0.2.5", OPEN))


def site(*things: Resource, without: tuple[str, ...] = (), gaps=()):
    return estate(SITE.but(*things).without(*without).resources, gaps=gaps)


# Internet gateways


def test_a_public_address_and_a_gateway_and_a_route_make_a_way_in() -> None:
    assert ask(site(), "internet", "eni-web", 443) == "reachable"


def test_without_a_public_address_nothing_comes_in_or_goes_out() -> None:
    assert ask(site(), "internet", "eni-app", 443) == "unreachable"
    assert ask(site(), "eni-app", "internet", 443) == "unreachable"


def test_without_a_route_the_packet_arrives_and_the_reply_is_lost() -> None:
    assert ask(site(table("rtb-a", HOME, main=True)), "internet", "eni-web", 443) == "one-way"


def test_without_an_attached_gateway_nothing_comes_in() -> None:
    assert ask(site(without=("igw-a",)), "internet", "eni-web", 443) == "unreachable"


def test_where_nobody_looked_for_gateways_there_may_be_one() -> None:
    told = ask(site(without=("igw-a",), gaps=[denied("aws.ec2.internet_gateway")]), "internet", "eni-web", 443)
    assert told == "unknown"
    assert told.because("whether vpc-a has an internet gateway is not known")


def test_an_elastic_address_is_public_though_the_interface_does_not_say() -> None:
    data = {"AllocationId": "eipalloc-1", "PublicIp": "198.51.100.9", "NetworkInterfaceId": "eni-app", "PrivateIpAddress": "10.0.2.5"}
    address = Resource("eipalloc-1", "aws.ec2.address", HOME.account, HOME.region, data)
    assert ask(site(address), "internet", "eni-app", 443) == "reachable"


def test_an_association_that_is_a_gap_may_be_a_public_address() -> None:
    told = ask(site(gaps=[denied("aws.ec2.network_interface", id_="eni-app", field="Association")]), "internet", "eni-app", 443)
    assert told == "unknown"


def test_two_interfaces_talk_by_their_public_addresses_without_their_groups_being_known() -> None:
    known = group("sg-known", HOME, [allow("tcp", 443, "sg-open")])
    other = eni("eni-app", APP, "10.0.2.5", known, public="198.51.100.6")
    graph = lowered(site(known, other))
    assert ask(graph, "eni-web", "eni-app", 443) == "reachable"
    assert ask(graph, "internet", "eni-app", 443) == "unreachable"


def test_global_ipv6_addresses_are_public_by_themselves() -> None:
    six = eni("eni-app", APP, "10.0.2.5", OPEN, ipv6=["2600:db8:0:102::5"])
    assert ask(site(six), "internet", "eni-app", 443) == "reachable"
    shut = Resource(six.id, six.type, six.account, six.region, {**six.data, "DenyAllIgwTraffic": True})
    assert ask(site(shut), "internet", "eni-app", 443) == "unreachable"


def test_a_gateways_own_route_table_sends_what_comes_in_through_an_appliance() -> None:
    edge = table("rtb-edge", HOME, to("10.0.1.0/24", "eni-app"), gateway="igw-a")
    appliance = eni("eni-app", APP, "10.0.2.5", OPEN, check=False)
    told = ask(site(edge, appliance), "internet", "eni-web", 443)
    assert told == "unknown"
    assert told.because("igw-a sends what is for subnet-web by eni-app, which is not modelled")
    local_only = table("rtb-edge", HOME, gateway="igw-a")
    assert ask(site(local_only), "internet", "eni-web", 443) == "reachable"


# Egress-only internet gateways


def test_an_egress_only_gateway_lets_ipv6_out_and_nothing_in() -> None:
    routes = table("rtb-a", HOME, to(EVERYWHERE6, "eigw-a"), main=True)
    six = eni("eni-app", APP, "10.0.2.5", OPEN, ipv6=["2600:db8:0:102::5"])
    held = site(routes, six, egress_only("eigw-a", HOME), without=("igw-a",))
    assert ask(held, "eni-app", "internet", 443) == "reachable"
    assert ask(held, "internet", "eni-app", 443) == "unreachable"


def test_replies_do_not_leave_by_an_egress_only_gateway() -> None:
    routes = table("rtb-a", HOME, to(EVERYWHERE6, "eigw-a"), main=True)
    six = eni("eni-app", APP, "10.0.2.5", OPEN, ipv6=["2600:db8:0:102::5"])
    assert ask(site(routes, six, egress_only("eigw-a", HOME)), "internet", "eni-app", 443) == "one-way"


# NAT gateways


PRIVATE = table("rtb-private", HOME, to(EVERYWHERE, "nat-a"), subnets=[APP])
NAT = nat("nat-a", WEB, "10.0.1.9", "198.51.100.99")


def test_a_nat_gateway_lets_out_and_its_replies_back_and_nothing_in() -> None:
    held = site(PRIVATE, NAT)
    assert ask(held, "eni-app", "internet", 443) == "reachable"
    assert ask(held, "internet", "eni-app") == "unreachable"
    assert ask(held, "eni-app", "internet", None, "icmp") == "reachable"


def test_a_nat_gateway_that_is_gone_lets_nothing_out() -> None:
    gone = Resource(NAT.id, NAT.type, NAT.account, NAT.region, {**NAT.data, "State": "deleted"})
    hole = table("rtb-private", HOME, to(EVERYWHERE, "nat-a", state="blackhole"), subnets=[APP])
    assert ask(site(hole, gone), "eni-app", "internet", 443) == "unreachable"


def test_a_route_to_a_nat_gateway_that_nobody_saw_leads_who_knows_where() -> None:
    told = ask(site(PRIVATE, gaps=[denied("aws.ec2.nat_gateway")]), "eni-app", "internet", 443)
    assert told == "unknown"
    assert told.because("NAT gateway nat-a was not seen")


def test_the_acl_of_the_nat_gateways_subnet_is_met() -> None:
    shut = acl("acl-web", HOME, WEB, ingress=[])
    assert ask(site(PRIVATE, NAT, shut), "eni-app", "internet", 443) == "unreachable"


# VPC Block Public Access


@pytest.mark.parametrize(
    ("mode", "verdict"), [("off", "reachable"), ("block-bidirectional", "unreachable"), ("block-ingress", "unreachable")]
)
def test_block_public_access_shuts_the_internet_gateways_of_a_region(mode: str, verdict: str) -> None:
    assert ask(site(block_public_access(mode)), "internet", "eni-web", 443) == verdict


def test_block_ingress_leaves_nat_gateways_open_and_block_bidirectional_does_not() -> None:
    assert ask(site(PRIVATE, NAT, block_public_access("block-ingress")), "eni-app", "internet", 443) == "reachable"
    assert ask(site(PRIVATE, NAT, block_public_access("block-bidirectional")), "eni-app", "internet", 443) == "unreachable"


@pytest.mark.parametrize("thing", [HOME, WEB])
def test_an_exclusion_opens_a_vpc_or_a_subnet_again(thing: Resource) -> None:
    shut = block_public_access("block-bidirectional")
    assert ask(site(shut, exclusion("x-1", thing)), "internet", "eni-web", 443) == "reachable"
    outward = exclusion("x-1", thing, "allow-egress")
    assert ask(site(shut, outward), "internet", "eni-web", 443) == "unreachable"
    assert ask(site(shut, outward), "eni-web", "internet", 443) == "one-way"


def test_block_public_access_that_nobody_read_may_close_the_way() -> None:
    told = ask(site(gaps=[denied("aws.ec2.vpc_block_public_access_options")]), "internet", "eni-web", 443)
    assert told == "unknown"
    assert told.because("whether VPC Block Public Access closes it is not known")


def test_exclusions_that_nobody_read_may_open_the_way() -> None:
    gaps = [denied("aws.ec2.vpc_block_public_access_exclusion")]
    assert ask(site(block_public_access("block-bidirectional"), gaps=gaps), "internet", "eni-web", 443) == "unknown"


# Virtual private gateways


def test_on_premises_comes_in_by_a_virtual_private_gateway_and_is_answered_by_the_routes_there() -> None:
    routes = table("rtb-a", HOME, to("192.168.0.0/16", "vgw-a", propagated=True), main=True)
    held = site(routes, vpn_gateway("vgw-a", HOME))
    assert ask(held, "vgw-a", "eni-app", 443) == "reachable"
    assert ask(held, "eni-app", "vgw-a", 443) == "reachable"
    assert ask(site(), "internet", "eni-app", 443) == "unreachable"


def test_addresses_that_no_route_names_may_still_be_on_premises() -> None:
    routes = table("rtb-a", HOME, to("192.168.0.0/16", "vgw-a", propagated=True), main=True)
    picky = group("sg-open", HOME, [allow("tcp", 443, "172.16.0.0/12")])
    told = ask(site(routes, vpn_gateway("vgw-a", HOME), picky), "vgw-a", "eni-app", 443)
    assert told == "unknown"
    assert told.because("which addresses are on-premises behind vgw-a is not known")
