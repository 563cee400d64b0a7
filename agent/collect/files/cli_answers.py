"""Answers out of files, as the collector asks for them: which account and region each file is of, and which resource."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from agent.collect.aws.client import HOME_REGION, Halt, Page
from agent.collect.aws.errors import Failure
from agent.collect.files.cli_calls import Call, Calls
from agent.collect.files.cli_files import CliFile
from agent.collect.files.cli_listings import Listed, filtered, full, own, shadows
from agent.collect.files.cli_places import Places
from agent.collect.wire import filled_params, identity, items_of
from checks import paths
from checks.catalogue import Detail, Kind, TagCall
from checks.model import GLOBAL, Place, Reason, canonical

Key = tuple[str, str, str, str]
"""Service, region, operation, canonical parameters: what the collector asks."""
_PLACES: Final = frozenset({"account", "region", "partition"})
_PLACEHOLDER: Final = re.compile(r"\{([^{}\"]+)\}")


@dataclass
class Recorded:
    """One account as its files show it; answers the collector in the place of AWS."""

    id: str
    partition: str = "aws"
    in_bulk: bool = False
    answers: dict[Key, Page | Halt] = field(default_factory=dict)

    def call(self, service: str, region: str, operation: str, params: Mapping[str, Any]) -> Page | Halt:
        missing = Failure(Reason.NOT_COLLECTED, "", f"no file holds {Call(service, operation)} of it")
        return self.answers.get((service, region, operation, canonical(params))) or Halt(missing)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a detail call can be about: a resource, or an element of what another detail says of it."""

    kind: Kind
    detail: Detail | TagCall
    place: Place
    key: Key
    params: Mapping[str, Any]
    names: frozenset[str]
    id: str


class _Subjects:
    """The subjects of one call by the names that a file may give them."""

    def __init__(self, subjects: Iterable[_Subject]) -> None:
        self._exact: dict[str, list[_Subject]] = {}
        self._last: dict[str, list[_Subject]] = {}
        for one in subjects:
            for name in one.names:
                self._exact.setdefault(name, []).append(one)
            for name in {_last(name) for name in one.names}:
                self._last.setdefault(name, []).append(one)

    def named(self, name: str, account: str | None, region: str | None) -> list[_Subject]:
        """Those of that name near the place; else those whose id, ARN or path ends with it. `%2F` stands for a slash."""
        for text in (name, unquote(name)):
            for index in (self._exact, self._last):
                if found := [one for one in index.get(text, ()) if _near(one, account, region)]:
                    return found
        return []


def _near(one: _Subject, account: str | None, region: str | None) -> bool:
    return account in (None, one.place.account) and (one.place.region == GLOBAL or region in (None, one.place.region))


@dataclass
class Answers:
    """All that the files of a folder answer. Raises EstateError for a file that cannot be told from another's place or resource."""

    calls: Calls
    files: tuple[CliFile, ...]
    account: str | None
    region: str | None
    asserted: bool
    accounts: dict[str, Recorded] = field(default_factory=dict)
    regions: dict[str, set[str]] = field(default_factory=dict)
    listings: list[Listed] = field(default_factory=list)
    tagged: set[tuple[str, Place]] = field(default_factory=set)
    unused: list[str] = field(default_factory=list)
    _held: dict[tuple[str, Key], list[CliFile]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        places = Places(self.files, self.calls, self.account, self.region)
        self._list(places)
        waiting: dict[Call, list[CliFile]] = {}
        for file in self.files:
            if self.calls.lists_all(file.call, file.resource):
                continue
            if self._of_place(file):
                self._about_place(file, places.of(file))
            else:
                waiting.setdefault(file.call, []).append(file)
        for number, hanging in enumerate((False, False, True)):
            if number == 1:  # what is said of things in a listing of parts can be told now
                self._list_parts()
            for call, files in sorted(waiting.items()):
                subjects = _Subjects(self._subjects(call, hanging=hanging))
                waiting[call] = [file for file in files if not self._about_resource(file, subjects, last=hanging)]
        self._answer()

    # -- listings -------------------------------------------------------------------------------------------------

    def _list(self, places: Places) -> None:
        groups: dict[tuple[Place, Call], list[CliFile]] = {}
        for file in self.files:
            if self.calls.lists_all(file.call, file.resource):
                groups.setdefault((places.of(file), file.call), []).append(file)
        for (place, call), files in groups.items():
            pages = _different(files)
            for kind in self.calls.lists[call]:
                if any(kind in self.calls.listed_in(call, file.page) for file in pages):
                    self._listed(kind, place, pages)

    def _listed(self, kind: Kind, place: Place, files: list[CliFile]) -> None:
        assert kind.list_ != "none"
        self._enter(place)
        pages, others = [], 0
        for file in files:
            page, left_out = own(kind, place, file.page)
            pages.append(page)
            others += left_out
        cut = self._cut(files) or (None if self.asserted else full(kind, files))
        if not any(items_of(page, kind.list_.path, absent_is_empty=True) for page in pages):
            if others and not shadows(kind):
                cut = f"{files[0].name} lists nothing that belongs to account {place.account}: it may be another account's"
            elif len(self.calls.steps(files[0].call)) > 1 and not self.asserted:
                cut = f"{files[0].name} lists none, as it would if it had been asked for something else: --assert-complete says who knows"
        listed = Listed(kind, place, Page(tuple(pages), None, _sha256(files)), cut, others)
        self.listings.append(listed)
        self.accounts[place.account].answers[kind.service, place.region, kind.list_.call, canonical(kind.list_.params)] = _whole(
            listed.answer, cut
        )

    def _cut(self, files: list[CliFile]) -> str | None:
        """Why the files may not be all pages. Who asserts that they are complete is believed as far as they do not say otherwise."""
        open_ = [(file, told) for file in files if (told := self.calls.more(file.call, file.page))]
        if not open_:
            return None
        file, told = open_[0]
        if len(files) - len(open_) != 1:
            return f"{file.name} holds only the first pages: its {told} says that there are more"
        if self.asserted:
            return None
        return f"{file.name} is one of {len(files)} pages, and nothing shows that none is missing: --assert-complete says who knows"

    def _list_parts(self) -> None:
        """The listings that several files make up: what each says of the thing that it is about."""
        parts: dict[tuple[Call, Place], list[CliFile]] = {}
        for (account, (service, region, operation, _)), files in self._held.items():
            if (call := Call(service, operation)) in self.calls.parted:
                parts.setdefault((call, Place(account, region)), []).extend(files)
        for (call, place), files in sorted(parts.items()):
            pages = tuple(file.page for file in files)
            self.listings.append(Listed(self.calls.parted[call], place, Page(pages, None, _sha256(files)), None, 0))

    def _enter(self, place: Place) -> None:
        self.accounts.setdefault(place.account, Recorded(place.account))
        regions = self.regions.setdefault(place.account, set())
        if place.region != GLOBAL:
            regions.add(place.region)

    # -- details --------------------------------------------------------------------------------------------------

    def _of_place(self, file: CliFile) -> bool:
        """Whether the file is about an account or region as such, or says the same for all resources there."""
        own = {None, file.account, self.account, file.region, self.region}
        return file.resource in own and any(_needs_no_item(detail) for _, detail in self.calls.details[file.call])

    def _about_place(self, file: CliFile, place: Place) -> None:
        if place.region == GLOBAL and not self._pseudo(file.call) and file.region not in (None, HOME_REGION):
            self.unused.append(file.name)
            return
        self._enter(place)
        names = {"account": place.account, "region": place.region, "partition": "aws"}
        for kind, detail in self.calls.details[file.call]:
            params = filled_params(detail.params, {}, names) if _needs_no_item(detail) else None
            if params is not None:
                key = (_service(kind, detail), place.region, detail.call, canonical(params))
                self._hold(file, place.account, key)

    def _pseudo(self, call: Call) -> bool:
        return any(kind.pseudo for kind, _ in self.calls.details[call])

    def _subjects(self, call: Call, *, hanging: bool) -> Iterator[_Subject]:
        """Every resource of the listings that the call can be about; with `hanging` every element of other details' answers."""
        for kind, detail in self.calls.details[call]:
            each = detail.each if isinstance(detail, Detail) else None
            if (each is not None) is not hanging:
                continue
            for listed in (one for one in self.listings if one.kind is kind):
                for item in listed.items():
                    if (known := identity(kind, item, listed.place)) is None:
                        continue
                    names = {"account": listed.place.account, "region": known[1], "partition": "aws"}
                    elements = self._elements(kind, each, item, names) if each else [item]
                    for element in elements:
                        if (params := filled_params(detail.params, element, names)) is not None:
                            own = () if each else _names(kind, item, known[0], names)
                            key = (_service(kind, detail), known[1], detail.call, canonical(params))
                            texts = frozenset({*own, *_filled_texts(detail.params, params)})
                            yield _Subject(kind, detail, listed.place, key, params, texts, known[0])

    def _elements(self, kind: Kind, each: str, item: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[Mapping[str, Any]]:
        parent = next(detail for detail in kind.detail if detail.into == each)
        params = filled_params(parent.params, item, names)
        key = (_service(kind, parent), names["region"], parent.call, canonical(params))
        files = self._held.get((names["account"], key), [])
        found = [held for file in files for held in paths.values(file.page, paths.parse(parent.take))]
        return [element for held in found if isinstance(held, list) for element in held if isinstance(element, dict)]

    def _about_resource(self, file: CliFile, subjects: _Subjects, *, last: bool) -> bool:
        """Give the file to the resource it is named after; whether there is one. Raises EstateError where it is the last chance."""
        if file.resource is None:
            file.fail(f"which resource it is about cannot be told: name it {file.call}@<resource>.json")
        found = subjects.named(file.resource, file.account or self.account, file.region or self.region)
        if len({(one.place.account, one.key) for one in found}) > 1:
            where = ", ".join(sorted({f"{one.id} in {one.place.account}/{one.place.region}" for one in found})[:4])
            file.fail(f"{file.resource!r} may be {where}: name the resource by its id or ARN, in a folder <account>/<region>/")
        if not found:
            if last:
                lists = {str(Call(kind.service, kind.list_.call)) for kind, _ in self.calls.details[file.call] if kind.list_ != "none"}
                add = f"add the file of {' or '.join(sorted(lists))}, or correct the name" if lists else f"name it {file.call}.json"
                file.fail(f"no listing shows {file.resource!r}: {add}")
            return False
        for one in found:
            _check_about(file, one)
            if isinstance(one.detail, TagCall):
                self.tagged.add((one.kind.name, one.place))
        self._hold(file, found[0].place.account, found[0].key)
        return True

    def _hold(self, file: CliFile, account: str, key: Key) -> None:
        held = self._held.setdefault((account, key), [])
        if any(other.resource != file.resource and other.sha256 != file.sha256 for other in held):
            file.fail(f"{held[0].name} answers the same call already")
        if file not in held:
            held.append(file)

    def _answer(self) -> None:
        for (account, key), held in self._held.items():
            files = _different(held)
            pages = tuple(file.page for file in files)
            answer = Page(pages, None, _sha256(files))
            self.accounts[account].answers[key] = _whole(answer, self._cut(files))
        for call in sorted(self.calls.lists.keys() & self.calls.details.keys()):
            for one in self._subjects(call, hanging=False):
                self._answer_from_list(call, one)

    def _answer_from_list(self, call: Call, subject: _Subject) -> None:
        """A call that asks for part of what another file lists whole (the flow logs of one VPC)."""
        for listed in self.listings:
            if listed.place == subject.place and listed.kind in self.calls.lists[call] and (page := filtered(listed, subject.params)):
                self.accounts[subject.place.account].answers.setdefault(subject.key, page)


def _whole(answer: Page, cut: str | None) -> Page | Halt:
    return Halt(Failure(Reason.MALFORMED, "", cut), answer) if cut else answer


def _service(kind: Kind, detail: Detail | TagCall) -> str:
    return (detail.service if isinstance(detail, Detail) else None) or kind.service


def _needs_no_item(detail: Detail | TagCall) -> bool:
    return set(_PLACEHOLDER.findall(canonical(detail.params))) <= _PLACES and not (isinstance(detail, Detail) and detail.each)


def _filled_texts(templates: Any, filled: Any) -> Iterator[str]:
    """The texts that were filled from the resource: what a person who made the call would name it by."""
    match templates, filled:
        case str(), str() if not set(_PLACEHOLDER.findall(templates)) <= _PLACES:
            yield filled
        case dict(), dict():
            for name, template in templates.items():
                yield from _filled_texts(template, filled[name])
        case list(), list():
            for template, value in zip(templates, filled, strict=True):
                yield from _filled_texts(template, value)


def _names(kind: Kind, item: Mapping[str, Any], id_: str, names: Mapping[str, str]) -> Iterator[str]:
    yield id_
    for alias in kind.aliases:
        yield from (text for text in paths.values(item, paths.parse(alias)) if isinstance(text, str))
    if kind.arn and (arn := filled_params({"arn": kind.arn}, item, names)):
        yield arn["arn"]


def _last(text: str) -> str:
    return re.split(r"[/:]", text)[-1]


def _check_about(file: CliFile, subject: _Subject) -> None:
    """Raises EstateError where the answer itself says that it is about something else, or about more than was asked."""
    take = paths.parse(subject.detail.take)
    if take[1:2] and take[1].isdigit() and isinstance(held := file.page.get(take[0]), list) and len(held) > 1:
        file.fail(f"holds {len(held)} {take[0]}, where one is asked for")
    holders = [value for end in range(len(take) + 1) for value in paths.values(file.page, take[:end]) if isinstance(value, dict)]
    for holder in holders:
        for name, asked in subject.params.items():
            said = holder.get(name)
            if isinstance(said, str) and isinstance(asked, str) and _last(said) != _last(asked):
                file.fail(f"is about {name} {said}, not {asked}")
        if holder.get("DefaultVersion") is False or holder.get("IsDefaultVersion") is False:
            file.fail("is about another version than the default one, which is what counts")


def _different(files: list[CliFile]) -> list[CliFile]:
    """The files without those that hold the same bytes (global services asked once per region)."""
    return list({file.sha256: file for file in sorted(files, key=lambda file: file.name, reverse=True)}.values())[::-1]


def _sha256(files: list[CliFile]) -> str:
    """The hash of the one file; of several, the hash over their hashes in order of name."""
    return files[0].sha256 if len(files) == 1 else hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
