"""The shipped rules over rows, all together; that engine and runtime agree on their examples is tested with the engine."""

from __future__ import annotations

from typing import Any

import pytest

from checks.logs.engine import Asked, prepare
from checks.logs.formats.cloudtrail_derived import derived
from checks.logs.runtime import of_row
from checks.logs.table import Table
from checks.logs.tables import TABLES
from checks.rule import Rule
from tests.agent.road import shipped
from tests.checks.logs.grammar import NOW

RULES = {name: rule for name, rule in shipped().log_rules.items() if rule.terms is not None}
FAILED = "row.outcome == 'failure'"
UNASKED = {"log.route53_resolver": "no control is about which names were asked for"}
"""Tables that no rule is about, and why."""


def test_every_table_that_says_something_of_a_promise_has_a_rule() -> None:
    assert set(TABLES) - {rule.kind for rule in RULES.values()} == set(UNASKED)


def test_there_are_as_many_rules_over_rows_as_the_logs_deserve() -> None:
    assert len(RULES) >= 85


def test_a_change_that_is_a_finding_of_its_own_is_named_by_the_id_of_its_event_or_operation() -> None:
    """Else a second change of the kind would be the finding that is known already."""
    changes = [rule for rule in RULES.values() if TABLES[rule.kind].audit and (rule.file.upheld_if or "").startswith(FAILED)]
    assert len(changes) >= 25
    assert [rule.id for rule in changes if not {"event_id", "correlation_id"} & set(rule.file.group_by)] == []


def test_a_rule_over_an_audit_log_of_sources_asks_nothing_where_the_promise_names_none() -> None:
    """A promise of who may reach a port says nothing of where the API may be called from."""
    rules = [rule for rule in RULES.values() if "sources" in rule.file.params and rule.terms and rule.terms.table.audit]
    assert len(rules) >= 4
    assert [rule.id for rule in rules if "size(params.sources) > 0" not in (rule.file.applies_if or "")] == []


@pytest.mark.parametrize(
    ("rule", "source", "name", "request_", "verdict"),
    [
        ("log-trail-not-narrowed", "cloudtrail", "PutEventSelectors", {"eventSelectors": [{"includeManagementEvents": False}]}, "broken"),
        ("log-trail-not-narrowed", "cloudtrail", "UpdateTrail", {"name": "org", "isMultiRegionTrail": True}, "upheld"),
        ("log-trail-not-narrowed", "cloudtrail", "UpdateTrail", {"name": "org", "s3BucketName": "elsewhere"}, "unproven"),
        ("log-trail-validation-kept", "cloudtrail", "UpdateTrail", {"enableLogFileValidation": False}, "broken"),
        ("log-bucket-logging-kept", "s3", "PutBucketLogging", {"BucketLoggingStatus": ""}, "broken"),
        ("log-retention-not-shortened", "logs", "PutRetentionPolicy", {"retentionInDays": 7}, "broken"),
        ("log-retention-not-shortened", "logs", "PutRetentionPolicy", {"retentionInDays": 3653}, "upheld"),
        ("log-config-recorder-kept", "config", "PutConfigurationRecorder", {"configurationRecorder": {}}, "unproven"),
        ("log-guardduty-kept", "guardduty", "UpdateDetector", {"detectorId": "d1", "enable": False}, "broken"),
        ("log-grants-not-public", "s3", "PutBucketAcl", {"x-amz-acl": ["public-read"]}, "broken"),
        ("log-grants-not-public", "s3", "PutBucketAcl", {"x-amz-acl": ["private"]}, "upheld"),
        ("log-security-groups-not-opened", "ec2", "AuthorizeSecurityGroupIngress", {"ipPermissions": {}}, "unproven"),
        ("log-public-access-blocks-kept", "s3", "PutBucketPublicAccessBlock", {"bucketName": "mb"}, "unproven"),
        ("log-volumes-encrypted", "ec2", "CreateVolume", {"encrypted": False}, "broken"),
    ],
)
def test_what_a_request_asks_for_decides_the_rule_that_asks(rule: str, source: str, name: str, request_: Any, verdict: str) -> None:
    record = {
        "eventSource": f"{source}.amazonaws.com", "eventName": name, "awsRegion": "eu-central-1", "sourceIPAddress": "198.51.100.7",
        "requestParameters": request_, "responseElements": request_,
    }  # fmt: skip
    row = {"event_source": record["eventSource"], "event_name": name, "outcome": "success", **derived(record)}
    assert of_row(RULES[rule], TABLES["log.cloudtrail"], row, {}, "2026-01-01T00:00:00Z")[0] == verdict


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_asks_for_every_column_that_its_queries_read(rule: Rule) -> None:
    """Others are not read from the logs, and would be null."""
    table = TABLES[rule.kind]
    less = Table(table.name, tuple(column for column in table.columns if column.name in {"time"} | rule.columns()))
    assert prepare(less, [Asked(rule.id, rule, rule.params({}))], NOW).prepared
