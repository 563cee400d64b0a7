"""Collecting from AWS: every page, every region, several accounts; whatever could not be seen becomes a gap.

One coordinator decides what is asked next and keeps all state; a bounded pool of threads does nothing but call. What
is asked comes from the catalogue, cut down to what the enabled rules need.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from agent.collect.aws.accounts import Entered
from agent.collect.aws.asking import LATE, Asking, Progress, Then
from agent.collect.aws.client import Caller, Deadline, Halt, Page, merged
from agent.collect.aws.drafts import Draft, Listing, about, is_needless, member_of, names_of, related, texts
from agent.collect.aws.errors import Failure
from agent.collect.aws.parts import question
from agent.collect.aws.record import Record
from agent.collect.estate import EstateWriter
from agent.collect.wire import filled, filled_params, identity, listed, plain_tags, wire
from checks import paths
from checks.catalogue import Catalogue, Detail, Per, TagCall
from checks.model import GLOBAL, LISTING, Place, Reason, Resource, digest
from checks.plan import REGIONS, TAGS, Named, Plan, whole

WORKERS = 16


@dataclass(slots=True)
class AwsCollector:
    """Collects what a plan asks for into a writer. `now` is the wall clock; of what is `named`, only what something names.

    What is asked about some resources only waits until what names them, or shows that it makes no difference, has come in.
    """

    catalogue: Catalogue
    plan: Plan
    writer: EstateWriter
    deadline: Deadline
    now: Callable[[], datetime]
    workers: int = WORKERS
    progress: Progress | None = None
    named: Named = field(default_factory=dict)
    _names: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(type, member) -> the texts that stand there, of what names others."""
    _open: Counter[str] = field(default_factory=Counter)
    """Type -> how many of its listings have not come in yet."""
    _held: list[Listing] = field(default_factory=list)
    _common: frozenset[str] = frozenset()
    """Calls that show more than one type, or a detail too: asked once."""
    _asking: Asking = field(init=False)
    _record: Record = field(init=False)

    def collect(self, accounts: Iterable[Entered]) -> None:
        """Collect all types of the plan, in every region of the accounts."""
        self._record = Record(self.writer, self.now)
        self._asking = Asking(self.workers, self.deadline, self._settle, self.progress)
        self._names = {source: set() for sources in self.named.values() for source in sources}
        self._common = self._asked_for_several()
        try:
            listings = [(entered, one) for entered in accounts for one in related(self._listings(entered.account, entered.regions))]
            self._open.update(one.kind.name for _, one in listings)
            for entered, listing in listings:
                if listing.kind.name == REGIONS:
                    self._listed(listing, entered.answer)
                    self._settle(listing)
                elif listing.place.region == LISTING and isinstance(entered.answer, Halt):
                    self._record.gap(listing, None, None, "DescribeRegions", entered.answer.failure, "ec2:DescribeRegions")
                    self._note(listing)
                else:
                    self._start(listing)
            if not self._asking.drain():
                self._give_up()
        finally:
            self._asking.close()

    def _listings(self, account: Caller, regions: tuple[str, ...]) -> Iterator[Listing]:
        for name, members in whole(self.plan, self.catalogue).items():
            kind = self.catalogue[name]
            tags = kind.tags if TAGS in members and isinstance(kind.tags, TagCall) else None
            details = kind.detail if "*" in members else kind.details_for(members)
            later = [one for one in details if (name, one.into) in self.named or one.follows(details)]
            details = [one for one in details if one not in later]
            for region in [GLOBAL] if kind.is_global else regions:
                yield Listing(kind, account, Place(account.id, region), details, tags, later)

    def _give_up(self) -> None:
        """The deadline has passed: whatever has not answered is late, and whatever waited for that."""
        listings: set[Listing] = set()
        for listing in self._asking.late():
            family = (listing, *(child for child, _ in listing.children))
            listings.update(family)
            for one in family:
                if one.parts and one.parts.awaited == 0 and not self._asking.awaits(one):
                    self._put_together(one)
        for listing in listings.union(self._held):
            listing.noted = True
            for detail, draft in [] if listing.resumed else list(self._later(listing)):
                self._unread(listing, draft, detail, LATE)
            if listing.kind.list_ == "none":
                self._write(listing)
            else:  # "there is none" that nothing more can confirm is not seen
                self._confirmed(listing, Halt(LATE))

    # -- listings -------------------------------------------------------------------------------------------------

    def _start(self, listing: Listing) -> None:
        kind = listing.kind
        if listing.parts:
            return
        if kind.list_ == "none":
            account, region = listing.place.account, listing.place.region
            name = account if kind.is_global else region
            resource = Resource(name, kind.name, account, region, {})
            self._add(listing, Draft(resource, {"Account": account}, {}, {}, []))
            if listing.pending == 0:
                self._settle(listing)
            return
        call, params, region = kind.list_.call, kind.list_.params, listing.place.region
        if digest(kind.service, call, params) in self._common:
            self._asking.ask_once(listing, kind.service, region, call, params, partial(self._listed, listing))
        else:
            self._asking.ask(listing, kind.service, region, call, params, partial(self._listed, listing))

    def _asked_for_several(self) -> frozenset[str]:
        """The listings that a detail is read from as well."""
        kinds = [self.catalogue[name] for name in whole(self.plan, self.catalogue)]
        bulk = {digest(detail.service or kind.service, detail.call, {}) for kind in kinds for detail in kind.detail if detail.bulk}
        return frozenset(
            asked for kind in kinds if kind.list_ != "none" and (asked := digest(kind.service, kind.list_.call, kind.list_.params)) in bulk
        )

    def _listed(self, listing: Listing, answer: Page | Halt) -> None:
        kind = listing.kind
        assert kind.list_ != "none"
        if isinstance(answer, Halt):
            self._record.gap(listing, None, None, kind.list_.call, answer.failure, kind.iam)
        seen = 0
        for page in answer.pages:
            items = listed(page, kind)
            if items is None:
                failure = Failure(Reason.MALFORMED, "MissingMember", f"an answer without {kind.list_.items}")
                self._record.gap(listing, None, None, kind.list_.call, failure, None)
                continue
            for item in items:
                seen += 1
                self._item(listing, {kind.list_.as_: item} if kind.list_.as_ else item)
        read = answer.read if isinstance(answer, Halt) else answer
        if read.pages:  # with a gap beside it, a look at the pages that came in does not show all there is
            look = self._record.look(listing, kind.list_.call, None, read, seen)
            for draft in listing.drafts.values():
                draft.evidence.append(look)
        for child, per in listing.children:
            self._ask_for(child, per, listing, read)
        for draft in list(listing.drafts.values()):
            self._complete(listing, draft)

    def _ask_for(self, child: Listing, per: Per, parent: Listing, answer: Page) -> None:
        """Ask for a listing's part about each thing of the listing that it waited for."""
        kind, parts = child.kind, child.parts
        assert kind.list_ != "none"
        assert parts is not None
        parts.awaited -= 1
        parts.doubts += parent.doubts
        parts.rests_on.append(answer)
        names = {"account": child.place.account, "region": child.place.region, "partition": child.account.partition}
        for name, draft in parent.drafts.items():
            match question(kind.list_, per, draft.item, names):
                case None:
                    continue
                case Failure() as failure:
                    parts.doubts.append((kind.list_.call, failure, None))
                case params:
                    then = partial(parts.answers.__setitem__, name)
                    self._asking.ask(child, kind.service, child.place.region, kind.list_.call, params, then)
        if child.pending == 0:
            self._settle(child)

    def _put_together(self, listing: Listing) -> None:
        kind, parts = listing.kind, listing.parts
        assert kind.list_ != "none"
        assert parts is not None
        listing.parts = None
        for call, failure, action in parts.doubts:
            self._record.gap(listing, None, None, call, failure, action)
        self._listed(listing, parts.joined(kind.list_))

    def _item(self, listing: Listing, item: Any) -> None:
        kind, place = listing.kind, listing.place
        assert kind.list_ != "none"
        if (known := identity(kind, item, place)) is None:
            failure = Failure(Reason.MALFORMED, "MissingId", f"an item without {kind.id}")
            self._record.gap(listing, None, None, kind.list_.call, failure, None)
            return
        name, region = known
        data = wire(paths.project(item, kind.kept))
        for path in kind.omitted_means_none:
            paths.put_null(data, paths.parse(path))
        tags = plain_tags(paths.first(item, paths.parse(kind.tags))) if isinstance(kind.tags, str) and kind.tags != "none" else None
        if kind.tags == "none":
            tags = {}
        resource = Resource(name, kind.name, place.account, region, {}, listed_in=place.region if region != place.region else None)
        if (other := listing.drafts.get(name)) is not None and other.data != data:
            failure = Failure(Reason.MALFORMED, "Contradiction", "listed twice, with different data")
            self._record.gap(listing, name, None, kind.list_.call, failure, None)
        listing.drafts[name] = Draft(resource, data, item, tags, [])

    # -- details --------------------------------------------------------------------------------------------------

    def _add(self, listing: Listing, draft: Draft) -> None:
        listing.drafts[draft.resource.id] = draft
        self._complete(listing, draft)

    def _complete(self, listing: Listing, draft: Draft) -> None:
        """Ask for everything that the listing does not tell."""
        resource = draft.resource
        names = {"account": resource.account, "region": resource.region, "partition": listing.account.partition}
        calls: list[Detail | TagCall] = [*listing.details, *([listing.tags] if listing.tags else [])]
        for detail in calls:
            if isinstance(detail, Detail) and (
                detail.each or is_needless(detail, draft.data) or (detail.when and not filled(detail.when, draft.item, names))
            ):
                continue
            self._ask_about(listing, draft, detail, draft.item, partial(self._detailed, listing, draft, detail))

    def _ask_about(self, listing: Listing, draft: Draft, detail: Detail | TagCall, item: Mapping[str, Any], then: Then) -> None:
        resource = draft.resource
        names = {"account": resource.account, "region": resource.region, "partition": listing.account.partition}
        bulk = isinstance(detail, Detail) and detail.bulk is not None and listing.account.in_bulk
        params = {} if bulk else filled_params(detail.params, item, names)
        if params is None:
            failure = Failure(Reason.MALFORMED, "MissingMember", f"{detail.call} needs what the listing does not give")
            self._record.gap(listing, resource.id, member_of(detail), detail.call, failure, None)
            return
        service = (detail.service if isinstance(detail, Detail) else None) or listing.kind.service
        if bulk or (isinstance(detail, Detail) and detail.shared):
            self._asking.ask_once(listing, service, resource.region, detail.call, params, then)
        else:
            self._asking.ask(listing, service, resource.region, detail.call, params, then)

    def _for_each(self, listing: Listing, draft: Draft, parent: str, value: Any) -> None:
        """Ask for what hangs on the elements of an answer; without that answer, it is not seen either."""
        for detail in listing.details:
            if detail.each != parent:
                continue
            draft.data[detail.into] = []
            for element in value if isinstance(value, list) else [None]:
                if not isinstance(element, dict) or not all(isinstance(element.get(name, ""), str) for name in detail.where):
                    failure = Failure(Reason.MALFORMED, "WrongType", f"an element of {parent} that cannot be told")
                    self._record.gap(listing, draft.resource.id, detail.into, detail.call, failure, None)
                elif all(element.get(name) in allowed for name, allowed in detail.where.items()):
                    self._ask_about(listing, draft, detail, element, partial(self._joined, listing, draft, detail))

    def _joined(self, listing: Listing, draft: Draft, detail: Detail, answer: Page | Halt) -> None:
        name, member = draft.resource.id, detail.into
        if isinstance(answer, Halt):
            self._record.gap(listing, name, member, detail.call, answer.failure, detail.iam)
            return
        number = sum(one is not None for one in draft.data[member])
        draft.evidence.append(self._record.look(listing, detail.call, name, answer, len(answer.pages), f"{member} {number}"))
        try:
            there, value = merged(answer.pages, paths.parse(detail.take))
        except ValueError:
            there, value = False, None
        if not there or not isinstance(value, list):
            failure = Failure(Reason.MALFORMED, "MissingMember", f"an answer without {detail.take}")
            self._record.gap(listing, name, member, detail.call, failure, None)
            return
        draft.data[member] += wire(paths.project(value, paths.tree(map(paths.parse, detail.keep))))

    def _detailed(self, listing: Listing, draft: Draft, detail: Detail | TagCall, answer: Page | Halt) -> None:
        member = member_of(detail)
        if isinstance(answer, Halt):
            code = answer.failure.code
            if code in detail.not_configured or code in detail.vanished:
                draft.unsettled.append((detail, answer, code in detail.vanished))
                self._for_each(listing, draft, member, [])
            else:
                self._unread(listing, draft, detail, answer.failure)
            return
        draft.evidence.append(self._record.look(listing, detail.call, draft.resource.id, answer, len(answer.pages), member))
        draft.answered = True
        omitted = detail.omitted_means_none if isinstance(detail, Detail) else {}
        try:
            there, value = merged(answer.pages, paths.parse(detail.take))
        except ValueError as error:
            self._unread(listing, draft, detail, Failure(Reason.MALFORMED, "Pages", str(error)))
            return
        if isinstance(detail, Detail) and detail.bulk and there and listing.account.in_bulk:
            there, value = about(value, detail.bulk, draft.resource.id)
        if not there and "" not in omitted:
            self._unread(listing, draft, detail, Failure(Reason.MALFORMED, "MissingMember", f"an answer without {detail.take}"))
        elif isinstance(detail, TagCall):
            draft.tags = plain_tags(value)
        else:
            draft.data[member] = kept = wire(paths.project(value, paths.tree(map(paths.parse, detail.keep))))
            for path in omitted:
                if path and kept is not None:
                    paths.put_null(kept, paths.parse(path))
            self._for_each(listing, draft, member, value if there else [])

    def _unread(self, listing: Listing, draft: Draft, detail: Detail | TagCall, failure: Failure) -> None:
        """A detail that was not read is a gap, and so is what hangs on its elements."""
        member = member_of(detail)
        for name in (member, *(other.into for other in listing.details if other.each == member)):
            self._record.gap(listing, draft.resource.id, name, detail.call, failure, detail.iam)

    # -- what waits for something else -----------------------------------------------------------------------------

    def _note(self, listing: Listing) -> None:
        """A listing has come in, but for what waits: keep what names other resources, and go on with what waited for it."""
        listing.noted = True
        self._open[listing.kind.name] -= 1
        for kind, member in self._names:
            if kind == listing.kind.name:
                for draft in listing.drafts.values():
                    self._names[kind, member].update(texts(draft.data if member == "*" else draft.data.get(member)))
        if listing.later:
            self._held.append(listing)
        for held in list(self._held):
            if held is listing or listing.kind.name in self._awaited(held):
                self._go_on(held)

    def _awaited(self, listing: Listing) -> set[str]:
        """The types that name the resources of a listing."""
        return {kind for detail in listing.later for kind, _ in self.named.get((listing.kind.name, detail.into), ())}

    def _later(self, listing: Listing) -> Iterator[tuple[Detail, Draft]]:
        """What was left for later and can be asked: about what something names, or what nothing has settled."""
        for detail in listing.later:
            sources = self.named.get((listing.kind.name, detail.into))
            wanted = None if sources is None else set().union(*(self._names[source] for source in sources))
            for draft in listing.drafts.values():
                if (detail.into, draft.resource.id) in listing.asked or is_needless(detail, draft.data):
                    continue
                if wanted is None or wanted & names_of(listing, draft):
                    yield detail, draft

    def _go_on(self, listing: Listing) -> None:
        """Ask what can be asked by now; once all that the listing waits for has come in, it no longer waits."""
        for detail, draft in list(self._later(listing)):
            listing.asked.add((detail.into, draft.resource.id))
            self._ask_about(listing, draft, detail, draft.item, partial(self._detailed, listing, draft, detail))
        if not any(self._open[kind] > 0 for kind in self._awaited(listing)):
            listing.resumed = True
            self._held.remove(listing)
            if listing.pending == 0:
                self._settle(listing)

    # -- the end of a listing -------------------------------------------------------------------------------------

    def _settle(self, listing: Listing) -> None:
        """Write the listing, once every "there is none" and "it is gone" is known to be about a resource that is there."""
        kind = listing.kind
        if listing.parts:
            if listing.parts.awaited:
                return
            self._put_together(listing)
            if listing.pending:
                return
        if not listing.noted:
            self._note(listing)
            if listing.later:  # goes on when what it waits for has come in
                return
        if listing.pending or (listing.later and not listing.resumed):
            return
        doubtful = [draft for draft in listing.drafts.values() if draft.doubtful]
        if doubtful and kind.list_ != "none" and not listing.confirming:
            listing.confirming = True
            if kind.list_.per:  # nothing is asked for a second time: what it would confirm is not seen
                self._confirmed(listing, doubtful[0].unsettled[0][1])
                return
            self._asking.ask(
                listing, kind.service, listing.place.region, kind.list_.call, kind.list_.params,
                partial(self._confirmed, listing),
            )  # fmt: skip
            return
        if not listing.confirming:
            self._write(listing)

    def _confirmed(self, listing: Listing, answer: Page | Halt) -> None:
        kind = listing.kind
        assert kind.list_ != "none"
        there: set[str] | None = None
        if isinstance(answer, Page):
            pages = [listed(page, kind) for page in answer.pages]
            if None not in pages:
                items = itertools.chain.from_iterable(page or () for page in pages)
                there = {item if kind.list_.as_ else paths.first(item, paths.parse(kind.id)) for item in items}
                self._record.look(listing, f"{kind.list_.call} (again)", None, answer, len(there))
        for name, draft in list(listing.drafts.items()):
            if not draft.doubtful:
                continue
            if there is not None and name not in there:
                del listing.drafts[name]
                continue
            for doubt in draft.unsettled if there is None else [one for one in draft.unsettled if one[2]]:
                self._doubted(listing, name, *doubt)
            draft.unsettled = [] if there is None else [one for one in draft.unsettled if not one[2]]
        self._write(listing)

    def _write(self, listing: Listing) -> None:
        for draft in listing.drafts.values():
            for detail, answer, vanished in draft.unsettled:
                if vanished:
                    self._doubted(listing, draft.resource.id, detail, answer, vanished)
                    continue
                if answer.read.sha256:  # the service's own word that there is none
                    said = Page(({},), answer.read.request_id, answer.read.sha256)
                    draft.evidence.append(self._record.look(listing, detail.call, draft.resource.id, said, 0, member_of(detail)))
                if isinstance(detail, TagCall):
                    draft.tags = {}
                else:
                    draft.data[detail.into] = None
        self.writer.add_resources(draft.done() for draft in listing.drafts.values())
        listing.drafts.clear()

    def _doubted(self, listing: Listing, name: str, detail: Detail | TagCall, answer: Halt, vanished: bool) -> None:  # noqa: FBT001 - a part of the answer
        failure = answer.failure
        reason = Reason.VANISHED if vanished else failure.reason
        self._record.gap(listing, name, member_of(detail), detail.call, Failure(reason, failure.code, failure.message), None)
