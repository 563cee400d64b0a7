"""What the prover reads of Azure: every type, with all of its members.

Nothing collects them yet: they come into an estate by import, and what a rule's plan holds of them is left out of what is
asked of AWS.
"""

from __future__ import annotations

from collections.abc import Mapping

_EVERYTHING = frozenset({"*"})
_NAMES = {
    "network": (
        "virtualnetworks", "networkinterfaces", "networksecuritygroups", "applicationsecuritygroups", "publicipaddresses",
        "publicipprefixes", "routetables", "natgateways", "loadbalancers", "servicetags", "applicationgateways", "azurefirewalls",
        "firewallpolicies", "firewallpolicies.rulecollectiongroups", "ipgroups", "privateendpoints", "privatelinkservices",
        "bastionhosts", "virtualnetworkgateways", "localnetworkgateways", "connections", "virtualhubs",
        "virtualhubs.hubvirtualnetworkconnections", "networkmanagers",
    ),
    "compute": ("virtualmachines", "virtualmachinescalesets"),
    "sql": ("servers", "servers.firewallrules", "servers.virtualnetworkrules", "managedinstances"),
    "dbforpostgresql": ("flexibleservers", "flexibleservers.firewallrules"),
    "dbformysql": ("flexibleservers", "flexibleservers.firewallrules"),
    "storage": ("storageaccounts",),
}  # fmt: skip

TYPES: Mapping[str, frozenset[str]] = {f"azure.{provider}.{name}": _EVERYTHING for provider, names in _NAMES.items() for name in names}

SERVERS = ("azure.dbformysql.flexibleservers", "azure.dbforpostgresql.flexibleservers", "azure.sql.servers")
"""Servers that may be in no network, with an endpoint on the internet alone."""
