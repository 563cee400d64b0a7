"""Ways in from the internet: load balancers, their rules, pools and outbound rules."""

from tests.checks.network.azure.arm_world import (
    answer,
    arm,
    at,
    lowered,
    made,
    nic,
    nsg,
    public_ip,
    ref,
    rule,
    subnet,
    verdict,
    vnet,
    why,
)  # fmt: skip
from tests.checks.network.azure.front import FRONT, OPEN, PIP, POOL, balancer, balances, shop


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


def test_a_rule_for_a_frontend_that_is_not_there_is_unknown():
    lb = balancer(rules=[{**balances(80, 80), "frontendIPConfiguration": ref("loadBalancers/lb/frontendIPConfigurations/gone")}])
    web = nic("web", "shop/front", "10.0.1.4", pools=["lb/p"])
    assert answer(lowered(shop(nsg="open"), OPEN, PIP, web, lb), "internet", "web", 80) == "unknown"
