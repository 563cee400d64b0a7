"""What the audit logs of Google Cloud, Alibaba Cloud and Tencent Cloud say, column by column: the good, and all that is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.checks.logs.formats.samples import ACTIONTRAIL, CLOUDAUDIT, GCP, INNER, changed, lines, read


def row(record: dict[str, Any], format_: str | None = None) -> dict[str, Any]:
    (found,), faults = read(lines(record), format_)
    assert not faults, faults.first
    return found


def test_an_entry_of_google_says_who_did_what() -> None:
    found = row(GCP)
    assert (found["time"], found["event_name"], found["event_source"]) == (
        "2026-11-20T14:03:00.123456Z",
        "storage.buckets.delete",
        "storage.googleapis.com",
    )
    assert (found["principal"], found["source"], found["user_agent"]) == ("ada@marktbruecke.example", "203.0.113.7", "gcloud/500")
    assert (found["account"], found["log_type"], found["resource_type"], found["region"]) == (
        "mb-prod",
        "activity",
        "gcs_bucket",
        "europe-west3",
    )
    assert (found["permission"], found["permission_type"]) == ("storage.buckets.delete", "ADMIN_WRITE")
    assert (found["granted"], found["outcome"]) == (True, "success")
    assert (found["operation"], found["operation_first"]) == ("op1", True)


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"protoPayload__status": {"code": 7, "message": "no"}}, {"outcome": "failure", "error_code": "7", "error_message": "no"}),
        ({"protoPayload__status": {"code": 0}}, {"outcome": "success", "error_code": "0"}),
        ({"protoPayload__status": None}, {"outcome": None, "error_code": None}),
        ({"protoPayload__authorizationInfo": []}, {"granted": None, "permission": None}),
        ({"protoPayload__authorizationInfo": [{"permission": "a"}]}, {"granted": None, "permission": "a"}),
        ({"protoPayload__authorizationInfo": [{"granted": True}, {"granted": False}]}, {"granted": False, "permission": None}),
        ({"protoPayload__authorizationInfo": [{"granted": True}, {}]}, {"granted": None}),
        ({"protoPayload__authorizationInfo": [7]}, {"granted": None, "permission": None}),
        ({"protoPayload__requestMetadata": {"callerIp": "private"}}, {"source": None, "source_name": "private"}),
        ({"protoPayload__requestMetadata": None}, {"source": None, "source_name": None}),
        ({"protoPayload__authenticationInfo": {"principalSubject": "serviceAccount:a"}}, {"principal": "serviceAccount:a"}),
        ({"protoPayload__resourceLocation": {"currentLocations": ["a", "b"]}}, {"region": "eu"}),
        (
            {"protoPayload__resourceLocation": {}, "resource__labels": {"zone": "europe-west3-a"}},
            {"region": None, "zone": "europe-west3-a"},
        ),
        ({"logName": "organizations/1/logs/cloudaudit.googleapis.com%2Fdata_access"}, {"account": "1", "log_type": "data_access"}),
        ({"logName": "projects/mb-prod/logs/syslog"}, {"account": None, "log_type": None}),
    ],
)
def test_what_an_entry_of_google_does_not_say_is_null(members: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = row(changed(GCP, **members))
    assert {name: found.get(name) for name in wanted} == wanted


def test_a_code_that_is_none_tells_no_outcome() -> None:
    (found,), faults = read(lines(changed(GCP, protoPayload__status={"code": "7"})))
    assert found.get("outcome") is None
    assert not faults.lost


def test_an_event_of_alibaba_says_who_did_what() -> None:
    found = row(ACTIONTRAIL)
    assert (found["event_name"], found["read_only"], found["outcome"], found["region"]) == (
        "DeleteSecurityGroup",
        False,
        "success",
        "eu-central-1",
    )
    assert (found["principal"], found["principal_type"], found["account"]) == ("ada", "ram-user", "1512666876910000")
    assert (found["session_mfa"], found["access_key"], found["resource"]) == (True, "LTAI5tExampleExample", "sg-1")
    assert "mfa" not in found


@pytest.mark.parametrize("spelt", ["additionalEventData", "addionalEventData"])
@pytest.mark.parametrize(("checked", "mfa"), [("true", True), ("false", False), (True, True), (None, None)])
def test_a_sign_in_at_alibaba_says_whether_mfa_was_checked(spelt: str, checked: Any, mfa: bool | None) -> None:
    event = changed(
        ACTIONTRAIL, eventName="ConsoleSignin", eventType="ConsoleSignin", **{spelt: {"isMFAChecked": checked, "loginAccount": "ada"}}
    )
    found = row(event)
    assert (found.get("mfa"), found["login_account"]) == (mfa, "ada")
    assert row({**event, "eventName": "AssumeRole"}).get("mfa") is None


@pytest.mark.parametrize("wrap", [lambda event: event, json.dumps])
def test_an_event_may_be_wrapped_by_the_log_service(wrap: Any) -> None:
    wrapped = {"__topic__": "actiontrail_audit_event", "__time__": 1, "event": wrap(ACTIONTRAIL)}
    assert row(wrapped) == row(ACTIONTRAIL)


@pytest.mark.parametrize("event", ["no JSON", "[1]", 7, None, []])
def test_a_wrapped_event_that_is_none_is_lost(event: Any) -> None:
    rows, faults = read(lines(ACTIONTRAIL, {"__topic__": "actiontrail_audit_event", "event": event}))
    assert (len(rows), faults.counts, faults.first["malformed"][0].line, faults.lost) == (1, {"malformed": 1}, 2, 1)


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"errorCode": "Forbidden.RAM"}, {"outcome": "failure", "error_code": "Forbidden.RAM"}),
        ({"sourceIpAddress": "Internal"}, {"source": None, "source_name": "Internal"}),
        ({"eventRW": "Read"}, {"read_only": True}),
        ({"eventRW": "Perhaps"}, {"read_only": None}),
        ({"userIdentity": {"principalId": "p", "accountId": "a"}}, {"principal": "p", "account": "a", "session_mfa": None}),
        ({"recipientAccountId": "r"}, {"account": "r"}),
        ({"isGlobal": "true"}, {"global": True}),
    ],
)
def test_what_an_event_of_alibaba_does_not_say_is_null(members: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = row(changed(ACTIONTRAIL, **members))
    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({}, {"by_employee": True, "employee": "9f86d081", "ticket": "ticket 0004XYZ", "event_type": "CUSTOMER_INITIATED_SUPPORT"}),
        ({"EmployeeID": ""}, {"by_employee": False, "employee": None}),
        ({"EmployeeID": None}, {"by_employee": None, "employee": None}),
        ({"EventDescription": ""}, {"ticket": None}),
        ({"EventAdditionalDetail": "text"}, {"additional": "text", "account": "1512666876910000", "region": "eu-central-1"}),
    ],
)
def test_what_alibabas_own_staff_did_says_who_and_why(members: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = row(changed(INNER, **members))
    assert {name: found.get(name) for name in wanted} == wanted


def test_an_event_of_tencent_says_who_did_what() -> None:
    found = row(CLOUDAUDIT)
    assert (found["time"], found["event_name"], found["read_only"], found["sensitive"], found["by_platform"]) == (
        "2026-11-20T14:03:00Z",
        "DeletePolicy",
        False,
        True,
        False,
    )
    assert (found["principal"], found["account"], found["access_key"], found["outcome"]) == (
        "ada",
        "100015590000",
        "AKIDExampleExample",
        "success",
    )
    assert json.loads(found["request"]) == {"policyId": [1]}


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"apiErrorCode": 4000}, {"outcome": "failure", "error_code": "4000"}),
        (
            {"apiErrorCode": "AuthFailure", "apiErrorMessage": "no"},
            {"outcome": "failure", "error_code": "AuthFailure", "error_message": "no"},
        ),
        ({"apiErrorCode": None, "errorCode": 4102}, {"outcome": "failure", "error_code": "4102"}),
        ({"apiErrorCode": None}, {"outcome": "success", "error_code": None}),
        ({"apiErrorCode": None, "errorCode": None}, {"outcome": None, "error_code": None}),
        ({"userIdentity": {"principalId": "p"}}, {"principal": "p", "account": None}),
        ({"actionType": "Read"}, {"read_only": True}),
        ({"sensitiveAction": None}, {"sensitive": None}),
        ({"eventTime": "1795183380000"}, {"time": "2026-11-20T14:03:00Z"}),
        ({"eventTime": "2026-11-20 22:03:00+08:00"}, {"time": "2026-11-20T14:03:00Z"}),
        ({"eventTime": "2026-11-20T14:03:00Z"}, {"time": "2026-11-20T14:03:00Z"}),
    ],
)
def test_what_an_event_of_tencent_does_not_say_is_null(members: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = row(changed(CLOUDAUDIT, **members))
    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("when", ["2026-11-20 22:03:00", "2026-11-20"])
def test_a_time_of_tencent_without_a_zone_may_be_any_hour(when: str) -> None:
    (found,), faults = read(lines(changed(CLOUDAUDIT, eventTime=when)))
    assert "time" not in found
    assert faults.first["time"][0].what == "eventTime, with a zone, is missing or no time"
