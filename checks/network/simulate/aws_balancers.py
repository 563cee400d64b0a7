"""Load balancers: what listens, and the packets that reach the targets.

Sources: Elastic Load Balancing user guides. Application: listeners, target groups, security groups. Network: Security
groups; Edit target group attributes (client IP preservation: always on for UDP, TCP_UDP, QUIC and TCP_QUIC, by default
on for instances and off for addresses with TCP and TLS; a client of the other family is never preserved). Classic:
listeners. EC2 API reference, NetworkInterface: a load balancer's interfaces are described as `ELB app/name/hash`, `ELB
net/name/hash` or `ELB name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address

from checks.model import Resource
from checks.network.packet import TCP, UDP, Hop, Packet
from checks.network.simulate.aws_filters import EGRESS, INGRESS, network_acl
from checks.network.simulate.aws_flight import Delivered, Dropped, Flight, Unknown, answer
from checks.network.simulate.aws_gateways import nat_port
from checks.network.simulate.aws_inventory import INTERFACE, Entry, Inventory, group_ids, number, private_address

BALANCER, TARGET_GROUP, CLASSIC = "aws.elbv2.load_balancer", "aws.elbv2.target_group", "aws.elb.load_balancer"

_NUMBERS = {
    "HTTP": {TCP},
    "HTTPS": {TCP},
    "SSL": {TCP},
    "TCP": {TCP},
    "TLS": {TCP},
    "UDP": {UDP},
    "TCP_UDP": {TCP, UDP},
    "QUIC": {UDP},
    "TCP_QUIC": {TCP, UDP},
}
_ALWAYS_PRESERVED = {"UDP", "TCP_UDP", "QUIC", "TCP_QUIC"}


@dataclass(frozen=True, slots=True)
class Leg:
    """A packet that an interface in the middle sends because of one that it received.

    `preserved`: it bears the client's address, and the answer goes back through the balancer all the same.
    """

    interface: Resource
    flight: Flight
    preserved: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The interface that was reached takes nothing there, or nobody can tell: then nothing is delivered at it either."""

    because: Dropped | Unknown


Relayed = Iterator[Leg | Delivered | Dropped | Unknown | Closed]


def balancer_of(interface: Resource) -> str | None:
    """The name by which an interface's description tells its load balancer (`app/name/hash`, or a Classic one's name)."""
    description = str(interface.data.get("Description", ""))
    of_elb = interface.data.get("RequesterId") == "amazon-elb" or interface.data.get("InterfaceType") == "network_load_balancer"
    return description.removeprefix("ELB ") if of_elb and description.startswith("ELB ") else None


def interfaces_of(inventory: Inventory, balancer: Resource) -> Iterator[Resource]:
    name = str(balancer.data["LoadBalancerArn"]).partition(":loadbalancer/")[2]
    return (one for one in inventory.all(INTERFACE) if balancer_of(one) == name)


def relay(inventory: Inventory, interface: Resource, name: str, flight: Flight, *, preserving: bool = True) -> Relayed:
    """What a load balancer sends on for a packet that has reached one of its interfaces; Closed alone where nothing listens.

    Health is not looked at: a target that is registered may become healthy. With `preserving` false no target sees the
    client's address, as behind an endpoint service.
    """
    if "/" not in name:
        yield from _relay_classic(inventory, interface, name, flight)
        return
    balancer = next(
        (one for one in inventory.all(BALANCER) if str(one.data.get("LoadBalancerArn")).endswith(f":loadbalancer/{name}")), None
    )
    if balancer is None or balancer.data.get("Listeners") is None:
        yield Closed(Unknown(f"the listeners of load balancer {name} are not in the estate"))
        return
    listener = next((one for one in balancer.data["Listeners"] if _listens(one.get("Protocol"), one.get("Port"), flight.packet)), None)
    if listener is None:
        yield Closed(Dropped(f"no listener of load balancer {name} takes {flight.packet}"))
        return
    for arn in _forwarded_to(inventory, balancer, listener):
        group = next(inventory.where(TARGET_GROUP, TargetGroupArn=arn), None)
        if group is None or group.data.get("Targets") is None:
            yield Unknown(f"the targets of {arn} are not in the estate")
            continue
        hop = Hop(str(balancer.data["LoadBalancerArn"]), "load balancer", (f"{listener['Protocol']}:{listener['Port']} -> {arn}",))
        for description in group.data["Targets"]:
            yield from _to_target(inventory, interface, balancer, group, description["Target"], flight.past(hop), preserving=preserving)


def _listens(protocol: str | None, port: int | None, packet: Packet) -> bool:
    return packet.protocol in _NUMBERS.get(str(protocol), ()) and packet.destination_port == port


def _forwarded_to(inventory: Inventory, balancer: Resource, listener: Entry) -> list[str]:
    """The target groups of a listener's actions.

    Rules of an Application Load Balancer are read where the listener has them. Where not, every target group that the
    balancer uses and no default action names is one that some rule forwards to, maybe a rule of this listener.
    """
    actions = [*(listener.get("DefaultActions") or ()), *(act for rule in listener.get("Rules") or () for act in rule.get("Actions") or ())]
    arns = set(_named(actions))
    if balancer.data.get("Type") == "application" and listener.get("Rules") is None:
        default = {arn for one in balancer.data["Listeners"] for arn in _named(one.get("DefaultActions") or ())}
        for group in inventory.all(TARGET_GROUP):
            if (
                balancer.data["LoadBalancerArn"] in (group.data.get("LoadBalancerArns") or ())
                and group.data["TargetGroupArn"] not in default
            ):
                arns.add(str(group.data["TargetGroupArn"]))
    return sorted(arns)


def _named(actions: Iterable[Entry]) -> Iterator[str]:
    for action in actions:
        if action.get("TargetGroupArn"):
            yield str(action["TargetGroupArn"])
        for group in (action.get("ForwardConfig") or {}).get("TargetGroups") or ():
            yield str(group["TargetGroupArn"])


def _to_target(
    inventory: Inventory, interface: Resource, balancer: Resource, group: Resource, target: Entry, flight: Flight, *, preserving: bool
) -> Relayed:
    kind, id_ = group.data.get("TargetType"), str(target["Id"])
    if kind == "lambda":
        yield Delivered(flight, id_)
        return
    addresses = list(_addresses(inventory, group, str(kind), id_))
    if not addresses:
        yield Unknown(f"the interface of target {id_} is not in the estate")
    port = int(target.get("Port") or group.data["Port"])
    preserves = preserving and balancer.data.get("Type") == "network" and _preserves(group)
    for family, address in addresses:
        yield from _leg(inventory, interface, flight, family, address, port, preserves=preserves)


def _addresses(inventory: Inventory, group: Resource, kind: str, id_: str) -> Iterator[tuple[int, int]]:
    """The addresses (family, number) that stand for a target."""
    family = 6 if group.data.get("IpAddressType") == "ipv6" else 4
    if kind == "ip":
        yield ip_address(id_).version, number(id_)
        return
    if kind == "instance":
        interfaces = _interfaces_of_instance(inventory, id_)
    else:
        balancer = next(inventory.where(BALANCER, LoadBalancerArn=id_), None)
        interfaces = interfaces_of(inventory, balancer) if balancer else iter(())
    for one in interfaces:
        address = private_address(one, family)
        if address is not None:
            yield family, address


def _interfaces_of_instance(inventory: Inventory, id_: str) -> Iterator[Resource]:
    """The primary interface: targets by instance id are reached at its primary private address (Target groups, Target type)."""
    for one in inventory.all(INTERFACE):
        attachment = one.data.get("Attachment") or {}
        if attachment.get("InstanceId") == id_ and attachment.get("DeviceIndex") == 0:
            yield one


def _preserves(group: Resource) -> bool:
    if group.data.get("TargetType") == "alb" or group.data.get("Protocol") in _ALWAYS_PRESERVED:
        return True
    stated = attribute(group, "preserve_client_ip.enabled")
    return group.data.get("TargetType") == "instance" if stated is None else stated == "true"


def attribute(resource: Resource, key: str) -> str | None:
    """The value of an attribute as DescribeTargetGroupAttributes gives it."""
    entries = resource.data.get("Attributes") or ()
    return next((str(one["Value"]) for one in entries if one.get("Key") == key), None)


def _leg(inventory: Inventory, interface: Resource, flight: Flight, family: int, address: int, port: int, *, preserves: bool) -> Relayed:
    """From a balancer's interface to one address, with the client's address or the balancer's own."""
    came = flight.packet
    own = private_address(interface, family)
    preserved = preserves and family == came.family
    if preserved and address == came.source:
        # Network Load Balancers, Troubleshoot: requests from a target to its load balancer time out.
        yield Dropped(f"{interface.id} sends no client back to itself: {came}")
        return
    if preserved and not inventory.in_vpc(str(interface.data["VpcId"]), family, address):
        yield Unknown(f"how a target outside {interface.data['VpcId']} sees the client of {interface.id} is not followed")
        return
    if own is None:
        yield Unknown(f"the IPv{family} address of {interface.id} is not in the estate")
        return
    source, source_port = (came.source, came.source_port) if preserved else (own, nat_port(came))
    sent = Packet(family, source, address, came.protocol, source_port, port)
    leg = replace(flight, packet=sent, groups=group_ids(interface), translations=(), egress_only=frozenset())
    yield Leg(interface, leg, preserved)


def _relay_classic(inventory: Inventory, interface: Resource, name: str, flight: Flight) -> Relayed:
    balancers = inventory.where(CLASSIC, LoadBalancerName=name)
    balancer = next((one for one in balancers if one.data.get("VPCId") == interface.data["VpcId"]), None)
    if balancer is None or balancer.data.get("ListenerDescriptions") is None:
        yield Closed(Unknown(f"the listeners of load balancer {name} are not in the estate"))
        return
    listeners = [one["Listener"] for one in balancer.data["ListenerDescriptions"]]
    listener = next((one for one in listeners if _listens(one["Protocol"], one["LoadBalancerPort"], flight.packet)), None)
    if listener is None:
        yield Closed(Dropped(f"no listener of load balancer {name} takes {flight.packet}"))
        return
    hop = Hop(name, "load balancer", (f"{listener['Protocol']}:{listener['LoadBalancerPort']} -> instances:{listener['InstancePort']}",))
    for instance in balancer.data.get("Instances") or ():
        interfaces = list(_interfaces_of_instance(inventory, str(instance["InstanceId"])))
        if not interfaces:
            yield Unknown(f"the interface of target {instance['InstanceId']} is not in the estate")
        for one in interfaces:
            address = private_address(one, 4)
            if address is not None:
                yield from _leg(inventory, interface, flight.past(hop), 4, address, int(listener["InstancePort"]), preserves=False)


def answers_through(inventory: Inventory, interface: Resource, target: Resource, arrived: Packet) -> bool | Unknown:
    """Whether a target's answer to a preserved client gets to the balancer that holds the flow.

    The balancer picks it up by the flow, not by a route; only the network ACLs of the two subnets stand in between
    (Network Load Balancers, Target groups for your Network Load Balancers: they have to allow the clients' addresses).
    """
    back = answer(arrived)
    home, from_ = interface.data.get("SubnetId"), target.data.get("SubnetId")
    if back is None or home is None or from_ is None:
        return False
    if home == from_:
        return True
    for subnet, direction in ((from_, EGRESS), (home, INGRESS)):
        passage = network_acl(inventory, str(subnet), direction, back)
        if isinstance(passage, Unknown):
            return passage
        if isinstance(passage, Dropped):
            return False
    return True
