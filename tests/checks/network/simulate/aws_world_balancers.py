"""Short ways to make load balancers, beside `aws_world`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checks.model import Resource
from tests.checks.network.simulate.aws_world import Thing, eni, id_of


def balancer(
    name: str, home: Resource, *groups: Thing, kind: str = "application", listeners: Sequence[dict[str, Any]] = (), **more: Any
) -> Resource:
    """An Application or Network Load Balancer; its interfaces are made by `balancer_eni`."""
    arn = f"arn:aws:elasticloadbalancing:{home.region}:{home.account}:loadbalancer/{'app' if kind == 'application' else 'net'}/{name}/0123456789abcdef"
    data = {
        "LoadBalancerArn": arn,
        "LoadBalancerName": name,
        "Type": kind,
        "Scheme": "internet-facing",
        "State": {"Code": "active"},
        "VpcId": home.id,
        "SecurityGroups": [id_of(one) for one in groups],
        "IpAddressType": "ipv4",
        "Listeners": list(listeners),
    }
    return Resource(arn, "aws.elbv2.load_balancer", home.account, home.region, data | more)


def balancer_eni(
    id_: str, owner: Resource, home: Resource, address: str, *, public: str | None = None, ipv6: Sequence[str] = ()
) -> Resource:
    """An interface of a load balancer, with the balancer's groups."""
    network = owner.data.get("Type") == "network"
    name = (
        owner.data["LoadBalancerArn"].partition(":loadbalancer/")[2] if "LoadBalancerArn" in owner.data else owner.data["LoadBalancerName"]
    )
    return eni(
        id_,
        home,
        address,
        *owner.data["SecurityGroups"],
        public=public,
        ipv6=ipv6,
        kind="network_load_balancer" if network else "interface",
        description=f"ELB {name}",
        requester="amazon-elb",
    )


def listener(protocol: str, port: int, *targets: Resource) -> dict[str, Any]:
    """A listener that forwards to one target group or, weighted, to several; to none, it answers by itself."""
    arns = [one.id for one in targets]
    action: dict[str, Any] = {"Type": "forward" if arns else "fixed-response"}
    if len(arns) == 1:
        action["TargetGroupArn"] = arns[0]
    elif arns:
        action["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": one, "Weight": 1} for one in arns]}
    return {"ListenerArn": f"arn:listener/{protocol}/{port}", "Protocol": protocol, "Port": port, "DefaultActions": [action]}


def target_group(
    name: str,
    home: Resource,
    protocol: str,
    port: int,
    *ids: str,
    kind: str = "instance",
    preserve: bool | None = None,
    used_by: Sequence[str] = (),
) -> Resource:
    """A target group. `ids`: instances, addresses, a balancer's ARN or a function's, as `kind` says."""
    arn = f"arn:aws:elasticloadbalancing:{home.region}:{home.account}:targetgroup/{name}/0123456789abcdef"
    targets = [{"Id": one} if kind == "lambda" else {"Id": one, "Port": port} for one in ids]
    data = {
        "TargetGroupArn": arn,
        "TargetGroupName": name,
        "TargetType": kind,
        "Protocol": protocol,
        "Port": port,
        "VpcId": home.id,
        "IpAddressType": "ipv4",
        "LoadBalancerArns": list(used_by),
        "Targets": [{"Target": one, "TargetHealth": {"State": "healthy"}} for one in targets],
        "Attributes": [] if preserve is None else [{"Key": "preserve_client_ip.enabled", "Value": str(preserve).lower()}],
    }
    return Resource(arn, "aws.elbv2.target_group", home.account, home.region, data)


def classic(name: str, home: Resource, *groups: Thing, port: int, instance_port: int, instances: Sequence[str]) -> Resource:
    data = {
        "LoadBalancerName": name,
        "Scheme": "internet-facing",
        "VPCId": home.id,
        "SecurityGroups": [id_of(one) for one in groups],
        "Instances": [{"InstanceId": one} for one in instances],
        "ListenerDescriptions": [
            {
                "Listener": {"Protocol": "TCP", "LoadBalancerPort": port, "InstanceProtocol": "TCP", "InstancePort": instance_port},
                "PolicyNames": [],
            }
        ],
    }
    return Resource(name, "aws.elb.load_balancer", home.account, home.region, data)
