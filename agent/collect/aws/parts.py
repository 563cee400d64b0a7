"""Listings that are asked for piece by piece: what is associated with each VPC, put together to one listing of a type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from agent.collect.aws.client import Halt, Page
from agent.collect.aws.errors import Failure
from agent.collect.wire import filled, filled_params
from checks.catalogue import Listing, Per
from checks.model import Reason

Doubt = tuple[str, Failure, str | None]
"""A call that did not answer, and the IAM action where it is not named after it."""


@dataclass(slots=True)
class Parts:
    """The answers about each of the things that a type is listed per, as they come in."""

    awaited: int
    """How many listings of those things have not come in."""
    rests_on: list[Page] = field(default_factory=list)
    answers: dict[str, Page | Halt] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    """Why those listings may not be all."""

    def joined(self, listing: Listing) -> Page | Halt:
        """One answer: the pages in order of the things they are about; the first failure where one did not come.

        Nothing to ask about is an answer, too: it rests on the listings that show that there is nothing.
        """
        told = [answer for _, answer in sorted(self.answers.items())]
        read = [answer.read if isinstance(answer, Halt) else answer for answer in told]
        pages = tuple(page for one in read for page in one.pages)
        failed = next((answer.failure for answer in told if isinstance(answer, Halt)), None)
        sources = [one for one in read if one.pages]
        if not told and not self.doubts:
            sources, pages = sorted(self.rests_on, key=lambda one: one.sha256), (_empty(listing),)
        digest = sources[0].sha256 if len(sources) == 1 else sha256("".join(one.sha256 for one in sources).encode()).hexdigest()
        whole = Page(pages, next((one.request_id for one in sources), None), digest)
        return Halt(failed, whole) if failed else whole


def _empty(listing: Listing) -> Mapping[str, Any]:
    """A page that lists nothing."""
    page: Any = []
    for step in reversed(listing.path):
        page = {step: page}
    return page  # type: ignore[no-any-return]


def question(listing: Listing, per: Per, item: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any] | Failure | None:
    """The parameters of the call about one thing; None where it is none to ask about."""
    for member, templates in per.where.items():
        if not isinstance(held := item.get(member), str):
            return Failure(Reason.MALFORMED, "MissingMember", f"{listing.call} needs {member}, which the listing does not give")
        if held not in [filled(template, item, names) for template in templates]:
            return None
    if any(item.get(member) in values for member, values in per.unless.items()):
        return None
    params = filled_params({**listing.params, **per.params}, item, names)
    return params or Failure(Reason.MALFORMED, "MissingMember", f"{listing.call} needs what the listing does not give")
