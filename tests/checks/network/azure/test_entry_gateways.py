"""Ways in from the internet: application gateways and what stands behind them."""

from tests.checks.network.azure.arm_world import (
    answer,
    lowered,
    nic,
    nsg,
    public_ip,
    rule,
    subnet,
    vnet,
    why,
)  # fmt: skip
from tests.checks.network.azure.front import WEB, application

AGIP = public_ip("agip", "20.3.3.3")


def with_gateway(nsg_of_back="", nsg_of_gateway=""):
    return vnet(
        "shop", "10.0.0.0/16", subnet("ag", "10.0.0.0/24", nsg=nsg_of_gateway), subnet("front", "10.0.1.0/24", nsg=nsg_of_back),
        subnet("back", "10.0.2.0/24"),
    )  # fmt: skip


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
