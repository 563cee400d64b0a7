"""What stands behind an interface endpoint: a service of AWS or of somebody else, or Network Load Balancers of this estate.

Sources: PrivateLink guide, Concepts and Share your services through PrivateLink (the provider sees the load balancer's
private address, and cannot open connections); Network Load Balancers, Security groups (inbound rules are applied to
PrivateLink traffic, with the client's private address, unless turned off).
"""

from __future__ import annotations

from dataclasses import replace

from checks.model import Resource
from checks.network.packet import Hop
from checks.network.simulate.aws_balancers import BALANCER, Closed, Relayed, balancer_of, interfaces_of, relay
from checks.network.simulate.aws_filters import INGRESS, security_groups
from checks.network.simulate.aws_flight import Delivered, Dropped, Flight, Unknown
from checks.network.simulate.aws_gateways import ENDPOINT
from checks.network.simulate.aws_inventory import Inventory, private_address

SERVICE = "aws.ec2.vpc_endpoint_service"


def endpoint_of(inventory: Inventory, interface: Resource) -> Resource | None:
    """The endpoint that an interface belongs to."""
    endpoints = inventory.all(ENDPOINT)
    return next((one for one in endpoints if interface.id in (one.data.get("NetworkInterfaceIds") or ())), None)


def behind(inventory: Inventory, endpoint: Resource, flight: Flight) -> Relayed:
    """What a packet to an endpoint's interface comes to on the other side; Closed where the service has not accepted it."""
    if str(endpoint.data.get("State", "available")).lower() != "available":
        yield Closed(Dropped(f"{endpoint.id} is {endpoint.data['State']}"))
        return
    flight = flight.past(Hop(endpoint.id, "interface endpoint"))
    name = str(endpoint.data.get("ServiceName"))
    service = next(inventory.where(SERVICE, ServiceName=name), None)
    if service is None:
        yield Delivered(flight, name)
        return
    if service.data.get("GatewayLoadBalancerArns"):
        yield Unknown(f"what {service.id} does with {flight.packet} is not in the estate")
    for arn in service.data.get("NetworkLoadBalancerArns") or ():
        balancer = next(inventory.where(BALANCER, LoadBalancerArn=arn), None)
        interfaces = list(interfaces_of(inventory, balancer)) if balancer else []
        if balancer is None or not interfaces:
            yield Unknown(f"the interfaces of {arn} are not in the estate")
            continue
        for interface in interfaces:
            yield from _provided(inventory, balancer, interface, flight.past(Hop(service.id, "endpoint service")))


def _provided(inventory: Inventory, balancer: Resource, interface: Resource, flight: Flight) -> Relayed:
    address = private_address(interface, flight.packet.family)
    name = balancer_of(interface)
    if address is None or name is None:
        yield Unknown(f"the IPv{flight.packet.family} address of {interface.id} is not in the estate")
        return
    arrived = replace(flight, packet=replace(flight.packet, destination=address), groups=frozenset())
    if balancer.data.get("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", "on") != "off":
        passage = security_groups(inventory, interface, INGRESS, arrived.packet, frozenset())
        if isinstance(passage, Dropped | Unknown):
            yield passage
            return
        arrived = arrived.past(*passage)
    arrived = arrived.past(Hop(interface.id, "interface"))
    relayed = list(relay(inventory, interface, name, arrived, preserving=False))
    if not any(isinstance(one, Closed) for one in relayed):
        yield Delivered(arrived, interface.id)
    yield from (one.because if isinstance(one, Closed) else one for one in relayed)
