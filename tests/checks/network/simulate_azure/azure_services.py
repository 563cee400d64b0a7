"""Load balancers, application gateways, Azure Firewall and network managers, in the way of `azure_world`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checks.model import Resource
from tests.checks.network.simulate_azure.azure_world import REGION, Json, arm, at, config_id, pool, ref, resource

# Load balancers


def load_balancer(
    name: str,
    *rules: Json,
    public: str = "",
    private: str = "",
    place: str = "",
    sku: str = "Standard",
    pools: Sequence[Json] = ({"name": "pool", "properties": {}},),
    nat_rules: Sequence[Json] = (),
    outbound: bool = False,
    **frontend: Any,
) -> Resource:
    """With one frontend, over a public address's name or a private address in a subnet."""
    front = ref(f"loadBalancers/{name}/frontendIPConfigurations/front")
    given: Json = {"publicIPAddress": ref(f"publicIPAddresses/{public}")} if public else {"privateIPAddress": private, "subnet": at(place)}
    for one in [*rules, *nat_rules]:
        one["properties"]["frontendIPConfiguration"] = front
    for one in rules:
        one["properties"]["backendAddressPool"] = pool(f"{name}/pool")
    for one in pools:
        one["id"] = pool(f"{name}/{one['name']}")["id"]
    out = {
        "name": "out",
        "properties": {"frontendIPConfigurations": [front], "backendAddressPool": pool(f"{name}/pool"), "protocol": "All"},
    }
    return resource(
        "loadBalancers",
        name,
        {
            "frontendIPConfigurations": [{**front, "name": "front", "properties": {**given, **frontend}}],
            "backendAddressPools": list(pools),
            "loadBalancingRules": list(rules),
            "inboundNatRules": list(nat_rules),
            "outboundRules": [out] if outbound else [],
        },
        sku={"name": sku, "tier": "Regional"},
    )


def lb_rule(name: str, front: int, back: int, protocol: str = "Tcp", *, floating: bool = False, no_snat: bool = True) -> Json:
    return {
        "name": name,
        "properties": {
            "frontendPort": front,
            "backendPort": back,
            "protocol": protocol,
            "enableFloatingIP": floating,
            "disableOutboundSnat": no_snat,
        },
    }


def nat_rule(name: str, front: int, back: int, interface: str, protocol: str = "Tcp") -> Json:
    return {
        "name": name,
        "properties": {
            "frontendPort": front,
            "backendPort": back,
            "protocol": protocol,
            "backendIPConfiguration": {"id": config_id(interface)},
        },
    }


def application_gateway(
    name: str, place: str, *backends: str, public: str = "", private: str = "", port: int = 80, backend_port: int = 8080
) -> Resource:
    """One listener, one rule, one pool of addresses (a text that is no address is a host name)."""

    def part(kind: str, own: str) -> Json:
        return ref(f"applicationGateways/{name}/{kind}/{own}")

    front: Json = {"publicIPAddress": ref(f"publicIPAddresses/{public}")} if public else {"privateIPAddress": private, "subnet": at(place)}
    addresses = [{"fqdn" if any(letter.isalpha() for letter in one) else "ipAddress": one} for one in backends]
    listener = {
        "frontendIPConfiguration": part("frontendIPConfigurations", "front"),
        "frontendPort": part("frontendPorts", "port"),
        "protocol": "Http",
    }
    routing = {
        "httpListener": part("httpListeners", "listener"),
        "backendAddressPool": part("backendAddressPools", "pool"),
        "backendHttpSettings": part("backendHttpSettingsCollection", "http"),
    }
    given = {
        "gatewayIPConfigurations": [("gatewayIP", {"subnet": at(place)})],
        "frontendIPConfigurations": [("front", front)],
        "frontendPorts": [("port", {"port": port})],
        "httpListeners": [("listener", listener)],
        "backendAddressPools": [("pool", {"backendAddresses": addresses})],
        "backendHttpSettingsCollection": [("http", {"port": backend_port, "protocol": "Http"})],
        "requestRoutingRules": [("all", routing)],
    }
    made = {kind: [{**part(kind, own), "name": own, "properties": what} for own, what in parts] for kind, parts in given.items()}
    return resource("applicationGateways", name, {**made, "sku": {"name": "Standard_v2", "tier": "Standard_v2"}})


# Azure Firewall


def firewall(name: str, network: str, private: str, *publics: str, policy: str = "", **collections: Any) -> Resource:
    configurations = [{"name": "first", "properties": {"subnet": at(f"{network}/AzureFirewallSubnet"), "privateIPAddress": private}}]
    for number, public in enumerate(publics):
        target = configurations[0] if number == 0 else {"name": public, "properties": {}}
        target["properties"]["publicIPAddress"] = ref(f"publicIPAddresses/{public}")  # type: ignore[index]
        configurations += [target] if number else []
    given: Json = {"ipConfigurations": configurations, **collections}
    if policy:
        given["firewallPolicy"] = ref(f"firewallPolicies/{policy}")
    return resource("azureFirewalls", name, given)


def collection(name: str, priority: int, action: str, *rules: Json) -> Json:
    """Of the firewall's own (classic) rules."""
    return {"name": name, "properties": {"priority": priority, "action": {"type": action}, "rules": list(rules)}}


def fw_rule(
    name: str, *, source: str = "*", destination: str = "*", ports: str = "*", protocol: str = "TCP", to: str = "", to_port: str = ""
) -> Json:
    """A network rule, or with `to` a NAT rule."""
    given: Json = {
        "name": name,
        "protocols": [protocol],
        "sourceAddresses": [source],
        "destinationAddresses": [destination],
        "destinationPorts": [ports],
    }
    return {**given, **({"translatedAddress": to, "translatedPort": to_port} if to else {})}


def policy(name: str, *groups: str, base: str = "", **more: Any) -> Resource:
    given: Json = {"ruleCollectionGroups": [ref(f"firewallPolicies/{name}/ruleCollectionGroups/{one}") for one in groups], **more}
    if base:
        given["basePolicy"] = ref(f"firewallPolicies/{base}")
    return resource("firewallPolicies", name, given)


def rule_group(owner: str, name: str, priority: int, *collections: Json) -> Resource:
    """A rule collection group of a policy; its collections are those of the classic shape, rewritten."""
    made = []
    for one in collections:
        given = one["properties"]
        rules = []
        for each in given["rules"]:
            kind = "NatRule" if "translatedAddress" in each else "NetworkRule"
            rules.append(
                {
                    **{member: value for member, value in each.items() if member != "protocols"},
                    "ipProtocols": each["protocols"],
                    "ruleType": kind,
                }
            )
        made.append({"name": one["name"], "priority": given["priority"], "action": given["action"], "rules": rules})
    return resource("firewallPolicies/ruleCollectionGroups", f"{owner}/{name}", {"priority": priority, "ruleCollections": made})


# Network managers


def network_manager(*configurations: str, deployed: bool | None = True) -> Resource:
    """`deployed` None: the estate does not tell."""
    status = [
        {
            "region": REGION,
            "deploymentStatus": "Deployed",
            "deploymentType": "SecurityAdmin",
            "configurationIds": [_admin_id(one) for one in configurations if deployed],
        }
    ]
    return resource("networkManagers", "central", {}, **({} if deployed is None else {"deploymentStatus": status}))


def admin_rules(configuration: str, members: Sequence[str], *rules: Json) -> list[Resource]:
    """A configuration with one collection of rules, for a network group with static members."""
    chain = "networkManagers/securityAdminConfigurations/ruleCollections"
    group = arm("networkManagers/central/networkGroups/all")
    joined = [
        resource("networkManagers/networkGroups/staticMembers", f"central/all/{one}", {"resourceId": arm(f"virtualNetworks/{one}")})
        for one in members
    ]
    collection = resource(chain, f"central/{configuration}/baseline", {"appliesToGroups": [{"networkGroupId": group}]})
    listed = [
        resource(f"{chain}/rules", f"central/{configuration}/baseline/{one['name']}", one["properties"], kind="Custom") for one in rules
    ]
    return [resource("networkManagers/securityAdminConfigurations", f"central/{configuration}", {}), collection, *joined, *listed]


def admin_rule(
    name: str, priority: int, access: str, *, out: bool = False, protocol: str = "Any", source: str = "", ports: str = ""
) -> Json:
    given: Json = {"priority": priority, "access": access, "direction": "Outbound" if out else "Inbound", "protocol": protocol}
    sources = [{"addressPrefix": source, "addressPrefixType": "IPPrefix" if "/" in source else "ServiceTag"}] if source else []
    return {
        "name": name,
        "properties": {
            **given,
            "sources": sources,
            "destinations": [],
            "sourcePortRanges": [],
            "destinationPortRanges": [ports] if ports else [],
        },
    }


def _admin_id(configuration: str) -> str:
    return arm(f"networkManagers/central/securityAdminConfigurations/{configuration}")
