"""nacl_cidrs: the first entry that matches decides, exactly."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.functions import DataError
from checks.functions.network_acls import nacl_cidrs

WORLD = "0.0.0.0/0"


def entry(number: object, action: object, protocol: object = "-1", ports: Any = None, **more: Any) -> dict[str, Any]:
    cidr = more.get("cidr", WORLD)
    return {
        "RuleNumber": number,
        "RuleAction": action,
        "Protocol": protocol,
        "Egress": more.get("egress", False),
        ("Ipv6CidrBlock" if ":" in str(cidr) else "CidrBlock"): cidr,
        **({"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}),
        **({"IcmpTypeCode": {"Type": more["icmp"][0], "Code": more["icmp"][1]}} if "icmp" in more else {}),
    }


FINAL = [entry(32767, "deny"), entry(32768, "deny", cidr="::/0")]


def test_the_final_deny_admits_nobody() -> None:
    assert nacl_cidrs(FINAL, "ingress", "any", "any") == []


def test_the_default_acl_admits_everybody() -> None:
    entries = [*FINAL, entry(100, "allow"), entry(101, "allow", cidr="::/0")]
    assert nacl_cidrs(entries, "ingress", "tcp", "22") == [WORLD, "::/0"]
    assert nacl_cidrs(entries, "ingress", "icmp", "any") == [WORLD, "::/0"]


def test_a_deny_with_a_lower_number_wins_whatever_the_order_in_the_list() -> None:
    entries = [entry(200, "allow"), *FINAL, entry(100, "deny", "6", (22, 22))]
    assert nacl_cidrs(entries, "ingress", "tcp", "22") == []
    assert nacl_cidrs(entries, "ingress", "tcp", "22-23") == [WORLD]
    assert nacl_cidrs(entries, "ingress", "udp", "22") == [WORLD]


def test_a_deny_with_a_higher_number_loses() -> None:
    entries = [entry(100, "allow", "6", (0, 1023)), entry(200, "deny", "6", (22, 22)), *FINAL]
    assert nacl_cidrs(entries, "ingress", "tcp", "22") == [WORLD]


def test_a_hole_in_the_addresses_is_cut_exactly() -> None:
    entries = [entry(1, "deny", cidr="10.0.0.0/9"), entry(2, "allow", cidr="10.0.0.0/8"), *FINAL]
    assert nacl_cidrs(entries, "ingress", "tcp", "443") == ["10.128.0.0/9"]


def test_holes_in_addresses_and_ports_must_close_together() -> None:
    entries = [entry(1, "deny", "6", (22, 22), cidr="0.0.0.0/1"), entry(2, "deny", "6", (23, 23)), entry(3, "allow", "6", (22, 23)), *FINAL]
    assert nacl_cidrs(entries, "ingress", "tcp", "22-23") == ["128.0.0.0/1"]


def test_directions_are_apart() -> None:
    entries = [entry(100, "allow", egress=True), *FINAL, entry(32767, "deny", egress=True)]
    assert nacl_cidrs(entries, "ingress", "any", "any") == []
    assert nacl_cidrs(entries, "egress", "any", "any") == [WORLD]


def test_families_are_apart() -> None:
    entries = [entry(100, "deny", cidr="::/0"), entry(100, "allow"), entry(110, "allow", cidr="2001:db8::/32"), *FINAL]
    assert nacl_cidrs(entries, "ingress", "tcp", "22") == [WORLD]


def test_icmp_types_are_told_apart() -> None:
    ping_denied = [entry(1, "deny", "1", icmp=(8, -1)), entry(2, "allow", "1", icmp=(-1, -1)), *FINAL]
    only_ping = [entry(1, "deny", "1", icmp=(8, -1)), entry(2, "allow", "1", icmp=(8, 0)), *FINAL]
    assert nacl_cidrs(ping_denied, "ingress", "icmp", "any") == [WORLD]
    assert nacl_cidrs(only_ping, "ingress", "icmp", "any") == []
    assert nacl_cidrs(ping_denied, "ingress", "any", "22") == []


def test_icmpv6_with_an_ipv4_block_stands_for_every_type() -> None:
    assert nacl_cidrs([entry(1, "allow", "58"), *FINAL], "ingress", "icmp", "any") == [WORLD]
    with pytest.raises(DataError, match="IcmpTypeCode"):
        nacl_cidrs([entry(1, "allow", "58", cidr="::/0"), *FINAL], "ingress", "icmp", "any")


@pytest.mark.parametrize("protocol", ["50", "132"])
def test_a_protocol_by_number_counts_for_any(protocol: str) -> None:
    entries = [entry(1, "allow", protocol), *FINAL]
    assert nacl_cidrs(entries, "ingress", "any", "22") == [WORLD]
    assert nacl_cidrs(entries, "ingress", "tcp", "22") == []


def test_protocols_that_no_entry_names_count_for_any() -> None:
    entries = [entry(1, "deny", "6", (0, 65535)), entry(2, "deny", "17", (0, 65535)), entry(3, "deny", "50"), entry(4, "allow"), *FINAL]
    assert nacl_cidrs(entries, "ingress", "any", "22") == [WORLD]
    every_protocol = [entry(number, "deny", str(number), (0, 65535), icmp=(-1, -1)) for number in range(256)]
    assert nacl_cidrs([*every_protocol, entry(300, "allow"), *FINAL], "ingress", "any", "any") == []


def test_a_list_that_does_not_decide_every_packet_is_not_whole() -> None:
    for entries in ([], FINAL[1:], [entry(100, "allow", "6", (22, 22))], [entry(32767, "deny", egress=True)]):
        with pytest.raises(DataError, match="not whole"):
            nacl_cidrs(entries, "ingress", "tcp", "22")


@pytest.mark.parametrize(
    "malformed",
    [
        "deny",
        {},
        entry("100", "allow"),
        entry(True, "allow"),
        entry(None, "allow"),
        entry(100, "Allow"),
        entry(100, ["allow"]),
        entry(100, "unknown-mutant"),
        entry(100, "allow", "unknown-mutant"),
        entry(100, "allow", None),
        entry(100, "allow", 6, (22, 22)),
        entry(100, "allow", "6"),
        entry(100, "allow", "17", (23, 22)),
        entry(100, "allow", "6", ("22", "22")),
        entry(100, "allow", "6", (-1, 22)),
        entry(100, "allow", "1"),
        entry(100, "allow", "1", icmp=(-1, 3)),
        entry(100, "allow", "1", icmp=(256, 0)),
        entry(100, "allow", "1", icmp=("8", 0)),
        entry(100, "allow", cidr="anywhere"),
        entry(100, "allow", cidr="10.0.0.0/33"),
        entry(100, "allow", cidr="::ffff:10.0.0.0/104"),
        entry(100, "allow", egress="false"),
        entry(100, "allow") | {"Ipv6CidrBlock": "::/0"},
        entry(100, "allow") | {"CidrBlock": "::/0"},
        {name: value for name, value in entry(100, "allow").items() if name != "CidrBlock"},
        entry(32767, "allow"),
    ],
)
def test_a_malformed_entry_is_refused(malformed: Any) -> None:
    with pytest.raises(DataError):
        nacl_cidrs([*FINAL, malformed], "ingress", "udp", "53")


def test_a_direction_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="direction"):
        nacl_cidrs(FINAL, "inbound", "tcp", "22")


# A corner of the address space and of the ports, small enough to send every packet.
ADDRESSES = [ip_address(f"192.0.2.{host}") for host in range(0, 256, 16)] + [ip_address("198.51.100.1"), ip_address("2001:db8::1")]
PORTS = range(20, 27)

port_ranges = st.tuples(st.integers(20, 26), st.integers(20, 26)).map(lambda pair: (min(pair), max(pair)))
corner = st.builds(lambda host, prefix: f"192.0.2.{host}/{prefix}", st.integers(0, 255), st.integers(24, 28)) | st.sampled_from(
    [WORLD, "::/0", "2001:db8::/32"]
)
drawn_entries = st.lists(
    st.builds(
        lambda action, protocol, ports, cidr, egress: {
            "action": action,
            "protocol": protocol,
            "ports": ports,
            "cidr": cidr,
            "egress": egress,
        },
        st.sampled_from(["allow", "deny"]),
        st.sampled_from(["-1", "6", "17", "50"]),
        port_ranges,
        corner,
        st.booleans(),
    ),
    max_size=7,
).map(lambda drawn: [entry(number, **fields) for number, fields in enumerate(drawn, 1)])


def walk(entries: list[dict[str, Any]], address: Any, protocol: str, port: int) -> bool:
    """One packet, as the VPC user guide says."""
    for candidate in sorted(entries, key=lambda one: one["RuleNumber"]):
        network = ip_network(candidate.get("CidrBlock") or candidate["Ipv6CidrBlock"], strict=False)
        by_protocol = candidate["Protocol"] in {"-1", protocol}
        by_port = candidate["Protocol"] not in {"6", "17"} or candidate["PortRange"]["From"] <= port <= candidate["PortRange"]["To"]
        if not candidate["Egress"] and address in network and by_protocol and by_port:
            return bool(candidate["RuleAction"] == "allow")
    raise AssertionError


@given(drawn_entries, port_ranges, st.sampled_from(["tcp", "udp", "any"]), st.randoms(use_true_random=False))
def test_it_agrees_with_sending_every_packet(entries: list[dict[str, Any]], asked: tuple[int, int], protocol: str, random: Any) -> None:
    entries = entries + FINAL
    random.shuffle(entries)
    numbers = {"tcp": ["6"], "udp": ["17"], "any": ["6", "17", "50", "132"]}[protocol]
    ports = range(asked[0], asked[1] + 1)
    expected = {address for address in ADDRESSES if any(walk(entries, address, number, port) for number in numbers for port in ports)}
    answer = [ip_network(cidr) for cidr in nacl_cidrs(list(entries), "ingress", protocol, f"{asked[0]}-{asked[1]}")]
    assert {address for address in ADDRESSES if any(address in network for network in answer)} == expected
