"""What holds for every packet in an estate that has something of everything."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.model import Resource
from checks.network.packet import INTERNET, Packet, Trace
from checks.network.simulate_azure import AzureSimulator
from tests.checks.network.simulate_azure.azure_services import (
    admin_rule,
    admin_rules,
    application_gateway,
    collection,
    firewall,
    fw_rule,
    lb_rule,
    load_balancer,
    network_manager,
    policy,
    rule_group,
)
from tests.checks.network.simulate_azure.azure_world import (
    CLIENT,
    estate,
    gateway_id,
    nat_gateway,
    nic,
    nic_id,
    nsg,
    peering,
    private_endpoint,
    public_ip,
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


def everything() -> list[Resource]:
    hub = vnet(
        "hub",
        "10.0.0.0/16",
        subnets=[subnet("AzureFirewallSubnet", "10.0.9.0/26"), subnet("GatewaySubnet", "10.0.8.0/27"), subnet("agw", "10.0.3.0/24")],
        peerings=[peering("one", transit=True), peering("two", forwarded=True)],
    )
    one = vnet(
        "one",
        "10.1.0.0/16",
        subnets=[subnet("web", "10.1.1.0/24", nsg="web"), subnet("out", "10.1.2.0/24", nat="nat", table="through")],
        peerings=[peering("hub", forwarded=True, remote_gateways=True)],
    )
    two = vnet(
        "two", "10.2.0.0/16", subnets=[subnet("app", "10.2.1.0/24", nsg="app", table="through")], peerings=[peering("hub", forwarded=True)]
    )
    nat_rules = collection("in", 100, "Dnat", fw_rule("app", destination="198.51.100.1", ports="443", to="10.2.1.4", to_port="443"))
    return [
        *(hub, one, two),
        *(
            nic("web", "one/web", "10.1.1.4", public="webip", pools=["lb/pool"], asgs=["web"]),
            nic("web2", "one/web", "10.1.1.5", pools=["lb/pool"]),
        ),
        *(
            nic("out", "one/out", "10.1.2.4"),
            nic("app", "two/app", "10.2.1.4", nsg="app"),
            nic("pe", "one/web", "10.1.1.9", endpoint="files"),
        ),
        private_endpoint("files", "one/web", "pe"),
        *(public_ip("webip", "198.51.100.4"), public_ip("lbip", "198.51.100.80"), public_ip("agwip", "198.51.100.90")),
        *(public_ip("fwip", "198.51.100.1"), public_ip("natip", "198.51.100.99")),
        nsg("web", rule("https", 100, ports="443"), rule("storage", 110, source="Storage"), rule("no", 120, "Deny", ports="22")),
        nsg("app", rule("web", 100, source_asgs=["web"], ports="5432"), rule("fw", 110, source="10.0.9.0/26"), rule("no", 4000, "Deny")),
        route_table("through", udr("all", "0.0.0.0/0", "VirtualAppliance", "10.0.9.4"), udr("tag", "Storage", "Internet")),
        service_tag("Storage", "192.0.2.0/24"),
        nat_gateway("nat", "natip"),
        load_balancer("lb", lb_rule("web", 443, 443, no_snat=False), public="lbip"),
        application_gateway("agw", "hub/agw", "10.1.1.4", public="agwip", port=443, backend_port=443),
        firewall("fw", "hub", "10.0.9.4", "fwip", policy="rules"),
        policy("rules", "group"),
        rule_group("rules", "group", 100, nat_rules, collection("net", 200, "Allow", fw_rule("some", ports="53-5432"))),
        *(vnet_gateway("vpn", "hub"), site_connection("hq", "vpn", "192.168.0.0/16")),
        *(network_manager("base"), *admin_rules("base", ["one", "two", "hub"], admin_rule("telnet", 10, "Deny", ports="23"))),
    ]


PLACES = {
    "10.1.1.4": nic_id("web"),
    "10.1.1.5": nic_id("web2"),
    "10.1.2.4": nic_id("out"),
    "10.2.1.4": nic_id("app"),
    "192.168.0.5": gateway_id("vpn"),
    CLIENT: INTERNET,
    "192.0.2.7": INTERNET,
}
TARGETS = [*PLACES, "10.1.1.9", "10.0.9.4", "10.9.9.9", "198.51.100.4", "198.51.100.80", "198.51.100.90", "198.51.100.1", "198.51.100.99"]
# What other resources refer to. Routes, rules and connections that are in no list are seen by nobody.
REFERRED = (
    *("networksecuritygroups", "routetables", "natgateways", "loadbalancers", "firewallpolicies", "firewallpolicies.rulecollectiongroups"),
    *("servicetags", "azurefirewalls", "virtualnetworks", "publicipaddresses", "privateendpoints", "networkmanagers"),
)

packets = st.builds(
    lambda source, target, port, make: (make(source, target, port), PLACES[source]),
    st.sampled_from(sorted(PLACES)),
    st.sampled_from(TARGETS),
    st.sampled_from([22, 23, 53, 443, 5432, 8080]),
    st.sampled_from([tcp, udp]),
)
quick = settings(suppress_health_check=[HealthCheck.too_slow])


def came(trace: Trace) -> set[tuple[str, Packet]]:
    return {(one.at, one.arrives) for one in trace.deliveries}


WORLD = everything()
WHOLE = AzureSimulator(estate(*WORLD))


@quick
@given(packets)
def test_every_packet_ends_somewhere(sent: tuple[Packet, str]) -> None:
    trace = WHOLE.send(*sent)
    assert trace.deliveries or trace.dropped or trace.unknown


@quick
@given(packets, st.integers(0, 2**32))
def test_the_order_of_an_estate_does_not_matter(sent: tuple[Packet, str], seed: int) -> None:
    shuffled: list[Any] = list(WORLD)
    random.Random(seed).shuffle(shuffled)
    trace, other = WHOLE.send(*sent), AzureSimulator(estate(*shuffled)).send(*sent)
    assert set(trace.deliveries) == set(other.deliveries)
    assert set(trace.dropped) == set(other.dropped)


@quick
@given(packets, st.sampled_from([one for one in WORLD if one.type.removeprefix("azure.network.") in REFERRED]))
def test_what_is_taken_from_the_estate_delivers_nothing_new(sent: tuple[Packet, str], gone: Resource) -> None:
    rest = AzureSimulator(estate(*(one for one in WORLD if one is not gone)))
    fresh = came(rest.send(*sent)) - came(WHOLE.send(*sent))
    if gone.type == "azure.network.publicipaddresses":
        # Whose the address is, is then told by nothing: it belongs to the internet.
        fresh = {one for one in fresh if one[0] != INTERNET}
    assert not fresh


@quick
@given(packets)
def test_ids_are_compared_without_regard_to_case(sent: tuple[Packet, str]) -> None:
    packet, at = sent
    assert WHOLE.send(packet, at.upper() if at != INTERNET else at) == WHOLE.send(packet, at)
