"""Where moto answers other than AWS does, put right in the proxy.

    with FaultProxy(moto.endpoint, s3_defaults=True) as aws:
        make_like_aws(aws)

Each function says what AWS sends and moto (5.2.5) does not. What a test needs beyond that, it gives to
`FaultProxy.amend` or `FaultProxy.answer` itself.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from tests.world.network_wire import make_network_like_aws
from tests.world.proxy import FaultProxy

LACKING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("accessanalyzer", "ListAnalyzers", {"analyzers": []}),
    ("ec2", "GetImageBlockPublicAccessState", {"ImageBlockPublicAccessState": "unblocked"}),
    ("ec2", "GetSnapshotBlockPublicAccessState", {"State": "unblocked"}),
    ("elasticache", "DescribeServerlessCaches", {"ServerlessCaches": []}),
    ("lambda", "ListFunctionUrlConfigs", {"FunctionUrlConfigs": []}),
)
"""Calls that moto does not know (it answers 500 or 404), with what AWS answers where nothing was ever set up."""
LAST_ENTRY = "32767"


def make_like_aws(proxy: FaultProxy) -> None:
    """Put every known difference right, for answers that come through this proxy."""
    proxy.amend("ec2", "DescribeNetworkAcls", deny_at_the_end)
    for operation in ("DescribeInstances", "DescribeNetworkInterfaces"):
        proxy.amend("ec2", operation, private_interface_has_no_association)
    proxy.amend("eks", "DescribeCluster", open_cluster_names_its_sources)
    proxy.amend("elbv2", "DescribeListeners", plain_listener_has_no_tls_policy)
    proxy.amend("kms", "GetKeyRotationStatus", rotation_has_a_period)
    proxy.amend("logs", "DescribeLogGroups", log_group_has_a_class)
    for service, operation, answer in LACKING:
        proxy.answer(service, operation, answer, lasting=True)
    make_network_like_aws(proxy)


def deny_at_the_end(root: ET.Element) -> None:
    """Every network ACL ends with an entry that denies all, in each direction; moto gives it to default ACLs only."""
    for entries in root.iterfind("networkAclSet/item/entrySet"):
        for egress in ("false", "true"):
            last = any(item.findtext("ruleNumber") == LAST_ENTRY and item.findtext("egress") == egress for item in entries)
            if not last:
                _append(
                    entries,
                    ruleNumber=LAST_ENTRY,
                    protocol="-1",
                    ruleAction="deny",
                    egress=egress,
                    cidrBlock="0.0.0.0/0",
                )


def _append(parent: ET.Element, **members: str) -> None:
    item = ET.SubElement(parent, "item")
    for name, text in members.items():
        ET.SubElement(item, name).text = text


def open_cluster_names_its_sources(document: dict[str, Any]) -> None:
    """EKS names the networks that reach a public endpoint, by default all; moto forgets them."""
    reach = document["cluster"]["resourcesVpcConfig"]
    reach.setdefault("publicAccessCidrs", ["0.0.0.0/0"] if reach.get("endpointPublicAccess") else [])


def plain_listener_has_no_tls_policy(root: ET.Element) -> None:
    """A listener without TLS has no TLS policy; moto gives it the default one."""
    for listener in root.iterfind("DescribeListenersResult/Listeners/member"):
        policy = listener.find("SslPolicy")
        if policy is not None and listener.findtext("Protocol") not in {"HTTPS", "TLS"}:
            listener.remove(policy)


def private_interface_has_no_association(root: ET.Element) -> None:
    """An interface without a public address has no association; moto gives it an empty one."""
    for holder in root.iter():
        for association in holder.findall("association"):
            if len(association) == 0 or not association.findtext("publicIp"):
                holder.remove(association)


def rotation_has_a_period(document: dict[str, Any]) -> None:
    """KMS tells how often a key is rotated, by default every 365 days; moto does not."""
    if document.get("KeyRotationEnabled"):
        document.setdefault("RotationPeriodInDays", 365)


def log_group_has_a_class(document: dict[str, Any]) -> None:
    """CloudWatch Logs tells the class of a log group, by default STANDARD; moto does not."""
    for group in document.get("logGroups", []):
        group.setdefault("logGroupClass", "STANDARD")
