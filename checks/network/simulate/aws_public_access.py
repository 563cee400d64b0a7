"""VPC Block Public Access: what a region of an account keeps from its internet gateways, and what is excluded.

Sources: VPC user guide, VPC BPA basics and VPC BPA advanced example (in its third scenario, ingress-only mode, an
instance with a public address of its own neither is reached nor gets out, and one behind a NAT gateway or an egress-only
internet gateway does); EC2 API reference, VpcBlockPublicAccessOptions and VpcBlockPublicAccessExclusion.
"""

from __future__ import annotations

from checks.network.simulate.aws_flight import Dropped
from checks.network.simulate.aws_inventory import VPC, Inventory

OPTIONS = "aws.ec2.vpc_block_public_access_options"
EXCLUSION = "aws.ec2.vpc_block_public_access_exclusion"


def blocked(inventory: Inventory, vpc_id: str, subnet_id: str | None, *, outward: bool, egress_only: bool) -> Dropped | None:
    """Why a packet between a subnet and the internet is kept back, if it is.

    `outward`: whether the packet leaves. `egress_only`: whether it belongs to a connection through a NAT gateway or an
    egress-only internet gateway, which can only have been opened from inside.
    """
    vpc = inventory.find(VPC, vpc_id)
    if vpc is None:
        return None
    mode, excluding = "off", True
    for options in inventory.all(OPTIONS):
        if options.place == vpc.place:
            mode = str(options.data.get("InternetGatewayBlockMode", "off"))
            excluding = options.data.get("ExclusionsAllowed") != "not-allowed"
    exclusions = _exclusions(inventory, vpc_id, subnet_id) if excluding else set()
    if mode == "off" or "allow-bidirectional" in exclusions:
        return None
    if mode == "block-ingress" and egress_only:
        return None
    if mode == "block-bidirectional" and "allow-egress" in exclusions and (outward or egress_only):
        return None
    return Dropped(f"VPC Block Public Access ({mode}) keeps {subnet_id or vpc_id} from the internet")


def _exclusions(inventory: Inventory, vpc_id: str, subnet_id: str | None) -> set[str]:
    """The modes of what is excluded. One that is not yet whole, or no longer, counts too: it errs towards what is open."""
    return {
        str(one.data.get("InternetGatewayExclusionMode"))
        for one in inventory.all(EXCLUSION)
        if str(one.data.get("ResourceArn")).rpartition("/")[2] in {vpc_id, subnet_id}
        and one.data.get("State") not in {"delete-complete", "create-failed", "disable-complete"}
    }
