"""Where packets go: system routes, user-defined routes, peerings, gateways, private endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from checks.network.packet import Trace
from checks.network.simulate_azure import AzureSimulator
from tests.checks.network.simulate_azure.azure_world import (
    CLIENT,
    estate,
    gateway_id,
    nic,
    nic_id,
    nsg,
    peering,
    private_endpoint,
    resource,
    route_table,
    rule,
    service_tag,
    site_connection,
    subnet,
    tcp,
    udr,
    vnet,
    vnet_gateway,
)

WEB, APP, VAULT = "10.0.1.4", "10.0.2.4", "10.1.1.4"


def network(*routes: Any, peerings: Any = (), propagates: bool = True, **front: Any) -> list[Any]:
    """Network shop: `web` in subnet front with a route table, `app` in subnet back, and a gateway's subnet."""
    subnets = [
        subnet("front", "10.0.1.0/24", table="table", **front),
        subnet("back", "10.0.2.0/24"),
        subnet("GatewaySubnet", "10.0.9.0/27"),
    ]
    table = route_table("table", *routes, propagates=propagates)
    return [
        vnet("shop", "10.0.0.0/16", subnets=subnets, peerings=peerings),
        table,
        nic("web", "shop/front", WEB),
        nic("app", "shop/back", APP),
    ]


def bank(peerings: Any = (), **vault: Any) -> list[Any]:
    network = vnet("bank", "10.1.0.0/16", subnets=[subnet("vault", "10.1.1.0/24", **vault)], peerings=peerings)
    return [network, nic("vault", "bank/vault", VAULT)]


def sent(*parts: Any, to: str = APP, by: str = "web", source: str = WEB) -> Trace:
    return AzureSimulator(estate(*parts)).send(tcp(source, to, 443), nic_id(by))


def ends(trace: Trace) -> list[str]:
    assert not trace.unknown
    return [one.at for one in trace.deliveries]


def names(trace: Trace) -> list[str]:
    """The routes that the packet took."""
    return [name for hop in trace.deliveries[0].hops if hop.kind == "subnet" for name in hop.allowed_by]


def test_an_own_address_space_stays_inside() -> None:
    assert names(sent(*network())) == ["system/VnetLocal"]


def test_nobody_at_an_address_is_a_drop() -> None:
    assert sent(*network(), to="10.0.2.77").dropped == ("shop: nobody has 10.0.2.77",)


def test_an_address_that_an_unread_interface_may_have_is_unknown() -> None:
    fleet = resource("x", "fleet", {}).data["id"] + "/virtualMachines/0/networkInterfaces/n/ipConfigurations/c"
    parts = [
        vnet("shop", "10.0.0.0/16", subnets=[subnet("front", "10.0.1.0/24", ipConfigurations=[{"id": fleet}])]),
        nic("web", "shop/front", WEB),
    ]
    assert "fleet" in sent(*parts, to="10.0.1.9").unknown[0]


def test_private_addresses_elsewhere_lead_nowhere() -> None:
    assert sent(*network(), to="172.16.0.1").dropped == ("front: system/None leads nowhere",)


def test_a_default_route_takes_the_private_addresses_along() -> None:
    trace = sent(*network(udr("all", "0.0.0.0/0", "VirtualNetworkGateway")), vnet_gateway("vpn", "shop"), to="172.16.0.1")
    assert ends(trace) == [gateway_id("vpn")]


def test_the_longest_prefix_wins() -> None:
    routes = (udr("wide", "10.0.0.0/8", "None"), udr("narrow", "10.0.2.0/25", "None"), udr("host", "10.0.2.4/32", "VnetLocal"))
    assert names(sent(*network(*routes))) == ["table/host"]
    assert sent(*network(*routes[:2])).dropped == ("front: table/narrow leads nowhere",)
    assert names(sent(*network(*routes[:1]))) == ["system/VnetLocal"]


def test_a_user_defined_route_comes_before_a_system_route_of_the_same_prefix() -> None:
    assert sent(*network(udr("stop", "10.0.0.0/16", "None"))).dropped == ("front: table/stop leads nowhere",)


def test_a_route_by_service_tag_gives_way_to_the_same_prefix() -> None:
    routes = (udr("tag", "Storage", "None"), udr("prefix", "198.51.100.0/24", "Internet"))
    storage = service_tag("Storage", "198.51.100.0/24")
    assert ends(sent(*network(*routes), storage, to="198.51.100.9")) == ["internet"]
    assert not ends(sent(*network(routes[0]), storage, to="198.51.100.9"))
    assert "service tag Storage" in sent(*network(routes[0]), to="198.51.100.9").unknown[0]


def test_a_route_table_that_is_not_in_the_estate_is_unknown() -> None:
    parts = [one for one in network() if one.type != "azure.network.routetables"]
    assert "table is not in the estate" in sent(*parts).unknown[0]


def test_an_appliance_is_unknown() -> None:
    routed = network(udr("all", "10.0.2.0/24", "VirtualAppliance", "10.0.9.77"))
    trace = sent(*routed)
    assert not trace.deliveries
    assert "appliance 10.0.9.77" in trace.unknown[0]


def test_an_interface_that_does_not_forward_is_no_appliance() -> None:
    routed = network(udr("all", "0.0.0.0/0", "VirtualAppliance", "10.0.9.4"))
    assert "does not forward" in sent(*routed, nic("nva", "shop/back", "10.0.9.4"), to=CLIENT).dropped[0]
    assert "appliance nva" in sent(*routed, nic("nva", "shop/back", "10.0.9.4", forwards=True), to=CLIENT).unknown[0]


def test_an_interface_sends_only_as_itself_unless_it_forwards() -> None:
    assert "is not its address" in sent(*network(), source="10.0.1.99").dropped[0]
    assert ends(sent(*network(), nic("nva", "shop/front", "10.0.1.9", forwards=True), by="nva", source="10.0.1.99")) == [nic_id("app")]


def test_peers_reach_each_other_when_both_sides_are_connected() -> None:
    trace = sent(*network(peerings=[peering("bank")]), *bank([peering("shop")]), to=VAULT)
    assert ends(trace) == [nic_id("vault")]
    assert trace.deliveries[0].reply
    assert names(trace) == ["system/VNetPeering to-bank"]
    for state in ("Initiated", "Disconnected"):
        assert not ends(sent(*network(peerings=[peering("bank", state=state)]), *bank([peering("shop")]), to=VAULT))
        assert not ends(sent(*network(peerings=[peering("bank")]), *bank([peering("shop", state=state)]), to=VAULT))


def test_peering_is_not_transitive() -> None:
    middle = vnet("hub", "10.5.0.0/16", peerings=[peering("shop"), peering("bank")])
    assert not ends(sent(*network(peerings=[peering("hub")]), middle, *bank([peering("hub")]), to=VAULT))


def test_a_peer_that_is_not_in_the_estate_is_unknown() -> None:
    far = peering("bank", remoteAddressSpace={"addressPrefixes": ["10.1.0.0/16"]})
    assert "is not in the estate" in sent(*network(peerings=[far]), to=VAULT).unknown[0]


def test_a_peer_without_access_is_routed_to_all_the_same() -> None:
    trace = sent(*network(peerings=[peering("bank", access=False)]), *bank([peering("shop", access=False)]), to=VAULT)
    assert ends(trace) == [nic_id("vault")]


@pytest.mark.parametrize("forwarded", [True, False])
def test_what_a_network_only_forwards_must_be_taken(forwarded: bool) -> None:
    nva = nic("nva", "shop/back", "10.0.2.9", forwards=True)
    parts = [*network(peerings=[peering("bank")]), *bank([peering("shop", forwarded=forwarded)]), nva]
    assert ends(sent(*parts, to=VAULT, by="nva", source="10.7.0.1")) == ([nic_id("vault")] if forwarded else [])


def test_subnet_peering_joins_only_the_named_subnets() -> None:
    def parts(local: str, remote: str) -> list[Any]:
        near = peering("bank", peerCompleteVnets=False, localSubnetNames=[local], remoteSubnetNames=[remote])
        far = peering("shop", peerCompleteVnets=False, localSubnetNames=[remote], remoteSubnetNames=[local])
        return [*network(peerings=[near]), *bank([far])]

    assert ends(sent(*parts("front", "vault"), to=VAULT)) == [nic_id("vault")]
    assert not ends(sent(*parts("back", "vault"), to=VAULT))
    assert not ends(sent(*parts("front", "other"), to=VAULT))


def test_on_premises_lies_behind_the_gateway() -> None:
    site = site_connection("hq", "vpn", "192.168.0.0/16")
    parts = [*network(), vnet_gateway("vpn", "shop"), site]
    trace = sent(*parts, to="192.168.7.7")
    assert ends(trace) == [gateway_id("vpn")]
    assert trace.deliveries[0].reply
    back = AzureSimulator(estate(*parts)).send(tcp("192.168.7.7", WEB, 22), gateway_id("vpn"))
    assert ends(back) == [nic_id("web")]
    assert back.deliveries[0].reply


def test_a_table_without_propagation_has_no_way_back_to_on_premises() -> None:
    parts = [*network(propagates=False), vnet_gateway("vpn", "shop"), site_connection("hq", "vpn", "192.168.0.0/16")]
    assert not ends(sent(*parts, to="192.168.7.7"))
    one_way = AzureSimulator(estate(*parts)).send(tcp("192.168.7.7", WEB, 22), gateway_id("vpn"))
    assert [one.reply for one in one_way.deliveries] == [False]


def test_what_bgp_has_learned_is_unknown_for_private_addresses() -> None:
    parts = [*network(), vnet_gateway("er", "shop", "ExpressRoute")]
    assert "by BGP" in sent(*parts, to="192.168.7.7").unknown[0]
    assert ends(sent(*parts)) == [nic_id("app")]
    assert ends(sent(*parts, to=CLIENT)) == ["internet"]


def test_a_local_network_gateway_that_is_not_read_is_unknown() -> None:
    trace = sent(*network(), vnet_gateway("vpn", "shop"), site_connection("hq", "vpn"), to="192.168.7.7")
    assert "local network gateway" in trace.unknown[0]


def test_a_spoke_uses_the_hubs_gateway_only_where_both_sides_say_so() -> None:
    def reach(transit: bool, remote: bool) -> tuple[list[str], list[str]]:
        hub = network(peerings=[peering("bank", transit=transit)])
        parts = [
            *hub,
            *bank([peering("shop", remote_gateways=remote)]),
            vnet_gateway("vpn", "shop"),
            site_connection("hq", "vpn", "192.168.0.0/16"),
        ]
        out = sent(*parts, to="192.168.7.7", by="vault", source=VAULT)
        back = AzureSimulator(estate(*parts)).send(tcp("192.168.7.7", VAULT, 22), gateway_id("vpn"))
        return ends(out), ends(back)

    assert reach(transit=True, remote=True) == ([gateway_id("vpn")], [nic_id("vault")])
    assert reach(transit=True, remote=False) == ([], [])
    assert reach(transit=False, remote=True) == ([], [])


def test_what_a_virtual_hub_announces_is_unknown() -> None:
    shop = network()
    hub = resource("virtualHubs", "east", {"virtualNetworkConnections": [{"properties": {"remoteVirtualNetwork": {"id": shop[0].id}}}]})
    assert ends(sent(*shop, hub)) == [nic_id("app")]
    assert "virtual hub east" in sent(*shop, hub, to=CLIENT).unknown[0]


def endpoint(policy: str | None = None, status: str = "Approved", group: Any = (), **more: Any) -> list[Any]:
    given = {} if policy is None else {"privateEndpointNetworkPolicies": policy}
    network = bank([peering("shop")], nsg="guard" if group else "", **given)[0]
    card = nic("pe", "bank/vault", VAULT, endpoint="files")
    return [network, card, private_endpoint("files", "bank/vault", "pe", status, **more), *group]


def test_a_private_endpoint_is_reached_from_its_network_and_its_peers() -> None:
    trace = sent(*network(peerings=[peering("bank")]), *endpoint(), to=VAULT)
    assert ends(trace) == [nic_id("pe")]
    assert names(trace) == ["system/InterfaceEndpoint"]
    assert trace.deliveries[0].reply


def test_a_private_endpoint_ignores_groups_unless_its_subnet_says_otherwise() -> None:
    closed = [nsg("guard", rule("deny", 100, "Deny"))]
    shop = network(peerings=[peering("bank")])
    assert ends(sent(*shop, *endpoint(group=closed), to=VAULT))
    assert ends(sent(*shop, *endpoint("RouteTableEnabled", group=closed), to=VAULT))
    assert not ends(sent(*shop, *endpoint("NetworkSecurityGroupEnabled", group=closed), to=VAULT))
    assert not ends(sent(*shop, *endpoint("Enabled", group=closed), to=VAULT))


def test_a_private_endpoints_route_gives_way_only_as_its_subnet_says() -> None:
    def stopped(prefix: str, policy: str) -> bool:
        return not ends(sent(*network(udr("stop", prefix, "None"), peerings=[peering("bank")]), *endpoint(policy), to=VAULT))

    assert not stopped("10.1.1.0/24", "Disabled")
    assert stopped("10.1.1.0/24", "RouteTableEnabled")
    assert stopped("10.1.0.0/16", "Enabled")
    assert not stopped("0.0.0.0/0", "Enabled")
    assert stopped("10.1.1.4/32", "Disabled")


def test_an_unapproved_private_endpoint_takes_nothing() -> None:
    shop = network(peerings=[peering("bank")])
    assert not ends(sent(*shop, *endpoint(status="Pending"), to=VAULT))
    assert "files is not in the estate" in sent(*shop, *endpoint()[:2], to=VAULT).unknown[0]


def test_a_private_endpoint_opens_no_connections() -> None:
    assert not ends(sent(*endpoint(), to="10.1.1.5", by="pe", source=VAULT))


def test_what_lies_behind_an_own_private_link_service_is_unknown() -> None:
    service = resource("privateLinkServices", "till", {}).id
    trace = sent(*network(peerings=[peering("bank")]), *endpoint(service=service), to=VAULT)
    assert [one.at for one in trace.deliveries] == [nic_id("pe")]
    assert "private link service" in trace.unknown[0]


def test_the_network_itself_comes_before_more_specific_routes_of_a_gateway() -> None:
    parts = [*network(), vnet_gateway("vpn", "shop"), site_connection("hq", "vpn", "10.0.2.0/25")]
    assert ends(sent(*parts)) == [nic_id("app")]


def test_a_host_route_is_longer_than_anything_bgp_may_have_learned() -> None:
    parts = [*network(udr("host", "192.168.7.7/32", "None")), vnet_gateway("er", "shop", "ExpressRoute")]
    assert not ends(sent(*parts, to="192.168.7.7"))


def test_a_user_defined_route_does_not_lead_to_an_express_route_gateway() -> None:
    parts = [*network(udr("all", "0.0.0.0/0", "VirtualNetworkGateway")), vnet_gateway("er", "shop", "ExpressRoute")]
    assert "has no gateway" in sent(*parts, to=CLIENT).dropped[0]


@pytest.mark.parametrize(
    ("gateway", "connection"),
    [
        ({"enableBgp": True}, {}),
        ({}, {"enableBgp": True}),
        ({}, {"kind": "Vnet2Vnet", "virtualNetworkGateway2": {"id": "/other"}}),
        ({}, {"kind": "ExpressRoute"}),
    ],
)
def test_what_else_may_lie_behind_a_gateway_is_unknown(gateway: Any, connection: Any) -> None:
    parts = [*network(), vnet_gateway("vpn", "shop", **gateway), site_connection("hq", "vpn", "192.168.0.0/16", **connection)]
    assert sent(*parts, to="172.16.0.1").unknown


def test_point_to_site_clients_lie_behind_the_gateway() -> None:
    pool = {"vpnClientAddressPool": {"addressPrefixes": ["172.16.9.0/24"]}}
    assert ends(sent(*network(), vnet_gateway("vpn", "shop", vpnClientConfiguration=pool), to="172.16.9.7")) == [gateway_id("vpn")]


def test_transit_between_sites_is_unknown() -> None:
    parts = [*network(), vnet_gateway("vpn", "shop"), site_connection("hq", "vpn", "192.168.0.0/16")]
    trace = AzureSimulator(estate(*parts)).send(tcp("192.168.1.1", "192.168.2.2", 22), gateway_id("vpn"))
    assert "transit" in trace.unknown[0]


def test_on_premises_does_not_go_out_to_the_internet() -> None:
    trace = AzureSimulator(estate(*network(), vnet_gateway("vpn", "shop"))).send(tcp("192.168.1.1", CLIENT, 22), gateway_id("vpn"))
    assert "on-premises" in trace.dropped[0]


def test_a_peering_for_ipv6_carries_no_ipv4() -> None:
    only = {"enableOnlyIPv6Peering": True}
    assert not ends(sent(*network(peerings=[peering("bank", **only)]), *bank([peering("shop", **only)]), to=VAULT))


def test_a_service_endpoint_may_take_the_packet_past_a_user_defined_route() -> None:
    stop, storage = udr("stop", "0.0.0.0/0", "None"), service_tag("Storage", "198.51.100.0/24")
    service = {"serviceEndpoints": [{"service": "Microsoft.Storage"}]}
    assert "service endpoint" in sent(*network(stop, **service), storage, to="198.51.100.9").unknown[0]
    assert "service endpoint" in sent(*network(stop, **service), to="198.51.100.9").unknown[0]
    assert not ends(sent(*network(stop, **service), storage, to=CLIENT))
    assert ends(sent(*network(**service), to="198.51.100.9")) == ["internet"]


def test_an_appliance_takes_what_is_for_itself() -> None:
    routed = network(udr("all", "10.0.2.0/24", "VirtualAppliance", "10.0.2.9"))
    trace = sent(*routed, nic("nva", "shop/back", "10.0.2.9", forwards=True), to="10.0.2.9")
    assert ends(trace) == [nic_id("nva")]


def test_a_private_endpoint_answers_past_its_subnets_route_table() -> None:
    network_, *rest = endpoint("Enabled")
    network_.data["properties"]["subnets"][0]["properties"]["routeTable"] = {"id": route_table("stop").id}
    trace = sent(*network(peerings=[peering("bank")]), network_, *rest, route_table("stop", udr("all", "10.0.0.0/16", "None")), to=VAULT)
    assert [one.reply for one in trace.deliveries] == [True]


@pytest.mark.parametrize(
    ("configuration", "joins"),
    [
        ({"connectivityTopology": "Mesh"}, True),
        ({"connectivityTopology": "HubAndSpoke", "appliesToGroups": [{"groupConnectivity": "DirectlyConnected"}]}, True),
        ({"connectivityTopology": "HubAndSpoke", "appliesToGroups": [{"groupConnectivity": "None"}]}, False),
    ],
)
def test_a_connected_group_may_join_networks_without_peerings(configuration: Any, joins: bool) -> None:
    manager = resource("networkManagers/connectivityConfigurations", "central/mesh", configuration)
    trace = sent(*network(), *bank(), manager, to=VAULT)
    assert not trace.deliveries
    assert bool(trace.unknown) == joins
