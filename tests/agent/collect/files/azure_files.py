"""Resources as the Azure CLI prints them, put into files, and the estates that come of these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.collect.estate import read_estate
from agent.collect.files.az_cli import import_folder
from checks.model import GLOBAL, Estate, Place, Reason, Resource

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
