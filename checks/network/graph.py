"""The path graph: what both clouds' configurations are lowered to, and all that the prover reads.

Stations are where packets come by: a class of interfaces that are treated alike, a subnet, a route table, a gateway,
the internet. Links lead from one to the next and say which packets go that way: past which filters, from and to which
addresses, rewritten how. Whatever is not known for sure is a doubt: a packet *may* pass it, and none *must*.

Nothing here knows a cloud. What a packet set's addresses mean depends on the filter: it reads the packet's source or
its destination; the other end is the interface it stands at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from checks.network.packet import Hop
from checks.network.packets import EVERYBODY, NOTHING, PORTS, Addresses, PacketSet, Span, first_match, has, packets, union

End = Literal["source", "destination"]
Labels = frozenset[str] | None
"""What a sender is known as besides its address (its security groups); None: it could be anyone."""
NO_LABELS: Labels = frozenset()
ANY_PORT: Span = (0, PORTS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a filter. `matches` by address family; with `sender`, only packets from who is labelled so; with
    `source_ports`, only from those. With a `doubt` (an unresolved tag), `matches` is the most that it could match."""

    id: str
    matches: Mapping[int, PacketSet]
    allows: bool = True
    sender: str | None = None
    source_ports: Span = ANY_PORT
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What surely passes, and what may; the same set where everything is known."""

    must: PacketSet
    may: PacketSet


@dataclass(frozen=True, eq=False)
class Filter:
    """Rules that a packet meets: where `ordered`, the first that matches decides; else any that allows is enough.

    What no rule matches is dropped. A stateful filter lets the replies of what it let through pass.
    """

    id: str
    kind: str
    reads: End
    stateful: bool
    ordered: bool
    rules: tuple[Rule, ...]
    of: str = ""
    """The provider's id of what it belongs to, where `id` says more than that (which direction of a security group)."""
    _known: dict[tuple[int, Labels, int], Allowance] = field(default_factory=dict, compare=False, repr=False)

    @property
    def told(self) -> str:
        """What people know it by."""
        return self.of or self.id

    @property
    def senders(self) -> frozenset[str]:
        return frozenset(rule.sender for rule in self.rules if rule.sender is not None)

    def allowance(self, family: int, labels: Labels, source_port: int) -> Allowance:
        """What passes, of packets from a source port and from a sender with these labels."""
        key = (family, labels if labels is None else labels & self.senders, source_port)
        if key not in self._known:
            rules = [rule for rule in self.rules if rule.source_ports[0] <= source_port <= rule.source_ports[1]]
            certain = [rule for rule in rules if rule.sender is None or labels is None or rule.sender in labels]
            self._known[key] = self._compiled(certain, family, labels)
        return self._known[key]

    def _compiled(self, rules: list[Rule], family: int, labels: Labels) -> Allowance:
        def unsure(rule: Rule) -> bool:
            return bool(rule.doubt) or (labels is None and rule.sender is not None)

        def sets(*, doubtful: bool) -> list[tuple[bool, PacketSet]]:
            """With `doubtful` allowing, rules in doubt allow all they could, else they deny all they could."""
            return [(rule.allows, rule.matches.get(family, NOTHING)) for rule in rules if not unsure(rule) or rule.allows is doubtful]

        every = packets(EVERYBODY[family])
        if not self.ordered:
            must = union(matches for allows, matches in sets(doubtful=False) if allows)
            if not any(map(unsure, rules)):
                return Allowance(must, must)
            return Allowance(must, must | union(matches for allows, matches in sets(doubtful=True) if allows))
        may = first_match(sets(doubtful=True), every)
        return Allowance(may if not any(map(unsure, rules)) else first_match(sets(doubtful=False), every), may)

    def doubts(self, labels: Labels) -> tuple[str, ...]:
        found = [rule.doubt for rule in self.rules if rule.doubt]
        if labels is None and self.senders:
            found.append(f"{self.id} admits by who sends, and who that is, is not known")
        return tuple(dict.fromkeys(found))

    def passing(self, family: int, labels: Labels, source_port: int, protocol: int, port: int, address: int) -> tuple[str, ...]:
        """The rules that let one packet through: the first where ordered, else every one that allows it."""
        found = []
        for rule in self.rules:
            sender = rule.sender is None or labels is None or rule.sender in labels
            if sender and rule.source_ports[0] <= source_port <= rule.source_ports[1]:
                if not has(rule.matches.get(family, NOTHING), protocol, port, address):
                    continue
                if self.ordered:
                    return (rule.id,) if rule.allows else ()
                if rule.allows:
                    found.append(rule.id)
        return tuple(found)


def unread(id_: str, kind: str, reads: End, doubt: str, *, stateful: bool, of: str = "") -> Filter:
    """A filter that nobody has seen: it may let everything through."""
    everything = {family: packets(everybody) for family, everybody in EVERYBODY.items()}
    return Filter(id_, kind, reads, stateful, ordered=False, rules=(Rule(f"{id_} (not seen)", everything, doubt=doubt),), of=of)


Translation = tuple[tuple[int, int, int], ...]
"""(lowest, highest, what the lowest becomes): one address for one."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """How a packet is changed: an end translated one to one, or replaced by any of some addresses; sent to another port,
    or to any of a span of them (replies keep theirs).

    With a `family`, it goes on as a packet of that one; both ends are then changed.

    `leg` says that here one connection ends and another begins, whose replies come back to the station that the link
    leaves: `proxy`, if the first must be established for the second to be made; `nat`, if packets just go on under
    another address; `pass`, if the network itself carries the replies back, whatever the routes say.
    """

    source: Translation | Addresses | None = None
    destination: Translation | Addresses | None = None
    port: int | Span | None = None
    leg: Literal["", "proxy", "nat", "pass"] = ""
    family: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A way from a station to the next.

    `filters`: every group must let a packet through, and one filter of a group is enough to. `source` and
    `destination` confine the addresses, `packets` the protocols and ports (with every address); they and the filters
    see the packet as it was before `rewrite`. `carries` says which packets of a connection go this way. `labels`
    replaces what the sender is known as. `doubt` says why it is not sure that any packet goes this way, a reason a line. `via` are the
    hops to be told, after the filters.
    """

    to: str
    filters: tuple[tuple[str, ...], ...] = ()
    source: Addresses | None = None
    destination: Addresses | None = None
    packets: PacketSet | None = None
    rewrite: Rewrite | None = None
    carries: Literal["both", "first", "reply"] = "both"
    labels: Labels | Literal["kept"] = "kept"
    doubt: str = ""
    via: tuple[Hop, ...] = ()


@dataclass(slots=True)
class Station:
    """A place in the graph. Links are kept by address family. A packet that comes to a station that `ends` has arrived;
    who receives it there sends from the station `sends`, or where that is empty, from here."""

    id: str
    kind: str
    ends: bool = False
    sends: str = ""
    links: dict[int, list[Link]] = field(default_factory=lambda: {4: [], 6: []})


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface. It receives at `station` and sends from `sends`; both are shared by its class.

    `owners` are the ids of the resources it serves (an instance, a load balancer, a database), by type.
    `addresses` are its own, by family, and `prefixes` the ranges that are delegated to it; `public` maps its public
    addresses to its own. `tags` are its own and its owners'; None, or with `more_tags`, there may be some that nobody saw.
    """

    id: str
    type: str
    kind: str
    account: str
    region: str
    network: str
    subnet: str
    station: str
    sends: str
    addresses: Mapping[int, tuple[int, ...]]
    public: Mapping[int, int] = field(default_factory=dict)
    owners: tuple[tuple[str, str], ...] = ()
    labels: frozenset[str] = frozenset()
    tags: Mapping[str, str] | None = None
    more_tags: bool = False
    prefixes: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)

    def spans(self, family: int) -> tuple[Span, ...]:
        """All addresses of a family that are its own."""
        return (*((one, one) for one in self.addresses.get(family, ())), *self.prefixes.get(family, ()))


@dataclass(slots=True)
class Graph:
    """All that is known of the networks of an estate."""

    stations: dict[str, Station] = field(default_factory=dict)
    filters: dict[str, Filter] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    networks: dict[str, Mapping[int, Addresses]] = field(default_factory=dict)
    """The address space of each VPC or virtual network, and of each subnet, by id."""
    outside: dict[str, str] = field(default_factory=dict)
    """Stations of what no estate holds: the internet, networks behind gateways; by station id, its title."""
    doubts: list[str] = field(default_factory=list)
    """What is not known about the networks as a whole: what nobody looked at that could hold interfaces."""

    def station(self, id_: str, kind: str, *, ends: bool = False, sends: str = "") -> Station:
        """The station of that id, made where it is not there yet."""
        if id_ not in self.stations:
            self.stations[id_] = Station(id_, kind, ends, sends)
        return self.stations[id_]

    def link(self, at: str, link: Link, families: tuple[int, ...] = (4, 6)) -> None:
        for family in families:
            self.stations[at].links[family].append(link)

    def leading_to(self, goals: Iterable[str]) -> frozenset[str]:
        """The stations from which some link after link leads to one of these, whatever may pass."""
        before: dict[str, list[str]] = {}
        for station in self.stations.values():
            for links in station.links.values():
                for link in links:
                    before.setdefault(link.to, []).append(station.id)
        found, todo = set(goals), list(goals)
        while todo:
            for id_ in before.get(todo.pop(), ()):
                if id_ not in found:
                    found.add(id_)
                    todo.append(id_)
        return frozenset(found)

    @property
    def tells_source_ports(self) -> bool:
        """Whether any rule asks which port a packet comes from."""
        return self.source_port_cuts != (0,)

    @property
    def source_port_cuts(self) -> tuple[int, ...]:
        """The source ports from which on some rule treats packets differently; 0 first."""
        found = {0}
        for filter_ in self.filters.values():
            for rule in filter_.rules:
                found |= {rule.source_ports[0], rule.source_ports[1] + 1}
        return tuple(sorted(cut for cut in found if cut <= PORTS))


@lru_cache(1 << 16)
def any_of(allowances: tuple[Allowance, ...]) -> Allowance:
    """What passes if one filter is enough."""
    if len(allowances) == 1:
        return allowances[0]
    must = union(one.must for one in allowances)
    if all(one.must is one.may for one in allowances):
        return Allowance(must, must)
    return Allowance(must, union(one.may for one in allowances))
