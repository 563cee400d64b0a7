"""Network security groups: which rule decides, and what it takes for one to be about a packet."""

from __future__ import annotations

from typing import Any

import pytest

from checks.network.packet import Packet, Trace
from checks.network.simulate_azure import AzureSimulator
from tests.checks.network.simulate_azure.azure_world import (
    CLIENT,
    estate,
    nic,
    nic_id,
    nsg,
    peering,
    ping,
    public_ip,
    resource,
    route_table,
    rule,
    service_tag,
    site_connection,
    subnet,
    tcp,
    udp,
    udr,
    vnet,
    vnet_gateway,
)

WEB, APP = "10.0.1.4", "10.0.2.4"


def shop(*more: Any, front: str = "", back: str = "", web: str = "", app: str = "", **parts: Any) -> AzureSimulator:
    """Interface `web` in subnet front, `app` in subnet back; the names are those of their groups."""
    network = vnet(
        "shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24", nsg=front, **parts), subnet("back", "10.0.2.0/24", nsg=back)]
    )
    return AzureSimulator(estate(network, nic("web", "shop/front", WEB, nsg=web), nic("app", "shop/back", APP, nsg=app), *more))


def sent(simulator: AzureSimulator, packet: Packet, by: str = "web") -> Trace:
    return simulator.send(packet, nic_id(by))


def reaches(trace: Trace, name: str = "app") -> bool:
    assert not trace.unknown
    return [one.at for one in trace.deliveries] == [nic_id(name)]


def test_without_groups_everything_passes_inside_a_network() -> None:
    trace = sent(shop(), tcp(WEB, APP, 5432))
    assert reaches(trace)
    assert trace.deliveries[0].reply
    assert [hop.kind for hop in trace.deliveries[0].hops] == ["network-interface", "subnet", "network-interface"]


def test_the_default_rules_let_the_network_in_and_say_so() -> None:
    trace = sent(shop(nsg("guard"), back="guard"), tcp(WEB, APP, 5432))
    assert reaches(trace)
    assert trace.deliveries[0].hops[-1].allowed_by == ("guard/AllowVnetInBound",)


def test_a_lower_priority_number_decides_whatever_the_order() -> None:
    allow, deny = rule("allow", 200, ports="5432"), rule("deny", 100, "Deny", ports="5432")
    assert not reaches(sent(shop(nsg("guard", allow, deny), back="guard"), tcp(WEB, APP, 5432)))
    allow, deny = rule("allow", 100, ports="5432"), rule("deny", 200, "Deny", ports="5432")
    assert reaches(sent(shop(nsg("guard", deny, allow), back="guard"), tcp(WEB, APP, 5432)))


def test_subnet_and_interface_must_both_allow() -> None:
    closed = nsg("closed", rule("deny", 100, "Deny"))
    opened = nsg("opened", rule("allow", 100))
    assert not reaches(sent(shop(closed, opened, back="opened", app="closed"), tcp(WEB, APP, 22)))
    assert not reaches(sent(shop(closed, opened, back="closed", app="opened"), tcp(WEB, APP, 22)))
    trace = sent(shop(opened, back="opened", app="opened"), tcp(WEB, APP, 22))
    assert trace.deliveries[0].hops[-1].allowed_by == ("opened/allow", "opened/allow")


def test_inbound_the_subnet_comes_first_and_outbound_the_interface() -> None:
    groups = (nsg("outer", rule("in", 100), rule("out", 100, out=True)), nsg("inner", rule("in", 100), rule("out", 100, out=True)))
    trace = sent(shop(*groups, front="outer", web="inner", back="outer", app="inner"), tcp(WEB, APP, 22))
    first, *_, last = trace.deliveries[0].hops
    assert (first.allowed_by, last.allowed_by) == (("inner/out", "outer/out"), ("outer/in", "inner/in"))


def test_outbound_rules_stop_a_packet_at_its_sender() -> None:
    guard = nsg("guard", rule("deny", 100, "Deny", out=True, destination="10.0.2.0/24"))
    trace = sent(shop(guard, web="guard"), tcp(WEB, APP, 22))
    assert trace.dropped == ("web: denied by guard/deny",)


def test_rules_hold_between_two_interfaces_of_one_subnet() -> None:
    guard = nsg("guard", rule("deny", 100, "Deny", source="10.0.1.0/24"))
    other = nic("other", "shop/front", "10.0.1.5")
    assert not reaches(sent(shop(guard, other, front="guard"), tcp(WEB, "10.0.1.5", 22)), "other")
    assert reaches(sent(shop(other), tcp(WEB, "10.0.1.5", 22)), "other")


def test_the_answer_passes_what_an_own_connection_would_not() -> None:
    guard = nsg("guard", rule("deny-out", 100, "Deny", out=True))
    simulator = shop(guard, back="guard")
    trace = sent(simulator, tcp(WEB, APP, 22))
    assert reaches(trace)
    assert trace.deliveries[0].reply
    assert not reaches(sent(simulator, tcp(APP, WEB, 22), "app"), "web")


@pytest.mark.parametrize(
    ("field", "matching", "other"),
    [
        ({"ports": "5432"}, tcp(WEB, APP, 5432), tcp(WEB, APP, 5433)),
        ({"ports": ["1-9", "5430-5440"]}, tcp(WEB, APP, 5440), tcp(WEB, APP, 10)),
        ({"ports": "80,5432"}, tcp(WEB, APP, 5432), tcp(WEB, APP, 81)),
        ({"source_ports": "50000"}, tcp(WEB, APP, 22), tcp(WEB, APP, 22, 50001)),
        ({"protocol": "Tcp"}, tcp(WEB, APP, 53), udp(WEB, APP, 53)),
        ({"protocol": "UDP"}, udp(WEB, APP, 53), tcp(WEB, APP, 53)),
        ({"protocol": "Icmp"}, ping(WEB, APP), tcp(WEB, APP, 7)),
        ({"source": "10.0.1.4"}, tcp(WEB, APP, 22), tcp("10.0.1.9", APP, 22)),
        ({"source": ["10.9.0.0/16", "10.0.1.0/29"]}, tcp(WEB, APP, 22), tcp("10.0.1.9", APP, 22)),
        ({"destination": ["10.0.2.4/32"]}, tcp(WEB, APP, 22), tcp(WEB, "10.0.2.5", 22)),
    ],
)
def test_each_field_of_a_rule_counts(field: dict[str, Any], matching: Packet, other: Packet) -> None:
    guard = nsg("guard", rule("deny", 100, "Deny", **field))
    more = (nic("web2", "shop/front", "10.0.1.9"), nic("app2", "shop/back", "10.0.2.5"))
    simulator = shop(guard, *more, back="guard")
    assert not simulator.send(matching, nic_id("web")).deliveries
    sender = "web" if other.source == matching.source else "web2"
    assert len(simulator.send(other, nic_id(sender)).deliveries) == 1


def test_an_application_security_group_is_its_members_addresses() -> None:
    guard = nsg("guard", rule("from-web", 100, source_asgs=["web"], ports="5432"), rule("deny", 200, "Deny"))
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24"), subnet("back", "10.0.2.0/24", nsg="guard")])
    member, stranger = nic("web", "shop/front", WEB, asgs=["web"]), nic("other", "shop/front", "10.0.1.5")
    simulator = AzureSimulator(estate(network, guard, member, stranger, nic("app", "shop/back", APP)))
    assert reaches(sent(simulator, tcp(WEB, APP, 5432)))
    assert not reaches(sent(simulator, tcp("10.0.1.5", APP, 5432), "other"))


def test_a_scale_set_in_an_application_security_group_leaves_it_open() -> None:
    guard = nsg("guard", rule("from-web", 100, source_asgs=["web"]), rule("deny", 200, "Deny"))
    model = {"networkProfile": {"applicationSecurityGroups": [resource("applicationSecurityGroups", "web", {}).data["id"]]}}
    scale_set = resource("x", "fleet", {"virtualMachineProfile": model})
    scale_set = type(scale_set)(scale_set.id, "azure.compute.virtualmachinescalesets", scale_set.account, scale_set.region, scale_set.data)
    trace = sent(shop(guard, scale_set, back="guard"), tcp(WEB, APP, 5432))
    assert not trace.deliveries
    assert "in web" in trace.unknown[0]


def test_a_tag_is_what_the_service_tag_list_says() -> None:
    guard = nsg("guard", rule("deny", 100, "Deny", out=True, destination="Storage"))
    simulator = shop(guard, service_tag("Storage", "198.51.100.0/24"), web="guard")
    assert not sent(simulator, tcp(WEB, "198.51.100.7", 443)).deliveries
    assert sent(simulator, tcp(WEB, CLIENT, 443)).deliveries[0].at == "internet"


def test_a_tag_that_is_not_expanded_is_unknown_only_where_it_decides() -> None:
    deny = nsg("guard", rule("deny", 100, "Deny", out=True, destination="Storage"))
    trace = sent(shop(deny, web="guard"), tcp(WEB, CLIENT, 443))
    assert not trace.deliveries
    assert trace.unknown == ("web: guard/deny: service tag Storage is not expanded in the estate",)
    allow = nsg("guard", rule("allow", 100, out=True, destination="Storage"))
    assert sent(shop(allow, web="guard"), tcp(WEB, CLIENT, 443)).deliveries


def test_a_group_that_is_not_in_the_estate_is_unknown() -> None:
    trace = sent(shop(back="lost"), tcp(WEB, APP, 22))
    assert not trace.deliveries
    assert "lost is not in the estate" in trace.unknown[0]


def test_a_port_rule_says_nothing_sure_about_packets_without_ports() -> None:
    trace = sent(shop(nsg("guard", rule("deny", 100, "Deny", ports="22")), back="guard"), ping(WEB, APP))
    assert not trace.deliveries
    assert "guard/deny" in trace.unknown[0]


def peered(*, access: bool, group: Any) -> AzureSimulator:
    left = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24")], peerings=[peering("bank", access=access)])
    right = vnet("bank", "10.1.0.0/16", subnets=[subnet("vault", "10.1.1.0/24", nsg="guard")], peerings=[peering("shop", access=access)])
    return AzureSimulator(estate(left, right, group, nic("web", "shop/front", WEB), nic("app", "bank/vault", "10.1.1.4")))


def test_the_virtual_network_tag_holds_peers_that_have_access() -> None:
    assert reaches(sent(peered(access=True, group=nsg("guard")), tcp(WEB, "10.1.1.4", 22)))
    assert not reaches(sent(peered(access=False, group=nsg("guard")), tcp(WEB, "10.1.1.4", 22)))


def test_a_peer_without_access_comes_in_by_a_rule_that_names_it() -> None:
    guard = nsg("guard", rule("shop", 100, source="10.0.0.0/16"))
    assert reaches(sent(peered(access=False, group=guard), tcp(WEB, "10.1.1.4", 22)))


def test_the_virtual_network_tag_holds_on_premises() -> None:
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24", nsg="guard"), subnet("GatewaySubnet", "10.0.9.0/27")])
    parts = (network, nsg("guard"), nic("app", "shop/front", WEB), vnet_gateway("vpn", "shop"))
    simulator = AzureSimulator(estate(*parts, site_connection("hq", "vpn", "192.168.0.0/16")))
    gateway = resource("virtualNetworkGateways", "vpn", {}).id.lower()
    assert reaches(simulator.send(tcp("192.168.7.7", WEB, 22), gateway))
    assert simulator.send(tcp("172.16.0.1", WEB, 22), gateway).deliveries == ()


def test_a_default_route_of_a_route_table_puts_the_internet_into_the_virtual_network_tag() -> None:
    table = route_table("table", udr("all", "0.0.0.0/0", "VirtualAppliance", "10.0.2.4"))
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24", nsg="guard", table="table")])
    parts = (network, nsg("guard"), nic("app", "shop/front", WEB, public="pip"), public_ip("pip", "198.51.100.4"))
    trace = AzureSimulator(estate(*parts, table)).send(tcp(CLIENT, "198.51.100.4", 22), "internet")
    assert reaches(trace)
    assert not trace.deliveries[0].reply


def test_a_doubt_counts_only_if_the_packet_would_come_through() -> None:
    guard = nsg("guard", rule("deny", 100, "Deny", out=True, destination="Storage"))
    assert sent(shop(guard, web="guard"), tcp(WEB, "10.0.2.99", 443)) == Trace(dropped=("shop: nobody has 10.0.2.99",))
    assert sent(shop(guard, web="guard"), tcp(WEB, APP, 443)).unknown


def test_private_addresses_elsewhere_are_no_doubt_where_no_route_leads_there() -> None:
    trace = sent(shop(nsg("guard"), web="guard"), tcp(WEB, "172.16.0.1", 443))
    assert trace.dropped == ("front: system/None leads nowhere",)
    assert trace.unknown == ()
