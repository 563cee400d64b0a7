"""Prefix lists: the CIDRs that a group or a route refers to by one id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.functions.declare import DataError
from checks.model import Place
from checks.network.aws.reading import cidr, cidr_set, objects
from checks.network.aws.view import LISTS, View
from checks.network.packets import EVERYBODY, Addresses, Span


@dataclass(frozen=True, slots=True)
class Listed:
    """What a prefix list holds. With a `doubt` that is not known, and `space` is everything."""

    space: Mapping[int, Addresses]
    blocks: tuple[tuple[int, Span], ...] = ()
    doubt: str = ""


@dataclass(slots=True)
class PrefixLists:
    """Each prefix list once. AWS's own and shared lists are found in whichever account saw their entries."""

    view: View
    _known: dict[str, Listed] = field(default_factory=dict)

    def get(self, id_: str, place: Place) -> Listed:
        if id_ not in self._known:
            self._known[id_] = self._read(id_, place)
        return self._known[id_]

    def _read(self, id_: str, place: Place) -> Listed:
        held = [one for one in self.view.estate.of(LISTS) if one.id == id_]
        doubt = self.view.unseen(LISTS, "prefix list", id_, place)
        for resource in held:
            if why := self.view.gap(resource, "Entries"):
                doubt = why
                continue
            if resource.data.get("Entries") is None:
                doubt = f"the entries of prefix list {id_} were not seen"
                continue
            try:
                blocks = [entry.get("Cidr") for entry in objects(resource.data, "Entries")]
                return Listed(cidr_set(blocks), tuple(cidr(block) for block in blocks))
            except DataError as error:
                doubt = f"prefix list {id_} cannot be read: {error}"
        return Listed(EVERYBODY, doubt=doubt)
