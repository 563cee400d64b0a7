"""One run of an agent: what its kind needs is collected, judged, and recorded; or it failed, and that is recorded."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from agent import collecting_changes
from agent.clock import Clock
from agent.collect.estate import read_estate
from agent.collecting import collect, plan_for
from agent.config import LATE, Configuration
from agent.daemon.changing import ABOUT, Changing, Event, Seen, affected
from agent.daemon.picture import FOLDER as PICTURE
from agent.daemon.picture import Picture
from agent.inputs import Inputs, Part, prepare
from agent.kind import CHANGES, WHOLE, Kind
from agent.ledger.changes import put
from agent.ledger.ledger import Also, nothing_else
from agent.publish.result import Result
from agent.run import assess
from checks.changing import Unsettled
from checks.runs import Told
from checks.standing import Standing
from checks.summary import Text
from checks.target import Target

FOLDER: Final = "agent-run"


class Record(Protocol):
    """Puts a result, and the estate's folder that it is of, into the ledger. Raises LedgerError where it is not there then.

    `also`: what is to be there with it.
    """

    def __call__(self, inputs: Inputs, result: Result, estate: Path, clock: Clock, also: Also = nothing_else) -> None: ...


Claim = Callable[[Callable[[], bool]], AbstractContextManager[Callable[[], None]]]
"""Holds what is judged against all other agents until it is recorded, unless the agent is stopping; gives what raises LedgerError where
that is not so any more."""


def unshared(_: Callable[[], bool]) -> AbstractContextManager[Callable[[], None]]:
    """Of a ledger that is no other agent's."""
    return nullcontext(lambda: None)


class Stopped(Exception):
    """The agent is stopping: the run was given up, and nothing of it is recorded."""


@dataclass(slots=True)
class Runs:
    """What runs go by, until the next reload. `changing`: what they have to do with changes, where there are queues of them."""

    inputs: Inputs
    state: Path
    record: Record
    standing: Standing
    claim: Claim = unshared
    changing: Changing | None = None

    @classmethod
    def of(
        cls, configuration: Configuration, state: Path, record: Record, claim: Claim = unshared, unsettled: tuple[Unsettled, ...] = ()
    ) -> Runs:
        """Read what the configuration names. `unsettled`: what the ledger says is in doubt. Raises ConfigurationError."""
        ages = configuration.settings.agent.ages(scheduled=True)
        inputs, standing = prepare(configuration), Standing(ages)
        if not configuration.settings.agent.changes:
            return cls(inputs, state, record, standing, claim)
        whole = plan_for(inputs, every=not inputs.promises.promises)
        clouds = {name: members for name, members in whole.items() if name.startswith(("aws.", "azure."))}
        oldest = min(ages.by[target] for target in ABOUT)
        picture = Picture(state / PICTURE / secrets.token_hex(4), inputs.book.catalogue, oldest)
        left = tuple(one for one in unsettled if one.unit.type in clouds)
        return cls(inputs, state, record, standing, claim, Changing(picture, clouds, left))

    def one(self, name: str, clock: Clock, runs: list[Told], stopping: Callable[[], bool], events: Sequence[Event] = ()) -> Result:
        """A run of a kind, or about everything, or about the changes that `events` tell of. `runs`: what the schedule says of all kinds.

        Raises Stopped, ConfigurationError, EstateError and LedgerError.
        """
        if name == CHANGES:
            return self._changed(clock, runs, stopping, events)
        if name in {WHOLE, Kind.POLICY}:
            self._read_policies()
        inputs = _narrowed(self.inputs, name)
        return self._judged(inputs, clock, runs, stopping, events)

    def failed(self, clock: Clock, runs: list[Told], stopping: Callable[[], bool]) -> Result:
        """In the place of a run that failed: nothing but what the schedule says. Raises as `one` does."""
        return self._judged(replace(self.inputs, about=Target.RUN), clock, runs, stopping)

    def _judged(self, inputs: Inputs, clock: Clock, runs: list[Told], stopping: Callable[[], bool], events: Sequence[Event] = ()) -> Result:
        with self.claim(stopping) as still:
            return self._claimed(inputs, clock, runs, stopping, still, events)

    def _claimed(
        self, inputs: Inputs, clock: Clock, runs: list[Told], stopping: Callable[[], bool], still: Callable[[], None],
        events: Sequence[Event],
    ) -> Result:  # fmt: skip
        every = not inputs.promises.promises
        with self._room() as place:
            changing = self.changing if inputs.about in {None, *ABOUT} else None
            wanted = plan_for(inputs, every=every)
            if changing is not None:
                wanted = changing.whole(wanted)
            collect(inputs, place, wanted, clock, every=every, runs=runs)
            if stopping():
                raise Stopped
            seen = Seen(place) if changing is None else changing.after_look(inputs, place, wanted.keys(), events)
            result = assess(inputs, read_estate(seen.estate), every=every, max_age=0, clock=clock, standing=self.standing)
            if not self.standing.whole:  # a failure before anything was looked at: nothing is known of any promise
                result.promises = []
            return self._recorded(inputs, result, seen, clock, stopping, still)

    def _changed(self, clock: Clock, runs: list[Told], stopping: Callable[[], bool], events: Sequence[Event]) -> Result:
        """A run about changes: what they are about is looked at again, and what reads that is judged again; all else stays as it was
        seen. What was in doubt is looked at again, too."""
        with self.claim(stopping) as still:
            return self._looked_again(clock, runs, stopping, still, events)

    def _looked_again(
        self, clock: Clock, runs: list[Told], stopping: Callable[[], bool], still: Callable[[], None], events: Sequence[Event]
    ) -> Result:
        changing, every = self.changing, not self.inputs.promises.promises
        assert changing is not None
        told = [(event, touch) for event in events if (touch := changing.touch(self.inputs, event)) is not None]
        units = {unit for _, touch in told for unit in touch.units} | changing.again(clock.now())
        rules = affected(self.inputs.rules if every else self.inputs.judged, {unit.type for unit in units})
        with self._room() as place:
            looked = collecting_changes.collect(self.inputs, place, changing.plan, units, clock, runs)
            if stopping():
                raise Stopped
            seen = changing.after_change(self.inputs, place, looked, [event for event, _ in told], rules)
            inputs = replace(self.inputs, part=Part(looked, frozenset(rule.id for rule in rules)))
            estate = read_estate(seen.estate)
            result = assess(inputs, estate, every=every, max_age=0, clock=clock, standing=self.standing, exists=seen.exists)
            return self._recorded(inputs, result, seen, clock, stopping, still)

    def _recorded(
        self, inputs: Inputs, result: Result, seen: Seen, clock: Clock, stopping: Callable[[], bool], still: Callable[[], None]
    ) -> Result:
        """Put a run into the ledger, and with it what it makes of changes; that is known once it is there."""
        if stopping():
            raise Stopped
        still()
        result.changes = [event.record for event in seen.handled]
        if self.changing is None or inputs.about not in {None, *ABOUT}:
            self.record(inputs, result, seen.estate, clock)
            return result
        handled = [(event.queue, event.id) for event in seen.handled]
        self.record(
            inputs,
            result,
            seen.estate,
            clock,
            put(handled, seen.left, int(clock.now().timestamp()), inputs.configuration.settings.agent.ledger.part or ""),
        )
        self.changing.unsettled = seen.left
        return result

    @contextmanager
    def _room(self) -> Iterator[Path]:
        """Where a run's estate may be."""
        folder = self.state / FOLDER
        shutil.rmtree(folder, ignore_errors=True)  # an agent that was killed left it
        folder.mkdir(parents=True)
        try:
            yield folder / "estate"
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _read_policies(self) -> None:
        """The published texts as they are now. All else that is configured is read when the agent reloads."""
        fresh = prepare(self.inputs.configuration).texts
        gone = Text(None, "no promises file names the policy any more; reload the agent")
        self.inputs = replace(self.inputs, texts={name: fresh.get(name, gone) for name in self.inputs.texts})


def _narrowed(inputs: Inputs, name: str) -> Inputs:
    """What a run of the kind goes by: the rules about its target alone, and endpoints asked quickly or everything."""
    inputs = replace(inputs, about=None if name == WHOLE else Kind(name).target)
    configuration = inputs.configuration
    tls = configuration.settings.collect.tls
    if tls is None or tls.quick is False:
        return inputs
    full_every, counts = tls.full_every, tls.full_max_age
    if name == Kind.TLS_FULL:
        full_every = 0
    elif (own := configuration.settings.agent.every.tls_full) is not None:
        full_every = max(full_every, 2 * own)  # that is what the runs of their own are for
        counts = counts or min(tls.full_every, own) + LATE
    asked = tls.model_copy(update={"quick": True, "full_every": full_every, "full_max_age": counts or tls.full_every + LATE})
    collecting = configuration.settings.collect.model_copy(update={"tls": asked})
    settings = configuration.settings.model_copy(update={"collect": collecting})
    return replace(inputs, configuration=replace(configuration, settings=settings))
