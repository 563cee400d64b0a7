"""Whatever an estate holds, lowering it raises nothing, and what cannot be read is never a closed door."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.model import Resource
from tests.checks.network.aws.asking import ask, estate, lowered
from tests.checks.network.simulate.aws_world import (
    EVERYWHERE,
    World,
    acl,
    allow,
    block_public_access,
    eni,
    exclusion,
    group,
    igw,
    nat,
    peering,
    subnet,
    table,
    to,
    vpc,
    vpn_gateway,
)
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, listener, target_group
from tests.checks.network.simulate.aws_world_transit import client_vpn, transit_gateway, transit_route, transit_table, vpc_attachment

HOME, FAR = vpc("vpc-a", "10.0.0.0/16"), vpc("vpc-b", "10.2.0.0/16")
WEB, DB, THERE = subnet("subnet-web", HOME, "10.0.1.0/24"), subnet("subnet-db", HOME, "10.0.2.0/24"), subnet("subnet-b", FAR, "10.2.1.0/24")
FRONT, BACK = group("sg-web", HOME, [allow("tcp", 443, EVERYWHERE)]), group("sg-db", HOME, [allow("tcp", 5432, "sg-web")])
TARGETS = target_group("app", HOME, "HTTP", 443, "i-web")
LB = balancer("web", HOME, FRONT, listeners=[listener("HTTPS", 443, TARGETS)])
EVERYTHING = World(
    HOME, FAR, WEB, DB, THERE, FRONT, BACK, acl("acl-a", HOME), acl("acl-b", FAR), TARGETS, LB,
    table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), to("10.2.0.0/16", "pcx-1"), to("10.3.0.0/16", "tgw-1"), main=True),
    table("rtb-db", HOME, to(EVERYWHERE, "nat-a"), to("192.168.0.0/16", "vgw-a"), subnets=[DB]), table("rtb-b", FAR, main=True),
    igw("igw-a", HOME), nat("nat-a", WEB, "10.0.1.9", "198.51.100.9"), vpn_gateway("vgw-a", HOME), peering("pcx-1", HOME, FAR),
    balancer_eni("eni-lb", LB, WEB, "10.0.1.7", public="198.51.100.7"), eni("eni-web", WEB, "10.0.1.5", FRONT, public="198.51.100.5", instance="i-web"),
    eni("eni-db", DB, "10.0.2.5", BACK), transit_gateway("tgw-1"), vpc_attachment("tgw-attach-a", "tgw-1", HOME, WEB),
    transit_table("tgw-rtb-1", "tgw-1", transit_route("10.0.0.0/16", "tgw-attach-a"), associated=["tgw-attach-a"]),
    client_vpn("cvpn-1", HOME, "172.30.0.0/22", "subnet-db", authorized=["10.0.0.0/16"]), block_public_access("off"), exclusion("x-1", HOME),
)  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every member of some wire JSON."""
    found = [at] if at else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += paths(inner, (*at, number))
    return found


PLACES = [(number, path) for number, one in enumerate(EVERYTHING.resources) for path in paths(dict(one.data))]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 70000),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([[1]]),
    st.just("10.0.0.0/99"),
)


def changed(number: int, path: tuple[Any, ...], junk: Any) -> list[Resource]:
    things = list(EVERYTHING.resources)
    one = things[number]
    data = copy.deepcopy(dict(one.data))
    inner: Any = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    things[number] = Resource(one.id, one.type, one.account, one.region, data)
    return things


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), JUNK)
def test_no_junk_in_any_member_raises(place: tuple[int, tuple[Any, ...]], junk: Any) -> None:
    graph = lowered(estate(changed(*place, junk)))
    for station in graph.stations.values():
        for links in station.links.values():
            for link in links:
                assert link.to in graph.stations
                assert all(id_ in graph.filters for group_ in link.filters for id_ in group_)


@pytest.mark.parametrize(
    ("type_", "id_", "member"),
    [
        ("aws.ec2.subnet", "subnet-web", "CidrBlock"),
        ("aws.ec2.network_interface", "eni-web", "PrivateIpAddresses"),
        ("aws.ec2.network_interface", "eni-web", "Groups"),
        ("aws.ec2.network_acl", "acl-a", "Entries"),
        ("aws.ec2.security_group", "sg-web", "IpPermissions"),
    ],
)
@pytest.mark.parametrize("junk", [None, "10.0.0.0/99", 7, [None], [["x"]]])
def test_what_cannot_be_read_does_not_close_the_door(type_: str, id_: str, member: str, junk: Any) -> None:
    number = next(at for at, one in enumerate(EVERYTHING.resources) if (one.type, one.id) == (type_, id_))
    assert ask(estate(changed(number, (member,), junk)), "internet", "eni-web", 443) != "unreachable"


def test_networks_with_the_same_addresses_are_told_apart() -> None:
    twin = vpc("vpc-twin", "10.0.0.0/16")
    there = subnet("subnet-twin", twin, "10.0.1.0/24")
    opened = group("sg-twin", twin, [allow("-1", None, EVERYWHERE)])
    held = EVERYTHING.but(
        twin, there, opened, acl("acl-twin", twin), table("rtb-twin", twin, main=True), eni("eni-twin", there, "10.0.1.5", opened)
    )  # fmt: skip
    assert ask(estate(held.resources), "eni-db", "eni-twin") == "unreachable"
    assert ask(estate(held.resources), "internet", "eni-web", 443) == "reachable"


def test_the_order_of_what_an_estate_holds_makes_no_difference() -> None:
    forward, backward = lowered(estate(EVERYTHING.resources)), lowered(estate(EVERYTHING.resources[::-1]))
    assert list(forward.stations) == list(backward.stations)
    assert forward.interfaces == backward.interfaces
    assert {id_: one.links for id_, one in forward.stations.items()} == {id_: one.links for id_, one in backward.stations.items()}
