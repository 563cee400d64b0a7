"""What exists in Azure beside what is read: Resource Graph as the second enumeration, the tenant's subscriptions, and what is in effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.model import Estate, Look, Place
from checks.plan import AZURE_KINDS, AZURE_SUBSCRIPTIONS
from tests.agent.collect.azure.eyes import ACCOUNTS, DATABASES, GROUP, NICS, ONE, TWO, Eyes, account, data, gaps, shop
from tests.world.arm_double import READER, ArmDouble, Reply, error, json_reply

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
DESCENDANTS = "/descendants"
THIRD = "7b0c2c4e-0000-4000-8000-000000000003"
GHOST = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/ghost"


@pytest.fixture
def eyes(azure: ArmDouble, tmp_path: Path) -> Eyes:
    shop(azure)
    return Eyes(azure, tmp_path)


def held(eyes: Eyes, *types: str) -> Estate:
    return eyes.collect(*(types or ((ACCOUNTS, []),)), settings=eyes.settings(ONE, TWO, resource_graph=True))


def ghost(eyes: Eyes) -> None:
    eyes.double.ghosts = [{"id": GHOST, "type": "microsoft.storage/storageaccounts", "subscriptionId": ONE, "location": "westeurope"}]


# -- the second enumeration ---------------------------------------------------------------------------------------------


def test_where_both_show_the_same_there_is_no_gap(eyes: Eyes) -> None:
    eyes.double.graph_page = 1
    assert gaps(held(eyes)) == []
    assert len(eyes.double.calls(GRAPH)) == 2, "two storage accounts, a page each"


def test_what_only_resource_graph_shows_and_is_there_is_a_gap_that_names_it(eyes: Eyes) -> None:
    ghost(eyes)
    eyes.double.fail("/storageAccounts/ghost", json_reply({"id": GHOST, "properties": {}}))
    estate = held(eyes)
    (gap,) = estate.gaps
    assert (gap.type, gap.id, gap.code, str(gap.reason)) == (ACCOUNTS, GHOST.lower(), "NotListed", "failed")
    assert isinstance(estate.listing(ACCOUNTS, Place(ONE, "global")), Look)


def test_what_is_below_a_resource_that_only_resource_graph_shows_is_not_known_to_be_whole(eyes: Eyes) -> None:
    server = f"{GROUP}/providers/Microsoft.Sql/servers/ghost"
    eyes.double.ghosts = [{"id": server, "type": "microsoft.sql/servers", "subscriptionId": ONE}]
    eyes.double.fail("/servers/ghost", json_reply({"id": server, "properties": {}}))
    estate = held(eyes, DATABASES)
    listed = estate.listing(DATABASES, Place(ONE, "global"))
    assert isinstance(listed, tuple)
    assert {(gap.code, server.lower() in gap.message) for gap in listed} == {("NotListed", True)}


def test_what_only_resource_graph_shows_and_cannot_be_read_is_a_gap(eyes: Eyes) -> None:
    ghost(eyes)
    eyes.double.fail("/storageAccounts/ghost", error(403, "AuthorizationFailed", "no"))
    (gap,) = held(eyes).gaps
    assert (gap.id, str(gap.reason), gap.action) == (GHOST.lower(), "denied", "Microsoft.Storage/storageAccounts/read")
    assert gap.region == "westeurope", "the finding on it is the one that there was while it was listed"


def test_what_resource_graph_has_not_yet_forgotten_is_no_gap(eyes: Eyes) -> None:
    ghost(eyes)
    assert gaps(held(eyes)) == []
    assert eyes.double.calls("/storageAccounts/ghost") == [f"GET {GHOST}"]


def test_what_resource_graph_does_not_show_yet_is_a_gap_of_its_own_and_is_judged(eyes: Eyes) -> None:
    eyes.double.hidden = {f"{GROUP}/providers/Microsoft.Storage/storageAccounts/orders".lower()}
    estate = held(eyes)
    assert [(gap.type, gap.code) for gap in estate.gaps] == [(AZURE_KINDS, "NotInResourceGraph")]
    assert "orders" in data(estate, ACCOUNTS)


ANSWERS: dict[str, Reply] = {
    "denied": error(403, "AuthorizationFailed", "no"),
    "throttled": error(429, "RateLimiting", **{"Retry-After": "900"}),
    "HTML": Reply(200, b"<html></html>", {"Content-Type": "text/html"}),
    "no rows": json_reply({"totalRecords": 0}),
    "fewer rows than it says": json_reply({"totalRecords": 7, "count": 0, "data": [], "resultTruncated": "false"}),
    "truncated": json_reply({"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "true"}),
    "silent about truncation": json_reply({"totalRecords": 0, "count": 0, "data": []}),
    "a token that leads nowhere": json_reply({"totalRecords": 1, "data": [], "resultTruncated": "false", "$skipToken": "x"}),
    "a row that is none": json_reply({"totalRecords": 1, "data": ["x"], "resultTruncated": "false"}),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_second_enumeration_that_is_not_answered_is_a_gap_in_each_subscription(eyes: Eyes, what: str) -> None:
    eyes.double.fail(GRAPH, ANSWERS[what])
    estate = held(eyes)
    assert {(gap.type, gap.account, gap.id) for gap in estate.gaps} == {(AZURE_KINDS, ONE, None), (AZURE_KINDS, TWO, None)}
    assert isinstance(estate.listing(ACCOUNTS, Place(ONE, "global")), Look)


# -- kinds --------------------------------------------------------------------------------------------------------------


def test_the_kinds_of_each_subscription_are_counted(eyes: Eyes) -> None:
    eyes.double.put(*account("ledger", sub=TWO))
    estate = held(eyes, AZURE_KINDS)
    counts = {(one.account, one.id): one.data["count"] for one in estate.of(AZURE_KINDS)}
    assert counts[ONE, "microsoft.storage/storageaccounts"] == 2
    assert counts[TWO, "microsoft.storage/storageaccounts"] == 1
    assert gaps(estate) == []
    assert all(isinstance(estate.listing(AZURE_KINDS, Place(one, "global")), Look) for one in (ONE, TWO))


@pytest.mark.parametrize("what", ANSWERS)
def test_kinds_that_are_not_counted_are_a_gap(eyes: Eyes, what: str) -> None:
    eyes.double.fail(GRAPH, ANSWERS[what])
    estate = held(eyes, AZURE_KINDS)
    assert {gap.account for gap in estate.gaps if gap.type == AZURE_KINDS} == {ONE, TWO}
    assert estate.of(AZURE_KINDS) == ()


def test_who_may_read_some_types_only_has_not_counted_all_kinds(eyes: Eyes) -> None:
    eyes.double.roles[ONE] = [{"actions": ["Microsoft.Storage/*/read"], "notActions": []}]
    eyes.double.roles[TWO] = [READER]
    estate = held(eyes, AZURE_KINDS)
    assert [(gap.account, str(gap.reason), gap.action) for gap in estate.gaps] == [(ONE, "denied", "*/read")]


def test_without_resource_graph_the_kinds_are_not_known(eyes: Eyes) -> None:
    estate = eyes.collect(AZURE_KINDS)
    assert gaps(estate) == [("count", "*", None, "not-collected")]
    assert eyes.double.calls(GRAPH) == []


# -- subscriptions ------------------------------------------------------------------------------------------------------


def test_the_subscriptions_below_the_root_are_all_there_are(eyes: Eyes) -> None:
    eyes.double.elsewhere = [THIRD]
    estate = held(eyes, AZURE_SUBSCRIPTIONS)
    assert {one.id: one.data["displayName"] for one in estate.of(AZURE_SUBSCRIPTIONS)} == {ONE: "Shop", TWO: "Back office", THIRD: "A"}
    assert isinstance(estate.listing(AZURE_SUBSCRIPTIONS, Place(ONE, "global")), Look)


@pytest.mark.parametrize("reply", [error(403, "AuthorizationFailed", "no"), Reply(200, b"{}", {"Content-Type": "application/json"})])
def test_what_is_seen_without_the_root_is_known_and_need_not_be_all(eyes: Eyes, reply: Reply) -> None:
    eyes.double.fail(DESCENDANTS, reply)
    estate = held(eyes, AZURE_SUBSCRIPTIONS)
    assert {one.id for one in estate.of(AZURE_SUBSCRIPTIONS)} == {ONE, TWO}
    assert isinstance(estate.listing(AZURE_SUBSCRIPTIONS, Place(ONE, "global")), tuple)


# -- what is in effect --------------------------------------------------------------------------------------------------


@pytest.fixture
def interface(eyes: Eyes) -> str:
    return eyes.double.put(f"{GROUP}/providers/Microsoft.Network/networkInterfaces/front", "Microsoft.Network/networkInterfaces", {
        "location": "westeurope", "properties": {"macAddress": "00-0D-3A-00-00-01"},
    })  # fmt: skip


def test_what_is_in_effect_is_asked_for_only_where_the_configuration_says_so(eyes: Eyes, interface: str) -> None:
    estate = eyes.collect(NICS)
    assert "Effective" not in data(estate, NICS)["front"]
    assert eyes.double.calls("effective") == []


def test_what_is_in_effect_stands_on_the_interface(eyes: Eyes, interface: str) -> None:
    group = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/front"
    eyes.double.put(
        f"{interface}/effectiveNetworkSecurityGroups", "x", {"value": [{"networkSecurityGroup": {"id": group}, "tagMap": None}]}
    )
    estate = eyes.collect(NICS, settings=eyes.settings(effective=True))
    assert data(estate, NICS)["front"]["Effective"] == [{"networkSecurityGroup": {"id": group}}]
    assert (gaps(estate), eyes.notes) == ([], [])
    assert {one.method for one in eyes.double.asked if one.path.endswith("effectiveNetworkSecurityGroups")} == {"POST", "GET"}
    assert eyes.double.calls("register") == []


@pytest.mark.parametrize("code", ["VMNotRunning", "AuthorizationFailed"])
def test_what_is_refused_is_a_note_and_no_gap(eyes: Eyes, interface: str, code: str) -> None:
    if code == "AuthorizationFailed":
        eyes.double.fail("/effectiveNetworkSecurityGroups", error(403, code, "no"))
    estate = eyes.collect(NICS, settings=eyes.settings(effective=True))
    assert gaps(estate) == []
    assert "Effective" not in data(estate, NICS)["front"]
    assert len(eyes.notes) == 1
    assert code in eyes.notes[0]


def test_a_provider_that_is_not_registered_is_not_registered_by_asking(eyes: Eyes, interface: str) -> None:
    eyes.double.fail("/effectiveNetworkSecurityGroups", error(409, "MissingSubscriptionRegistration", "not registered"))
    eyes.collect(NICS, settings=eyes.settings(effective=True))
    assert {one.method for one in eyes.double.asked if "register" in one.path} == set()


def test_a_location_on_another_host_is_not_followed(eyes: Eyes, interface: str) -> None:
    eyes.double.fail("/effectiveNetworkSecurityGroups", Reply(202, b"", {"Location": "https://evil.example/operation"}))
    eyes.collect(NICS, settings=eyes.settings(effective=True))
    assert "the token is not sent to another host" in eyes.notes[0]
