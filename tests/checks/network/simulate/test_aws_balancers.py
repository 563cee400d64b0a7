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
    endpoint,
    endpoint_service,
    ends,
    eni,
    entry,
    group,
    igw,
    subnet,
    table,
    tcp,
    to,
    udp,
    vpc,
)
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, classic, listener, target_group

HOME = vpc("vpc-a", "10.0.0.0/16")
PUBLIC, PRIVATE = subnet("subnet-public", HOME, "10.0.1.0/24"), subnet("subnet-private", HOME, "10.0.2.0/24")
FRONT = group("sg-front", HOME, [allow("tcp", 443, EVERYWHERE)])
BACK = group("sg-back", HOME, [allow("tcp", 8080, FRONT)])
APP = eni("eni-app", PRIVATE, "10.0.2.5", BACK, instance="i-app")
BASE = World(
    *(HOME, PUBLIC, PRIVATE, FRONT, BACK, APP, acl("acl-a", HOME), igw("igw-a", HOME)),
    table("rtb-public", HOME, to(EVERYWHERE, "igw-a"), subnets=[PUBLIC]),
    table("rtb-private", HOME, main=True),
)
CLIENT = "203.0.113.7"
INBOUND = tcp(CLIENT, "198.51.100.8", 443)
PRESERVED, OWN = tcp(CLIENT, "10.0.2.5", 8080), tcp("10.0.1.8", "10.0.2.5", 8080)
PEOPLE = group("sg-back", HOME, [allow("tcp", 8080, "203.0.113.0/24")])


def application(*targets: Resource, **more: object) -> World:
    made = balancer("web", HOME, FRONT, listeners=[listener("HTTPS", 443, *targets)], **more)
    return BASE.but(made, balancer_eni("eni-front", made, PUBLIC, "10.0.1.8", public="198.51.100.8"), *targets)


def network(*targets: Resource, protocol: str = "TCP", groups: tuple[Resource, ...] = (FRONT,)) -> World:
    made = balancer("web", HOME, *groups, kind="network", listeners=[listener(protocol, 443, *targets)])
    return BASE.but(made, balancer_eni("eni-front", made, PUBLIC, "10.0.1.8", public="198.51.100.8"), *targets)


def group_of(protocol: str = "TCP", *ids: str, kind: str = "instance", preserve: bool | None = None) -> Resource:
    return target_group("app", HOME, protocol, 8080, *(ids or ["i-app"]), kind=kind, preserve=preserve)


def arrives(world: World, packet: Packet = INBOUND, at: str = INTERNET) -> dict[str, Packet]:
    return {one.at: one.arrives for one in Simulator(world).send(packet, at).deliveries}


def replies(world: World, packet: Packet = INBOUND, at: str = INTERNET) -> dict[str, bool]:
    return ends(Simulator(world).send(packet, at))


def test_an_application_load_balancer_sends_on_in_its_own_name():
    trace = Simulator(application(group_of("HTTP"))).send(INBOUND, INTERNET)
    front, back = trace.deliveries
    assert (front.at, front.arrives, front.reply) == ("eni-front", tcp(CLIENT, "10.0.1.8", 443), True)
    assert (back.at, back.arrives, back.reply) == ("eni-app", OWN, True)
    path = [hop.id for hop in back.hops]
    assert path[:5] == [INTERNET, "igw-a", "acl-a", "sg-front", "eni-front"]
    assert path[5].endswith("loadbalancer/app/web/0123456789abcdef")
    assert path[6:] == ["sg-front", "acl-a", "rtb-public", "acl-a", "sg-back", "eni-app"]


def test_what_no_listener_takes_is_not_delivered():
    world = application(group_of("HTTP")).but(group("sg-front", HOME, [allow("-1", None, EVERYWHERE)]))
    trace = Simulator(world).send(tcp(CLIENT, "198.51.100.8", 80), INTERNET)
    assert not trace.deliveries
    assert "no listener" in trace.dropped[0]
    assert replies(world, udp(CLIENT, "198.51.100.8", 443)) == {}


def test_the_balancer_s_own_groups_count_on_both_sides():
    world = application(group_of("HTTP"))
    assert replies(world.but(group("sg-front", HOME, [allow("tcp", 443, "10.0.0.0/8")]))) == {}
    shut_in = group("sg-front", HOME, [allow("tcp", 443, EVERYWHERE)], egress=[allow("tcp", 8080, "10.0.3.0/24")])
    assert replies(world.but(shut_in)) == {"eni-front": True}


def test_a_listener_that_forwards_nowhere_is_reached_alone():
    assert replies(application()) == {"eni-front": True}


def test_target_groups_that_only_rules_can_name_are_forwarded_to():
    made = application(group_of("HTTP"))
    arn = next(one.id for one in made.resources if one.type == "aws.elbv2.load_balancer")
    other = eni("eni-other", PRIVATE, "10.0.2.6", BACK, instance="i-other")
    by_rule = target_group("other", HOME, "HTTP", 8080, "i-other", used_by=[arn])
    assert set(arrives(made.but(other, by_rule))) == {"eni-front", "eni-app", "eni-other"}


def test_weighted_target_groups_are_all_forwarded_to():
    other = eni("eni-other", PRIVATE, "10.0.2.6", BACK, instance="i-other")
    world = application(group_of("HTTP"), target_group("other", HOME, "HTTP", 8080, "i-other")).but(other)
    assert set(arrives(world)) == {"eni-front", "eni-app", "eni-other"}


def test_a_lambda_function_can_be_a_target():
    function = "arn:aws:lambda:eu-central-1:111122223333:function:f"
    assert replies(application(target_group("app", HOME, "HTTP", 443, function, kind="lambda"))) == {"eni-front": True, function: True}


def test_targets_by_address():
    assert arrives(application(group_of("HTTP", "10.0.2.5", kind="ip")))["eni-app"] == OWN


def test_what_of_a_balancer_is_not_in_the_estate_is_named():
    world = application(group_of("HTTP"))
    for missing in ("eni-app", group_of("HTTP").id):
        trace = Simulator(world.without(missing)).send(INBOUND, INTERNET)
        assert ends(trace) == {"eni-front": True}
        assert trace.unknown
    arn = next(one.id for one in world.resources if one.type == "aws.elbv2.load_balancer")
    trace = Simulator(world.without(arn)).send(INBOUND, INTERNET)
    assert not trace.deliveries
    assert "app/web" in trace.unknown[0]


@pytest.mark.parametrize(
    ("protocol", "kind", "preserve", "seen"),
    [
        ("TCP", "instance", None, PRESERVED),
        ("TCP", "instance", False, OWN),
        ("TCP", "ip", None, OWN),
        ("TCP", "ip", True, PRESERVED),
        ("TCP_UDP", "ip", None, PRESERVED),
        ("TCP_UDP", "instance", False, PRESERVED),
    ],
)
def test_which_client_the_targets_of_a_network_load_balancer_see(protocol: str, kind: str, preserve: bool | None, seen: Packet):
    target = "i-app" if kind == "instance" else "10.0.2.5"
    world = network(group_of(protocol, target, kind=kind, preserve=preserve), protocol=protocol)
    assert arrives(world)["eni-app"] == seen
    assert replies(world) == {"eni-front": True, "eni-app": True}


def test_a_preserved_client_is_what_address_rules_see():
    assert set(arrives(network(group_of()).but(PEOPLE))) == {"eni-front", "eni-app"}
    assert set(arrives(network(group_of(preserve=False)).but(PEOPLE))) == {"eni-front"}


def test_a_network_load_balancer_without_groups_lets_all_clients_in():
    assert replies(network(group_of(), groups=()).but(PEOPLE)) == {"eni-front": True, "eni-app": True}
    assert replies(network(group_of(), groups=())) == {"eni-front": True}


def test_the_answer_to_a_preserved_client_needs_the_acls_but_no_route():
    world = network(group_of())
    assert replies(world.but(acl("acl-private", HOME, PRIVATE, egress=[entry(1, "allow", "10.0.0.0/8")])))["eni-app"] is False
    assert replies(world.but(acl("acl-private", HOME, PRIVATE, egress=[entry(1, "allow", "203.0.113.0/24")])))["eni-app"] is True


def test_a_target_behind_a_balancer_that_cannot_answer_does_not_answer():
    world = application(group_of("HTTP")).but(table("rtb-public", HOME, subnets=[PUBLIC]))
    assert replies(world) == {"eni-front": False, "eni-app": False}


def test_a_client_that_is_the_target_is_not_sent_back_to_itself():
    world = network(group_of()).but(group("sg-back", HOME, [allow("-1", None, EVERYWHERE)]))
    assert replies(world, tcp("10.0.2.5", "10.0.1.8", 443), "eni-app") == {"eni-front": True}


def test_a_client_of_the_other_family_is_not_preserved():
    home = vpc("vpc-a", "10.0.0.0/16", "2a05:d014::/56")
    public = subnet("subnet-public", home, "10.0.1.0/24", "2a05:d014:0:1::/64")
    front = group("sg-front", home, [allow("tcp", 443, EVERYWHERE6)])
    routes = table("rtb-public", home, to(EVERYWHERE6, "igw-a"), subnets=[public])
    made = balancer("web", home, front, kind="network", listeners=[listener("TCP", 443, group_of())])
    dual = balancer_eni("eni-front", made, public, "10.0.1.8", ipv6=["2a05:d014:0:1::8"])
    world = BASE.but(home, public, front, routes, made, dual, group_of())
    assert arrives(world, tcp("2001:db8::7", "2a05:d014:0:1::8", 443))["eni-app"] == OWN


def test_a_network_load_balancer_before_an_application_load_balancer():
    inner_group = group("sg-inner", HOME, [allow("tcp", 8080, "203.0.113.0/24")])
    behind = target_group("app", HOME, "HTTP", 9090, "i-app")
    inner = balancer("inner", HOME, inner_group, listeners=[listener("HTTP", 8080, behind)])
    outer_targets = target_group("inner", HOME, "TCP", 8080, inner.id, kind="alb")
    world = network(outer_targets).but(inner_group, behind, inner, balancer_eni("eni-inner", inner, PRIVATE, "10.0.2.8"))
    world = world.but(group("sg-back", HOME, [allow("tcp", 9090, inner_group)]))
    assert arrives(world) == {
        "eni-front": tcp(CLIENT, "10.0.1.8", 443),
        "eni-inner": tcp(CLIENT, "10.0.2.8", 8080),
        "eni-app": tcp("10.0.2.8", "10.0.2.5", 9090),
    }
    assert set(replies(world).values()) == {True}


def test_a_classic_load_balancer():
    made = classic("old", HOME, FRONT, port=443, instance_port=8080, instances=["i-app"])
    world = BASE.but(made, balancer_eni("eni-front", made, PUBLIC, "10.0.1.8", public="198.51.100.8"))
    assert arrives(world) == {"eni-front": tcp(CLIENT, "10.0.1.8", 443), "eni-app": OWN}
    assert replies(world) == {"eni-front": True, "eni-app": True}
    assert replies(world.without("eni-app")) == {"eni-front": True}
    assert replies(world.without("old")) == {}


CONSUMER = vpc("vpc-c", "10.0.0.0/16")
THEIRS = subnet("subnet-c", CONSUMER, "10.0.7.0/24")
DOOR_GROUP, USERS = group("sg-door", CONSUMER, [allow("tcp", 443, "sg-users")]), group("sg-users", CONSUMER)
DOOR = eni("eni-door", THEIRS, "10.0.7.8", DOOR_GROUP, kind="vpc_endpoint")
USER = eni("eni-user", THEIRS, "10.0.7.5", USERS)
TO_DOOR = tcp("10.0.7.5", "10.0.7.8", 443)
NAME = "com.amazonaws.vpce.eu-central-1.vpce-svc-1"


def linked(state: str = "available", **more: object) -> World:
    made = balancer("web", HOME, FRONT, kind="network", listeners=[listener("TCP", 443, group_of())], **more)
    return BASE.but(
        *(made, group_of(), balancer_eni("eni-front", made, PUBLIC, "10.0.1.8"), endpoint_service("vpce-svc-1", NAME, made)),
        *(CONSUMER, THEIRS, DOOR_GROUP, USERS, DOOR, USER, acl("acl-c", CONSUMER), table("rtb-c", CONSUMER, main=True)),
        endpoint("vpce-1", CONSUMER, NAME, interfaces=[DOOR], state=state),
    )


def test_through_an_interface_endpoint_to_the_targets_of_its_service():
    assert arrives(linked(), TO_DOOR, "eni-user") == {"eni-door": TO_DOOR, "eni-front": tcp("10.0.7.5", "10.0.1.8", 443), "eni-app": OWN}
    assert set(replies(linked(), TO_DOOR, "eni-user").values()) == {True}


def test_an_endpoint_s_groups_count():
    assert replies(linked().but(group("sg-door", CONSUMER)), TO_DOOR, "eni-user") == {}


def test_the_provider_s_groups_count_for_endpoints_unless_turned_off():
    strict = group("sg-front", HOME, [allow("tcp", 443, "192.0.2.0/24")])
    assert set(replies(linked().but(strict), TO_DOOR, "eni-user")) == {"eni-door"}
    lax = linked(EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic="off").but(strict)
    assert set(replies(lax, TO_DOOR, "eni-user")) == {"eni-door", "eni-front", "eni-app"}


def test_an_endpoint_that_is_not_accepted_takes_nothing():
    assert replies(linked("pendingAcceptance"), TO_DOOR, "eni-user") == {}


def test_a_provider_cannot_open_connections_to_the_consumer():
    assert replies(linked(), tcp("10.0.2.5", "10.0.7.5", 443), "eni-app") == {}


def test_a_service_that_nobody_read_is_where_the_packet_leaves_sight():
    assert replies(linked().without("vpce-svc-1"), TO_DOOR, "eni-user") == {"eni-door": True, NAME: True}


def test_a_description_alone_does_not_make_an_interface_a_balancer_s():
    world = application(group_of("HTTP"))
    described = next(one for one in world.of("aws.ec2.network_interface") if one.id == "eni-front")
    data = {**described.data, "RequesterId": "111122223333"}
    disguised = type(described)(described.id, described.type, described.account, described.region, data)
    assert replies(world.but(disguised)) == {"eni-front": True}


def test_a_classic_balancer_says_which_target_is_missing():
    made = classic("old", HOME, FRONT, port=443, instance_port=8080, instances=["i-app", "i-gone"])
    world = BASE.but(made, balancer_eni("eni-front", made, PUBLIC, "10.0.1.8", public="198.51.100.8"))
    assert Simulator(world).send(INBOUND, INTERNET).unknown == ("the interface of target i-gone is not in the estate",)


def test_only_the_primary_interface_of_an_instance_is_a_target():
    second = eni("eni-second", PRIVATE, "10.0.2.6", BACK, instance="i-app")
    second.data["Attachment"]["DeviceIndex"] = 1
    assert set(arrives(application(group_of("HTTP")).but(second))) == {"eni-front", "eni-app"}


def test_the_acl_of_the_balancer_s_subnet_judges_the_answer_of_a_target():
    shut = acl("acl-public", HOME, PUBLIC, ingress=[entry(1, "deny", "10.0.2.0/24"), entry(2, "allow")])
    for world in (network(group_of()), network(group_of(preserve=False)), application(group_of("HTTP"))):
        assert replies(world.but(shut)) == {"eni-front": True, "eni-app": False}


def test_targets_in_a_zone_s_other_subnet_of_the_same_vpc_need_no_acl_within_one():
    near = eni("eni-app", PUBLIC, "10.0.1.5", BACK, instance="i-app")
    shut = acl("acl-public", HOME, PUBLIC, ingress=[entry(1, "allow", "203.0.113.0/24")])
    assert replies(network(group_of()).but(near, shut)) == {"eni-front": True, "eni-app": True}
