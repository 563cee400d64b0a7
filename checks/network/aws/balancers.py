"""Load balancers: what arrives at a listener goes on to its targets, as another connection.

Application and Classic Load Balancers connect from their own addresses. Network Load Balancers guide, Target group
attributes: with client IP preservation the target sees the client's address; it is on for instance targets, for UDP,
TCP_UDP and QUIC, and off for IP targets over TCP and TLS, unless `preserve_client_ip.enabled` says otherwise. A target's
group may refer to the balancer's group in either case. Unhealthy targets count: they were configured to be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from checks.functions.declare import DataError
from checks.functions.traffic import port_range
from checks.model import Resource
from checks.network.aws.classes import Class, Classes
from checks.network.aws.interfaces import BALANCER, CLASSIC, Port, made_up
from checks.network.aws.reading import Wire, known_objects, known_texts, member, objects, single, text
from checks.network.aws.view import View, each_family
from checks.network.graph import Link, Rewrite
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, TCP, UDP, Hop
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

    def packets(self, family: int) -> PacketSet:
        return union(packets(EVERYBODY[family], (one, one), self.ports) for one in self.protocols)


def with_balancers(view: View, ports: dict[str, Port]) -> dict[str, Port]:
    """The interfaces, and one made up in each subnet of a load balancer that has none that was seen."""
    found = dict(ports)
    seen = {owner for port in ports.values() for owner in port.owners}
    for balancer in (*view.all(BALANCER), *view.all(CLASSIC)):
        owner = (balancer.type, balancer.id)
        if owner in seen or text(balancer.data, "Type") == "gateway":
            continue
        vpc = text(balancer.data, "VpcId") or text(balancer.data, "VPCId")
        subnets = [text(one, "SubnetId") for one in known_objects(balancer.data, "AvailabilityZones")]
        subnets = [one for one in (subnets or known_texts(balancer.data, "Subnets")) if one]
        if not vpc or not subnets:
            view.graph.doubts.append(f"in which subnets {balancer.id} stands was not seen")
            continue
        kind = "network_load_balancer" if text(balancer.data, "Type") == "network" else "interface"
        groups = tuple(sorted(known_texts(balancer.data, "SecurityGroups")))
        for subnet in sorted(set(subnets)):
            port = made_up(balancer, vpc, subnet, groups, (owner,), kind=kind)
            if text(balancer.data, "Scheme") != "internal":
                port = replace(port, public_doubt=f"the public addresses of {balancer.id} are not known")
            found[port.id] = port
    return found


@dataclass
class Balancers:
    """Lowers every load balancer."""

    view: View
    classes: Classes
    ports: Mapping[str, Port]

    def lower(self) -> None:
        for balancer in (*self.view.all(BALANCER), *self.view.all(CLASSIC)):
            listeners = self.listeners(balancer)
            for class_ in self.classes.by_owner.get((balancer.type, balancer.id), ()):
                self.forward(class_.station, class_, balancer, listeners)
                self._across_families(class_, balancer, listeners)

    def forward(self, at: str, class_: Class, balancer: Resource, listeners: list[Listener], *, preserve: bool = True) -> None:
        """From a station where a balancer's packets have arrived, to its targets by one class of its interfaces."""
        hop = Hop(balancer.id, "load-balancer")
        for listener in listeners:
            for onward in listener.onward:
                for family, where in each_family(onward.where):
                    keeps = onward.preserves and preserve
                    if not (own := class_.space.get(family)) and not keeps:
                        continue
                    source = None if keeps else class_.stand_in(family) if class_.doubt else own
                    rewrite = Rewrite(source=source, destination=where, port=onward.port, leg="pass" if keeps else "proxy")
                    told = (Hop(balancer.id, hop.kind, (_told(listener, onward),)),)
                    link = Link(
                        class_.sends,
                        packets=listener.packets(family),
                        rewrite=rewrite,
                        carries="first",
                        labels=frozenset(class_.groups),
                        doubt=onward.doubt,
                        via=told,
                    )
                    self.view.link(at, link, (family,))

    def _across_families(self, class_: Class, balancer: Resource, listeners: list[Listener]) -> None:
        """A dual-stack balancer takes IPv6 in and goes on in IPv4. A flow keeps its family here, so that way is in doubt."""
        if not (class_.space.get(6, None) and class_.space[6] & PUBLIC[6]) or not class_.space.get(4):
            return
        filters = [self.view.graph.filters[id_] for id_ in class_.ingress]
        admitted = union(one.allowance(6, frozenset(), 40000).may for one in filters) if filters else packets(PUBLIC[6])
        for listener in listeners:
            if not admitted & union(packets(PUBLIC[6], (one, one), listener.ports) for one in listener.protocols):
                continue
            for onward in listener.onward:
                if onward.where.get(4):
                    doubt = f"what comes to {balancer.id} over IPv6 goes on over IPv4, which is not modelled"
                    rewrite = Rewrite(source=class_.space[4], destination=onward.where[4], port=onward.port, leg="pass")
                    link = Link(class_.sends, packets=listener.packets(4), rewrite=rewrite, labels=frozenset(class_.groups), doubt=doubt)
                    self.view.link(INTERNET, link, (4,))

    # -- listeners and targets ------------------------------------------------------------------------------------

    def listeners(self, balancer: Resource) -> list[Listener]:
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
            return [Listener((TCP, UDP), _ANY_PORT, tuple(self._attached(balancer, str(error))))]
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
        yield Listener(_PROTOCOLS.get(name, (TCP, UDP)), ports, tuple(onward))

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
            for arn in dict.fromkeys(groups):
                yield arn, doubt
            if text(action, "Type") == "forward" and not groups and not weighted:
                why = f"where a listener of {balancer.id} forwards to was not seen"
                yield from ((group.id, why) for group in self._groups_of(balancer))
        if listener.get("DefaultActions") is None:
            yield from ((group.id, f"the actions of a listener of {balancer.id} were not seen") for group in self._groups_of(balancer))

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
            yield self._anything(vpc, self.view.unseen(TARGETS, "target group", arn, balancer.place))
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
            found.append(Listener((TCP,), ports, tuple(onward)))
        for name in ("ListenerDescriptions", "Instances"):
            if balancer.data.get(name) is None:
                why = self.view.gap(balancer, name) or f"{name} of {balancer.id} were not seen"
                found.append(Listener((TCP,), _ANY_PORT, (self._anything(text(balancer.data, "VPCId"), why),)))
        return found


def _joined(parts: list[Mapping[int, Addresses]]) -> dict[int, Addresses]:
    return {
        family: addresses(span for part in parts if family in part for span in part[family].spans)
        for family in (4, 6)
        if any(family in part for part in parts)
    }


def _told(listener: Listener, onward: Onward) -> str:
    name = "/".join({TCP: "tcp", UDP: "udp"}[one] for one in listener.protocols)
    port = listener.ports[0] if listener.ports[0] == listener.ports[1] else "any"
    return f"listener {name}/{port} -> port {onward.port if isinstance(onward.port, int) else 'any'}"
