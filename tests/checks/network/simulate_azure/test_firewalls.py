"""Azure Firewall: rules in order, translations, and the sessions that it remembers."""

from __future__ import annotations

from typing import Any

import pytest

from checks.network.packet import Trace, address
from checks.network.simulate_azure import AzureSimulator
from tests.checks.network.simulate_azure.azure_services import collection, firewall, fw_rule, policy, rule_group
from tests.checks.network.simulate_azure.azure_world import (
    CLIENT,
    estate,
    nic,
    nic_id,
    nsg,
    peering,
    public_ip,
    route_table,
    rule,
    subnet,
    tcp,
    udp,
    udr,
    vnet,
)

FW, PUBLIC, WEB, APP = "10.0.9.4", "198.51.100.1", "10.1.1.4", "10.2.1.4"
TO_FIREWALL = udr("all", "0.0.0.0/0", "VirtualAppliance", FW)


def hub(*parts: Any, spoke_routes: Any = (TO_FIREWALL,), app_routes: Any = (TO_FIREWALL,), forwarded: bool = True) -> AzureSimulator:
    """A firewall in network hub; `web` and `app` in spokes whose subnets route to it."""
    return AzureSimulator(
        estate(
            vnet("hub", "10.0.0.0/16", subnets=[subnet("AzureFirewallSubnet", "10.0.9.0/26")], peerings=[peering("one"), peering("two")]),
            vnet("one", "10.1.0.0/16", subnets=[subnet("web", "10.1.1.0/24", table="one")], peerings=[peering("hub", forwarded=forwarded)]),
            vnet("two", "10.2.0.0/16", subnets=[subnet("app", "10.2.1.0/24", table="two")], peerings=[peering("hub", forwarded=forwarded)]),
            route_table("one", *spoke_routes),
            route_table("two", *app_routes),
            nic("web", "one/web", WEB),
            nic("app", "two/app", APP),
            public_ip("fwip", PUBLIC),
            *parts,
        )
    )


def classic(network: Any = (), nat: Any = (), application: Any = (), **more: Any) -> Any:
    collections = {
        "networkRuleCollections": list(network),
        "natRuleCollections": list(nat),
        "applicationRuleCollections": list(application),
    }
    return firewall("fw", "hub", FW, "fwip", **collections, **more)


def allow(*rules: Any, priority: int = 200) -> Any:
    return collection("allow", priority, "Allow", *rules)


def deny(*rules: Any, priority: int = 100) -> Any:
    return collection("deny", priority, "Deny", *rules)


def web_to_app(simulator: AzureSimulator, port: int = 5432) -> Trace:
    return simulator.send(tcp(WEB, APP, port), nic_id("web"))


def ends(trace: Trace) -> list[tuple[str, bool]]:
    assert not trace.unknown
    return [(one.at, one.reply) for one in trace.deliveries]


def test_a_network_rule_lets_one_spoke_reach_the_other() -> None:
    trace = web_to_app(hub(classic([allow(fw_rule("db", destination=APP, ports="5432"))])))
    assert ends(trace) == [(nic_id("app"), True)]
    assert ("fw/allow/db",) in [hop.allowed_by for hop in trace.deliveries[0].hops]
    assert trace.deliveries[0].arrives == tcp(WEB, APP, 5432)


def test_what_no_rule_names_is_denied() -> None:
    simulator = hub(classic([allow(fw_rule("db", ports="5432"))]))
    assert "fw: no rule for" in web_to_app(simulator, 22).dropped[0]
    assert not simulator.send(udp(WEB, APP, 5432), nic_id("web")).deliveries


def test_collections_go_by_priority() -> None:
    everything = fw_rule("any")
    assert web_to_app(hub(classic([allow(everything), deny(everything)]))).dropped == ("fw: denied by fw/deny/any",)
    assert ends(web_to_app(hub(classic([allow(everything, priority=50), deny(everything)]))))


def test_forwarded_traffic_must_be_taken_by_the_far_spoke() -> None:
    assert not ends(web_to_app(hub(classic([allow(fw_rule("any"))]), forwarded=False)))


@pytest.mark.parametrize(("asked", "answered"), [(WEB, True), ("10.1.2.4", False)])
def test_an_answer_past_the_firewall_comes_back_but_one_into_it_alone_does_not(asked: str, answered: bool) -> None:
    """Subnet app routes to the firewall, subnet web does not: so only one direction passes it."""
    parts = [
        vnet("hub", "10.0.0.0/16", subnets=[subnet("AzureFirewallSubnet", "10.0.9.0/26")], peerings=[peering("one", forwarded=True)]),
        vnet(
            "one",
            "10.1.0.0/16",
            subnets=[subnet("web", "10.1.1.0/24"), subnet("app", "10.1.2.0/24", table="t")],
            peerings=[peering("hub", forwarded=True)],
        ),
        route_table("t", udr("web", "10.1.1.0/24", "VirtualAppliance", FW)),
        *(nic("web", "one/web", WEB), nic("app", "one/app", "10.1.2.4"), public_ip("fwip", PUBLIC)),
        classic([allow(fw_rule("any"))]),
    ]
    asking, by = ("10.1.2.4", "app") if asked == WEB else (WEB, "web")
    trace = AzureSimulator(estate(*parts)).send(tcp(asking, asked, 22), nic_id(by))
    assert [one.reply for one in trace.deliveries] == [answered]


def test_to_the_internet_the_firewall_shows_its_own_address() -> None:
    trace = hub(classic([allow(fw_rule("dns", protocol="UDP", ports="53"))])).send(udp(WEB, CLIENT, 53), nic_id("web"))
    assert ends(trace) == [("internet", True)]
    assert address(4, trace.deliveries[0].arrives.source) == PUBLIC


def test_private_ranges_of_its_own_choosing_are_hidden_or_not() -> None:
    rules = [allow(fw_rule("any"))]
    always = classic(rules, additionalProperties={"Network.SNAT.PrivateRanges": "255.255.255.255/32"})
    trace = web_to_app(hub(always))
    assert address(4, trace.deliveries[0].arrives.source) == FW
    assert trace.deliveries[0].reply


DNAT = collection("dnat", 100, "Dnat", fw_rule("web", destination=PUBLIC, ports="443", to=WEB, to_port="8443"))


def test_a_nat_rule_brings_the_internet_in_as_the_firewall() -> None:
    trace = hub(classic(nat=[DNAT])).send(tcp(CLIENT, PUBLIC, 443), "internet")
    assert ends(trace) == [(nic_id("web"), True)]
    assert trace.deliveries[0].arrives == tcp(FW, WEB, 8443)
    assert "no NAT rule" in hub(classic(nat=[DNAT])).send(tcp(CLIENT, PUBLIC, 80), "internet").dropped[0]


def test_a_network_rule_against_what_a_nat_rule_translates_is_unknown() -> None:
    simulator = hub(classic([deny(fw_rule("web", destination=WEB))], nat=[DNAT]))
    trace = simulator.send(tcp(CLIENT, PUBLIC, 443), "internet")
    assert not trace.deliveries
    assert "documented both ways" in trace.unknown[0]


def test_application_rules_are_unknown_for_their_ports_only() -> None:
    names = {"name": "web", "protocols": [{"protocolType": "Https", "port": 8443}], "targetFqdns": ["*.example.com"]}
    simulator = hub(classic(application=[allow(names)]))
    assert "host names" in web_to_app(simulator, 8443).unknown[0]
    assert not web_to_app(simulator, 22).unknown


def test_the_infrastructure_collection_is_unknown() -> None:
    simulator = hub(classic())
    assert "infrastructure" in simulator.send(tcp(WEB, CLIENT, 443), nic_id("web")).unknown[0]
    assert not simulator.send(tcp(WEB, CLIENT, 25), nic_id("web")).unknown


def test_an_answer_to_what_the_firewall_did_not_see_is_dropped() -> None:
    opened = nsg("guard", rule("https", 100, ports="443"))
    simulator = hub(
        classic([allow(fw_rule("any"))]),
        opened,
        nic("open", "one/web", "10.1.1.9", public="pip", nsg="guard"),
        public_ip("pip", "198.51.100.9"),
    )
    assert ends(simulator.send(tcp(CLIENT, "198.51.100.9", 443), "internet")) == [(nic_id("open"), False)]


@pytest.mark.parametrize("source", ["10.1.0.0/16", "10.3.0.0/16"])
def test_a_policys_rules_are_read_group_by_group(source: str) -> None:
    groups = [
        rule_group("rules", "late", 300, deny(fw_rule("any"), priority=100)),
        rule_group("rules", "early", 200, allow(fw_rule("db", source=source), priority=900)),
    ]
    simulator = hub(firewall("fw", "hub", FW, "fwip", policy="rules"), policy("rules", "late", "early"), *groups)
    assert ends(web_to_app(simulator)) == ([(nic_id("app"), True)] if source == "10.1.0.0/16" else [])


def test_a_parent_policy_comes_first() -> None:
    groups = [rule_group("base", "all", 900, deny(fw_rule("any"))), rule_group("rules", "all", 100, allow(fw_rule("any")))]
    simulator = hub(firewall("fw", "hub", FW, "fwip", policy="rules"), policy("base", "all"), policy("rules", "all", base="base"), *groups)
    assert web_to_app(simulator).dropped == ("fw: denied by base/deny/any",)


def test_parts_of_a_policy_that_are_not_in_the_estate_are_unknown() -> None:
    assert "rules is not in the estate" in web_to_app(hub(firewall("fw", "hub", FW, "fwip", policy="rules"))).unknown[0]
    with_lost = hub(firewall("fw", "hub", FW, "fwip", policy="rules"), policy("rules", "lost"))
    assert "lost is not in the estate" in web_to_app(with_lost).unknown[0]
    by_group = {**fw_rule("any"), "sourceAddresses": [], "sourceIpGroups": ["/ipGroups/offices"]}
    assert "offices" in web_to_app(hub(classic([allow(by_group)]))).unknown[0]
    by_name = {**fw_rule("any"), "destinationAddresses": [], "destinationFqdns": ["db.example.com"]}
    assert "db.example.com" in web_to_app(hub(classic([allow(by_name)]))).unknown[0]


def test_routes_that_lead_round_in_circles_end() -> None:
    loop = route_table("loop", udr("back", "10.2.0.0/16", "VirtualAppliance", FW))
    network = vnet(
        "hub", "10.0.0.0/16", subnets=[subnet("AzureFirewallSubnet", "10.0.9.0/26", table="loop"), subnet("a", "10.0.1.0/24", table="one")]
    )
    parts = [
        network,
        loop,
        route_table("one", TO_FIREWALL),
        nic("a", "hub/a", "10.0.1.4"),
        public_ip("fwip", PUBLIC),
        classic([allow(fw_rule("any"))]),
    ]
    trace = AzureSimulator(estate(*parts)).send(tcp("10.0.1.4", APP, 22), nic_id("a"))
    assert "round in circles" in trace.dropped[0]


def test_learned_ranges_are_unknown() -> None:
    parts = [rule_group("rules", "all", 100, allow(fw_rule("any"))), policy("rules", "all", snat={"autoLearnPrivateRanges": "Enabled"})]
    assert "learned" in web_to_app(hub(firewall("fw", "hub", FW, "fwip", policy="rules"), *parts)).unknown[0]


def test_a_nat_rule_may_lead_out_again() -> None:
    out = collection("dnat", 100, "Dnat", fw_rule("out", destination=PUBLIC, ports="443", to="192.0.2.50", to_port="443"))
    trace = hub(classic(nat=[out])).send(tcp(CLIENT, PUBLIC, 443), "internet")
    assert ends(trace) == [("internet", True)]
    assert trace.deliveries[0].arrives == tcp(PUBLIC, "192.0.2.50", 443)


def test_an_answer_leaves_by_the_public_address_that_was_asked() -> None:
    second = collection("dnat", 100, "Dnat", fw_rule("web", destination="198.51.100.2", ports="443", to=WEB, to_port="8443"))
    two = firewall("fw", "hub", FW, "fwip", "second", natRuleCollections=[second])
    trace = hub(two, public_ip("second", "198.51.100.2")).send(tcp(CLIENT, "198.51.100.2", 443), "internet")
    assert ends(trace) == [(nic_id("web"), True)]
