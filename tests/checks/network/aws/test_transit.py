"""Peering and transit gateways: what is connected, over regions and accounts, and what nobody read."""

from __future__ import annotations

from checks.model import Resource
from tests.checks.network.aws.asking import ask, denied, estate
from tests.checks.network.simulate.aws_world import (
    ALLOW_ALL,
    OTHER_ACCOUNT,
    THERE,
    World,
    acl,
    allow,
    eni,
    entry,
    group,
    peering,
    subnet,
    table,
    to,
    vpc,
)
from tests.checks.network.simulate.aws_world_transit import (
    attachment,
    peering_attachment,
    transit_gateway,
    transit_route,
    transit_table,
    vpc_attachment,
)

A, B, C = vpc("vpc-a", "10.1.0.0/16"), vpc("vpc-b", "10.2.0.0/16"), vpc("vpc-c", "10.3.0.0/16")
IN_A, IN_B, IN_C = subnet("subnet-a", A, "10.1.1.0/24"), subnet("subnet-b", B, "10.2.1.0/24"), subnet("subnet-c", C, "10.3.1.0/24")


def homes(*vpcs_and_subnets: tuple[Resource, Resource]) -> World:
    """Each VPC with one interface that admits everything, and a main table of its own."""
    things = []
    for home, where in vpcs_and_subnets:
        letter = home.id[-1]
        opened = group(f"sg-{letter}", home, [ALLOW_ALL])
        address = where.data["CidrBlock"].replace("0/24", "5")
        things += [home, where, opened, acl(f"acl-{letter}", home), table(f"rtb-{letter}", home, main=True)]
        things += [eni(f"eni-{letter}", where, address, opened)]
    return World(*things)


TWO = homes((A, IN_A), (B, IN_B))
PAIR = TWO.but(
    peering("pcx-1", A, B),
    table("rtb-a", A, to("10.2.0.0/16", "pcx-1"), main=True),
    table("rtb-b", B, to("10.1.0.0/16", "pcx-1"), main=True),
)


def held(world: World, *things: Resource, gaps=(), accounts=("111122223333",)):
    return estate(world.but(*things).resources, gaps=gaps, accounts=accounts)


# Peering


def test_a_peering_leads_where_both_sides_have_a_route() -> None:
    assert ask(held(TWO), "eni-a", "eni-b", 443) == "unreachable"
    assert ask(held(PAIR), "eni-a", "eni-b", 443) == "reachable"
    assert ask(held(PAIR, table("rtb-b", B, main=True)), "eni-a", "eni-b", 443) == "one-way"


def test_a_peering_that_is_not_active_leads_nowhere() -> None:
    assert ask(held(PAIR, peering("pcx-1", A, B, status="pending-acceptance")), "eni-a", "eni-b", 443) == "unreachable"
    assert ask(held(PAIR, peering("pcx-1", A, B, status="")), "eni-a", "eni-b", 443) == "unknown"


def test_a_peering_is_not_transitive() -> None:
    three = homes((A, IN_A), (B, IN_B), (C, IN_C))
    routes = [
        table("rtb-a", A, to("10.2.0.0/15", "pcx-1"), main=True),
        table("rtb-b", B, to("10.1.0.0/16", "pcx-1"), to("10.3.0.0/16", "pcx-2"), main=True),
        table("rtb-c", C, to("10.0.0.0/8", "pcx-2"), main=True),
    ]
    told = held(three, peering("pcx-1", A, B), peering("pcx-2", B, C), *routes)
    assert ask(told, "eni-b", "eni-c", 443) == "reachable"
    assert ask(told, "eni-a", "eni-c", 443) == "unreachable"


def test_groups_are_known_through_a_peering_in_one_region_only() -> None:
    picky = group("sg-b", B, [allow("tcp", 443, "sg-a")])
    assert ask(held(PAIR, picky), "eni-a", "eni-b", 443) == "reachable"
    far = vpc("vpc-b", "10.2.0.0/16", region=THERE)
    there = subnet("subnet-b", far, "10.2.1.0/24")
    world = homes((A, IN_A), (far, there)).but(
        peering("pcx-1", A, far),
        table("rtb-a", A, to("10.2.0.0/16", "pcx-1"), main=True),
        table("rtb-b", far, to("10.1.0.0/16", "pcx-1"), main=True),
    )
    assert ask(held(world), "eni-a", "eni-b", 443) == "reachable"
    assert ask(held(world, group("sg-b", far, [allow("tcp", 443, "sg-a")])), "eni-a", "eni-b", 443) == "unreachable"


def test_egress_rules_refer_to_groups_of_a_peer() -> None:
    picky = group("sg-a", A, egress=[allow("tcp", 443, "sg-b")])
    assert ask(held(PAIR, picky), "eni-a", "eni-b", 443) == "reachable"
    assert ask(held(PAIR, group("sg-a", A, egress=[allow("tcp", 443, "sg-x")])), "eni-a", "eni-b", 443) == "unreachable"


def test_a_peer_that_nobody_read_may_let_the_internet_in() -> None:
    stranger = vpc("vpc-x", "10.9.0.0/16", account=OTHER_ACCOUNT)
    world = homes((A, IN_A)).but(peering("pcx-1", A, stranger), table("rtb-a", A, to("10.9.0.0/16", "pcx-1"), main=True))
    told = ask(held(world), "internet", "eni-a", 443)
    assert told == "unknown"
    assert told.because(f"account {OTHER_ACCOUNT} is unread: what it lets in from the internet may come on")
    assert ask(held(world), "pcx-1", "eni-a", 443) == "reachable"
    shut = group("sg-a", A, [allow("tcp", 443, "10.1.0.0/16")])
    assert ask(held(world, shut), "internet", "eni-a", 443) == "unreachable"


def test_where_nobody_looked_for_peerings_anything_may_come_in() -> None:
    told = ask(held(TWO, gaps=[denied("aws.ec2.vpc_peering_connection")]), "internet", "eni-a", 443)
    assert told == "unknown"
    assert told.because("aws.ec2.vpc_peering_connection")


def test_peerings_in_a_circle_end() -> None:
    three = homes((A, IN_A), (B, IN_B), (C, IN_C))
    routes = [
        table("rtb-a", A, to("10.0.0.0/8", "pcx-1"), main=True),
        table("rtb-b", B, to("10.0.0.0/8", "pcx-2"), main=True),
        table("rtb-c", C, to("10.0.0.0/8", "pcx-3"), main=True),
    ]
    told = held(three, peering("pcx-1", A, B), peering("pcx-2", B, C), peering("pcx-3", C, A), *routes)
    assert ask(told, "eni-a", "eni-b", 443) == "one-way"


# Transit gateways


def hub(*tables: Resource, referencing: bool = False) -> World:
    return TWO.but(
        transit_gateway("tgw-1", referencing=referencing),
        *vpc_attachment("tgw-attach-a", "tgw-1", A, IN_A, referencing=referencing),
        *vpc_attachment("tgw-attach-b", "tgw-1", B, IN_B, referencing=referencing),
        table("rtb-a", A, to("10.2.0.0/16", "tgw-1"), main=True),
        table("rtb-b", B, to("10.1.0.0/16", "tgw-1"), main=True),
        *tables,
    )


BOTH = transit_table(
    "tgw-rtb-1",
    "tgw-1",
    transit_route("10.1.0.0/16", "tgw-attach-a", propagated=True),
    transit_route("10.2.0.0/16", "tgw-attach-b", propagated=True),
    associated=["tgw-attach-a", "tgw-attach-b"],
)


def test_a_transit_gateway_leads_by_the_table_that_an_attachment_is_associated_with() -> None:
    assert ask(held(hub(BOTH)), "eni-a", "eni-b", 443) == "reachable"
    back_only = transit_table("tgw-rtb-1", "tgw-1", transit_route("10.2.0.0/16", "tgw-attach-b"), associated=["tgw-attach-a"])
    assert ask(held(hub(back_only)), "eni-a", "eni-b", 443) == "one-way"
    unassociated = transit_table("tgw-rtb-1", "tgw-1", *BOTH.data["Routes"])
    assert ask(held(hub(unassociated)), "eni-a", "eni-b", 443) == "unreachable"


def test_a_blackhole_of_a_transit_gateway_drops() -> None:
    routes = [*BOTH.data["Routes"], transit_route("10.2.1.0/24", None)]
    holed = transit_table("tgw-rtb-1", "tgw-1", *routes, associated=["tgw-attach-a", "tgw-attach-b"])
    assert ask(held(hub(holed)), "eni-a", "eni-b", 443) == "unreachable"


def test_a_static_route_wins_over_a_propagated_one() -> None:
    routes = [*BOTH.data["Routes"], transit_route("10.2.0.0/16", None)]
    holed = transit_table("tgw-rtb-1", "tgw-1", *routes, associated=["tgw-attach-a", "tgw-attach-b"])
    assert ask(held(hub(holed)), "eni-a", "eni-b", 443) == "unreachable"


def test_groups_are_known_through_a_transit_gateway_where_all_of_it_refers() -> None:
    picky = group("sg-b", B, [allow("tcp", 443, "sg-a")])
    assert ask(held(hub(BOTH), picky), "eni-a", "eni-b", 443) == "unreachable"
    assert ask(held(hub(BOTH, referencing=True), picky), "eni-a", "eni-b", 443) == "reachable"


def test_the_acl_of_the_attachments_subnet_is_met() -> None:
    door = subnet("subnet-door", B, "10.2.9.0/28")
    world = hub(BOTH).but(door, *vpc_attachment("tgw-attach-b", "tgw-1", B, door))
    assert ask(held(world), "eni-a", "eni-b", 443) == "reachable"
    shut = acl("acl-door", B, door, egress=[entry(10, "deny", "10.2.1.0/24"), entry(20, "allow")])
    assert ask(held(world, shut), "eni-a", "eni-b", 443) == "unreachable"


def test_a_transit_route_table_that_nobody_saw_may_lead_anywhere() -> None:
    told = ask(held(hub(), gaps=[denied("aws.ec2.transit_gateway_route_table")]), "eni-a", "eni-b", 443)
    assert told == "unknown"
    assert told.because("the route table of tgw-attach-a was not seen")
    gap = denied("aws.ec2.transit_gateway_route_table", id_="tgw-rtb-1", field="Routes")
    assert ask(held(hub(BOTH), gaps=[gap]), "eni-a", "eni-b", 443) == "unknown"


def test_a_vpn_attachment_is_on_premises() -> None:
    routes = [*BOTH.data["Routes"], transit_route("192.168.0.0/16", "tgw-attach-v", "vpn", propagated=True)]
    wide = transit_table("tgw-rtb-1", "tgw-1", *routes, associated=["tgw-attach-a", "tgw-attach-b", "tgw-attach-v"])
    world = hub(wide).but(attachment("tgw-attach-v", "tgw-1", "vpn"), table("rtb-a", A, to("0.0.0.0/0", "tgw-1"), main=True))
    assert ask(held(world), "tgw-attach-v", "eni-a", 443) == "reachable"
    assert ask(held(world), "internet", "eni-a", 443) == "unreachable"


def test_an_attachment_of_a_kind_that_is_not_known_may_lead_anywhere() -> None:
    odd = transit_table("tgw-rtb-1", "tgw-1", transit_route("10.0.0.0/8", "tgw-attach-x"), associated=["tgw-attach-a"])
    told = ask(held(hub(odd), attachment("tgw-attach-x", "tgw-1", "teleporter")), "eni-a", "eni-b", 443)
    assert told == "unknown"
    assert told.because("tgw-attach-x (teleporter) is not modelled")


def test_an_attached_vpc_of_an_account_that_nobody_read_may_let_the_internet_in() -> None:
    stranger = vpc("vpc-x", "10.9.0.0/16", account=OTHER_ACCOUNT)
    own, seen = vpc_attachment("tgw-attach-x", "tgw-1", stranger)
    seen.data["ResourceOwnerId"] = OTHER_ACCOUNT
    routes = [*BOTH.data["Routes"], transit_route("10.9.0.0/16", "tgw-attach-x")]
    wide = transit_table("tgw-rtb-1", "tgw-1", *routes, associated=["tgw-attach-a", "tgw-attach-b", "tgw-attach-x"])
    told = ask(held(hub(wide), seen), "internet", "eni-a", 443)
    assert told == "unknown"
    assert told.because(f"account {OTHER_ACCOUNT} is unread")
    assert own.id == seen.id


def test_transit_gateways_are_peered_by_static_routes_on_both() -> None:
    near = transit_table(
        "tgw-rtb-1", "tgw-1", transit_route("10.1.0.0/16", "tgw-attach-a"), transit_route("10.2.0.0/16", "tgw-attach-p", "peering"),
        associated=["tgw-attach-a", "tgw-attach-p"],
    )  # fmt: skip
    far = transit_table(
        "tgw-rtb-2", "tgw-2", transit_route("10.2.0.0/16", "tgw-attach-b"), transit_route("10.1.0.0/16", "tgw-attach-p", "peering"),
        associated=["tgw-attach-b", "tgw-attach-p"],
    )  # fmt: skip
    world = TWO.but(
        transit_gateway("tgw-1"),
        transit_gateway("tgw-2", region=THERE),
        *vpc_attachment("tgw-attach-a", "tgw-1", A, IN_A),
        *vpc_attachment("tgw-attach-b", "tgw-2", B, IN_B),
        peering_attachment("tgw-attach-p", "tgw-1", "tgw-2"),
        table("rtb-a", A, to("10.2.0.0/16", "tgw-1"), main=True),
        table("rtb-b", B, to("10.1.0.0/16", "tgw-2"), main=True),
        near,
    )
    assert ask(held(world, far), "eni-a", "eni-b", 443) == "reachable"
    lost = transit_table("tgw-rtb-2", "tgw-2", transit_route("10.1.0.0/16", "tgw-attach-p", "peering"), associated=["tgw-attach-p"])
    assert ask(held(world, lost), "eni-a", "eni-b", 443) == "unreachable"
    told = ask(estate(world.without("tgw-2").resources), "internet", "eni-a", 443)
    assert told == "unknown"


def test_transit_gateways_that_route_in_a_circle_end() -> None:
    near = transit_table(
        "tgw-rtb-1", "tgw-1", transit_route("0.0.0.0/0", "tgw-attach-p", "peering"), associated=["tgw-attach-a", "tgw-attach-p"]
    )
    far = transit_table("tgw-rtb-2", "tgw-2", transit_route("0.0.0.0/0", "tgw-attach-p", "peering"), associated=["tgw-attach-p"])
    world = TWO.but(
        transit_gateway("tgw-1"),
        transit_gateway("tgw-2"),
        *vpc_attachment("tgw-attach-a", "tgw-1", A, IN_A),
        peering_attachment("tgw-attach-p", "tgw-1", "tgw-2"),
        table("rtb-a", A, to("0.0.0.0/0", "tgw-1"), main=True),
        near,
        far,
    )
    assert ask(held(world), "eni-a", "eni-b", 443) == "unreachable"
