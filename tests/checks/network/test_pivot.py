"""Step by step: from interface to interface, and what is not known of a step."""

from __future__ import annotations

from checks.network.lowering import Simulators, lowered
from checks.network.pivot import Pivots, pivots
from checks.network.place import named
from checks.network.wanted import wanted
from tests.checks.network.aws.asking import denied, estate
from tests.checks.network.simulate.aws_world import ALLOW_ALL, World, acl, allow, eni, entry, group, subnet, table, vpc

HOME = vpc("vpc-a", "10.0.0.0/16")
APP, DATA = subnet("subnet-app", HOME, "10.0.2.0/24"), subnet("subnet-data", HOME, "10.0.3.0/24")
WORLD = World(
    HOME, APP, DATA, acl("acl-a", HOME), table("rtb-a", HOME, main=True), group("sg-open", HOME, [ALLOW_ALL]),
    eni("eni-one", APP, "10.0.2.5", "sg-open"), eni("eni-two", APP, "10.0.2.6", "sg-open"), eni("eni-db", DATA, "10.0.3.9", "sg-db"),
    group("sg-db", HOME, [allow("tcp", 5432, "10.0.2.6/32")]),
)  # fmt: skip


def asked(world: World, source: str, *, gaps=()) -> Pivots:
    held = estate(world.resources, gaps=gaps)
    graph = lowered(held)
    return pivots(graph, named(graph, source), named(graph, "eni-db"), wanted("tcp", "5432"), Simulators(held).send)


def test_a_neighbour_that_is_treated_alike_is_another_machine() -> None:
    found = asked(WORLD, "eni-one")
    assert found.verdict == "reachable"
    assert [leg.hops[0].id for leg in found.legs] == ["eni-one", "eni-two"]
    assert [leg.hops[-1].id for leg in found.legs] == ["eni-two", "eni-db"]


def test_of_machines_that_are_treated_alike_only_those_that_are_reached_go_on() -> None:
    start = eni("eni-start", DATA, "10.0.3.20", "sg-start")
    narrow = group("sg-start", HOME, [], [allow("-1", None, "10.0.2.5/32")])
    shut = group("sg-open", HOME, [allow("-1", None, "10.0.3.20/32")])
    world = WORLD.but(start, narrow, shut)
    assert asked(world, "eni-start").verdict == "unreachable"
    assert asked(world.but(group("sg-start", HOME, [], [ALLOW_ALL])), "eni-start").verdict == "reachable"


def test_a_step_that_may_be_answered_makes_it_unknown() -> None:
    unclear = acl("acl-app", HOME, APP, egress=[entry(100, "allow")])
    unclear.data["Entries"][-3].pop("CidrBlock")
    start = eni("eni-start", DATA, "10.0.3.20", "sg-open")
    world = WORLD.but(start, unclear).without("eni-one")
    assert asked(WORLD.but(start).without("eni-one"), "eni-start").verdict == "reachable"
    assert asked(world, "eni-start").verdict == "unknown"


def test_interfaces_that_nobody_saw_may_be_a_step() -> None:
    world = WORLD.without("eni-two")
    assert asked(world, "eni-one").verdict == "unreachable"
    assert asked(world, "eni-one", gaps=[denied("aws.ec2.network_interface")]).verdict == "unknown"
