"""What load balancers listen for, and which targets that is sent to.

Elastic Load Balancing API reference, Listener, Action and TargetGroup. Unhealthy targets count: they were configured to
be reached. Network Load Balancers guide, Target group attributes: client IP preservation is on for instance targets, for
UDP, TCP_UDP and QUIC, and off for IP targets over TCP and TLS, unless `preserve_client_ip.enabled` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from checks.functions.declare import DataError
from checks.functions.traffic import port_range
from checks.model import Resource
from checks.network.aws.classes import Classes
from checks.network.aws.interfaces import BALANCER, CLASSIC, Port
from checks.network.aws.reading import Wire, all_objects, known_objects, known_texts, member, objects, single, text
from checks.network.aws.view import View, each_family
from checks.network.packet import TCP, UDP
from checks.network.packets import EVERYBODY, PORTS, Addresses, PacketSet, Span, addresses, packets, union

TARGETS = "aws.elbv2.target_group"
_PROTOCOLS: Mapping[str, tuple[int, ...]] = {
    "HTTP": (TCP,), "HTTPS": (TCP,), "TCP": (TCP,), "TLS": (TCP,), "SSL": (TCP,), "UDP": (UDP,), "QUIC": (UDP,),
    "TCP_UDP": (TCP, UDP), "TCP_QUIC": (TCP, UDP),
}  # fmt: skip
_ANY_PORT: Span = (0, PORTS)


@dataclass(frozen=True, slots=True)
class Onward:
    """Where a listener sends packets: to `port` of some addresses, by family. With a `doubt`, perhaps."""

    where: Mapping[int, Addresses]
    port: int | Span
    preserves: bool
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """What a load balancer listens for, and where that goes."""

    protocols: tuple[int, ...]
    ports: Span
    onward: tuple[Onward, ...]
    doubt: str = ""
    terminates: bool = True
    """Whether a connection is made with the client first; else packets just go on (a Network Load Balancer's TCP and UDP)."""

    def packets(self, family: int) -> PacketSet:
        return union(packets(EVERYBODY[family], (one, one), self.ports) for one in self.protocols)

    @property
    def name(self) -> str:
        protocols = "/".join({TCP: "tcp", UDP: "udp"}[one] for one in self.protocols)
        return f"listener {protocols}/{self.ports[0] if self.ports[0] == self.ports[1] else 'any'}"


@dataclass
class Listeners:
    """Reads the listeners of every load balancer."""

    view: View
    classes: Classes
    ports: Mapping[str, Port]

    def of(self, balancer: Resource) -> list[Listener]:
        """What a balancer listens for. What cannot be read may be anything."""
        if balancer.type == CLASSIC:
            return self._classic(balancer)
        if text(balancer.data, "Type") == "gateway":
            return []
        why = self.view.gap(balancer, "Listeners")
        try:
            if balancer.data.get("Listeners") is None:
                raise DataError(why or f"the listeners of {balancer.id} were not seen")
            held = objects(balancer.data, "Listeners")
        except DataError as error:
            return [Listener((TCP, UDP), _ANY_PORT, tuple(self._attached(balancer, str(error))), str(error))]
        return [one for listener in held for one in self._listener(balancer, listener)]

    def _listener(self, balancer: Resource, listener: Wire) -> Iterator[Listener]:
        name, doubt = text(listener, "Protocol"), ""
        try:
            ports = port_range(listener.get("Port"), listener.get("Port"))
            if name not in _PROTOCOLS:
                doubt = f"listeners for {name or 'an unseen protocol'} are not known by name"
        except DataError as error:
            ports, doubt = _ANY_PORT, f"a listener of {balancer.id} cannot be read: {error}"
        onward: list[Onward] = []
        named: set[str] = set()
        for arn, why in self._actions(balancer, listener):
            named.add(arn)
            onward += self._group(balancer, arn, doubt or why)
        if text(balancer.data, "Type") != "network":
            default = {arn for one in known_objects(balancer.data, "Listeners") for arn, _ in self._actions(balancer, one)}
            onward += [
                one
                for group in self._groups_of(balancer)
                if group.id not in default | named
                for one in self._group(balancer, group.id, f"which rules of {balancer.id} lead to {group.id} was not seen")
            ]
        terminates = text(balancer.data, "Type") != "network" or name == "TLS"
        yield Listener(_PROTOCOLS.get(name, (TCP, UDP)), ports, tuple(onward), doubt, terminates)

    def _actions(self, balancer: Resource, listener: Wire) -> Iterator[tuple[str, str]]:
        """(target group, why it is not sure that packets go there) of a listener's default actions."""
        actions = known_objects(listener, "DefaultActions")
        first = [text(one, "Type") for one in actions]
        asks = any(one.startswith("authenticate") or one == "jwt-validation" for one in first)
        doubt = f"a listener of {balancer.id} asks first who it is" if asks else ""
        for action in actions:
            groups = [text(action, "TargetGroupArn")] if text(action, "TargetGroupArn") else []
            weighted = known_objects(action, "ForwardConfig", "TargetGroups")
            groups += [text(one, "TargetGroupArn") for one in weighted if one.get("Weight") != 0]
            for arn in dict.fromkeys(filter(None, groups)):
                yield arn, doubt
            if text(action, "Type") in {"forward", ""} and not all(groups or [""]):
                yield from self._any_of(balancer, f"where a listener of {balancer.id} forwards to was not seen")
        if not actions:
            yield from self._any_of(balancer, f"the actions of a listener of {balancer.id} were not seen")

    def _any_of(self, balancer: Resource, why: str) -> Iterator[tuple[str, str]]:
        """All target groups of a balancer, and where it was not seen which those are, one that nobody saw."""
        groups = self._groups_of(balancer)
        yield from ((group.id, why) for group in groups)
        if not groups or any(not known_texts(group.data, "LoadBalancerArns") for group in self.view.all(TARGETS)):
            yield "", why

    def _groups_of(self, balancer: Resource) -> list[Resource]:
        return self._groups_by_balancer.get(balancer.id, [])

    @cached_property
    def _groups_by_balancer(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for group in self.view.all(TARGETS):
            for arn in known_texts(group.data, "LoadBalancerArns"):
                found.setdefault(arn, []).append(group)
        return found

    def _attached(self, balancer: Resource, doubt: str) -> Iterator[Onward]:
        """All that a balancer could send to, its VPC if its target groups were not seen."""
        groups = self._groups_of(balancer)
        for group in groups:
            yield from self._group(balancer, group.id, doubt)
        if not groups:
            yield self._anything(text(balancer.data, "VpcId"), doubt)

    def _anything(self, vpc: str, doubt: str) -> Onward:
        space = self.view.networks[vpc].space if vpc in self.view.networks else EVERYBODY
        return Onward(space, _ANY_PORT, preserves=False, doubt=doubt)

    def _group(self, balancer: Resource, arn: str, doubt: str) -> Iterator[Onward]:
        """The targets of a group, by port."""
        group, vpc = self.view.find(TARGETS, arn), text(balancer.data, "VpcId")
        if group is None:
            yield self._anything(vpc, self.view.unseen(TARGETS, "target group", arn, balancer.place) if arn else doubt)
            return
        kind = text(group.data, "TargetType")
        if kind == "lambda":
            return
        why = self.view.gap(group, "Targets", "TargetType")
        preserves = text(balancer.data, "Type") == "network" and self._preserves(group)
        try:
            if group.data.get("Targets") is None:
                raise DataError(why or f"the targets of {arn} were not seen")
            held = objects(group.data, "Targets")
        except DataError as error:
            yield self._anything(text(group.data, "VpcId") or vpc, str(error))
            return
        where: dict[int, list[Mapping[int, Addresses]]] = {}
        for one in held:
            target = member(one, "Target")
            try:
                port = member(target, "Port") if member(target, "Port") is not None else group.data.get("Port")
                where.setdefault(port_range(port, port)[0], []).append(self._target(kind, text(target, "Id"), group))
            except DataError as error:
                yield self._anything(text(group.data, "VpcId") or vpc, f"a target of {arn} was not found: {error}")
        unclear = self._preserve_doubt(balancer, group)
        for port, found in sorted(where.items()):
            for keeps in (True, False) if unclear else (preserves,):
                yield Onward(_joined(found), port, keeps, doubt or unclear)

    def _target(self, kind: str, id_: str, group: Resource) -> Mapping[int, Addresses]:
        """Where one target is. Raises DataError."""
        if kind == "ip":
            family = 6 if ":" in id_ else 4
            address = single(id_, family)
            return {family: addresses([(address, address)])}
        if kind == "alb":
            classes = self.classes.by_owner.get((BALANCER, id_), ())
            if not classes:
                raise DataError(f"{id_} has no interface that was seen")
            return _joined(
                [{family: one.stand_in(family) if one.doubt else held for family, held in each_family(one.space)} for one in classes]
            )
        family = 6 if text(group.data, "IpAddressType") == "ipv6" else 4
        ports = self._by_instance.get(id_, [])
        held = [port.addresses[family][0] for port in ports if port.first and port.addresses.get(family)]
        if not held:
            raise DataError(f"no interface of {id_} was seen")
        return {family: addresses((one, one) for one in held)}

    @cached_property
    def _by_instance(self) -> dict[str, list[Port]]:
        found: dict[str, list[Port]] = {}
        for port in self.ports.values():
            if port.instance:
                found.setdefault(port.instance, []).append(port)
        return found

    def _preserves(self, group: Resource) -> bool:
        kind, protocol = text(group.data, "TargetType"), text(group.data, "Protocol")
        if kind == "alb" or protocol in {"UDP", "TCP_UDP", "QUIC", "TCP_QUIC"}:
            return True
        for attribute in known_objects(group.data, "Attributes"):
            if text(attribute, "Key") == "preserve_client_ip.enabled":
                return text(attribute, "Value") == "true"
        return kind == "instance"

    def _preserve_doubt(self, balancer: Resource, group: Resource) -> str:
        """Without its attributes it is not known which address the target of a Network Load Balancer sees."""
        if text(balancer.data, "Type") != "network" or text(group.data, "TargetType") == "alb":
            return ""
        if text(group.data, "Protocol") in {"UDP", "TCP_UDP", "QUIC", "TCP_QUIC"} or group.data.get("Attributes") is not None:
            return ""
        return (
            self.view.gap(group, "Attributes") or f"the attributes of {group.id} were not seen: which address its targets see is not known"
        )

    def _classic(self, balancer: Resource) -> list[Listener]:
        found = []
        targets, doubt = [], ""
        for one in known_objects(balancer.data, "Instances"):
            try:
                targets.append(self._target("instance", text(one, "InstanceId"), balancer))
            except DataError as error:
                doubt = f"a target of {balancer.id} was not found: {error}"
        for held in known_objects(balancer.data, "ListenerDescriptions"):
            try:
                ports = port_range(member(held, "Listener", "LoadBalancerPort"), member(held, "Listener", "LoadBalancerPort"))
                port: int | Span = port_range(member(held, "Listener", "InstancePort"), member(held, "Listener", "InstancePort"))[0]
                unclear = ""
            except DataError as error:
                ports, port, unclear = _ANY_PORT, _ANY_PORT, f"a listener of {balancer.id} cannot be read: {error}"
            onward = [Onward(_joined(targets), port, preserves=False, doubt=unclear)] if targets else []
            if doubt:
                onward.append(replace(self._anything(text(balancer.data, "VPCId"), doubt), port=port))
            found.append(Listener((TCP,), ports, tuple(onward), unclear))
        for name in ("ListenerDescriptions", "Instances"):
            if not all_objects(balancer.data, name):
                why = self.view.gap(balancer, name) or f"{name} of {balancer.id} were not seen"
                found.append(Listener((TCP,), _ANY_PORT, (self._anything(text(balancer.data, "VPCId"), why),), why))
        return found


def _joined(parts: list[Mapping[int, Addresses]]) -> dict[int, Addresses]:
    return {
        family: addresses(span for part in parts if family in part for span in part[family].spans)
        for family in (4, 6)
        if any(family in part for part in parts)
    }
