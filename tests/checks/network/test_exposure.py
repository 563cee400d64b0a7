"""What the internet reaches: told by class, and the same after a change as anew."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from checks.model import Resource
from checks.network.exposure import Exposed, Exposure
from checks.network.graph import Filter, Graph, unread
from checks.network.packet import ICMP, TCP
from tests.checks.network.aws.asking import estate, lowered
from tests.checks.network.simulate import aws_world as aws
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, listener, target_group
from tests.network.aws_estates import Estates

HOME = aws.vpc("vpc-a", "10.0.0.0/16")
FRONT, BACK = aws.subnet("subnet-front", HOME, "10.0.1.0/24"), aws.subnet("subnet-back", HOME, "10.0.2.0/24")


def shop(*more: Resource, acl: Resource | None = None, routes: tuple[dict[str, object], ...] = (aws.to("0.0.0.0/0", "igw-a"),)) -> Graph:
    """A web server with a public address, an internal database."""
    web = aws.group("sg-web", HOME, [aws.allow("tcp", 443, "0.0.0.0/0"), aws.allow("icmp", (8, -1), "198.51.100.0/24")])
    data = aws.group("sg-data", HOME, [aws.allow("tcp", 5432, "10.0.0.0/16")])
    things = [
        HOME, FRONT, BACK, web, data, acl or aws.acl("acl-a", HOME), aws.table("rtb-a", HOME, *routes, main=True), aws.igw("igw-a", HOME),
        aws.eni("eni-web", FRONT, "10.0.1.5", web, public="3.0.0.5", instance="i-web"), aws.eni("eni-data", BACK, "10.0.2.5", data, instance="i-data"),
    ]  # fmt: skip
    return lowered(estate([*things, *more]))


def told(graph: Graph) -> list[Exposure]:
    return list(Exposed(graph))


def test_a_public_address_is_exposed_as_its_group_allows() -> None:
    found = told(shop())
    assert {(one.interfaces, one.protocols, one.ports) for one in found} == {
        (("eni-web",), (TCP, TCP), (443, 443)),
        (("eni-web",), (ICMP, ICMP), (8 * 256, 8 * 256 + 255)),
    }
    assert all(one.certain and not one.one_way and one.through is None for one in found)
    ping = next(one for one in found if one.protocols == (ICMP, ICMP))
    assert ping.sources.spans == ((0xC6336400, 0xC63364FF),)


def test_tcp_that_cannot_be_answered_is_one_way_and_ping_counts_as_it_arrives() -> None:
    found = told(shop(routes=()))
    assert {(one.protocols, one.one_way) for one in found} == {((TCP, TCP), True), ((ICMP, ICMP), False)}
    deaf = aws.acl("acl-a", HOME, egress=[aws.entry(1, "allow", "203.0.113.0/24", TCP, (1024, 65535))])
    parts = {one.one_way: one.sources for one in told(shop(acl=deaf)) if one.protocols == (TCP, TCP)}
    assert parts[False].spans == ((0xCB007100, 0xCB0071FF),)
    assert not parts[False] & parts[True]


def test_what_nobody_saw_is_exposed_for_all_that_is_known() -> None:
    graph = shop()
    was = graph.filters["sg-web ingress"]
    graph.filters[was.id] = unread(was.id, was.kind, was.reads, "nobody saw sg-web", stateful=True)
    assert all(not one.certain and one.doubts == ("nobody saw sg-web",) for one in told(graph))
    assert told(graph)


def test_behind_a_load_balancer_the_clients_are_told_and_by_which_one() -> None:
    inside = aws.group("sg-lb", HOME, [aws.allow("tcp", 80, "198.51.100.0/24")])
    database = target_group("targets", HOME, "HTTP", 5432, "i-data")
    front = balancer("front", HOME, inside, listeners=[listener("HTTP", 80, database)])
    found = told(shop(inside, database, front, balancer_eni("eni-lb", front, FRONT, "10.0.1.100", public="3.0.0.8")))
    behind = [one for one in found if one.interfaces == ("eni-data",)]
    assert [(one.ports, one.through, one.sources.spans) for one in behind] == [((5432, 5432), front.id, ((0xC6336400, 0xC63364FF),))]


def test_after_a_rule_is_gone_only_its_class_is_judged_again() -> None:
    graph = shop()
    exposed = Exposed(graph)
    was = graph.filters["sg-web ingress"]
    again = exposed.change(replace(was, rules=was.rules[1:], _known={}))
    assert again == {graph.interfaces["eni-web"].station}
    assert [one.protocols for one in exposed] == [(ICMP, ICMP)]
    assert exposed.change(replace(graph.filters["sg-data ingress"], rules=(), _known={})) == frozenset() or list(exposed) == told(graph)


def changed(chance: random.Random, was: Filter) -> Filter:
    """A filter with a rule less, with one that allows or denies where it did not, or that nobody saw."""
    if not was.rules or chance.random() < 0.15:
        return unread(was.id, was.kind, was.reads, "nobody saw it", stateful=was.stateful)
    at = chance.randrange(len(was.rules))
    rule = was.rules[at]
    instead = () if chance.random() < 0.5 else (replace(rule, allows=not rule.allows),)
    return replace(was, rules=(*was.rules[:at], *instead, *was.rules[at + 1 :]), _known={})


def plainly(found: Exposed) -> list[object]:
    """Which of several ways to the same place the doubts are told of may differ."""
    return [replace(one, doubts=()) for one in found]


@pytest.mark.parametrize("seed", range(60))
def test_what_is_followed_again_is_what_is_followed_anew(seed: int) -> None:
    chance = random.Random(seed)
    graph = lowered(estate(Estates(seed).things))
    exposed = Exposed(graph)
    for _ in range(8):
        id_ = chance.choice(sorted(graph.filters))
        before = graph.filters[id_]
        exposed.change(changed(chance, before))
        assert plainly(exposed) == plainly(Exposed(graph)), id_
        if chance.random() < 0.5:
            exposed.change(before)
            assert plainly(exposed) == plainly(Exposed(graph)), f"{id_} as it was"
