"""Peerings: who they connect, who not, and what gateways add."""

import pytest

from tests.checks.network.azure.arm_world import answer, arm, lowered, made, nic, nsg, peering, ref, rule, subnet, vnet, why

A, B, C = nic("a", "one/s", "10.1.1.4"), nic("b", "two/s", "10.2.1.4"), nic("c", "three/s", "10.3.1.4")


def one(*peerings, **more):
    return vnet("one", "10.1.0.0/16", subnet("s", "10.1.1.0/24", **more), peerings=peerings)


def two(*peerings, **more):
    return vnet("two", "10.2.0.0/16", subnet("s", "10.2.1.0/24", **more), subnet("t", "10.2.2.0/24"), peerings=peerings)


def three(*peerings):
    return vnet("three", "10.3.0.0/16", subnet("s", "10.3.1.0/24"), peerings=peerings)


def test_networks_that_are_not_peered_are_apart():
    assert answer(lowered(one(), two(), A, B), "a", "b", 80) == "unreachable"


def test_a_peering_connects_both_ways():
    graph = lowered(one(peering("two")), two(peering("one")), A, B)
    assert answer(graph, "a", "b", 80) == "reachable"
    assert answer(graph, "b", "a", 80) == "reachable"


def test_a_peering_is_not_transitive():
    graph = lowered(one(peering("two")), two(peering("one"), peering("three")), three(peering("two")), A, B, C)
    assert answer(graph, "a", "c", 80) == "unreachable"


@pytest.mark.parametrize("state", ["Initiated", "Disconnected"])
def test_both_sides_must_be_connected(state):
    assert answer(lowered(one(peering("two", state=state)), two(peering("one", state=state)), A, B), "a", "b", 80) == "unreachable"


def test_a_peering_that_the_other_side_does_not_have_is_unknown():
    assert answer(lowered(one(peering("two")), two(), A, B), "a", "b", 80) != "reachable"


def test_a_state_that_nobody_knows_is_unknown():
    assert answer(lowered(one(peering("two", state="Wobbly")), two(peering("one")), A, B), "a", "b", 80) == "unknown"


def test_without_access_the_peer_is_not_in_the_tag_and_may_still_get_through():
    closed = [one(peering("two", access=False)), two(peering("one", access=False), nsg="g"), A, B]
    assert answer(lowered(*closed, nsg("g")), "a", "b", 80) == "unreachable"
    assert answer(lowered(*closed, nsg("g", rule("a", 100, source="10.1.0.0/16"))), "a", "b", 80) == "unknown"


def test_the_tag_holds_peers():
    graph = lowered(one(peering("two")), two(peering("one"), nsg="g"), A, B, nsg("g", rule("no", 100, "Deny", source="VirtualNetwork")))
    assert answer(graph, "a", "b", 80) == "unreachable"


def test_a_peering_of_subnets_connects_those_alone():
    here = peering("two", peerCompleteVnets=False, localSubnetNames=["s"], remoteSubnetNames=["s"])
    there = peering("one", peerCompleteVnets=False, localSubnetNames=["s"], remoteSubnetNames=["s"])
    graph = lowered(one(here), two(there), A, B, nic("t", "two/t", "10.2.2.4"))
    assert answer(graph, "a", "b", 80) == "reachable"
    assert answer(graph, "a", "t", 80) == "unreachable"


def test_a_peer_that_is_not_in_the_estate_is_unknown():
    graph = lowered(one(peering("gone", remoteAddressSpace={"addressPrefixes": ["10.9.0.0/16"]})), A)
    gone = arm("virtualNetworks/gone")
    assert answer(graph, "a", gone, 80) == "unknown"
    assert answer(graph, gone, "a", 80) == "unknown"
    assert answer(graph, "internet", "a", 80) == "unknown"
    assert "virtualNetworks/gone is not in the estate" in why(graph, "internet", "a", 80)


def test_a_group_that_denies_the_unread_peer_shuts_it_out():
    closed = one(peering("gone", remoteAddressSpace={"addressPrefixes": ["10.9.0.0/16"]}), nsg="g")
    graph = lowered(closed, A, nsg("g", rule("no", 100, "Deny", source="10.9.0.0/16")))
    assert answer(graph, "internet", "a", 80) == "unreachable"


def test_networks_that_peer_in_a_circle():
    graph = lowered(
        one(peering("two"), peering("three")), two(peering("one"), peering("three")), three(peering("one"), peering("two")), A, B, C
    )
    assert answer(graph, "a", "c", 80) == "reachable"


def test_peers_with_the_same_addresses_are_unknown():
    other = vnet("two", "10.1.0.0/16", subnet("s", "10.1.1.0/24"), peerings=[peering("one")])
    graph = lowered(one(peering("two")), other, A, nic("b", "two/s", "10.1.1.9"))
    assert answer(graph, "b", "a", 80) != "reachable"


# -- gateways ---------------------------------------------------------------------------------------------------------

GATEWAY = made("virtualNetworkGateways/vpn", {
    "gatewayType": "Vpn", "ipConfigurations": [{"name": "d", "properties": {"subnet": ref("virtualNetworks/hub/subnets/GatewaySubnet")}}],
})  # fmt: skip


def hub(*peerings, **more):
    return vnet("hub", "10.8.0.0/16", subnet("GatewaySubnet", "10.8.0.0/27", **more), subnet("s", "10.8.1.0/24"), peerings=peerings)


def site(bgp=False):
    properties = {
        "connectionType": "IPsec", "enableBgp": bgp, "virtualNetworkGateway1": ref("virtualNetworkGateways/vpn"),
        "localNetworkGateway2": ref("localNetworkGateways/office"),
    }  # fmt: skip
    return made("connections/office", properties)


OFFICE = made("localNetworkGateways/office", {"localNetworkAddressSpace": {"addressPrefixes": ["192.168.7.0/24"]}})
IN_HUB = nic("h", "hub/s", "10.8.1.4")


def test_on_premises_networks_come_and_go_by_a_gateway():
    graph = lowered(hub(), GATEWAY, site(), OFFICE, IN_HUB)
    assert answer(graph, "192.168.7.9", "h", 22) == "reachable"
    assert answer(graph, "h", "vpn", 22) == "reachable"
    assert answer(graph, "h", "192.168.7.9", 22) == "reachable"


def test_the_tag_holds_what_lies_behind_a_gateway():
    closed = vnet("hub", "10.8.0.0/16", subnet("GatewaySubnet", "10.8.0.0/27"), subnet("s", "10.8.1.0/24", nsg="g"))
    graph = lowered(closed, GATEWAY, site(), OFFICE, IN_HUB, nsg("g", rule("no", 100, "Deny", source="VirtualNetwork")))
    assert answer(graph, "vpn", "h", 22) == "unreachable"


def test_a_connection_with_bgp_may_lead_anywhere_private():
    graph = lowered(hub(), GATEWAY, site(bgp=True), OFFICE, IN_HUB)
    assert answer(graph, "172.16.5.5", "h", 22) == "unknown"
    assert answer(graph, "192.168.7.9", "h", 22) == "reachable"


def test_a_local_network_gateway_that_is_not_there_is_unknown():
    assert answer(lowered(hub(), GATEWAY, site(), IN_HUB), "vpn", "h", 22) == "unknown"


def test_a_spoke_uses_the_hubs_gateway_if_both_sides_say_so():
    def world(uses):
        spoke = one(peering("hub", uses=uses))
        return lowered(hub(peering("one", transit=True)), spoke, GATEWAY, site(), OFFICE, A)

    assert answer(world(uses=True), "192.168.7.9", "a", 22) == "reachable"
    assert answer(world(uses=True), "a", "192.168.7.9", 22) == "reachable"
    assert answer(world(uses=False), "a", "192.168.7.9", 22) == "unreachable"


def test_a_gateway_without_connections_leads_nowhere():
    assert answer(lowered(hub(), GATEWAY, IN_HUB), "internet", "h", 22) == "unreachable"


# -- network managers -------------------------------------------------------------------------------------------------

MESH = made("networkManagers/m/connectivityConfigurations/mesh", {"connectivityTopology": "Mesh", "appliesToGroups": []})


def test_a_mesh_may_connect_networks_without_a_peering():
    graph = lowered(one(), two(), A, B, MESH)
    assert answer(graph, "a", "b", 80) == "unknown"
    assert "mesh may connect networks" in why(graph, "a", "b", 80)


def test_where_nobody_looked_for_network_managers_networks_may_be_connected():
    assert answer(lowered(one(), two(), A, B, asserted=None), "a", "b", 80) == "unknown"


# -- virtual hubs -----------------------------------------------------------------------------------------------------


def test_what_a_virtual_hub_connects_is_unknown():
    connection = made("virtualHubs/vh/hubVirtualNetworkConnections/c", {"remoteVirtualNetwork": ref("virtualNetworks/one")})
    graph = lowered(one(), two(), A, B, connection)
    assert answer(graph, "internet", "a", 80) == "unknown"
    assert answer(graph, "a", "vh", 80) == "unknown"
    assert answer(graph, "internet", "b", 80) == "unreachable"


def test_a_peer_that_tells_no_addresses_is_unknown():
    graph = lowered(one(peering("gone")), A)
    gone = arm("virtualNetworks/gone")
    assert answer(graph, "a", gone, 80) == "unknown"
    assert answer(graph, gone, "a", 80) == "unknown"
