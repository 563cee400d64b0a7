"""One run of an agent: what its kind needs is collected, judged, and recorded; or it failed, and that is recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from agent.clock import Clock
from agent.collect.estate import read_estate
from agent.collecting import collect, plan_for
from agent.config import LATE, Configuration
from agent.inputs import Inputs, prepare
from agent.kind import WHOLE, Kind
from agent.publish.result import Result
from agent.run import assess
from checks.runs import Told
from checks.standing import Standing
from checks.summary import Text
from checks.target import Target

FOLDER: Final = "agent-run"


class Record(Protocol):
    """Puts a result, and the estate's folder that it is of, into the ledger. Raises LedgerError where it is not there then."""

    def __call__(self, inputs: Inputs, result: Result, estate: Path, clock: Clock) -> None: ...


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
    """What runs go by, until the next reload."""

    inputs: Inputs
    state: Path
    record: Record
    standing: Standing
    claim: Claim = unshared

    @classmethod
    def of(cls, configuration: Configuration, state: Path, record: Record, claim: Claim = unshared) -> Runs:
        """Read what the configuration names. Raises ConfigurationError."""
        return cls(prepare(configuration), state, record, Standing(configuration.settings.agent.ages(scheduled=True)), claim)

    def one(self, name: str, clock: Clock, runs: list[Told], stopping: Callable[[], bool]) -> Result:
        """A run of a kind, or about everything. `runs`: what the schedule says of all kinds.

        Raises Stopped, ConfigurationError, EstateError and LedgerError.
        """
        if name in {WHOLE, Kind.POLICY}:
            self._read_policies()
        inputs = _narrowed(self.inputs, name)
        return self._judged(inputs, clock, runs, stopping)

    def failed(self, clock: Clock, runs: list[Told], stopping: Callable[[], bool]) -> Result:
        """In the place of a run that failed: nothing but what the schedule says. Raises as `one` does."""
        return self._judged(replace(self.inputs, about=Target.RUN), clock, runs, stopping)

    def _judged(self, inputs: Inputs, clock: Clock, runs: list[Told], stopping: Callable[[], bool]) -> Result:
        with self.claim(stopping) as still:
            return self._claimed(inputs, clock, runs, stopping, still)

    def _claimed(self, inputs: Inputs, clock: Clock, runs: list[Told], stopping: Callable[[], bool], still: Callable[[], None]) -> Result:
        every = not inputs.promises.promises
        folder = self.state / FOLDER
        shutil.rmtree(folder, ignore_errors=True)  # an agent that was killed left it
        try:
            place = folder / "estate"
            collect(inputs, place, plan_for(inputs, every=every), clock, every=every, runs=runs)
            if stopping():
                raise Stopped
            result = assess(inputs, read_estate(place), every=every, max_age=0, clock=clock, standing=self.standing)
            if not self.standing.whole:  # a failure before anything was looked at: nothing is known of any promise
                result.promises = []
            if stopping():
                raise Stopped
            still()
            self.record(inputs, result, place, clock)
            return result
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
