"""Leaving out one member of what opens a way: the answer becomes unknown, never unreachable."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from checks.model import Resource
from checks.network.answer import ask as whole_ask
from checks.network.lowering import Simulators
from checks.network.lowering import lowered as whole
from checks.network.place import named
from checks.network.wanted import wanted
from tests.checks.network.aws.asking import ask, denied, estate, lowered
from tests.checks.network.simulate.aws_world import (
    ACCOUNT,
    ALLOW_ALL,
    HERE,
    OTHER_ACCOUNT,
    World,
    acl,
    allow,
    block_public_access,
    endpoint,
    endpoint_service,
    eni,
    exclusion,
    group,
    igw,
    nat,
    peering,
    prefix_list,
    subnet,
    table,
    to,
    vpc,
)
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, listener, target_group
from tests.checks.network.simulate.aws_world_transit import client_vpn, transit_gateway, transit_route, transit_table, vpc_attachment

HOME = vpc("vpc-a", "10.0.0.0/16")
APP, DATA = subnet("subnet-app", HOME, "10.0.2.0/24"), subnet("subnet-data", HOME, "10.0.3.0/24")
OPEN = group("sg-open", HOME, [ALLOW_ALL])
PUBLIC = eni("eni-app", APP, "10.0.2.5", OPEN, public="203.0.113.9")
WORLD = World(
    HOME, APP, DATA, OPEN, PUBLIC, acl("acl-a", HOME), igw("igw-a", HOME), table("rtb-a", HOME, to("0.0.0.0/0", "igw-a"), main=True)
)


def changed(one: Resource, value: Any, *path: str | int) -> Resource:
    """With a member in the place of one; without it where the value is `...`."""
    data = copy.deepcopy(dict(one.data))
    held: Any = data
    for step in path[:-1]:
        held = held[step]
    if value is ...:
        del held[path[-1]]
    else:
        held[path[-1]] = value
    return Resource(one.id, one.type, one.account, one.region, data, one.tags)


@pytest.mark.parametrize(
    "broken",
    [
        changed(PUBLIC, "10.0.2.999", "PrivateIpAddress"),
        changed(PUBLIC, "nowhere", "Association", "PublicIp"),
        changed(changed(PUBLIC, {"IpOwnerId": "amazon"}, "Association"), ..., "PrivateIpAddresses", 0, "Association"),
        changed(changed(PUBLIC, ..., "PrivateIpAddress"), ..., "PrivateIpAddresses"),
    ],
    ids=["private address", "public address", "association", "no address"],
)
def test_an_interface_whose_addresses_cannot_be_read_may_be_public(broken: Resource) -> None:
    assert ask(estate(WORLD.resources), "internet", "eni-app", 443) == "reachable"
    assert ask(estate(WORLD.but(broken).resources), "internet", "eni-app", 443) == "unknown"


def test_an_exclusion_from_block_public_access_for_nobody_knows_what_may_be_for_any() -> None:
    shut = WORLD.but(block_public_access("block-bidirectional"))
    excluded = exclusion("ex-1", HOME)
    assert ask(estate(shut.resources), "internet", "eni-app", 443) == "unreachable"
    assert ask(estate(shut.but(excluded).resources), "internet", "eni-app", 443) == "reachable"
    assert ask(estate(shut.but(changed(excluded, ..., "ResourceArn")).resources), "internet", "eni-app", 443) == "unknown"


# Peering

OTHER = vpc("vpc-b", "10.1.0.0/16")
OTHER_SUBNET = subnet("subnet-b", OTHER, "10.1.1.0/24")
PEERING = peering("pcx-1", HOME, OTHER)
PEERED = World(
    HOME, APP, OTHER, OTHER_SUBNET, PEERING, acl("acl-a", HOME), acl("acl-b", OTHER),
    table("rtb-a", HOME, to("10.1.0.0/16", "pcx-1"), main=True), table("rtb-b", OTHER, to("10.0.0.0/16", "pcx-1"), main=True),
    group("sg-b", OTHER), group("sg-t", HOME, [allow("tcp", 443, "sg-b")]),
    eni("eni-b", OTHER_SUBNET, "10.1.1.5", "sg-b"), eni("eni-t", APP, "10.0.2.5", "sg-t"),
)  # fmt: skip
TO_GROUP = PEERED.but(group("sg-b", OTHER, [], [allow("tcp", 443, "sg-t")]), group("sg-t", HOME, [ALLOW_ALL]))


@pytest.mark.parametrize("world", [PEERED, TO_GROUP], ids=["from a group", "to a group"])
@pytest.mark.parametrize("side", ["RequesterVpcInfo", "AccepterVpcInfo"])
@pytest.mark.parametrize("member", ["Region", "VpcId"])
def test_a_group_across_a_peering_of_which_an_end_was_not_seen_may_be_meant(world: World, side: str, member: str) -> None:
    assert ask(estate(world.resources), "eni-b", "eni-t", 443) == "reachable"
    assert ask(estate(world.but(changed(PEERING, ..., side, member)).resources), "eni-b", "eni-t", 443) == "unknown"


def test_a_group_across_a_peering_of_other_regions_means_nobody() -> None:
    far = changed(PEERING, "eu-west-1", "AccepterVpcInfo", "Region")
    assert ask(estate(PEERED.but(far).resources), "eni-b", "eni-t", 443) == "unreachable"


def test_a_peering_of_nobody_knows_which_network_may_let_the_internet_in() -> None:
    unread = peering("pcx-2", HOME, vpc("vpc-far", "10.9.0.0/16", account=OTHER_ACCOUNT))
    private = WORLD.without("igw-a").but(table("rtb-a", HOME, to("10.9.0.0/16", "pcx-2"), main=True), eni("eni-app", APP, "10.0.2.5", OPEN))
    assert ask(estate(private.resources), "internet", "eni-app") == "unreachable"
    for held in (unread, changed(unread, ..., "RequesterVpcInfo", "VpcId")):
        assert ask(estate(private.but(held).resources), "internet", "eni-app") == "unknown"


# Groups

TARGET, SENDER = eni("eni-t", DATA, "10.0.3.5", "sg-t"), eni("eni-s", APP, "10.0.2.6", "sg-s")
NARROW = World(
    HOME, APP, DATA, acl("acl-a", HOME), table("rtb-a", HOME, main=True), TARGET, SENDER,
    group("sg-t", HOME, [ALLOW_ALL]), group("sg-s", HOME, [], [allow("tcp", 5432, "sg-t")]),
)  # fmt: skip


@pytest.mark.parametrize("broken", [changed(TARGET, ..., "Groups"), changed(TARGET, "10.0.3.999", "PrivateIpAddress")])
def test_egress_to_a_group_may_lead_to_what_may_have_it(broken: Resource) -> None:
    assert ask(estate(NARROW.resources), "eni-s", "eni-t", 5432) == "reachable"
    assert ask(estate(NARROW.but(broken).resources), "eni-s", "eni-t", 5432) == "unknown"
    assert ask(estate(NARROW.but(broken).resources), "eni-s", "eni-t", 22) == "unreachable"


def test_egress_to_the_group_of_a_database_without_an_interface_may_lead_to_it() -> None:
    data = {
        "PubliclyAccessible": False,
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-t"}],
        "DBSubnetGroup": {"VpcId": "vpc-a", "Subnets": [{"SubnetIdentifier": "subnet-data"}]},
    }
    world = NARROW.without("eni-t").but(Resource("orders", "aws.rds.db_instance", ACCOUNT, HERE, data))
    assert ask(estate(world.resources), "eni-s", "orders", 5432) == "unknown"
    assert ask(estate(world.resources), "eni-s", "orders", 22) == "unreachable"


@pytest.mark.parametrize("member", ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"])
def test_a_rule_without_one_of_its_lists_may_allow_anyone(member: str) -> None:
    shut = group("sg-t", HOME, [allow("tcp", 5432, "192.0.2.0/24")])
    assert ask(estate(NARROW.but(shut).resources), "eni-s", "eni-t", 5432) == "unreachable"
    unclear = changed(shut, ..., "IpPermissions", 0, member)
    assert ask(estate(NARROW.but(unclear).resources), "eni-s", "eni-t", 5432) == "unknown"


def test_an_interface_in_nobody_knows_which_subnet_may_be_a_neighbour() -> None:
    near = eni("eni-t", APP, "10.0.2.9", "sg-t")
    assert ask(estate(NARROW.but(near).resources), "eni-s", "eni-t", 5432) == "reachable"
    assert ask(estate(NARROW.but(changed(near, ..., "SubnetId")).resources), "eni-s", "eni-t", 5432) == "unknown"


# Delegated prefixes


def test_an_interface_sends_and_receives_by_its_prefixes() -> None:
    pods = changed(SENDER, [{"Ipv4Prefix": "10.0.2.64/28"}], "Ipv4Prefixes")
    world = NARROW.but(pods, group("sg-s", HOME, [ALLOW_ALL]), group("sg-t", HOME, [allow("tcp", 443, "10.0.2.64/28")]))
    assert ask(estate(world.resources), "eni-s", "eni-t", 443) == "reachable"
    assert ask(estate(world.resources), "10.0.2.70", "eni-t", 443) == "reachable"
    assert ask(estate(world.resources), "10.0.2.6", "eni-t", 443) == "unreachable"
    assert ask(estate(world.but(group("sg-t", HOME, [ALLOW_ALL])).resources), "eni-t", "10.0.2.70", 443) == "reachable"


# Transit gateways

ROUTES = transit_table(
    "tgw-rtb-1", "tgw-1", transit_route("10.0.0.0/16", "tgw-attach-a"), transit_route("10.1.0.0/16", "tgw-attach-b"),
    associated=["tgw-attach-a", "tgw-attach-b"],
)  # fmt: skip
NEAR, FAR = vpc_attachment("tgw-attach-a", "tgw-1", HOME, APP)[0], vpc_attachment("tgw-attach-b", "tgw-1", OTHER, OTHER_SUBNET)[0]
TRANSIT = World(
    HOME, APP, DATA, OTHER, OTHER_SUBNET, acl("acl-a", HOME), acl("acl-b", OTHER), OPEN, group("sg-b", OTHER, [ALLOW_ALL]),
    table("rtb-a", HOME, to("10.1.0.0/16", "tgw-1"), main=True), table("rtb-b", OTHER, to("10.0.0.0/16", "tgw-1"), main=True),
    eni("eni-b", OTHER_SUBNET, "10.1.1.5", "sg-b"), eni("eni-t", APP, "10.0.2.5", OPEN), transit_gateway("tgw-1"), ROUTES, NEAR, FAR,
)  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        changed(NEAR, ..., "VpcId"),
        changed(ROUTES, ..., "TransitGatewayId"),
        changed(ROUTES, ..., "Routes", 0, "TransitGatewayAttachments", 0, "TransitGatewayAttachmentId"),
        changed(ROUTES, "all", "Associations"),
        changed(ROUTES, ..., "Associations", 1, "TransitGatewayAttachmentId"),
    ],
    ids=["attached VPC", "gateway of the table", "attachment of a route", "associations", "association"],
)
def test_what_was_not_seen_of_a_transit_gateway_may_lead_on(broken: Resource) -> None:
    assert ask(estate(TRANSIT.resources), "eni-b", "eni-t", 443) == "reachable"
    assert ask(estate(TRANSIT.but(broken).resources), "eni-b", "eni-t", 443) == "unknown"


def test_by_an_attached_subnet_that_was_not_seen_packets_may_go_on() -> None:
    shut = TRANSIT.but(acl("acl-app", HOME, APP, egress=[]), eni("eni-t", DATA, "10.0.3.5", OPEN))
    assert ask(estate(shut.resources), "eni-b", "eni-t", 443) == "unreachable"
    two = changed(NEAR, ["subnet-app", "subnet-gone"], "SubnetIds")
    assert ask(estate(shut.but(two).resources), "eni-b", "eni-t", 443) == "unknown"


# Load balancers


def test_a_load_balancer_in_whose_subnet_none_of_it_was_seen_is_there_all_the_same() -> None:
    targets = target_group("app", HOME, "HTTP", 80, "i-app")
    zones = {"AvailabilityZones": [{"SubnetId": "subnet-app"}, {"SubnetId": "subnet-data"}]}
    front = balancer("web", HOME, OPEN, listeners=[listener("HTTP", 80, targets)], **zones)
    near = balancer_eni("eni-lb", front, APP, "10.0.2.7", public="203.0.113.7")
    world = WORLD.but(front, near, targets, acl("acl-app", HOME, APP, ingress=[]), eni("eni-app", DATA, "10.0.3.5", OPEN, instance="i-app"))
    assert ask(estate(world.resources), "internet", "eni-app", 80) == "unknown"
    both = world.but(balancer_eni("eni-lb-2", front, DATA, "10.0.3.7", public="203.0.113.8"))
    assert ask(estate(both.resources), "internet", "eni-app", 80) == "reachable"


# From one address family to the other

DUAL = vpc("vpc-a", "10.0.0.0/16", "2600:1f00:1::/56")
DUAL_APP = subnet("subnet-app", DUAL, "10.0.2.0/24", "2600:1f00:1:2::/64")
DUAL_DATA = subnet("subnet-data", DUAL, "10.0.3.0/24", "2600:1f00:1:3::/64")
SIX = changed(
    changed(eni("eni-six", DUAL_DATA, "10.0.3.9", OPEN, ipv6=["2600:1f00:1:3::9"]), ..., "PrivateIpAddress"), [], "PrivateIpAddresses"
)


def behind(target: str, family: str) -> World:
    """A dual-stack load balancer in front of one address."""
    targets = changed(target_group("app", DUAL, "HTTP", 80, target, kind="ip"), family, "IpAddressType")
    front = balancer("web", DUAL, OPEN, listeners=[listener("HTTP", 80, targets)])
    own = balancer_eni("eni-lb", front, DUAL_APP, "10.0.2.7", public="203.0.113.8", ipv6=["2600:1f00:1:2::7"])
    return World(
        DUAL, DUAL_APP, DUAL_DATA, OPEN, acl("acl-a", DUAL), table("rtb-a", DUAL, to("0.0.0.0/0", "igw-a"), main=True), igw("igw-a", DUAL),
        targets, front, own, SIX, eni("eni-four", DUAL_DATA, "10.0.3.77", OPEN),
        eni("eni-t", DUAL_DATA, "10.0.3.5", "sg-t", ipv6=["2600:1f00:1:3::5"]),
        group("sg-t", DUAL, [allow("tcp", 80, "10.0.2.7/32", "2600:1f00:1:2::7/128")]),
    )  # fmt: skip


def test_a_dual_stack_load_balancer_may_go_on_in_the_other_family() -> None:
    assert ask(estate(behind("10.0.3.5", "ipv4").resources), "eni-four", "eni-t", 80) == "reachable"
    assert ask(estate(behind("10.0.3.5", "ipv4").resources), "eni-six", "eni-t", 80) == "unknown"
    assert ask(estate(behind("10.0.3.5", "ipv4").resources), "eni-six", "eni-t", 22) == "unreachable"
    assert ask(estate(behind("2600:1f00:1:3::5", "ipv6").resources), "eni-four", "eni-t", 80) == "unknown"
    assert ask(estate(behind("2600:1f00:1:3::5", "ipv6").resources), "internet:198.51.100.7", "eni-t", 80) == "unknown"


def test_a_nat_gateway_may_lead_from_ipv6_to_ipv4() -> None:
    gateway = nat("nat-1", DUAL_APP, "10.0.2.20", "203.0.113.20")
    world = World(
        DUAL, DUAL_APP, DUAL_DATA, OPEN, acl("acl-a", DUAL), table("rtb-a", DUAL, to("0.0.0.0/0", "igw-a"), main=True), igw("igw-a", DUAL),
        table("rtb-d", DUAL, to("64:ff9b::/96", "nat-1"), subnets=[DUAL_DATA]), gateway, SIX,
    )  # fmt: skip
    assert ask(estate(world.resources), "eni-six", "internet:198.51.100.7", 443) == "unknown"
    without = world.but(table("rtb-d", DUAL, subnets=[DUAL_DATA]))
    assert ask(estate(without.resources), "eni-six", "internet:198.51.100.7", 443) == "unreachable"


# PrivateLink and Client VPN


def test_what_was_not_seen_of_an_endpoint_service_may_lead_to_it() -> None:
    targets = target_group("app", HOME, "TCP", 80, "i-app", preserve=False)
    front = balancer("web", HOME, OPEN, kind="network", listeners=[listener("TCP", 80, targets)], Scheme="internal")
    service = endpoint_service("vpce-svc-1", "com.example.svc", front)
    door = endpoint("vpce-1", OTHER, "com.example.svc", interfaces=["eni-door"])
    world = World(
        HOME, APP, DATA, OTHER, OTHER_SUBNET, OPEN, group("sg-b", OTHER, [ALLOW_ALL]), acl("acl-a", HOME), acl("acl-b", OTHER),
        table("rtb-a", HOME, main=True), table("rtb-b", OTHER, main=True), targets, front, service, door,
        balancer_eni("eni-lb", front, APP, "10.0.2.7"), eni("eni-app", DATA, "10.0.3.5", OPEN, instance="i-app"),
        eni("eni-b", OTHER_SUBNET, "10.1.1.5", "sg-b"), eni("eni-door", OTHER_SUBNET, "10.1.1.9", "sg-b", kind="vpc_endpoint"),
    )  # fmt: skip
    assert ask(estate(world.resources), "eni-b", "eni-app", 80) == "reachable"
    for less in (
        world.without("eni-door"),
        world.without(front.id),
        world.but(changed(service, ..., "ServiceName")),
        world.but(changed(service, ..., "NetworkLoadBalancerArns")),
        world.but(changed(door, ..., "ServiceName")),
    ):
        assert ask(estate(less.resources), "eni-b", "eni-app", 80) == "unknown"
    assert ask(estate(world.without("vpce-1").resources), "eni-b", "eni-app", 80) == "unreachable"


def test_clients_of_a_vpn_behind_a_transit_gateway_may_get_anywhere() -> None:
    door = client_vpn("cvpn-endpoint-1", HOME, "172.30.0.0/22", APP, authorized=[])
    assert ask(estate(WORLD.but(door).resources), "cvpn-endpoint-1", "eni-app", 443) == "unreachable"
    transit = changed(changed(door, {"TransitGatewayId": "tgw-1"}, "TransitGatewayConfiguration"), ..., "VpcId")
    assert ask(estate(WORLD.but(transit).resources), "cvpn-endpoint-1", "eni-app", 443) == "unknown"


def test_of_a_load_balancer_there_may_be_interfaces_that_nobody_saw() -> None:
    front = balancer("web", HOME, OPEN, listeners=[])
    graph = lowered(
        estate(WORLD.but(front, balancer_eni("eni-lb", front, APP, "10.0.2.7")).resources, gaps=[denied("aws.ec2.network_interface")])
    )
    assert named(graph, "web").doubts
    assert not named(graph, "eni-lb").doubts


# What instances and Elastic IP addresses tell of interfaces

TOLD = {
    "InstanceId": "i-app", "VpcId": "vpc-a", "SubnetId": "subnet-app",
    "NetworkInterfaces": [{
        "NetworkInterfaceId": "eni-app", "VpcId": "vpc-a", "SubnetId": "subnet-app", "PrivateIpAddress": "10.0.2.5",
        "Groups": [{"GroupId": "sg-open"}], "Association": {"PublicIp": "203.0.113.9"}, "SourceDestCheck": True,
    }],
}  # fmt: skip
INSTANCE = Resource("i-app", "aws.ec2.instance", ACCOUNT, HERE, TOLD)


def test_an_interface_that_only_its_instance_tells_of_is_reached() -> None:
    world = estate(WORLD.without("eni-app").but(INSTANCE).resources)
    graph = whole(world)
    found = whole_ask(graph, named(graph, "internet"), named(graph, "i-app"), wanted("tcp", "443"), Simulators(world).send)
    assert found.verdict == "reachable"


def test_a_public_address_that_only_the_instance_tells_of_may_be_there() -> None:
    quiet = eni("eni-app", APP, "10.0.2.5", OPEN, instance="i-app")
    assert ask(estate(WORLD.but(quiet).resources), "internet", "eni-app", 443) == "unreachable"
    assert ask(estate(WORLD.but(quiet, INSTANCE).resources), "internet", "eni-app", 443) == "unknown"


def test_an_elastic_address_of_nobody_knows_which_private_one_may_be_any() -> None:
    data = {"AllocationId": "eipalloc-1", "PublicIp": "203.0.113.9", "NetworkInterfaceId": "eni-app"}
    address = Resource("eipalloc-1", "aws.ec2.address", ACCOUNT, HERE, data)
    world = WORLD.but(eni("eni-app", APP, "10.0.2.5", OPEN), address)
    assert ask(estate(world.resources), "internet", "eni-app", 443) == "unknown"


def test_where_the_way_of_the_reply_was_not_seen_one_way_is_not_sure() -> None:
    world = WORLD.but(prefix_list("pl-1", read=False), table("rtb-a", HOME, to("pl-1", "pcx-9"), to("0.0.0.0/0", "igw-a"), main=True))
    for held, sure in ((estate(WORLD.but(table("rtb-a", HOME, main=True)).resources), True), (estate(world.resources), False)):
        graph = whole(held)
        found = whole_ask(graph, named(graph, "internet"), named(graph, "eni-app"), wanted("tcp", "443"), Simulators(held).send)
        assert (found.verdict, found.one_way, bool(found.why)) == ("reachable", True, not sure)


# Behind a load balancer: its answers must find back, too

FRONT_GROUP, BACK_GROUP = group("sg-lb", HOME, [allow("tcp", 443, "0.0.0.0/0")]), group("sg-app", HOME, [allow("tcp", 8080, "sg-lb")])
BACK = target_group("app", HOME, "HTTP", 8080, "i-app")
FRONT = balancer("web", HOME, FRONT_GROUP, listeners=[listener("HTTP", 443, BACK)], AvailabilityZones=[{"SubnetId": "subnet-app"}])
GATEWAY, ROUTED = igw("igw-a", HOME), table("rtb-a", HOME, to("0.0.0.0/0", "igw-a"), main=True)
SHOP = World(
    HOME, APP, DATA, acl("acl-a", HOME), GATEWAY, ROUTED, FRONT_GROUP, BACK_GROUP, BACK, FRONT,
    balancer_eni("eni-lb", FRONT, APP, "10.0.2.7", public="203.0.113.7"), eni("eni-app", DATA, "10.0.3.5", BACK_GROUP, instance="i-app"),
)  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        changed(ROUTED, ..., "Routes"),
        changed(ROUTED, ..., "Routes", 0),
        changed(ROUTED, ..., "Associations"),
        changed(ROUTED, 5, "Associations"),
        changed(ROUTED, ..., "Routes", 1, "GatewayId"),
        changed(GATEWAY, ..., "Attachments"),
        changed(FRONT, ..., "Listeners", 0, "DefaultActions"),
        changed(FRONT, [], "Listeners", 0, "DefaultActions"),
        changed(FRONT, ..., "Listeners", 0, "DefaultActions", 0, "TargetGroupArn"),
        changed(SHOP.of("aws.ec2.network_interface")[0], ..., "SubnetId"),
    ],
    ids=["routes", "local route", "table", "malformed table", "target of a route", "gateway", "actions", "no actions", "group", "subnet"],
)
def test_what_was_not_seen_of_a_load_balancer_or_of_its_way_back_is_no_wall(broken: Resource) -> None:
    assert ask(estate(SHOP.resources), "internet", "eni-app", 8080) == "reachable"
    assert ask(estate(SHOP.but(broken).resources), "internet", "eni-app", 8080) == "unknown"


def test_a_route_table_that_nobody_looked_for_is_no_wall_behind_a_load_balancer() -> None:
    unseen = estate(SHOP.without("rtb-a").resources, gaps=[denied("aws.ec2.route_table")])
    assert ask(unseen, "internet", "eni-app", 8080) == "unknown"


def test_a_load_balancer_that_only_its_interface_tells_of_may_send_to_anything() -> None:
    unseen = estate(SHOP.without(FRONT.id).resources, gaps=[denied("aws.elbv2.load_balancer")])
    assert ask(unseen, "internet", "eni-app", 8080) == "unknown"
    assert ask(estate(SHOP.without(FRONT.id, "eni-lb").resources), "internet", "eni-app", 8080) == "unreachable"


def test_load_balancers_that_nobody_looked_for_may_be_among_interfaces_that_nobody_saw() -> None:
    types = ("aws.elbv2.load_balancer", "aws.ec2.network_interface")
    quiet = SHOP.without(FRONT.id, "eni-lb").resources
    assert ask(estate(quiet, gaps=[denied(type_) for type_ in types]), "internet", "eni-app", 8080) == "unknown"


@pytest.mark.parametrize("member", ["SubnetId", "NatGatewayAddresses"])
def test_by_a_nat_gateway_that_was_not_seen_whole_packets_may_get_out(member: str) -> None:
    gateway = nat("nat-1", APP, "10.0.2.20", "203.0.113.20")
    inside = eni("eni-in", DATA, "10.0.3.6", OPEN)
    world = WORLD.without("eni-app").but(gateway, inside, table("rtb-d", HOME, to("0.0.0.0/0", "nat-1"), subnets=[DATA]))
    assert ask(estate(world.resources), "eni-in", "internet", 443) == "reachable"
    assert ask(estate(world.but(changed(gateway, ..., member)).resources), "eni-in", "internet", 443) == "unknown"
