"""Security admin rules of network managers: they come before network security groups.

Source: "Security admin rules in Azure Virtual Network Manager": Deny ends here, AlwaysAllow passes network security
groups by, Allow leaves it to them; a lower number comes first; not applied by default to networks with services that
have network intent policies (SQL managed instances). A configuration has no effect before it is deployed: the active
rules that a network manager lists (`commitTime`), or what its member `deploymentStatus` holds of the deployment status
API, show that it is; without them it is in doubt, whoever asserts that the estate is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from checks.model import Resource
from checks.network.azure.arm import entries, key, member, name, parent, text, texts, whole
from checks.network.azure.groups import ADMIN_KINDS, Filters, Near, Sided
from checks.network.azure.world import Subnet, World
from checks.network.azure.written import Access, Direction, Written, read_rule

MANAGER = "azure.network.networkmanagers"
COLLECTION = f"{MANAGER}.securityadminconfigurations.rulecollections"
RULE = f"{COLLECTION}.rules"
GROUP = f"{MANAGER}.networkgroups"
MEMBER = f"{GROUP}.staticmembers"
_ACCESS: Mapping[str, Access] = {"Allow": "allow", "AlwaysAllow": "always", "Deny": "deny"}
_INTENT_POLICIES = frozenset({"microsoft.sql/managedinstances"})


@dataclass(frozen=True, slots=True)
class _Placed:
    """A rule that applies to a network, or with a doubt may."""

    order: tuple[int, int, int]
    direction: str
    rule: Written
    manager: str


@dataclass
class Admin:
    """The security admin rules of every network."""

    world: World
    filters_: Filters
    _placed: dict[str, list[_Placed]] = field(default_factory=dict)
    _sided: dict[tuple[str, str, tuple[str, str]], Sided | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for resource in self.world.of(RULE).values():
            self._place(resource)

    def filters(self, subnet: Subnet, direction: Direction, context: tuple[str, str], near: Near) -> tuple[str, str] | None:
        """(what lets pass what no rule denies, what lets pass what is always allowed), where any rule applies."""
        at = (subnet.network, direction, context)
        if at not in self._sided:
            self._sided[at] = self._compiled(subnet, direction, context)
        sided = self._sided[at]
        if sided is None:
            return None
        passes, always = sided.filters(near)
        return passes, always

    def always_allows(self, network: str) -> bool:
        return any(one.rule.access == "always" and one.direction == "Inbound" for one in self._placed.get(network, ()))

    def _compiled(self, subnet: Subnet, direction: Direction, context: tuple[str, str]) -> Sided | None:
        placed = [one for one in self._placed.get(subnet.network, ()) if one.direction == direction]
        if not placed:
            return None
        placed.sort(key=lambda one: (one.order, one.rule.id))
        doubts = []
        if len({one.manager for one in placed}) > 1 and len({one.order[0] for one in placed}) == 1:
            doubts.append("several network managers have rules here, and which come first is not known")
        network = self.world.networks[subnet.network]
        if any(one.delegated_to & _INTENT_POLICIES for one in network.subnets):
            doubts.append(f"{network.id} holds a service with network intent policies, where rules are not applied by default")
        rules = [_doubted(one.rule, doubts) for one in placed]
        prefix = f"admin#{direction}#{'#'.join(context)}"
        return self.filters_.sided("security admin rules", rules, direction, context, ADMIN_KINDS, prefix)

    def _place(self, resource: Resource) -> None:
        properties = member(resource.data, "properties")
        collection_id = parent(resource.id)
        manager_id = parent(resource.id, 3)
        direction, priority = text(properties, "direction"), whole(properties, "priority")
        access = _ACCESS.get(text(properties, "access"))
        id_ = f"{name(collection_id)}/{name(resource.id)}"
        doubts = []
        if not (deployed := self._deployed(resource, manager_id)):
            if deployed is False:
                return
            doubts.append(f"whether {parent(resource.id, 2)} is deployed was not seen")
        rule = read_rule(
            id_,
            access or "always",
            text(properties, "protocol"),
            texts(properties, "destinationPortRanges") or ("*",),
            texts(properties, "sourcePortRanges") or ("*",),
            (self._ends(properties, "destinations" if direction == "Inbound" else "sources"), ()),
            (self._ends(properties, "sources" if direction == "Inbound" else "destinations"), ()),
        )
        rules = [rule]
        if direction not in {"Inbound", "Outbound"} or priority is None or access is None:
            malformed = replace(rule, doubt=f"rule {id_} does not tell its direction, priority and access")
            rules = [replace(malformed, access="deny"), replace(malformed, access="always")]
        ways = (direction,) if direction in {"Inbound", "Outbound"} else ("Inbound", "Outbound")
        for network, doubt in self._networks(collection_id, resource):
            why = [*doubts, *([doubt] if doubt else [])]
            for number, one in enumerate(rules):
                order = (self._scope(manager_id), priority or 0, number)
                for way in ways:
                    self._placed.setdefault(network, []).append(_Placed(order, way, _doubted(one, why), key(manager_id)))

    def _ends(self, properties: object, which: str) -> tuple[str, ...]:
        """The prefixes and tags of an end. One that is not told is any; a network group as an end is not resolved."""
        found = []
        for one in entries(properties, which):
            prefix = text(one, "addressPrefix")
            found.append(prefix if text(one, "addressPrefixType") in {"IPPrefix", "ServiceTag"} else f"network group {prefix}")
        return tuple(found) or ("*",)

    def _scope(self, manager_id: str) -> int:
        """A manager of management groups comes before one of subscriptions ("How do security admin rules of several managers
        interact", Azure Virtual Network Manager FAQ)."""
        manager = self.world.of(MANAGER).get(key(manager_id))
        groups = texts(manager.data, "properties", "networkManagerScopes", "managementGroups") if manager else ()
        return 0 if groups else 1

    def _deployed(self, rule: Resource, manager_id: str) -> bool | None:
        if text(rule.data, "commitTime"):
            return True
        manager = self.world.of(MANAGER).get(key(manager_id))
        status = member(manager.data, "deploymentStatus") if manager is not None else None
        if isinstance(status, list | tuple):
            deployed = [
                {key(id_) for id_ in texts(one, "configurationIds")}
                for one in entries({"value": status}, "value")
                if text(one, "deploymentType") == "SecurityAdmin" and text(one, "deploymentStatus") == "Deployed"
            ]
            return any(key(parent(rule.id, 2)) in one for one in deployed)
        return None

    def _networks(self, collection_id: str, rule: Resource) -> list[tuple[str, str]]:
        """The networks that a collection applies to, each with why that is not sure."""
        collection = self.world.of(COLLECTION).get(key(collection_id))
        applies = list(entries(collection.data, "properties", "appliesToGroups")) if collection is not None else []
        applies = applies or list(entries(rule.data, "ruleCollectionAppliesToGroups"))
        if not applies:
            why = f"which networks rule collection {collection_id} applies to is not known"
            return [(network, why) for network in self.world.networks]
        found: dict[str, str] = {}
        for one in applies:
            group = text(one, "networkGroupId")
            members = self.world.children(MEMBER, group)
            if not members:
                why = f"the members of network group {group} are not in the estate"
                for network in self.world.networks:
                    found.setdefault(network, why)
            for static in members:
                held = key(text(static.data, "properties", "resourceId"))
                network = held.partition("/subnets/")[0]
                if network in self.world.networks:
                    found[network] = "" if network == held else f"network group {group} holds subnets of {network} only"
        return list(found.items())


def _doubted(rule: Written, doubts: list[str]) -> Written:
    return replace(rule, unsure="\n".join(dict.fromkeys([*([rule.unsure] if rule.unsure else []), *doubts]))) if doubts else rule
