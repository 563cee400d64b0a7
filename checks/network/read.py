"""What the prover reads, by the type of the networks that are judged."""

from __future__ import annotations

from collections.abc import Mapping

from checks.network.aws_types import TYPES as AWS

READ: Mapping[str, Mapping[str, frozenset[str]]] = {"aws.ec2.vpc": AWS, "azure.network.virtualnetworks": {}}
"""Network type -> resource type -> the members of its data; all of them are collected for a rule with `paths`."""

TAGGED = frozenset(
    {
        "aws.ec2.instance", "aws.ec2.network_interface", "aws.elb.load_balancer", "aws.elbv2.load_balancer", "aws.rds.db_cluster",
        "aws.rds.db_instance",
    }
)  # fmt: skip
"""Types whose tags an interface is known by: its own, and what it serves."""
