"""Private endpoints, private link services and platform services."""

import pytest

from tests.checks.network.azure.arm_world import (
    answer,
    arm,
    at,
    lowered,
    made,
    nic,
    nsg,
    ref,
    route,
    route_table,
    rule,
    subnet,
    vnet,
    why,
)  # fmt: skip

STORE = arm("storageAccounts/files", "Microsoft.Storage")


def shop(policies="Disabled", table="", **more):
    return vnet(
        "shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", table=table), subnet("pe", "10.0.5.0/24", nsg="g", privateEndpointNetworkPolicies=policies),
        **more,
    )  # fmt: skip


def endpoint(status="Approved", target=STORE):
    state = {"name": "c", "properties": {"privateLinkServiceId": target, "privateLinkServiceConnectionState": {"status": status}}}
    return made(
        "privateEndpoints/pe",
        {"subnet": at("shop/pe"), "networkInterfaces": [ref("networkInterfaces/penic")], "privateLinkServiceConnections": [state]},
    )


PENIC = nic("penic", "shop/pe", "10.0.5.4", privateEndpoint=ref("privateEndpoints/pe"))
WEB = nic("web", "shop/front", "10.0.1.4")
CLOSED = nsg("g", rule("no", 100, "Deny"))


def test_groups_do_not_stand_before_an_endpoint_unless_the_subnet_says_so():
    assert answer(lowered(shop(), endpoint(), PENIC, WEB, CLOSED), "web", "pe", 443) == "reachable"
    assert answer(lowered(shop("NetworkSecurityGroupEnabled"), endpoint(), PENIC, WEB, CLOSED), "web", "pe", 443) == "unreachable"


def test_an_endpoint_is_found_by_what_it_leads_to():
    assert answer(lowered(shop(), endpoint(), PENIC, WEB, CLOSED), "web", STORE, 443) == "reachable"


def test_an_endpoint_sends_nothing_of_its_own():
    assert answer(lowered(shop(), endpoint(), PENIC, WEB, CLOSED), "pe", "web", 443) == "unreachable"


@pytest.mark.parametrize(("status", "expected"), [("Pending", "unreachable"), ("Rejected", "unreachable"), ("Odd", "unknown")])
def test_only_an_approved_endpoint_takes_anything_in(status, expected):
    assert answer(lowered(shop(), endpoint(status), PENIC, WEB, CLOSED), "web", "pe", 443) == expected


def test_an_endpoints_route_is_narrower_than_any_other_unless_the_subnet_says_so():
    def world(policies, prefix):
        table = route_table("rt", route("drop", prefix, "None"))
        return lowered(shop(policies, "rt"), endpoint(), PENIC, WEB, nsg("g"), table)

    assert answer(world("Disabled", "10.0.0.0/16"), "web", "pe", 443) == "reachable"
    assert answer(world("Disabled", "10.0.5.4/32"), "web", "pe", 443) == "unreachable"
    assert answer(world("RouteTableEnabled", "10.0.0.0/16"), "web", "pe", 443) == "unreachable"
    assert answer(world("RouteTableEnabled", "0.0.0.0/0"), "web", "pe", 443) == "reachable"


def test_the_interface_of_an_endpoint_that_is_not_there_is_unknown():
    assert answer(lowered(shop(), PENIC, WEB, CLOSED), "web", "penic", 443) == "unknown"


def test_an_endpoint_whose_interface_is_not_there_is_unknown():
    assert answer(lowered(shop(), endpoint(), WEB, CLOSED), "web", "pe", 443) == "unknown"


# -- private link services --------------------------------------------------------------------------------------------

SERVICE = arm("privateLinkServices/pls")
BACK = vnet("back", "10.0.0.0/16", subnet("s", "10.0.1.0/24"), subnet("nat", "10.0.2.0/24"))


def balancer():
    front = {
        "id": arm("loadBalancers/lb/frontendIPConfigurations/f"),
        "name": "f",
        "properties": {"privateIPAddress": "10.0.1.50", "subnet": at("back/s")},
    }
    to = {"frontendIPConfiguration": {"id": front["id"]}, "backendAddressPool": ref("loadBalancers/lb/backendAddressPools/p"), "protocol": "Tcp",
          "frontendPort": 443, "backendPort": 8443}  # fmt: skip
    return made("loadBalancers/lb", {"frontendIPConfigurations": [front], "backendAddressPools": [{"name": "p", "properties": {}}],
                                     "loadBalancingRules": [{"name": "r", "properties": to}]}, sku={"name": "Standard"})  # fmt: skip


def service(consumer=None):
    connections = [
        {"name": "c", "properties": {"privateEndpoint": {"id": consumer}, "privateLinkServiceConnectionState": {"status": "Approved"}}}
    ]
    return made("privateLinkServices/pls", {
        "loadBalancerFrontendIpConfigurations": [ref("loadBalancers/lb/frontendIPConfigurations/f")],
        "ipConfigurations": [{"name": "n", "properties": {"privateIPAddress": "10.0.2.9", "subnet": at("back/nat")}}],
        "privateEndpointConnections": connections if consumer else [],
    })  # fmt: skip


APP = nic("app", "back/s", "10.0.1.4", pools=["lb/p"])


def test_an_endpoint_of_a_private_link_service_leads_to_its_machines():
    graph = lowered(shop(), endpoint(target=SERVICE), PENIC, WEB, CLOSED, BACK, balancer(), APP, service(arm("privateEndpoints/pe")))
    assert answer(graph, "web", "app", 8443) == "reachable"
    assert answer(graph, "web", "app", 443) == "unreachable"
    assert answer(graph, "internet", "app", 8443) == "unreachable"


def test_a_private_link_service_with_consumers_that_nobody_read_may_be_front_doors():
    graph = lowered(BACK, balancer(), APP, service("/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/privateEndpoints/afd"))
    assert answer(graph, "internet", "app", 8443) == "unknown"
    assert answer(graph, SERVICE, "app", 8443) == "reachable"
    assert answer(lowered(BACK, balancer(), APP, service()), "internet", "app", 8443) == "unreachable"


# -- platform services ------------------------------------------------------------------------------------------------


def store(access="Enabled", default="Deny", rules=(), subnets=()):
    acls = {
        "defaultAction": default,
        "ipRules": [{"value": one, "action": "Allow"} for one in rules],
        "virtualNetworkRules": [at(one) for one in subnets],
    }
    return made("storageAccounts/files", {"publicNetworkAccess": access, "networkAcls": acls}, "Microsoft.Storage")


def test_a_storage_account_is_open_closed_or_open_to_some():
    assert answer(lowered(store(default="Allow")), "internet", "files", 443) == "reachable"
    assert answer(lowered(store(default="Deny")), "internet", "files", 443) == "unreachable"
    assert answer(lowered(store("Disabled", "Allow")), "internet", "files", 443) == "unreachable"
    some = lowered(store(rules=["198.51.100.0/24"]))
    assert answer(some, "internet:198.51.100.7", "files", 443) == "reachable"
    assert answer(some, "internet:203.0.113.7", "files", 443) == "unreachable"
    assert answer(lowered(store(default="Allow")), "internet", "files", 22) == "unreachable"


@pytest.mark.parametrize(
    "account", [store("SecuredByPerimeter", "Allow"), store(None, "Allow"), store(default=None), store(rules=["10.0.0.0/99"])]
)
def test_a_storage_account_that_does_not_tell_is_unknown(account):
    assert answer(lowered(account), "internet", "files", 443) == "unknown"


def test_a_service_endpoint_lets_a_subnet_in():
    net = vnet(
        "shop",
        "10.0.0.0/16",
        subnet("front", "10.0.1.0/24", serviceEndpoints=[{"service": "Microsoft.Storage"}]),
        subnet("back", "10.0.2.0/24"),
    )
    graph = lowered(net, WEB, nic("db", "shop/back", "10.0.2.4"), store(subnets=["shop/front"]))
    assert answer(graph, "web", "files", 443) == "reachable"
    assert answer(graph, "db", "files", 443) == "unreachable"
    assert answer(graph, "internet", "files", 443) == "unreachable"


def server(access="Enabled"):
    return made("servers/sql", {"publicNetworkAccess": access}, "Microsoft.Sql")


def fire(name, first, last, path="servers/sql", provider="Microsoft.Sql"):
    return made(f"{path}/firewallRules/{name}", {"startIpAddress": first, "endIpAddress": last}, provider)


def test_a_sql_server_admits_by_its_rules():
    graph = lowered(server(), fire("office", "198.51.100.5", "198.51.100.9"))
    assert answer(graph, "internet:198.51.100.7", "sql", 1433) == "reachable"
    assert answer(graph, "internet:198.51.100.10", "sql", 1433) == "unreachable"
    assert answer(lowered(server("Disabled"), fire("all", "0.0.0.0", "255.255.255.255")), "internet", "sql", 1433) == "unreachable"
    assert answer(lowered(server()), "internet", "sql", 1433) == "unreachable"


def test_every_azure_service_is_somebody_on_the_internet():
    graph = lowered(server(), fire("azure", "0.0.0.0", "0.0.0.0"))
    assert answer(graph, "azure", "sql", 1433) == "reachable"
    assert answer(graph, "internet", "sql", 1433) == "unknown"
    assert "admits every Azure service" in why(graph, "internet", "sql", 1433)


def test_rules_that_nobody_looked_for_or_that_are_malformed_are_unknown():
    assert answer(lowered(server(), asserted=None), "internet", "sql", 1433) == "unknown"
    assert answer(lowered(server(), fire("odd", "198.51.100.9", "198.51.100.5")), "internet", "sql", 1433) == "unknown"


def test_a_flexible_server_in_a_subnet_lives_by_the_subnets_rules():
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24"), subnet("db", "10.0.6.0/24", nsg="g"))
    db = made(
        "flexibleServers/pg",
        {"network": {"delegatedSubnetResourceId": arm("virtualNetworks/shop/subnets/db")}},
        "Microsoft.DBforPostgreSQL",
    )
    only = nsg("g", rule("web", 100, source="10.0.1.0/24", ports="5432"), rule("no", 200, "Deny"))
    graph = lowered(net, db, only, WEB)
    assert answer(graph, "web", "pg", 5432) == "reachable"
    assert answer(graph, "web", "pg", 22) == "unreachable"
    assert answer(graph, "internet", "pg", 5432) == "unreachable"


def test_a_public_flexible_server():
    db = made("flexibleServers/pg", {"network": {"publicNetworkAccess": "Enabled"}}, "Microsoft.DBforPostgreSQL")
    all_ = fire("all", "0.0.0.0", "255.255.255.255", "flexibleServers/pg", "Microsoft.DBforPostgreSQL")
    assert answer(lowered(db, all_), "internet", "pg", 5432) == "reachable"
    assert answer(lowered(db), "internet", "pg", 5432) == "unreachable"


def test_what_goes_out_to_services_by_a_rule_for_some_addresses_is_unknown():
    net = vnet("shop", "10.0.0.0/16", subnet("front", "10.0.1.0/24", nsg="g"))
    some = nsg("g", rule("some", 100, out=True, destination="20.0.0.0/8"), rule("no", 200, "Deny", out=True))
    assert answer(lowered(net, WEB, some, store(default="Allow")), "web", "files", 443) == "unknown"
    none = nsg("g", rule("no", 200, "Deny", out=True))
    assert answer(lowered(net, WEB, none, store(default="Allow")), "web", "files", 443) == "unreachable"
