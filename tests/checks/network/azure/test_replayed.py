"""What the graph finds at load balancers, gateways, database servers and platform services is replayed by the simulator."""

from __future__ import annotations

from checks.model import Resource
from checks.network.answer import Answer, ask
from checks.network.exposure import Exposed
from checks.network.lowering import Simulators, lowered
from checks.network.place import named
from checks.network.wanted import wanted
from tests.checks.network.azure.arm_world import at, estate, made, nic, nsg, public_ip, ref, route, route_table, rule, subnet, vnet

FRONT = ref("loadBalancers/front/frontendIPConfigurations/front")
POOL = ref("loadBalancers/front/backendAddressPools/pool")


def balancer(*rules: tuple[int, int]) -> Resource:
    made_rules = [
        {
            "name": f"rule{port}",
            "properties": {
                "frontendIPConfiguration": FRONT, "backendAddressPool": POOL, "protocol": "Tcp", "frontendPort": port, "backendPort": back,
                "disableOutboundSnat": True,
            },
        }
        for port, back in rules
    ]  # fmt: skip
    front = {**FRONT, "name": "front", "properties": {"publicIPAddress": ref("publicIPAddresses/front")}}
    properties = {
        "frontendIPConfigurations": [front],
        "backendAddressPools": [{**POOL, "name": "pool", "properties": {}}],
        "loadBalancingRules": made_rules,
    }
    return made("loadBalancers/front", properties, sku={"name": "Standard", "tier": "Regional"})


def shop(*more: Resource, group: Resource | None = None, table: str = "", private: bool = False, **subnet_more: object) -> list[Resource]:
    """`web`, in the pool of a load balancer, behind a group that admits the internet on 8080."""
    return [
        vnet(
            "shop",
            "10.0.0.0/16",
            subnet("web", "10.0.1.0/24", nsg="web", table=table, **subnet_more),
            subnet("edge", "10.0.2.0/24", defaultOutboundAccess=not private),
        ),
        group or nsg("web", rule("web", 100, protocol="Tcp", source="Internet", ports="8080")),
        nic("web", "shop/web", "10.0.1.4", pools=["front/pool"]),
        nic("app", "shop/edge", "10.0.2.4"),
        public_ip("front", "198.51.100.80"),
        *more,
    ]


def answer(things: list[Resource], source: str, target: str, ports: str = "any") -> Answer:
    held = estate(*things)
    graph = lowered(held)
    return ask(graph, named(graph, source), named(graph, target), wanted("tcp", ports), Simulators(held).send)


def verdict(things: list[Resource], source: str, target: str, ports: str = "any") -> str:
    found = answer(things, source, target, ports)
    return "one-way" if found.one_way else found.verdict


def test_a_load_balancer_is_reached_where_a_backend_takes_what_it_passes_on() -> None:
    assert verdict(shop(balancer((443, 8080))), "internet", "front", "443") == "reachable"
    assert verdict(shop(balancer((443, 8080))), "internet", "198.51.100.80", "443") == "reachable"
    assert verdict(shop(balancer((443, 8080))), "internet", "front", "8080") == "unreachable"
    assert verdict(shop(balancer((443, 9090))), "internet", "front", "443") == "unreachable"
    assert verdict(shop(balancer((443, 8080))), "internet", "web", "8080") == "reachable"
    closed = route_table("closed", route("all", "0.0.0.0/0", "None"))
    anyone = nsg("web", rule("web", 100, protocol="Tcp", ports="8080"))
    assert verdict(shop(balancer((443, 8080)), closed, group=anyone, table="closed"), "internet", "front", "443") == "one-way"


def test_a_load_balancer_with_a_backend_that_nobody_saw_may_be_reached() -> None:
    lost = balancer((443, 8080))
    pool = lost.data["properties"]["backendAddressPools"][0]
    pool["properties"] = {"backendIPConfigurations": [ref("networkInterfaces/lost/ipConfigurations/first")]}
    assert verdict(shop(lost, group=nsg("web")), "internet", "front", "443") == "unknown"


def test_load_balancers_and_application_gateways_are_entry_points() -> None:
    found = {id_.rpartition("/")[2] for one in Exposed(lowered(estate(*shop(balancer((443, 8080)))))) for id_ in one.interfaces}
    assert found == {"front", "web"}


def service(path: str, properties: dict[str, object], provider: str) -> Resource:
    return made(path, properties, provider)


def sql(*ranges: tuple[str, str], access: str = "Enabled") -> list[Resource]:
    rules = [
        service(f"servers/orders/firewallRules/rule{number}", {"startIpAddress": low, "endIpAddress": high}, "Microsoft.Sql")
        for number, (low, high) in enumerate(ranges)
    ]
    return [service("servers/orders", {"publicNetworkAccess": access}, "Microsoft.Sql"), *rules]


OFFICE, AZURE = ("203.0.113.0", "203.0.113.255"), ("0.0.0.0", "0.0.0.0")  # how a rule says every Azure service


def test_a_database_server_is_reached_at_its_public_endpoint_by_whom_its_rules_admit() -> None:
    assert verdict([*shop(), *sql(OFFICE)], "internet:203.0.113.9", "orders", "1433") == "reachable"
    assert verdict([*shop(), *sql(OFFICE)], "internet:198.51.100.9", "orders", "1433") == "unreachable"
    assert verdict([*shop(), *sql(OFFICE)], "internet", "orders", "22") == "unreachable"
    assert verdict([*shop(), *sql(OFFICE, access="Disabled")], "internet", "orders", "1433") == "unreachable"
    assert verdict([*shop(), *sql()], "internet", "orders", "1433") == "unreachable"


def test_every_azure_service_comes_from_azure_and_from_machines_there() -> None:
    assert verdict([*shop(), *sql(AZURE)], "azure", "orders", "1433") == "reachable"
    assert verdict([*shop(), *sql(AZURE)], "internet", "orders", "1433") == "unknown"
    assert verdict([*shop(), *sql(AZURE)], "app", "orders", "1433") == "reachable"


def test_which_address_default_outbound_access_gives_is_not_known() -> None:
    assert verdict([*shop(), *sql(OFFICE)], "app", "orders", "1433") == "unknown"
    assert verdict([*shop(private=True), *sql(OFFICE)], "app", "orders", "1433") == "unreachable"
    everybody = ("0.0.0.0", "255.255.255.255")
    assert verdict([*shop(), *sql(everybody)], "app", "orders", "1433") == "reachable"


def storage(*subnets: str) -> Resource:
    acls = {"defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": [at(one) for one in subnets]}
    return service("storageAccounts/files", {"publicNetworkAccess": "Enabled", "networkAcls": acls}, "Microsoft.Storage")


def test_a_subnet_is_admitted_by_its_service_endpoint() -> None:
    endpoint = {"serviceEndpoints": [{"service": "Microsoft.Storage"}]}
    assert verdict([*shop(**endpoint), storage("shop/web")], "web", "files", "443") == "reachable"
    assert verdict([*shop(), storage("shop/web")], "web", "files", "443") == "unreachable"
    assert verdict([*shop(), storage("shop/web")], "internet", "files", "443") == "unreachable"


def test_a_flexible_server_in_a_subnet_is_reached_by_its_network() -> None:
    delegated = {"delegatedSubnetResourceId": at("shop/edge")["id"], "publicNetworkAccess": "Disabled"}
    server = service("flexibleServers/orders", {"network": delegated}, "Microsoft.DBforPostgreSQL")
    assert verdict([*shop(), server], "web", "orders", "5432") == "reachable"
    assert verdict([*shop(), server], "internet", "orders", "5432") == "unreachable"
