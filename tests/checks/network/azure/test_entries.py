"""Ways in from the internet: public addresses, load balancers, application gateways; and what nobody looked at."""

import pytest

from checks.model import Look
from tests.checks.network.azure.arm_world import (
    REGION,
    SUBSCRIPTION,
    answer,
    arm,
    at,
    estate,
    lowered,
    made,
    nic,
    nsg,
    public_ip,
    ref,
    route,
    route_table,
    rule,
    subnet,
    verdict,
    vnet,
    why,
)  # fmt: skip

OPEN = nsg("open", rule("all", 100))
PIP = public_ip("pip", "20.1.1.1")


def shop(**front):
    return vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", **front), subnet("back", "10.0.2.0/24"))


# -- public addresses -------------------------------------------------------------------------------------------------


def test_without_a_public_address_the_internet_does_not_get_in():
    assert answer(lowered(shop(), nic("web", "shop/front", "10.0.1.4")), "internet", "web", 80) == "unreachable"


def test_a_standard_address_is_closed_without_a_security_group_and_a_basic_one_open():
    web = nic("web", "shop/front", "10.0.1.4", public="pip")
    assert answer(lowered(shop(), web, PIP), "internet", "web", 80) == "unreachable"
    assert answer(lowered(shop(), web, public_ip("pip", "20.1.1.1", sku="Basic")), "internet", "web", 80) == "reachable"
    assert answer(lowered(shop(nsg="open"), OPEN, web, PIP), "internet", "web", 80) == "reachable"


def test_answers_come_back_to_a_closed_standard_address():
    graph = lowered(shop(), nic("web", "shop/front", "10.0.1.4", public="pip"), PIP)
    assert answer(graph, "web", "internet", 443) == "reachable"


def test_an_address_without_a_sku_is_unknown():
    bare = made("publicIPAddresses/pip", {"ipAddress": "20.1.1.1"})
    assert answer(lowered(shop(), nic("web", "shop/front", "10.0.1.4", public="pip"), bare), "internet", "web", 80) == "unknown"


def test_a_public_address_that_is_not_there_or_shows_none_is_unknown():
    web = nic("web", "shop/front", "10.0.1.4", public="pip")
    assert answer(lowered(shop(nsg="open"), OPEN, web), "internet", "web", 80) == "unknown"
    assert answer(lowered(shop(nsg="open"), OPEN, web, public_ip("pip", None)), "internet", "web", 80) == "unknown"


def test_the_packet_that_gets_in_is_sent_to_the_public_address():
    graph = lowered(shop(nsg="open"), OPEN, nic("web", "shop/front", "10.0.1.4", public="pip"), PIP)
    seen = verdict(graph, "internet", "web", 80).witness
    assert "-> 20.1.1.1:80" in str(seen.sent)
    assert "-> 10.0.1.4:80" in str(seen.arrives)


def test_public_ipv6():
    net = vnet("shop", ["10.0.0.0/16", "fd00:1::/48"], subnet("front", "10.0.1.0/24", "fd00:1:0:1::/64", nsg="open"))
    web = nic("web6", "shop/front", "fd00:1:0:1::4", public="pip6")
    assert answer(lowered(net, OPEN, web, public_ip("pip6", "2603:1020::7")), "internet", "web6", 80) == "reachable"
    assert answer(lowered(net, OPEN, nic("web6", "shop/front", "fd00:1:0:1::4")), "internet", "web6", 80) == "unreachable"


# -- load balancers ---------------------------------------------------------------------------------------------------


def balancer(*, rules=(), nat=(), pools=("p",), public="pip", private=None, sku="Standard", outbound=(), addresses=()):
    front = (
        {"publicIPAddress": ref(f"publicIPAddresses/{public}")} if not private else {"privateIPAddress": private, "subnet": at("shop/back")}
    )
    path = "loadBalancers/lb"

    def part(kind, name, properties):
        return {"id": arm(f"{path}/{kind}/{name}"), "name": name, "properties": properties}

    return made(path, {
        "frontendIPConfigurations": [part("frontendIPConfigurations", "f", front)],
        "backendAddressPools": [part("backendAddressPools", one, {"loadBalancerBackendAddresses": list(addresses)}) for one in pools],
        "loadBalancingRules": [part("loadBalancingRules", f"r{number}", one) for number, one in enumerate(rules)],
        "inboundNatRules": [part("inboundNatRules", f"n{number}", one) for number, one in enumerate(nat)],
        "outboundRules": [part("outboundRules", f"o{number}", one) for number, one in enumerate(outbound)],
    }, sku={"name": sku, "tier": "Regional"})  # fmt: skip


FRONT = ref("loadBalancers/lb/frontendIPConfigurations/f")
POOL = ref("loadBalancers/lb/backendAddressPools/p")


def balances(port, to, protocol="Tcp", **more):
    return {
        "frontendIPConfiguration": FRONT,
        "backendAddressPool": POOL,
        "protocol": protocol,
        "frontendPort": port,
        "backendPort": to,
        **more,
    }


def test_a_load_balancer_leads_to_its_pool_on_another_port():
    graph = lowered(
        shop(nsg="open"), OPEN, PIP, nic("web", "shop/front", "10.0.1.4", pools=["lb/p"]), balancer(rules=[balances(443, 8443)])
    )
    assert answer(graph, "internet", "web", 8443) == "reachable"
    assert answer(graph, "internet", "web", 443) == "unreachable"
    assert any(hop.kind == "load-balancer" for hop in verdict(graph, "internet", "web", 8443).hops)


def test_security_groups_see_the_client_and_the_machines_port():
    web, lb = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"]), balancer(rules=[balances(443, 8443)])

    def world(**members):
        return lowered(shop(nsg="g"), nsg("g", rule("in", 100, **members)), PIP, web, lb)

    assert answer(world(source="198.51.100.0/24", ports="8443"), "internet:198.51.100.7", "web", 8443) == "reachable"
    assert answer(world(source="198.51.100.0/24", ports="8443"), "internet:203.0.113.7", "web", 8443) == "unreachable"
    assert answer(world(ports="443"), "internet", "web", 8443) == "unreachable"


def test_a_standard_load_balancer_needs_a_security_group_and_a_basic_one_does_not():
    web = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    assert answer(lowered(shop(), PIP, web, balancer(rules=[balances(80, 80)])), "internet", "web", 80) == "unreachable"
    basic = public_ip("pip", "20.1.1.1", sku="Basic"), balancer(rules=[balances(80, 80)], sku="Basic")
    assert answer(lowered(shop(), web, *basic), "internet", "web", 80) == "reachable"


def test_an_internal_load_balancer_is_open_to_the_network_alone():
    inner = balancer(rules=[balances(80, 8080)], private="10.0.2.100")
    graph = lowered(shop(), nic("web", "shop/front", "10.0.1.4", pools=["lb/p"]), nic("c", "shop/back", "10.0.2.4"), inner)
    assert answer(graph, "internet", "web", 8080) == "unreachable"
    assert answer(graph, "c", "web", 8080) == "reachable"


def test_ha_ports_carry_every_port():
    inner = balancer(rules=[balances(0, 0, "All")], private="10.0.2.100")
    deny = nsg("g", rule("lb", 100, out=True, destination="10.0.2.100"), rule("no", 200, "Deny", out=True))
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24"), subnet("back", "10.0.2.0/24", nsg="g"))
    backend = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    assert answer(lowered(net, deny, backend, nic("c", "shop/back", "10.0.2.4"), inner), "c", "web", 12345) == "reachable"
    assert answer(lowered(net, deny, backend, nic("c", "shop/back", "10.0.2.4")), "c", "web", 12345) == "unknown"


def test_an_inbound_nat_rule_leads_to_one_machine():
    rule_ = {"frontendIPConfiguration": FRONT, "protocol": "Tcp", "frontendPort": 50001, "backendPort": 22,
             "backendIPConfiguration": ref("networkInterfaces/web/ipConfigurations/ip0")}  # fmt: skip
    graph = lowered(
        shop(nsg="open"), OPEN, PIP, nic("web", "shop/front", "10.0.1.4"), nic("two", "shop/front", "10.0.1.5"), balancer(nat=[rule_])
    )
    assert answer(graph, "internet", "web", 22) == "reachable"
    assert answer(graph, "internet", "two", 22) == "unreachable"


def test_a_nat_rule_for_a_pool_tells_by_its_mapping_which_port_is_whose():
    rule_ = {"frontendIPConfiguration": FRONT, "protocol": "Tcp", "frontendPortRangeStart": 500, "frontendPortRangeEnd": 510, "backendPort": 22,
             "backendAddressPool": POOL}  # fmt: skip
    web = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    unmapped = lowered(shop(nsg="open"), OPEN, PIP, web, balancer(nat=[rule_]))
    assert answer(unmapped, "internet", "web", 22) == "unknown"
    mapped = {"name": "a", "properties": {"ipAddress": "10.0.1.4", "virtualNetwork": ref("virtualNetworks/shop"), "inboundNatRulesPortMapping": [
        {"inboundNatRuleName": "n0", "frontendPort": 500, "backendPort": 22}]}}  # fmt: skip
    assert (
        answer(lowered(shop(nsg="open"), OPEN, PIP, web, balancer(nat=[rule_], addresses=[mapped])), "internet", "web", 22) == "reachable"
    )


def test_a_pool_of_addresses():
    member = {"name": "a", "properties": {"ipAddress": "10.0.1.4", "virtualNetwork": ref("virtualNetworks/shop")}}
    graph = lowered(
        shop(nsg="open"), OPEN, PIP, nic("web", "shop/front", "10.0.1.4"), balancer(rules=[balances(80, 80)], addresses=[member])
    )
    assert answer(graph, "internet", "web", 80) == "reachable"


def test_a_load_balancer_that_is_not_there_is_unknown():
    graph = lowered(shop(nsg="open"), OPEN, nic("web", "shop/front", "10.0.1.4", pools=["lb/p"]))
    assert answer(graph, "internet", "web", 80) == "unknown"
    assert "loadbalancers/lb is not in the estate" in why(graph, "internet", "web", 80)


def test_a_malformed_load_balancing_rule_is_unknown():
    web = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    graph = lowered(shop(nsg="open"), OPEN, PIP, web, balancer(rules=[balances(None, 80)]))
    assert answer(graph, "internet", "web", 80) == "unknown"


def test_outbound_rules_let_out():
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", defaultOutboundAccess=False), subnet("back", "10.0.2.0/24"))
    web = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    out = [{"frontendIPConfigurations": [FRONT], "backendAddressPool": POOL, "protocol": "All"}]
    assert answer(lowered(net, PIP, web, balancer(outbound=out)), "web", "internet", 443) == "reachable"
    assert answer(lowered(net, PIP, web, balancer()), "web", "internet", 443) == "unreachable"


def test_a_scale_set_behind_a_load_balancer():
    card = {
        "name": "c",
        "properties": {
            "ipConfigurations": [{"name": "i", "properties": {"subnet": at("shop/front"), "loadBalancerBackendAddressPools": [POOL]}}]
        },
    }
    profile = {"networkProfile": {"networkInterfaceConfigurations": [card]}}
    fleet = made("virtualMachineScaleSets/fleet", {"virtualMachineProfile": profile}, "Microsoft.Compute", sku={"capacity": 2})
    graph = lowered(shop(nsg="open"), OPEN, PIP, fleet, balancer(rules=[balances(80, 80)]), nic("c", "shop/back", "10.0.2.4"))
    assert answer(graph, "internet", "fleet", 80) == "reachable"
    assert answer(graph, "internet", "fleet", 81) == "unreachable"
    assert answer(graph, "c", "fleet", 81) == "unknown"


# -- application gateways ---------------------------------------------------------------------------------------------


def application(*, backend, port=8080, listener=443, private=None):
    path = "applicationGateways/ag"

    def part(kind, name, properties):
        return {"id": arm(f"{path}/{kind}/{name}"), "name": name, "properties": properties}

    front = {"publicIPAddress": ref("publicIPAddresses/agip")} if not private else {"privateIPAddress": private, "subnet": at("shop/ag")}
    return made(path, {
        "gatewayIPConfigurations": [part("gatewayIPConfigurations", "g", {"subnet": at("shop/ag")})],
        "frontendIPConfigurations": [part("frontendIPConfigurations", "f", front)],
        "frontendPorts": [part("frontendPorts", "p", {"port": listener})],
        "backendAddressPools": [part("backendAddressPools", "b", {"backendAddresses": [backend]})],
        "backendHttpSettingsCollection": [part("backendHttpSettingsCollection", "s", {"port": port, "protocol": "Http"})],
        "httpListeners": [part("httpListeners", "l", {
            "frontendIPConfiguration": ref(f"{path}/frontendIPConfigurations/f"), "frontendPort": ref(f"{path}/frontendPorts/p"), "protocol": "Https",
        })],
        "requestRoutingRules": [part("requestRoutingRules", "r", {
            "ruleType": "Basic", "httpListener": ref(f"{path}/httpListeners/l"), "backendAddressPool": ref(f"{path}/backendAddressPools/b"),
            "backendHttpSettings": ref(f"{path}/backendHttpSettingsCollection/s"),
        })],
    })  # fmt: skip


AGIP = public_ip("agip", "20.3.3.3")


def with_gateway(nsg_of_back="", nsg_of_gateway=""):
    return vnet(
        "shop", "10.0.0.0/16", subnet("ag", "10.0.0.0/24", nsg=nsg_of_gateway), subnet("front", "10.0.1.0/24", nsg=nsg_of_back),
        subnet("back", "10.0.2.0/24"),
    )  # fmt: skip


WEB = nic("web", "shop/front", "10.0.1.4")


def test_an_application_gateway_is_reached_at_its_listeners_and_leads_on():
    graph = lowered(with_gateway(), AGIP, WEB, application(backend={"ipAddress": "10.0.1.4"}))
    assert answer(graph, "internet", "ag", 443) == "reachable"
    assert answer(graph, "internet", "ag", 80) == "unreachable"
    assert answer(graph, "internet", "web", 8080) == "reachable"
    assert answer(graph, "internet", "web", 443) == "unreachable"


def test_backends_see_the_gateways_subnet():
    def world(source):
        return lowered(
            with_gateway("g"), nsg("g", rule("ag", 100, source=source), rule("no", 200, "Deny")), AGIP, WEB,
            application(backend={"ipAddress": "10.0.1.4"}),
        )  # fmt: skip

    assert answer(world("10.0.0.0/24"), "internet", "web", 8080) == "reachable"
    assert answer(world("Internet"), "internet", "web", 8080) == "unreachable"


def test_the_group_of_the_gateways_subnet_decides_who_comes_to_it():
    def world(source):
        return lowered(
            with_gateway("", "g"), nsg("g", rule("in", 100, source=source)), AGIP, WEB, application(backend={"ipAddress": "10.0.1.4"})
        )  # fmt: skip

    assert answer(world("198.51.100.0/24"), "internet:198.51.100.7", "web", 8080) == "reachable"
    assert answer(world("198.51.100.0/24"), "internet:203.0.113.7", "web", 8080) == "unreachable"


def test_a_backend_by_name_is_unknown():
    graph = lowered(with_gateway(), AGIP, WEB, application(backend={"fqdn": "shop.example"}))
    assert answer(graph, "internet", "web", 8080) == "unknown"
    assert "shop.example" in why(graph, "internet", "web", 8080)


def test_a_private_listener_is_for_the_network():
    inner = application(backend={"ipAddress": "10.0.1.4"}, private="10.0.0.50")
    graph = lowered(with_gateway(), WEB, nic("c", "shop/back", "10.0.2.4"), inner)
    assert answer(graph, "internet", "web", 8080) == "unreachable"
    assert answer(graph, "c", "ag", 443) == "reachable"


def test_a_gateway_whose_address_is_not_there_is_unknown():
    assert answer(lowered(with_gateway(), WEB, application(backend={"ipAddress": "10.0.1.4"})), "internet", "ag", 443) == "unknown"


# -- what nobody looked at, and what is not modelled ------------------------------------------------------------------


def test_where_nobody_looked_for_ways_in_there_may_be_some():
    graph = lowered(shop(), WEB, asserted=None)
    assert answer(graph, "internet", "web", 80) == "unknown"
    assert "load balancers: " in why(graph, "internet", "web", 80)


def test_a_group_that_denies_everything_proves_it_all_the_same():
    closed = nsg("g", rule("no", 100, "Deny"))
    assert answer(lowered(shop(nsg="g"), closed, WEB, asserted=None), "internet", "web", 80) == "unreachable"


def test_looks_that_show_none_are_as_good_as_an_assertion():
    from checks.network.azure import lower
    from checks.network.azure.admin import MANAGER
    from checks.network.azure.doors import DOORS
    from checks.network.graph import Graph

    held = estate(shop(), WEB, asserted=None)
    types = [*(one.type for one in DOORS), MANAGER, "azure.network.networkinterfaces", "azure.compute.virtualmachinescalesets",
             "azure.network.privateendpoints"]  # fmt: skip
    looks = tuple(Look(one, SUBSCRIPTION, REGION, one, "list", None, 1, 0, "2026-01-01T00:00:00Z", None, "") for one in types)
    graph = Graph()
    lower(type(held)(held.manifest, held.resources, looks, ()), graph)
    assert answer(graph, "internet", "web", 80) == "unreachable"


def test_a_bastion_host_is_unknown():
    bastion = made("bastionHosts/b", {"ipConfigurations": [{"name": "i", "properties": {"subnet": at("shop/back")}}]})
    assert answer(lowered(shop(), WEB, bastion), "internet", "web", 22) == "unknown"
    assert answer(lowered(shop(), WEB), "internet", "web", 22) == "unreachable"


@pytest.mark.parametrize("path", ["Microsoft.ApiManagement/service/api", "Microsoft.Quantum/coolers/c"])
def test_something_that_is_not_modelled_in_a_subnet_is_unknown(path):
    provider, _, rest = path.partition("/")
    thing = made(rest, {"virtualNetworkConfiguration": {"subnetResourceId": arm("virtualNetworks/shop/subnets/back")}}, provider)
    graph = lowered(shop(), WEB, thing)
    assert answer(graph, "internet", "web", 80) == "unknown"
    assert answer(graph, "internet", rest.split("/")[-1], 80) == "unknown"


def test_app_service_integration_sends_and_lets_nothing_in():
    site = made("sites/app", {"virtualNetworkSubnetId": arm("virtualNetworks/shop/subnets/back")}, "Microsoft.Web")
    graph = lowered(shop(), WEB, site)
    assert answer(graph, "internet", "web", 80) == "unreachable"
    assert answer(graph, "app", "web", 80) == "reachable"
    assert answer(graph, "web", "app", 80) == "unreachable"


def test_what_a_subnet_names_and_nobody_read_is_unknown():
    net = shop(ipConfigurations=[ref("networkInterfaces/hidden/ipConfigurations/i")])
    graph = lowered(net, WEB)
    assert answer(graph, "internet", "hidden", 80) == "unknown"


@pytest.mark.parametrize("broken", [
    made("networkInterfaces/odd", {"ipConfigurations": [{"name": "i", "properties": {"subnet": at("shop/front"), "privateIPAddress": "10.0.0.999"}}]}),
    made("networkInterfaces/odd", {"ipConfigurations": [{"name": "i", "properties": {"subnet": at("gone/front"), "privateIPAddress": "10.0.1.9"}}]}),
    made("networkInterfaces/odd", {"ipConfigurations": []}),
    made("networkInterfaces/odd", None),
])  # fmt: skip
def test_an_interface_without_an_address_in_a_subnet_is_unknown(broken):
    assert answer(lowered(shop(), WEB, broken), "web", "odd", 80) == "unknown"


def test_a_network_without_a_space_is_unknown():
    graph = lowered(vnet("shop", ["10.0.0.0/99"], subnet("front", "10.0.1.0/24")), WEB)
    assert any("10.0.0.0/99" in one for one in graph.doubts)


def test_the_order_of_an_estate_makes_no_difference():
    many = [
        shop(nsg="open"),
        OPEN,
        PIP,
        nic("web", "shop/front", "10.0.1.4", public="pip"),
        nic("b", "shop/back", "10.0.2.4"),
        route_table("x", route("a", "0.0.0.0/0", "None")),
    ]
    assert lowered(*many).stations == lowered(*many[::-1]).stations


def test_an_interface_outside_its_subnets_addresses_is_unknown():
    graph = lowered(shop(), WEB, nic("odd", "shop/front", "10.0.77.4"))
    assert answer(graph, "web", "odd", 80) == "unknown"


def test_where_the_space_of_a_network_is_malformed_its_routes_are_unknown():
    net = vnet("shop", ["10.0.0.0/99"], subnet("front", "10.0.1.0/24"), subnet("back", "10.0.2.0/24"))
    assert answer(lowered(net, WEB, nic("db", "shop/back", "10.0.2.4")), "web", "db", 80) == "unknown"


# -- machines ---------------------------------------------------------------------------------------------------------


def test_a_machine_is_named_for_its_interface_and_its_tags_count():
    machine = made("virtualMachines/vm", {"networkProfile": {"networkInterfaces": [ref("networkInterfaces/web")]}}, "Microsoft.Compute",
                   tags={"tier": "web"})  # fmt: skip
    graph = lowered(shop(), WEB, machine, nic("db", "shop/back", "10.0.2.4"))
    assert answer(graph, "db", "vm", 80) == "reachable"
    assert answer(graph, "db", "tag:tier=web", 80) == "reachable"


def test_the_interfaces_of_a_scale_sets_machines():
    vm = "virtualMachineScaleSets/fleet/virtualMachines/0"
    card = made(f"{vm}/networkInterfaces/c", {"virtualMachine": ref(vm, "Microsoft.Compute"), "ipConfigurations": [
        {"name": "i", "properties": {"privateIPAddress": "10.0.1.7", "subnet": at("shop/front")}}]}, "Microsoft.Compute")  # fmt: skip
    fleet = made("virtualMachineScaleSets/fleet", {"virtualMachineProfile": {}}, "Microsoft.Compute", sku={"capacity": 1})
    graph = lowered(shop(), WEB, fleet, card)
    assert answer(graph, "web", "fleet", 80) == "reachable"


def test_a_nat_pool_leads_to_some_machine_of_its_scale_set():
    pool = ref("loadBalancers/lb/inboundNatPools/np")
    inner = {"subnet": at("shop/front"), "loadBalancerInboundNatPools": [pool]}
    card = {"name": "c", "properties": {"ipConfigurations": [{"name": "i", "properties": inner}]}}
    profile = {"networkProfile": {"networkInterfaceConfigurations": [card]}}
    fleet = made("virtualMachineScaleSets/fleet", {"virtualMachineProfile": profile}, "Microsoft.Compute", sku={"capacity": 2})
    lb = balancer()
    lb.data["properties"]["inboundNatPools"] = [{**pool, "name": "np", "properties": {
        "frontendIPConfiguration": FRONT, "protocol": "Tcp", "frontendPortRangeStart": 50000, "frontendPortRangeEnd": 50010, "backendPort": 22}}]  # fmt: skip
    graph = lowered(shop(nsg="open"), OPEN, PIP, fleet, lb)
    assert answer(graph, "internet", "fleet", 22) == "unknown"
    assert answer(graph, "internet", "fleet", 80) == "unreachable"


def test_a_global_load_balancer_leads_to_regional_ones():
    front = {
        "id": arm("loadBalancers/world/frontendIPConfigurations/f"),
        "name": "f",
        "properties": {"publicIPAddress": ref("publicIPAddresses/anycast")},
    }
    pool = {"id": arm("loadBalancers/world/backendAddressPools/p"), "name": "p", "properties": {"loadBalancerBackendAddresses": [
        {"name": "r", "properties": {"loadBalancerFrontendIPConfiguration": FRONT}}]}}  # fmt: skip
    to = {
        "frontendIPConfiguration": {"id": front["id"]},
        "backendAddressPool": {"id": pool["id"]},
        "protocol": "Tcp",
        "frontendPort": 80,
        "backendPort": 80,
    }
    top = made("loadBalancers/world", {"frontendIPConfigurations": [front], "backendAddressPools": [pool], "loadBalancingRules": [{"name": "g", "properties": to}]},
               sku={"name": "Standard", "tier": "Global"})  # fmt: skip
    web = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    regional = balancer(rules=[balances(80, 8080)])
    world = [shop(nsg="open"), OPEN, web, regional, public_ip("pip", None)]
    assert answer(lowered(*world), "internet", "web", 8080) == "unknown"
    assert answer(lowered(*world, top, public_ip("anycast", "20.8.8.8")), "internet", "web", 8080) == "reachable"


def test_a_default_route_may_belong_to_the_tag_of_the_network():
    web = nic("web", "shop/front", "10.0.1.4", public="pip")
    table = route_table("rt", route("all", "0.0.0.0/0", "Internet"))
    assert answer(lowered(shop(nsg="g", table="rt"), nsg("g"), web, PIP, table), "internet", "web", 80) == "unknown"
    assert answer(lowered(shop(nsg="g"), nsg("g"), web, PIP), "internet", "web", 80) == "unreachable"


def test_a_rule_for_a_frontend_that_is_not_there_is_unknown():
    lb = balancer(rules=[{**balances(80, 80), "frontendIPConfiguration": ref("loadBalancers/lb/frontendIPConfigurations/gone")}])
    web = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    assert answer(lowered(shop(nsg="open"), OPEN, PIP, web, lb), "internet", "web", 80) == "unknown"


def test_ids_are_compared_without_regard_to_case_and_told_as_the_estate_has_them():
    import dataclasses

    held = [shop(nsg="open"), OPEN, PIP, nic("web", "shop/front", "10.0.1.4", public="pip")]
    graph = lowered(*(dataclasses.replace(one, id=one.id.lower()) for one in held))
    assert answer(graph, "internet", "web", 80) == "reachable"
    assert {one.network for one in graph.interfaces.values()} == {held[0].id.lower()}
    assert {one.subnet for one in graph.interfaces.values()} <= set(graph.networks)
