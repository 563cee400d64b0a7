"""The parts of an Azure estate that a packet meets, read once from ARM's JSON and then looked through from end to end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from checks.model import Resource
from checks.network.simulate_azure.wire import (
    Json,
    Prefix,
    every_text,
    key,
    listed,
    name_of,
    one_or_more,
    prefixes,
    properties,
    read_address,
    reference,
    references,
    same,
    within,
)


class Source(Protocol):
    """Where resources come from: an estate, or a list in a test."""

    def of(self, type_: str, /) -> Iterable[Resource]: ...


@dataclass(frozen=True, slots=True)
class Network:
    """A virtual network. `space` is its address space."""

    id: str
    name: str
    location: str
    space: tuple[Prefix, ...]
    data: Json

    @property
    def peerings(self) -> list[Json]:
        return listed(properties(self.data), "virtualNetworkPeerings")


@dataclass(frozen=True, slots=True)
class Subnet:
    id: str
    name: str
    network: str
    ranges: tuple[Prefix, ...]
    data: Json


@dataclass(frozen=True, slots=True)
class Card:
    """One IP configuration of a network interface."""

    id: str
    interface: str
    name: str
    subnet: str
    family: int
    address: int
    data: Json
    interface_data: Json

    @property
    def public_address(self) -> str:
        return reference(properties(self.data), "publicIPAddress")

    @property
    def endpoint(self) -> str:
        """The private endpoint that the interface belongs to, or the empty string."""
        return reference(properties(self.interface_data), "privateEndpoint")

    @property
    def forwards(self) -> bool:
        return properties(self.interface_data).get("enableIPForwarding") is True


@dataclass(frozen=True, slots=True)
class PublicAddress:
    id: str
    name: str
    family: int
    address: int
    data: Json

    @property
    def basic(self) -> bool:
        """Open by default. Source: Azure docs, public-ip-addresses (SKU); a `sku` that is not given is Basic."""
        return same((self.data.get("sku") or {}).get("name", "Basic"), "Basic")


class World:
    """Everything the simulator looks at. Ids are lower-cased."""

    def __init__(self, estate: Source) -> None:
        self._estate = estate
        self._read: dict[str, list[Json]] = {}
        self.networks = [_network(one) for one in estate.of("azure.network.virtualnetworks")]
        self.subnets = [_subnet(each, network) for network in self.networks for each in listed(properties(network.data), "subnets")]
        self.cards = [
            card
            for interface in estate.of("azure.network.networkinterfaces")
            for each in listed(properties(interface.data), "ipConfigurations")
            if (card := _card(each, interface)) is not None
        ]
        self.public_addresses = [
            found for one in estate.of("azure.network.publicipaddresses") if (found := _public_address(one)) is not None
        ]

    def of(self, type_: str) -> list[Json]:
        """The data of the resources of `azure.<type_>`."""
        if type_ not in self._read:
            self._read[type_] = [{**one.data, "id": key(one.data.get("id") or one.id)} for one in self._estate.of(f"azure.{type_}")]
        return self._read[type_]

    def resource(self, type_: str, identifier: str) -> Json | None:
        return next((one for one in self.of(type_) if one["id"] == key(identifier)), None)

    def network(self, identifier: str) -> Network | None:
        return next((one for one in self.networks if one.id == key(identifier)), None)

    def subnet(self, identifier: str) -> Subnet | None:
        return next((one for one in self.subnets if one.id == key(identifier)), None)

    def network_of(self, subnet: Subnet) -> Network:
        return next(one for one in self.networks if one.id == subnet.network)

    def subnet_at(self, network: str, family: int, address: int) -> Subnet | None:
        """The subnet of a network whose ranges hold an address."""
        for subnet in self.subnets:
            if subnet.network == network and within(list(subnet.ranges), family, address):
                return subnet
        return None

    def card(self, identifier: str) -> Card | None:
        return next((one for one in self.cards if one.id == key(identifier)), None)

    def cards_of(self, interface: str) -> list[Card]:
        return [card for card in self.cards if card.interface == key(interface)]

    def cards_at(self, network: str, family: int, address: int) -> list[Card]:
        """The IP configurations in a network that hold a private address."""
        held = [card for card in self.cards if (card.family, card.address) == (family, address)]
        return [card for card in held if (subnet := self.subnet(card.subnet)) is not None and subnet.network == network]

    def public_address(self, identifier: str) -> PublicAddress | None:
        return next((one for one in self.public_addresses if one.id == key(identifier)), None)

    def public_address_at(self, family: int, address: int) -> PublicAddress | None:
        return next((one for one in self.public_addresses if (one.family, one.address) == (family, address)), None)

    def scale_set_naming(self, identifier: str) -> str | None:
        """A virtual machine scale set whose model names a resource. Its interfaces are in no list of interfaces."""
        for scale_set in self.of("compute.virtualmachinescalesets"):
            if any(key(text) == key(identifier) for text in every_text(scale_set)):
                return str(scale_set["id"])
        return None

    def unread_card_in(self, subnet: Subnet) -> str | None:
        """An IP configuration that a subnet lists and that no resource in the estate has: a scale set's, a service's."""
        known = {card.id for card in self.cards}
        for identifier in references(properties(subnet.data), "ipConfigurations"):
            owner = "/".join(identifier.split("/")[:9])
            type_ = "azure." + ".".join(identifier.split("/")[6:8]).removeprefix("microsoft.")
            if identifier not in known and not any(key(one.id) == owner for one in self._estate.of(type_)):
                return identifier
        return None


def _network(resource: Resource) -> Network:
    space = properties(resource.data).get("addressSpace")
    return Network(
        id=key(resource.data.get("id") or resource.id),
        name=str(resource.data.get("name") or name_of(resource.id)),
        location=str(resource.data.get("location", "")).lower(),
        space=tuple(prefixes(listed(space, "addressPrefixes"))),
        data=resource.data,
    )


def _subnet(data: Json, network: Network) -> Subnet:
    name = str(data.get("name") or name_of(str(data.get("id", ""))))
    return Subnet(
        id=key(data.get("id") or f"{network.id}/subnets/{name}"),
        name=name,
        network=network.id,
        ranges=tuple(prefixes(one_or_more(properties(data), "addressPrefix", "addressPrefixes"))),
        data=data,
    )


def _card(data: Json, interface: Resource) -> Card | None:
    address = read_address(properties(data).get("privateIPAddress"))
    if address is None:
        return None
    interface_id = key(interface.data.get("id") or interface.id)
    name = str(data.get("name") or name_of(str(data.get("id", ""))))
    return Card(
        id=key(data.get("id") or f"{interface_id}/ipconfigurations/{name}"),
        interface=interface_id,
        name=str(interface.data.get("name") or name_of(interface_id)),
        subnet=reference(properties(data), "subnet"),
        family=address[0],
        address=address[1],
        data=data,
        interface_data=interface.data,
    )


def _public_address(resource: Resource) -> PublicAddress | None:
    address = read_address(properties(resource.data).get("ipAddress"))
    if address is None:
        return None
    identifier = key(resource.data.get("id") or resource.id)
    return PublicAddress(identifier, str(resource.data.get("name") or name_of(identifier)), address[0], address[1], resource.data)
