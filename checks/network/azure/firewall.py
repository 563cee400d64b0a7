"""Azure Firewall: what it forwards between networks, what it lets out, and what it lets in by destination NAT.

Sources (Azure Firewall documentation): "Azure Firewall rule processing logic": NAT rules first, with an implied allow
that an explicit network rule overrides, then network rules, then application rules, by priority, first match, else
denied. "Azure Firewall SNAT private IP address ranges": sources are replaced where the destination is not private.
Azure Architecture Center, "Firewall and Application Gateway for virtual networks": a NAT rule replaces both addresses.
Application rules name hosts, not addresses: what they let through is in doubt. Infrastructure names that are allowed by
default (platform images, diagnostics) and threat intelligence are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from checks.model import Resource
from checks.network.azure.arm import Malformed, address, blocks, entries, key, member, ports, reference, references, text, texts, whole
from checks.network.azure.groups import Filters, Kind
from checks.network.azure.outside import PRIVATE
from checks.network.azure.stations import delivers, routes
from checks.network.azure.world import Subnet, World
from checks.network.azure.written import Written, read_rule
from checks.network.graph import Filter, Graph, Link, Rewrite, Rule, unread
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses, addresses

FIREWALL = "azure.network.azurefirewalls"
POLICY = "azure.network.firewallpolicies"
RULE_GROUP = f"{POLICY}.rulecollectiongroups"
IP_GROUP = "azure.network.ipgroups"
KIND = "azure-firewall"
_FORWARDED = (Kind(KIND, frozenset({"allow"}), otherwise=False),)
_TRANSLATED = (Kind(KIND, frozenset({"allow"}), otherwise=True),)


@dataclass(frozen=True, slots=True)
class Collected:
    """A rule in the order of its collection: `order` is (policy, group, collection) priority and position."""

    order: tuple[int, int, int, int]
    kind: str
    allows: bool
    id: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Firewall:
    """A firewall in a subnet of a virtual network. `why` says why its rules are not known."""

    id: str
    subnet: Subnet
    private: Addresses
    sources: Addresses
    public: Addresses
    unshown: str
    """Which of its public addresses was not seen."""
    rules: tuple[Collected, ...]
    why: str
    kept: Addresses
    """The destinations to which packets keep their source."""


@dataclass
class Firewalls:
    """The firewalls of a world."""

    world: World
    held: dict[str, Firewall] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for resource in self.world.of(FIREWALL).values():
            if (found := self._read(resource)) is not None:
                self.held[key(resource.id)] = found

    def at(self, value: int, networks: Iterable[str]) -> str | None:
        """The station of the firewall with a private address in one of these networks."""
        near = frozenset(networks)
        for id_, one in self.held.items():
            if one.subnet.network in near and value in one.private:
                return f"firewall:{id_}"
        return None

    def of_subnet(self, subnet: str) -> Iterator[Firewall]:
        yield from (one for one in self.held.values() if one.subnet.key == subnet)

    def _read(self, resource: Resource) -> Firewall | None:
        properties = member(resource.data, "properties")
        subnet, private, public = None, [], []
        unshown = ""
        for one in entries(properties, "ipConfigurations"):
            subnet = subnet or self.world.subnets.get(key(reference(one, "properties", "subnet")))
            if (at := address(text(one, "properties", "privateIPAddress"))) is not None and at[0] == 4:
                private.append((at[1], at[1]))
            public_ip = self.world.public_addresses.get(key(reference(one, "properties", "publicIPAddress")))
            shown = address(text(public_ip.data, "properties", "ipAddress")) if public_ip is not None else None
            if shown is not None and shown[0] == 4:
                public.append((shown[1], shown[1]))
            elif public_id := reference(one, "properties", "publicIPAddress"):
                unshown = f"the address of {public_id} was not seen"
        if subnet is None:
            if not reference(properties, "virtualHub"):
                self.world.doubts.append(f"firewall {resource.id} stands in a subnet that is not in the estate")
            return None
        rules, why = self._rules(resource, properties)
        own = addresses(private)
        return Firewall(
            resource.id, subnet, own, own | subnet.space[4], addresses(public), unshown, tuple(sorted(rules, key=lambda one: one.order)), why,
            self._kept(properties),
        )  # fmt: skip

    def _kept(self, properties: Any) -> Addresses:
        policy = self.world.of(POLICY).get(key(reference(properties, "firewallPolicy")))
        ranges = texts(policy.data, "properties", "snat", "privateRanges") if policy is not None else ()
        if policy is None:
            told = text(properties, "additionalProperties", "Network.SNAT.PrivateRanges")
            ranges = tuple(one.strip() for one in told.split(",") if one.strip())
        if not ranges:
            return PRIVATE[4]
        held, _ = blocks(one for one in ranges if one.lower() != "ianaprivateranges")
        return held[4] | (PRIVATE[4] if any(one.lower() == "ianaprivateranges" for one in ranges) else NOBODY)

    def _rules(self, resource: Resource, properties: Any) -> tuple[list[Collected], str]:
        policy_id = reference(properties, "firewallPolicy")
        if not policy_id:
            return list(_classic(properties)), ""
        found: list[Collected] = []
        chain: list[str] = []
        while policy_id and key(policy_id) not in chain:
            policy = self.world.of(POLICY).get(key(policy_id))
            if policy is None:
                return found, f"{self.world.missing('firewall policy', policy_id)}, which {resource.id} has"
            chain.append(key(policy_id))
            groups = {key(one.id): one for one in self.world.children(RULE_GROUP, policy_id)}
            for told in references(policy.data, "properties", "ruleCollectionGroups"):
                if key(told) not in groups:
                    return found, f"{self.world.missing('rule collection group', told)}, which {resource.id} has"
            for group in groups.values():
                found += _of_policy(group, -len(chain))
            policy_id = reference(policy.data, "properties", "basePolicy")
        return found, "" if not policy_id else f"the base policies of {chain[0]} go in a circle"


def _classic(properties: Any) -> Iterator[Collected]:
    for member_, kind in (
        ("natRuleCollections", "nat"),
        ("networkRuleCollections", "network"),
        ("applicationRuleCollections", "application"),
    ):
        for one in entries(properties, member_):
            inner = member(one, "properties")
            yield from _collection(text(one, "name"), kind, inner, (0, 0, whole(inner, "priority") or 0))


def _of_policy(group: Resource, level: int) -> Iterator[Collected]:
    priority = whole(group.data, "properties", "priority") or 0
    for one in entries(group.data, "properties", "ruleCollections"):
        yield from _collection(text(one, "name"), "", one, (level, priority, whole(one, "priority") or 0))


def _collection(title: str, kind: str, data: Any, order: tuple[int, int, int]) -> Iterator[Collected]:
    allows = text(data, "action", "type").lower() in {"allow", "dnat"}
    kinds = {"natrule": "nat", "networkrule": "network", "applicationrule": "application"}
    for at, rule in enumerate(entries(data, "rules")):
        of = kind or kinds.get(text(rule, "ruleType").lower(), "unknown")
        yield Collected((*order, at), of, allows, f"{title}/{text(rule, 'name')}", rule)


@dataclass
class Lowering:
    """Makes the stations of firewalls."""

    world: World
    graph: Graph
    filters: Filters
    firewalls: Firewalls

    def lower(self) -> None:
        for id_, one in self.firewalls.held.items():
            self._forwards(id_, one)
            self._translates(id_, one)

    def _forwards(self, id_: str, one: Firewall) -> None:
        """What is let through is answered past the firewall, or by it: then as a connection of its own at both ends, for
        it drops answers to what did not come by it."""
        at, onward = f"firewall:{id_}", routes(one.subnet.key)
        self.graph.station(at, KIND, sends=onward)
        hop = (Hop(one.id, KIND),)
        for filter_, sources in self._sided(one, at, _FORWARDED, ("network", "application")).items():
            gates = ((filter_,),)
            own = one.public | one.private
            direct = Link(onward, gates, sources, one.kept - own, carries="first", via=hop)
            for kept in (direct, replace(direct, rewrite=Rewrite(leg="nat"))):
                self.graph.link(at, kept, (4,))
            replaced = Rewrite(source=one.sources, leg="nat")
            rest = EVERYBODY[4] - one.kept - own
            link = Link(onward, gates, sources, rest, rewrite=replaced, carries="first", labels=frozenset(), via=hop)
            self.graph.link(at, link, (4,))
        self.graph.link(delivers(one.subnet.network), Link(at, destination=one.sources, carries="reply"), (4,))

    def _sided(self, one: Firewall, at: str, kinds: tuple[Kind, ...], wanted: tuple[str, ...]) -> dict[str, Addresses]:
        """The filters of the wanted rules, each with the sources that it is for."""
        if one.why:
            filter_ = f"{at}#unread#{kinds[0].otherwise}"
            self.graph.filters[filter_] = unread(one.id, KIND, "destination", one.why, stateful=True)
            return {filter_: EVERYBODY[4]}
        rules = [rule for kind in wanted for rule in self._written(one, kind)]
        context = one.subnet.context
        return self.filters.sided(one.id, rules, "Outbound", context, kinds, f"{at}#{kinds[0].otherwise}").divided(4)

    def _written(self, one: Firewall, kind: str) -> Iterator[Written]:
        for rule in one.rules:
            if rule.kind not in {kind, "unknown"}:
                continue
            access: Any = "allow" if rule.allows else "deny"
            sources, destinations = self._ends(rule.data, "source"), self._ends(rule.data, "destination")
            if rule.kind == "application":
                if rule.allows:
                    yield _hosts(rule, sources)
                continue
            protocols = texts(rule.data, "protocols") or texts(rule.data, "ipProtocols")
            hosts = texts(rule.data, "destinationFqdns")
            for protocol in protocols or ("",):
                told = texts(rule.data, "destinationPorts")
                found = read_rule(rule.id, access, protocol, told or ("*",), ("*",), (sources, ()), (destinations or hosts, ()))
                if hosts or rule.kind == "unknown":
                    why = f"rule {rule.id} names hosts, whose addresses are not known" if hosts else f"rule {rule.id} is of an unknown type"
                    far = destinations if not hosts else ("*",)
                    found = read_rule(
                        rule.id, access, protocol or "*", told or ("*",), ("*",), (sources or ("*",), ()), (far or ("*",), ())
                    )
                    found = replace(found, unsure=why)
                yield found

    def _ends(self, data: Mapping[str, Any], end: str) -> tuple[str, ...]:
        found = list(texts(data, f"{end}Addresses"))
        for id_ in texts(data, f"{end}IpGroups"):
            group = self.world.of(IP_GROUP).get(key(id_))
            found += texts(group.data, "properties", "ipAddresses") if group is not None else (self.world.missing("IP group", id_),)
        return tuple(found)

    # -- destination NAT ------------------------------------------------------------------------------------------

    def _translates(self, id_: str, one: Firewall) -> None:
        arriving, translated, back = f"nat:{id_}", f"translated:{id_}", f"untranslated:{id_}"
        self.graph.station(arriving, KIND)
        self.graph.station(translated, KIND, sends=back)
        self.graph.station(back, KIND)
        hop = (Hop(one.id, KIND),)
        if one.public:
            self.graph.link(INTERNET, Link(arriving, destination=one.public, carries="first"), (4,))
        if one.unshown:
            self.graph.link(INTERNET, Link(arriving, destination=PUBLIC[4], carries="first", doubt=one.unshown), (4,))
        network = delivers(one.subnet.network)
        self.graph.link(network, Link(arriving, destination=one.private, carries="first"), (4,))
        # "Private IP DNAT Support and Scenarios with Azure Firewall": NAT rules are for what comes from inside, too.
        self.graph.link(f"firewall:{id_}", Link(arriving, destination=one.public | one.private, carries="first"), (4,))
        self.graph.link(network, Link(translated, destination=one.sources, carries="reply"), (4,))
        self.graph.link(back, Link(INTERNET, destination=PUBLIC[4], carries="reply"), (4,))
        self.graph.link(back, Link(routes(one.subnet.key), destination=EVERYBODY[4] - PUBLIC[4], carries="reply"), (4,))
        for filter_, sources in self._sided(one, translated, _TRANSLATED, ("network",)).items():
            replaced = Rewrite(source=one.sources, leg="nat")
            link = Link(routes(one.subnet.key), ((filter_,),), sources, rewrite=replaced, carries="first", labels=frozenset(), via=hop)
            self.graph.link(translated, link, (4,))
        if one.why:
            anywhere = Rewrite(destination=self.world.every_space[4])
            self.graph.link(arriving, Link(translated, rewrite=anywhere, doubt=one.why), (4,))
        self._nat_rules(arriving, translated, one)

    def _nat_rules(self, arriving: str, translated: str, one: Firewall) -> None:
        """A link for each NAT rule, with the sources that it is for and without what an earlier one takes."""
        context = one.subnet.context
        written = [
            (rule, read_rule(rule.id, "allow", protocol, texts(rule.data, "destinationPorts"), ("*",), (self._ends(rule.data, "source"), ()),
                             (self._ends(rule.data, "destination"), ())))
            for rule in one.rules if rule.kind == "nat"
            for protocol in texts(rule.data, "protocols") or texts(rule.data, "ipProtocols")
        ]  # fmt: skip
        if not written:
            return
        sided = self.filters.sided(one.id, [rule for _, rule in written], "Outbound", context, (), arriving)
        for number, (marks, sources) in enumerate(sided.parts(4).items()):
            earlier: list[Rule] = []
            for at, (rule, read) in enumerate(written):
                if not marks[at]:
                    continue
                filter_ = f"{arriving}#{number}#{at}"
                rules = (*earlier, *sided.rules_at(at, marks[at], allows=True))
                self.graph.filters[filter_] = Filter(one.id, KIND, "destination", stateful=True, ordered=True, rules=rules)
                earlier += sided.rules_at(at, marks[at], allows=False)
                becomes, doubt = self._becomes(rule, read)
                link = Link(translated, ((filter_,),), sources, rewrite=becomes, carries="first", doubt=doubt)
                self.graph.link(arriving, link, (4,))

    def _becomes(self, rule: Collected, read: Written) -> tuple[Rewrite, str]:
        at, port = address(text(rule.data, "translatedAddress")), _one_port(text(rule.data, "translatedPort"))
        if at is not None and at[0] == 4 and port is not None:
            return Rewrite(destination=addresses([(at[1], at[1])]), port=port), read.doubt
        why = read.doubt or f"NAT rule {rule.id} does not tell an address and port to translate to"
        return Rewrite(destination=self.world.every_space[4], port=port), why


def _one_port(written: str) -> int | None:
    try:
        low, high = ports(written)
    except Malformed:
        return None
    return low if low == high else None


def _hosts(rule: Collected, sources: tuple[str, ...]) -> Written:
    """An application rule: HTTP, HTTPS or SQL to hosts whose addresses are not known."""
    told = tuple(str(port) for one in entries(rule.data, "protocols") if (port := whole(one, "port")) is not None)
    found = read_rule(rule.id, "allow", "Tcp", told or ("*",), ("*",), (sources, ()), (("*",), ()))
    return replace(found, unsure=f"application rule {rule.id} names hosts, whose addresses are not known")
