"""Whatever goes wrong with a call to Azure is a gap, of the reason that tells what to do, and what was seen stays seen."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from agent.collect.aws.accounts import Shut
from agent.collect.aws.client import Deadline
from agent.collect.azure.client import Answer, Halt
from agent.collect.azure.subscriptions import enter
from agent.collect.azure.tasks import Tasks
from checks.model import Look, Place, Reason
from tests.agent.collect.azure.eyes import ACCOUNTS, DATABASES, GROUP, ONE, SERVERS, Eyes, account, data, gaps, reasons, shop
from tests.world.arm_double import PORTAL, ArmDouble, Reply, error, json_reply

LIST = "/providers/Microsoft.Storage/storageAccounts"
DETAIL = "/storageAccounts/orders/blobServices/default"
HTML = Reply(200, PORTAL, {"Content-Type": "text/html"})
NOT_JSON = {"Content-Type": "application/json"}
DENIED = (
    "The client '5c1e7a2d' with object id '9a51c2f7' does not have authorization to perform action"
    " 'Microsoft.Storage/storageAccounts/read' over scope '/subscriptions/x'."
)

REFUSALS: dict[str, tuple[Reply, Reason]] = {
    "401": (error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now."), Reason.EXPIRED_CREDENTIALS),
    "401 of a clock": (error(401, "InvalidAuthenticationToken", Date="Fri, 20 Nov 2020 12:00:00 GMT"), Reason.CLOCK_SKEW),
    "403": (error(403, "AuthorizationFailed", DENIED), Reason.DENIED),
    "404 type": (error(404, "InvalidResourceType", "The resource type could not be found in the namespace."), Reason.UNSUPPORTED),
    "409": (error(409, "MissingSubscriptionRegistration", "The subscription is not registered to use namespace."), Reason.UNSUPPORTED),
    "429 for long": (error(429, "TooManyRequests", **{"Retry-After": "3600"}), Reason.THROTTLED),
    "429 for ever": (error(429, "TooManyRequests", **{"Retry-After": "0"}), Reason.THROTTLED),
    "500 for ever": (error(500, "InternalServerError"), Reason.FAILED),
    "504 for ever": (error(504, "GatewayTimeout"), Reason.TIMED_OUT),
    "302": (Reply(302, b"", {"Location": "https://elsewhere.example/"}), Reason.MALFORMED),
    "204": (Reply(204, b""), Reason.MALFORMED),
    "HTML 200": (HTML, Reason.MALFORMED),
    "HTML that says it is JSON": (Reply(200, PORTAL, NOT_JSON), Reason.MALFORMED),
    "empty 200": (Reply(200, b"", NOT_JSON), Reason.MALFORMED),
    "cut JSON": (Reply(200, b'{"value": [{"id": "/subscr', NOT_JSON), Reason.MALFORMED),
    "a list where an object must be": (json_reply([]), Reason.MALFORMED),
    "an object with nothing in it": (json_reply({}), Reason.MALFORMED),
    "an error in a success": (json_reply({"error": {"code": "Teapot"}}), Reason.MALFORMED),
    "no request id": (Reply(200, b'{"value": []}', {**NOT_JSON, "x-ms-request-id": ""}), Reason.MALFORMED),
    "cut in the middle of the body": (Reply(200, b'{"value": []}' + b" " * 900, NOT_JSON, cut=20), Reason.MALFORMED),
}


@pytest.fixture
def eyes(azure: ArmDouble, tmp_path: Path) -> Eyes:
    shop(azure)
    return Eyes(azure, tmp_path)


@pytest.mark.parametrize("what", REFUSALS)
def test_a_list_that_is_not_answered_is_a_gap(eyes: Eyes, what: str) -> None:
    reply, reason = REFUSALS[what]
    eyes.double.fail(LIST, reply)
    estate = eyes.collect((ACCOUNTS, []))
    assert reasons(estate) == {str(reason)}
    assert (data(estate, ACCOUNTS), estate.listings) == ({}, {})


@pytest.mark.parametrize("what", REFUSALS)
def test_a_detail_that_is_not_answered_is_a_gap_of_its_member(eyes: Eyes, what: str) -> None:
    reply, reason = REFUSALS[what]
    eyes.double.fail(DETAIL, reply)
    estate = eyes.collect(ACCOUNTS)
    assert gaps(estate) == [("storageaccounts", "orders", "Blobs", str(reason))]
    held = data(estate, ACCOUNTS)
    assert "Blobs" not in held["orders"]
    assert held["invoices"]["Blobs"] == {"properties": {"isVersioningEnabled": True}}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_below_a_server_whose_list_is_not_answered_is_a_gap(eyes: Eyes, what: str) -> None:
    reply, reason = REFUSALS[what]
    eyes.double.put(f"{GROUP}/providers/Microsoft.Sql/servers/other", "Microsoft.Sql/servers", {"location": "westeurope", "properties": {}})
    eyes.double.fail("servers/Sales/databases", reply)
    estate = eyes.collect((DATABASES, []))
    assert reasons(estate, DATABASES) == {str(reason)}
    assert reasons(estate, SERVERS) == set()


def test_where_servers_are_not_listed_their_databases_are_not_either(eyes: Eyes) -> None:
    eyes.double.fail("/providers/Microsoft.Sql/servers", error(403, "AuthorizationFailed", DENIED))
    estate = eyes.collect((DATABASES, []))
    assert (reasons(estate, SERVERS), reasons(estate, DATABASES)) == ({"denied"}, {"denied"})


def test_a_denied_gap_names_the_permission(eyes: Eyes) -> None:
    eyes.double.fail(LIST, error(403, "AuthorizationFailed", DENIED))
    (gap,) = eyes.collect((ACCOUNTS, [])).gaps
    assert (gap.code, gap.action) == ("AuthorizationFailed", "Microsoft.Storage/storageAccounts/read")
    assert "does not have authorization" in gap.message


# -- pages --------------------------------------------------------------------------------------------------------------


PAGES: dict[str, Callable[[ArmDouble], None]] = {
    "500 on page 2": lambda arm: arm.fail(LIST, error(500, "InternalServerError"), query="'$skiptoken': '2'"),
    "429 on page 2": lambda arm: arm.fail(LIST, error(429, "TooManyRequests", **{"Retry-After": "600"}), query="'$skiptoken': '2'"),
    "HTML on page 2": lambda arm: arm.fail(LIST, HTML, query="'$skiptoken': '2'"),
    "page 2 is cut": lambda arm: arm.fail(LIST, Reply(200, b'{"value": [{', NOT_JSON), query="'$skiptoken': '2'"),
    "page 2 without its list": lambda arm: arm.fail(LIST, json_reply({"items": []}), query="'$skiptoken': '2'"),
    "an empty page that leads on": lambda arm: arm.fail(
        LIST, json_reply({"value": [], "nextLink": f"{arm.url}/subscriptions/{ONE}{LIST}?api-version=2024-01-01&$skiptoken=4"}),
        query="'$skiptoken': '2'",
    ),
    "a link to a page that was read": lambda arm: arm.fail(
        LIST, json_reply({"value": [], "nextLink": f"{arm.url}/subscriptions/{ONE}{LIST}?api-version=2024-01-01"}),
        query="'$skiptoken': '2'",
    ),
    "a link to another host": lambda arm: arm.fail(
        LIST, json_reply({"value": [], "nextLink": f"https://management.evil.example/subscriptions/{ONE}{LIST}"}), query="'$skiptoken': '2'"
    ),
    "a link to another port": lambda arm: arm.fail(
        LIST, json_reply({"value": [], "nextLink": f"https://127.0.0.1:1/subscriptions/{ONE}{LIST}"}), query="'$skiptoken': '2'"
    ),
    "a link without TLS": lambda arm: arm.fail(
        LIST, json_reply({"value": [], "nextLink": arm.url.replace("https", "http")}), query="'$skiptoken': '2'"
    ),
    "a link that is spelled otherwise, and leads to another host": lambda arm: arm.fail(
        LIST, json_reply({"value": [], "@odata.nextLink": "https://management.evil.example/"}), query="'$skiptoken': '2'"
    ),
    "an error beside the list": lambda arm: arm.fail(
        LIST, json_reply({"value": [], "error": {"code": "PartialFailure", "message": "a region did not answer"}}), query="'$skiptoken': '2'"
    ),
    "a link that is none": lambda arm: arm.fail(LIST, json_reply({"value": [], "nextLink": {"href": "x"}}), query="'$skiptoken': '2'"),
}  # fmt: skip


@pytest.mark.parametrize("what", PAGES)
def test_pages_that_came_in_are_kept_and_the_list_is_a_gap(eyes: Eyes, what: str) -> None:
    for number in range(4):
        eyes.double.put(*account(f"more{number}"))
    eyes.double.page = 2
    PAGES[what](eyes.double)
    estate = eyes.collect((ACCOUNTS, []))
    assert len(reasons(estate)) == 1
    assert {"orders", "invoices"} <= set(data(estate, ACCOUNTS))


def test_a_link_that_is_spelled_otherwise_is_followed(eyes: Eyes) -> None:
    first = eyes.double.things[f"{GROUP}{LIST}/orders".lower()]
    rest = {"value": [eyes.double.things[f"{GROUP}{LIST}/invoices".lower()]]}
    more = f"{eyes.double.url}/subscriptions/{ONE}{LIST}?api-version=2024-01-01&$skiptoken=1"
    eyes.double.fail(LIST, json_reply({"value": [first], "NextLink": more}), json_reply(rest))
    estate = eyes.collect((ACCOUNTS, []))
    assert (sorted(data(estate, ACCOUNTS)), gaps(estate)) == (["invoices", "orders"], [])


def test_what_is_throttled_or_fails_once_is_asked_again(eyes: Eyes) -> None:
    eyes.double.fail(
        LIST, error(429, "TooManyRequests", **{"Retry-After": "0"}), error(500, "X"), error(503, "X"), json_reply({"value": []})
    )
    assert gaps(eyes.collect((ACCOUNTS, []))) == []
    assert len(eyes.double.calls(LIST)) == 4


def test_nobody_is_waited_for_past_the_deadline(eyes: Eyes) -> None:
    eyes.double.fail(LIST, error(429, "TooManyRequests", **{"Retry-After": "30"}))
    assert reasons(eyes.collect((ACCOUNTS, []), deadline=20)) == {"throttled"}
    assert len(eyes.double.calls(LIST)) == 1


def test_a_server_that_drips_is_not_listened_to_past_the_deadline(eyes: Eyes) -> None:
    over = threading.Event()
    eyes.double.fail(LIST, Reply(200, b" " * 1000, NOT_JSON, drip=over))
    start = time.monotonic()
    estate = eyes.collect((ACCOUNTS, []), deadline=1.5)
    assert time.monotonic() - start < 10
    assert reasons(estate) == {"late"}
    eyes.double.fail(f"/subscriptions/{ONE}", Reply(200, b" " * 1000, NOT_JSON, drip=over))
    with mock.patch.dict(os.environ, eyes.double.environment):
        (door,) = enter(eyes.settings(), eyes.arm(deadline=0.5), "westeurope")
    assert isinstance(door, Shut)
    assert str(door.failure.reason) == "late"
    waited_for = [one.name for one in threading.enumerate() if one.name.startswith("azure") and not one.daemon]
    over.set()
    assert waited_for == [], "threads that the process would wait for when it ends"


def test_what_is_asked_after_the_deadline_is_late() -> None:
    told: list[Answer | Halt] = []
    gate = threading.Event()

    def slow() -> Answer:
        gate.wait(10)
        return Answer(())

    tasks = Tasks(Deadline(0.0, lambda: 1.0))
    for _ in range(2):
        tasks.ask(slow, told.append)
        tasks.drain()
    gate.set()
    tasks.close()
    assert [isinstance(one, Halt) and str(one.failure.reason) for one in told] == ["late", "late"]


# -- there is none ------------------------------------------------------------------------------------------------------


NONE = error(400, "FeatureNotSupportedForAccount", "Blob is not supported for the account.")


def test_a_code_that_means_none_is_null_while_the_resource_still_reads(eyes: Eyes) -> None:
    eyes.double.fail(DETAIL, NONE)
    estate = eyes.collect(ACCOUNTS)
    assert (data(estate, ACCOUNTS)["orders"]["Blobs"], gaps(estate)) == (None, [])
    one = next(one for one in estate.of(ACCOUNTS) if one.id.endswith("orders"))
    assert "GET blobServices/default" in {estate.looks_by_id[look].call for look in one.evidence}


def test_none_is_not_believed_of_a_resource_that_does_not_read(eyes: Eyes) -> None:
    eyes.double.fail(DETAIL, NONE)
    eyes.double.fail("/storageAccounts/orders", error(403, "AuthorizationFailed", DENIED))
    estate = eyes.collect(ACCOUNTS)
    assert "Blobs" not in data(estate, ACCOUNTS)["orders"]
    assert gaps(estate) == [("storageaccounts", "orders", "Blobs", "denied")]


def test_what_was_deleted_since_it_was_listed_is_not_judged(eyes: Eyes) -> None:
    eyes.double.fail(DETAIL, NONE)
    eyes.double.fail("/storageAccounts/orders", error(404, "ResourceNotFound"))
    estate = eyes.collect(ACCOUNTS)
    assert (sorted(data(estate, ACCOUNTS)), gaps(estate)) == (["invoices"], [])


# -- a provider that is not registered ----------------------------------------------------------------------------------


UNREGISTERED = error(409, "MissingSubscriptionRegistration", "The subscription is not registered to use namespace 'Microsoft.Sql'.")
PROVIDER = f"/subscriptions/{ONE}/providers/Microsoft.Sql"


@pytest.mark.parametrize("state", ["NotRegistered", "Unregistered"])
def test_a_provider_that_is_not_registered_has_nothing_where_arm_says_so(eyes: Eyes, state: str) -> None:
    eyes.double.fail("/providers/Microsoft.Sql/servers", UNREGISTERED)
    eyes.double.put(PROVIDER, "x", {"namespace": "Microsoft.Sql", "registrationState": state})
    estate = eyes.collect((DATABASES, []))
    assert gaps(estate) == []
    looks = [estate.listing(type_, Place(ONE, "global")) for type_ in (SERVERS, DATABASES)]
    assert next((look.call, look.count) for look in looks if isinstance(look, Look)) == ("GET providers/{namespace}", 0)
    assert all(isinstance(look, Look) for look in looks)
    assert [one.method for one in eyes.double.asked if "register" in one.path] == []


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"id": PROVIDER, "registrationState": "Registered"}),
        json_reply({"id": PROVIDER, "registrationState": "Registering"}),
        json_reply({"id": f"/subscriptions/{ONE}/providers/Microsoft.Web", "registrationState": "NotRegistered"}),
        json_reply({"id": PROVIDER}),
        HTML,
        error(403, "AuthorizationFailed", DENIED),
    ],
)
def test_a_provider_of_which_arm_does_not_say_so_leaves_a_gap(eyes: Eyes, reply: Reply) -> None:
    eyes.double.fail("/providers/Microsoft.Sql/servers", UNREGISTERED)
    eyes.double.fail("/providers/Microsoft.Sql", reply)
    estate = eyes.collect((DATABASES, []))
    assert (reasons(estate, SERVERS), reasons(estate, DATABASES)) == ({"unsupported"}, {"unsupported"})


# -- elements -----------------------------------------------------------------------------------------------------------


ELEMENTS = {
    "no id": {"name": "x", "properties": {"supportsHttpsTrafficOnly": True}},
    "no object": "x",
    "a location that is none": {"id": f"{GROUP}{LIST}/x", "type": "Microsoft.Storage/storageAccounts", "location": {"name": "westeurope"}},
    "another type": {"id": f"{GROUP}/providers/Microsoft.Web/sites/x", "type": "Microsoft.Web/sites", "properties": {}},
    "another subscription": {
        "id": "/subscriptions/7b0c2c4e-0000-4000-8000-00000000000f/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x",
        "type": "Microsoft.Storage/storageAccounts", "properties": {"supportsHttpsTrafficOnly": True},
    },
}  # fmt: skip


@pytest.mark.parametrize("what", ELEMENTS)
def test_an_element_that_is_none_of_the_type_makes_the_list_a_gap(eyes: Eyes, what: str) -> None:
    eyes.double.fail(LIST, json_reply({"value": [eyes.double.things[f"{GROUP}{LIST}/orders".lower()], ELEMENTS[what]]}))
    estate = eyes.collect((ACCOUNTS, []))
    assert (reasons(estate), sorted(data(estate, ACCOUNTS))) == ({"malformed"}, ["orders"])


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"supportsHttpsTrafficOnly": "true"}, "properties"),
        ({"minimumTlsVersion": 12}, "properties.minimumTlsVersion"),
        ({"ipRules": [None]}, "properties.ipRules"),
        ({"ipRules": ["10.0.0.0/8"]}, "properties.ipRules"),
        ({"ipRules": {"value": "10.0.0.0/8"}}, "properties.ipRules"),
        ({"ipRules": [{"value": 10}]}, "properties.ipRules[].value"),
        ({"minimumTlsVersion": "TLS1_0", "MinimumTlsVersion": "TLS1_2"}, "properties.minimumTlsVersion"),
    ],
)
def test_a_member_of_another_type_is_a_gap_and_nothing_in_its_place(eyes: Eyes, properties: dict[str, object], field: str) -> None:
    eyes.double.put(*account("odd", **properties))
    estate = eyes.collect((ACCOUNTS, []))
    assert [(gap.id and gap.id.rpartition("/")[2], gap.field) for gap in estate.gaps] == [("odd", field)]
    assert "minimumTlsVersion" not in data(estate, ACCOUNTS)["odd"].get("properties", {}) or field != "properties.minimumTlsVersion"


def test_an_outline_is_not_taken_for_the_resource(eyes: Eyes) -> None:
    id_, type_, body = account("outline")
    eyes.double.put(id_, type_, {**body, "properties": {}})
    estate = eyes.collect((ACCOUNTS, []))
    assert gaps(estate) == [("storageaccounts", "outline", "properties", "not-collected")]
    assert "properties" not in data(estate, ACCOUNTS)["outline"]


def test_a_name_in_another_case_is_the_same_name(eyes: Eyes) -> None:
    id_, type_, body = account("loud")
    eyes.double.put(id_, type_, {**body, "properties": {"SupportsHttpsTrafficOnly": True, "minimumTLSVersion": "TLS1_2"}})
    held = data(eyes.collect((ACCOUNTS, [])), ACCOUNTS)["loud"]
    assert held["properties"] == {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2"}


def test_tags_that_cannot_be_told_are_not_none(eyes: Eyes) -> None:
    id_, type_, body = account("tagged")
    eyes.double.put(id_, type_, {**body, "tags": {"tier": 1}})
    estate = eyes.collect((ACCOUNTS, []))
    assert {one.id.rpartition("/")[2]: one.tags for one in estate.of(ACCOUNTS)}["tagged"] is None
    assert gaps(estate) == [("storageaccounts", "tagged", "(tags)", "malformed")]
