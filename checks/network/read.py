"""What the prover reads, by the type of the networks that are judged."""

from __future__ import annotations

from collections.abc import Mapping

from checks.network.aws_types import TYPES as AWS

READ: Mapping[str, Mapping[str, frozenset[str]]] = {"aws.ec2.vpc": AWS, "azure.network.virtualnetworks": {}}
"""Network type -> resource type -> the members of its data; all of them are collected for a rule with `paths`."""
