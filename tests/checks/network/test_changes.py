"""The smallest change that closes what should not be open."""

from __future__ import annotations

from checks.model import Estate
from checks.network.body import Body
from checks.network.judging import Judged, PathJudge
from checks.network.lowering import Simulators, lowered
from tests.checks.network.aws.asking import estate
from tests.checks.network.simulate.aws_world import acl, allow, block_public_access, eni, group, igw, subnet, table, to, vpc

HOME = vpc("vpc-1", "10.0.0.0/16")
FRONT = subnet("subnet-1", HOME, "10.0.1.0/24")
GATE = igw("igw-1", HOME)
ROUTES = table("rtb-1", HOME, to("0.0.0.0/0", GATE))
ACL = acl("acl-1", HOME, FRONT)
ANYBODY = "0.0.0.0/0"


def world(*things: object) -> Estate:
    return estate([HOME, FRONT, GATE, ROUTES, ACL, block_public_access("off"), *things])  # type: ignore[list-item]


def judged(held: Estate, **body: object) -> Judged:
    asked = Body.model_validate({"from": "internet", "expect": "never", **body})
    graph = lowered(held)
    before = dict(graph.filters)
    found = PathJudge(graph, Simulators(held).send).judge(asked, {}, HOME.id)
    assert graph.filters == before
    return found


def test_one_rule_is_enough_where_one_lets_everything_in() -> None:
    open_, closed = group("sg-1", HOME, [allow("tcp", 22, ANYBODY)]), group("sg-2", HOME, [allow("tcp", 22, "10.0.0.0/8")])
    found = judged(world(open_, closed, eni("eni-1", FRONT, "10.0.1.1", open_, closed, public="203.0.113.1")))
    assert found.change is not None
    assert found.change.enough
    assert found.change.rules == ("sg-1 ingress tcp/22 from 0.0.0.0/0",)
    assert str(found.change) == "remove sg-1 ingress tcp/22 from 0.0.0.0/0"


def test_every_rule_is_named_where_several_let_something_in() -> None:
    one, other = (
        group("sg-1", HOME, [allow("tcp", 22, ANYBODY)]),
        group("sg-2", HOME, [allow("tcp", 5432, ANYBODY), allow("tcp", 80, "10.0.0.0/8")]),
    )
    found = judged(
        world(
            one,
            other,
            eni("eni-1", FRONT, "10.0.1.1", one, public="203.0.113.1"),
            eni("eni-2", FRONT, "10.0.1.2", other, public="203.0.113.2"),
        )
    )
    assert found.change is not None
    assert found.change.enough
    assert sorted(found.change.rules) == ["sg-1 ingress tcp/22 from 0.0.0.0/0", "sg-2 ingress tcp/5432 from 0.0.0.0/0"]
    assert found.affected == ("eni-1", "eni-2")


def test_what_is_allowed_need_not_be_closed() -> None:
    one = group("sg-1", HOME, [allow("tcp", 22, ANYBODY), allow("tcp", 443, ANYBODY)])
    held = world(one, eni("eni-1", FRONT, "10.0.1.1", one, public="203.0.113.1"))
    found = judged(held, expect="only", allowed=[{"from": "internet", "to": "eni-1", "protocol": "tcp", "ports": "443"}])
    assert found.change is not None
    assert found.change.rules == ("sg-1 ingress tcp/22 from 0.0.0.0/0",)


def test_where_nothing_is_open_nothing_is_to_be_changed() -> None:
    closed = group("sg-2", HOME, [allow("tcp", 22, "10.0.0.0/8")])
    found = judged(world(closed, eni("eni-1", FRONT, "10.0.1.1", closed, public="203.0.113.1")))
    assert found.change is None
    assert found.answer is not None
    assert found.answer.verdict == "unreachable"


def test_a_worse_fault_is_another_counterexample() -> None:
    one, worse = group("sg-1", HOME, [allow("tcp", 22, ANYBODY)]), group("sg-1", HOME, [allow("tcp", (22, 23), ANYBODY)])
    held = [judged(world(each, eni("eni-1", FRONT, "10.0.1.1", each, public="203.0.113.1"))).breaches for each in (one, worse, one)]
    assert held[0] == held[2]
    assert held[0] != held[1]
