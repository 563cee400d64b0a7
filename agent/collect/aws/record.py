"""What a collection writes down beside the resources: its looks and its gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.collect.aws.accounts import Shut
from agent.collect.aws.client import Page
from agent.collect.aws.drafts import Listing
from agent.collect.aws.errors import Failure
from agent.collect.estate import EstateWriter
from agent.collect.wire import rfc3339
from checks.catalogue import Catalogue
from checks.model import GLOBAL, LISTING, Gap, Look, Reason, digest
from checks.plan import Plan


@dataclass(frozen=True, slots=True)
class Record:
    """Writes looks and gaps of listings. `now` is the wall clock."""

    writer: EstateWriter
    now: Callable[[], datetime]

    def look(self, listing: Listing, call: str, target: str | None, answer: Page, count: int, member: str = "") -> str:
        place, name = listing.place, listing.kind.name
        id_ = digest(place.account, place.region, name, call, target, member)
        at = rfc3339(self.now())
        look = Look(id_, place.account, place.region, name, call, target, len(answer.pages), count, at, answer.request_id, answer.sha256)
        self.writer.add_look(look)
        return id_

    def gap(self, listing: Listing, id_: str | None, member: str | None, call: str, failure: Failure, action: str | None) -> None:
        place, draft = listing.place, listing.drafts.get(id_ or "")
        region = draft.resource.region if draft else place.region
        if id_ is None:
            listing.doubts.append((call, failure, action or f"{listing.kind.service}:{call}"))
        action = action or f"{listing.kind.service}:{call}" if failure.reason in {Reason.DENIED, Reason.REFUSED_BY_SCP} else None
        self.writer.add_gap(
            Gap(listing.kind.name, place.account, region, id_, member, failure.reason, call, failure.code, failure.message, action)
        )


def account_gaps(catalogue: Catalogue, plan: Plan, door: Shut) -> Iterator[Gap]:
    """An account that could not be entered: every listing in it is a gap."""
    for name in sorted(plan):
        for region in [GLOBAL] if catalogue[name].is_global else door.regions or (LISTING,):
            yield Gap(name, door.account, region, None, None, door.failure.reason, door.call, door.failure.code, door.failure.message)
