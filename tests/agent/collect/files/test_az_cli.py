"""Estates out of Azure's JSON: every form of a file says the same, and so do the children that a parent holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import GLOBAL, Reason
from tests.agent.collect.files.azure_files import (
    NSG,
    NSG_ID,
    NSGS,
    STORAGE,
    SUBNET,
    SUBSCRIPTION,
    VNET,
    VNET_ID,
    VNETS,
    WAREHOUSE,
    envelope,
    flattened,
    gap_of,
    imported,
    only,
    whys,
)

# -- every form says the same ------------------------------------------------------------------------------------------


FORMS = {
    "one": lambda one: one,
    "a list": lambda one: [one],
    "an answer of ARM": lambda one: {"value": [one]},
    "Resource Graph": lambda one: {"count": 1, "data": [one], "skip_token": None, "total_records": 1},
    "Resource Graph's own": lambda one: {"totalRecords": 1, "count": 1, "data": [one], "facets": [], "resultTruncated": "false"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("flat", [False, True], ids=["enveloped", "flattened"])
@pytest.mark.parametrize("one", WAREHOUSE, ids=lambda one: one["type"].split("/")[-1])
def test_every_form_of_a_file_gives_arms_own(tmp_path: Path, form: str, flat: bool, one: Mapping[str, Any]) -> None:
    estate = imported(tmp_path, {"any.json": FORMS[form](flattened(one) if flat else one)})
    type_ = "azure." + one["type"].lower().removeprefix("microsoft.").replace("/", ".")
    found = only(estate, type_)
    assert found.data == one
    assert found.id == one["id"].lower()
    assert (found.account, found.region, found.listed_in) == (SUBSCRIPTION, "westeurope", GLOBAL)
    assert [gap for gap in estate.gaps if gap.id] == []


@given(st.data())
def test_letters_case_and_flattening_change_nothing(data: st.DataObject) -> None:
    """ARM compares names without regard to case, and the SDKs spell some of them otherwise (privateIpAddress)."""
    spell = data.draw(st.sampled_from([str, str.lower, str.upper, str.title, lambda name: name.replace("IP", "Ip")]))
    chosen = data.draw(st.lists(st.sampled_from(WAREHOUSE), min_size=1, unique_by=id))
    with TemporaryDirectory() as folder:
        estate = imported(Path(folder), {"any.json": flattened(chosen, spell)})
        assert [gap for gap in estate.gaps if gap.id] == []
        held = {resource.id: resource.data for resources in estate.resources.values() for resource in resources}
        assert held == {one["id"].lower(): one for one in chosen}


def test_a_location_is_named_as_a_region(tmp_path: Path) -> None:
    spread = [{**NSG, "id": f"{NSG_ID}{number}", "location": location} for number, location in enumerate(["West Europe", "global", None])]
    assert [one.region for one in imported(tmp_path, {"any.json": spread}).of(NSGS)] == [GLOBAL, GLOBAL, "westeurope"]


def test_service_tags_have_no_properties_of_their_own(tmp_path: Path) -> None:
    tag = {"id": "Sql", "name": "Sql", "properties": {"addressPrefixes": ["192.0.2.0/24"], "region": "", "systemService": "AzureSQL"}}
    tags = {
        "id": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/serviceTags/Public",
        "name": "Public",
        "type": "Microsoft.Network/serviceTags",
        "cloud": "Public",
        "values": [tag],
    }
    estate = imported(tmp_path, {"tags.json": tags})
    assert only(estate, "azure.network.servicetags").data["values"] == [tag]
    assert only(estate, "azure.network.servicetags").region == GLOBAL


def test_a_member_that_the_envelope_hides_is_not_told(tmp_path: Path) -> None:
    wan = envelope("Microsoft.Network", "virtualWans", "wan", {"type": "Standard", "virtualHubs": []})
    flat = {**wan, **wan["properties"], "type": wan["type"]}
    del flat["properties"]
    estate = imported(tmp_path, {"wan.json": flat})
    assert gap_of(estate, "properties.type").reason is Reason.NOT_COLLECTED
    (tmp_path / "again").mkdir()
    again = imported(tmp_path / "again", {"wan.json": {**flat, "typePropertiesType": "Standard"}})
    assert only(again, "azure.network.virtualwans").data == wan


def test_names_that_only_the_cli_uses_are_arms_own(tmp_path: Path) -> None:
    printed = {
        "id": STORAGE["id"], "name": "files", "type": "Microsoft.Storage/storageAccounts", "location": "westeurope", "sku": {"name": "Standard_LRS"},
        "enableHttpsTrafficOnly": True, "enableNfsV3": None, "minimumTlsVersion": "TLS1_2",
        "networkRuleSet": {
            "defaultAction": "Deny", "ipRules": [{"action": "Allow", "ipAddressOrRange": "192.0.2.1"}],
            "virtualNetworkRules": [{"action": "Allow", "virtualNetworkResourceId": SUBNET["id"]}],
        },
    }  # fmt: skip
    data = only(imported(tmp_path, {"storage.json": [printed]}), "azure.storage.storageaccounts").data
    rules = {
        "defaultAction": "Deny",
        "ipRules": [{"action": "Allow", "value": "192.0.2.1"}],
        "virtualNetworkRules": [{"action": "Allow", "id": SUBNET["id"]}],
    }
    assert data == {**STORAGE, "properties": {**STORAGE["properties"], "networkAcls": rules}}


# -- children that ARM keeps in their parents ---------------------------------------------------------------------------


def test_a_child_that_its_parent_shows_too_changes_nothing(tmp_path: Path) -> None:
    estate = imported(tmp_path, {"vnet.json": [VNET], "subnets.json": flattened([SUBNET])})
    assert only(estate, VNETS).data == VNET
    assert [gap for gap in estate.gaps if gap.id] == []


@pytest.mark.parametrize(
    "other", [{**SUBNET, "properties": {"addressPrefix": "10.0.1.0/24"}}, {**SUBNET, "id": f"{VNET_ID}/subnets/back", "name": "back"}]
)
def test_a_child_that_contradicts_its_parent_is_a_gap_of_the_parent(tmp_path: Path, other: Mapping[str, Any]) -> None:
    estate = imported(tmp_path, {"vnet.json": [VNET], "subnets.json": [other]})
    assert gap_of(estate, "properties.subnets").reason is Reason.MALFORMED
    assert "subnets" not in only(estate, VNETS).data["properties"]


def test_a_child_alone_shows_that_its_parent_was_not_collected(tmp_path: Path) -> None:
    estate = imported(tmp_path, {"subnets.json": [SUBNET]})
    assert estate.of(VNETS) == ()
    assert whys(estate)[VNETS, "shop", None] is Reason.NOT_COLLECTED
