"""Where a finding of an earlier run went that this one did not make: gone, out of scope, retired, or not to be seen.

That a resource is gone takes a listing that is complete and does not show it. What cannot be told is unproven, and what the run
did not look at stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from checks import telling
from checks.catalogue import Catalogue
from checks.judge import Bound, Population, bind, finding_id, key
from checks.judge_rows import assumed
from checks.lifecycle import Ending, Known, Status
from checks.logs.source import Sources, proven_hours, question, unproven_hours
from checks.model import GLOBAL, LISTING, Estate, Look, Place, Resource, Subject
from checks.promise import Promise
from checks.rule import Rule
from checks.runs import RUN
from checks.target import Target, about
from checks.wording import SENTENCE


@dataclass(frozen=True)
class Whereabouts:
    """What a run judged, and what it saw. `bound` are the rules it went by, `rules` all there are, by id; `promises` those it was
    asked for: all there are, unless it is `narrowed`. `every`: whether rules were asked for that no promise binds. `about`: what alone it
    looked at; None for everything."""

    estate: Estate
    catalogue: Catalogue
    rules: Mapping[str, Rule]
    bound: Sequence[Bound]
    populations: Mapping[tuple[str, str], Population]
    promises: Sequence[Promise]
    narrowed: bool
    every: bool
    stale: Callable[[Rule], bool]
    about: Target | None = None
    only: frozenset[str] | None = None
    """The rules that alone it went by, beside those about runs."""

    def of(self, known: Known) -> Ending | None:
        """What became of a finding that this run did not make; None where it did not look."""
        rule = self.rules.get(known.rule)
        if rule is None:
            return Ending(Status.RETIRED, f"there is no rule {known.rule} any more")
        if rule.kind == RUN:
            return self._run(known)
        if self.about not in {None, about(rule)} or (self.only is not None and rule.id not in self.only):
            return None
        if rule.kind == SENTENCE:
            return self._sentence(known)
        bound = next((one for one in self._bound.get(rule.id, ()) if finding_id(one, known.resource) == known.id), None)
        if bound is None:
            return self._unbound(known, rule)
        if self.stale(rule):
            return Ending(Status.UNPROVEN, "the estate is older than its maximum age")
        if rule.file.rows is not None:
            return self._rows(known, bound)
        return self._out_of_scope(known, bound) or self._listed(known.resource)

    @cached_property
    def _bound(self) -> Mapping[str, list[Bound]]:
        found: dict[str, list[Bound]] = {}
        for one in self.bound:
            found.setdefault(one.rule.id, []).append(one)
        return found

    @cached_property
    def _asked(self) -> Mapping[str, Promise]:
        return {promise.id: promise for promise in self.promises}

    def _sentence(self, known: Known) -> Ending | None:
        """A finding about a promise's own words, whose subject is the promise in its policy. One whose policy cannot be read is made."""
        promise = self._asked.get(known.resource.id)
        if promise is None:
            return None if self.narrowed else Ending(Status.RETIRED, f"the promise {known.resource.id} is not made any more")
        if promise.policy != known.resource.account:
            return Ending(Status.RETIRED, f"the promise {promise.id} is not quoted from {known.resource.account} any more")
        return Ending(Status.OUT_OF_SCOPE, f"{known.rule} does not apply to its words any more")

    def _run(self, known: Known) -> Ending | None:
        """A finding about the agent's own runs of one kind, of which only an agent tells."""
        if not self.estate.of(RUN):
            return None
        return Ending(Status.OUT_OF_SCOPE, f"runs of {known.resource.id} are not scheduled any more")

    def _unbound(self, known: Known, rule: Rule) -> Ending | None:
        """A finding of a rule that is there, and was not judged by."""
        if any(finding_id(one, known.resource) == known.id for one in bind([rule], self.promises, every=False)):
            return Ending(Status.UNPROVEN, f"nothing of {rule.kind} is read any more")
        if self.narrowed:
            return None
        if not known.promises:
            return Ending(Status.UNPROVEN, f"nothing of {rule.kind} was collected") if self.every else None
        return Ending(Status.RETIRED, f"no promise asks for {rule.id} under these parameters any more")

    def _out_of_scope(self, known: Known, bound: Bound) -> Ending | None:
        """A resource that is there, or may be, and that nothing speaks of any more."""
        subject = known.resource
        if self.narrowed and not set(known.promises) <= self._asked.keys():
            return None
        place = Place(subject.account, subject.region)
        if bound.promises and not any(promise.scope.has_place(place) for promise in bound.promises):
            return Ending(Status.OUT_OF_SCOPE, f"{_listed(bound.promises)} leaves out {subject.account}/{subject.region}")
        if self._there(subject) is None:
            return None
        populations = list(self._populations(bound))
        if populations and all(subject.id in one.out_of_scope for one in populations):
            return Ending(Status.OUT_OF_SCOPE, f"its tags put it outside of {_listed(bound.promises)}")
        if any(subject.id in one.excluded for one in populations):
            return Ending(Status.OUT_OF_SCOPE, f"{bound.rule.id} does not apply to it any more")
        return None

    def _populations(self, bound: Bound) -> Iterator[Population]:
        for reader in [promise.id for promise in bound.promises] or [""]:
            if (held := self.populations.get((reader, key(bound)))) is not None:
                yield held

    def _there(self, subject: Subject) -> Resource | None:
        return self._resources.get((subject.type, subject.account, subject.region, subject.id))

    @cached_property
    def _resources(self) -> Mapping[tuple[str, str, str, str], Resource]:
        held = (one for type_ in self.estate.resources for one in self.estate.of(type_))
        return {(one.type, one.account, one.region, one.id): one for one in held}

    def _listed(self, subject: Subject) -> Ending:
        """What the listings say of a resource that was judged, or of a listing that could not be told."""
        if self._there(subject) is not None:
            return Ending(Status.UNPROVEN, "it is there, and was not judged")
        kind = self.catalogue.get(subject.type)
        if kind is None or kind.pseudo:
            here = any(one.account == subject.account and one.region == subject.region for one in self.estate.of(subject.type))
            if subject.id == LISTING and here:
                return Ending(Status.GONE, "it is seen now")
            return Ending(Status.UNPROVEN, f"{subject.account}/{subject.region} was not collected")
        gaps = self.estate.resource_gaps.get((subject.type, subject.account, subject.id, subject.region), ())
        listing = self.estate.listing(subject.type, Place(subject.account, GLOBAL if kind.is_global else subject.region))
        if isinstance(listing, tuple) or gaps:
            first = gaps[0] if gaps else listing[0] if isinstance(listing, tuple) else None
            return Ending(Status.UNPROVEN, telling.of_gap(first) if first else "it was not seen")
        if not isinstance(listing, Look):
            return Ending(Status.GONE, str(listing))
        if subject.id == LISTING:
            return Ending(Status.GONE, f"{listing.call} lists them now, at {listing.at}")
        return Ending(Status.GONE, f"{listing.call} listed all there is at {listing.at}, and it is not there")

    def _rows(self, known: Known, bound: Bound) -> Ending:
        """Rows of a log that broke a rule, or left it undecided. That there are none any more takes a log that is complete."""
        subject, logs = known.resource, Sources(self.estate)
        sources = logs.of(bound.rule.kind)
        if subject.id == LISTING:
            read = any(source.account == subject.account for source in sources)
            return Ending(Status.GONE, "a log of the account is read now") if read else Ending(Status.UNPROVEN, "no log of it is read")
        holding = [one for one in sources if one.account == subject.account and f"{subject.id}/".startswith(f"{one.id}/")]
        if not holding:
            return Ending(Status.UNPROVEN, "the log it stood in is not read any more")
        source = max(holding, key=lambda one: len(one.id))
        gaps = self.estate.resource_gaps.get((source.type, source.account, source.id, source.region), ())
        hours = proven_hours(source.data)
        if logs.counts(source, question(bound.rule, bound.params, self.estate.manifest.now)) is None:
            return Ending(Status.UNPROVEN, f"not all rows of the log {source.id} were counted by the rule")
        if gaps or unproven_hours(source.data) or not hours:
            return Ending(Status.UNPROVEN, f"no row is so any more, but the log {source.id} is not proven to be complete")
        held = f"as {said[0]}" if (said := assumed(source)) else "and each hour is proven to be complete"
        return Ending(Status.GONE, f"no row is so from {hours[0]['From']} to {hours[-1]['Until']}, {held}")


def _listed(promises: Sequence[Promise]) -> str:
    return ", ".join(promise.id for promise in promises)
