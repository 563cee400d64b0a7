"""Collecting from Azure: every type of the plan in every subscription, each page, each detail; what could not be seen is a gap.

What Resource Manager lists is the truth; Resource Graph is the second enumeration (`azure_graph`). What is asked comes from
the catalogue, cut down to what the enabled rules need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from agent.collect.aws.client import Deadline
from agent.collect.aws.errors import Failure, NotAnAnswer
from agent.collect.azure import effective
from agent.collect.azure.client import Answer, Halt, joined
from agent.collect.azure.errors import GONE, UNREGISTERED
from agent.collect.azure.graph import SecondLook
from agent.collect.azure.listing import Draft, Listing, Record
from agent.collect.azure.reading import ReadItem, kept, reader
from agent.collect.azure.subscriptions import Entered
from agent.collect.azure.tasks import Progress, Tasks
from agent.collect.azure.universe import Universe
from agent.collect.estate import EstateWriter
from checks import paths
from checks.arm import SUBSCRIPTIONS, ArmDetail
from checks.catalogue import Catalogue
from checks.model import Reason
from checks.plan import Plan, whole

Note = Callable[[str], None]
_PROVIDERS_API = "2021-04-01"
_NOT_REGISTERED = frozenset({"NotRegistered", "Unregistered"})
_AT_ONCE = 100
"""How many resources are unpacked at a time when they are written."""


@dataclass(slots=True)
class AzureCollector:
    """Collects what a plan asks for into a writer. `now` is the wall clock; `note` is told what is no gap."""

    catalogue: Catalogue
    plan: Plan
    writer: EstateWriter
    deadline: Deadline
    now: Callable[[], datetime]
    note: Note
    progress: Progress | None = None
    _seen: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _regions: dict[str, set[str]] = field(default_factory=dict)
    _tasks: Tasks = field(init=False)
    _record: Record = field(init=False)

    def collect(self, entered: Iterable[Entered]) -> Mapping[str, tuple[str, ...]]:
        """Collect all types of the plan; gives the locations in which each subscription has something."""
        self._record = Record(self.writer, self.now)
        self._tasks = Tasks(self.deadline, self.progress)
        everyone = list(entered)
        self._regions = {one.id: set() for one in everyone}
        try:
            for one in everyone:
                for listing in self._listings(one):
                    self._start(listing)
            Universe(self._tasks, self._record, self.plan).ask(everyone)
            self._tasks.drain()
            SecondLook(self._tasks, self._record, self.catalogue, self.plan, self._seen).ask(everyone)
            self._tasks.drain()
        finally:
            self._tasks.close()
        return {account: tuple(sorted(found)) for account, found in self._regions.items()}

    def _listings(self, one: Entered) -> Iterable[Listing]:
        """The listings to start with; the others wait for what they are listed per."""
        made: dict[str, Listing] = {}
        for name, members in whole(self.plan, self.catalogue).items():
            kind = self.catalogue[name]
            if kind.arm is not None:
                details = [detail for detail in kind.arm.details_for(members) if not detail.effective or one.settings.effective]
                made[name] = Listing(kind, one, details)
        for listing in made.values():
            if listing.arm.per:
                made[listing.arm.per].children.append(listing)
        return [listing for listing in made.values() if not listing.arm.per]

    # -- listings -------------------------------------------------------------------------------------------------

    def _start(self, listing: Listing) -> None:
        arm, one = listing.arm, listing.entered
        if arm.type == SUBSCRIPTIONS:
            self._itself(listing)
            return
        path = f"/subscriptions/{one.id}/{arm.path.replace('{location}', one.location)}"
        ask = one.arm.one if arm.one else one.arm.pages
        self._ask(listing, partial(ask, path, arm.api, arm.expand, reader(listing.kind)), partial(self._listed, listing))

    def _ask(self, listing: Listing, call: Callable[[], Answer | Halt], then: Callable[[Answer | Halt], None]) -> None:
        listing.pending += 1

        def told(answer: Answer | Halt) -> None:
            listing.pending -= 1
            then(answer)
            self._settle(listing)

        self._tasks.ask(call, told)

    def _itself(self, listing: Listing) -> None:
        """The subscription, which was read when it was entered."""
        answer = listing.entered.answer
        item = {"id": f"/subscriptions/{listing.account}", "type": listing.arm.type, **answer.items[0]}
        read = reader(listing.kind)(item)
        if read.id is None:
            self._record.listing_gap(listing, Failure(Reason.MALFORMED, "MissingMember", read.problem))
            return
        named = replace(read, id=listing.account)
        look = self._record.look(listing.kind.name, listing.account, "GET subscriptions/{subscriptionId}", listing.account, answer, 1)
        self._draft(listing, named, look)
        self._complete(listing)
        self._settle(listing)

    def _listed(self, listing: Listing, answer: Answer | Halt) -> None:
        """A list has come in, or all parts of one."""
        if isinstance(answer, Halt) and answer.failure.code in UNREGISTERED and not answer.items:
            path = f"/subscriptions/{listing.account}/providers/{listing.arm.type.partition('/')[0]}"
            call = partial(listing.entered.arm.one, path, _PROVIDERS_API, None, partial(_registration, path))
            self._ask(listing, call, partial(self._unregistered, listing, answer))
            return
        if isinstance(answer, Halt):
            self._record.listing_gap(listing, answer.failure)
        read = answer.read if isinstance(answer, Halt) else answer
        self._take(listing, read)
        if not isinstance(answer, Halt) and (lack := listing.entered.lacks(listing.arm.permission)):
            self._record.lacking(listing, lack.failure, listing.call, lack.action)
        self._children(listing, read)

    def _unregistered(self, listing: Listing, refused: Halt, answer: Answer | Halt) -> None:
        """A provider that is not registered has no resources, where Resource Manager itself says that it is not.

        It cannot be unregistered while there are any (Azure Resource Manager documentation, "Azure resource providers and types").
        """
        if isinstance(answer, Halt) or answer.items[0] not in _NOT_REGISTERED:
            self._record.listing_gap(listing, refused.failure)
            self._children(listing, refused.read)
            return
        none = replace(answer, items=())
        self._record.look(listing.kind.name, listing.account, "GET providers/{namespace}", None, none, 0)
        self._children(listing, none)

    def _take(self, listing: Listing, read: Answer) -> None:
        """Write down the look at what was read, and ask for what the list does not tell."""
        if not read.pages:
            return
        look = self._record.look(listing.kind.name, listing.account, listing.call, None, read, len(read.items))
        for item in read.items:
            if item.id is None or not item.id.startswith((f"/subscriptions/{listing.account}/", "/providers/")):
                problem = item.problem or f"an element of another subscription: {item.spelled}"
                self._record.listing_gap(listing, Failure(Reason.MALFORMED, "NotOfTheType", problem))
            else:
                self._draft(listing, item, look)
        self._complete(listing)

    def _draft(self, listing: Listing, read: ReadItem, look: str) -> None:
        assert read.id is not None
        draft = Draft(read, evidence=[look])
        if (other := listing.drafts.get(read.id)) is not None and other.read.data != read.data:
            failure = Failure(Reason.MALFORMED, "Contradiction", "listed twice, with different data")
            self._record.gap(listing, other, None, failure, listing.call, None)
        listing.drafts[read.id] = draft
        for path, (reason, message) in (read.lost or {}).items():
            self._record.gap(listing, draft, paths.render(path), Failure(reason, "", message), listing.call, None)

    def _children(self, listing: Listing, read: Answer) -> None:
        """Ask for what is listed below each resource of a listing; without all of these, that is not whole either."""
        for child in listing.children:
            child.parts.append(read)
            for failure, call, action in listing.failures:
                self._record.lacking(child, failure, call, action)
            for draft in listing.drafts.values():
                arm = child.arm
                path = f"{draft.read.spelled}/{arm.path}"
                child.pending += 1
                call_ = partial(listing.entered.arm.pages, path, arm.api, arm.expand, reader(child.kind))
                self._tasks.ask(call_, partial(self._part, child))
            if child.pending == 0:
                self._joined(child, [])

    def _part(self, child: Listing, answer: Answer | Halt) -> None:
        child.pending -= 1
        if isinstance(answer, Halt):
            self._record.listing_gap(child, answer.failure)
        child.parts.append(answer.read if isinstance(answer, Halt) else answer)
        if child.pending == 0:
            self._joined(child, child.parts[1:])

    def _joined(self, child: Listing, parts: list[Answer]) -> None:
        """All parts of a listing as one; where there is nothing to list below, it rests on the list that shows that."""
        self._listed(child, joined(parts or child.parts[:1], [item for part in parts for item in part.items]))
        self._settle(child)

    # -- details --------------------------------------------------------------------------------------------------

    def _complete(self, listing: Listing) -> None:
        for draft in listing.drafts.values():
            for detail in listing.details:
                then = partial(self._detailed, listing, draft, detail)
                if detail.effective:
                    self._ask(listing, partial(effective.ask, listing.entered, draft.read.spelled, detail), then)
                else:
                    self._ask(listing, self._detail(listing, draft, detail), then)

    def _detail(self, listing: Listing, draft: Draft, detail: ArmDetail) -> Callable[[], Answer | Halt]:
        arm = listing.entered.arm
        ask = arm.pages if detail.items else arm.one
        return partial(ask, f"{draft.read.spelled}/{detail.get}", detail.api or listing.arm.api, detail.expand, partial(_part_of, detail))

    def _detailed(self, listing: Listing, draft: Draft, detail: ArmDetail, answer: Answer | Halt) -> None:
        call, action = _named(detail), detail.permission(listing.arm.type)
        if isinstance(answer, Halt):
            if detail.effective:
                self.note(f"{draft.id}: {detail.get} is not known: {answer.failure.reason} {answer.failure.code} {answer.failure.message}")
            elif answer.said and answer.failure.code in detail.absent:
                draft.unsettled.append((detail, answer))
            else:
                self._record.gap(listing, draft, detail.into, answer.failure, call, action)
            return
        draft.evidence.append(self._record.look(listing.kind.name, listing.account, call, draft.id, answer, len(answer.items)))
        draft.details[detail.into] = [item for item, _ in answer.items] if detail.items else answer.items[0][0]
        for _, lost in answer.items:
            for path, (reason, message) in lost.items():
                inside = (detail.into, paths.ELEMENT, *path) if detail.items else (detail.into, *path)
                self._record.gap(listing, draft, paths.render(inside), Failure(reason, "", message), call, None)

    # -- the end of a listing -------------------------------------------------------------------------------------

    def _settle(self, listing: Listing) -> None:
        """Write the listing, once every "there is none" is known to be about a resource that is there."""
        if listing.pending:
            return
        doubtful = [draft for draft in listing.drafts.values() if draft.unsettled]
        for draft in doubtful:
            path = f"/subscriptions/{listing.account}" if listing.arm.type == SUBSCRIPTIONS else draft.read.spelled
            call = partial(listing.entered.arm.one, path, listing.arm.api, None, _identified)
            self._ask(listing, call, partial(self._confirmed, listing, draft))
        if not doubtful:
            self._write(listing)

    def _confirmed(self, listing: Listing, draft: Draft, answer: Answer | Halt) -> None:
        unsettled, draft.unsettled = draft.unsettled, []
        if isinstance(answer, Halt) and answer.said and answer.failure.code in GONE:  # deleted since it was listed: nothing to judge
            self._record.look(listing.kind.name, listing.account, "GET (again)", draft.id, answer.said, 0)
            del listing.drafts[draft.id]
            return
        for detail, halt in unsettled:
            if isinstance(answer, Halt):
                failure = Failure(
                    answer.failure.reason, halt.failure.code, f"whether it still reads is not known: {answer.failure.message}"
                )
                self._record.gap(listing, draft, detail.into, failure, _named(detail), detail.permission(listing.arm.type))
                continue
            assert halt.said is not None
            draft.evidence.append(self._record.look(listing.kind.name, listing.account, _named(detail), draft.id, halt.said, 0))
            draft.details[detail.into] = None

    def _write(self, listing: Listing) -> None:
        if listing.whole:
            self._seen[listing.account, listing.kind.name] = frozenset(listing.drafts)
        self._regions[listing.account] |= {draft.read.region for draft in listing.drafts.values()}
        ordered = sorted(listing.drafts.values(), key=lambda draft: draft.id)
        for start in range(0, len(ordered), _AT_ONCE):
            some = ordered[start : start + _AT_ONCE]
            self.writer.add_resources(draft.done(listing.kind, listing.account) for draft in some)
        listing.drafts.clear()


def _named(detail: ArmDetail) -> str:
    return f"{'POST' if detail.effective else 'GET'} {detail.get}"


def _part_of(detail: ArmDetail, answer: Any) -> tuple[dict[str, Any], Any]:
    """What is kept of a detail's answer, or of an element of it. Raises NotAnAnswer where it has none of the members."""
    shape = detail.shape.element if detail.items else detail.shape
    assert shape is not None
    if not isinstance(answer, dict):
        raise NotAnAnswer("an element that is no object")
    found, lost = kept(answer, shape)
    if not found and not lost:
        raise NotAnAnswer(f"an answer without {' and without '.join(shape.names[:3])}")
    for path in detail.omitted_means_none:
        inside = paths.parse(path)
        if not any(paths.related(inside, gone) for gone in lost):
            paths.put_null(found, inside)
    return found, lost


def _registration(path: str, answer: Mapping[str, Any]) -> str:
    """The state of a resource provider's registration (Resources REST API, Providers - Get)."""
    if str(answer.get("id", "")).lower() != path.lower() or not isinstance(state := answer.get("registrationState"), str):
        raise NotAnAnswer("a resource provider without its registration")
    return state


def _identified(answer: Mapping[str, Any]) -> str:
    if not isinstance(id_ := answer.get("id"), str):
        raise NotAnAnswer("a resource without an id")
    return id_
