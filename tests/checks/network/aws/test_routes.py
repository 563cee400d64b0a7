"""Route tables: which route is taken, and what is in doubt where that cannot be told."""

from __future__ import annotations

import pytest

from checks.model import Resource
from tests.checks.network.aws.asking import ask, denied, estate
from tests.checks.network.simulate.aws_world import (
    ALLOW_ALL,
    EVERYWHERE,
    World,
    acl,
    endpoint,
    eni,
    group,
    igw,
    prefix_list,
    subnet,
    table,
    to,
    vpc,
)

HOME = vpc("vpc-a", "10.0.0.0/16")
WEB, APP = subnet("subnet-web", HOME, "10.0.1.0/24"), subnet("subnet-app", HOME, "10.0.2.0/24")
OPEN = group("sg-open", HOME, [ALLOW_ALL])
SITE = World(
    HOME,
    WEB,
    APP,
    OPEN,
    acl("acl-a", HOME),
    igw("igw-a", HOME),
    eni("eni-web", WEB, "10.0.1.5", OPEN, public="198.51.100.5"),
    eni("eni-app", APP, "10.0.2.5", OPEN),
)


def site(*things: Resource, gaps=()):
    return estate(SITE.but(*things).resources, gaps=gaps)


def test_the_longest_prefix_is_taken() -> None:
    hole = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), to("203.0.113.0/24", "nat-gone", state="blackhole"), main=True)
    assert ask(site(hole), "eni-web", "internet:203.0.113.7", 443) == "unreachable"
    assert ask(site(hole), "eni-web", "internet:203.0.114.7", 443) == "reachable"


def test_a_subnets_own_table_is_used_before_the_main_one() -> None:
    main, own = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), main=True), table("rtb-web", HOME, subnets=[WEB])
    assert ask(site(main), "internet", "eni-web", 443) == "reachable"
    assert ask(site(main, own), "internet", "eni-web", 443) == "one-way"


def test_a_route_by_prefix_list_is_as_long_as_its_entries() -> None:
    routes = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), to("pl-hole", "nat-gone", state="blackhole"), main=True)
    held = site(routes, prefix_list("pl-hole", "203.0.113.0/25", "203.0.113.128/25"))
    assert ask(held, "eni-web", "internet:203.0.113.200", 443) == "unreachable"


def test_a_route_by_a_prefix_list_that_nobody_read_puts_the_others_in_doubt() -> None:
    routes = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), to("pl-hole", "nat-gone", state="blackhole"), main=True)
    told = ask(site(routes), "eni-web", "internet", 443)
    assert told == "unknown"
    assert told.because("prefix list pl-hole")


def test_a_gateway_endpoint_takes_what_is_for_its_service() -> None:
    routes = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), to("pl-s3", "vpce-s3"), main=True)
    held = site(routes, prefix_list("pl-s3", "203.0.113.0/24"), endpoint("vpce-s3", HOME, "com.amazonaws.eu-central-1.s3", kind="Gateway"))
    assert ask(held, "eni-web", "internet:203.0.113.7", 443) == "unreachable"
    assert ask(held, "eni-app", "vpce-s3", 443) == "reachable"


def test_static_routes_win_over_propagated_ones() -> None:
    routes = table("rtb-a", HOME, to(EVERYWHERE, "nat-gone", state="blackhole", propagated=True), to(EVERYWHERE, "igw-a"), main=True)
    assert ask(site(routes), "eni-web", "internet", 443) == "reachable"


def test_which_of_several_lists_with_the_same_block_is_taken_is_not_known() -> None:
    routes = table("rtb-a", HOME, to("pl-one", "igw-a"), to("pl-two", "nat-gone", state="blackhole"), main=True)
    held = site(routes, prefix_list("pl-one", "203.0.113.0/24"), prefix_list("pl-two", "203.0.113.0/24"))
    assert ask(held, "eni-web", "internet:203.0.113.7", 443) == "unknown"


def test_a_route_table_that_nobody_saw_may_lead_everywhere() -> None:
    told = ask(site(gaps=[denied("aws.ec2.route_table")]), "eni-web", "eni-app", 443)
    assert told == "unknown"
    assert told.because("the route table of subnet-web was not seen")
    assert ask(site(gaps=[denied("aws.ec2.route_table")]), "eni-web", "internet", 443) == "unknown"


def test_routes_that_are_a_gap_may_lead_everywhere() -> None:
    main = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), main=True)
    gaps = [denied("aws.ec2.route_table", id_="rtb-a", field="Routes")]
    assert (
        ask(site(Resource(main.id, main.type, main.account, main.region, {**main.data, "Routes": None}), gaps=gaps), "eni-web", "eni-app")
        == "unknown"
    )


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("eni-fw", "what the appliance eni-fw does"),
        ("vpce-fw", "appliance behind the endpoint vpce-fw"),
        ("pcx-gone", "peering connection pcx-gone is referred to"),
        ("tgw-gone", "transit gateway tgw-gone"),
        ("lgw-1", "local gateway lgw-1 is not modelled"),
        ("cagw-1", "carrier gateway cagw-1 is not modelled"),
        ("xyz-1", "the route target xyz-1 is not known by name"),
    ],
)
def test_a_target_that_is_not_modelled_is_named(target: str, says: str) -> None:
    appliance = eni("eni-fw", APP, "10.0.2.9", OPEN, check=False)
    routes = table("rtb-web", HOME, to("10.0.2.0/24", target), subnets=[WEB])
    told = ask(site(appliance, routes, table("rtb-a", HOME, main=True)), "eni-web", "eni-app", 443)
    assert told == "unknown"
    assert told.because(says)


def test_a_route_to_an_interface_that_checks_destinations_drops() -> None:
    routes = table("rtb-web", HOME, to("10.0.2.0/24", "eni-fw"), subnets=[WEB])
    held = site(eni("eni-fw", WEB, "10.0.1.9", OPEN), routes, table("rtb-a", HOME, main=True))
    assert ask(held, "eni-web", "eni-app", 443) == "unreachable"


@pytest.mark.parametrize("change", [{"State": None}, {"DestinationCidrBlock": "10.0.0.0/64"}, {"DestinationCidrBlock": 7}])
def test_a_route_that_cannot_be_read_puts_the_table_in_doubt(change: dict) -> None:
    routes = table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), to("203.0.113.0/24", "igw-a") | change, main=True)
    assert ask(site(routes), "eni-web", "internet:203.0.113.7", 443) == "unknown"
