"""Azure is read: every page of every list, what is listed below something else, the details, and nothing that is not kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.model import Look, Place
from tests.agent.collect.azure.eyes import (
    ACCOUNTS,
    DATABASES,
    GATEWAYS,
    GROUP,
    ONE,
    SERVERS,
    SUBSCRIPTION,
    TWO,
    Eyes,
    account,
    data,
    gaps,
    shop,
)
from tests.world.arm_double import ArmDouble


@pytest.fixture
def eyes(azure: ArmDouble, tmp_path: Path) -> Eyes:
    shop(azure)
    return Eyes(azure, tmp_path)


def test_a_list_is_read_with_the_members_that_are_kept_and_no_others(eyes: Eyes) -> None:
    estate = eyes.collect((ACCOUNTS, ["properties"]))
    assert gaps(estate) == []
    assert data(estate, ACCOUNTS)["orders"] == {
        "id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/orders", "name": "orders", "kind": "StorageV2",
        "type": "Microsoft.Storage/storageAccounts", "location": "West Europe", "tags": {"tier": "data"},
        "properties": {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2"},
    }  # fmt: skip
    one = estate.of(ACCOUNTS)[0]
    assert (one.account, one.region, one.tags) == (ONE, "westeurope", {"tier": "data"})
    assert one.id == f"{GROUP}/providers/Microsoft.Storage/storageAccounts/invoices".lower()
    look = estate.listing(ACCOUNTS, Place(ONE, "global"))
    assert isinstance(look, Look)
    assert (look.call, look.pages, look.count) == ("GET providers/Microsoft.Storage/storageAccounts", 1, 2)
    assert look.request_id
    assert len(look.sha256) == 64
    assert one.evidence == (look.id,)


def test_every_page_is_read(eyes: Eyes) -> None:
    for number in range(7):
        eyes.double.put(*account(f"more{number}"))
    eyes.double.page = 2
    estate = eyes.collect((ACCOUNTS, []))
    assert (len(data(estate, ACCOUNTS)), gaps(estate)) == (9, [])
    look = estate.listing(ACCOUNTS, Place(ONE, "global"))
    assert isinstance(look, Look)
    assert (look.pages, look.count) == (5, 9)


def test_details_stand_under_their_names_and_rest_on_looks_of_their_own(eyes: Eyes) -> None:
    estate = eyes.collect(ACCOUNTS)
    held = data(estate, ACCOUNTS)["orders"]
    assert held["Blobs"] == {"properties": {"isVersioningEnabled": True}}
    assert held["Diagnostics"] == [
        {"name": "all", "properties": {"logs": [{"category": "StorageRead", "enabled": True}], "workspaceId": None}}
    ]
    calls = {estate.looks_by_id[look].call for look in estate.of(ACCOUNTS)[0].evidence}
    assert calls == {
        "GET providers/Microsoft.Storage/storageAccounts", "GET blobServices/default", "GET providers/Microsoft.Insights/diagnosticSettings"
    }  # fmt: skip


def test_only_the_details_that_rules_need_are_asked_for(eyes: Eyes) -> None:
    estate = eyes.collect((ACCOUNTS, ["properties", "Blobs"]))
    assert "Diagnostics" not in data(estate, ACCOUNTS)["orders"]
    assert eyes.double.calls("diagnosticSettings") == []
    assert {one.query["api-version"] for one in eyes.double.asked if one.path.endswith("blobServices/default")} == {"2024-01-01"}


def test_a_list_without_diagnostic_settings_is_an_empty_list_that_was_seen(eyes: Eyes) -> None:
    eyes.double.put(*account("silent"))
    eyes.double.put(
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts/silent/blobServices/default",
        "x",
        {"properties": {"isVersioningEnabled": False}},
    )
    estate = eyes.collect(ACCOUNTS)
    assert (data(estate, ACCOUNTS)["silent"]["Diagnostics"], gaps(estate)) == ([], [])


def test_what_is_known_to_be_left_out_is_null_and_nothing_else_is(eyes: Eyes) -> None:
    eyes.double.put(*account("old"))
    estate = eyes.collect((ACCOUNTS, []))
    assert data(estate, ACCOUNTS)["old"]["properties"] == {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": None}


def test_databases_are_listed_below_each_server(eyes: Eyes) -> None:
    estate = eyes.collect(DATABASES)
    assert sorted(data(estate, DATABASES)) == ["master", "orders"]
    assert data(estate, DATABASES)["orders"]["Tde"] == {"properties": {"state": "Enabled"}}
    assert list(data(estate, SERVERS)) == ["sales"]
    assert gaps(estate) == []


def test_where_there_is_nothing_to_list_below_the_list_that_shows_so_is_the_look(eyes: Eyes) -> None:
    estate = eyes.collect(DATABASES, settings=eyes.settings(TWO))
    look = estate.listing(DATABASES, Place(TWO, "global"))
    assert isinstance(look, Look)
    assert (look.count, look.pages, gaps(estate)) == (0, 1, [])


def test_a_type_may_be_listed_below_resource_groups(eyes: Eyes) -> None:
    estate = eyes.collect(GATEWAYS)
    assert (list(data(estate, GATEWAYS)), gaps(estate)) == (["vpn"], [])


def test_the_subscription_is_a_resource_with_details(eyes: Eyes) -> None:
    eyes.double.put(
        f"/subscriptions/{ONE}/providers/Microsoft.Insights/diagnosticSettings/export", "x", {"properties": {"workspaceId": "/w"}}
    )
    estate = eyes.collect(SUBSCRIPTION)
    (one,) = estate.of(SUBSCRIPTION)
    assert (one.id, one.region, one.data["subscriptionId"]) == (ONE, "global", ONE)
    assert one.data["Exports"] == [{"name": "export", "properties": {"workspaceId": "/w"}}]
    assert len(one.evidence) == 2


def test_each_subscription_is_read_for_itself(eyes: Eyes) -> None:
    eyes.double.put(*account("ledger", sub=TWO))
    estate = eyes.collect((ACCOUNTS, []), settings=eyes.settings(ONE, TWO))
    assert {(one.account, one.id.rpartition("/")[2]) for one in estate.of(ACCOUNTS)} == {
        (ONE, "orders"),
        (ONE, "invoices"),
        (TWO, "ledger"),
    }


def test_nothing_is_sent_but_what_reads(eyes: Eyes) -> None:
    eyes.collect(ACCOUNTS, DATABASES, GATEWAYS, SUBSCRIPTION, settings=eyes.settings(resource_graph=True))
    posts = {one.path for one in eyes.double.asked if one.method != "GET"}
    assert posts == {"/providers/Microsoft.ResourceGraph/resources"}
    assert all("api-version" in one.query for one in eyes.double.asked if one.path != "/msi/token")
    assert not any(word in call.lower() for call in eyes.double.calls() for word in ("listkeys", "appsettings", "register"))


def test_nothing_that_is_not_kept_reaches_the_disk(eyes: Eyes) -> None:
    eyes.collect(ACCOUNTS, DATABASES)
    text = "".join(file.read_text() for file in eyes.folder.rglob("*") if file.is_file())
    assert "orders" in text
    for secret in ("administratorLoginPassword", "primaryEndpoints", "nobody keeps this", "Bearer"):
        assert secret not in text
