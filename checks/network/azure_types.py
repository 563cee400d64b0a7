"""What the prover reads of Azure: every type, with all of its members."""

from __future__ import annotations

from collections.abc import Mapping

_EVERYTHING = frozenset({"*"})
_NAMES = {
    "network": (
        "virtualnetworks", "networkinterfaces", "networksecuritygroups", "applicationsecuritygroups", "publicipaddresses",
        "publicipprefixes", "routetables", "natgateways", "loadbalancers", "servicetags", "applicationgateways", "azurefirewalls",
        "firewallpolicies", "firewallpolicies.rulecollectiongroups", "ipgroups", "privateendpoints", "privatelinkservices",
        "bastionhosts", "virtualnetworkgateways", "localnetworkgateways", "connections", "virtualhubs",
        "virtualhubs.hubvirtualnetworkconnections", "networkmanagers", "networkmanagers.networkgroups.staticmembers",
        "networkmanagers.securityadminconfigurations.rulecollections", "networkmanagers.connectivityconfigurations",
        "networkmanagers.securityadminconfigurations.rulecollections.rules",
    ),
    "compute": ("virtualmachines", "virtualmachinescalesets", "virtualmachinescalesets.virtualmachines.networkinterfaces"),
    "apimanagement": ("service",),
    "app": ("managedenvironments",),
    "containerinstance": ("containergroups",),
    "containerservice": ("managedclusters",),
    "web": ("hostingenvironments",),
    "sql": ("servers", "servers.firewallrules", "servers.virtualnetworkrules", "managedinstances"),
    "dbforpostgresql": ("flexibleservers", "flexibleservers.firewallrules"),
    "dbformysql": ("flexibleservers", "flexibleservers.firewallrules"),
    "storage": ("storageaccounts",),
}  # fmt: skip

TYPES: Mapping[str, frozenset[str]] = {f"azure.{provider}.{name}": _EVERYTHING for provider, names in _NAMES.items() for name in names}

SERVERS = ("azure.dbformysql.flexibleservers", "azure.dbforpostgresql.flexibleservers", "azure.sql.servers")
"""Servers that may be in no network, with an endpoint on the internet alone."""
