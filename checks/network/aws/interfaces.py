"""Network interfaces as EC2 shows them: addresses, public addresses, groups, and whom they serve.

EC2 API reference, NetworkInterface: `Association` and `PrivateIpAddresses[].Association` hold public addresses and are
absent where there are none. Whom an interface serves stands in `Attachment`, else only in its description (Elastic Load
Balancing guide: `ELB app/NAME/ID`, `ELB net/NAME/ID`, `ELB NAME`; VPC guide: `Interface for NAT Gateway ID`,
`VPC Endpoint Interface ID`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from checks.functions.declare import DataError
from checks.model import Place, Resource
from checks.network.aws.reading import Wire, cidr, known_objects, known_texts, member, objects, single, text
from checks.network.aws.view import INSTANCE, INTERFACE, SUBNET, View
from checks.network.packets import Span

ADDRESS, NAT, ENDPOINT = "aws.ec2.address", "aws.ec2.nat_gateway", "aws.ec2.vpc_endpoint"
BALANCER, CLASSIC = "aws.elbv2.load_balancer", "aws.elb.load_balancer"

LISTENING = frozenset(
    {
        "interface", "efa", "efa-only", "trunk", "branch", "lambda", "load_balancer", "network_load_balancer", "vpc_endpoint", "quicksight",
        "api_gateway_managed", "global_accelerator_managed", "iot_rules_managed", "aws_codestar_connections_managed",
    }
)  # fmt: skip
"""The interface types that something may listen at (EC2 API reference, NetworkInterface.InterfaceType)."""
PASSING = frozenset({"natGateway", "transit_gateway", "gateway_load_balancer", "gateway_load_balancer_endpoint"})
"""Those that only pass on what is for others."""
WITHOUT_GROUPS = PASSING | {"network_load_balancer"}
"""Those that may have no security group, and then let everything through (Network Load Balancers guide, Security groups)."""
UNSEEN = "the subnet of "
"""What the id of a subnet begins with that was not seen."""


_NO_ADDRESSES: Mapping[int, tuple[int, ...]] = {4: (), 6: ()}
_NONE: Mapping[int, Any] = {}


@dataclass(frozen=True, slots=True)
class Port:
    """One network interface, read."""

    id: str
    type: str
    kind: str
    place: Place
    owner: str
    vpc: str
    subnet: str
    groups: tuple[str, ...] = ()
    groups_doubt: str = ""
    addresses: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    prefixes: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    public: Mapping[int, int] = field(default_factory=dict)
    public_doubt: str = ""
    forwards: bool = False
    closed: bool = False
    """DenyAllIgwTraffic: nothing comes to it from the internet."""
    description: str = ""
    instance: str = ""
    first: bool = False
    """It is its instance's primary interface, and `addresses` begins with its primary address."""
    tags: Mapping[str, str] | None = None
    owners: tuple[tuple[str, str], ...] = ()
    doubt: str = ""

    def spans(self, family: int) -> list[Span]:
        """Its addresses of a family, and the prefixes that are its own."""
        return [*((one, one) for one in self.addresses.get(family, ())), *self.prefixes.get(family, ())]


@dataclass
class Ports:
    """Every interface of an estate, each once."""

    view: View

    @cached_property
    def all(self) -> dict[str, Port]:
        found: dict[str, Port] = {}
        for resource in self.view.all(INTERFACE):
            found[resource.id] = self._own(resource)
        for resource in self.view.all(INSTANCE):
            for port in self._of_instance(resource):
                held = found.setdefault(port.id, port)
                if told := port.public.keys() - held.public.keys():
                    doubt = f"{resource.id} has public addresses that {port.id} has not ({len(told)})"
                    found[port.id] = replace(held, public_doubt=held.public_doubt or doubt)
        for port in found.values():
            if not port.vpc:
                self.view.graph.doubts.append(f"in which VPC {port.id} is was not seen")
        owned = {id_: tuple(self._owners(port)) for id_, port in found.items()}
        return {id_: replace(port, owners=owned[id_]) if owned[id_] else port for id_, port in found.items() if port.vpc}

    def _own(self, resource: Resource) -> Port:
        port = self._read(resource.id, resource, resource.data)
        if resource.id in self._gapped:
            if why := self.view.gap(resource, "Groups"):
                port = replace(port, groups=(), groups_doubt=why)
            if why := self.view.gap(resource, "Association", "PrivateIpAddresses"):
                port = replace(port, public_doubt=why)
        return port

    @cached_property
    def _gapped(self) -> frozenset[str]:
        return frozenset(id_ for type_, _, id_, _ in self.view.estate.resource_gaps if type_ == INTERFACE)

    def _of_instance(self, resource: Resource) -> Iterator[Port]:
        """An instance's own word about its interfaces, for where theirs is not there."""
        for held in known_objects(resource.data, "NetworkInterfaces"):
            if id_ := text(held, "NetworkInterfaceId"):
                yield self._read(id_, resource, {**held, "Attachment": {"InstanceId": resource.id}})
        if not known_objects(resource.data, "NetworkInterfaces") and text(resource.data, "PrivateIpAddress"):
            public = text(resource.data, "PublicIpAddress")
            held = {
                **{name: resource.data.get(name) for name in ("VpcId", "SubnetId", "PrivateIpAddress", "SourceDestCheck")},
                "Groups": resource.data.get("SecurityGroups"),
                "Association": {"PublicIp": public} if public else None,
                "Attachment": {"InstanceId": resource.id},
            }
            yield self._read(resource.id, resource, held)

    def _read(self, id_: str, resource: Resource, data: Wire) -> Port:
        subnet, vpc = text(data, "SubnetId"), text(data, "VpcId")
        if not vpc and (home := self.view.find(SUBNET, subnet)) is not None:
            vpc = text(home.data, "VpcId")
        kind, instance = text(data, "InterfaceType") or "interface", text(data, "Attachment", "InstanceId")
        groups, groups_doubt = _groups(id_, kind, data)
        doubt = ""
        try:
            addresses_, prefixes, public = self._addresses(id_, data)
        except DataError as error:
            addresses_, prefixes, public, doubt = _NO_ADDRESSES, {}, {}, f"the addresses of {id_} cannot be read: {error}"
        served = self.view.find(INSTANCE, instance) if instance else None
        return Port(
            id_,
            type=resource.type,
            kind=kind,
            place=resource.place,
            owner=text(data, "OwnerId") or resource.account,
            vpc=vpc,
            subnet=subnet or f"{UNSEEN}{id_}",
            groups=groups,
            groups_doubt=groups_doubt,
            addresses=addresses_,
            prefixes=prefixes,
            public=public,
            public_doubt=doubt or _public_doubt(id_, data) or self._elastic_doubts.get(id_, ""),
            forwards=data.get("SourceDestCheck") is False,
            closed=data.get("DenyAllIgwTraffic") is True,
            description=text(data, "Description"),
            instance=instance,
            first=not member(data, "Attachment", "DeviceIndex"),
            tags=served.tags if served is not None else resource.tags,
            doubt=doubt,
        )

    def _addresses(self, id_: str, data: Wire) -> tuple[Mapping[int, tuple[int, ...]], Mapping[int, tuple[Span, ...]], Mapping[int, int]]:
        """(addresses, prefixes, public addresses) of an interface. Raises DataError."""
        own: list[int] = []
        public: dict[int, int] = {}
        associated: list[Wire] = []
        if data.get("PrivateIpAddress") is not None:
            associated.append({"PrivateIpAddress": data["PrivateIpAddress"], "Association": data.get("Association")})
        associated += [*objects(data, "PrivateIpAddresses"), *self._elastic.get(id_, [])]
        for one in associated:
            if one.get("PrivateIpAddress") is None:
                continue
            address = single(one["PrivateIpAddress"], 4)
            if address not in own:
                own.append(address)
            if (outer := member(one, "Association", "PublicIp")) is not None:
                public[single(outer, 4)] = address
        sixes = tuple(single(one.get("Ipv6Address"), 6) for one in objects(data, "Ipv6Addresses"))
        prefixes: dict[int, tuple[Span, ...]] = {}
        for name, prefix in (("Ipv4Prefixes", "Ipv4Prefix"), ("Ipv6Prefixes", "Ipv6Prefix")):
            for one in objects(data, name):
                family, span = cidr(one.get(prefix))
                prefixes[family] = (*prefixes.get(family, ()), span)
        if not own and not sixes and not prefixes:
            raise DataError("it has none")
        return {4: tuple(own), 6: sixes}, prefixes or _NONE, public or _NONE

    @cached_property
    def _elastic(self) -> dict[str, list[Wire]]:
        """What Elastic IP addresses say of the interfaces they are associated with."""
        found: dict[str, list[Wire]] = {}
        for resource in self.view.all(ADDRESS):
            id_, own, public = (text(resource.data, name) for name in ("NetworkInterfaceId", "PrivateIpAddress", "PublicIp"))
            if id_ and own and public:
                found.setdefault(id_, []).append({"PrivateIpAddress": own, "Association": {"PublicIp": public}})
        return found

    @cached_property
    def _elastic_doubts(self) -> dict[str, str]:
        """By interface, the Elastic IP addresses of which it was not seen which of its own they stand for."""
        found = {}
        for resource in self.view.all(ADDRESS):
            id_ = text(resource.data, "NetworkInterfaceId")
            if id_ and not (text(resource.data, "PrivateIpAddress") and text(resource.data, "PublicIp")):
                found[id_] = f"which address of {id_} is public as {resource.id} was not seen"
        return found

    # -- whom they serve ------------------------------------------------------------------------------------------

    def _owners(self, port: Port) -> Iterator[tuple[str, str]]:
        if port.instance:
            yield INSTANCE, port.instance
        yield from self._named.get(port.id, ())
        words = port.description.split()
        if port.description.startswith("ELB ") and len(words) == 2:
            if balancer := self._balancers.get((port.place, words[1])):
                yield balancer
        elif port.description.startswith("EFS mount target for fs-"):
            yield "aws.efs.file_system", words[4]
        elif port.description.startswith("AWS Lambda VPC ENI-"):
            name = port.description.removeprefix("AWS Lambda VPC ENI-")
            yield from ((one.type, one.id) for one in self._functions if name.startswith(f"{text(one.data, 'FunctionName') or one.id}-"))
        elif port.description.startswith("Interface for NAT Gateway ") and port.id not in self._named:
            yield NAT, words[-1]
        elif port.description.startswith("VPC Endpoint Interface ") and port.id not in self._named:
            yield ENDPOINT, words[-1]

    @cached_property
    def _functions(self) -> list[Resource]:
        return self.view.all("aws.lambda.function")

    @cached_property
    def _balancers(self) -> dict[tuple[Place, str], tuple[str, str]]:
        """By place, and what the description of their interfaces says after `ELB `."""
        found = {(one.place, one.id.partition(":loadbalancer/")[2]): (BALANCER, one.id) for one in self.view.all(BALANCER)}
        return {**{(one.place, one.id): (CLASSIC, one.id) for one in self.view.all(CLASSIC)}, **found}

    @cached_property
    def _named(self) -> dict[str, list[tuple[str, str]]]:
        """What gateways and endpoints say which interfaces are theirs."""
        found: dict[str, list[tuple[str, str]]] = {}
        for nat in self.view.all(NAT):
            for address in known_objects(nat.data, "NatGatewayAddresses"):
                if id_ := text(address, "NetworkInterfaceId"):
                    found.setdefault(id_, []).append((NAT, nat.id))
        for endpoint in self.view.all(ENDPOINT):
            for id_ in known_texts(endpoint.data, "NetworkInterfaceIds"):
                found.setdefault(id_, []).append((ENDPOINT, endpoint.id))
        return found


_ASSOCIATED = ("PublicIp", "CarrierIp", "CustomerOwnedIp")


def _public_doubt(id_: str, data: Wire) -> str:
    """Why an interface may have a public address that is not told: an association that names none of any kind."""
    for one in (data, *known_objects(data, "PrivateIpAddresses")):
        held = one.get("Association")
        if held is not None and not any(member(held, name) is not None for name in _ASSOCIATED):
            return f"an association of {id_} names no address"
    return ""


def _groups(id_: str, kind: str, data: Wire) -> tuple[tuple[str, ...], str]:
    """(the security groups of an interface, why they are not known)."""
    try:
        groups = tuple(sorted({text(one, "GroupId") for one in objects(data, "Groups")}))
    except DataError as error:
        return (), f"the security groups of {id_} cannot be read: {error}"
    if data.get("Groups") is None or "" in groups or (not groups and kind not in WITHOUT_GROUPS):
        return (), "" if kind in PASSING else f"the security groups of {id_} were not seen"
    return groups, ""


def made_up(resource: Resource, vpc: str, subnet: str, groups: tuple[str, ...], owners: tuple[tuple[str, str], ...], *, kind: str) -> Port:
    """In the place of an interface that must be there and that nobody saw: somewhere in a subnet, with an address that is not known."""
    return Port(
        f"{resource.type}:{resource.id}:{subnet}",
        type=resource.type,
        kind=kind,
        place=resource.place,
        owner=resource.account,
        vpc=vpc,
        subnet=subnet,
        groups=groups,
        groups_doubt=""
        if (groups and "" not in groups) or kind in WITHOUT_GROUPS
        else f"the security groups of {resource.id} were not seen",
        tags=resource.tags,
        owners=owners,
        doubt=f"no network interface of {resource.id} was seen: its address is not known",
    )
