"""SARIF: every report has the form that the standard gives it, and each result stands at its sentence."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from agent.publish import sarif
from agent.publish.result import Result
from checks.promise import Acceptance
from checks.rule import Rule
from checks.summary import Text
from checks.verdict import Verdict
from tests.checks.small import BUCKET, DISK, Builder, ask, make_promises, make_rule

QUOTE = "All customer data is encrypted at rest."
PROMISES = make_promises(
    f"""
policies: [{{id: security, title: Security, file: our security.md}}]
promises:
  - {{id: at-rest, policy: security, quote: {QUOTE}, controls: [{{id: encryption}}]}}
  - {{id: trained, policy: security, quote: Our staff are trained., unverifiable: Training leaves no trace.}}
"""
)
TEXTS = {"security": Text(f"# Security\n\n{QUOTE}\nOur staff are trained.\n")}


def _closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required), "additionalProperties": False}


TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
MESSAGE = _closed({"text": TEXT})
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
REGION = _closed({"startLine": {"type": "integer", "minimum": 1}, "snippet": MESSAGE})
PHYSICAL = _closed({"artifactLocation": _closed({"uri": {"type": "string", "pattern": r"^[!-~]+$"}}), "region": REGION})
LOGICAL = _closed({"fullyQualifiedName": TEXT, "kind": TEXT})
LOCATION = _closed({"logicalLocations": {"type": "array", "minItems": 1, "items": LOGICAL}}, {"physicalLocation": PHYSICAL})
SUPPRESSION = _closed(
    {"kind": {"enum": ["inSource", "external"]}}, {"status": {"enum": ["accepted", "underReview", "rejected"]}, "justification": TEXT}
)
RESULT = {
    **_closed(
        {
            "ruleId": TEXT,
            "kind": {"enum": ["pass", "open", "informational", "notApplicable", "review", "fail"]},
            "level": {"enum": ["none", "note", "warning", "error"]},
            "message": MESSAGE,
            "locations": {"type": "array", "minItems": 1, "items": LOCATION},
            "partialFingerprints": {"type": "object", "additionalProperties": TEXT},
            "properties": {"type": "object"},
        },
        {"suppressions": {"type": "array", "items": SUPPRESSION}},
    ),
    "if": {"properties": {"kind": {"const": "fail"}}},
    "else": {"properties": {"level": {"const": "none"}}},
}
RUN = _closed(
    {
        "tool": _closed(
            {
                "driver": _closed(
                    {
                        "name": TEXT,
                        "version": {"type": "string"},
                        "rules": {"type": "array", "uniqueItems": True, "items": _closed({"id": TEXT, "shortDescription": MESSAGE})},
                    }
                )
            }
        ),
        "invocations": {
            "type": "array",
            "items": _closed({"executionSuccessful": {"type": "boolean"}, "startTimeUtc": TIME, "endTimeUtc": TIME}),
        },
        "properties": {"type": "object"},
        "results": {"type": "array", "items": RESULT},
    }
)
SCHEMA = _closed({"$schema": TEXT, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": RUN}})
"""The part of SARIF 2.1.0 that is written here; the standard's own schema (sarif-schema-2.1.0.json, Errata 01) takes more."""


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [
        make_rule("resource.Encrypted", id="disk-encrypted", control="encryption"),
        make_rule("resource.Encrypted", id="bucket-encrypted", control="encryption", resource=BUCKET),
    ]


def shop() -> Builder:
    builder = Builder().universe()
    builder.add(DISK, {"DiskId": "good", "Encrypted": True})
    builder.add(DISK, {"DiskId": "bad", "Encrypted": False, "State": "\ud800\x1b</script>"})
    builder.add(DISK, {"DiskId": "odd\r\nbad \u202e"})
    builder.gap(BUCKET)
    return builder


def report(result: Result) -> dict[str, Any]:
    held = json.loads("".join(sarif.chunks(result)))
    assert [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(held)] == []
    (run,) = held["runs"]
    known = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(known) == len(set(known))
    assert {result["ruleId"] for result in run["results"]} <= set(known)
    return run


def results(run: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(rule, first words of the message) -> result."""
    return {(held["ruleId"], held["message"]["text"].split(" in ")[0]): held for held in run["results"]}


def test_what_is_broken_fails_and_what_is_unproven_is_open(rules: list[Rule]) -> None:
    held = results(report(ask(shop().build(), rules, PROMISES, texts=TEXTS).result))
    assert {name: (one["kind"], one["level"]) for name, one in held.items() if name[0] == "disk-encrypted"} == {
        ("disk-encrypted", "bad"): ("fail", "error"),
        ("disk-encrypted", "odd\\r\\nbad \\u202e"): ("open", "none"),
    }
    assert held["bucket-encrypted", "*"]["kind"] == "open"


def test_a_result_stands_at_the_sentence_of_the_policy(rules: list[Rule]) -> None:
    held = results(report(ask(shop().build(), rules, PROMISES, texts=TEXTS).result))
    physical = held["disk-encrypted", "bad"]["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "our%20security.md"}, "region": {"startLine": 3, "snippet": {"text": QUOTE}}}
    names = [one["fullyQualifiedName"] for one in held["disk-encrypted", "bad"]["locations"][0]["logicalLocations"]]
    assert names == ["at-rest", f"{DISK}/bad"]


def test_what_keeps_a_promise_from_being_proven_beside_its_findings_is_there(rules: list[Rule]) -> None:
    builder = Builder()
    builder.add(DISK, {"DiskId": "good", "Encrypted": True})
    answer = ask(builder.build(), rules, PROMISES, texts=TEXTS)
    assert answer.promises[0].verdict is Verdict.UNPROVEN
    unseen = [one["message"]["text"] for one in report(answer.result)["results"] if one["ruleId"] == sarif.UNSEEN]
    assert unseen == list(answer.promises[0].missing)
    assert unseen


def test_what_nobody_can_verify_is_for_review(rules: list[Rule]) -> None:
    held = results(report(ask(shop().build(), rules, PROMISES, texts=TEXTS).result))
    assert held[sarif.UNVERIFIABLE, "Training leaves no trace."]["kind"] == "review"


def test_what_a_person_accepts_is_suppressed_and_still_there(rules: list[Rule]) -> None:
    bad = next(one for one in ask(shop().build(), rules).findings if one.verdict is Verdict.BROKEN)
    accepted = {bad.id: Acceptance(finding=bad.id, owner="cto", reason="old", expires="2027-05-01", digest=bad.evidence.counterexample)}
    held = results(report(ask(shop().build(), rules, PROMISES, texts=TEXTS, exceptions=accepted).result))
    assert held["disk-encrypted", "bad"]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "cto: old (until 2027-05-01)"}
    ]


def test_without_promises_a_result_stands_at_its_resource(rules: list[Rule]) -> None:
    held = results(report(ask(shop().build(), rules).result))
    assert held["disk-encrypted", "bad"]["locations"] == [{"logicalLocations": [{"fullyQualifiedName": f"{DISK}/bad", "kind": "resource"}]}]


def test_a_finding_keeps_its_fingerprint(rules: list[Rule]) -> None:
    first, again = (results(report(ask(shop().build(), rules, PROMISES, texts=TEXTS).result)) for _ in range(2))
    assert [one["partialFingerprints"] for one in first.values()] == [one["partialFingerprints"] for one in again.values()]


def test_an_empty_run_has_no_results(rules: list[Rule]) -> None:
    assert report(ask(Builder().build(), []).result)["results"] == []
