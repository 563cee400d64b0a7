"""Network security groups and security admin rules as filters: what of them stands before one class of interfaces.

A rule names both ends. The near end is resolved here: an interface sees only the rules whose near end it belongs to, and
a filter reads the far end alone. Interfaces that the same rules apply to share a filter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from checks.network.azure.arm import EMPTY, EVERYWHERE, FAMILIES, SOMEWHERE, Blocks, key
from checks.network.azure.sides import PLATFORM, Side, Tags
from checks.network.azure.world import NSG, World
from checks.network.azure.written import ANY_PORT, Direction, Written, security_rules
from checks.network.graph import Filter, Graph, Rule, unread
from checks.network.internet import PUBLIC
from checks.network.packet import ICMP, ICMPV6, TCP, UDP
from checks.network.packets import EVERYBODY, HIGHEST, NOTHING, PORTS, PROTOCOLS, Addresses, PacketSet, addresses, packets, union

_PORTED = (TCP, UDP)
_OUTSIDE_PORTED = ((0, TCP - 1), (TCP + 1, UDP - 1), (UDP + 1, PROTOCOLS))


@dataclass(frozen=True, slots=True)
class Near:
    """What a filter stands before: some addresses of one family (it is any one of them), in some security groups (None:
    nobody knows in which)."""

    family: int
    held: Addresses
    groups: frozenset[str] | None = frozenset()


@dataclass(frozen=True, slots=True)
class Kind:
    """A filter that is made of rules: its name, which rules it lets pass, and whether what no rule matches passes."""

    name: str
    passes: frozenset[str]
    otherwise: bool


NSG_KINDS = (Kind("network-security-group", frozenset({"allow"}), otherwise=False),)
ADMIN_KINDS = (
    Kind("security-admin-rules", frozenset({"allow", "always"}), otherwise=True),
    Kind("security-admin-always-allow", frozenset({"always"}), otherwise=False),
)


@dataclass
class Sided:
    """Ordered rules of one direction, in one context; makes filters for what they stand before."""

    id: str
    rules: list[Written]
    nears: list[Side]
    fars: list[Side]
    direction: Direction
    kinds: tuple[Kind, ...]
    members: Callable[[str], Blocks]
    graph: Graph
    prefix: str
    _groups: frozenset[str] = frozenset()
    _cuts: dict[int, list[int]] = field(default_factory=dict)
    _known: dict[object, tuple[str, ...]] = field(default_factory=dict)
    _made: dict[tuple[int, ...], tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._groups = frozenset[str]().union(*(one.near_groups for one in self.rules))
        self._cuts = {family: self._boundaries(family) for family in FAMILIES}

    def filters(self, near: Near) -> tuple[str, ...]:
        """The filters, one of each kind, that stand before something."""
        relevant = near.groups & self._groups if near.groups is not None else None
        place: object = near.held
        low, high = near.held.spans[0][0], near.held.spans[-1][1]
        cuts = self._cuts[near.family]
        if bisect_right(cuts, low) == bisect_right(cuts, high):
            place = bisect_right(cuts, low)
        known = (near.family, place, relevant)
        if known not in self._known:
            marks = self.marks(near)
            if marks not in self._made:
                number = len(self._made)
                self._made[marks] = tuple(self._make(marks, kind, f"{self.prefix}#{kind.name}#{number}") for kind in self.kinds)
            self._known[known] = self._made[marks]
        return self._known[known]

    def marks(self, near: Near) -> tuple[int, ...]:
        """Whether each rule's near end is it: SURE, UNSURE, or not (0)."""
        return tuple(_standing(side, near) for side in self.nears)

    def parts(self, family: int) -> dict[tuple[int, ...], Addresses]:
        """All addresses, by the rules whose near end they are."""
        found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        starts = [0, *(cut for cut in self._cuts[family] if 0 < cut <= HIGHEST[family])]
        for low, after in zip(starts, [*starts[1:], HIGHEST[family] + 1], strict=True):
            found.setdefault(self.marks(Near(family, addresses([(low, after - 1)]))), []).append((low, after - 1))
        return {marks: addresses(spans) for marks, spans in found.items()}

    def divided(self, family: int) -> dict[str, Addresses]:
        """All addresses, by the filter (of the first kind) that stands before them."""
        found: dict[str, Addresses] = {}
        for held in self.parts(family).values():
            first = held.spans[0][0]
            filter_ = self.filters(Near(family, addresses([(first, first)])))[0]
            found[filter_] = found[filter_] | held if filter_ in found else held
        return found

    def rules_at(self, at: int, mark: int, *, allows: bool) -> Iterator[Rule]:
        """One rule as a filter's, for what belongs to its near end as `mark` says."""
        return self._rules(self.rules[at], self.fars[at], allows=allows, sure=mark == SURE)

    def _boundaries(self, family: int) -> list[int]:
        found = set()
        for side in self.nears:
            for held in (side.certain[family], side.unsure[family]):
                for low, high in held.spans:
                    found |= {low, high + 1}
        return sorted(found)

    def _make(self, marks: tuple[int, ...], kind: Kind, name: str) -> str:
        rules = [
            rule for at, mark in enumerate(marks) if mark for rule in self.rules_at(at, mark, allows=self.rules[at].access in kind.passes)
        ]
        if kind.otherwise:
            rules.append(Rule("no rule matches", {family: packets(EVERYBODY[family]) for family in FAMILIES}))
        reads = "source" if self.direction == "Inbound" else "destination"
        self.graph.filters[name] = Filter(self.id, kind.name, reads, stateful=True, ordered=True, rules=tuple(rules))  # type: ignore[arg-type]
        return name

    def _rules(self, written: Written, far: Side, *, allows: bool, sure: bool) -> Iterator[Rule]:
        if written.doubt:
            yield Rule(written.id, _everything(), allows, doubt=written.doubt)
            return
        unsure = "" if sure else _near_doubt(written)
        for source_ports in written.source_ports:
            for sender, held, doubt in self._fars(written, far):
                for matches, about in _matches(held, written):
                    reason = "\n".join(one for one in (unsure, written.unsure, doubt, about) if one)
                    yield Rule(written.id, matches, allows, sender, source_ports, f"rule {written.id}: {reason}" if reason else "")

    def _fars(self, written: Written, far: Side) -> Iterator[tuple[str | None, Blocks, str]]:
        """(who must send, which addresses, what is unsure about it)."""
        yield None, far.certain, ""
        if self.direction == "Outbound" and SOMEWHERE not in far.certain[4] and far.certain[4] & PUBLIC[4] - PLATFORM[4]:
            yield None, {**EMPTY, 4: addresses([(SOMEWHERE, SOMEWHERE)])}, "the addresses of services are not known"
        if far.doubt:
            yield None, far.unsure, far.doubt
        for group in written.far_groups:
            if self.direction == "Inbound":
                yield group, EVERYWHERE, ""
            else:
                yield None, self.members(group), ""


SURE, UNSURE = 1, 2


def _near_doubt(written: Written) -> str:
    """What to say of a rule whose near end may not be what it stands before."""
    return f"whether {', '.join([*written.near, *sorted(written.near_groups)])} holds what it stands before is not known"


def _standing(side: Side, near: Near) -> int:
    """Whether what a rule stands before belongs to its near end: surely, perhaps, or not."""
    if near.held <= side.certain[near.family] or (near.groups is not None and side.groups & near.groups):
        return SURE
    if near.groups is None and side.groups:
        return UNSURE
    return UNSURE if near.held & (side.certain[near.family] | side.unsure[near.family]) else 0


def _everything() -> Mapping[int, PacketSet]:
    return {family: packets(EVERYBODY[family]) for family in FAMILIES}


def _matches(held: Blocks, written: Written) -> Iterator[tuple[Mapping[int, PacketSet], str]]:
    """The packets of a rule by family, and what is unsure about them."""
    if not any(held.values()):
        return
    if written.protocols:
        yield {family: _numbered(held[family], family, written) for family in FAMILIES}, ""
    elif ANY_PORT in written.ports:
        yield {family: packets(held[family]) for family in FAMILIES}, ""
    else:
        ported = {
            family: union(packets(held[family], (number, number), span) for number in _PORTED for span in written.ports)
            for family in FAMILIES
        }
        yield ported, ""
        others = {family: union(packets(held[family], span) for span in _OUTSIDE_PORTED) for family in FAMILIES}
        yield others, "whether a rule for ports matches protocols that have none is not documented"


def _numbered(held: Addresses, family: int, written: Written) -> PacketSet:
    found = NOTHING
    for number in written.protocols:
        if number == (ICMPV6 if family == 4 else ICMP):
            continue
        for span in written.ports if number in _PORTED else ((0, PORTS),):
            found |= packets(held, (number, number), span)
    return found


@dataclass
class Filters:
    """The filters of a world, made as they are asked for."""

    world: World
    tags: Tags
    graph: Graph
    members: Callable[[str], Blocks]
    _groups: dict[tuple[str, Direction, tuple[str, str]], Sided | str] = field(default_factory=dict)

    def of_group(self, id_: str, direction: Direction, context: tuple[str, str], near: Near) -> str:
        """The filter of a network security group before something."""
        at = (id_, direction, context)
        if at not in self._groups:
            self._groups[at] = self._compiled(id_, direction, context)
        found = self._groups[at]
        return found if isinstance(found, str) else found.filters(near)[0]

    def _compiled(self, id_: str, direction: Direction, context: tuple[str, str]) -> Sided | str:
        group = self.world.of(NSG).get(key(id_))
        rules, why = security_rules(group, direction) if group is not None else ([], self.world.missing("network security group", id_))
        why = self.world.gapped.get(key(id_), why)
        name = f"{key(id_)}#{direction}#{'#'.join(context)}"
        if why:
            reads = "source" if direction == "Inbound" else "destination"
            self.graph.filters[name] = unread(id_, NSG_KINDS[0].name, reads, why, stateful=True)  # type: ignore[arg-type]
            return name
        assert group is not None
        return self.sided(group.id, rules, direction, context, NSG_KINDS, name)

    def sided(
        self, id_: str, rules: list[Written], direction: Direction, context: tuple[str, str], kinds: tuple[Kind, ...], prefix: str
    ) -> Sided:
        nears = []
        for one in rules:
            side = self.tags.side(context, one.near)
            nears.append(Side(side.certain, side.unsure, side.doubt, one.near_groups) if not one.doubt else Side(EVERYWHERE))
        fars = [self.tags.side(context, one.far) for one in rules]
        return Sided(id_, rules, nears, fars, direction, kinds, self.members, self.graph, prefix)


def members_of(groups: Mapping[str, list[tuple[int, int]]]) -> Callable[[str], Blocks]:
    """The addresses of application security groups, of (family, address) pairs."""
    known: dict[str, Blocks] = {}

    def members(group: str) -> Blocks:
        if group not in known:
            held = groups.get(group, [])
            known[group] = {family: addresses((value, value) for one, value in held if one == family) for family in FAMILIES}
        return known[group]

    return members
