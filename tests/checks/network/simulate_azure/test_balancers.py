"""Load balancers and application gateways: who gets the packet, and as what."""

from __future__ import annotations

from typing import Any

from checks.network.packet import Delivery, Packet, Trace
from checks.network.simulate_azure import AzureSimulator
from tests.checks.network.simulate_azure.azure_services import application_gateway, lb_rule, load_balancer, nat_rule
from tests.checks.network.simulate_azure.azure_world import (
    CLIENT,
    arm,
    config_id,
    estate,
    nic,
    nic_id,
    nsg,
    ping,
    pool,
    public_ip,
    ref,
    resource,
    route_table,
    rule,
    subnet,
    tcp,
    udp,
    udr,
    vnet,
)

PUBLIC, PRIVATE, WEB = "198.51.100.80", "10.0.1.200", "10.0.2.4"
LB, AGW = arm("loadBalancers/lb").lower(), arm("applicationGateways/agw").lower()
OPENED = nsg("guard", rule("8080", 100, ports="8080"))


def shop(*more: Any, guard: str = "guard", table: str = "", gateway: str = "") -> AzureSimulator:
    """Subnet front for clients and gateways, `web` in subnet back, which is in pool lb/pool."""
    subnets = [
        subnet("front", "10.0.1.0/24"),
        subnet("back", "10.0.2.0/24", nsg=guard, table=table),
        subnet("gateway", "10.0.3.0/24", nsg=gateway),
    ]
    web = nic("web", "shop/back", WEB, pools=["lb/pool"])
    parts = [vnet("shop", "10.0.0.0/16", subnets=subnets), web, nic("client", "shop/front", "10.0.1.4"), public_ip("pip", PUBLIC)]
    return AzureSimulator(estate(*parts, *more))


def from_outside(simulator: AzureSimulator, port: int = 80, packet: Packet | None = None) -> Trace:
    return simulator.send(packet or tcp(CLIENT, PUBLIC, port), "internet")


def from_inside(simulator: AzureSimulator, port: int = 80) -> Trace:
    return simulator.send(tcp("10.0.1.4", PRIVATE, port), nic_id("client"))


def behind(trace: Trace) -> list[Delivery]:
    """What came out behind the load balancer."""
    return [one for one in trace.deliveries if one.at != LB]


def public_lb(*rules: Any, **more: Any) -> Any:
    return load_balancer("lb", *rules, public="pip", **more)


def internal_lb(*rules: Any, **more: Any) -> Any:
    return load_balancer("lb", *rules, private=PRIVATE, place="shop/front", **more)


def test_a_rule_leads_from_frontend_port_to_backend_port_and_keeps_the_client() -> None:
    trace = from_outside(shop(public_lb(lb_rule("web", 80, 8080)), OPENED))
    (delivery,) = behind(trace)
    assert (delivery.at, delivery.arrives) == (nic_id("web"), tcp(CLIENT, WEB, 8080))
    assert delivery.reply
    assert [hop.allowed_by for hop in delivery.hops] == [(), ("lb/web",), ("guard/8080",)]


def test_other_ports_and_protocols_have_no_rule() -> None:
    simulator = shop(public_lb(lb_rule("web", 80, 8080)), OPENED)
    assert "no rule for" in from_outside(simulator, 81).dropped[0]
    assert not from_outside(simulator, packet=udp(CLIENT, PUBLIC, 80)).deliveries
    assert not from_outside(simulator, packet=ping(CLIENT, PUBLIC)).deliveries


def test_the_backends_group_sees_the_client_and_the_backend_port() -> None:
    by_port = nsg("guard", rule("80", 100, ports="80"))
    by_client = nsg("guard", rule("client", 100, source=CLIENT))
    assert not from_outside(shop(public_lb(lb_rule("web", 80, 8080)), by_port)).deliveries
    assert from_outside(shop(public_lb(lb_rule("web", 80, 8080)), by_client)).deliveries


def test_a_standard_load_balancer_is_closed_without_a_group_and_a_basic_one_open() -> None:
    assert not from_outside(shop(public_lb(lb_rule("web", 80, 8080)), guard="")).deliveries
    assert from_outside(shop(public_lb(lb_rule("web", 80, 8080), sku="Basic"), guard="")).deliveries


def test_every_backend_may_be_chosen() -> None:
    other = nic("web2", "shop/back", "10.0.2.5", pools=["lb/pool"])
    trace = from_outside(shop(public_lb(lb_rule("web", 80, 8080)), OPENED, other))
    assert [one.at for one in behind(trace)] == [nic_id("web"), nic_id("web2")]


def test_a_pool_may_name_backends_by_address() -> None:
    backend = {"name": "b", "properties": {"ipAddress": "10.0.2.9", "virtualNetwork": ref("virtualNetworks/shop")}}
    pools = [{"name": "pool", "properties": {"loadBalancerBackendAddresses": [backend]}}]
    named = public_lb(lb_rule("web", 80, 8080), pools=pools)
    trace = from_outside(shop(named, OPENED, nic("nine", "shop/back", "10.0.2.9")))
    assert {one.at for one in behind(trace)} == {nic_id("web"), nic_id("nine")}
    assert "who has 10.0.2.9" in from_outside(shop(named, OPENED)).unknown[0]


def test_a_backend_that_is_not_in_the_estate_is_unknown() -> None:
    lost = ref("virtualMachineScaleSets/fleet/virtualMachines/0/networkInterfaces/n/ipConfigurations/c")
    pools = [{"name": "pool", "properties": {"backendIPConfigurations": [{"id": config_id("web")}, lost]}}]
    trace = from_outside(shop(public_lb(lb_rule("web", 80, 8080), pools=pools), OPENED))
    assert [one.at for one in behind(trace)] == [nic_id("web")]
    assert "fleet" in trace.unknown[0]


def test_an_inbound_nat_rule_leads_to_one_interface() -> None:
    trace = from_outside(shop(public_lb(nat_rules=[nat_rule("ssh", 50022, 8080, "web")]), OPENED), 50022)
    assert [(one.at, one.arrives.destination_port) for one in behind(trace)] == [(nic_id("web"), 8080)]
    assert "lost" in from_outside(shop(public_lb(nat_rules=[nat_rule("ssh", 50022, 22, "lost")])), 50022).unknown[0]


def test_a_range_of_nat_ports_is_unknown() -> None:
    ranged = nat_rule("ssh", 0, 22, "web")
    ranged["properties"] |= {"frontendPortRangeStart": 500, "frontendPortRangeEnd": 599, "backendAddressPool": pool("lb/pool")}
    del ranged["properties"]["backendIPConfiguration"]
    simulator = shop(public_lb(nat_rules=[ranged]), OPENED)
    assert "which backend" in from_outside(simulator, 550).unknown[0]
    assert not from_outside(simulator, 600).unknown


def test_an_internal_load_balancer_serves_its_network_and_the_answer_comes_from_it() -> None:
    trace = from_inside(shop(internal_lb(lb_rule("web", 80, 8080)), OPENED))
    (delivery,) = behind(trace)
    assert (delivery.at, delivery.arrives) == (nic_id("web"), tcp("10.0.1.4", WEB, 8080))
    assert delivery.reply


def test_ha_ports_carry_all_of_tcp_and_udp() -> None:
    simulator = shop(internal_lb(lb_rule("all", 0, 0, "All")), nsg("guard"))
    assert [one.arrives.destination_port for one in behind(from_inside(simulator, 4711))] == [4711]
    assert simulator.send(udp("10.0.1.4", PRIVATE, 53), nic_id("client")).deliveries
    assert not simulator.send(ping("10.0.1.4", PRIVATE), nic_id("client")).deliveries


def test_a_backend_does_not_reach_itself_through_its_load_balancer() -> None:
    trace = shop(internal_lb(lb_rule("web", 80, 8080)), OPENED).send(tcp(WEB, PRIVATE, 80), nic_id("web"))
    assert "does not reach itself" in trace.dropped[0]


def test_floating_ip_keeps_the_frontend_as_destination() -> None:
    (delivery,) = behind(from_inside(shop(internal_lb(lb_rule("web", 80, 8080, floating=True)), OPENED)))
    assert (delivery.at, delivery.arrives) == (nic_id("web"), tcp("10.0.1.4", PRIVATE, 8080))
    assert delivery.reply


def test_a_rule_about_a_floating_backends_own_address_is_unknown() -> None:
    guard = nsg("guard", rule("own", 100, destination=WEB), rule("none", 200, "Deny"))
    trace = from_inside(shop(internal_lb(lb_rule("web", 80, 8080, floating=True)), guard))
    assert not trace.deliveries
    assert "floating IP" in trace.unknown[0]


def test_a_default_route_to_an_appliance_makes_a_public_load_balancer_one_way() -> None:
    table = route_table("table", udr("all", "0.0.0.0/0", "VirtualAppliance", "10.0.1.9"))
    trace = from_outside(shop(public_lb(lb_rule("web", 80, 8080)), OPENED, table, table="table"))
    assert [(one.at, one.reply) for one in behind(trace)] == [(nic_id("web"), False)]


def test_a_chained_gateway_load_balancer_is_unknown() -> None:
    chained = public_lb(lb_rule("web", 80, 8080), gatewayLoadBalancer=ref("loadBalancers/inspect/frontendIPConfigurations/f"))
    trace = from_outside(shop(chained, OPENED))
    assert not trace.deliveries
    assert "chained" in trace.unknown[0]


def test_what_a_backend_takes_has_arrived_at_the_load_balancer_as_it_was_sent() -> None:
    trace = from_outside(shop(public_lb(lb_rule("web", 80, 8080)), OPENED))
    assert [(one.arrives, one.reply) for one in trace.deliveries if one.at == LB] == [(tcp(CLIENT, PUBLIC, 80), True)]
    closed = nsg("guard", rule("none", 100, "Deny"))
    assert not from_outside(shop(public_lb(lb_rule("web", 80, 8080)), closed)).deliveries


def gateway(*backends: str, **more: Any) -> Any:
    return application_gateway("agw", "shop/gateway", *backends, **({"public": "pip"} | more))


def test_an_application_gateway_opens_a_connection_of_its_own() -> None:
    trace = from_outside(shop(gateway(WEB), OPENED))
    first, delivery = trace.deliveries
    assert (first.at, first.arrives, first.reply) == (AGW, tcp(CLIENT, "10.0.3.4", 80), True)
    assert (delivery.at, delivery.arrives) == (nic_id("web"), tcp("10.0.3.4", WEB, 8080))
    assert delivery.reply
    assert [hop.kind for hop in delivery.hops] == ["public-ip", "application-gateway", "subnet", "network-interface"]
    assert "no listener" in from_outside(shop(gateway(WEB), OPENED), 81).dropped[0]


def test_the_backends_group_sees_the_application_gateway() -> None:
    from_gateway = nsg("guard", rule("agw", 100, source="10.0.3.0/24"), rule("none", 200, "Deny"))
    from_client = nsg("guard", rule("client", 100, source=CLIENT), rule("none", 200, "Deny"))
    assert [one.at for one in from_outside(shop(gateway(WEB), from_gateway)).deliveries] == [AGW, nic_id("web")]
    assert [one.at for one in from_outside(shop(gateway(WEB), from_client)).deliveries] == [AGW]


def test_the_gateways_subnet_filters_clients() -> None:
    closed = nsg("edge", rule("client", 100, "Deny", source="203.0.113.0/24"))
    opened = nsg("edge", rule("client", 100, source="203.0.113.0/24", destination="10.0.3.0/24", ports="80"))
    assert not from_outside(shop(gateway(WEB), OPENED, closed, gateway="edge")).deliveries
    trace = from_outside(shop(gateway(WEB), OPENED, opened, gateway="edge"))
    assert trace.deliveries[0].reply


def test_a_private_listener_serves_the_network() -> None:
    private = gateway(WEB, public="", private="10.0.3.100")
    trace = shop(private, OPENED).send(tcp("10.0.1.4", "10.0.3.100", 80), nic_id("client"))
    assert [(one.at, one.reply) for one in trace.deliveries] == [(AGW, True), (nic_id("web"), True)]


def test_an_application_gateway_that_cannot_answer_its_client_goes_on_with_nothing() -> None:
    subnets = [subnet("front", "10.0.1.0/24"), subnet("gateway", "10.0.3.0/24", table="inspect")]
    table = route_table("inspect", udr("out", "0.0.0.0/0", "None"))
    parts = [vnet("shop", "10.0.0.0/16", subnets=subnets), nic("web", "shop/front", "10.0.1.4"), public_ip("pip", PUBLIC)]
    trace = AzureSimulator(estate(*parts, table, gateway("10.0.1.4"))).send(tcp(CLIENT, PUBLIC, 80), "internet")
    assert [(one.at, one.reply) for one in trace.deliveries] == [(AGW, False)]


def test_a_backend_by_name_is_unknown_and_an_empty_pool_a_drop() -> None:
    assert "web.example.com" in from_outside(shop(gateway("web.example.com"), OPENED)).unknown[0]
    assert "is empty" in from_outside(shop(gateway(), OPENED)).dropped[0]


def test_an_unread_scale_set_in_a_pool_is_unknown() -> None:
    made = resource("x", "fleet", {"pools": [pool("lb/pool")]})
    fleet = type(made)(made.id, "azure.compute.virtualmachinescalesets", made.account, made.region, made.data)
    assert "fleet" in from_outside(shop(public_lb(lb_rule("web", 80, 8080)), OPENED, fleet)).unknown[0]


def test_a_pool_may_name_backends_by_configuration() -> None:
    pools = [{"name": "pool", "properties": {"backendIPConfigurations": [{"id": config_id("client")}]}}]
    trace = from_outside(shop(public_lb(lb_rule("web", 80, 8080), pools=pools), OPENED))
    assert "client: a Standard public address is closed" in trace.dropped[0]


def test_a_cross_region_load_balancer_is_unknown() -> None:
    across = public_lb(lb_rule("web", 80, 8080))
    across.data["sku"]["tier"] = "Global"
    assert "cross-region" in from_outside(shop(across, OPENED)).unknown[0]


def test_a_backend_without_an_address_of_the_family_gets_nothing() -> None:
    network = vnet("six", "fd00:1::/48", subnets=[subnet("front", "fd00:1::/64")])
    internal = load_balancer("lb", lb_rule("web", 80, 8080), private="fd00:1::200", place="six/front")
    trace = shop(internal, network, nic("c6", "six/front", "fd00:1::4")).send(tcp("fd00:1::4", "fd00:1::200", 80), nic_id("c6"))
    assert "no address of this family" in trace.dropped[0]


def test_an_application_gateway_listens_to_tcp() -> None:
    assert not from_outside(shop(gateway(WEB), OPENED), packet=udp(CLIENT, PUBLIC, 80)).deliveries


def test_an_application_gateways_pool_may_name_interfaces() -> None:
    made = gateway()
    made.data["properties"]["backendAddressPools"][0]["properties"]["backendIPConfigurations"] = [{"id": config_id("web")}, ref("lost")]
    trace = from_outside(shop(made, OPENED))
    assert [one.at for one in trace.deliveries] == [AGW, nic_id("web")]
    assert "lost" in trace.unknown[0]


def test_a_backend_on_the_internet_answers_through_the_application_gateway() -> None:
    trace = from_outside(shop(gateway("192.0.2.50")))
    assert [(one.at, one.arrives, one.reply) for one in trace.deliveries] == [
        (AGW, tcp(CLIENT, "10.0.3.4", 80), True),
        ("internet", tcp(PUBLIC, "192.0.2.50", 8080), True),
    ]
