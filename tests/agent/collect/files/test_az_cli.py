"""Estates out of Azure's JSON: every form says the same, what a file does not tell is a gap, and nothing secret is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.collect.estate import EstateError, read_estate
from agent.collect.files.az_cli import import_folder
from checks.document import DocumentError
from checks.model import GLOBAL, Asserted, Estate, Place, Reason, Resource
from tests.conftest import Ended, upheld

SUBSCRIPTION = "7b0c2c4e-0000-4000-8000-000000000001"
OTHER = "7b0c2c4e-0000-4000-8000-000000000002"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Shop"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
AT = "2026-11-20T12:00:00Z"
ALL = Place(SUBSCRIPTION, GLOBAL)
NSGS, VNETS, NICS = "azure.network.networksecuritygroups", "azure.network.virtualnetworks", "azure.network.networkinterfaces"


def envelope(provider: str, type_: str, name: str, properties: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    id_ = f"{GROUP}/providers/{provider}/{type_}/{name}"
    return {"id": id_, "name": name, "type": f"{provider}/{type_}", "location": "westeurope", "properties": dict(properties), **others}


def child(parent: str, type_: str, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    parts = parent.split("/providers/")[1].split("/")
    return {"id": f"{parent}/{type_}/{name}", "name": name, "type": f"{parts[0]}/{parts[1]}/{type_}", "properties": dict(properties)}


NSG_ID, VNET_ID = f"{NETWORK}/networkSecurityGroups/web", f"{NETWORK}/virtualNetworks/shop"
RULE = {
    "protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "443", "sourceAddressPrefix": "Internet",
    "destinationAddressPrefix": "*", "access": "Allow", "priority": 100, "direction": "Inbound",
}  # fmt: skip
NSG = envelope(
    "Microsoft.Network", "networkSecurityGroups", "web",
    {"securityRules": [child(NSG_ID, "securityRules", "https", RULE)], "defaultSecurityRules": [], "subnets": [{"id": f"{VNET_ID}/subnets/front"}]},
    tags={"env": "prod"},
)  # fmt: skip
SUBNET = child(
    VNET_ID, "subnets", "front",
    {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": NSG_ID}, "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Sql/managedInstances"}}]},
)  # fmt: skip
PEERING = child(
    VNET_ID,
    "virtualNetworkPeerings",
    "hub",
    {"peeringState": "Connected", "remoteVirtualNetwork": {"id": f"{NETWORK}/virtualNetworks/hub"}},
)
VNET = envelope(
    "Microsoft.Network", "virtualNetworks", "shop",
    {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [SUBNET], "virtualNetworkPeerings": [PEERING]},
)  # fmt: skip
IP_CONFIGURATION = child(f"{NETWORK}/networkInterfaces/web1", "ipConfigurations", "first", {
    "privateIPAddress": "10.0.1.4", "primary": True, "subnet": {"id": SUBNET["id"]}, "publicIPAddress": {"id": f"{NETWORK}/publicIPAddresses/web1"},
})  # fmt: skip
NIC = envelope("Microsoft.Network", "networkInterfaces", "web1", {"ipConfigurations": [IP_CONFIGURATION], "enableIPForwarding": False})
GATEWAY = envelope("Microsoft.Network", "applicationGateways", "edge", {"sku": {"name": "WAF_v2"}, "httpListeners": []}, zones=["1"])
BASTION = envelope(
    "Microsoft.Network", "bastionHosts", "jump", {"dnsName": "jump.example", "ipConfigurations": []}, sku={"name": "Standard"}
)
MACHINE = envelope(
    "Microsoft.Compute", "virtualMachines", "web1",
    {"vmId": "1", "networkProfile": {"networkInterfaces": [{"id": NIC["id"], "properties": {"primary": True, "deleteOption": "Delete"}}]}},
)  # fmt: skip
SERVER = envelope(
    "Microsoft.Sql", "servers", "orders", {"fullyQualifiedDomainName": "orders.example", "publicNetworkAccess": "Enabled"}, kind="v12.0"
)
STORAGE = envelope(
    "Microsoft.Storage",
    "storageAccounts",
    "files",
    {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2"},
    sku={"name": "Standard_LRS"},
)
WAREHOUSE = [NSG, VNET, NIC, GATEWAY, BASTION, MACHINE, SERVER, STORAGE]


def flattened(held: Any, spell: Any = lambda name: name) -> Any:
    """As commands of the CLI print it: properties beside the envelope, a resource group wherever there is an id."""
    if isinstance(held, list):
        return [flattened(one, spell) for one in held]
    if not isinstance(held, dict):
        return held
    flat = {**{name: below for name, below in held.items() if name != "properties"}, **held.get("properties", {})}
    as_is = {"id", "name", "type", "location", "tags"}
    printed = {name if name in as_is else spell(name): below if name == "tags" else flattened(below, spell) for name, below in flat.items()}
    return {**printed, "resourceGroup": "Shop", "etag": None} if "id" in held else printed


def put(folder: Path, held: Mapping[str, Any]) -> Path:
    for name, data in held.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return folder


def imported(folder: Path, held: Mapping[str, Any], **options: Any) -> Estate:
    given_: dict[str, Any] = {"account": None, "group": None, "region": None, "collected_at": AT, "asserted_by": None, **options}
    import_folder(put(folder / "src", held), folder / "out", **given_)
    return read_estate(folder / "out")


def only(estate: Estate, type_: str) -> Resource:
    (found,) = estate.of(type_)
    return found


def whys(estate: Estate) -> dict[tuple[str, str | None, str | None], Reason]:
    return {(gap.type, gap.id.rsplit("/", 1)[-1] if gap.id else None, gap.field): gap.reason for gap in estate.gaps}


def gap_of(estate: Estate, field: str | None) -> Any:
    (found,) = [gap for gap in estate.gaps if gap.id is not None and gap.field == field]
    return found


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
@settings(max_examples=60, deadline=None)
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


# -- what is not told --------------------------------------------------------------------------------------------------


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


# -- templates -----------------------------------------------------------------------------------------------------------


SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
PLACED = f"{SUBSCRIPTION}/Shop/template.json"


def template(*resources: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": list(resources), **others}


def declared(type_: str, name: str, properties: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    return {"type": type_, "apiVersion": "2024-05-01", "name": name, "location": "westeurope", "properties": dict(properties), **others}


EXPORTED = template(
    declared("Microsoft.Network/networkSecurityGroups", "[parameters('nsg')]", {"securityRules": [{"name": "https", "properties": RULE}]}),
    declared(
        "Microsoft.Network/virtualNetworks", "shop",
        {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [{
                "name": "front", "id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'shop', 'front')]",
                "properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": "[resourceId('Microsoft.Network/networkSecurityGroups', parameters('nsg'))]"}},
            }],
        },
        resources=[{"type": "virtualNetworkPeerings", "name": "hub", "properties": {"allowForwardedTraffic": True}}],
    ),
    {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "[concat(parameters('nsg'), '/https')]", "properties": RULE},
    {"type": "Microsoft.Network/virtualNetworks/subnets", "name": "shop/back", "properties": {"addressPrefix": "10.0.2.0/24"}},
    parameters={"nsg": {"type": "string", "defaultValue": "web"}},
)  # fmt: skip


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


# -- files that are none -------------------------------------------------------------------------------------------------


BAD: dict[str, tuple[str, Any]] = {
    "a lone surrogate": ("lone surrogate", json.dumps([{**NSG, "name": "\ud800"}]).encode()),
    "the same member twice": ("stands twice", b'[{"id": "a", "id": "b"}]'),
    "deep nesting": ("nested deeper", b"[" * 100_000 + b"]" * 100_000),
    "a number of 5000 digits": ("not JSON", b"[" + b"9" * 5000 + b"]"),
    "a table": ("not JSON", b"Name    Location\n----    ----\n"),
    "nothing": (r"write \[\] into it", b" \n"),
    "an error": ("the error AuthorizationFailed", {"error": {"code": "AuthorizationFailed", "message": "no"}}),
    "a table of Resource Graph": ("objectArray", {"data": {"columns": [], "rows": []}}),
    "a page that is empty": ("nothing tells of which type", {"value": [], "nextLink": "https://management.azure.com/next"}),
    "an object without an id": ("object 2 has no id", [NSG, {"name": "x"}]),
    "an object that is none": ("object 2 has no id", [NSG, "x"]),
    "an id that is none": (
        "object 2 has no id",
        [NSG, {**NSG, "id": "/subscriptions/mine/resourceGroups/g/providers/Microsoft.Network/routeTables/r"}],
    ),
    "no resource": ("no file to import", {"name": "x"}),
    "an empty list": ("no file to import", []),
    "a text": ("no file to import", "x"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_file_is_an_error_that_names_it_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    problem, held = BAD[name]
    with pytest.raises((EstateError, DocumentError), match=problem) as raised:
        imported(tmp_path, {"a.json": held})
    assert "a.json" in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    """A link in a circle: one that nobody may read, root could."""
    put(tmp_path / "src", {"a.json": NSG})
    (tmp_path / "src" / "b.json").symlink_to("b.json")
    with pytest.raises(DocumentError, match=r"b\.json: (cannot be read|not a regular file)"):
        imported(tmp_path, {})


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    put(tmp_path / "src", {"a.json": NSG})
    os.mkfifo(tmp_path / "src" / "b.json")
    with pytest.raises(DocumentError, match=r"b.json: not a regular file"):
        imported(tmp_path, {})


def test_a_folder_of_one_subscription_holds_no_other(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=f"its folder names the subscription {OTHER}"):
        imported(tmp_path, {f"{OTHER}/a.json": [NSG]})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"account": "111122223333"}, "is a GUID"),
        ({"region": "../x"}, "not the name of a location"),
        ({"collected_at": "yesterday"}, "--collected-at yesterday"),
        ({"asserted_by": " "}, "name who asserts it"),
    ],
)
def test_an_option_that_says_nothing_is_an_error(tmp_path: Path, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(EstateError, match=problem):
        imported(tmp_path, {"a.json": NSG}, **options)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "properties", "subnets", "Subnets", "addressSpace", "name", "tags", "location"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_resource_is_too_odd(odd: Any) -> None:
    """Whatever stands in the members: it is imported, a gap, or an error that names the file."""
    with TemporaryDirectory() as folder:
        try:
            estate = imported(Path(folder), {"a.json": [{**VNET, "properties": odd}, {**NSG, "tags": odd, "location": odd}]})
        except (DocumentError, EstateError) as error:
            problem = str(error)
        else:
            problem = "a.json"
            assert len(estate.of(VNETS)) == len(estate.of(NSGS)) == 1
        assert "a.json" in problem


# -- nothing secret reaches the disk --------------------------------------------------------------------------------------


def test_nothing_secret_is_kept(tmp_path: Path) -> None:
    secret = "c0ffee-secret"
    connection = envelope(
        "Microsoft.Network", "connections", "office", {"connectionType": "IPsec", "sharedKey": secret, "authorizationKey": secret}
    )
    circuit = envelope(
        "Microsoft.Network", "expressRouteCircuits", "line",
        {"serviceProviderProvisioningState": "Provisioned", "serviceKey": secret, "authorizations": [{"name": "a", "properties": {"authorizationKey": secret}}],
         "peerings": [{"name": "p", "properties": {"peeringType": "AzurePrivatePeering", "sharedKey": secret}}]},
    )  # fmt: skip
    gateway = envelope(
        "Microsoft.Network",
        "virtualNetworkGateways",
        "vpn",
        {"gatewayType": "Vpn", "vpnClientConfiguration": {"radiusServerSecret": secret, "radiusServers": [{"radiusServerSecret": secret}]}},
    )
    machine = {
        **MACHINE,
        "properties": {**MACHINE["properties"], "userData": secret, "osProfile": {"adminPassword": secret, "customData": secret}},
        "resources": [{"properties": {"settings": {"key": secret}}}],
    }
    scale_set = envelope(
        "Microsoft.Compute",
        "virtualMachineScaleSets",
        "pool",
        {
            "virtualMachineProfile": {
                "userData": secret,
                "osProfile": {"customData": secret},
                "extensionProfile": {"extensions": [secret]},
                "networkProfile": {"networkInterfaceConfigurations": []},
            }
        },
    )
    server = {**SERVER, "properties": {**SERVER["properties"], "administratorLoginPassword": secret}}
    edge = {
        **GATEWAY,
        "properties": {**GATEWAY["properties"], "sslCertificates": [{"name": "c", "properties": {"data": secret, "password": secret}}]},
    }
    held = [connection, circuit, gateway, machine, scale_set, server, edge]
    estate = imported(tmp_path, {"a.json": held, "b.json": flattened([{**one, "id": one["id"] + "2"} for one in held])})
    assert sum(map(len, estate.resources.values())) == 14
    assert not any(secret in file.read_text() for file in (tmp_path / "out").rglob("*") if file.is_file())


# -- the command, and what comes after it ----------------------------------------------------------------------------------


RULE_FILE = """
id: azure-storage-https-only
title: Storage account takes HTTPS only
control: encryption-in-transit
severity: high
resource: azure.storage.storageaccounts
upheld_if: resource.properties.supportsHttpsTrafficOnly
remedy: Require secure transfer.
source: "Azure Storage documentation, Require secure transfer"
examples:
  upheld:   [ {properties: {supportsHttpsTrafficOnly: true}} ]
  broken:   [ {properties: {supportsHttpsTrafficOnly: false}} ]
  unproven: [ {properties: {}} ]
"""


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A folder with a rule of one's own on an Azure type."""
    put(tmp_path, {"own/azure-storage-https-only.yaml": RULE_FILE.encode(), "upheld.yaml": b"schema: upheld.config/1\nrules: [own/]\n"})
    return tmp_path


def storage(name: str, **properties: Any) -> dict[str, Any]:
    return envelope("Microsoft.Storage", "storageAccounts", name, properties)


def command(folder: Path, held: Any, *options: str) -> Ended:
    put(folder / "src", {"storage.json": held})
    done = upheld("import", "az-cli", "src", "-o", "estate", "--collected-at", AT, *options, cwd=folder)
    assert (done.code, done.err) == (0, "")
    return upheld("check", "--estate", "estate", "--max-age", "0", "--all-rules", "--format", "json", cwd=folder)


def own(done: Ended) -> list[dict[str, Any]]:
    """What the rule of one's own found, beside those that come with the program."""
    return [one for one in done.report["findings"] if one["rule"] == "azure-storage-https-only"]


def test_a_rule_on_an_azure_type_judges_an_imported_estate(judged: Path) -> None:
    done = command(
        judged,
        [
            storage("good", supportsHttpsTrafficOnly=True),
            storage("bad", supportsHttpsTrafficOnly=False),
            storage("silent", minimumTlsVersion="TLS1_2"),
        ],
    )
    verdicts = {one["resource"]["id"].rsplit("/", 1)[-1]: one["verdict"] for one in own(done)}
    assert verdicts == {"good": "upheld", "bad": "broken", "silent": "unproven", "*": "unproven"}
    assert done.code == 1


@pytest.mark.parametrize(
    ("value", "verdict"), [(True, "upheld"), (False, "broken"), ("true", "unproven"), (2**70, "unproven"), (None, "unproven")]
)
def test_a_value_of_another_type_is_never_upheld(judged: Path, value: Any, verdict: str) -> None:
    done = command(
        judged, [storage("one", supportsHttpsTrafficOnly=value, allowBlobPublicAccess=False)], "--assert-complete", "ops@shop.example"
    )
    (finding,) = own(done)
    assert finding["verdict"] == verdict


def test_an_asserted_list_is_an_assumption_of_its_findings(judged: Path) -> None:
    done = command(judged, [storage("good", supportsHttpsTrafficOnly=True)], "--assert-complete", "ops@shop.example")
    (finding,) = own(done)
    assert finding["evidence"]["assumptions"] == ["ops@shop.example asserts that the imported files hold all there is"]


def test_a_contradiction_is_an_unproven_finding(judged: Path) -> None:
    done = command(
        judged,
        [storage("one", supportsHttpsTrafficOnly=True), storage("one", supportsHttpsTrafficOnly=False)],
        "--assert-complete",
        "ops@shop.example",
    )
    assert [one["verdict"] for one in own(done)] == ["unproven"]


def test_without_rules_nothing_is_judged_and_that_is_said(tmp_path: Path) -> None:
    put(tmp_path / "src", {"nsg.json": [NSG]})
    upheld("import", "az-cli", "src", "-o", "estate", "--collected-at", AT, cwd=tmp_path)
    done = upheld("check", "--estate", "estate", "--max-age", "0", "--all-rules", cwd=tmp_path)
    assert done.code == 3
    assert "there is nothing to judge: no rule is about anything in this estate" in done.out


def test_two_imports_can_be_compared(tmp_path: Path) -> None:
    changed = {**NSG, "id": NSG["id"].upper(), "properties": {**NSG["properties"], "securityRules": []}}
    for name, held in {"a": NSG, "b": changed}.items():
        put(tmp_path / name, {"nsg.json": [held]})
        upheld("import", "az-cli", name, "-o", f"estate-{name}", "--collected-at", AT, cwd=tmp_path)
    done = upheld("diff", "estate-a", "estate-b", cwd=tmp_path)
    assert f"changed  {NSGS} {NSG_ID.lower()} in {SUBSCRIPTION}/westeurope" in done.out
    assert "properties.securityRules" in done.out


def test_the_same_files_give_the_same_estate(tmp_path: Path) -> None:
    put(tmp_path / "src", {"a.json": WAREHOUSE, PLACED: EXPORTED})
    for name in ("one", "two"):
        assert upheld("import", "az-cli", "src", "-o", name, "--collected-at", AT, cwd=tmp_path).code == 0
    one, two = (
        {file.relative_to(tmp_path / name): file.read_bytes() for file in (tmp_path / name).rglob("*") if file.is_file()}
        for name in ("one", "two")
    )
    assert one == two


def test_an_error_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    put(tmp_path / "src", {"a.json": b"{"})
    done = upheld("import", "az-cli", "src", "-o", "estate", cwd=tmp_path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert done.err.startswith("upheld: src/a.json:1: not JSON")
    assert upheld("import", "aws-cli", "src", "-o", "estate", "--resource-group", "g", cwd=tmp_path).code == 2


def test_the_summary_tells_what_was_left_out(tmp_path: Path) -> None:
    catalog = envelope("Microsoft.Purview", "accounts", "data", {})
    put(
        tmp_path / "src",
        {"a.json": {"value": [NSG, catalog], "nextLink": "https://management.azure.com/next"}, PLACED: EXPORTED, "notes.txt": b"x"},
    )
    done = upheld("import", "az-cli", "src", "-o", "estate", cwd=tmp_path)
    assert "left out: 1 of Microsoft.Purview/accounts" in done.out
    assert "not complete: a.json: its nextLink says that there are more" in done.out
    assert f"not told: {NSG_ID.lower()}" in done.out
    assert f"templates, which say what was to be deployed: {PLACED}" in done.out
    assert "not used: notes.txt" in done.out
    assert "what is not in the files is not collected" in done.out
