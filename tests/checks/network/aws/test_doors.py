"""Every construct by which something may come in: there, looked for and not there, and not looked for."""

from __future__ import annotations

from typing import Any

import pytest

from checks.model import GLOBAL, Look, Resource
from checks.network.aws.doors import DOORS, Door
from tests.checks.network.aws.asking import ask, denied, estate, lowered
from tests.checks.network.simulate.aws_world import (
    ACCOUNT,
    ALLOW_ALL,
    HERE,
    OTHER_ACCOUNT,
    World,
    acl,
    allow,
    eni,
    group,
    subnet,
    table,
    vpc,
)
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, listener, target_group
from tests.checks.network.simulate.aws_world_transit import client_vpn

HOME = vpc("vpc-a", "10.0.0.0/16")
APP = subnet("subnet-app", HOME, "10.0.2.0/24")
OPEN = group("sg-open", HOME, [ALLOW_ALL])
PRIVATE = World(
    HOME, APP, OPEN, acl("acl-a", HOME), table("rtb-a", HOME, main=True), eni("eni-app", APP, "10.0.2.5", OPEN, instance="i-app")
)


def held(*things: Resource, gaps=(), without=()):
    return estate(PRIVATE.but(*things).without(*without).resources, gaps=gaps)


def made(type_: str, id_: str, data: dict[str, Any], *, region: str = HERE) -> Resource:
    return Resource(id_, type_, ACCOUNT, region, data)


def test_a_private_network_of_which_everything_was_seen_is_isolated() -> None:
    assert ask(held(), "internet", "eni-app") == "unreachable"


@pytest.mark.parametrize("door", [one for one in DOORS if one.source == "internet"], ids=lambda one: one.type)
def test_what_nobody_looked_at_may_let_the_internet_in(door: Door) -> None:
    gap = denied(door.type, region=HERE if door.scope == "region" else GLOBAL)
    told = ask(held(gaps=[gap]), "internet", "eni-app", 443)
    assert told == "unknown"
    assert told.because(door.type)


@pytest.mark.parametrize("door", [one for one in DOORS if one.source == "on-premises"], ids=lambda one: one.type)
def test_what_nobody_looked_at_may_let_on_premises_in(door: Door) -> None:
    graph = lowered(held(gaps=[denied(door.type)]))
    assert ask(graph, f"unseen:{ACCOUNT}/{HERE}", "eni-app", 443) == "unknown"
    assert ask(graph, "internet", "eni-app", 443) == "unreachable"


def test_looks_that_show_none_add_nothing() -> None:
    types = {
        *(one.type for one in DOORS), "aws.ec2.network_interface", "aws.ec2.security_group", "aws.ec2.network_acl", "aws.ec2.route_table",
        "aws.ec2.vpc_block_public_access_options",
    }  # fmt: skip
    looks = [
        Look(f"{type_}/{region}", ACCOUNT, region, type_, "List", None, 1, 0, "2026-11-20T12:00:00Z", None, "")
        for type_ in types
        for region in (HERE, GLOBAL)
    ]
    assert ask(estate(PRIVATE.resources, looks=looks, asserted=None), "internet", "eni-app") == "unreachable"
    without_one = [look for look in looks if look.type != "aws.cloudfront.vpc_origin"]
    told = ask(estate(PRIVATE.resources, looks=without_one, asserted=None), "internet", "eni-app")
    assert told.because(f"nobody looked at aws.cloudfront.vpc_origin in {ACCOUNT}/global")


ALB = balancer("web", HOME, OPEN, listeners=[listener("HTTP", 80, target_group("app", HOME, "HTTP", 80, "i-app"))])
ALB_ENI = balancer_eni("eni-lb", ALB, APP, "10.0.2.7")
TARGETS = target_group("app", HOME, "HTTP", 80, "i-app")
ARN = f"arn:aws:ec2:{HERE}:{ACCOUNT}"


@pytest.mark.parametrize(
    "there",
    [
        made("aws.networkmanager.vpc_attachment", "attachment-1", {"ResourceArn": f"{ARN}:vpc/vpc-a", "State": "AVAILABLE"}, region=GLOBAL),
        made("aws.cloudfront.vpc_origin", "vo-1", {"OriginEndpointArn": f"{ARN}:instance/i-app"}, region=GLOBAL),
        made("aws.cloudfront.vpc_origin", "vo-2", {"OriginEndpointArn": ALB.id}, region=GLOBAL),
        made(
            "aws.globalaccelerator.accelerator",
            "ga-1",
            {"Enabled": True, "EndpointGroups": [{"EndpointDescriptions": [{"EndpointId": "i-app"}]}]},
            region=GLOBAL,
        ),
        made("aws.globalaccelerator.accelerator", "ga-2", {"Enabled": True}, region=GLOBAL),
        made("aws.globalaccelerator.accelerator", "ga-3", {"Enabled": True, "EndpointGroups": [{}]}, region=GLOBAL),
        made(
            "aws.globalaccelerator.custom_routing_accelerator",
            "ga-4",
            {"Enabled": True, "EndpointGroups": [{"EndpointDescriptions": [{"EndpointId": "subnet-app"}]}]},
            region=GLOBAL,
        ),
        made("aws.vpclattice.service_network_vpc_association", "snva-1", {"vpcId": "vpc-a", "status": "ACTIVE"}),
        made("aws.vpclattice.target_group", "tg-1", {"vpcIdentifier": "vpc-a", "type": "IP"}),
        made("aws.vpclattice.resource_gateway", "rgw-1", {"vpcIdentifier": "vpc-a", "status": "ACTIVE"}),
        made("aws.ec2.verified_access_endpoint", "vae-1", {"NetworkInterfaceOptions": {"NetworkInterfaceId": "eni-app"}}),
        made("aws.apigateway.vpc_link", "link-1", {"targetArns": ["arn:aws:elasticloadbalancing:x:y:loadbalancer/net/gone/1"]}),
        made("aws.apigatewayv2.vpc_link", "link-2", {"SubnetIds": ["subnet-app"], "SecurityGroupIds": ["sg-open"]}),
        made("aws.ec2.carrier_gateway", "cagw-1", {"VpcId": "vpc-a", "State": "available"}),
    ],
    ids=lambda one: one.id,
)
def test_what_is_there_and_not_modelled_may_let_the_internet_in(there: Resource) -> None:
    told = ask(held(ALB, ALB_ENI, TARGETS, there), "internet", "eni-app", 80)
    assert told == "unknown"
    assert told.because(there.id)
    shut = group("sg-open", HOME, [allow("tcp", 22, "sg-nobody-has")])
    assert ask(held(there, group("sg-open", HOME, [])), "internet", "eni-app", 80) == "unreachable"
    assert ask(held(there, shut), "internet", "eni-app", 80) == "unreachable"


@pytest.mark.parametrize(
    "idle",
    [
        made("aws.globalaccelerator.accelerator", "ga-1", {"Enabled": False}, region=GLOBAL),
        made("aws.vpclattice.target_group", "tg-1", {"type": "LAMBDA"}),
        made("aws.apigateway.vpc_link", "link-1", {"targetArns": ["x"], "status": "DELETING"}),
    ],
    ids=lambda one: one.type,
)
def test_what_is_idle_lets_nothing_in(idle: Resource) -> None:
    assert ask(held(idle), "internet", "eni-app") == "unreachable"


def test_a_local_gateway_lets_on_premises_in_and_not_the_internet() -> None:
    there = made("aws.ec2.local_gateway_route_table_vpc_association", "lgw-a-1", {"VpcId": "vpc-a", "State": "associated"})
    assert ask(held(there), "lgw-a-1", "eni-app", 443) == "unknown"
    assert ask(held(there), "internet", "eni-app", 443) == "unreachable"


def test_a_subnet_of_an_account_that_nobody_read_may_let_the_internet_in() -> None:
    shared = made("aws.ec2.subnet", "subnet-app", {**APP.data, "OwnerId": OTHER_ACCOUNT})
    told = ask(held(shared), "internet", "eni-app", 443)
    assert told == "unknown"
    assert told.because(f"subnet-app belongs to account {OTHER_ACCOUNT}, which was not read")
    both = estate(PRIVATE.but(shared).resources, accounts=(ACCOUNT, OTHER_ACCOUNT))
    assert ask(both, "internet", "eni-app", 443) == "unreachable"


def test_interfaces_that_nobody_saw_are_told_of_the_whole() -> None:
    graph = lowered(held(gaps=[denied("aws.ec2.network_interface")]))
    assert any("there may be network interfaces that were not seen" in one for one in graph.doubts)
    assert lowered(held()).doubts == []


def test_an_interface_of_a_type_that_is_not_known_is_in_doubt() -> None:
    odd = eni("eni-odd", APP, "10.0.2.9", OPEN, kind="wormhole")
    told = ask(held(odd), "eni-app", "eni-odd", 443)
    assert told == "unknown"
    assert told.because("interfaces of the type wormhole (eni-odd) are not known by name")


# Client VPN and EC2 Instance Connect


def test_clients_of_a_client_vpn_come_in_to_what_is_authorised() -> None:
    door = client_vpn("cvpn-endpoint-1", HOME, "172.30.0.0/22", "subnet-app", authorized=["10.0.0.0/16"])
    door.data["TargetNetworks"][0]["SecurityGroups"] = ["sg-open"]
    own = eni("eni-cvpn", APP, "10.0.2.20", OPEN, description="ClientVPN Endpoint resource for cvpn-endpoint-1")
    assert ask(held(door, own), "cvpn-endpoint-1", "eni-app", 443) == "reachable"
    assert (
        ask(held(door, own, group("sg-open", HOME, [allow("tcp", 443, "172.30.0.0/22")])), "cvpn-endpoint-1", "eni-app", 443)
        == "unreachable"
    )
    assert ask(held(door), "cvpn-endpoint-1", "eni-app", 443) == "unknown"
    narrow = client_vpn("cvpn-endpoint-1", HOME, "172.30.0.0/22", "subnet-app", authorized=["10.0.9.0/24"])
    assert ask(held(narrow, own), "cvpn-endpoint-1", "eni-app", 443) == "unreachable"
    assert ask(held(door, own), "internet", "eni-app", 443) == "unreachable"


def test_a_client_vpn_whose_rules_nobody_saw_may_let_its_clients_in() -> None:
    door = client_vpn("cvpn-endpoint-1", HOME, "172.30.0.0/22", "subnet-app", authorized=[])
    del door.data["AuthorizationRules"]
    assert ask(held(door), "cvpn-endpoint-1", "eni-app", 443) == "unknown"


def test_an_instance_connect_endpoint_sends_from_its_interface() -> None:
    knocks = group("sg-eice", HOME)
    own = eni("eni-eice", APP, "10.0.2.30", knocks)
    data = {
        "VpcId": "vpc-a",
        "SubnetId": "subnet-app",
        "NetworkInterfaceIds": ["eni-eice"],
        "PreserveClientIp": False,
        "State": "create-complete",
    }
    door = made("aws.ec2.instance_connect_endpoint", "eice-1", data)
    admits = group("sg-open", HOME, [allow("tcp", 22, "sg-eice")])
    assert ask(held(door, own, knocks, admits), "eice-1", "eni-app", 22) == "reachable"
    assert ask(held(door, own, knocks, group("sg-open", HOME, [])), "eice-1", "eni-app", 22) == "unreachable"
    assert ask(held(door, own, knocks, admits), "internet", "eni-app", 22) == "unreachable"
    assert ask(held(door), "eice-1", "eni-app", 22) == "unknown"


def test_a_region_that_was_meant_to_be_read_and_was_not_may_hold_interfaces() -> None:
    assert lowered(estate([])).doubts == []
    told = lowered(estate([], gaps=[denied("aws.ec2.network_interface")])).doubts
    assert told == [
        f"there may be network interfaces that were not seen: aws.ec2.network_interface in {ACCOUNT}/{HERE}: denied AccessDenied"
    ]
