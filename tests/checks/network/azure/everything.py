"""An estate with one thing of every kind that is lowered."""

from tests.checks.network.azure import front, test_admin, test_firewall, test_peering
from tests.checks.network.azure.arm_world import arm, at, made, nic, nsg, peering, public_ip, ref, route, route_table, rule, subnet, vnet


def everything():
    """Fresh each time: a test may spoil it."""
    shop = vnet(
        "shop", ["10.0.0.0/16", "fd00:1::/48"],
        subnet("front", "10.0.1.0/24", "fd00:1:0:1::/64", nsg="g", table="rt", serviceEndpoints=[{"service": "Microsoft.Storage"}]),
        subnet("back", "10.0.2.0/24", nat="out", ipConfigurations=[ref("networkInterfaces/hidden/ipConfigurations/i")]),
        subnet("ag", "10.0.0.0/24"), subnet("pe", "10.0.5.0/24", nsg="g", privateEndpointNetworkPolicies="Enabled"),
        subnet("db", "10.0.6.0/24", delegations=[{"properties": {"serviceName": "Microsoft.DBforPostgreSQL/flexibleServers"}}]),
        peerings=[peering("hub", forwarded=True, uses=True), peering("gone", remoteAddressSpace={"addressPrefixes": ["10.90.0.0/16"]})],
    )  # fmt: skip
    hub = vnet(
        "hub", "10.8.0.0/16", subnet("GatewaySubnet", "10.8.0.0/27"), subnet("AzureFirewallSubnet", "10.8.2.0/26"), subnet("s", "10.8.1.0/24"),
        peerings=[peering("shop", transit=True)],
    )  # fmt: skip
    state = {"name": "c", "properties": {
        "privateLinkServiceId": arm("storageAccounts/files", "Microsoft.Storage"), "privateLinkServiceConnectionState": {"status": "Approved"},
    }}  # fmt: skip
    firewall = test_firewall.firewall(
        network=[(200, "Allow", test_firewall.allows("ab", "10.0.0.0/16", "*", "443"))], nat=[(200, "Dnat", test_firewall.TRANSLATES)],
        ipConfigurations=[{"name": "c", "properties": {"privateIPAddress": "10.8.2.4", "subnet": at("hub/AzureFirewallSubnet"),
                                                       "publicIPAddress": ref("publicIPAddresses/fwip")}}],
    )  # fmt: skip
    card = {"name": "c", "properties": {"ipConfigurations": [{"name": "i", "properties": {
        "subnet": at("shop/back"), "loadBalancerBackendAddressPools": [front.POOL], "publicIPAddressConfiguration": {"name": "p"},
    }}]}}  # fmt: skip
    return [
        shop, hub, firewall, public_ip("fwip", "20.9.9.9"), public_ip("pip", "20.1.1.1"), public_ip("agip", "20.3.3.3"), public_ip("n", "20.2.2.2"),
        public_ip("own", "20.4.4.4", sku="Basic"),
        nsg("g", rule("a", 100, source=["AzureDevOps", "198.51.100.0/24"], ports=["80", "443"]), rule("b", 110, source_asgs=["x"], destination_asgs=["y"])),
        route_table("rt", route("all", "0.0.0.0/0", "VirtualAppliance", "10.8.2.4"), route("nva", "10.8.1.0/24", "VirtualAppliance", "10.0.2.9"),
                    route("sql", "Sql", "Internet")),
        made("serviceTags/ne", {}, values=[{"name": "Sql", "properties": {"addressPrefixes": ["20.40.0.0/16"]}}]),
        nic("web", "shop/front", "10.0.1.4", "fd00:1:0:1::4", public="own", nsg="g", asgs=["x"], pools=["lb/p"]),
        nic("nva", "shop/back", "10.0.2.9", forwards=True), nic("h", "hub/s", "10.8.1.4", asgs=["y"]),
        nic("penic", "shop/pe", "10.0.5.4", privateEndpoint=ref("privateEndpoints/pe")),
        made("privateEndpoints/pe", {"subnet": at("shop/pe"), "networkInterfaces": [ref("networkInterfaces/penic")], "privateLinkServiceConnections": [state]}),
        made("virtualMachines/m", {"networkProfile": {"networkInterfaces": [ref("networkInterfaces/web")]}}, "Microsoft.Compute"),
        made("virtualMachineScaleSets/fleet", {"virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [card]}}},
             "Microsoft.Compute", sku={"capacity": 2}),
        front.balancer(rules=[front.balances(443, 8443), front.balances(0, 0, "All")]),
        front.application(backend={"ipAddress": "10.0.1.4"}),
        made("natGateways/out", {"publicIpAddresses": [ref("publicIPAddresses/n")]}, sku={"name": "Standard"}),
        test_peering.GATEWAY, test_peering.site(), test_peering.OFFICE, test_peering.MESH,
        made("bastionHosts/b", {"ipConfigurations": [{"name": "i", "properties": {"subnet": at("shop/back")}}]}),
        made("service/api", {"virtualNetworkConfiguration": {"subnetResourceId": at("shop/back")["id"]}}, "Microsoft.ApiManagement"),
        made("storageAccounts/files", {"publicNetworkAccess": "Enabled", "networkAcls": {
            "defaultAction": "Deny", "ipRules": [{"value": "198.51.100.0/24"}], "virtualNetworkRules": [at("shop/front")]}}, "Microsoft.Storage"),
        made("servers/sql", {"publicNetworkAccess": "Enabled"}, "Microsoft.Sql"),
        made("servers/sql/firewallRules/a", {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}, "Microsoft.Sql"),
        made("flexibleServers/pg", {"network": {"delegatedSubnetResourceId": at("shop/db")["id"]}}, "Microsoft.DBforPostgreSQL"),
        test_admin.admin("no", "Deny"), test_admin.admin("yes", "AlwaysAllow", 5), test_admin.MANAGER, test_admin.MEMBER, test_admin.COLLECTION,
        made("privateLinkServices/pls", {
            "loadBalancerFrontendIpConfigurations": [front.FRONT], "privateEndpointConnections": [{"properties": {"privateEndpoint": {"id": "/x"}}}],
            "ipConfigurations": [{"properties": {"privateIPAddress": "10.0.2.50", "subnet": at("shop/back")}}]}),
    ]  # fmt: skip
