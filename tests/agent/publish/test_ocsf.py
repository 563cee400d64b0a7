"""Findings as OCSF Compliance Findings: every event holds against the published schema of its version."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from agent.publish import ocsf
from agent.publish.result import Result
from checks.model import LISTING
from checks.promise import Acceptance
from checks.rule import Rule
from checks.summary import Text
from checks.verdict import Verdict
from tests.checks.small import ACCOUNT, BUCKET, DISK, HERE, NOW, Builder, ask, make_promises, make_rule

QUOTE = "All customer data is encrypted at rest."
PROMISES = make_promises(f"promises: [{{id: at-rest, quote: {QUOTE}, controls: [{{id: encryption}}]}}]")


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    published = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=ocsf.VERSION))
    return jsonschema.Draft202012Validator(published.get_class_schema(class_name="compliance_finding", profiles=["cloud"]))


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [
        make_rule("resource.Encrypted", id="disk-encrypted", control="encryption", extra="show: [Encrypted, State]"),
        make_rule("resource.Encrypted", id="bucket-encrypted", control="encryption", resource=BUCKET),
    ]


def shop() -> Builder:
    """A disk for each verdict, and buckets that nobody may list."""
    builder = Builder().universe()
    builder.add(DISK, {"DiskId": "good", "Encrypted": True, "State": "in-use"})
    builder.add(DISK, {"DiskId": "bad", "Encrypted": False, "State": "\ud800\x1b</script>"})
    builder.add(DISK, {"DiskId": "odd"})
    builder.gap(BUCKET)
    return builder


def events(result: Result) -> dict[str, dict[str, Any]]:
    """Resource id -> its event."""
    held = json.loads("".join(ocsf.chunks(result)))
    assert [one for one in held if len(one["resources"]) != 1] == []
    return {one["resources"][0]["uid"]: one for one in held}


def accepting(rules: list[Rule]) -> dict[str, Acceptance]:
    bad = next(one for one in ask(shop().build(), rules).findings if one.verdict is Verdict.BROKEN)
    return {bad.id: Acceptance(finding=bad.id, owner="cto", reason="old", expires="2027-05-01", digest=bad.evidence.counterexample)}


def test_every_event_fits_the_published_schema(schema: jsonschema.Draft202012Validator, rules: list[Rule]) -> None:
    runs = [
        ask(shop().build(), rules),
        ask(shop().build(), rules, PROMISES),
        ask(shop().build(), rules, exceptions=accepting(rules)),
        ask(shop().build(), rules, PROMISES, texts={"security": Text(None, "gone")}, stale=True),
    ]
    for answer in runs:
        held = events(answer.result)
        assert len(held) == 4
        assert [
            (name, "/".join(map(str, one.path)), one.message) for name, event in held.items() for one in schema.iter_errors(event)
        ] == []


@pytest.mark.parametrize("severity", ["informational", "low", "medium", "high", "critical"])
def test_every_severity_is_one_of_the_published_ones(schema: jsonschema.Draft202012Validator, severity: str) -> None:
    record = {
        "id": "1", "rule": "r", "control": "c", "verdict": "broken", "severity": severity, "promises": [], "evidence": {},
        "explanation": "Not so.", "remedy": "Mend it.", "resource": {"type": DISK, "id": "d", "account": ACCOUNT, "region": HERE},
    }  # fmt: skip
    event = ocsf.event(record, {}, {}, 0, "upheld 1.0")
    assert schema.is_valid(event)
    assert event["severity_id"] == ["informational", "low", "medium", "high", "critical"].index(severity) + 1


def test_a_verdict_is_a_compliance_status(rules: list[Rule]) -> None:
    held = events(ask(shop().build(), rules).result)
    status = {name: (event["compliance"]["status_id"], event["compliance"]["status"]) for name, event in held.items()}
    assert status == {"good": (1, "Pass"), "odd": (2, "Warning"), LISTING: (2, "Warning"), "bad": (3, "Fail")}
    assert {event["class_uid"] for event in held.values()} == {2003}
    assert {event["type_uid"] for event in held.values()} == {200301}
    assert {name: event["severity_id"] for name, event in held.items()} == {"good": 1, "odd": 4, LISTING: 4, "bad": 4}


def test_times_are_milliseconds_of_the_estates_own_time(rules: list[Rule]) -> None:
    moment = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 1000
    assert datetime.fromisoformat(NOW).timestamp() * 1000 == moment
    held = events(ask(shop().build(), rules).result)
    assert {(event["time"], event["finding_info"]["created_time"]) for event in held.values()} == {(moment, moment)}


def test_an_accepted_finding_is_suppressed_and_stays_a_failure(rules: list[Rule]) -> None:
    held = events(ask(shop().build(), rules, exceptions=accepting(rules)).result)
    assert {name: event["status_id"] for name, event in held.items()} == {"good": 1, "odd": 1, LISTING: 1, "bad": 3}
    assert held["bad"]["compliance"]["status_id"] == 3
    assert held["bad"]["unmapped"]["accepted"] == "cto: old (until 2027-05-01)"


def test_an_event_names_the_promise_and_quotes_it(rules: list[Rule]) -> None:
    held = events(ask(shop().build(), rules, PROMISES).result)
    assert held["bad"]["compliance"]["requirements"] == [QUOTE]
    assert held["bad"]["unmapped"] == {"promises": ["at-rest"]}
    assert held["bad"]["finding_info"]["title"] == "Title of disk-encrypted"
    assert held["bad"]["cloud"] == {"provider": "AWS", "account": {"uid": ACCOUNT}, "region": HERE}
    assert held["bad"]["resources"][0]["data"]["Encrypted"] is False


def test_the_same_finding_has_the_same_id_in_every_run(rules: list[Rule]) -> None:
    once, again = (events(ask(shop().build(), rules, promises).result) for promises in (None, PROMISES))
    assert {name: event["finding_info"]["uid"] for name, event in once.items()} == {
        name: event["finding_info"]["uid"] for name, event in again.items()
    }


def test_a_run_without_findings_is_an_empty_list(rules: list[Rule]) -> None:
    assert json.loads("".join(ocsf.chunks(ask(Builder().build(), []).result))) == []
    assert json.loads("".join(ocsf.chunks(ask(Builder().build(), rules).result))) == []
