"""What the logs of Azure say, column by column: the good, and all that is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.functions.tls import tls_version
from tests.checks.logs.formats.samples import (
    ACTIVITY,
    APPLICATION_GATEWAY,
    FRONT_DOOR,
    KEY_VAULT,
    METHODS,
    OBJECT_ID,
    SIGN_IN,
    STORAGE,
    SUBSCRIPTION,
    UPN,
    changed,
    lines,
    read,
)  # fmt: skip


def row(record: dict[str, Any]) -> dict[str, Any]:
    (found,), faults = read(lines(record))
    assert not faults, faults.first
    return found


def test_a_change_says_who_did_what_to_which_resource() -> None:
    found = row(ACTIVITY)
    assert found["time"] == "2026-11-20T14:03:00.123456Z"
    assert found["event_name"] == "microsoft.network/networksecuritygroups/write"
    assert (found["operation_type"], found["event_category"], found["outcome"]) == ("write", "Administrative", "success")
    assert (found["account"], found["resource_group"]) == (SUBSCRIPTION, "shop")
    assert found["resource"].endswith("/resourcegroups/shop/providers/microsoft.network/networksecuritygroups/edge")
    assert (found["principal"], found["principal_type"], found["principal_id"]) == ("ada@marktbruecke.example", "User", "o1")
    assert (found["source"], found["session_mfa"], found["status_code"], found["role"]) == ("203.0.113.7", True, "OK", "Contributor")
    assert json.loads(found["properties"])["requestbody"] == "{}"


def test_a_change_is_the_same_as_the_rest_api_lists_it() -> None:
    listed = {
        "eventTimestamp": ACTIVITY["time"],
        "eventDataId": "d1",
        "caller": "ada@marktbruecke.example",
        "operationName": {"value": "Microsoft.Network/networkSecurityGroups/write", "localizedValue": "Create"},
        "category": {"value": "Administrative", "localizedValue": "Verwaltung"},
        "eventName": {"value": "EndRequest", "localizedValue": "Ende"},
        "status": {"value": "Succeeded", "localizedValue": "Gelungen"},
        "subStatus": {"value": "", "localizedValue": ""},
        "httpRequest": {"clientIpAddress": "203.0.113.7", "method": "PUT"},
        "claims": ACTIVITY["identity"]["claims"],
        "authorization": {"action": "x", "role": "Contributor"},
        "resourceId": ACTIVITY["resourceId"],
        "subscriptionId": SUBSCRIPTION,
        "level": "Informational",
        "correlationId": "c1",
        "description": "written",
        "properties": {"statusCode": "OK", "serviceRequestId": "r1"},
    }
    found, exported = row(listed), row(ACTIVITY)
    differing = {"event_id", "result", "result_signature", "principal_type", "level", "identity", "properties"}
    assert {name for name in found.keys() | exported.keys() if found.get(name) != exported.get(name)} == differing
    assert (found["event_id"], found["event_phase"], found["result"]) == ("d1", "EndRequest", "Succeeded")
    assert row({**listed, "httpRequest": None, "resourceId": "", "status": None})["account"] == SUBSCRIPTION


@pytest.mark.parametrize(
    ("result", "outcome"),
    [("Start", None), ("Accepted", None), ("Failure", "failure"), ("Failed", "failure"), ("Succeeded", "success"), ("?", None)],
)
def test_a_change_that_goes_on_has_no_outcome(result: str, outcome: str | None) -> None:
    assert row(changed(ACTIVITY, resultType=result)).get("outcome") == outcome


@pytest.mark.parametrize(("methods", "mfa"), [("pwd", False), ("mfa", True), ("pwd,mfax", False), ("", None), (None, None)])
def test_a_token_says_whether_a_second_factor_was_used(methods: str | None, mfa: bool | None) -> None:
    claims = {**ACTIVITY["identity"]["claims"], METHODS: methods}
    assert row(changed(ACTIVITY, identity__claims=claims)).get("session_mfa") is mfa


def test_an_export_without_a_category_is_administrative_and_a_listing_is_not() -> None:
    assert row(changed(ACTIVITY, properties={}))["event_category"] == "Administrative"
    listed = {"eventTimestamp": ACTIVITY["time"], "operationName": {"value": "a/write"}}
    assert "event_category" not in row(listed)


def test_a_principal_without_a_name_is_its_object() -> None:
    assert row(changed(ACTIVITY, identity__claims={OBJECT_ID: "o9"}))["principal"] == "o9"


def test_a_request_to_storage_says_how_it_came_and_who_was_let_in() -> None:
    found = row(STORAGE)
    assert (found["protocol"], found["tls_version"], found["authentication"]) == ("HTTPS", "TLS 1.2", "OAuth")
    assert (found["source"], found["source_port"], found["region"]) == ("203.0.113.7", 51034, "germanywestcentral")
    assert (found["principal"], found["status"], found["outcome"], found["sent_bytes"]) == (
        "ada@marktbruecke.example",
        200,
        "success",
        2018,
    )
    assert (found["storage_account"], found["service"], found["account"]) == ("invoices", "blob", SUBSCRIPTION)


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"protocol": "HTTP", "statusCode": 403}, {"outcome": "failure"}),
        ({"protocol": "SMB", "statusCode": 0}, {"outcome": None}),
        ({"protocol": None}, {"outcome": None}),
        ({"statusCode": "404"}, {"status": 404, "outcome": "failure"}),
        ({"callerIpAddress": "[2001:db8::7]:443"}, {"source": "2001:db8::7", "source_port": 443}),
        ({"callerIpAddress": "2001:db8::7"}, {"source": "2001:db8::7", "source_port": None}),
        ({"callerIpAddress": "10.0.0.1"}, {"source": "10.0.0.1", "source_port": None}),
        ({"identity": {"type": "Anonymous"}}, {"authentication": "Anonymous", "principal": None}),
        ({"identity__requester": {"objectId": "o1"}}, {"principal": "o1"}),
        ({"properties__tlsVersion": ""}, {"tls_version": None}),
        ({"resourceId": None}, {"account": None, "resource": None}),
    ],
)
def test_what_a_request_to_storage_does_not_say_is_null(members: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = row(changed(STORAGE, **members))
    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("member", "wrong"), [("statusCode", "Unknown"), ("callerIpAddress", "somewhere"), ("statusCode", 2**64), ("protocol", ["HTTPS"])]
)
def test_a_value_without_its_type_is_null_and_counted(member: str, wrong: Any) -> None:
    rows, faults = read(lines(STORAGE, changed(STORAGE, **{member: wrong})))
    assert (len(rows), faults.counts, faults.first["value"][0].line, faults.lost) == (2, {"value": 1}, 2, 0)


def test_a_request_to_a_key_vault_says_its_tls_version_and_its_caller() -> None:
    found = row(KEY_VAULT)
    assert (found["tls_version"], found["event_name"], found["status"], found["outcome"]) == ("TLS1.3", "SecretGet", 200, "success")
    assert (found["principal"], found["principal_id"], found["application"]) == ("o1", "o1", "a1")
    assert found["target_uri"] == "https://shop.vault.azure.net/secrets/db/1"
    assert row(changed(KEY_VAULT, identity={"claim": {UPN: "ada@marktbruecke.example"}}))["principal"] == "ada@marktbruecke.example"


def test_a_key_vault_calls_a_refusal_a_success_and_its_status_tells() -> None:
    assert row(changed(KEY_VAULT, properties__httpStatusCode=403, resultSignature="Forbidden"))["outcome"] == "failure"
    assert "outcome" not in row(changed(KEY_VAULT, properties={"clientInfo": "x"}))


def test_a_request_to_an_application_gateway_says_its_tls_version() -> None:
    found = row(APPLICATION_GATEWAY)
    assert (found["tls_version"], found["cipher"], found["ssl_enabled"]) == ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", True)
    assert (found["source"], found["source_port"], found["target"], found["target_port"]) == ("203.0.113.7", 45057, "10.0.0.66", 443)
    assert (found["path"], found["host"], found["backend_host"], found["target_status"]) == (
        "/cart?id=7",
        "shop.marktbruecke.example",
        "shop.internal",
        200,
    )
    assert "client_certificate_issuer" not in row(changed(APPLICATION_GATEWAY, properties__sslClientCertificateIssuerName=""))


@pytest.mark.parametrize(("record", "version"), [(STORAGE, 12), (KEY_VAULT, 13), (APPLICATION_GATEWAY, 12), (FRONT_DOOR, 12)])
def test_rules_understand_the_versions_of_tls(record: dict[str, Any], version: int) -> None:
    assert tls_version(row(record)["tls_version"]) == version


def test_plain_http_at_an_application_gateway_has_no_tls_version() -> None:
    found = row(changed(APPLICATION_GATEWAY, properties__sslEnabled="off", properties__sslCipher="", properties__sslProtocol=""))
    assert found["ssl_enabled"] is False
    assert not {"tls_version", "cipher"} & found.keys()


def test_a_request_to_the_front_door_says_its_protocol() -> None:
    found = row(FRONT_DOOR)
    assert (found["protocol"], found["tls_version"], found["cipher"]) == ("HTTPS", "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384")
    assert (found["source"], found["source_port"], found["socket"], found["status"]) == ("203.0.113.7", 52097, "2001:db8::7", 403)


def test_the_classic_front_door_is_read_too() -> None:
    found = row({
        "time": FRONT_DOOR["time"],
        "category": "FrontdoorAccessLog",
        "operationName": "Microsoft.Network/FrontDoor/AccessLog/Write",
        "properties": {"securityProtocol": "TLS 1.2", "routingRuleName": "shop", "backendHostname": "shop.azurewebsites.net:443", "socketIP": "203.0.113.7"},
    })  # fmt: skip
    assert (found["tls_version"], found["route"], found["origin"], found["socket"]) == (
        "TLS 1.2",
        "shop",
        "shop.azurewebsites.net:443",
        "203.0.113.7",
    )
    assert not {"protocol", "account"} & found.keys()


@pytest.mark.parametrize(
    ("members", "outcome", "mfa"),
    [
        ({}, "success", True),
        ({"properties__authenticationRequirement": "singleFactorAuthentication"}, "success", False),
        ({"properties__authenticationRequirement": "anotherRequirement"}, "success", None),
        ({"properties__authenticationRequirement": None}, "success", None),
        ({"resultType": "50074"}, "failure", None),
        ({"resultType": "", "properties__status": {"errorCode": 50074}}, "failure", None),
        ({"resultType": None, "properties__status": {}}, None, None),
    ],
)
def test_a_sign_in_had_a_second_factor_where_one_was_needed_and_it_succeeded(
    members: dict[str, Any], outcome: str | None, mfa: bool | None
) -> None:
    found = row(changed(SIGN_IN, **members))
    assert (found.get("outcome"), found.get("mfa")) == (outcome, mfa)


def test_a_sign_in_is_the_same_as_the_graph_lists_it() -> None:
    found, exported = row({**SIGN_IN["properties"], "correlationId": "c1"}), row(SIGN_IN)
    assert {name for name in exported if found.get(name) != exported[name]} == {"event_name", "event_category"}
    assert (found["principal"], found["mfa"], found["country"], found["managed_device"]) == ("ada@marktbruecke.example", True, "DE", True)
