"""A change that a cloud told of, and what of an estate it may be about: which types to read again, and which resources to doubt.

What an event is about stands in the catalogue and in the event itself. Its name, or the names of its members, name types (of
AuthorizeSecurityGroupIngress, the security group; of a member `volumeId`, the volume), else every type of its source is meant: more is
read again than had to be, and never less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from checks import paths
from checks.catalogue import Catalogue, Kind
from checks.model import GLOBAL, Resource
from checks.plan import Plan

_NAMELESS = frozenset({"id", "arn", "name"})
"""Members that hold the id of whatever an event is about."""
_READING = ("get", "describe", "list")
_MADE = ("create", "run", "import", "restore", "copy", "allocate", "register")
_UNMADE = ("delete", "terminate", "deregister", "release", "remove")
CREATED, DELETED, CHANGED = "created", "deleted", "changed"


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """The smallest part of an estate that is read again: all of a type in the place whose listing shows it."""

    type: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Change:
    """One event. `id` tells it from all others of its queue, however often it is delivered; `at` is RFC 3339 in UTC.

    `source` is the service as the cloud's events name it, without its domain; `members` are the texts of the event by the name of
    the member that they stand in, in lower case. `about`: where the event says what it is about, the types as the provider calls them,
    from the resource itself out, each with the resource's id.
    """

    id: str
    name: str
    source: str
    at: str
    account: str
    region: str
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    about: tuple[tuple[str, str], ...] = ()
    deleted: bool = False
    """Whether the event itself says that what it is about is there no more."""

    @property
    def texts(self) -> frozenset[str]:
        return frozenset().union(*self.members.values(), (id_ for _, id_ in self.about))


@dataclass(frozen=True, slots=True)
class Touch:
    """What a change is about: `units` to be read again, of which those in `beside` only show what it is about; the ids that the event
    gives of a type; what became of the resource of a type, where its name says so."""

    units: frozenset[Unit]
    beside: frozenset[str] = frozenset()
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    effects: Mapping[str, str] = field(default_factory=dict)

    @property
    def types(self) -> frozenset[str]:
        return frozenset(unit.type for unit in self.units)


def touched(change: Change, catalogue: Catalogue, plan: Plan) -> Touch | None:
    """What of the plan a change may be about, perhaps nothing; None where nobody knows the source of the event."""
    kinds = list(_kinds(change, catalogue))
    if not kinds:
        return None
    passed = {kind.name for kind in kinds if not change.about and change.name in kind.passing}
    named = [kind for kind in kinds if kind.name not in passed and _is_named(change, kind)]
    direct = {kind.name: kind for kind in named or (() if passed else kinds) if kind.name in plan}
    beside = {name for kind in direct.values() for name in kind.beside if name in plan and name not in direct}
    units = frozenset(Unit(name, change.account, GLOBAL if catalogue[name].is_global else change.region) for name in {*direct, *beside})
    ids = {name: held for name, kind in direct.items() if (held := frozenset(_ids(change, kind)))}
    effects = {name: effect for name, kind in direct.items() if (effect := _effect(change, kind)) != CHANGED}
    return Touch(units, frozenset(beside), ids, effects)


def meant(change: Change, touch: Touch, kind: Kind, held: Iterable[Resource]) -> frozenset[str]:
    """The ids of a type's resources that a change is about, as far as it tells; `held` are those that are known.

    An id that nobody knows is that of a resource only where the event says so: else it may be another name of one.
    """
    effect = touch.effects.get(kind.name, CHANGED)
    found = set(touch.ids.get(kind.name, ())) if kind.arm is not None or effect != CHANGED else set()
    inside = tuple(f"{id_}/" for _, id_ in change.about) if kind.arm is not None else ()
    for one in held:
        if not change.texts.isdisjoint(_names(one, kind)) or (inside and one.id.startswith(inside)):
            found.add(one.id)
    return frozenset(found)


def showing(ids: Collection[str], held: Iterable[Resource]) -> frozenset[str]:
    """The ids of the resources that refer to any of the `ids`."""
    return frozenset(one.id for one in held if not set(ids).isdisjoint(_texts(one.data)))


def _kinds(change: Change, catalogue: Catalogue) -> Iterator[Kind]:
    """The types that an event may be about: those that it names, with all that is above and below them, else those of its source."""
    if change.about:
        types = [type_ for type_, _ in change.about]
        for kind in catalogue.values():
            if not set(kind.config).isdisjoint(types) or any(_is_related(kind, type_) for type_ in types):
                yield kind
        return
    for kind in catalogue.values():
        if change.source in kind.events:
            yield kind


def _is_related(kind: Kind, type_: str) -> bool:
    """Whether a type of Azure is another one, or above or below it: what is below a resource may stand in it, too."""
    return kind.arm is not None and (f"{kind.name}.".startswith(f"{type_}.") or f"{type_}.".startswith(f"{kind.name}."))


def _is_named(change: Change, kind: Kind) -> bool:
    if change.about:
        return True
    name = change.name.lower()
    return any(noun in name for noun in _nouns(kind)) or any(True for _ in _ids(change, kind))


def _nouns(kind: Kind) -> tuple[str, ...]:
    return _read_nouns(kind.name, tuple(detail.call for detail in kind.detail))


@lru_cache(maxsize=4096)
def _read_nouns(name: str, calls: tuple[str, ...]) -> tuple[str, ...]:
    """What the names of calls about a type call it, and what is read of it: SecurityGroup, BucketPolicy."""
    found = [name.rpartition(".")[2].replace("_", "")]
    for call in map(str.lower, calls):
        found += [call.removeprefix(verb) for verb in _READING if call.startswith(verb) and len(call) > len(verb)]
    return tuple(found)


def _ids(change: Change, kind: Kind) -> Iterator[str]:
    """The ids that the event gives of a type: in the members that the catalogue names, or that are called as the id is."""
    if change.about:
        for type_, id_ in change.about:
            if type_ in kind.config or type_ == kind.name:
                yield id_
        return
    named = {member.lower() for member in kind.named_in}
    if (last := kind.id.rpartition(".")[2].lower()) not in _NAMELESS:
        named.add(last)
    for member in sorted(named & change.members.keys()):
        yield from sorted(change.members[member])


def _effect(change: Change, kind: Kind) -> str:
    """Whether the event is about the making or the end of a resource of the type: then a listing shows whether a read reflects it."""
    if change.about:
        return DELETED if change.deleted and change.about[0][0] in {*kind.config, kind.name} else CHANGED
    name, noun = change.name.lower(), _nouns(kind)[0]
    for verbs, effect in ((_MADE, CREATED), (_UNMADE, DELETED)):
        if any(name in {f"{verb}{noun}", f"{verb}{noun}s"} for verb in verbs):
            return effect
    return CHANGED


def _names(resource: Resource, kind: Kind) -> set[str]:
    """What an event may call a resource: its id, its aliases, its ARN."""
    found = {resource.id}
    for alias in kind.aliases:
        found.update(value for value in paths.values(resource.data, paths.parse(alias)) if isinstance(value, str))
    if kind.arn:
        text = kind.arn.replace("{account}", resource.account).replace("{region}", resource.region)
        for name, value in resource.data.items():
            if isinstance(value, str):
                text = text.replace("{" + name + "}", value)
        found |= {text.replace("{partition}", partition) for partition in ("aws", "aws-cn", "aws-us-gov")}
    return found


def _texts(value: object) -> Iterator[str]:
    """Every text in a value."""
    match value:
        case str():
            yield value
        case Mapping():
            for held in value.values():
                yield from _texts(held)
        case list() | tuple():
            for held in value:
                yield from _texts(held)
