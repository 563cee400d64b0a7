"""Security groups, prefix lists and network ACLs: each where it decides, and where it was not seen."""

from __future__ import annotations

import pytest

from tests.checks.network.aws.asking import ask, denied, estate
from tests.checks.network.simulate.aws_world import (
    EVERYWHERE,
    EVERYWHERE6,
    World,
    acl,
    allow,
    eni,
    entry,
    group,
    igw,
    prefix_list,
    subnet,
    table,
    to,
    vpc,
)

GROUP, ACL, LISTS = "aws.ec2.security_group", "aws.ec2.network_acl", "aws.ec2.managed_prefix_list"
HOME = vpc("vpc-a", "10.0.0.0/16")
WEB, DB = subnet("subnet-web", HOME, "10.0.1.0/24"), subnet("subnet-db", HOME, "10.0.2.0/24")
FRONT = group("sg-web", HOME, [allow("tcp", 443, EVERYWHERE)])
BACK = group("sg-db", HOME, [allow("tcp", 5432, "sg-web")])
SHOP = World(
    HOME,
    WEB,
    DB,
    FRONT,
    BACK,
    acl("acl-a", HOME),
    table("rtb-a", HOME, to(EVERYWHERE, "igw-a"), main=True),
    igw("igw-a", HOME),
    eni("eni-web", WEB, "10.0.1.5", FRONT, public="198.51.100.5"),
    eni("eni-db", DB, "10.0.2.5", BACK),
)


def shop(*things, without=()):
    return estate(SHOP.but(*things).without(*without).resources)


def test_a_port_that_a_group_allows_is_reached_and_no_other() -> None:
    assert ask(shop(), "internet", "eni-web", 443) == "reachable"
    assert ask(shop(), "internet", "eni-web", 22) == "unreachable"


@pytest.mark.parametrize(
    ("protocol", "ports", "asked", "port", "verdict"),
    [
        ("-1", None, "udp", 53, "reachable"),
        ("udp", (50, 60), "udp", 53, "reachable"),
        ("udp", (50, 60), "tcp", 53, "unreachable"),
        ("icmp", (8, -1), "icmp", 8 * 256, "reachable"),
        ("icmp", (8, -1), "icmp", 3 * 256, "unreachable"),
        ("icmp", (-1, -1), "icmp", 3 * 256 + 1, "one-way"),
        ("50", None, "any", None, "reachable"),
    ],
)
def test_what_a_permission_admits(protocol: str, ports: tuple[int, int] | None, asked: str, port: int, verdict: str) -> None:
    opened = group("sg-web", HOME, [allow(protocol, ports, EVERYWHERE)])
    assert ask(shop(opened), "internet", "eni-web", port, asked) == verdict


def test_a_group_that_is_referred_to_admits_who_has_it_whatever_the_address() -> None:
    assert ask(shop(), "eni-web", "eni-db", 5432) == "reachable"
    other = eni("eni-other", WEB, "10.0.1.6", group("sg-other", HOME))
    assert ask(shop(other, group("sg-other", HOME)), "eni-other", "eni-db", 5432) == "unreachable"


def test_any_group_of_an_interface_is_enough() -> None:
    both = eni("eni-db", DB, "10.0.2.5", BACK, FRONT)
    assert ask(shop(both), "eni-db", "eni-web", 443) == "reachable"
    assert ask(shop(both), "eni-web", "eni-db", 443) == "reachable"


def test_a_stale_reference_admits_nobody() -> None:
    permission = allow("tcp", 5432)
    permission["UserIdGroupPairs"] = [{"GroupId": "sg-web", "PeeringStatus": "deleted"}]
    assert ask(shop(group("sg-db", HOME, [permission])), "eni-web", "eni-db") == "unreachable"


def test_egress_rules_hold_back_what_they_do_not_allow() -> None:
    closed = group("sg-web", HOME, [allow("tcp", 443, EVERYWHERE)], egress=[allow("tcp", 5432, "sg-db")])
    assert ask(shop(closed), "eni-web", "eni-db", 5432) == "reachable"
    elsewhere = group("sg-web", HOME, egress=[allow("tcp", 5432, "sg-nobody-has")])
    assert ask(shop(elsewhere), "eni-web", "eni-db", 5432) == "unreachable"


def test_an_egress_reference_is_in_doubt_where_the_interfaces_were_not_all_seen() -> None:
    closed = group("sg-web", HOME, egress=[allow("tcp", 5432, "sg-nobody-has")])
    told = ask(estate(SHOP.but(closed).resources, gaps=[denied("aws.ec2.network_interface")]), "eni-web", "eni-db", 5432)
    assert told == "unknown"
    assert told.because("which interfaces have sg-nobody-has is not known")


def test_a_prefix_list_stands_for_its_entries() -> None:
    listed = group("sg-web", HOME, [allow("tcp", 443, "pl-office")])
    office = prefix_list("pl-office", "203.0.113.0/24")
    assert ask(shop(listed, office), "internet:203.0.113.9", "eni-web", 443) == "reachable"
    assert ask(shop(listed, office), "internet:198.51.100.77", "eni-web", 443) == "unreachable"


def test_a_prefix_list_whose_entries_nobody_saw_may_admit_anyone() -> None:
    listed = group("sg-web", HOME, [allow("tcp", 443, "pl-office")])
    told = ask(shop(listed), "internet", "eni-web", 443)
    assert told == "unknown"
    assert told.because("prefix list pl-office is referred to, but not in the estate")
    read_of = ask(shop(listed, prefix_list("pl-office", read=False)), "internet", "eni-web", 443)
    assert read_of.because("the entries of prefix list pl-office were not seen")


def test_a_group_that_nobody_saw_may_admit_anyone_and_says_why() -> None:
    held = estate(SHOP.without("sg-web").resources, gaps=[denied(GROUP, action="ec2:DescribeSecurityGroups")])
    told = ask(held, "internet", "eni-web", 22)
    assert told == "unknown"
    assert told.because(
        "security group sg-web was not seen: aws.ec2.security_group in 111122223333/eu-central-1: denied AccessDenied, needs ec2:"
    )


def test_a_group_whose_rules_are_a_gap_may_admit_anyone() -> None:
    held = estate(SHOP.resources, gaps=[denied(GROUP, id_="sg-web", field="IpPermissions")])
    assert ask(held, "internet", "eni-web", 22) == "unknown"


def test_the_network_acl_stands_at_the_border_of_a_subnet_and_not_inside() -> None:
    shut = acl("acl-db", HOME, DB, ingress=[entry(90, "deny", "10.0.1.0/24"), entry(100, "allow")])
    assert ask(shop(shut), "eni-web", "eni-db", 5432) == "unreachable"
    neighbour = eni("eni-near", DB, "10.0.2.6", FRONT)
    assert ask(shop(shut, neighbour), "eni-near", "eni-db", 5432) == "reachable"


def test_the_first_entry_that_matches_decides() -> None:
    denied_first = acl("acl-web", HOME, WEB, ingress=[entry(10, "deny", protocol=6, ports=(443, 443)), entry(20, "allow")])
    allowed_first = acl("acl-web", HOME, WEB, ingress=[entry(30, "deny", protocol=6, ports=(443, 443)), entry(20, "allow")])
    assert ask(shop(denied_first), "internet", "eni-web", 443) == "unreachable"
    assert ask(shop(allowed_first), "internet", "eni-web", 443) == "reachable"


def test_without_an_acl_entry_for_the_reply_it_is_one_way() -> None:
    deaf = acl("acl-web", HOME, WEB, egress=[entry(100, "allow", protocol=6, ports=(80, 443))])
    assert ask(shop(deaf), "internet", "eni-web", 443) == "one-way"


def test_an_acl_that_nobody_saw_may_let_everything_through() -> None:
    told = ask(estate(SHOP.without("acl-a").resources, gaps=[denied(ACL)]), "internet", "eni-web", 443)
    assert told == "unknown"
    assert told.because("the network ACL of subnet-web was not seen: aws.ec2.network_acl")


def test_an_interface_whose_groups_are_missing_may_be_open() -> None:
    bare = eni("eni-web", WEB, "10.0.1.5", public="198.51.100.5")
    told = ask(shop(bare), "internet", "eni-web", 22)
    assert told == "unknown"
    assert told.because("the security groups of eni-web were not seen")


@pytest.mark.parametrize(
    "permission",
    [
        {"IpProtocol": "spdy", "IpRanges": [{"CidrIp": EVERYWHERE}]},
        {"IpProtocol": "tcp", "FromPort": "x", "ToPort": 1, "IpRanges": [{"CidrIp": EVERYWHERE}]},
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 22, "IpRanges": [{"CidrIp": EVERYWHERE}]},
        {"IpProtocol": "icmp", "FromPort": 300, "ToPort": 0, "IpRanges": [{"CidrIp": EVERYWHERE}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/99"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": "all"},
        {"IpProtocol": None, "IpRanges": [{"CidrIp": EVERYWHERE}]},
    ],
)
def test_a_rule_that_cannot_be_read_is_in_doubt(permission: dict) -> None:
    told = ask(shop(group("sg-web", HOME, [permission])), "internet", "eni-web", 22)
    assert told == "unknown"
    assert told.because("sg-web cannot be read")


@pytest.mark.parametrize(
    "change", [{"RuleNumber": "x"}, {"RuleAction": "maybe"}, {"CidrBlock": "nowhere"}, {"Egress": None}, {"Protocol": "spdy"}]
)
def test_an_acl_entry_that_cannot_be_read_is_in_doubt(change: dict) -> None:
    broken = acl("acl-web", HOME, WEB, ingress=[])
    broken.data["Entries"].append(entry(50, "allow") | change)
    assert ask(shop(broken), "internet", "eni-web", 443) == "unknown"


def test_ipv6_has_rules_of_its_own() -> None:
    home = vpc("vpc-a", "10.0.0.0/16", "2600:db8:0:100::/56")
    web = subnet("subnet-web", home, "10.0.1.0/24", "2600:db8:0:101::/64")
    six = eni("eni-web", web, "10.0.1.5", "sg-web", ipv6=["2600:db8:0:101::5"])
    routes = table("rtb-a", home, to(EVERYWHERE, "igw-a"), to(EVERYWHERE6, "igw-a"), main=True)
    assert ask(shop(home, web, six, routes), "internet", "eni-web", 443) == "unreachable"
    assert (
        ask(shop(home, web, six, routes, group("sg-web", home, [allow("tcp", 443, EVERYWHERE6)])), "internet", "eni-web", 443)
        == "reachable"
    )
