"""cidrs_within and few_addresses: exact for unions, and never fooled by another way to write an address."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.functions import DataError
from checks.functions.addresses import AddressSet, address_range, any_cidr_within, cidrs_within, few_addresses, read_network


@pytest.mark.parametrize(
    ("cidrs", "allowed"),
    [
        ([], []),
        (["10.1.0.0/16"], ["10.0.0.0/8"]),
        (["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"]),
        (["::/0"], ["8000::/1", "::/1"]),
        (["10.0.0.0/8", "2001:db8::/48"], ["2001:db8::/32", "10.0.0.0/8"]),
        (["192.0.2.7"], ["192.0.2.0/24"]),
        (["10.255.255.255/8"], ["10.0.0.0/8"]),
        (["::ffff:10.0.0.0/104"], ["10.0.0.0/8"]),
        (["::ffff:a00:0/104"], ["::ffff:10.0.0.0/104"]),
    ],
)
def test_addresses_that_lie_within(cidrs: list[object], allowed: list[object]) -> None:
    assert cidrs_within(cidrs, allowed) is True


@pytest.mark.parametrize(
    ("cidrs", "allowed"),
    [
        (["10.0.0.0/8"], []),
        (["10.0.0.0/7"], ["10.0.0.0/8"]),
        (["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"]),
        (["10.0.0.0/8"], ["::/0"]),
        (["::/0"], ["0.0.0.0/0"]),
        (["::ffff:0:0/96"], ["10.0.0.0/8", "::/0"]),
        (["10.0.0.0/8", "::1"], ["10.0.0.0/8"]),
        (["::/95"], ["0.0.0.0/0"]),
    ],
)
def test_addresses_that_do_not(cidrs: list[object], allowed: list[object]) -> None:
    assert cidrs_within(cidrs, allowed) is False


@pytest.mark.parametrize(
    "garbage",
    ["", "anywhere", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/255.0.0.0", "0.0.0.0/0.0.0.0", "10.0.0.0/0.255.255.255", "fe80::1%eth0",
     "010.0.0.1", "10.0.0", " 10.0.0.0/8", "10.0.0.0/8\n", "\u0661\u0660.0.0.0/8", "::/129", ":", "1.2.3.4:80",
     0, 167772160, None, True, ["10.0.0.0/8"]],
)  # fmt: skip
def test_what_is_no_cidr_is_refused_on_either_side(garbage: object) -> None:
    with pytest.raises(DataError, match="not an IP address or CIDR"):
        cidrs_within([garbage], ["0.0.0.0/0", "::/0"])
    with pytest.raises(DataError, match="not an IP address or CIDR"):
        cidrs_within([], [garbage])


# Small corners of both families, so that every address in them can be tried.
corner = st.builds(lambda host, prefix: f"192.0.2.{host}/{prefix}", st.integers(0, 255), st.integers(24, 32)) | st.builds(
    lambda host, prefix: f"2001:db8::{host:x}/{prefix}", st.integers(0, 255), st.integers(120, 128)
)
CORNERS = [ip_address(f"192.0.2.{host}") for host in range(256)] + [ip_address(f"2001:db8::{host:x}") for host in range(256)]


@given(st.lists(corner, max_size=5), st.lists(corner, max_size=5))
def test_within_agrees_with_trying_every_address(cidrs: list[object], allowed: list[object]) -> None:
    def inside(address: object, networks: list[object]) -> bool:
        return any(address in ip_network(str(network), strict=False) for network in networks)

    expected = all(inside(address, allowed) for address in CORNERS if inside(address, cidrs))
    assert cidrs_within(cidrs, allowed) is expected


@given(st.lists(corner, max_size=5), st.lists(corner, max_size=5))
def test_allowing_more_never_excludes(cidrs: list[object], more: list[object]) -> None:
    assert cidrs_within(cidrs, cidrs + more) is True


@given(st.lists(corner, max_size=6))
def test_a_set_written_as_cidrs_is_the_same_set(cidrs: list[str]) -> None:
    addresses = AddressSet.of(map(read_network, cidrs))
    assert AddressSet.of(map(read_network, addresses.cidrs())) == addresses


@pytest.mark.parametrize(
    ("first", "last", "cidrs"),
    [
        ("10.0.0.0", "10.0.0.5", ["10.0.0.0/30", "10.0.0.4/31"]),
        ("0.0.0.0", "255.255.255.255", ["0.0.0.0/0"]),
        ("192.0.2.7", "192.0.2.7", ["192.0.2.7/32"]),
        ("2001:db8::", "2001:db8::1", ["2001:db8::/127"]),
    ],
)
def test_a_range_is_the_fewest_networks_that_make_it_up(first: str, last: str, cidrs: list[str]) -> None:
    assert address_range(first, last) == cidrs


@pytest.mark.parametrize(
    ("first", "last"), [("10.0.0.5", "10.0.0.0"), ("10.0.0.0/8", "10.0.0.0"), ("10.0.0.0", "::1"), ("", "10.0.0.0"), ("here", "there")]
)
def test_what_is_no_range_decides_nothing(first: str, last: str) -> None:
    with pytest.raises(DataError):
        address_range(first, last)


@pytest.mark.parametrize(
    "cidrs",
    [
        [],
        ["203.0.113.0/24", "2001:db8::/32"],
        ["5.0.0.0/9"],
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
        ["5.0.0.0/9", "5.0.0.0/10", "5.0.0.7"],
        ["::ffff:5.0.0.0/105"],
    ],
)
def test_addresses_that_are_few(cidrs: list[object]) -> None:
    assert few_addresses(cidrs) is True


@pytest.mark.parametrize(
    "cidrs",
    [
        ["0.0.0.0/0"],
        ["::/0"],
        ["64.0.0.0/2"],
        ["80.0.0.0/8"],
        ["80.0.0.0/9", "200.0.0.0/9"],
        ["10.0.0.0/7"],
        ["2001:db8::/31"],
        ["2001:db8::/32", "2001:db9::/128"],
        ["::ffff:5.0.0.0/104"],
        [f"{first}.0.0.0/16" for first in range(11, 255)] + [f"80.{second}.0.0/16" for second in range(13)],
    ],
)
def test_addresses_that_are_many(cidrs: list[object]) -> None:
    assert few_addresses(cidrs) is False


def test_what_is_no_address_is_neither_few_nor_many() -> None:
    with pytest.raises(DataError):
        few_addresses(["AzureCloud"])


BLOCKS = [
    "10.0.0.0/9",
    "10.128.0.0/9",
    "10.0.0.0/8",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "0.0.0.0/0",
    "10.1.2.3",
    "2001:db8::/33",
    "2001:db8:8000::/33",
    "2001:db8::/32",
]


@given(st.lists(st.sampled_from(BLOCKS), max_size=4), st.lists(st.sampled_from(BLOCKS), max_size=6))
def test_one_of_several_lies_within_as_each_by_itself_says(cidrs: list[object], allowed: list[object]) -> None:
    assert any_cidr_within(cidrs, allowed) is any(cidrs_within([one], allowed) for one in cidrs)


@pytest.mark.parametrize(("cidrs", "allowed"), [(["10.0.0.0/8", "x"], ["10.0.0.0/8"]), (["10.0.0.0/8"], ["x"]), ([], [7])])
def test_of_several_none_may_be_anything_else(cidrs: list[object], allowed: list[object]) -> None:
    with pytest.raises(DataError):
        any_cidr_within(cidrs, allowed)
