"""Azure resources in ARM's shapes, made in few words, and packets to send through them.

Names stand for resources of one subscription and resource group: `nic("web", "shop/front", "10.0.1.4")` is an interface in
subnet `front` of network `shop`. Everything returns a Resource of the right type, or a part to put into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from checks.model import Resource
from checks.network.packet import ICMP, TCP, UDP, Packet

SUBSCRIPTION, GROUP, REGION = "0f5e2a1c-aaaa-4bbb-8ccc-123456789abc", "Net", "westeurope"
Json = dict[str, Any]


def arm(path: str, provider: str = "Microsoft.Network") -> str:
    """The ARM id of `networkInterfaces/web` and its like."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/{provider}/{path}"


def ref(path: str) -> Json:
    return {"id": arm(path)}


def resource(kind: str, name: str, properties: Json, /, **top: Any) -> Resource:
    """A resource of Microsoft.Network; `kind` is ARM's, with slashes for children, `name` likewise."""
    steps = [part for pair in zip(kind.split("/"), name.split("/"), strict=True) for part in pair]
    identifier = arm("/".join(steps))
    data = {
        "id": identifier,
        "name": name.rsplit("/", 1)[-1],
        "type": f"Microsoft.Network/{kind}",
        "location": REGION,
        "properties": properties,
    }
    return Resource(identifier, "azure.network." + kind.lower().replace("/", "."), SUBSCRIPTION, REGION, {**data, **top})


@dataclass(frozen=True)
class Estate:
    resources: tuple[Resource, ...]

    def of(self, type_: str) -> Iterable[Resource]:
        return [one for one in self.resources if one.type == type_]


def estate(*resources: Resource) -> Estate:
    return Estate(resources)


# Networks


def vnet(name: str, *space: str, subnets: Sequence[Json] = (), peerings: Sequence[Json] = (), **more: Any) -> Resource:
    for one in subnets:
        one["id"] = arm(f"virtualNetworks/{name}/subnets/{one['name']}")
    for one in peerings:
        one["id"] = arm(f"virtualNetworks/{name}/virtualNetworkPeerings/{one['name']}")
    given = {"addressSpace": {"addressPrefixes": list(space)}, "subnets": list(subnets), "virtualNetworkPeerings": list(peerings)}
    return resource("virtualNetworks", name, {**given, **more})


def subnet(name: str, *ranges: str, nsg: str = "", table: str = "", nat: str = "", **more: Any) -> Json:
    given: Json = {"addressPrefix": ranges[0]} if len(ranges) == 1 else {"addressPrefixes": list(ranges)}
    for member, kind, used in (
        ("networkSecurityGroup", "networkSecurityGroups", nsg),
        ("routeTable", "routeTables", table),
        ("natGateway", "natGateways", nat),
    ):
        if used:
            given[member] = ref(f"{kind}/{used}")
    return {"name": name, "properties": {**given, **more}}


def peering(
    remote: str,
    *,
    state: str = "Connected",
    access: bool = True,
    forwarded: bool = False,
    transit: bool = False,
    remote_gateways: bool = False,
    **more: Any,
) -> Json:
    flags = {
        "allowVirtualNetworkAccess": access,
        "allowForwardedTraffic": forwarded,
        "allowGatewayTransit": transit,
        "useRemoteGateways": remote_gateways,
    }
    return {
        "name": f"to-{remote}",
        "properties": {"peeringState": state, "remoteVirtualNetwork": ref(f"virtualNetworks/{remote}"), **flags, **more},
    }


def at(place: str) -> Json:
    """A reference to subnet `network/subnet`."""
    network, name = place.split("/")
    return ref(f"virtualNetworks/{network}/subnets/{name}")


# Interfaces and addresses


def nic(
    name: str,
    place: str,
    *addresses: str,
    public: str = "",
    nsg: str = "",
    asgs: Sequence[str] = (),
    pools: Sequence[str] = (),
    forwards: bool = False,
    endpoint: str = "",
    **more: Any,
) -> Resource:
    """An interface with one IP configuration an address; the first has the public address, groups and pools (`lb/pool`)."""
    configurations = []
    for number, address in enumerate(addresses):
        given: Json = {
            "privateIPAddress": address,
            "privateIPAddressVersion": f"IPv{ip_address(address).version}",
            "subnet": at(place),
            "primary": number == 0,
        }
        if number == 0:
            given["applicationSecurityGroups"] = [ref(f"applicationSecurityGroups/{one}") for one in asgs]
            given["loadBalancerBackendAddressPools"] = [pool(one) for one in pools]
            if public:
                given["publicIPAddress"] = ref(f"publicIPAddresses/{public}")
        label = f"ipconfig{number + 1}"
        configurations.append({"id": arm(f"networkInterfaces/{name}/ipConfigurations/{label}"), "name": label, "properties": given})
    own: Json = {"ipConfigurations": configurations, "enableIPForwarding": forwards}
    if nsg:
        own["networkSecurityGroup"] = ref(f"networkSecurityGroups/{nsg}")
    if endpoint:
        own["privateEndpoint"] = ref(f"privateEndpoints/{endpoint}")
    return resource("networkInterfaces", name, {**own, **more})


def pool(name: str) -> Json:
    """A reference to pool `balancer/pool`."""
    balancer, own = name.split("/")
    return ref(f"loadBalancers/{balancer}/backendAddressPools/{own}")


def config_id(interface: str) -> str:
    return arm(f"networkInterfaces/{interface}/ipConfigurations/ipconfig1")


def nic_id(name: str) -> str:
    """As deliveries name it."""
    return arm(f"networkInterfaces/{name}").lower()


def public_ip(name: str, address: str, sku: str = "Standard", **more: Any) -> Resource:
    return resource(
        "publicIPAddresses",
        name,
        {"ipAddress": address, "publicIPAllocationMethod": "Static", **more},
        sku={"name": sku, "tier": "Regional"},
    )


def private_endpoint(name: str, place: str, interface: str, status: str = "Approved", service: str = "") -> Resource:
    target = service or arm("storageAccounts/files", "Microsoft.Storage")
    state = {"privateLinkServiceId": target, "groupIds": ["blob"], "privateLinkServiceConnectionState": {"status": status}}
    given = {"subnet": at(place), "networkInterfaces": [ref(f"networkInterfaces/{interface}")]}
    return resource("privateEndpoints", name, {**given, "privateLinkServiceConnections": [{"name": name, "properties": state}]})


# Filters


def nsg(name: str, *rules: Json) -> Resource:
    """With the default rules that every group has."""
    defaults = [
        rule("AllowVnetInBound", 65000, source="VirtualNetwork", destination="VirtualNetwork"),
        rule("AllowAzureLoadBalancerInBound", 65001, source="AzureLoadBalancer"),
        rule("DenyAllInBound", 65500, "Deny"),
        rule("AllowVnetOutBound", 65000, out=True, source="VirtualNetwork", destination="VirtualNetwork"),
        rule("AllowInternetOutBound", 65001, out=True, destination="Internet"),
        rule("DenyAllOutBound", 65500, "Deny", out=True),
    ]
    return resource("networkSecurityGroups", name, {"securityRules": list(rules), "defaultSecurityRules": defaults})


def rule(
    name: str,
    priority: int,
    access: str = "Allow",
    *,
    out: bool = False,
    protocol: str = "*",
    source: str | Sequence[str] = "*",
    destination: str | Sequence[str] = "*",
    ports: str | Sequence[str] = "*",
    source_ports: str | Sequence[str] = "*",
    source_asgs: Sequence[str] = (),
    destination_asgs: Sequence[str] = (),
) -> Json:
    """A text fills ARM's singular member, a list the plural one."""
    given: Json = {"priority": priority, "access": access, "direction": "Outbound" if out else "Inbound", "protocol": protocol}
    for side, place, port, asgs in (("source", source, source_ports, source_asgs), ("destination", destination, ports, destination_asgs)):
        given[f"{side}ApplicationSecurityGroups"] = [ref(f"applicationSecurityGroups/{one}") for one in asgs]
        given |= _one_or_more(f"{side}AddressPrefix", f"{side}AddressPrefixes", [] if asgs else place)
        given |= _one_or_more(f"{side}PortRange", f"{side}PortRanges", port)
    return {"name": name, "properties": given}


def _one_or_more(single: str, plural: str, value: str | Sequence[str]) -> Json:
    return {single: value, plural: []} if isinstance(value, str) else {plural: list(value)}


def service_tag(name: str, *prefixes: str) -> Resource:
    """A service tag list that holds one tag."""
    value = {"name": name, "id": name, "properties": {"addressPrefixes": list(prefixes)}}
    return Resource(f"{REGION}-{name}", "azure.network.servicetags", SUBSCRIPTION, REGION, {"name": "Public", "values": [value]})


# Routes and gateways


def route_table(name: str, *routes: Json, propagates: bool = True) -> Resource:
    return resource("routeTables", name, {"routes": list(routes), "disableBgpRoutePropagation": not propagates})


def udr(name: str, prefix: str, hop: str, address: str | None = None) -> Json:
    return {"name": name, "properties": {"addressPrefix": prefix, "nextHopType": hop, "nextHopIpAddress": address}}


def vnet_gateway(name: str, network: str, kind: str = "Vpn", **more: Any) -> Resource:
    """A gateway in GatewaySubnet of a network."""
    return resource(
        "virtualNetworkGateways",
        name,
        {"gatewayType": kind, "ipConfigurations": [{"name": "default", "properties": {"subnet": at(f"{network}/GatewaySubnet")}}], **more},
    )


def gateway_id(name: str) -> str:
    return arm(f"virtualNetworkGateways/{name}").lower()


def site_connection(name: str, gateway: str, *prefixes: str, kind: str = "IPsec", **more: Any) -> Resource:
    """A connection to a local network gateway with prefixes; without prefixes the local network gateway is not read."""
    site: Json = ref(f"localNetworkGateways/{name}-site")
    if prefixes:
        site["properties"] = {"localNetworkAddressSpace": {"addressPrefixes": list(prefixes)}}
    return resource(
        "connections",
        name,
        {"connectionType": kind, "virtualNetworkGateway1": ref(f"virtualNetworkGateways/{gateway}"), "localNetworkGateway2": site, **more},
    )


def nat_gateway(name: str, *publics: str) -> Resource:
    return resource(
        "natGateways", name, {"publicIpAddresses": [ref(f"publicIPAddresses/{one}") for one in publics]}, sku={"name": "Standard"}
    )


# Packets

CLIENT = "203.0.113.9"
"""Somebody on the internet."""


def tcp(source: str, destination: str, port: int, source_port: int = 50000) -> Packet:
    return _packet(source, destination, TCP, source_port, port)


def udp(source: str, destination: str, port: int, source_port: int = 50000) -> Packet:
    return _packet(source, destination, UDP, source_port, port)


def ping(source: str, destination: str) -> Packet:
    return _packet(source, destination, ICMP, 0, 8 << 8)


def _packet(source: str, destination: str, protocol: int, source_port: int, port: int) -> Packet:
    read = ip_address(source)
    return Packet(read.version, int(read), int(ip_address(destination)), protocol, source_port, port)
