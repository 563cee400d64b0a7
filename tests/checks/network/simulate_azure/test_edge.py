"""In from the internet and out to it."""

from __future__ import annotations

from typing import Any

import pytest

from checks.network.packet import Packet, Trace, address
from checks.network.simulate_azure import AzureSimulator
from tests.checks.network.simulate_azure.azure_services import lb_rule, load_balancer
from tests.checks.network.simulate_azure.azure_world import (
    CLIENT,
    estate,
    nat_gateway,
    nic,
    nic_id,
    nsg,
    ping,
    public_ip,
    ref,
    route_table,
    rule,
    subnet,
    tcp,
    udr,
    vnet,
)

WEB, PUBLIC = "10.0.1.4", "198.51.100.4"
OPENED = nsg("guard", rule("https", 100, ports="443"))


def front(*more: Any, public: str = "pip", guard: str = "", pools: Any = (), **parts: Any) -> AzureSimulator:
    """Interface `web` in the one subnet of network shop."""
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24", nsg=guard, **parts)])
    return AzureSimulator(estate(network, nic("web", "shop/front", WEB, public=public, pools=pools), *more))


def inbound(simulator: AzureSimulator, to: str = PUBLIC) -> Trace:
    return simulator.send(tcp(CLIENT, to, 443), "internet")


def outbound(simulator: AzureSimulator, packet: Packet | None = None) -> Trace:
    return simulator.send(packet or tcp(WEB, CLIENT, 443), nic_id("web"))


def seen(trace: Trace) -> str:
    """The source that the internet sees."""
    assert not trace.unknown
    (delivery,) = trace.deliveries
    assert delivery.at == "internet"
    assert delivery.reply
    return address(4, delivery.arrives.source)


def test_a_public_address_leads_to_its_interface_and_back() -> None:
    trace = inbound(front(public_ip("pip", PUBLIC), OPENED, guard="guard"))
    (delivery,) = trace.deliveries
    assert delivery.at == nic_id("web")
    assert delivery.arrives == tcp(CLIENT, WEB, 443)
    assert delivery.reply
    assert [hop.kind for hop in delivery.hops] == ["public-ip", "network-interface"]
    assert delivery.hops[-1].allowed_by == ("guard/https",)


def test_a_standard_address_is_closed_without_a_group_and_a_basic_one_open() -> None:
    assert "closed where no network security group opens it" in inbound(front(public_ip("pip", PUBLIC))).dropped[0]
    assert inbound(front(public_ip("pip", PUBLIC, "Basic"))).deliveries[0].at == nic_id("web")


def test_the_default_rules_keep_the_internet_out() -> None:
    assert inbound(front(public_ip("pip", PUBLIC), nsg("guard"), guard="guard")).dropped == ("web: denied by guard/DenyAllInBound",)


def test_rules_about_the_public_address_are_about_nothing() -> None:
    by_public = nsg("guard", rule("https", 100, destination=PUBLIC))
    by_private = nsg("guard", rule("https", 100, destination=WEB))
    assert not inbound(front(public_ip("pip", PUBLIC), by_public, guard="guard")).deliveries
    assert inbound(front(public_ip("pip", PUBLIC), by_private, guard="guard")).deliveries


def test_the_internet_tag_is_what_lies_outside() -> None:
    guard = nsg("guard", rule("outside", 100, source="Internet"))
    assert inbound(front(public_ip("pip", PUBLIC), guard, guard="guard")).deliveries


@pytest.mark.parametrize(
    ("route", "answered"),
    [
        (udr("all", "0.0.0.0/0", "VirtualAppliance", "10.0.1.9"), False),
        (udr("all", "0.0.0.0/0", "VirtualNetworkGateway"), False),
        (udr("all", "0.0.0.0/0", "None"), False),
        (udr("client", "203.0.113.0/24", "VirtualAppliance", "10.0.1.9"), False),
        (udr("other", "192.0.2.0/24", "VirtualAppliance", "10.0.1.9"), True),
        (udr("all", "0.0.0.0/0", "Internet"), True),
    ],
)
def test_a_route_that_takes_the_answer_elsewhere_makes_it_one_way(route: Any, answered: bool) -> None:
    table, nva = route_table("table", route), nic("nva", "shop/front", "10.0.1.9", forwards=True)
    trace = inbound(front(public_ip("pip", PUBLIC), OPENED, table, nva, guard="guard", table="table"))
    assert [(one.at, one.reply) for one in trace.deliveries] == [(nic_id("web"), answered)]
    assert trace.unknown == ()


def test_public_addresses_of_nobody_lead_nowhere() -> None:
    assert inbound(front(public="")).dropped == ("internet: 198.51.100.4 is no public address of the estate",)
    assert inbound(front(public_ip("pip", PUBLIC), public="")).dropped == ("pip: nothing has this public address",)
    nat = public_ip("pip", PUBLIC, natGateway=ref("natGateways/nat"))
    assert "takes no connections" in inbound(front(nat, public="")).dropped[0]


def test_a_public_address_of_something_unread_is_unknown() -> None:
    bastion = public_ip("pip", PUBLIC, ipConfiguration=ref("bastionHosts/jump/bastionHostIpConfigurations/ip"))
    assert "bastionhosts/jump" in inbound(front(bastion, public="")).unknown[0]


def test_a_private_source_does_not_come_over_the_internet() -> None:
    trace = front(public_ip("pip", PUBLIC), OPENED, guard="guard").send(tcp("10.9.9.9", PUBLIC, 443), "internet")
    assert "is no source on the internet" in trace.dropped[0]


def test_an_own_public_address_is_the_source_outside() -> None:
    assert seen(outbound(front(public_ip("pip", PUBLIC)))) == PUBLIC
    assert seen(outbound(front(public_ip("pip", PUBLIC)), ping(WEB, CLIENT))) == PUBLIC


def test_a_nat_gateway_comes_before_an_own_public_address() -> None:
    nat = (nat_gateway("nat", "out"), public_ip("out", "198.51.100.99"), public_ip("pip", PUBLIC))
    assert seen(outbound(front(*nat, nat="nat"))) == "198.51.100.99"
    assert "TCP and UDP only" in outbound(front(*nat, nat="nat"), ping(WEB, CLIENT)).dropped[0]
    assert "public addresses of NAT gateway" in outbound(front(nat_gateway("nat"), public="", nat="nat")).unknown[0]
    assert "nat is not in the estate" in outbound(front(public="", nat="nat")).unknown[0]


def test_an_answer_to_a_connection_from_outside_passes_beside_the_nat_gateway() -> None:
    nat = (nat_gateway("nat", "out"), public_ip("out", "198.51.100.99"), public_ip("pip", PUBLIC))
    assert inbound(front(*nat, OPENED, nat="nat", guard="guard")).deliveries[0].reply


def test_default_outbound_access_is_one_way_out_and_none_in() -> None:
    assert seen(outbound(front(public="")))
    assert "private subnet" in outbound(front(public="", defaultOutboundAccess=False)).dropped[0]


def test_a_sibling_with_a_public_address_takes_default_outbound_access_away() -> None:
    machine = {"virtualMachine": ref("virtualMachines/vm")}
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24")])
    cards = (nic("web", "shop/front", WEB, **machine), nic("web2", "shop/front", "10.0.1.5", public="pip", **machine))
    trace = outbound(AzureSimulator(estate(network, *cards, public_ip("pip", PUBLIC))))
    assert "another public address" in trace.dropped[0]


def test_a_load_balancer_gives_its_address_by_an_outbound_rule_or_a_rule_that_translates() -> None:
    address = public_ip("lbip", "198.51.100.80")

    def balanced(*rules: Any, **how: Any) -> Trace:
        return outbound(front(address, load_balancer("lb", *rules, public="lbip", **how), public="", pools=["lb/pool"]))

    assert seen(balanced(outbound=True)) == "198.51.100.80"
    assert seen(balanced(lb_rule("web", 80, 80, no_snat=False))) == "198.51.100.80"
    assert "gives no way out" in balanced(lb_rule("web", 80, 80)).dropped[0]


def test_a_standard_internal_load_balancer_takes_default_outbound_access_away() -> None:
    internal = {"private": "10.0.1.200", "place": "shop/front"}
    assert "gives no way out" in outbound(front(load_balancer("lb", **internal), public="", pools=["lb/pool"])).dropped[0]
    assert seen(outbound(front(load_balancer("lb", sku="Basic", **internal), public="", pools=["lb/pool"])))


def test_outside_traffic_to_an_own_public_address_comes_in_again() -> None:
    other = nic("other", "shop/front", "10.0.1.5", public="pip2")
    simulator = front(public_ip("pip", PUBLIC), public_ip("pip2", "198.51.100.5"), other, OPENED, guard="guard")
    (delivery,) = outbound(simulator, tcp(WEB, "198.51.100.5", 443)).deliveries
    assert (delivery.at, delivery.arrives) == (nic_id("other"), tcp(PUBLIC, "10.0.1.5", 443))
    assert delivery.reply


def test_default_outbound_access_to_an_own_public_address_is_unknown() -> None:
    other = nic("other", "shop/front", "10.0.1.5", public="pip2")
    simulator = front(public_ip("pip2", "198.51.100.5"), other, OPENED, guard="guard", public="")
    assert "default outbound access" in outbound(simulator, tcp(WEB, "198.51.100.5", 443)).unknown[0]


def test_ipv6_needs_an_own_public_address() -> None:
    network = vnet("shop", "10.0.0.0/16", "fd00:1::/48", subnets=[subnet("front", "10.0.1.0/24", "fd00:1::/64")])
    private = AzureSimulator(estate(network, nic("web", "shop/front", WEB, "fd00:1::4")))
    assert "IPv6 has no default" in private.send(tcp("fd00:1::4", "2001:db8::9", 443), nic_id("web")).dropped[0]
    public = AzureSimulator(estate(network, nic("web", "shop/front", "fd00:1::4", public="pip"), public_ip("pip", "2001:db8:1::4"), OPENED))
    assert public.send(tcp("fd00:1::4", "2001:db8::9", 443), nic_id("web")).deliveries[0].at == "internet"


@pytest.mark.parametrize(("protocol", "ending"), [(47, "dropped"), (132, "unknown"), (50, "deliveries")])
def test_protocols_that_virtual_networks_do_not_carry(protocol: int, ending: str) -> None:
    other = nic("other", "shop/front", "10.0.1.5")
    sent = tcp(WEB, "10.0.1.5", 0, 0)
    trace = outbound(front(other, public=""), Packet(4, sent.source, sent.destination, protocol, 0, 0))
    assert [name for name in ("deliveries", "dropped", "unknown") if getattr(trace, name)] == [ending]


def test_the_host_answers_for_itself() -> None:
    closed = nsg("guard", rule("none", 100, "Deny", out=True))
    assert "host itself" in outbound(front(closed, guard="guard"), tcp(WEB, "168.63.129.16", 53)).dropped[0]


def test_another_public_address_of_the_interface_takes_default_outbound_access_away() -> None:
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24")])
    two = nic("web", "shop/front", "10.0.1.5", WEB, public="pip")
    assert "another public address" in outbound(AzureSimulator(estate(network, two, public_ip("pip", PUBLIC)))).dropped[0]


def test_a_nat_gateway_does_not_carry_ipv6() -> None:
    network = vnet("shop", "fd00:1::/48", subnets=[subnet("front", "fd00:1::/64", nat="nat")])
    parts = (network, nic("web", "shop/front", "fd00:1::4"), nat_gateway("nat", "out"), public_ip("out", "198.51.100.99"))
    assert "IPv6 has no default" in outbound(AzureSimulator(estate(*parts)), tcp("fd00:1::4", "2001:db8::9", 443)).dropped[0]


def test_a_forwarding_interface_goes_out_only_as_itself() -> None:
    network = vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24")])
    nva = nic("web", "shop/front", WEB, public="pip", forwards=True)
    simulator = AzureSimulator(estate(network, nva, public_ip("pip", PUBLIC)))
    assert seen(outbound(simulator)) == PUBLIC
    assert "is not an address of web" in outbound(simulator, tcp("10.0.1.99", CLIENT, 443)).dropped[0]


@pytest.mark.parametrize("target", ["100.64.0.9", "169.254.7.7", "224.0.0.5", "127.0.0.1"])
def test_a_route_to_the_internet_does_not_make_an_address_public(target: str) -> None:
    table = route_table("table", udr("wrong", f"{target}/32", "Internet"))
    assert "no address on the internet" in outbound(front(table, public="", table="table"), tcp(WEB, target, 443)).dropped[0]


def test_a_nat_gateway_may_serve_a_whole_network_and_ipv6() -> None:
    nat = nat_gateway("nat", "out")
    nat.data["properties"] |= {"sourceVirtualNetwork": ref("virtualNetworks/shop"), "publicIpAddressesV6": [ref("publicIPAddresses/out6")]}
    network = vnet("shop", "10.0.0.0/16", "fd00:1::/48", subnets=[subnet("front", "10.0.1.0/24", "fd00:1::/64")])
    parts = (
        network,
        nic("web", "shop/front", WEB, "fd00:1::4"),
        nat,
        public_ip("out", "198.51.100.99"),
        public_ip("out6", "2001:db8:1::99"),
    )
    simulator = AzureSimulator(estate(*parts))
    assert seen(outbound(simulator)) == "198.51.100.99"
    (delivery,) = outbound(simulator, tcp("fd00:1::4", "2001:db8::9", 443)).deliveries
    assert (address(6, delivery.arrives.source), delivery.reply) == ("2001:db8:1::99", True)
