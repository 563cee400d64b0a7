"""Platform services: storage accounts, key vaults, database servers, at a public endpoint or in a subnet of their own.

Sources: Azure docs, storage-network-security (publicNetworkAccess, networkAcls), key-vault network-security, sql
firewall-configure and flexible-server concepts-networking-public ("0.0.0.0 ... connections from all Azure services", of any
customer), virtual-network-service-endpoints-overview ("the source IP addresses ... switch from public to private", so that
firewall rules for addresses do not match), concepts-networking-private (a delegated subnet).

A service's public address is told by its name alone. STAND_IN, the IPv4 dummy address of RFC 7600, is taken for that of every
service, so that a packet to it comes to each one. Nor is it told which of a delegated subnet's addresses a server has: it
counts as having any that nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from checks.network.packet import TCP, Packet
from checks.network.simulate_azure.answers import Allowed, Answer, Denied, Doubt
from checks.network.simulate_azure.outbound import UNTOLD
from checks.network.simulate_azure.wire import Json, covers, key, listed, name_of, properties, read_address, read_prefix
from checks.network.simulate_azure.world import Subnet, World

STAND_IN = int(IPv4Address("192.0.0.8"))
AZURE = "azure"
"""Where every Azure service sends from, of any customer."""

_PORTS: Mapping[str, tuple[int, ...]] = {
    "storage.storageaccounts": (80, 443, 445),
    "keyvault.vaults": (443,),
    "sql.servers": (1433,),
    "dbforpostgresql.flexibleservers": (5432, 6432),
    "dbformysql.flexibleservers": (3306,),
}
_ENDPOINTS = {"storage.storageaccounts": "microsoft.storage", "keyvault.vaults": "microsoft.keyvault", "sql.servers": "microsoft.sql"}
_ALL_OF_AZURE = ("0.0.0.0", "0.0.0.0")  # noqa: S104  # how a firewall rule says it
_EVERY_ADDRESS = (0, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class Service:
    type: str
    data: Json

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def name(self) -> str:
        return str(self.data.get("name") or name_of(self.id))

    @property
    def access(self) -> Json:
        """What says who may come: of flexible servers a member of its own."""
        given = properties(self.data)
        inner = given.get("network")
        return inner if self.type.endswith("flexibleservers") and isinstance(inner, Mapping) else given

    @property
    def subnet(self) -> str:
        """The subnet that is delegated to it, or the empty string."""
        return key(self.access.get("delegatedSubnetResourceId"))


def services(world: World) -> list[Service]:
    return [Service(type_, data) for type_ in _PORTS for data in world.of(type_)]


def service(world: World, identifier: str) -> Service | None:
    return next((one for one in services(world) if one.id == key(identifier)), None)


def servers_in(world: World, subnet: Subnet, family: int, address: int) -> list[Service]:
    """The servers that may have an address of the subnet delegated to them (the first four and the last are Azure's own)."""
    for prefix in subnet.ranges:
        first, last = int(prefix.network_address), int(prefix.broadcast_address)
        if covers(prefix, family, address) and (last - first <= 5 or first + 4 <= address < last):
            return [one for one in services(world) if one.subnet == subnet.id]
    return []


def has_endpoint(subnet: Subnet, one: Service) -> bool:
    """Whether what a subnet sends to the service goes by a service endpoint."""
    wanted = _ENDPOINTS.get(one.type)
    told = [str(each.get("service", "")).lower() for each in listed(properties(subnet.data), "serviceEndpoints")]
    return wanted is not None and any(each.startswith(wanted) for each in told)


def admits(world: World, one: Service, packet: Packet, *, subnet: Subnet | None = None, azure: bool = False) -> Answer:
    """Whether a service takes a packet at its public endpoint: from `subnet` by a service endpoint, or from Azure's own
    addresses, or from the internet."""
    access = one.access.get("publicNetworkAccess")
    if one.subnet or access == "Disabled":
        return Denied(f"{one.name}: public network access is disabled")
    if packet.protocol != TCP or packet.destination_port not in _PORTS[one.type]:
        return Denied(f"{one.name}: it does not listen for {packet}")
    answer = _by_rules(world, one, packet, azure=azure) if subnet is None else _by_subnet(world, one, subnet)
    if access != "Enabled" and not isinstance(answer, Denied):
        return Doubt(f"{one.name}: whether public network access is enabled is not in the estate")
    return answer


def _by_subnet(world: World, one: Service, subnet: Subnet) -> Answer:
    acls = _acls(one)
    if acls.get("defaultAction") == "Allow":
        return Allowed(("default action",))
    named = [key(each.get("id")) for each in listed(acls, "virtualNetworkRules")]
    named += [key(properties(each).get("virtualNetworkSubnetId")) for each in _children(world, one, "virtualnetworkrules")]
    return Allowed((f"virtual network rule {subnet.name}",)) if subnet.id in named else Denied(f"{one.name}: no rule for {subnet.name}")


def _by_rules(world: World, one: Service, packet: Packet, *, azure: bool) -> Answer:
    acls = _acls(one)
    if acls:
        ranges = [(int(each.network_address), int(each.broadcast_address)) for each in map(read_prefix, _values(acls)) if each]
        return Allowed(("default action",)) if acls.get("defaultAction") == "Allow" else _in(one, packet, ranges)
    if one.type not in {"sql.servers", "dbforpostgresql.flexibleservers", "dbformysql.flexibleservers"}:
        return Doubt(f"{one.name}: its network rules are not in the estate")
    given = [properties(each) for each in _children(world, one, "firewallrules")]
    ends = [(str(each.get("startIpAddress")), str(each.get("endIpAddress"))) for each in given]
    ranges = [
        (low[1], high[1])
        for pair in ends
        if pair != _ALL_OF_AZURE and (low := read_address(pair[0])) is not None and (high := read_address(pair[1])) is not None
    ]
    answer = _in(one, packet, ranges)
    if isinstance(answer, Allowed) or _ALL_OF_AZURE not in ends:
        return answer
    return Allowed(("every Azure service",)) if azure else Doubt(f"{one.name}: it admits every Azure service, of any customer")


def _in(one: Service, packet: Packet, ranges: list[tuple[int, int]]) -> Answer:
    if packet.source == UNTOLD and ranges and _EVERY_ADDRESS not in ranges:
        return Doubt(f"{one.name}: the address that default outbound access gives to the sender is not in the estate")
    held = any(low <= packet.source <= high for low, high in ranges)
    return Allowed(("firewall rule",)) if held else Denied(f"{one.name}: no firewall rule for {packet}")


def _acls(one: Service) -> Json:
    found = properties(one.data).get("networkAcls")
    return found if isinstance(found, Mapping) else {}


def _values(acls: Json) -> list[object]:
    return [each.get("value") for each in listed(acls, "ipRules")]


def _children(world: World, one: Service, kind: str) -> Iterator[Json]:
    yield from (each for each in world.of(f"{one.type}.{kind}") if each["id"].startswith(one.id + "/"))
