"""The short ways make what AWS sends: every member is one of botocore's shapes, or a detail that the catalogue adds."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from checks.model import Resource
from tests.checks.network.simulate import aws_world as world
from tests.checks.network.simulate import aws_world_balancers as balancers
from tests.checks.network.simulate import aws_world_transit as transit

HOME, OTHER = world.vpc("vpc-a", "10.0.0.0/16", "2a05:d014::/56"), world.vpc("vpc-b", "10.1.0.0/16")
SUBNET = world.subnet("subnet-a", HOME, "10.0.1.0/24", "2a05:d014:0:1::/64")
GROUP = world.group("sg-a", HOME, [world.allow("tcp", 443, "0.0.0.0/0", "::/0", "pl-1", "sg-b")])
TARGETS = balancers.target_group("app", HOME, "TCP", 80, "i-1", preserve=True)
NETWORK = balancers.balancer("net", HOME, GROUP, kind="network", listeners=[balancers.listener("TCP", 80, TARGETS, TARGETS)])
ROUTES = [world.to(to, target) for to, target in (("0.0.0.0/0", "igw-1"), ("::/0", "eigw-1"), ("pl-1", "vpce-1"), ("10.1.0.0/16", "tgw-1"))]
ENTRIES = [world.entry(1, "allow", "0.0.0.0/0", 6, (1, 2)), world.entry(2, "allow", "0.0.0.0/0", 1, (8, -1))]

MADE = {
    "Vpc": [HOME],
    "Subnet": [SUBNET],
    "NetworkInterface": [
        world.eni(
            "eni-a", SUBNET, "10.0.1.5", GROUP, public="198.51.100.5", ipv6=["2a05:d014:0:1::5"], instance="i-1", requester="amazon-elb"
        ),
    ],
    "SecurityGroup": [GROUP],
    "NetworkAcl": [world.acl("acl-a", HOME, SUBNET, ingress=ENTRIES)],
    "ManagedPrefixList": [world.prefix_list("pl-1", "10.0.0.0/8")],
    "RouteTable": [world.table("rtb-a", HOME, *ROUTES, subnets=[SUBNET], main=True, gateway="igw-1")],
    "InternetGateway": [world.igw("igw-1", HOME)],
    "EgressOnlyInternetGateway": [world.egress_only("eigw-1", HOME)],
    "NatGateway": [world.nat("nat-1", SUBNET, "10.0.1.9", "198.51.100.9")],
    "VpnGateway": [world.vpn_gateway("vgw-1", HOME)],
    "VpcPeeringConnection": [world.peering("pcx-1", HOME, OTHER)],
    "VpcEndpoint": [world.endpoint("vpce-1", HOME, "svc")],
    "ServiceConfiguration": [world.endpoint_service("vpce-svc-1", "svc", NETWORK)],
    "VpcBlockPublicAccessOptions": [world.block_public_access("block-ingress")],
    "VpcBlockPublicAccessExclusion": [world.exclusion("x-1", HOME)],
    "TransitGateway": [transit.transit_gateway("tgw-1")],
    "TransitGatewayVpcAttachment": transit.vpc_attachment("tgw-attach-a", "tgw-1", HOME, SUBNET)[:1],
    "TransitGatewayAttachment": [transit.attachment("tgw-attach-vpn", "tgw-1", "vpn")],
    "TransitGatewayPeeringAttachment": [transit.peering_attachment("tgw-attach-peer", "tgw-1", "tgw-2")],
    "TransitGatewayRouteTable": [transit.transit_table("tgw-rtb-1", "tgw-1")],
    "ClientVpnEndpoint": [transit.client_vpn("cvpn-endpoint-1", HOME, "172.31.0.0/22", SUBNET, authorized=["10.0.0.0/16"])],
    "elbv2.LoadBalancer": [NETWORK, balancers.balancer("app", HOME, GROUP)],
    "elbv2.TargetGroup": [TARGETS],
    "elb.LoadBalancerDescription": [balancers.classic("old", HOME, GROUP, port=443, instance_port=80, instances=["i-1"])],
}

DETAILS = {
    "ManagedPrefixList": {"Entries": "PrefixListEntry"},
    "TransitGatewayRouteTable": {
        "Routes": "TransitGatewayRoute",
        "Associations": "TransitGatewayRouteTableAssociation",
        "Propagations": "",
    },
    "ClientVpnEndpoint": {"TargetNetworks": "TargetNetwork", "AuthorizationRules": "AuthorizationRule", "Routes": "ClientVpnRoute"},
    "elbv2.LoadBalancer": {"Listeners": "elbv2.Listener"},
    "elbv2.TargetGroup": {"Targets": "elbv2.TargetHealthDescription", "Attributes": "elbv2.TargetGroupAttribute"},
}
"""What the catalogue reads with further calls and puts into a resource, and the shape of its items."""

SESSION = botocore.session.get_session()


def shape(name: str) -> Any:
    service, _, plain = name.rpartition(".")
    return SESSION.get_service_model(service or "ec2").shape_for(plain)


def strangers(value: Any, form: Any, path: str) -> list[str]:
    """The members of a value that a shape does not have."""
    if form.type_name == "list":
        return [one for item in value for one in strangers(item, form.member, f"{path}[]")]
    if form.type_name != "structure":
        return []
    unknown = [f"{path}.{name}" for name in value if name not in form.members]
    return unknown + [one for name in value if name in form.members for one in strangers(value[name], form.members[name], f"{path}.{name}")]


@pytest.mark.parametrize("name", sorted(MADE))
def test_what_is_made_has_the_members_that_aws_sends(name: str):
    made: list[Resource] = MADE[name]
    details = DETAILS.get(name, {})
    for one in made:
        plain = {member: value for member, value in one.data.items() if member not in details}
        assert strangers(plain, shape(name), name) == []
        for member, items in details.items():
            assert [found for item in one.data[member] for found in strangers(item, shape(items), member)] == []


def test_routes_of_transit_gateways_have_the_members_that_aws_sends():
    for route in (transit.transit_route("10.0.0.0/8", "tgw-attach-a"), transit.transit_route("10.0.0.0/8", None)):
        assert strangers(route, shape("TransitGatewayRoute"), "route") == []
    table = transit.transit_table("tgw-rtb-1", "tgw-1", associated=["tgw-attach-a"])
    assert strangers(table.data["Associations"][0], shape("TransitGatewayRouteTableAssociation"), "association") == []
