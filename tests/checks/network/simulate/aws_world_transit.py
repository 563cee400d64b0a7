"""Short ways to make transit gateways and client VPN endpoints, beside `aws_world`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checks.model import Resource
from tests.checks.network.simulate.aws_world import ACCOUNT, HERE, THERE, Thing, id_of


def transit_gateway(id_: str, *, referencing: bool = False, region: str = HERE) -> Resource:
    data = {"TransitGatewayId": id_, "State": "available", "Options": {"SecurityGroupReferencingSupport": _enabled(referencing)}}
    return Resource(id_, "aws.ec2.transit_gateway", ACCOUNT, region, data)


def vpc_attachment(
    id_: str, gateway: Thing, home: Resource, *subnets: Thing, referencing: bool = False, ipv6: bool = False
) -> list[Resource]:
    """A VPC's attachment, as both calls that list it show it."""
    options = {"SecurityGroupReferencingSupport": _enabled(referencing), "Ipv6Support": _enabled(ipv6), "DnsSupport": "enable"}
    data = {
        "TransitGatewayAttachmentId": id_,
        "TransitGatewayId": id_of(gateway),
        "VpcId": home.id,
        "VpcOwnerId": home.account,
        "State": "available",
        "SubnetIds": [id_of(one) for one in subnets],
        "Options": options,
    }
    own = Resource(id_, "aws.ec2.transit_gateway_vpc_attachment", home.account, home.region, data)
    return [own, attachment(id_, gateway, "vpc", home.id)]


def attachment(id_: str, gateway: Thing, kind: str, resource: str = "") -> Resource:
    """An attachment as DescribeTransitGatewayAttachments gives it. `kind`: vpc, vpn, direct-connect-gateway, connect, peering."""
    data = {
        "TransitGatewayAttachmentId": id_,
        "TransitGatewayId": id_of(gateway),
        "ResourceType": kind,
        "ResourceId": resource,
        "State": "available",
    }
    return Resource(id_, "aws.ec2.transit_gateway_attachment", ACCOUNT, HERE, data)


def peering_attachment(id_: str, requester: Thing, accepter: Thing, *, state: str = "available") -> Resource:
    data = {
        "TransitGatewayAttachmentId": id_,
        "AccepterTransitGatewayAttachmentId": id_,
        "RequesterTgwInfo": {"TransitGatewayId": id_of(requester), "OwnerId": ACCOUNT, "Region": HERE},
        "AccepterTgwInfo": {"TransitGatewayId": id_of(accepter), "OwnerId": ACCOUNT, "Region": THERE},
        "State": state,
    }
    return Resource(id_, "aws.ec2.transit_gateway_peering_attachment", ACCOUNT, HERE, data)


def transit_route(cidr: str, out: str | None, kind: str = "vpc", *, propagated: bool = False) -> dict[str, Any]:
    """A route of a transit gateway, a blackhole if it goes out by no attachment."""
    ends = [{"TransitGatewayAttachmentId": out, "ResourceType": kind, "ResourceId": ""}] if out else []
    made = {"DestinationCidrBlock": cidr, "Type": "propagated" if propagated else "static", "State": "active" if out else "blackhole"}
    return made | {"TransitGatewayAttachments": ends}


def transit_table(id_: str, gateway: Thing, *routes: dict[str, Any], associated: Sequence[str] = ()) -> Resource:
    data = {
        "TransitGatewayRouteTableId": id_,
        "TransitGatewayId": id_of(gateway),
        "State": "available",
        "Routes": list(routes),
        "Associations": [{"TransitGatewayAttachmentId": one, "State": "associated"} for one in associated],
        "Propagations": [],
    }
    return Resource(id_, "aws.ec2.transit_gateway_route_table", ACCOUNT, HERE, data)


def client_vpn(id_: str, home: Resource, cidr: str, target: Thing, *, authorized: Sequence[str]) -> Resource:
    """A client VPN endpoint associated with the subnet `target`, with routes to what is authorized."""
    active = {"Code": "active"}
    data = {
        "ClientVpnEndpointId": id_,
        "ClientCidrBlock": cidr,
        "VpcId": home.id,
        "Status": {"Code": "available"},
        "TargetNetworks": [{"TargetNetworkId": id_of(target), "VpcId": home.id, "Status": {"Code": "associated"}}],
        "AuthorizationRules": [
            {"ClientVpnEndpointId": id_, "DestinationCidr": one, "AccessAll": True, "Status": active} for one in authorized
        ],
        "Routes": [{"DestinationCidr": one, "TargetSubnet": id_of(target), "Type": "Nat", "Status": active} for one in authorized],
    }
    return Resource(id_, "aws.ec2.client_vpn_endpoint", home.account, home.region, data)


def _enabled(on: bool) -> str:
    return "enable" if on else "disable"
