"""Ways in that are modelled, beside gateways: PrivateLink, Client VPN endpoints, EC2 Instance Connect endpoints.

PrivateLink guide: an interface endpoint leads to the service's Network Load Balancers, and never back; the balancer's
groups are asked unless `EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic` is off, and its targets see its own
address. Client VPN guide, How Client VPN works: clients come into the VPC with the address of the endpoint's interface in
the associated subnet, with the groups of the association, to what is routed and authorised. EC2 user guide, EC2 Instance
Connect Endpoint: TCP, from the endpoint's interface, or from the client's address where that is preserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from checks.functions.declare import DataError
from checks.model import Place, Resource
from checks.network.aws import groups as security_groups
from checks.network.aws.balancers import Balancers
from checks.network.aws.classes import Class, Classes
from checks.network.aws.interfaces import BALANCER, ENDPOINT, Port
from checks.network.aws.reading import cidr_set, known_texts, objects, text
from checks.network.aws.subnets import Subnet
from checks.network.aws.view import ANYONE, View, each_family
from checks.network.graph import NO_LABELS, Link, Rewrite
from checks.network.packet import INTERNET, TCP, Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses, addresses, packets

SERVICE, CLIENT_VPN, CONNECT = "aws.ec2.vpc_endpoint_service", "aws.ec2.client_vpn_endpoint", "aws.ec2.instance_connect_endpoint"


@dataclass
class Entrances:
    """Lowers each of them."""

    view: View
    classes: Classes
    ports: Mapping[str, Port]
    subnets: Mapping[str, Subnet]
    balancers: Balancers

    def lower(self) -> None:
        for service in self.view.all(SERVICE):
            self._service(service)
        self._unseen_services()
        for endpoint in self.view.all(CLIENT_VPN):
            self._client_vpn(endpoint)
        for endpoint in self.view.all(CONNECT):
            self._connect(endpoint)

    # -- PrivateLink ----------------------------------------------------------------------------------------------

    def _service(self, service: Resource) -> None:
        if text(service.data, "ServiceState") in {"Deleted", "Deleting", "Failed"}:
            return
        name = text(service.data, "ServiceName")
        hop = Hop(service.id, "vpc-endpoint-service")
        consumers = self.view.outside(f"consumers:{service.id}", f"consumers of the endpoint service {service.id}")
        doubt = f"who uses the endpoint service {service.id}, and lets the internet use it, is not known"
        self.view.link(INTERNET, Link(consumers, labels=ANYONE, doubt=doubt))
        callers = {consumers: ""}
        for endpoint in self.view.all(ENDPOINT):
            callers |= self._callers(endpoint, service.id, name)
        callers |= {station: f"whether {id_} leads to {service.id} was not seen" for station, id_ in self._unseen_endpoints.items()}
        arns = known_texts(service.data, "NetworkLoadBalancerArns")
        if service.data.get("NetworkLoadBalancerArns") is None and not known_texts(service.data, "GatewayLoadBalancerArns"):
            self._anywhere(callers, service.place, f"which load balancers {service.id} leads to was not seen")
        for arn in arns:
            balancer = self.view.find(BALANCER, arn)
            held = self.classes.by_owner.get((BALANCER, arn), ())
            if balancer is None or not held:
                self._anywhere(callers, service.place, f"load balancer {arn}, which {service.id} leads to, was not seen")
                continue
            for class_ in held:
                station = self.private_listener(class_, balancer)
                for caller, doubt in callers.items():
                    self._call(caller, station, class_, balancer, hop, doubt)

    def _unseen_services(self) -> None:
        """Where services were not listed, an endpoint of one that was not seen may lead to whatever is there."""
        seen = {text(service.data, "ServiceName") for service in self.view.all(SERVICE)}
        callers = dict(self._unseen_endpoints)
        for endpoint in self.view.all(ENDPOINT):
            if text(endpoint.data, "ServiceName") not in seen and not _of_aws(endpoint):
                callers |= dict.fromkeys(self._callers(endpoint, "", ""), endpoint.id)
        for place in sorted({network.place for network in self.view.networks.values()}):
            if callers and (why := self.view.unlisted(SERVICE, place)):
                for caller, id_ in callers.items():
                    self._anywhere({caller: ""}, place, f"where {id_} leads to is not known: {why}")

    @cached_property
    def _unseen_endpoints(self) -> dict[str, str]:
        """The stations of interfaces of endpoints that were not seen themselves, with the endpoint."""
        found = {}
        for class_ in self.classes.all:
            endpoints = [id_ for kind, id_ in sorted(class_.owners) if kind == ENDPOINT]
            if (endpoints or class_.kind == "vpc_endpoint") and not any(self.view.find(ENDPOINT, id_) for id_ in endpoints):
                found[class_.station] = (endpoints or class_.members)[0]
        return found

    def _callers(self, endpoint: Resource, service: str, name: str) -> dict[str, str]:
        """The stations that an endpoint leads to a service from, each with why that is not sure: its interfaces, or where
        none was seen, wherever its VPC's interfaces send from."""
        asks, kind = text(endpoint.data, "ServiceName"), text(endpoint.data, "VpcEndpointType")
        if kind not in {"Interface", ""} or (name and asks and asks != name):
            return {}
        doubt = "" if name and asks and kind else f"whether {endpoint.id} leads to {service} was not seen"
        if held := self.classes.by_owner.get((ENDPOINT, endpoint.id), ()):
            return {class_.station: doubt for class_ in held}
        vpc = text(endpoint.data, "VpcId")
        doubt = doubt or f"no network interface of {endpoint.id} was seen"
        return {subnet.leaving: doubt for subnet in self.subnets.values() if subnet.vpc == vpc or not vpc}

    def _anywhere(self, callers: Mapping[str, str], place: Place, doubt: str) -> None:
        """In doubt, from all callers to all of the account and region that a service is in."""
        for id_, network in self.view.networks.items():
            if network.place != place:
                continue
            for family, space in each_family(network.space):
                rewrite = Rewrite(source=EVERYBODY[family], destination=space, leg="pass")
                for caller in callers:
                    self.view.link(caller, Link(self.view.within(id_), rewrite=rewrite, labels=ANYONE, doubt=doubt), (family,))

    def private_listener(self, class_: Class, balancer: Resource) -> str:
        """Where packets arrive at a balancer by PrivateLink: its targets then see its own address."""
        id_ = f"privatelink:{class_.key}"
        if id_ not in self.view.graph.stations:
            self.view.graph.station(id_, "load-balancer", sends=class_.sends)
            self.balancers.forward(id_, class_, balancer, self.balancers.listeners.of(balancer), preserve=False)
            self.view.link(id_, Link(class_.station, carries="first"))
            self.view.link(class_.entry, Link(id_, carries="reply"))
        return id_

    def _call(self, caller: str, station: str, class_: Class, balancer: Resource, hop: Hop, doubt: str) -> None:
        enforced = text(balancer.data, "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic") != "off"
        for family, space in each_family(class_.space):
            where = class_.stand_in(family) if class_.doubt else space
            rewrite, doubt = Rewrite(destination=where, leg="pass"), class_.doubt or doubt
            link = Link(station, class_.admits if enforced else class_.listens, rewrite=rewrite, labels=NO_LABELS, doubt=doubt, via=(hop,))
            self.view.link(caller, link, (family,))

    # -- Client VPN -----------------------------------------------------------------------------------------------

    def _client_vpn(self, endpoint: Resource) -> None:
        if text(endpoint.data, "Status", "Code") in {"deleted", "deleting"}:
            return
        doubt = self.view.gap(endpoint, "TargetNetworks", "AuthorizationRules", "Routes")
        try:
            clients = cidr_set([endpoint.data["ClientCidrBlock"]]) if endpoint.data.get("ClientCidrBlock") else dict(EVERYBODY)
            allowed = cidr_set(one.get("DestinationCidr") for one in objects(endpoint.data, "AuthorizationRules"))
            targets, routes = objects(endpoint.data, "TargetNetworks"), objects(endpoint.data, "Routes")
        except DataError as error:
            clients, allowed, targets, routes, doubt = dict(EVERYBODY), dict(EVERYBODY), [], [], f"{endpoint.id} cannot be read: {error}"
        for name in ("TargetNetworks", "AuthorizationRules", "Routes"):
            if endpoint.data.get(name) is None:
                doubt = doubt or f"{name} of {endpoint.id} were not seen"
        if endpoint.data.get("TransitGatewayConfiguration"):
            doubt = f"where the clients of {endpoint.id} get to by a transit gateway is not modelled"
        station = self.view.outside(endpoint.id, f"clients of the Client VPN endpoint {endpoint.id}", clients)
        if doubt:
            for vpc in self._networks(endpoint, text(endpoint.data, "VpcId")):
                self.view.enter(station, vpc, doubt)
            return
        for target in targets:
            subnet = self.subnets.get(text(target, "TargetNetworkId"))
            if subnet is None or text(target, "Status", "Code") in {"disassociated", "disassociating", "association-failed"}:
                continue
            try:
                routed = cidr_set(one.get("DestinationCidr") for one in routes if text(one, "TargetSubnet") == subnet.id)
            except DataError:
                routed = dict(EVERYBODY)
            groups = tuple(known_texts(target, "SecurityGroups") or known_texts(endpoint.data, "SecurityGroupIds"))
            self._clients(station, endpoint, subnet, groups, {family: allowed[family] & routed[family] for family in (4, 6)})

    def _clients(self, station: str, endpoint: Resource, subnet: Subnet, groups: tuple[str, ...], where: Mapping[int, Addresses]) -> None:
        """From the clients into one associated subnet, out of the endpoint's interface there. Without one, neither its
        address nor, unless the association names them, its groups are known."""
        hop = Hop(endpoint.id, "client-vpn-endpoint")
        own = [port for port in self.ports.values() if port.subnet == subnet.id and endpoint.id in port.description]
        for port in own:
            class_ = self.classes.by_interface[port.id]
            labels = ANYONE if class_.unlabelled else class_.labels
            for family, destination in each_family(where):
                source = addresses(port.spans(family))
                rewrite = Rewrite(source=source, leg="nat")
                self.view.link(station, Link(class_.sends, destination=destination, rewrite=rewrite, labels=labels, via=(hop,)), (family,))
                self.view.link(subnet.inside, Link(station, destination=source, carries="reply"), (family,))
        if own:
            return
        egress = security_groups.ids(self.view, groups, "egress", subnet.place)
        for family, destination in each_family(where):
            doubt = f"from which address of {subnet.id} the clients of {endpoint.id} come is not known"
            rewrite = Rewrite(source=subnet.space.get(family, NOBODY), leg="pass")
            labels = frozenset(groups) if groups else ANYONE
            filters = (egress,) if egress else ()
            link = Link(subnet.leaving, filters, destination=destination, rewrite=rewrite, labels=labels, doubt=doubt, via=(hop,))
            self.view.link(station, link, (family,))

    # -- EC2 Instance Connect -------------------------------------------------------------------------------------

    def _connect(self, endpoint: Resource) -> None:
        if text(endpoint.data, "State").startswith("delete"):
            return
        title = f"whoever may use the EC2 Instance Connect endpoint {endpoint.id}"
        own = [self.ports[id_] for id_ in known_texts(endpoint.data, "NetworkInterfaceIds") if id_ in self.ports]
        vpc = text(endpoint.data, "VpcId")
        if not own:
            station = self.view.outside(endpoint.id, title)
            for network in self._networks(endpoint, vpc):
                self.view.enter(station, network, f"no network interface of {endpoint.id} was seen")
            return
        spans = {family: addresses(span for port in own for span in port.spans(family)) for family in (4, 6)}
        station = self.view.outside(endpoint.id, title, spans)
        hop = Hop(endpoint.id, "instance-connect-endpoint")
        preserves = endpoint.data.get("PreserveClientIp")
        for port in own:
            class_ = self.classes.by_interface[port.id]
            for family, space in each_family({family: addresses(port.spans(family)) for family in (4, 6)}):
                ssh = packets(EVERYBODY[family], (TCP, TCP))
                labels = frozenset(port.groups)
                if preserves is not True:
                    doubt = "" if preserves is False else f"whether {endpoint.id} preserves client addresses was not seen"
                    self.view.link(
                        station, Link(class_.sends, source=space, packets=ssh, labels=labels, doubt=doubt, via=(hop,)), (family,)
                    )
                    self.view.link(class_.subnet.inside, Link(station, destination=space, carries="reply"), (family,))
                if preserves is not False:
                    doubt = f"{endpoint.id} preserves client addresses, which may be any"
                    any_source = Rewrite(source=EVERYBODY[family], leg="pass")
                    link = Link(class_.sends, packets=ssh, rewrite=any_source, labels=labels, doubt=doubt, via=(hop,))
                    self.view.link(station, link, (family,))

    def _networks(self, resource: Resource, vpc: str) -> list[str]:
        """A VPC, or where that is not known, all of the resource's place."""
        if vpc in self.view.networks:
            return [vpc]
        return [id_ for id_, network in self.view.networks.items() if network.region == resource.region]


def _of_aws(endpoint: Resource) -> bool:
    """Whether it leads to a service of AWS itself. PrivateLink guide, Create an endpoint service: those of others are called
    `com.amazonaws.vpce.<region>.vpce-svc-<id>`."""
    name = text(endpoint.data, "ServiceName")
    return name.startswith(("com.amazonaws.", "aws.")) and not name.startswith("com.amazonaws.vpce.")
