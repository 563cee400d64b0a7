"""What `paths:` may say."""

from __future__ import annotations

from typing import Any

import pytest

from agent import rulebook
from checks import document, rule
from checks.document import DocumentError
from checks.network.body import Body, Kinds, read_allowed
from checks.network.wanted import Unclear
from checks.rule import Rule

BOOK = rulebook.load()
RULE = """
id: aws-test
title: Nothing comes in
control: network-isolation
severity: high
resource: {resource}
paths: {paths}
params: {params}
remedy: Close it.
examples: {examples}
"""
NO_ESTATES = "{upheld: [{estate: {}}], broken: [{estate: {}}], unproven: [{estate: {}}]}"


def load(paths: str, *, resource: str = "aws.ec2.vpc", params: str = "{}", examples: str = NO_ESTATES, more: str = "") -> Rule:
    text = RULE.format(resource=resource, paths=paths, params=params, examples=examples) + more
    return rule.read(document.parse(text, "rule.yaml"), BOOK.catalogue, BOOK.shapes, BOOK.controls)


def test_a_body_is_read_with_its_selectors() -> None:
    body = load("{from: internet, to: {type: [aws.rds.db_instance]}, protocol: tcp, ports: 5432, expect: never}").file.paths
    assert body is not None
    assert (body.from_, body.to, body.ports) == ("internet", Kinds(type=["aws.rds.db_instance"]), "5432")


def test_a_rule_with_paths_needs_everything_that_the_prover_reads() -> None:
    needs = load("{from: internet, expect: never}").needs()
    assert {"aws.ec2.security_group", "aws.ec2.transit_gateway_route_table", "aws.cloudfront.vpc_origin"} <= set(needs)


def test_parameters_stand_in_for_any_value() -> None:
    body = Body.model_validate({"from": "params.who", "ports": "params.ports", "expect": "only", "allowed": [{"from": "params.who"}]})
    given = body.given({"who": ["10.0.0.0/8"], "ports": "22"})
    assert (given.from_, given.ports) == (["10.0.0.0/8"], "22")
    assert isinstance(given.allowed, list)
    assert given.allowed[0].from_ == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ("{from: internet, expect: sometimes}", "expect"),
        ("{from: internet}", "expect"),
        ("{to: everything, expect: never}", "from"),
        ("{from: internet, expect: never, port: 22}", "port"),
        ("{from: params.who, expect: never}", "declares no parameter 'who'"),
        ("{from: internet, ports: http, expect: never}", "is no port"),
        ("{from: internet, protocol: tpc, expect: never}", "is no protocol"),
    ],
)
def test_what_cannot_be_asked_does_not_load(paths: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        load(paths)


def test_paths_are_judged_for_networks() -> None:
    with pytest.raises(DocumentError, match=r"resource is one of aws.ec2.vpc"):
        load("{from: internet, expect: never}", resource="aws.ec2.volume")


def test_a_rule_has_one_body() -> None:
    with pytest.raises(DocumentError, match="either `upheld_if` or `paths`"):
        load("{from: internet, expect: never}", more="upheld_if: resource.IsDefault\n")


@pytest.mark.parametrize(
    "examples",
    [
        "{upheld: [{}], broken: [{estate: {}}], unproven: [{estate: {}}]}",
        "{upheld: [{estate: {aws.ec2.nothing: []}}], broken: [{estate: {}}], unproven: [{estate: {}}]}",
        "{upheld: [{estate: {}, params: {who: 1}}], broken: [{estate: {}}], unproven: [{estate: {}}]}",
        "{upheld: [{estate: {}, given: {}}], broken: [{estate: {}}], unproven: [{estate: {}}]}",
    ],
)
def test_an_example_that_would_test_nothing_does_not_load(examples: str) -> None:
    with pytest.raises(DocumentError):
        load("{from: internet, expect: never}", examples=examples)


@pytest.mark.parametrize(
    "value", [["internet"], [{"to": "everything"}], [{"from": "internet", "ports": "x"}], [{"from": "internet", "via": 1}], 3]
)
def test_an_allowed_path_that_cannot_be_one_is_refused(value: Any) -> None:
    with pytest.raises(Unclear):
        read_allowed(value)


def test_an_allowed_path_is_everything_where_it_says_no_more() -> None:
    (entry,) = read_allowed([{"from": "internet"}])
    assert (entry.to, entry.protocol, entry.ports) == ("everything", "any", "any")
