"""The `agent:` section of upheld.yaml: when runs are due, when the agent stops or is taken to hang, and where it remembers them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from agent.config.changes import Changes, once
from agent.config.notify import Listen, Sink
from agent.config.values import Duration, Secret, Strict, seconds
from agent.kind import Kind
from checks.age import Ages
from checks.lifecycle import USUAL as USUAL_AGE
from checks.target import Target

LEAST: Final = 1
"""Seconds: what is due more often is never done."""


def _some(value: int) -> int:
    if value < LEAST:
        raise ValueError(f"it is {value} s and has to be {LEAST} s at least; leave the line out where no such runs are wanted")
    return value


def _lasting(value: int) -> int:
    if value < LEAST:
        raise ValueError(f"it is {value} s and has to be {LEAST} s at least")
    return value


Lasting = Annotated[int, BeforeValidator(seconds, json_schema_input_type=str), AfterValidator(_lasting)]
Interval = Annotated[int, BeforeValidator(seconds, json_schema_input_type=str), AfterValidator(_some)]


class Every(Strict):
    """How often runs of each kind are due. A kind that is left out has no runs of its own; where the section is left out, all have."""

    settings: Interval | None = Field(default=None, description="encryption at rest and all else that is configured")
    network: Interval | None = Field(default=None, description="what can reach what")
    tls_quick: Interval | None = Field(default=None, alias="tls-quick", description="endpoints, asked the quick questions")
    tls_full: Interval | None = Field(default=None, alias="tls-full", description="endpoints, asked everything")
    logs: Interval | None = Field(default=None, description="rows of logs")
    policy: Interval | None = Field(default=None, description="whether the quoted sentences still stand")

    @model_validator(mode="after")
    def _at_least_one(self) -> Every:
        if not self.intervals:
            raise ValueError("no run would ever be due: name one of settings, network, tls-quick, tls-full, logs, policy")
        return self

    @property
    def intervals(self) -> Mapping[Kind, int]:
        """Seconds by kind, for the kinds that have runs."""
        found = {kind: getattr(self, kind.value.replace("-", "_")) for kind in Kind}
        return {kind: held for kind, held in found.items() if held is not None}


USUAL: Final = {"settings": "1h", "network": "1h", "tls-quick": "1h", "tls-full": "7d", "logs": "15m", "policy": "1d"}


class MaxAge(Strict):
    """How long a look counts, by what it is at; what is left out goes by how often that is looked at."""

    settings: Lasting | None = None
    network: Lasting | None = None
    tls: Lasting | None = None
    logs: Lasting | None = None
    policy: Lasting | None = None


def _form(value: object) -> str:
    """Whether one age is written, or one for each: a complaint is about what is written."""
    return "each" if isinstance(value, dict | MaxAge) else "one"


class LedgerSettings(Strict):
    """Where runs are remembered, and with which key they are sealed."""

    url: Secret | str | None = None
    """As SQLAlchemy takes it; without one, `ledger.db` in the state directory, to which a relative path belongs, too."""
    signing_key: Secret | None = None
    """An Ed25519 key as PEM; without one, a key is made in the state directory."""
    evidence_mb: Annotated[int, Field(ge=0)] = 2048
    """How much of what was collected is kept in the state directory, the oldest going first; 0 for none."""
    max_age: Annotated[Annotated[Lasting, Tag("one")] | Annotated[MaxAge, Tag("each")], Discriminator(_form)] | None = None
    """After how long what no run looked at is unproven: one age, or one for each kind of target. By default, an agent's looks count for
    twice the interval at which they are due, or for one and the longest run; those of `upheld check --record` for two days."""
    keep: Lasting | None = None
    """How long records of runs are kept; afterwards their leaves alone are, so that the seal can be verified. Without it, for ever."""
    part: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")] | None = None
    """The name of this part of the configuration, where several agents share a ledger, each with its own."""


class Agent(Strict):
    every: Every = Field(default_factory=lambda: Every.model_validate(USUAL))
    splay: Duration = 30
    """Up to how long the first run waits, so that many agents that start together do not ask together."""
    stop_within: Interval = 30
    """How long a run that is on its way may take to end when the agent is told to stop. It is given up afterwards; the ledger stays
    whole."""
    run_limit: Interval = 3600
    """How long a run may take before it is taken to hang, and the service manager's watchdog is not fed any more."""
    changes: Annotated[list[Changes], AfterValidator(once)] = []
    """Queues that are told of changes: what an event is about is looked at when it comes, and not when it is due."""
    ledger: LedgerSettings = LedgerSettings()
    notify: list[Sink] = []
    """Who is told of transitions."""
    metrics: Listen | None = "127.0.0.1:9464"
    """Where Prometheus reads: this machine alone, unless another address is written; null for nowhere."""

    def ages(self, *, scheduled: bool) -> Ages:
        """How long looks count; `scheduled`: those of an agent, which come again by themselves."""
        given = self.ledger.max_age
        if isinstance(given, int):
            return Ages.of_all(timedelta(seconds=given))
        every = self.every.intervals if scheduled else {}
        usual = {target: self._usual([seconds for kind, seconds in every.items() if kind.target is target]) for target in Target}
        said = {} if given is None else {Target(name): held for name, held in given.model_dump().items() if held is not None}
        found = {**usual, **said}
        found[Target.RUN] = min(found[target] for target in Target if target is not Target.RUN)
        return Ages({target: timedelta(seconds=held) for target, held in found.items()})

    def _usual(self, intervals: Collection[int]) -> int:
        """Twice the interval, so that one run may fail; or one and the longest run, which others wait for."""
        least = min(intervals, default=None)
        return USUAL_AGE if least is None else max(2 * least, least + self.run_limit)
