"""The network services that moto does not know, answered as AWS does: empty and well-formed where nothing was set up.

`tests.world.likeness` gives these answers to every proxy. moto (5.2.5) has no Client VPN, Verified Access, Instance
Connect endpoints, Direct Connect gateways, Global Accelerator, VPC origins or Cloud WAN attachments, and answers VPC
Block Public Access with a page that is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from tests.world.proxy import FaultProxy
from tests.world.wire import Call

EMPTY: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("cloudfront", "ListVpcOrigins", {"VpcOriginList": {"Marker": "", "MaxItems": 100, "IsTruncated": False, "Quantity": 0}}),
    ("directconnect", "DescribeDirectConnectGatewayAssociations", {"directConnectGatewayAssociations": []}),
    ("directconnect", "DescribeVirtualInterfaces", {"virtualInterfaces": []}),
    ("ec2", "DescribeClientVpnEndpoints", {"ClientVpnEndpoints": []}),
    ("ec2", "DescribeInstanceConnectEndpoints", {"InstanceConnectEndpoints": []}),
    ("ec2", "DescribeLocalGatewayRouteTableVpcAssociations", {"LocalGatewayRouteTableVpcAssociations": []}),
    ("ec2", "DescribeVerifiedAccessEndpoints", {"VerifiedAccessEndpoints": []}),
    ("ec2", "DescribeVpcBlockPublicAccessExclusions", {"VpcBlockPublicAccessExclusions": []}),
    ("globalaccelerator", "ListAccelerators", {"Accelerators": []}),
    ("globalaccelerator", "ListCustomRoutingAccelerators", {"Accelerators": []}),
    ("networkmanager", "ListAttachments", {"Attachments": []}),
    ("vpc-lattice", "ListResourceGateways", {"items": []}),
)


def make_network_like_aws(proxy: FaultProxy) -> None:
    """Answer for the network services that the emulator lacks."""
    for service, operation, answer in EMPTY:
        proxy.answer(service, operation, answer, lasting=True)
    proxy.answer("ec2", "DescribeVpcBlockPublicAccessOptions", nothing_is_blocked, lasting=True)
    proxy.amend("ec2", "DescribeTransitGatewayPeeringAttachments", peers_alone)
    proxy.amend("ec2", "DescribeTransitGatewayVpcAttachments", vpcs_alone)
    proxy.amend("elbv2", "DescribeLoadBalancers", no_groups_no_member)


def nothing_is_blocked(call: Call) -> Mapping[str, Any]:
    """VPC Block Public Access of a region where nobody has set it (VPC user guide, Block public access to VPCs and subnets)."""
    return {
        "VpcBlockPublicAccessOptions": {
            "AwsAccountId": call.account,
            "AwsRegion": call.region,
            "State": "default-state",
            "InternetGatewayBlockMode": "off",
            "ManagedBy": "account",
            "ExclusionsAllowed": "allowed",
        }
    }


def peers_alone(root: ET.Element) -> None:
    """Attachments of VPCs are no peering attachments; moto lists both."""
    _keep(root, "transitGatewayPeeringAttachments", "requesterTgwInfo")


def vpcs_alone(root: ET.Element) -> None:
    """Attachments of peers are no VPC attachments; moto lists both."""
    _keep(root, "transitGatewayVpcAttachments", "subnetIds")


def _keep(root: ET.Element, name: str, member: str) -> None:
    for attachments in root.iterfind(name):
        for item in list(attachments):
            if len(item.findall(f"{member}/*")) == 0:
                attachments.remove(item)


def no_groups_no_member(root: ET.Element) -> None:
    """A load balancer without security groups has no member for them (CLI reference, create-load-balancer); moto's is empty."""
    for balancer in root.iterfind("DescribeLoadBalancersResult/LoadBalancers/member"):
        groups = balancer.find("SecurityGroups")
        if groups is not None and len(groups) == 0:
            balancer.remove(groups)
