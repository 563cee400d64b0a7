"""What a file of the Azure CLI does not tell is a gap, and never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checks.model import Asserted, Reason
from tests.agent.collect.files.azure_files import (
    ALL,
    NIC,
    NICS,
    NSG,
    NSGS,
    SUBSCRIPTION,
    VNET,
    VNETS,
    envelope,
    gap_of,
    imported,
    only,
    whys,
)


def test_what_there_is_of_a_type_is_known_only_where_a_person_asserts_it(tmp_path: Path) -> None:
    estate = imported(tmp_path, {"nsg.json": [NSG]})
    assert [gap.reason for gap in estate.listing(NSGS, ALL)] == [Reason.NOT_COLLECTED]
    assert [gap.reason for gap in estate.listing(VNETS, ALL)] == [Reason.NOT_COLLECTED]
    (tmp_path / "asserted").mkdir()
    asserted = imported(tmp_path / "asserted", {"nsg.json": [NSG]}, asserted_by="ops@shop.example")
    assert asserted.listing(NSGS, ALL) == Asserted("ops@shop.example")
    assert asserted.listing(VNETS, ALL) == Asserted("ops@shop.example")


@pytest.mark.parametrize(
    "cut",
    [
        {"value": [NSG], "nextLink": "https://management.azure.com/next"},
        {"data": [NSG], "$skipToken": "more"},
        {"data": [NSG], "skip_token": "more"},
        {"data": [NSG], "resultTruncated": "true"},
        {"data": [NSG], "total_records": 2, "count": 1},
    ],
    ids=["nextLink", "$skipToken", "skip_token", "resultTruncated", "total_records"],
)
def test_a_list_that_is_cut_short_is_no_whole_list_whoever_asserts_it(tmp_path: Path, cut: Mapping[str, Any]) -> None:
    estate = imported(tmp_path, {"nsg.json": cut}, asserted_by="ops@shop.example")
    assert [gap.reason for gap in estate.listing(NSGS, ALL)] == [Reason.MALFORMED]
    assert len(estate.of(NSGS)) == 1


def test_a_resource_printed_in_outline_has_no_properties_to_judge(tmp_path: Path) -> None:
    """`az resource list` prints `properties: null`, and times beside it."""
    outline = {**NSG, "properties": None, "createdTime": "2026-01-01T00:00:00Z", "provisioningState": "Succeeded"}
    for number, printed in enumerate([outline, {name: held for name, held in outline.items() if held is not None}]):
        (tmp_path / str(number)).mkdir()
        estate = imported(tmp_path / str(number), {"resources.json": [printed]})
        assert gap_of(estate, "properties").reason is Reason.NOT_COLLECTED
        assert "properties" not in only(estate, NSGS).data


@pytest.mark.parametrize("names", [("a.json", "b.json"), ("b.json", "a.json")])
def test_an_outline_gives_way_to_the_whole(tmp_path: Path, names: tuple[str, str]) -> None:
    estate = imported(tmp_path, {names[0]: [{**NSG, "properties": None}], names[1]: [NSG]})
    assert only(estate, NSGS).data == NSG
    assert [gap for gap in estate.gaps if gap.id] == []


def test_the_same_resource_twice_is_one_however_it_is_spelled(tmp_path: Path) -> None:
    shouted = {**NSG, "id": NSG["id"].upper(), "type": NSG["type"].lower()}
    estate = imported(tmp_path, {"a.json": [NSG], "b.json": {"data": [shouted]}})
    assert len(only(estate, NSGS).evidence) == 2
    assert [gap for gap in estate.gaps if gap.id] == []


@pytest.mark.parametrize("name", ["b.json", "0.json"])
def test_the_same_resource_with_other_data_is_a_contradiction(tmp_path: Path, name: str) -> None:
    opened = {**NSG, "properties": {**NSG["properties"], "securityRules": []}}
    estate = imported(tmp_path, {"a.json": [NSG], name: [opened], "c.json": [NSG]})
    assert estate.of(NSGS) == ()
    assert gap_of(estate, None).reason is Reason.MALFORMED
    assert "say different things" in gap_of(estate, None).message


def test_an_id_and_a_type_that_contradict_each_other_tell_nothing(tmp_path: Path) -> None:
    estate = imported(tmp_path, {"a.json": [{**NSG, "type": "Microsoft.Network/routeTables"}]})
    assert estate.of(NSGS) == ()
    assert whys(estate)[NSGS, "web", None] is Reason.MALFORMED


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("properties.enableIPForwarding", {"enableIPForwarding": "false"}),
        ("properties.ipConfigurations", {"ipConfigurations": {"name": "first"}}),
        ("properties.ipConfigurations", {"ipConfigurations": [None]}),
        ("properties.ipConfigurations", {"ipConfigurations": ["first"]}),
        ("properties.macAddress", {"macAddress": "00-00", "MACAddress": "11-11"}),
    ],
    ids=["a text for a boolean", "an object for a list", "a null in a list", "a text for an object", "two spellings"],
)
def test_a_member_of_another_type_is_a_gap_and_never_a_guess(tmp_path: Path, field: str, changed: Mapping[str, Any]) -> None:
    estate = imported(tmp_path, {"nic.json": [{**NIC, "properties": {**NIC["properties"], **changed}}]})
    assert gap_of(estate, field).reason is Reason.MALFORMED
    assert field.split(".")[1] not in only(estate, NICS).data["properties"]


def test_properties_of_another_type_are_a_gap(tmp_path: Path) -> None:
    estate = imported(tmp_path, {"nic.json": [{**NIC, "properties": "all fine"}]})
    assert gap_of(estate, "properties").reason is Reason.MALFORMED


@pytest.mark.parametrize("tags", [["env"], {"env": 1}, {"env": "a", "ENV": "b"}])
def test_tags_of_another_type_are_not_told(tmp_path: Path, tags: Any) -> None:
    estate = imported(tmp_path, {"nsg.json": [{**NSG, "tags": tags}]}, asserted_by="ops@shop.example")
    assert only(estate, NSGS).tags is None
    assert gap_of(estate, "(tags)").reason is Reason.MALFORMED


def test_absent_tags_are_none_only_where_that_is_asserted(tmp_path: Path) -> None:
    assert only(imported(tmp_path, {"vnet.json": VNET}), VNETS).tags is None
    (tmp_path / "asserted").mkdir()
    assert only(imported(tmp_path / "asserted", {"vnet.json": VNET}, asserted_by="ops@shop.example"), VNETS).tags == {}


def test_what_no_catalogue_declares_is_counted_and_not_written(tmp_path: Path) -> None:
    catalog = envelope("Microsoft.Purview", "accounts", "data", {"friendlyName": "data"})
    estate = imported(tmp_path, {"a.json": [NSG, catalog, {"id": f"/subscriptions/{SUBSCRIPTION}", "name": "shop"}]})
    assert sorted(estate.resources) == [NSGS]
    assert whys(estate)["azure.purview.accounts", None, None] is Reason.UNSUPPORTED
