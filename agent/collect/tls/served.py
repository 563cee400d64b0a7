"""Which endpoints the resources of an estate serve to the internet over TLS: load balancers, distributions, API domains, application
gateways, and addresses of the internet whose port 443 is open to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from agent.collect.tls.inspecting import Target
from agent.collect.tls.targets import BadTarget, name
from checks import paths
from checks.functions.declare import DataError
from checks.functions.security_groups import ingress_cidrs
from checks.model import GLOBAL, Gap, Resource
from checks.plan import Plan
from checks.tls import endpoint
from checks.tls.names import is_address

Served = tuple[str, int]
"""Host and port."""
_GROUP, _PUBLIC_ADDRESS = "aws.ec2.security_group", "azure.network.publicipaddresses"


@dataclass(frozen=True, slots=True)
class Discovered:
    """An endpoint that an estate tells of, and where it stands there."""

    target: Target
    type: str
    id: str


@dataclass(frozen=True, slots=True)
class _Estate:
    """What a resource refers to: others by type, account and id. Ids of Azure are told apart without regard to case."""

    held: Mapping[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)

    def find(self, type_: str, account: str, id_: object) -> Mapping[str, Any] | None:
        return self.held.get((type_, account, str(id_).lower()))


def discovered(resources: Iterable[Resource]) -> Iterator[Discovered]:
    """What resources serve to the internet over TLS. In order, each once. What is found by its address alone has no name to be judged by."""
    found: dict[str, Discovered] = {}
    ordered = sorted(resources, key=lambda one: (one.type, one.account, one.region, one.id))
    estate = _Estate({(one.type, one.account, one.id.lower()): one.data for one in ordered if one.type in {_GROUP, _PUBLIC_ADDRESS}})
    for resource in ordered:
        for host, port in SERVED[resource.type](resource, estate) if resource.type in SERVED else ():
            try:
                target = Target(name(host, host), port, private_allowed=False, nameless=is_address(host))
            except BadTarget:
                continue
            found.setdefault(target.id, Discovered(target, resource.type, resource.id))
    yield from found.values()


# -- AWS -------------------------------------------------------------------------------------------------------------


def _load_balancer(resource: Resource, _: _Estate) -> Iterator[Served]:
    data = resource.data
    if data.get("Scheme") == "internet-facing" and isinstance(data.get("DNSName"), str):
        for listener in _items(data.get("Listeners")):
            if listener.get("Protocol") in {"HTTPS", "TLS"} and isinstance(listener.get("Port"), int):
                yield data["DNSName"], listener["Port"]


def _classic(resource: Resource, _: _Estate) -> Iterator[Served]:
    data = resource.data
    if data.get("Scheme") == "internet-facing" and isinstance(data.get("DNSName"), str):
        for one in _items(data.get("ListenerDescriptions")):
            listener = one.get("Listener") or {}
            if listener.get("Protocol") in {"HTTPS", "SSL"} and isinstance(listener.get("LoadBalancerPort"), int):
                yield data["DNSName"], listener["LoadBalancerPort"]


def _distribution(resource: Resource, _: _Estate) -> Iterator[Served]:
    aliases = (resource.data.get("Aliases") or {}).get("Items") or []
    for host in [*aliases, resource.data.get("DomainName")]:
        if isinstance(host, str) and "*" not in host:
            yield host, 443


def _api_domain(resource: Resource, _: _Estate) -> Iterator[Served]:
    host = resource.data.get("domainName") or resource.data.get("DomainName")
    if isinstance(host, str) and "*" not in host:
        yield host, 443


def _interface(resource: Resource, estate: _Estate) -> Iterator[Served]:
    """The public addresses of a network interface with a security group that admits the internet to port 443; of a group that was not
    seen, that cannot be ruled out. Those of load balancers stand under the balancers' own names (the description of their interfaces
    begins with ELB: Elastic Load Balancing user guides)."""
    data = resource.data
    if str(data.get("Description", "")).startswith("ELB ") or data.get("DenyAllIgwTraffic") is True:
        return
    yield from _addresses(data, data.get("Groups"), resource.account, estate)


def _instance(resource: Resource, estate: _Estate) -> Iterator[Served]:
    """The same of an instance, as far as it tells of its interfaces: where those are not listed themselves."""
    if (resource.data.get("State") or {}).get("Name") in {"running", "pending"}:
        for interface in _items(resource.data.get("NetworkInterfaces")):
            yield from _addresses(interface, interface.get("Groups"), resource.account, estate)


def _addresses(data: Mapping[str, Any], groups: Any, account: str, estate: _Estate) -> Iterator[Served]:
    admitted = {version for group in _items(groups) for version in _admits(estate.find(_GROUP, account, group.get("GroupId")))}
    associations = [data.get("Association"), *(one.get("Association") for one in _items(data.get("PrivateIpAddresses")))]
    public = [one.get("PublicIp") for one in associations if isinstance(one, Mapping)] if 4 in admitted else []
    public += [one.get("Ipv6Address") for one in _items(data.get("Ipv6Addresses"))] if 6 in admitted else []
    for address in dict.fromkeys(public):
        if isinstance(address, str) and is_address(address):
            yield address, 443


def _admits(group: Mapping[str, Any] | None) -> set[int]:
    """The versions of IP by which a group admits the internet to port 443: by a range of half of it or more. One that was not seen, or
    cannot be read, may by either."""
    if group is None:
        return {4, 6}
    try:
        ranges: Any = ingress_cidrs(group["IpPermissions"], "tcp", "443")
    except (DataError, KeyError):
        return {4, 6}
    return {network.version for network in (ip_network(one) for one in ranges) if network.prefixlen <= 1}


# -- Azure -----------------------------------------------------------------------------------------------------------


def _application_gateway(resource: Resource, estate: _Estate) -> Iterator[Served]:
    """The listeners for HTTPS and TLS at public addresses: by the names they are for, and by the address where they are for any
    (Azure REST API reference, Application Gateways - Get)."""
    inner = _properties(resource.data)
    ports = {_id(one): _properties(one).get("port") for one in _items(inner.get("frontendPorts"))}
    ends = {_id(one): _properties(one) for one in _items(inner.get("frontendIPConfigurations"))}
    for one in (*_items(inner.get("httpListeners")), *_items(inner.get("listeners"))):
        listener = _properties(one)
        port, end = ports.get(_id(listener.get("frontendPort"))), ends.get(_id(listener.get("frontendIPConfiguration")))
        if str(listener.get("protocol", "")).lower() not in {"https", "tls"} or not isinstance(port, int) or end is None:
            continue
        if "publicIPAddress" not in end:
            continue
        hosts = [host for host in (listener.get("hostName"), *(listener.get("hostNames") or [])) if isinstance(host, str) and host]
        yield from ((host, port) for host in hosts if "*" not in host)
        if not hosts or any("*" in host for host in hosts):
            public = estate.find(_PUBLIC_ADDRESS, resource.account, _id(end["publicIPAddress"]))
            address = _properties(public or {}).get("ipAddress")
            if isinstance(address, str):
                yield address, port


def _properties(data: Mapping[str, Any]) -> Mapping[str, Any]:
    held = data.get("properties")
    return held if isinstance(held, Mapping) else {}


def _id(reference: Any) -> str:
    return str(reference.get("id", "")).lower() if isinstance(reference, Mapping) else ""


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


SERVED = {
    "aws.elbv2.load_balancer": _load_balancer,
    "aws.elb.load_balancer": _classic,
    "aws.cloudfront.distribution": _distribution,
    "aws.apigateway.domain_name": _api_domain,
    "aws.ec2.network_interface": _interface,
    "aws.ec2.instance": _instance,
    "azure.network.applicationgateways": _application_gateway,
}
TELLING: Plan = {
    "aws.elbv2.load_balancer": frozenset({"Scheme", "DNSName", "Listeners"}),
    "aws.elb.load_balancer": frozenset({"Scheme", "DNSName", "ListenerDescriptions"}),
    "aws.cloudfront.distribution": frozenset({"Aliases", "DomainName"}),
    "aws.apigateway.domain_name": frozenset({"domainName"}),
    "aws.ec2.network_interface": frozenset(
        {"Description", "DenyAllIgwTraffic", "Groups", "Association", "PrivateIpAddresses", "Ipv6Addresses"}
    ),
    _GROUP: frozenset({"IpPermissions"}),
    "azure.network.applicationgateways": frozenset({"properties"}),
    _PUBLIC_ADDRESS: frozenset({"properties"}),
}
"""The members by which each type tells what it serves. Interfaces of AWS are listed whole, so that instances need not be."""
REMEMBERED = frozenset({*SERVED, *TELLING})
"""The types that a collection has to remember for it."""


def hidden(gaps: Iterable[Gap]) -> Iterator[Gap]:
    """What may serve endpoints that nobody can name, for what was not seen of these types: each a gap in which endpoints there are.

    A security group that was not seen hides none: what it is attached to is taken to be open.
    """
    for gap in gaps:
        if gap.type in TELLING.keys() - {_GROUP} and (gap.field is None or paths.parse(gap.field)[0] in TELLING[gap.type]):
            what = " ".join(filter(None, (gap.type, gap.id, gap.field)))
            message = f"which endpoints {what} in {gap.account}/{gap.region} serves is not known: {gap.code or gap.message or gap.reason}"
            yield Gap(endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, None, None, gap.reason, gap.call, message=message, action=gap.action)
