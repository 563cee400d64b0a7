"""What the resources of an estate serve to the internet over TLS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.collect.tls.served import TELLING, discovered, hidden
from checks.model import GLOBAL, Gap, Reason, Resource
from tests.agent.road import shipped

OWNER, REGION, SUBSCRIPTION = "111122223333", "eu-central-1", "7b0c2c4e-0000-4000-8000-000000000001"
PUBLIC, SECOND, V6 = "198.51.100.7", "198.51.100.8", "2001:db8::7"
EVERYBODY, EVERYBODY_V6 = [{"CidrIp": "0.0.0.0/0"}], [{"CidrIpv6": "::/0"}]


def group(id_: str = "sg-1", *permissions: Mapping[str, Any]) -> Resource:
    return Resource(id_, "aws.ec2.security_group", OWNER, REGION, {"GroupId": id_, "IpPermissions": list(permissions)})


def permits(
    ranges: list[dict[str, str]] = EVERYBODY,
    first: int = 443,
    last: int = 443,
    protocol: str = "tcp",
    v6: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    ports = {} if protocol == "-1" else {"FromPort": first, "ToPort": last}
    return {"IpProtocol": protocol, **ports, "IpRanges": ranges, "Ipv6Ranges": v6 or [], "PrefixListIds": []}


def interface(groups: tuple[str, ...] = ("sg-1",), **more: Any) -> Resource:
    data = {
        "NetworkInterfaceId": "eni-1", "Description": "", "Groups": [{"GroupId": one} for one in groups], "Association": {"PublicIp": PUBLIC},
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.7", "Association": {"PublicIp": PUBLIC}}], "Ipv6Addresses": [], **more,
    }  # fmt: skip
    return Resource("eni-1", "aws.ec2.network_interface", OWNER, REGION, data)


def found(*resources: Resource) -> list[str]:
    return [one.target.id for one in discovered(resources)]


def test_a_public_address_whose_port_443_is_open_to_the_internet_is_an_endpoint_without_a_name() -> None:
    (one,) = discovered([interface(), group("sg-1", permits())])
    assert (one.target.id, one.type, one.id) == (f"{PUBLIC}:443", "aws.ec2.network_interface", "eni-1")
    assert one.target.nameless
    assert not one.target.private_allowed


@pytest.mark.parametrize(
    ("permission", "opens"),
    [
        (permits(protocol="-1"), True),
        (permits(first=0, last=65535), True),
        (permits(first=80, last=80), False),
        (permits(protocol="udp"), False),
        (permits([{"CidrIp": "203.0.113.0/24"}]), False),
        (permits([{"CidrIp": "10.0.0.0/8"}]), False),
        (permits([{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]), True),
        (permits([], v6=EVERYBODY_V6), False),
        ({"IpProtocol": "tcp"}, True),
    ],
)
def test_the_groups_decide_and_one_that_cannot_be_read_is_taken_to_be_open(permission: dict[str, Any], opens: bool) -> None:
    assert found(interface(), group("sg-1", permission)) == ([f"{PUBLIC}:443"] if opens else [])


def test_of_several_groups_one_that_is_open_is_enough_and_one_that_was_not_seen_may_be() -> None:
    shut = group("sg-1", permits(first=22, last=22))
    assert found(interface(("sg-1", "sg-2")), shut, group("sg-2", permits())) == [f"{PUBLIC}:443"]
    assert found(interface(("sg-1", "sg-2")), shut) == [f"{PUBLIC}:443"]
    assert found(interface(("sg-1",)), shut) == found(interface(()), shut) == []
    elsewhere = Resource("sg-1", "aws.ec2.security_group", "444455556666", REGION, shut.data)
    assert found(interface(), elsewhere) == [f"{PUBLIC}:443"]


def test_every_public_address_of_an_interface_counts_and_those_of_version_6_by_their_own_ranges() -> None:
    addresses = [{"Association": {"PublicIp": PUBLIC}}, {"Association": {"PublicIp": SECOND}}, {"PrivateIpAddress": "10.0.0.9"}]
    both = group("sg-1", permits(v6=EVERYBODY_V6))
    held = interface(PrivateIpAddresses=addresses, Ipv6Addresses=[{"Ipv6Address": V6}])
    assert found(held, both) == [f"{PUBLIC}:443", f"{SECOND}:443", f"[{V6}]:443"]
    assert found(held, group("sg-1", permits([], v6=EVERYBODY_V6))) == [f"[{V6}]:443"]


@pytest.mark.parametrize(
    "more",
    [
        {"Association": None, "PrivateIpAddresses": []},
        {"Description": "ELB app/shop/50dc6c495c0c9188"},
        {"DenyAllIgwTraffic": True},
        {"Association": {"PublicIp": "no address"}, "PrivateIpAddresses": []},
    ],
)
def test_what_the_internet_cannot_reach_or_reaches_by_another_name_is_none(more: dict[str, Any]) -> None:
    assert found(interface(**more), group("sg-1", permits())) == []


def test_a_running_instance_tells_of_its_interfaces_where_those_are_not_listed() -> None:
    data = {"NetworkInterfaces": [interface().data], "State": {"Name": "running"}}
    running = Resource("i-1", "aws.ec2.instance", OWNER, REGION, data)
    stopped = Resource("i-2", "aws.ec2.instance", OWNER, REGION, data | {"State": {"Name": "stopped"}})
    assert found(running, group("sg-1", permits())) == [f"{PUBLIC}:443"]
    assert found(stopped, group("sg-1", permits())) == []
    assert found(running, interface(), group("sg-1", permits())) == [f"{PUBLIC}:443"]


# -- Azure -----------------------------------------------------------------------------------------------------------

GATEWAY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/applicationGateways/gw"
ADDRESS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/publicIPAddresses/gw-ip"


def listener(protocol: str = "Https", *, port: str = "p443", end: str = "public", **names: Any) -> dict[str, Any]:
    place = {"frontendPort": {"id": f"{GATEWAY}/frontendPorts/{port}"}, "frontendIPConfiguration": {"id": f"{GATEWAY}/frontends/{end}"}}
    return {"properties": {"protocol": protocol, **place, **names}}


def gateway(*http: dict[str, Any], listeners: tuple[dict[str, Any], ...] = ()) -> Resource:
    properties = {
        "frontendPorts": [
            {"id": f"{GATEWAY}/frontendPorts/p443", "properties": {"port": 443}},
            {"id": f"{GATEWAY}/frontendPorts/P8443", "properties": {"port": 8443}},
        ],
        "frontendIPConfigurations": [
            {"id": f"{GATEWAY}/frontends/public", "properties": {"publicIPAddress": {"id": ADDRESS.upper()}}},
            {"id": f"{GATEWAY}/frontends/inner", "properties": {"privateIPAddress": "10.0.0.4"}},
        ],
        "httpListeners": list(http),
        "listeners": list(listeners),
    }
    return Resource(GATEWAY, "azure.network.applicationgateways", SUBSCRIPTION, "westeurope", {"properties": properties})


def public_address() -> Resource:
    data = {"properties": {"ipAddress": PUBLIC, "publicIPAllocationMethod": "Static"}}
    return Resource(ADDRESS, "azure.network.publicipaddresses", SUBSCRIPTION, "westeurope", data)


@pytest.mark.parametrize(
    ("one", "endpoints"),
    [
        (listener(hostName="shop.example"), ["shop.example:443"]),
        (listener(hostNames=["a.example", "b.example"], port="p8443"), ["a.example:8443", "b.example:8443"]),
        (listener(), [f"{PUBLIC}:443"]),
        (listener(hostNames=["*.shop.example", "a.example"]), [f"{PUBLIC}:443", "a.example:443"]),
        (listener("Http", hostName="shop.example"), []),
        (listener(end="inner", hostName="shop.example"), []),
        (listener(port="p1"), []),
        (listener(hostName="shop..example"), []),
    ],
)
def test_listeners_of_application_gateways_at_public_addresses_are_endpoints(one: dict[str, Any], endpoints: list[str]) -> None:
    assert sorted(found(gateway(one), public_address())) == sorted(endpoints)


def test_so_are_their_listeners_for_tls_alone() -> None:
    assert found(gateway(listeners=(listener("Tls"), listener("Tcp", port="p8443"))), public_address()) == [f"{PUBLIC}:443"]


# -- what tells of it ------------------------------------------------------------------------------------------------


def test_what_tells_of_endpoints_is_in_the_catalogue() -> None:
    for type_, members in TELLING.items():
        assert members <= set(shipped().shapes[type_].members)


@pytest.mark.parametrize(
    ("type_", "field", "hides"),
    [
        ("aws.ec2.network_interface", None, True),
        ("aws.ec2.network_interface", "Groups", True),
        ("aws.ec2.network_interface", "(tags)", False),
        ("aws.ec2.security_group", None, False),
        ("aws.ec2.instance", None, False),
        ("azure.network.applicationgateways", None, True),
        ("azure.network.publicipaddresses", "properties", True),
    ],
)
def test_interfaces_that_were_not_seen_leave_open_which_endpoints_there_are(type_: str, field: str | None, hides: bool) -> None:
    gap = Gap(type_, OWNER, REGION, "eni-1" if field else None, field, Reason.DENIED, "Describe")
    told = list(hidden([gap]))
    assert [(one.type, one.region, one.reason) for one in told] == ([("tls.endpoint", GLOBAL, Reason.DENIED)] if hides else [])
