"""Bodies of path rules: what is upheld comes with a proof, of what may be open too."""

from __future__ import annotations

from typing import Any

import pytest

from checks.model import Resource
from checks.network import answer
from checks.network.body import Body
from checks.network.cut import Cut
from checks.network.judging import Judged, PathJudge
from checks.network.simulate.aws import Simulator
from tests.checks.network.aws.asking import estate, lowered
from tests.checks.network.simulate import aws_world as aws
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, listener, target_group

HOME = aws.vpc("vpc-a", "10.0.0.0/16")
FRONT, BACK = aws.subnet("subnet-front", HOME, "10.0.1.0/24"), aws.subnet("subnet-back", HOME, "10.0.2.0/24")
OFFICE = {"from": "internet:198.51.100.0/24", "ports": "22", "protocol": "tcp"}
WEB = {"from": "internet", "ports": "443", "protocol": "tcp"}


def shop(*web: dict[str, Any], public: bool = True) -> list[Resource]:
    """A web server, and a database behind a load balancer that the internet reaches on 443."""
    groups = [
        aws.group("sg-web", HOME, web),
        aws.group("sg-lb", HOME, [aws.allow("tcp", 443, "0.0.0.0/0")]),
        aws.group("sg-data", HOME, [aws.allow("tcp", 5432, "sg-lb")]),
    ]
    targets = target_group("targets", HOME, "HTTP", 5432, "i-data")
    front = balancer("front", HOME, groups[1], listeners=[listener("HTTP", 443, targets)])
    return [
        HOME, FRONT, BACK, *groups, aws.acl("acl-a", HOME), aws.table("rtb-a", HOME, *([aws.to("0.0.0.0/0", "igw-a")] if public else []), main=True), aws.igw("igw-a", HOME),
        aws.eni("eni-web", FRONT, "10.0.1.5", groups[0], public="3.0.0.5" if public else None), aws.eni("eni-data", BACK, "10.0.2.5", groups[2], instance="i-data"),
        targets, front, balancer_eni("eni-lb", front, FRONT, "10.0.1.100", public="3.0.0.8" if public else None),
    ]  # fmt: skip


def judged(things: list[Resource], **body: Any) -> Judged:
    held = estate(things)
    graph = lowered(held)
    judge = PathJudge(graph, Simulator(held).send)
    return judge.judge(Body.model_validate({"from": "internet", "expect": "only", **body}), {}, HOME.id)


def verdict(things: list[Resource], **body: Any) -> str:
    found = judged(things, **body).answer
    assert found is not None
    assert (found.cut is not None) is (found.verdict == "unreachable" and body.get("from", "internet") == "internet")
    return found.verdict


SSH = aws.allow("tcp", 22, "198.51.100.0/25")


def test_never_is_proved() -> None:
    assert verdict(shop(SSH), expect="never", ports="3389", protocol="tcp") == "unreachable"
    assert verdict(shop(SSH), expect="never", ports="22", protocol="tcp") == "reachable"


def test_only_is_proved_of_everything_but_what_is_allowed() -> None:
    assert verdict(shop(SSH), allowed=[OFFICE, WEB]) == "unreachable"
    assert verdict(shop(SSH), allowed=[WEB]) == "reachable"
    assert verdict(shop(SSH), allowed=[OFFICE]) == "reachable"
    assert verdict(shop(aws.allow("tcp", 22, "198.51.0.0/16")), allowed=[OFFICE, WEB]) == "reachable"
    assert verdict(shop(aws.allow("tcp", (22, 23), "198.51.100.0/25")), allowed=[OFFICE, WEB]) == "reachable"
    assert verdict(shop(SSH), allowed=[OFFICE, {**WEB, "to": "eni-lb"}]) == "unreachable"
    assert verdict(shop(SSH), allowed=[{**OFFICE, "to": "eni-lb"}, WEB]) == "reachable"


def test_from_everything_each_source_has_its_own_proof() -> None:
    inside = {"from": "eni-lb", "to": "eni-data", "ports": "5432", "protocol": "tcp"}
    front = {"from": "everything", "to": "eni-lb", "ports": "443", "protocol": "tcp"}
    asked = {"from": "everything", "to": ["eni-data", "eni-lb"]}
    assert verdict(shop(public=False), **asked, allowed=[inside, front]) == "unreachable"
    assert verdict(shop(public=False), **asked, allowed=[front]) == "reachable"
    assert verdict(shop(public=False), **asked, allowed=[{**inside, "from": "eni-web"}, front]) == "reachable"


def test_what_is_allowed_and_is_nowhere_in_the_estate_exempts_nothing() -> None:
    nowhere = {"from": "10.99.0.0/16", "ports": "22", "protocol": "tcp"}
    assert verdict(shop(SSH), allowed=[OFFICE, WEB, nowhere, {**WEB, "to": "i-gone"}]) == "unreachable"
    assert verdict(shop(SSH), allowed=[WEB, nowhere, {**OFFICE, "to": "i-gone"}]) == "reachable"


def test_what_nobody_saw_is_no_proof() -> None:
    assert verdict([one for one in shop(SSH) if one.id != "sg-web"], allowed=[OFFICE, WEB]) == "unknown"


def test_a_proof_that_does_not_hold_upholds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "cut", lambda *_: Cut((), frozenset()))
    assert verdict(shop(SSH), allowed=[OFFICE, WEB]) == "unknown"
