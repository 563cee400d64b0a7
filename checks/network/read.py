"""What the prover reads, by the type of the networks that are judged."""

from __future__ import annotations

from collections.abc import Mapping

from checks.network.aws_types import TYPES as AWS
from checks.network.azure_types import SERVERS as AZURE_SERVERS
from checks.network.azure_types import TYPES as AZURE

READ: Mapping[str, Mapping[str, frozenset[str]]] = {"aws.ec2.vpc": AWS, "azure.network.virtualnetworks": AZURE}
"""Network type -> resource type -> the members of its data; all of them are collected for a rule with `paths`."""

APART: Mapping[str, tuple[str, ...]] = {"azure.network.virtualnetworks": AZURE_SERVERS}
"""Network type -> the types of what may be in no network, and is judged beside them."""

TAGGED = frozenset(
    {
        "aws.ec2.instance", "aws.ec2.network_interface", "aws.elb.load_balancer", "aws.elbv2.load_balancer", "aws.rds.db_cluster",
        "aws.rds.db_instance",
    }
)  # fmt: skip
"""Types whose tags an interface is known by: its own, and what it serves."""

JOINING = (
    "aws.ec2.vpc_peering_connection", "aws.ec2.transit_gateway_attachment", "aws.ec2.transit_gateway_vpc_attachment",
    "aws.ec2.transit_gateway_peering_attachment", "aws.ec2.vpn_connection", "aws.ec2.vpn_gateway", "aws.networkmanager.vpc_attachment",
    "aws.directconnect.gateway_association", "aws.vpclattice.service_network_vpc_association",
)  # fmt: skip
"""Types that join networks of AWS over accounts and regions; those of Azure are joined by what stands in themselves."""
