"""Ways in from the internet: public addresses and machines; and what nobody looked at."""

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
from tests.checks.network.azure.front import OPEN, PIP, WEB, shop

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


def test_a_default_route_may_belong_to_the_tag_of_the_network():
    web = nic("web", "shop/front", "10.0.1.4", public="pip")
    table = route_table("rt", route("all", "0.0.0.0/0", "Internet"))
    assert answer(lowered(shop(nsg="g", table="rt"), nsg("g"), web, PIP, table), "internet", "web", 80) == "unknown"
    assert answer(lowered(shop(nsg="g"), nsg("g"), web, PIP), "internet", "web", 80) == "unreachable"


def test_ids_are_compared_without_regard_to_case_and_told_as_the_estate_has_them():
    import dataclasses

    held = [shop(nsg="open"), OPEN, PIP, nic("web", "shop/front", "10.0.1.4", public="pip")]
    graph = lowered(*(dataclasses.replace(one, id=one.id.lower()) for one in held))
    assert answer(graph, "internet", "web", 80) == "reachable"
    assert {one.network for one in graph.interfaces.values()} == {held[0].id.lower()}
    assert {one.subnet for one in graph.interfaces.values()} <= set(graph.networks)
