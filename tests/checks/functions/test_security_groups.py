"""ingress_cidrs and ingress_prefix_lists: what EC2 writes in a permission, and what it lets in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.functions import DataError
from checks.functions.security_groups import ingress_cidrs, ingress_prefix_lists

WORLD = "0.0.0.0/0"


def permission(protocol: object = "tcp", first: object = None, last: object = None, **lists: Any) -> dict[str, Any]:
    ports = {"FromPort": first, "ToPort": last}
    return {
        "IpProtocol": protocol,
        **{name: port for name, port in ports.items() if port is not None},
        "IpRanges": [{"CidrIp": cidr} for cidr in lists.get("v4", [WORLD])],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in lists.get("v6", [])],
        "PrefixListIds": [{"PrefixListId": id_} for id_ in lists.get("prefix_lists", [])],
        "UserIdGroupPairs": [],
    }


@pytest.mark.parametrize(
    "admitting",
    [
        permission("tcp", 22, 22),
        permission("TCP", 22, 22),
        permission("6", 22, 22),
        permission("tcp", 0, 65535),
        permission("tcp", 20, 25),
        permission("tcp", -1, -1),
        permission("-1"),
        permission("all"),
        permission("-1", 443, 443),
    ],
)
def test_ssh_from_anywhere_is_seen_however_it_is_written(admitting: dict[str, Any]) -> None:
    assert ingress_cidrs([admitting], "tcp", "22") == [WORLD]
    assert ingress_cidrs([admitting], "any", "22") == [WORLD]
    assert ingress_cidrs([admitting], "tcp", "any") == [WORLD]
    assert ingress_cidrs([admitting], "tcp", "80, 20-22 ,443") == [WORLD]


@pytest.mark.parametrize(
    "other",
    [
        permission("tcp", 443, 443),
        permission("tcp", 23, 65535),
        permission("udp", 22, 22),
        permission("17", 0, 65535),
        permission("icmp", 22, -1),
        permission("1", 8, 0),
        permission("icmpv6"),
        permission("50"),
    ],
)
def test_other_traffic_is_not_ssh(other: dict[str, Any]) -> None:
    assert ingress_cidrs([other], "tcp", "22") == []


@pytest.mark.parametrize("icmp", [permission("icmp", -1, -1), permission("1", 8, -1), permission("58"), permission("icmpv6", 128, 0)])
def test_icmp_has_types_and_no_ports(icmp: dict[str, Any]) -> None:
    assert ingress_cidrs([icmp], "icmp", "any") == [WORLD]
    assert ingress_cidrs([icmp], "any", "any") == [WORLD]
    assert ingress_cidrs([icmp], "any", "0-65535") == [WORLD]
    assert ingress_cidrs([icmp], "any", "8") == []
    assert ingress_cidrs([icmp], "udp", "any") == []


@pytest.mark.parametrize("protocol", ["132", "50", "0", "255"])
def test_a_protocol_by_number_has_every_port_open(protocol: str) -> None:
    assert ingress_cidrs([permission(protocol, 80, 80)], "any", "22") == [WORLD]
    assert ingress_cidrs([permission(protocol, 80, 80)], "tcp", "22") == []


def test_both_families_are_returned_each_once_in_order_with_host_bits_cleared() -> None:
    permissions = [
        permission("tcp", 22, 22, v4=["192.0.2.9/24", "10.0.0.0/8"], v6=["::/0", "2001:db8::1/32"]),
        permission("tcp", 22, 22, v4=["10.1.2.3/8"], v6=["::ffff:0.0.0.0/96"]),
    ]
    assert ingress_cidrs(permissions, "tcp", "22") == [WORLD, "10.0.0.0/8", "192.0.2.0/24", "::/0", "2001:db8::/32"]


def test_prefix_lists_are_returned_for_the_same_traffic() -> None:
    permissions = [
        permission("tcp", 443, 443, prefix_lists=["pl-b", "pl-a"]),
        permission("-1", prefix_lists=["pl-a"]),
        permission("udp", 53, 53, prefix_lists=["pl-dns"]),
    ]
    assert ingress_prefix_lists(permissions, "tcp", "443") == ["pl-a", "pl-b"]
    assert ingress_prefix_lists(permissions, "tcp", "22") == ["pl-a"]
    assert ingress_prefix_lists([], "any", "any") == []


def without(member: str) -> dict[str, Any]:
    return {name: value for name, value in permission("tcp", 22, 22).items() if name != member}


@pytest.mark.parametrize(
    "malformed",
    [
        "tcp",
        {},
        without("IpProtocol"),
        without("FromPort"),
        without("ToPort"),
        without("IpRanges"),
        without("Ipv6Ranges"),
        permission("unknown-mutant", 22, 22),
        permission("esp"),
        permission("256"),
        permission("-2"),
        permission(6, 22, 22),
        permission("tcp", "22", "22"),
        permission("tcp", 22.0, 22),
        permission("tcp", True, 22),
        permission("tcp", 25, 20),
        permission("tcp", -1, 22),
        permission("tcp", 0, 65536),
        permission("tcp", 22, 22, v4=["anywhere"]),
        permission("tcp", 22, 22, v4=["::/0"]),
        permission("tcp", 22, 22, v6=["0.0.0.0/0"]),
        permission("tcp", 22, 22, v4=[None]),
        permission("tcp", 22, 22) | {"IpRanges": None},
        permission("tcp", 22, 22) | {"IpRanges": ["0.0.0.0/0"]},
    ],
)
def test_a_malformed_permission_is_refused_even_beside_the_traffic_asked_for(malformed: Any) -> None:
    with pytest.raises(DataError):
        ingress_cidrs([malformed], "udp", "53")


def test_prefix_lists_need_their_member() -> None:
    with pytest.raises(DataError, match="PrefixListIds"):
        ingress_prefix_lists([without("PrefixListIds")], "tcp", "22")
    with pytest.raises(DataError, match="without PrefixListId"):
        ingress_prefix_lists([permission("-1", prefix_lists=[""])], "tcp", "22")


@pytest.mark.parametrize(
    ("protocol", "ports"),
    [("TCP", "22"), ("6", "22"), ("", "22"), ("tcp", ""), ("tcp", "ssh"), ("tcp", "22-"), ("tcp", "25-20"), ("tcp", "65536"),
     ("tcp", "22,"), ("tcp", "-1"), ("icmp", "8")],
)  # fmt: skip
def test_a_question_that_is_none_is_refused(protocol: str, ports: str) -> None:
    with pytest.raises(DataError):
        ingress_cidrs([], protocol, ports)


port = st.integers(0, 65535)


@given(port, port, port, port)
def test_ports_are_admitted_exactly_where_the_ranges_meet(first: int, last: int, asked_first: int, asked_last: int) -> None:
    first, last = sorted((first, last))
    asked_first, asked_last = sorted((asked_first, asked_last))
    meet = first <= asked_last and asked_first <= last
    assert ingress_cidrs([permission("udp", first, last)], "udp", f"{asked_first}-{asked_last}") == ([WORLD] if meet else [])
