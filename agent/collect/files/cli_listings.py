"""Listings out of files, cut as the catalogue's parameters would have had AWS cut them: a file does not tell how it was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.collect.aws.client import Page
from agent.collect.files.cli_files import CliFile
from agent.collect.files.cli_places import OWNERS, arns
from agent.collect.wire import items_of
from checks import paths
from checks.catalogue import Kind
from checks.model import Place, canonical


@dataclass(frozen=True, slots=True)
class Listed:
    """One type in one place, as the files list it."""

    kind: Kind
    place: Place
    answer: Page
    cut: str | None
    """Why the files may not hold the whole list."""
    others: int
    """Items left out, as they belong to others than who asked."""

    def items(self) -> Iterator[Mapping[str, Any]]:
        listing = self.kind.list_
        assert listing != "none"
        for page in self.answer.pages:
            for item in items_of(page, listing.path, absent_is_empty=True) or ():
                whole = {listing.as_: item} if listing.as_ else item
                if isinstance(whole, dict):
                    yield whole


def own(kind: Kind, place: Place, page: Mapping[str, Any]) -> tuple[Mapping[str, Any], int]:
    """The page as the catalogue's parameters would have cut it: without what belongs to others, and how much that was."""
    assert kind.list_ != "none"
    page = _counted(kind, page)
    items = items_of(page, kind.list_.path, absent_is_empty=False)
    if items is None or len(kind.list_.path) > 1:
        return page, 0
    kept = [item for item in items if not isinstance(item, dict) or _is_own(kind, place, item)]
    return {**page, kind.list_.path[0]: kept}, len(items) - len(kept)


def _counted(kind: Kind, page: Mapping[str, Any]) -> Mapping[str, Any]:
    """The page with the number of its items, where it has none: the CLI joins an answer's pages, and drops what counted them."""
    assert kind.list_ != "none"
    if kind.list_.count is None or paths.first(page, paths.parse(kind.list_.count)) is not None:
        return page
    *parents, name = paths.parse(kind.list_.count)
    whole = holder = dict(page)
    for step in parents:
        holder[step] = dict(holder.get(step) or {})
        holder = holder[step]
    holder[name] = len(items_of(page, kind.list_.path, absent_is_empty=True) or ())
    return whole


def _is_own(kind: Kind, place: Place, item: Mapping[str, Any]) -> bool:
    assert kind.list_ != "none"
    params = kind.list_.params
    if shadows(kind):
        return item.get("HomeRegion") in (None, place.region)
    if not re.search(r'"(self|local)"', canonical(params), re.IGNORECASE):
        return True
    owners = [item[name] for name in OWNERS if isinstance(item.get(name), str)] or [arn[4] for arn in arns(kind, item) if arn[4]]
    return not owners or owners[0] == place.account


def shadows(kind: Kind) -> bool:
    """Whether trails of other regions stand in the file, as the CLI asks for them by default, and not in the type."""
    return kind.list_ != "none" and kind.list_.params.get("includeShadowTrails") is False


def full(kind: Kind, files: list[CliFile]) -> str | None:
    """An answer that is exactly as long as one may be: some services end there without a word (SQS ListQueues)."""
    assert kind.list_ != "none"
    limits = {limit for limit in kind.list_.params.values() if isinstance(limit, int) and not isinstance(limit, bool)}
    for file in files:
        if (length := len(items_of(file.page, kind.list_.path, absent_is_empty=True) or ())) in limits:
            return f"{file.name} holds {length} items, the most that one answer gives: there may be more"
    return None


def filtered(listed: Listed, params: Mapping[str, Any]) -> Page | None:
    """The answer to the same call with an EC2 filter, out of the whole list; None where that cannot be told.

    A filter `resource-id` compares the member ResourceId (EC2 API reference, Filter).
    """
    listing = listed.kind.list_
    if listing == "none" or listed.cut or len(listing.path) > 1 or len(params) != 1:
        return None
    (conditions,) = params.values()
    pages = [items_of(page, listing.path, absent_is_empty=False) for page in listed.answer.pages]
    if not isinstance(conditions, list) or None in pages:
        return None
    items = list({canonical(item): item for page in pages for item in page or ()}.values())
    for condition in conditions:
        if not isinstance(condition, dict) or condition.keys() != {"Name", "Values"}:
            return None
        member = "".join(word.title() for word in condition["Name"].split("-"))
        if not all(isinstance(item, dict) and isinstance(item.get(member), str) for item in items):
            return None
        items = [item for item in items if item[member] in condition["Values"]]
    return Page(({listing.path[0]: items},), None, listed.answer.sha256)
