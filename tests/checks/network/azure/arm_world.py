"""Azure estates in few words: names stand for resources of one subscription, resource group and region."""

from collections.abc import Iterable, Sequence

from checks.model import Estate, Gap, Manifest, Reason, Resource, Scope
from checks.network.answer import ANY, Answer, Wanted, ask
from checks.network.azure import lower
from checks.network.graph import Graph
from checks.network.packet import INTERNET, PROTOCOL_NAMES, Delivery, Packet, Trace
from checks.network.place import named

SUBSCRIPTION, REGION = "0c0ffee0-1111-4222-8333-444455556666", "northeurope"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Shop/providers"


def arm(path, provider="Microsoft.Network"):
    return f"{GROUP}/{provider}/{path}"


def ref(path, provider="Microsoft.Network"):
    return {"id": arm(path, provider)}


def made(path, properties, provider="Microsoft.Network", **top):
    """The resource of a path such as `virtualNetworks/shop`; its type follows from the path."""
    id_ = arm(path, provider)
    kinds = path.split("/")[::2]
    type_ = ".".join(["azure", provider.removeprefix("Microsoft.").lower(), *(one.lower() for one in kinds)])
    data = {"id": id_, "name": path.split("/")[-1], "type": f"{provider}/{'/'.join(kinds)}", "location": REGION, "properties": properties}
    return Resource(id_, type_, SUBSCRIPTION, REGION, {**data, **top}, tags=top.get("tags", {}))


def estate(*resources: Resource, asserted: str | None = "A. Auditor", gaps: tuple[Gap, ...] = ()) -> Estate:
    held: dict[str, list[Resource]] = {}
    for one in resources:
        held.setdefault(one.type, []).append(one)
    scope = Scope({SUBSCRIPTION: (REGION,)}, tuple(sorted(held)))
    manifest = Manifest("1", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "t", {}, None, scope, asserted, "azure")
    return Estate(manifest, {type_: tuple(found) for type_, found in held.items()}, (), gaps)


def gap(of: Resource, field: str | None = "properties.x") -> Gap:
    """Something of a resource that was not seen."""
    return Gap(of.type, of.account, of.region, of.id, field, Reason.MALFORMED, "import", message="no such thing")


def listing_gap(type_: str) -> Gap:
    return Gap(type_, SUBSCRIPTION, "global", None, None, Reason.NOT_COLLECTED, "import", message="a file is cut short")


def lowered(*resources: Resource, asserted: str | None = "A. Auditor", gaps: tuple[Gap, ...] = ()) -> Graph:
    graph = Graph()
    graph.station(INTERNET, "internet", ends=True)
    graph.outside[INTERNET] = "the internet"
    lower(estate(*resources, asserted=asserted, gaps=gaps), graph)
    return graph


def _believes(graph: Graph, *, answered: bool):
    """Stands for the simulator where only the graph is tested: everything arrives everywhere, and is answered or not."""

    def replay(packet: Packet, _: str) -> Trace:
        return Trace(tuple(Delivery(at, packet, (), answered) for at in [*graph.interfaces, *graph.outside]))

    return replay


def verdict(
    graph: Graph, source: str, target: str, port: int | None = None, protocol: str = "tcp", source_port: int | None = None
) -> Answer:
    number = {name: number for number, name in PROTOCOL_NAMES.items()}[protocol]
    ports = ((port, port),) if port is not None else ((0, 65535),)
    wanted = Wanted(((number, number),), ports)
    if source_port is not None:
        wanted = Wanted(((number, number),), ports, ((source_port, source_port),))
    return _told(graph, source, target, wanted)


def anything(graph: Graph, source: str, target: str) -> Answer:
    return _told(graph, source, target, ANY)


def _told(graph, source, target, wanted):
    found = [ask(graph, named(graph, source), named(graph, target), wanted, _believes(graph, answered=one)) for one in (True, False)]
    return next((one for one in found if one.verdict == "reachable"), found[0])


def answer(graph, source, target, port=None, **more) -> str:
    """`reachable`, `one-way`, `unreachable`, or `unknown`."""
    found = verdict(graph, source, target, port, **more)
    return "one-way" if found.one_way else found.verdict


def why(graph, source, target, port=None) -> str:
    return " | ".join(verdict(graph, source, target, port).why)


def vnet(name, space, *subnets, peerings=(), **more):
    for one in subnets:
        one["id"] = arm(f"virtualNetworks/{name}/subnets/{one['name']}")
    for one in peerings:
        one["id"] = arm(f"virtualNetworks/{name}/virtualNetworkPeerings/{one['name']}")
    space = [space] if isinstance(space, str) else list(space)
    properties = {"addressSpace": {"addressPrefixes": space}, "subnets": list(subnets), "virtualNetworkPeerings": list(peerings)}
    return made(f"virtualNetworks/{name}", {**properties, **more})


def subnet(name, *prefixes, nsg="", table="", nat="", **more):
    properties = {"addressPrefix": prefixes[0]} if len(prefixes) == 1 else {"addressPrefixes": list(prefixes)}
    if nsg:
        properties["networkSecurityGroup"] = ref(f"networkSecurityGroups/{nsg}")
    if table:
        properties["routeTable"] = ref(f"routeTables/{table}")
    if nat:
        properties["natGateway"] = ref(f"natGateways/{nat}")
    return {"name": name, "properties": {**properties, **more}}


def peering(remote, *, state="Connected", access=True, forwarded=False, transit=False, uses=False, **more):
    return {
        "name": f"to-{remote}",
        "properties": {
            "peeringState": state,
            "remoteVirtualNetwork": ref(f"virtualNetworks/{remote}"),
            "allowVirtualNetworkAccess": access,
            "allowForwardedTraffic": forwarded,
            "allowGatewayTransit": transit,
            "useRemoteGateways": uses,
            **more,
        },
    }


def at(place):
    network, _, name = place.partition("/")
    return ref(f"virtualNetworks/{network}/subnets/{name}")


def nic(name, place, *addresses, public="", nsg="", asgs: Sequence[str] = (), pools: Sequence[str] = (), forwards=False, **more):
    """One IP configuration an address; the first has the public address and pools (`balancer/pool`), all have the groups."""
    configurations = []
    for number, address in enumerate(addresses):
        inner = {
            "privateIPAddress": address,
            "subnet": at(place),
            "applicationSecurityGroups": [ref(f"applicationSecurityGroups/{one}") for one in asgs],
        }
        if number == 0 and public:
            inner["publicIPAddress"] = ref(f"publicIPAddresses/{public}")
        if number == 0 and pools:
            inner["loadBalancerBackendAddressPools"] = [
                ref("loadBalancers/{}/backendAddressPools/{}".format(*one.split("/"))) for one in pools
            ]
        configurations.append(
            {"id": arm(f"networkInterfaces/{name}/ipConfigurations/ip{number}"), "name": f"ip{number}", "properties": inner}
        )
    properties = {"ipConfigurations": configurations, "enableIPForwarding": forwards}
    if nsg:
        properties["networkSecurityGroup"] = ref(f"networkSecurityGroups/{nsg}")
    return made(f"networkInterfaces/{name}", {**properties, **more})


def public_ip(name, address, sku="Standard", **more):
    properties = {"publicIPAllocationMethod": "Static", **more}
    if address:
        properties["ipAddress"] = address
    return made(f"publicIPAddresses/{name}", properties, sku={"name": sku, "tier": "Regional"})


def nsg(name, *rules):
    return made(f"networkSecurityGroups/{name}", {"securityRules": list(rules)})


def rule(
    name, priority, access="Allow", *, out=False, protocol="*", source="*", destination="*", ports="*", source_ports="*",
    source_asgs=(), destination_asgs=(),
):  # fmt: skip
    """A text fills the singular member, a list the plural one."""
    properties = {"priority": priority, "access": access, "direction": "Outbound" if out else "Inbound", "protocol": protocol}
    for end, prefix, port, asgs in (("source", source, source_ports, source_asgs), ("destination", destination, ports, destination_asgs)):
        if asgs:
            properties[f"{end}ApplicationSecurityGroups"] = [ref(f"applicationSecurityGroups/{one}") for one in asgs]
        else:
            properties |= _told_as(f"{end}AddressPrefix", f"{end}AddressPrefixes", prefix)
        properties |= _told_as(f"{end}PortRange", f"{end}PortRanges", port)
    return {"name": name, "properties": properties}


def _told_as(single, plural, value: str | Iterable[str]):
    return {single: value, plural: []} if isinstance(value, str) else {plural: list(value)}


def route_table(name, *routes, propagates=True):
    return made(f"routeTables/{name}", {"routes": list(routes), "disableBgpRoutePropagation": not propagates})


def route(name, prefix, hop, address=None):
    return {"name": name, "properties": {"addressPrefix": prefix, "nextHopType": hop, "nextHopIpAddress": address}}
