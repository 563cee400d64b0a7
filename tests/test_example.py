"""The example that comes with the program: every planted fault is found, and what was refused shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import upheld

EXAMPLE = Path(__file__).parents[1] / "examples" / "marktbruecke"
ROW = re.compile(r"^\| (aws-[a-z0-9-]+) \| (?:the queue )?(\S+) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def promised(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    ended = upheld("check", "-c", EXAMPLE / "upheld.yaml", "--estate", EXAMPLE / "estate", "--max-age", "0", "--format", "json")
    assert ended.code == 1, ended.err
    return ended.report


def test_each_promise_has_the_verdict_that_was_planned(promised: dict[str, Any]) -> None:
    assert {promise["id"]: promise["verdict"] for promise in promised["promises"]} == {
        "at-rest": "broken",
        "never-public": "broken",
        "tls": "broken",
        "certificates": "unproven",
        "administration": "broken",
        "second-factor": "upheld",
        "console-logged": "broken",
        "trained-staff": None,
    }


def test_every_planted_fault_is_found() -> None:
    ended = upheld("check", "--estate", EXAMPLE / "estate", "--max-age", "0", "--all-rules", "--format", "json", cwd=EXAMPLE / "estate")
    broken = {(one["rule"], one["resource"]["id"]) for one in ended.report["findings"] if one["verdict"] == "broken"}
    planted = ROW.findall((EXAMPLE / "planted.md").read_text(encoding="utf-8"))
    assert len(planted) > 40
    missed = [(rule, name) for rule, name, _ in planted if not any(rule == found and name in id_ for found, id_ in broken)]
    assert missed == []


def test_what_was_refused_is_a_gap_with_the_permission_it_needs(promised: dict[str, Any]) -> None:
    gaps = {(gap["type"], gap.get("id"), gap["action"]) for gap in promised["gaps"]}
    assert gaps == {
        ("aws.acm.certificate", None, "acm:ListCertificates"),
        ("aws.s3.bucket", "marktbruecke-media", "s3:GetBucketPolicy"),
    }


def test_the_accepted_finding_is_the_web_site_and_still_broken(promised: dict[str, Any]) -> None:
    accepted = [one for one in promised["findings"] if "accepted" in one]
    assert [(one["resource"]["id"], one["verdict"]) for one in accepted] == [("marktbruecke-website", "broken")]


def test_a_worse_fault_on_the_accepted_resource_is_not_accepted(tmp_path: Path) -> None:
    from agent.collect.estate import EstateWriter, read_estate

    estate = read_estate(EXAMPLE / "estate")
    with EstateWriter(tmp_path / "worse") as writer:
        for look in estate.looks:
            writer.add_look(look)
        for held in estate.resources.values():
            writer.add_resources(
                [
                    one.__class__(**{**fields(one), "data": {**one.data, "Policy": json.dumps(WORSE)}})
                    if one.id == "marktbruecke-website"
                    else one
                    for one in held
                ]
            )
        writer.finish(estate.manifest)
    ended = upheld("check", "-c", EXAMPLE / "upheld.yaml", "--estate", tmp_path / "worse", "--max-age", "0", "--format", "json")
    site = [
        one
        for one in ended.report["findings"]
        if one["resource"]["id"] == "marktbruecke-website" and one["rule"] == "aws-s3-bucket-policy-not-public"
    ]
    assert [(one["verdict"], "accepted" in one) for one in site] == [("broken", False)]


WORSE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::marktbruecke-website/*"}],
}


def fields(resource: Any) -> dict[str, Any]:
    return {name: getattr(resource, name) for name in resource.__slots__}
