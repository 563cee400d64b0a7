"""Resources gathered from several files: one of each id, children where ARM keeps them, contradictions as gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agent.collect.azure.ids import ArmId
from agent.collect.files.arm_template import Declared
from agent.collect.files.arm_values import PROPERTIES, Lost, restored
from agent.collect.files.az_files import DECLARED, AzFile
from agent.collect.files.cli_values import fitted
from checks.catalogue import Catalogue, Kind
from checks.model import GLOBAL, Place, Reason, canonical
from checks.paths import ELEMENT
from checks.plan import TAGS
from checks.shape import Shape

_NAMING: Final = ("id", "name", "type")
_DEPLOYMENTS: Final = "microsoft.resources/deployments"


@dataclass(slots=True)
class Drafted:
    """A resource as its files show it. Where `whole` is set, nothing of it can be told, and why."""

    id: ArmId
    kind: Kind
    region: str
    data: dict[str, Any]
    tags: Mapping[str, str] | None
    lost: Lost
    files: list[AzFile]
    whole: tuple[Reason, str] | None = None

    @property
    def outline(self) -> bool:
        """Whether only the envelope is shown."""
        return (PROPERTIES,) in self.lost and PROPERTIES not in self.data

    @property
    def declared(self) -> bool:
        return all(file.form == DECLARED for file in self.files)

    def agrees(self, other: Drafted) -> bool:
        """Whether two files say the same of it; an outline says little. ARM does not tell letters apart by their case."""
        if self.outline or other.outline:
            known = [(self.data.get("location"), other.data.get("location")), (self.tags, other.tags)]
            return all(None in pair or canonical(pair[0]).casefold() == canonical(pair[1]).casefold() for pair in known)
        mine, theirs = ({name: value for name, value in one.data.items() if name not in _NAMING} for one in (self, other))
        return self.lost.keys() == other.lost.keys() and canonical(mine).casefold() == canonical(theirs).casefold()


@dataclass(frozen=True, slots=True)
class _Child:
    """A resource that ARM keeps inside its parent: `member` is the list of the parent's properties."""

    id: ArmId
    kind: Kind
    member: str
    item: Mapping[str, Any]
    why: str
    file: AzFile


@dataclass(slots=True)
class Gathered:
    """All resources of the catalogue's types that files show, by key of their ids."""

    kinds: Catalogue
    drafts: dict[str, Drafted] = field(default_factory=dict)
    unnamed: list[tuple[str, str, str]] = field(default_factory=list)
    """(subscription, type, what stands in the way) of what a template declares without telling its name."""
    hidden: list[tuple[str, str]] = field(default_factory=list)
    """(subscription, what stands in the way) of what may be of any type."""
    beyond: dict[tuple[str, str], int] = field(default_factory=dict)
    """(subscription, ARM type) of no catalogue -> how many are shown."""
    _children: list[_Child] = field(default_factory=list)
    _unnamed_children: list[tuple[str, Kind, str, str]] = field(default_factory=list)

    def add(self, one: Declared, file: AzFile) -> None:
        if one.id is None:
            self._nameless(one, file)
        elif one.id.kind in self.kinds:
            self._gather(self._drafted(one, file, self.kinds[one.id.kind]))
        elif held := self._holder(one.id):
            self._children.append(_Child(one.id, *held, one.item, one.why, file))
        else:
            if file.form == DECLARED and one.id.type.lower() == _DEPLOYMENTS:
                self.hidden.append((file.subscription, f"{file.name} declares the deployment {one.id.names[-1]}, which may make more"))
            self._count(one.id.subscription, one.id.type)

    def _nameless(self, one: Declared, file: AzFile) -> None:
        if file.form != DECLARED:
            self._count(file.subscription, "what is no resource of a subscription")
            return
        namespace, *types = one.type.split("/")
        made = ArmId("", file.subscription, namespace, tuple(types), ("?",) * len(types))
        why = f"{file.name} declares one that cannot be told: {one.why}"
        if made.kind in self.kinds:
            self.unnamed.append((file.subscription, made.kind, why))
        elif held := self._holder(made):
            self._unnamed_children.append((file.subscription, *held, why))
        elif not types or made.type.lower() == _DEPLOYMENTS:
            self.hidden.append((file.subscription, why))
        else:
            self._count(file.subscription, one.type)

    def _count(self, subscription: str, type_: str) -> None:
        self.beyond[subscription, type_] = self.beyond.get((subscription, type_), 0) + 1

    def _drafted(self, one: Declared, file: AzFile, kind: Kind) -> Drafted:
        assert one.id is not None
        assert kind.arm is not None
        item, cut = one.item, file.cut if file.single else ""
        data, lost = _read(item, kind.arm.shape, kind.arm.witness, kind.arm.printed)
        tags = data.get("tags")
        if untold := [held for path, held in lost.items() if path[0] == "tags"]:
            lost = {path: held for path, held in lost.items() if path[0] != "tags"}
            lost[TAGS,] = untold[0]
            data.pop("tags", None)
            tags = None
        draft = Drafted(one.id, kind, _region(data), data, tags, lost, [file])
        if one.why or cut:
            draft.whole = (Reason.NOT_COLLECTED if file.form == DECLARED else Reason.MALFORMED, f"{file.name}: {one.why or cut}")
        return draft

    def _gather(self, draft: Drafted) -> None:
        held = self.drafts.setdefault(draft.id.key, draft)
        if held is draft or held.whole:
            return
        if draft.whole or not held.agrees(draft):
            differ = f"{held.files[0].name} and {draft.files[0].name} say different things of it"
            held.whole = draft.whole or (Reason.MALFORMED, differ)
        elif held.outline and not draft.outline:
            self.drafts[draft.id.key] = draft
        elif held.outline == draft.outline and draft.files[0] not in held.files:
            held.files.append(draft.files[0])

    # -- children that their parents hold ----------------------------------------------------------------------------

    def _holder(self, id_: ArmId) -> tuple[Kind, str] | None:
        """The type of a child's parent, and the list in the parent's properties that holds such children."""
        kind = self.kinds.get(parent.kind) if (parent := id_.parent) else None
        inner = kind.arm.shape.step(PROPERTIES) if kind is not None and kind.arm is not None else None
        if kind is None or inner is None:
            return None
        member = next((name for name in inner.names if name.casefold() == id_.types[-1].casefold()), None)
        return (kind, member) if member is not None and _element(inner, member) is not None else None

    def settle(self) -> None:
        """Hold the children against their parents: a parent that lists others than the files show contradicts them."""
        for child in sorted(self._children, key=lambda child: (child.id.key, child.file.name)):
            parent = child.id.parent
            assert parent is not None
            draft = self.drafts.get(parent.key)
            if draft is None:
                alone = (Reason.NOT_COLLECTED, f"{child.file.name} shows only {child.member} of it")
                self.drafts[parent.key] = Drafted(parent, child.kind, GLOBAL, {}, None, {}, [child.file], alone)
            elif draft.whole is None and not draft.outline:
                _settle(draft, child)
        for subscription, kind, member, why in self._unnamed_children:
            for draft in self.drafts.values():
                if draft.kind is kind and draft.id.subscription == subscription and draft.declared and draft.whole is None:
                    draft.lost.setdefault((PROPERTIES, member), (Reason.NOT_COLLECTED, why))
                    draft.data.get(PROPERTIES, {}).pop(member, None)


def _settle(draft: Drafted, child: _Child) -> None:
    assert child.kind.arm is not None
    inner = child.kind.arm.shape.step(PROPERTIES)
    shape = _element(inner, child.member) if inner else None
    assert shape is not None
    path = (PROPERTIES, child.member)
    if path in draft.lost or not isinstance(held := draft.data.setdefault(PROPERTIES, {}), dict):
        return
    listed = held.get(child.member) or []
    found, lost = _read(child.item, shape, None)
    same = [one for one in listed if _named(one, child.id)]
    if child.why:
        problem = child.why
    elif same:
        equal = canonical(same[0].get(PROPERTIES)).casefold() == canonical(found.get(PROPERTIES)).casefold()
        problem = "" if len(same) == 1 and (equal or lost) else f"says otherwise of {child.id.names[-1]}"
    else:
        problem = "" if draft.declared and child.file.form == DECLARED else f"shows {child.id.names[-1]}, which is not among them"
    if problem:
        held.pop(child.member, None)
        draft.lost[path] = (Reason.NOT_COLLECTED if child.why else Reason.MALFORMED, f"{child.file.name}: {problem}")
        return
    if not same:
        held[child.member] = [*listed, found]
    for below, held_back in lost.items():
        draft.lost[*path, ELEMENT, *below] = held_back
    if child.file not in draft.files:
        draft.files.append(child.file)


def _element(inner: Shape, member: str) -> Shape | None:
    """The shape of the child resources in a list of the parent's properties; None where it holds none."""
    below = inner.step(member)
    element = below.element if below is not None and below.kind == "list" else None
    return element if element is not None and element.step(PROPERTIES) is not None else None


def _named(element: Any, id_: ArmId) -> bool:
    if not isinstance(element, dict):
        return False
    told = element.get("id"), element.get("name")
    return str(told[0]).lower() == id_.key or (told[0] is None and str(told[1]).lower() == id_.names[-1].lower())


def _read(
    item: Mapping[str, Any], shape: Shape, witness: str | None, printed_as: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], Lost]:
    """In ARM's form, each member of its type."""
    whole, lost = restored(item, shape, witness=witness, printed_as=printed_as)
    found, misfits = fitted(whole, shape)
    return found, {**{path: (Reason.MALFORMED, problem) for path, problem in misfits.items()}, **lost}


def _region(data: Mapping[str, Any]) -> str:
    """A location as regions are named: `West Europe` is westeurope; what is nowhere in particular is global."""
    location = data.get("location")
    return "".join(location.lower().split()) or GLOBAL if isinstance(location, str) else GLOBAL


def places(gathered: Gathered) -> Iterator[tuple[str, Place]]:
    """The types that the files show something of, and where."""
    for draft in gathered.drafts.values():
        yield draft.kind.name, Place(draft.id.subscription, draft.region)
    for subscription, kind, _ in gathered.unnamed:
        yield kind, Place(subscription, GLOBAL)
