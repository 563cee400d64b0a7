"""Listing a bucket or container: only the days of the window where its folders tell days, else all of it.

A level of folders is listed at a time, with the delimiter. A folder of a day outside the window is left out by its name; one
that no name tells about is looked into. What is below the folder of a day is listed as a whole, and so is a level that holds
more objects than folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from agent.collect.aws.errors import Failure
from agent.collect.logs.days import days, window
from agent.collect.logs.objects import LogObject, Unlisted
from agent.collect.logs.prefetch import ahead
from checks.model import Reason

DELIMITER: Final = "/"
_DEEPEST: Final = 24
"""Levels; a resource id of Azure takes nine, and the time five."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page: its objects, the folders (with their delimiter) that it shows in the place of what is in them, the next page's token."""

    objects: tuple[LogObject, ...]
    folders: tuple[str, ...]
    token: str | None


class Lister(Protocol):
    """What lists a store's objects page by page. May be called from several threads."""

    @property
    def name(self) -> str: ...

    @property
    def call(self) -> str:
        """The service's name for it."""

    def page(self, prefix: str, token: str | None, *, folded: bool) -> Listed:
        """One page of what begins with the prefix; `folded`, folders stand for what is in them. Raises Unlisted."""


def listed(lister: Lister, prefix: str, since: datetime | None, until: datetime) -> Iterator[LogObject]:
    """Every object below the prefix that may hold rows of the window. Raises Unlisted, also after some."""
    wanted = window(since, until)
    level, whole = [prefix], list[str]()
    for _ in range(_DEEPEST):
        if not level:
            break
        below: list[str] = []
        for place, (objects, folders) in zip(level, ahead(lambda place: _folded(lister, place), level), strict=True):
            if folders is None:
                whole.append(place)
                continue
            yield from _held(objects, since)
            for folder in folders:
                held = days(folder)
                if held is None or held.meets(wanted):
                    (whole if held and held.first == held.last else below).append(folder)
        level = below
    whole += level
    for place, first in zip(whole, ahead(lambda place: lister.page(place, None, folded=False), whole), strict=True):
        for page in _pages(lister, place, first, folded=False):
            yield from _held(page.objects, since)


def _folded(lister: Lister, place: str) -> tuple[list[LogObject], list[str] | None]:
    """What is right in a folder, and the folders in it; None where that takes more pages than the folders are worth."""
    objects: list[LogObject] = []
    folders: list[str] = []
    for page in _pages(lister, place, lister.page(place, None, folded=True), folded=True):
        objects += page.objects
        folders += page.folders
        if page.token is not None and len(objects) > len(folders):
            return [], None
    return objects, folders


def _pages(lister: Lister, place: str, first: Listed, *, folded: bool) -> Iterator[Listed]:
    """A listing from its first page on. Raises Unlisted where the pages go round in a circle."""
    page, seen = first, set[str]()
    yield page
    while page.token is not None:
        if page.token in seen:
            failure = Failure(Reason.MALFORMED, "RepeatedToken", f"the pages below {place!r} go round in a circle")
            raise Unlisted(lister.name, lister.call, failure)
        seen.add(page.token)
        page = lister.page(place, page.token, folded=folded)
        yield page


def _held(objects: Iterable[LogObject], since: datetime | None) -> Iterator[LogObject]:
    """Without those that are too old, and without the empty objects that consoles make for folders."""
    return (one for one in objects if one.may_hold(since) and not (one.size == 0 and one.name.endswith(DELIMITER)))
