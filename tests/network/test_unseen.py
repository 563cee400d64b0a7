"""What is not seen is not ruled out; `make network` asks more estates."""

from __future__ import annotations

import pytest

from checks.network.lowering import lowered
from tests.checks.network.aws.asking import ask, estate
from tests.checks.network.aws.random_worlds import Maker
from tests.checks.network.aws.test_not_seen import APP, HOME, OPEN, PEERED, TO_GROUP, WORLD, changed, denied
from tests.checks.network.simulate.aws_world import OTHER_ACCOUNT, World, eni, igw, peering, table, to, vpc
from tests.network.unseen import run


@pytest.mark.parametrize(("cloud", "seed"), [("aws", 31), ("azure", 7)])
def test_no_way_is_ruled_out_for_what_is_not_seen(cloud: str, seed: int) -> None:
    tally = run(4, seed, [cloud])
    assert tally.wrong == []
    assert tally.counts["unknown"] > 10
    assert tally.counts["reachable"] > 10


@pytest.mark.parametrize(
    ("world", "type_"),
    [(TO_GROUP, "aws.ec2.vpc_peering_connection"), (PEERED, "aws.ec2.vpc"), (PEERED, "aws.ec2.route_table")],
)
def test_peers_that_nobody_listed_may_be_there(world: World, type_: str) -> None:
    left = [one for one in world.resources if one.type != type_]
    assert ask(estate(world.resources), "eni-b", "eni-t", 443) == "reachable"
    assert ask(estate(left, gaps=[denied(type_)]), "eni-b", "eni-t", 443) == "unknown"


@pytest.mark.parametrize(("seed", "type_"), [(153, "aws.ec2.subnet"), (196, "aws.ec2.transit_gateway_vpc_attachment")])
def test_what_comes_by_a_transit_gateway_may_come_by_any_subnet(seed: int, type_: str) -> None:
    world = Maker(seed).world()
    ends = {153: ("eni-1-2", "eni-2-2", 22), 196: ("eni-1-0", "eni-lb-2-1", 443)}[seed]
    left = [one for one in world.resources if one.type != type_]
    assert ask(estate(world.resources), *ends) in {"reachable", "one-way"}
    assert ask(estate(left, gaps=[denied(type_)]), *ends) == "unknown"


def test_of_two_answers_about_one_resource_neither_is_taken_for_true() -> None:
    other = changed(igw("igw-a", next(one for one in WORLD.resources if one.type == "aws.ec2.vpc")), [], "Attachments")
    twice = denied("aws.ec2.internet_gateway", id_="igw-a")
    told = ask(lowered(estate(WORLD.but(other).resources, gaps=[twice])), "internet", "eni-app", 443)
    assert told == "unknown"
    assert ask(lowered(estate(WORLD.but(other).resources)), "internet", "eni-app", 443) == "unreachable"


def test_a_network_of_ones_own_that_was_not_seen_breaks_nothing() -> None:
    """Gaps are monotone: what a peer sends is doubtful where the peer is ours, and sure where nobody reads its account."""
    outside = peering("pcx-9", HOME, vpc("vpc-far", "10.9.0.0/16", account=OTHER_ACCOUNT))
    ours = peering("pcx-9", HOME, vpc("vpc-far", "10.9.0.0/16"))
    private = WORLD.without("igw-a").but(table("rtb-a", HOME, to("10.9.0.0/16", "pcx-9"), main=True), eni("eni-app", APP, "10.0.2.5", OPEN))
    for connection, told in ((outside, {"reachable", "one-way"}), (ours, {"unknown"})):
        graph = lowered(estate(private.but(connection).resources, gaps=[denied("aws.ec2.vpc", id_="vpc-far")]))
        assert ask(graph, "pcx-9", "eni-app", 443).verdict in told
