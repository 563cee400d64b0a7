"""Exported templates: what they declare, what a deployment decides, and what they leave open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.collect.estate import EstateError
from checks.model import Asserted, Reason
from tests.agent.collect.files.azure_files import (
    ALL,
    EXPORTED,
    NSG_ID,
    NSGS,
    PLACED,
    SUBSCRIPTION,
    VNET,
    VNETS,
    declared,
    gap_of,
    imported,
    only,
    template,
)


def test_a_template_declares_resources_with_their_children(tmp_path: Path) -> None:
    estate = imported(tmp_path, {PLACED: EXPORTED})
    network = only(estate, VNETS)
    assert [(one["name"], one["properties"]["addressPrefix"]) for one in network.data["properties"]["subnets"]] == [
        ("front", "10.0.1.0/24"),
        ("back", "10.0.2.0/24"),
    ]
    assert network.data["properties"]["subnets"][0]["properties"]["networkSecurityGroup"]["id"] == NSG_ID
    assert network.data["properties"]["virtualNetworkPeerings"][0]["properties"] == {"allowForwardedTraffic": True}
    assert [one["name"] for one in only(estate, NSGS).data["properties"]["securityRules"]] == ["https"]
    assert only(estate, NSGS).id == NSG_ID.lower()
    assert [gap for gap in estate.gaps if gap.id] == []
    assert {look.call for look in estate.looks} == {"template"}


def test_resources_may_be_an_object_and_what_exists_already_is_not_declared(tmp_path: Path) -> None:
    held = {
        "nsg": declared("Microsoft.Network/networkSecurityGroups", "web", {}),
        "net": {"existing": True, "type": "Microsoft.Network/virtualNetworks", "name": "shop"},
    }
    estate = imported(tmp_path, {PLACED: {**template(), "languageVersion": "2.0", "resources": held}})
    assert sorted(estate.resources) == [NSGS]


def test_a_template_without_a_folder_needs_the_options(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=r"which subscription .* --account"):
        imported(tmp_path, {"t.json": EXPORTED})
    with pytest.raises(EstateError, match=r"which resource group .* --resource-group"):
        imported(tmp_path, {"t.json": EXPORTED}, account=SUBSCRIPTION)
    assert len(imported(tmp_path, {"t.json": EXPORTED}, account=SUBSCRIPTION, group="Shop").of(VNETS)) == 1


def test_what_a_deployment_decides_is_a_gap_of_that_member(tmp_path: Path) -> None:
    network = declared(
        "Microsoft.Network/virtualNetworks", "shop",
        {"addressSpace": {"addressPrefixes": ["[parameters('space')]"]}, "subnets": [{"name": "front", "properties": {"networkSecurityGroup": {"id": "[parameters('space')]"}}}]},
        location="[resourceGroup().location]",
    )  # fmt: skip
    held = {PLACED: template(network, parameters={"space": {"type": "string"}})}
    estate = imported(tmp_path, held)
    fields = {gap.field for gap in estate.gaps if gap.id}
    assert fields == {"location", "properties.addressSpace.addressPrefixes", "properties.subnets[].properties.networkSecurityGroup.id"}
    assert {gap.reason for gap in estate.gaps if gap.id} == {Reason.NOT_COLLECTED}
    assert only(estate, VNETS).data["properties"]["addressSpace"] == {}
    (tmp_path / "placed").mkdir()
    assert only(imported(tmp_path / "placed", held, region="northeurope"), VNETS).region == "northeurope"


def leaves(held: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all that is no object and no list."""
    if isinstance(held, dict | list):
        for step, below in held.items() if isinstance(held, dict) else enumerate(held):
            yield from leaves(below, (*path, step))
    else:
        yield path


@pytest.mark.parametrize("path", list(leaves(VNET["properties"])), ids=lambda path: ".".join(map(str, path)))
def test_a_member_that_is_not_told_changes_nothing_but_itself(tmp_path: Path, path: tuple[Any, ...]) -> None:
    """A gap in the place of a fact: what is left of the resource is what it was, and the gap names where."""
    properties = json.loads(json.dumps(VNET["properties"]))
    expected = json.loads(json.dumps(VNET["properties"]))
    at, kept = properties, expected
    for number, step in enumerate(path[:-1]):
        if isinstance(path[number + 1], int) and isinstance(kept[step], list) and not isinstance(kept[step][0], dict):
            del kept[step]  # a list of texts is told whole or not at all
            break
        at, kept = at[step], kept[step]
    else:
        del kept[path[-1]]
    at = properties
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = "[reference('other').value]"
    estate = imported(tmp_path, {PLACED: template(declared("Microsoft.Network/virtualNetworks", "shop", properties))})
    assert only(estate, VNETS).data["properties"] == expected
    (gap,) = [gap for gap in estate.gaps if gap.id]
    steps = [step for step in ("properties", *path) if not isinstance(step, int)]
    assert gap.field is not None
    assert gap.field.replace("[]", "").split(".") == steps
    assert gap.reason is Reason.NOT_COLLECTED


def test_a_template_is_read_without_regard_to_the_case_of_names(tmp_path: Path) -> None:
    shouted = {
        name.upper(): held for name, held in declared("Microsoft.Network/networkSecurityGroups", "web", {"SecurityRules": []}).items()
    }
    twice = {**declared("Microsoft.Network/routeTables", "web", {}), "Properties": {"routes": []}}
    off = {**declared("Microsoft.Network/virtualNetworks", "shop", {}), "Condition": False}
    estate = imported(tmp_path, {PLACED: template(shouted, twice, off)})
    assert only(estate, NSGS).data["properties"] == {"securityRules": []}
    assert (estate.of("azure.network.routetables"), estate.of(VNETS)) == ((), ())
    assert "differ in case only" in gap_of(estate, None).message


NAMELESS = {
    "a name": {"name": "[parameters('asked')]"},
    "a copy loop": {"name": "web", "copy": {"name": "loop", "count": 3}},
    "a scope": {"name": "web", "scope": "/"},
    "a name that does not fit": {"name": "web/extra"},
}


@pytest.mark.parametrize("why", NAMELESS)
def test_a_resource_whose_name_is_not_told_leaves_the_list_open_whoever_asserts_it(tmp_path: Path, why: str) -> None:
    held = template(
        {**declared("Microsoft.Network/networkSecurityGroups", "", {}), **NAMELESS[why]},
        declared("Microsoft.Network/virtualNetworks", "shop", {}),
    )
    estate = imported(tmp_path, {PLACED: held}, asserted_by="ops@shop.example")
    assert [gap.reason for gap in estate.listing(NSGS, ALL)] == [Reason.NOT_COLLECTED]
    assert isinstance(estate.listing(VNETS, ALL), Asserted)


def test_a_child_whose_name_is_not_told_leaves_its_parents_list_open(tmp_path: Path) -> None:
    lone = {"type": "Microsoft.Network/virtualNetworks/subnets", "name": "[concat('shop/', parameters('asked'))]", "properties": {}}
    estate = imported(tmp_path, {PLACED: template(declared("Microsoft.Network/virtualNetworks", "shop", {"subnets": []}), lone)})
    assert gap_of(estate, "properties.subnets").reason is Reason.NOT_COLLECTED
    assert "subnets" not in only(estate, VNETS).data["properties"]


def test_a_nested_deployment_may_make_anything(tmp_path: Path) -> None:
    deployment = {"type": "Microsoft.Resources/deployments", "name": "more", "properties": {"templateLink": {}}}
    estate = imported(
        tmp_path, {PLACED: template(deployment, declared("Microsoft.Network/virtualNetworks", "shop", {}))}, asserted_by="ops@shop.example"
    )
    assert [gap.reason for gap in estate.listing(VNETS, ALL)] == [Reason.NOT_COLLECTED]
    assert [gap.reason for gap in estate.listing("azure.sql.servers", ALL)] == [Reason.NOT_COLLECTED]


@pytest.mark.parametrize(
    ("condition", "there", "gaps"), [(True, 1, 0), (False, 0, 0), ("[parameters('asked')]", 0, 1), ("[equals(1, 1)]", 0, 1)]
)
def test_a_condition_says_whether_a_resource_is_there(tmp_path: Path, condition: Any, there: int, gaps: int) -> None:
    held = template(
        declared("Microsoft.Network/networkSecurityGroups", "web", {}, condition=condition),
        declared("Microsoft.Network/virtualNetworks", "shop", {}),
    )
    estate = imported(tmp_path, {PLACED: held})
    assert len(estate.of(NSGS)) == there
    assert len([gap for gap in estate.gaps if gap.type == NSGS and gap.id]) == gaps


@pytest.mark.parametrize("odd", ["text", 7, None, ["list"], {"type": 7, "name": "x"}, {"type": "web", "name": "x"}, {"name": "x"}], ids=str)
def test_an_odd_member_of_a_template_is_never_silence(tmp_path: Path, odd: Any) -> None:
    estate = imported(
        tmp_path, {PLACED: template(odd, declared("Microsoft.Network/virtualNetworks", "shop", {}))}, asserted_by="ops@shop.example"
    )
    assert isinstance(estate.listing(VNETS, ALL), tuple)
