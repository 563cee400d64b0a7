"""The `agent:` section of upheld.yaml: when runs are due, when the agent stops or is taken to hang, and where it remembers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agent.config.notify import Listen, Sink
from agent.config.values import Duration, Secret, Strict, seconds
from agent.kind import Kind

LEAST: Final = 1
"""Seconds: what is due more often is never done."""


def _some(value: int) -> int:
    if value < LEAST:
        raise ValueError(f"it is {value} s and has to be {LEAST} s at least; leave the line out where no such runs are wanted")
    return value


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


class LedgerSettings(Strict):
    """Where runs are remembered, and with which key they are sealed."""

    url: Secret | str | None = None
    """As SQLAlchemy takes it; without one, `ledger.db` in the state directory, to which a relative path belongs, too."""
    signing_key: Secret | None = None
    """An Ed25519 key as PEM; without one, a key is made in the state directory."""
    evidence_mb: Annotated[int, Field(ge=0)] = 2048
    """How much of what was collected is kept in the state directory, the oldest going first; 0 for none."""
    max_age: Duration = 2 * 86400
    """After how long a finding that no run looked at is unproven."""


class Agent(Strict):
    every: Every = Field(default_factory=lambda: Every.model_validate(USUAL))
    splay: Duration = 30
    """Up to how long the first run waits, so that many agents that start together do not ask together."""
    stop_within: Interval = 30
    """How long a run that is on its way may take to end when the agent is told to stop. It is given up afterwards; the ledger stays
    whole."""
    run_limit: Interval = 3600
    """How long a run may take before it is taken to hang, and the service manager's watchdog is not fed any more."""
    ledger: LedgerSettings = LedgerSettings()
    notify: list[Sink] = []
    """Who is told of transitions."""
    metrics: Listen | None = "127.0.0.1:9464"
    """Where Prometheus reads: this machine alone, unless another address is written; null for nowhere."""
