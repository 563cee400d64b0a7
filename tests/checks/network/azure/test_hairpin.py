"""What goes out and comes in again: by a firewall's public address, under a firewall's or a NAT gateway's address."""

from __future__ import annotations

from checks.model import Resource
from checks.network.answer import ask
from checks.network.lowering import Simulators, lowered
from checks.network.place import named
from checks.network.wanted import wanted
from tests.checks.network.azure.arm_world import estate
from tests.checks.network.simulate_azure import azure_services as services
from tests.checks.network.simulate_azure import azure_world as azure

FIREWALL, FIREWALL_IP, WEB, APP, APP_IP = "10.0.0.4", "198.51.100.1", "10.1.1.4", "10.1.2.4", "198.51.100.9"
INSPECT = azure.route_table("inspect", azure.udr("all", "0.0.0.0/0", "VirtualAppliance", FIREWALL))


def hub(*collections: Resource, app_table: str = "", admits: str = "*") -> list[Resource]:
    """`web` goes out by a firewall, which leads what comes to its own address to `app`; that has a public address, too."""
    spoke = [azure.subnet("web", "10.1.1.0/24", table="inspect"), azure.subnet("app", "10.1.2.0/24", nsg="open", table=app_table)]
    return [
        azure.vnet("hub", "10.0.0.0/16", subnets=[azure.subnet("AzureFirewallSubnet", "10.0.0.0/26")], peerings=[azure.peering("spoke")]),
        azure.vnet("spoke", "10.1.0.0/16", subnets=spoke, peerings=[azure.peering("hub", forwarded=True)]),
        azure.nsg("open", azure.rule("some", 100, source=admits), azure.rule("none", 4000, "Deny")),
        INSPECT,
        azure.nic("web", "spoke/web", WEB),
        azure.nic("app", "spoke/app", APP, public="app"),
        azure.public_ip("fw", FIREWALL_IP),
        azure.public_ip("app", APP_IP),
        *collections,
    ]


def firewall(*, nat: bool = False, network: bool = False) -> Resource:
    translate = services.fw_rule("in", destination=FIREWALL_IP, ports="8080", to=APP, to_port="22")
    nats = [services.collection("nat", 100, "Dnat", translate)] if nat else []
    nets = [services.collection("net", 200, "Allow", services.fw_rule("out", ports="22"))] if network else []
    return services.firewall(
        "fw", "hub", FIREWALL, "fw", natRuleCollections=nats, networkRuleCollections=nets, applicationRuleCollections=[]
    )


def verdict(things: list[Resource], source: str, target: str, ports: str) -> str:
    held = estate(*things)
    graph = lowered(held)
    found = ask(graph, named(graph, source), named(graph, target), wanted("tcp", ports), Simulators(held).send)
    return "one-way" if found.one_way else found.verdict


def test_a_machine_behind_a_firewall_gets_to_another_by_the_firewalls_own_address() -> None:
    from_hub = "10.0.0.0/26"
    assert verdict(hub(firewall(nat=True), admits=from_hub), "web", "app", "22") == "reachable"
    assert verdict(hub(firewall(), admits=from_hub), "web", "app", "22") == "unreachable"


def test_an_answer_that_goes_back_to_the_firewall_by_another_way_is_lost() -> None:
    beside, by_firewall = hub(firewall(network=True)), hub(firewall(network=True), app_table="inspect")
    assert _by_public_address(beside) is True
    assert _by_public_address(by_firewall) is False


def _by_public_address(things: list[Resource]) -> bool:
    """Whether `app` answers what `web` sends to its public address, by the graph and by the simulator."""
    from checks.network.flow import flow
    from checks.network.graph import NO_LABELS
    from checks.network.packets import addresses, packets
    from checks.network.walk import Start, Walker

    held = estate(*things)
    graph = lowered(held)
    web = graph.interfaces[azure.arm("networkInterfaces/web")]
    packet = azure.tcp(WEB, APP_IP, 22)
    there = [packets(addresses([(end, end)]), (6, 6), (22, 22)) for end in (packet.source, packet.destination)]
    walker = Walker(graph, (packet.source_port,) * 2)
    [arrival] = [
        one
        for one in walker.arrivals(Start(web.sends, web.station, flow(4, *there), NO_LABELS))
        if one.station == graph.interfaces[azure.arm("networkInterfaces/app")].station and one.flow.must
    ]
    answers, _ = walker.answered(arrival.station, arrival.flow, arrival.leg)
    found = bool(answers and arrival.legs_answered)
    [delivery] = Simulators(held).send(packet, azure.nic_id("web")).deliveries
    assert delivery.reply is found
    return found
