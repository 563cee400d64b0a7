"""Collecting from the double of Azure with the real clients: a small catalogue, a small company, and the estate of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from agent.collect.aws.client import Deadline
from agent.collect.azure.client import Arm
from agent.collect.azure.cloud import cloud, credential
from agent.collect.azure.collector import AzureCollector
from agent.collect.azure.subscriptions import Entered, enter
from agent.collect.estate import EstateWriter, read_estate
from agent.config.azure import Azure
from checks import catalogue
from checks.document import parse
from checks.model import Estate, Gap, Manifest, Place, Scope
from checks.plan import Plan
from tests.world.arm_double import ArmDouble

ONE = "7b0c2c4e-0000-4000-8000-000000000001"
TWO = "7b0c2c4e-0000-4000-8000-000000000002"
GROUP = f"/subscriptions/{ONE}/resourceGroups/rg-shop"
NOW = datetime.now(UTC)
ACCOUNTS, SERVERS, DATABASES = "azure.storage.storageaccounts", "azure.sql.servers", "azure.sql.servers.databases"
GATEWAYS, NICS, SUBSCRIPTION = "azure.network.virtualnetworkgateways", "azure.network.networkinterfaces", "azure.subscription"
KINDS = catalogue.read([
    parse("""schema: upheld.catalogue/1
service: test
types:
  azure.subscription:
    title: Subscription
    arm:
      type: Microsoft.Resources/subscriptions
      api: "2022-12-01"
      graph: false
      members: {subscriptionId: string, state: string}
      details:
        - {into: Exports, get: providers/Microsoft.Insights/diagnosticSettings, api: 2021-05-01-preview, items: true, members: {name: string, properties: {workspaceId: string}}}
  azure.resources.resourcegroups:
    title: Resource group
    arm: {type: Microsoft.Resources/resourceGroups, api: "2021-04-01", get: resourceGroups, graph: false, members: {managedBy: string}}
  azure.storage.storageaccounts:
    title: Storage account
    omitted_means_none: {properties.minimumTlsVersion: "said there"}
    arm:
      type: Microsoft.Storage/storageAccounts
      api: "2024-01-01"
      witness: supportsHttpsTrafficOnly
      members: {kind: string, properties: {supportsHttpsTrafficOnly: boolean, minimumTlsVersion: string, ipRules: [{value: string}]}}
      details:
        - {into: Blobs, get: blobServices/default, members: {properties: {isVersioningEnabled: boolean}}, absent: [FeatureNotSupportedForAccount]}
        - {into: Diagnostics, get: providers/Microsoft.Insights/diagnosticSettings, api: 2021-05-01-preview, items: true, omitted_means_none: {properties.workspaceId: "said there"}, members: {name: string, properties: {workspaceId: string, logs: [{category: string, enabled: boolean}]}}}
  azure.sql.servers:
    title: SQL server
    arm: {type: Microsoft.Sql/servers, api: "2021-11-01", members: {properties: {fullyQualifiedDomainName: string}}}
  azure.sql.servers.databases:
    title: SQL database
    arm:
      type: Microsoft.Sql/servers/databases
      api: "2021-11-01"
      per: azure.sql.servers
      members: {properties: {status: string}}
      details: [{into: Tde, get: transparentDataEncryption/current, members: {properties: {state: string}}}]
  azure.network.virtualnetworkgateways:
    title: Gateway
    arm: {type: Microsoft.Network/virtualNetworkGateways, api: "2024-05-01", per: azure.resources.resourcegroups, get: providers/Microsoft.Network/virtualNetworkGateways, members: {properties: {gatewayType: string}}}
  azure.network.networkinterfaces:
    title: Interface
    arm:
      type: Microsoft.Network/networkInterfaces
      api: "2024-05-01"
      members: {properties: {macAddress: string}}
      details:
        - {into: Effective, get: effectiveNetworkSecurityGroups, items: true, effective: true, members: {networkSecurityGroup: {id: string}}}
  azure.tenant.subscription: {title: T, scope: global, list: none, found: there, members: {displayName: string, state: string}}
  azure.resourcegraph.count: {title: C, scope: global, list: none, found: there, members: {count: integer}}
""", "test.yaml")
])  # fmt: skip
EVERYTHING: Plan = {ACCOUNTS: frozenset({"*"})}


def account(name: str, /, sub: str = ONE, **properties: Any) -> tuple[str, str, dict[str, Any]]:
    id_ = f"/subscriptions/{sub}/resourceGroups/rg-shop/providers/Microsoft.Storage/storageAccounts/{name}"
    held = {"supportsHttpsTrafficOnly": True, "primaryEndpoints": {"blob": "https://x"}, **properties}
    return (
        id_,
        "Microsoft.Storage/storageAccounts",
        {"location": "West Europe", "tags": {"tier": "data"}, "kind": "StorageV2", "properties": held},
    )


def shop(arm: ArmDouble) -> None:
    """Two subscriptions; storage accounts with their details, a SQL server with databases, a gateway."""
    arm.subscribe(ONE, "Shop")
    arm.subscribe(TWO, "Back office")
    for name in ("orders", "invoices"):
        id_ = arm.put(*account(name, minimumTlsVersion="TLS1_2"))
        arm.put(
            f"{id_}/blobServices/default", "Microsoft.Storage/storageAccounts/blobServices", {"properties": {"isVersioningEnabled": True}}
        )
        arm.put(f"{id_}/providers/Microsoft.Insights/diagnosticSettings/all", "Microsoft.Insights/diagnosticSettings", {
            "properties": {"logs": [{"category": "StorageRead", "enabled": True}], "secret": "nobody keeps this"},
        })  # fmt: skip
    server = arm.put(f"{GROUP}/providers/Microsoft.Sql/servers/Sales", "Microsoft.Sql/servers", {
        "location": "westeurope", "properties": {"fullyQualifiedDomainName": "sales.database.windows.net", "administratorLoginPassword": None},
    })  # fmt: skip
    for name in ("master", "orders"):
        id_ = arm.put(
            f"{server}/databases/{name}", "Microsoft.Sql/servers/databases", {"location": "westeurope", "properties": {"status": "Online"}}
        )
        arm.put(f"{id_}/transparentDataEncryption/current", "x", {"properties": {"state": "Enabled"}})
    arm.put(f"{GROUP}/providers/Microsoft.Network/virtualNetworkGateways/vpn", "Microsoft.Network/virtualNetworkGateways", {
        "location": "westeurope", "properties": {"gatewayType": "Vpn"},
    })  # fmt: skip


@dataclass
class Eyes:
    """Collects from the double into estates."""

    double: ArmDouble
    folder: Path
    runs: int = 0
    notes: list[str] = field(default_factory=list)

    def arm(self, settings: Azure | None = None, *, deadline: float = 60, first_wait: float = 0.001) -> Arm:
        held = settings or self.settings()
        where = cloud(held.cloud, os.environ)
        return Arm(
            where.endpoint,
            where.scope,
            credential(held, where),
            Deadline(time.monotonic() + deadline),
            lambda: datetime.now(UTC),
            first_wait,
        )

    @staticmethod
    def settings(*subscriptions: str, **more: Any) -> Azure:
        given = {"credential": "managed-identity", "resource_graph": False, **more}
        return Azure(subscriptions=list(subscriptions or (ONE,)), **given)

    def collect(
        self, *types: str | tuple[str, Iterable[str]], settings: Azure | None = None, deadline: float = 60, kinds: Any = KINDS
    ) -> Estate:
        """An estate of these types, with all their details or those named."""
        plan: dict[str, frozenset[str]] = {}
        for one in types:
            name, members = (one, ("*",)) if isinstance(one, str) else one
            plan[name] = frozenset(members)
        self.runs += 1
        place = self.folder / f"estate-{self.runs}"
        with mock.patch.dict(os.environ, self.double.environment), EstateWriter(place) as writer:
            held = settings or self.settings()
            arm = self.arm(held, deadline=deadline)
            doors = list(enter(held, arm, "westeurope"))
            entered = [door for door in doors if isinstance(door, Entered)]
            regions = AzureCollector(kinds, plan, writer, arm.deadline, lambda: NOW, self.notes.append).collect(entered)
            arm.close()
            scope = Scope({one.id: regions[one.id] or ("*",) for one in entered}, tuple(plan))
            writer.finish(Manifest("upheld.estate/1", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z", "test", {}, None, scope))
        return read_estate(place)


def gaps(estate: Estate) -> list[tuple[str, str, str | None, str]]:
    """(type, id's last name or *, field, reason) of each gap."""
    return [(gap.type.rpartition(".")[2], _last(gap), gap.field, str(gap.reason)) for gap in estate.gaps]


def _last(gap: Gap) -> str:
    return gap.id.rpartition("/")[2] if gap.id else "*"


def data(estate: Estate, type_: str) -> Mapping[str, Mapping[str, Any]]:
    return {one.id.rpartition("/")[2]: one.data for one in estate.of(type_)}


def reasons(estate: Estate, type_: str = ACCOUNTS) -> set[str]:
    held = estate.listing(type_, Place(ONE, "global"))
    return {str(gap.reason) for gap in held} if isinstance(held, tuple) else set()
