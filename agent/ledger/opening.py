"""The ledger that a configuration means: its database, its key, its archives, and the state directory that they are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent import state
from agent.config import Configuration, ConfigurationError
from agent.config.values import plain
from agent.ledger import LedgerError
from agent.ledger.database import Database, connect
from agent.ledger.evidence import Evidence
from agent.ledger.ledger import Ledger
from agent.ledger.signing import Signer, Verifier, own_signer, read_signer, read_verifier


@dataclass(frozen=True, slots=True)
class Place:
    """Everything of one ledger. Opening it makes nothing, and asks nothing of the database yet."""

    configuration: Configuration
    state: Path
    database: Database
    evidence: Evidence
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ledger", Ledger(self.database, self.state))

    @property
    def part(self) -> str:
        """Of the configuration, where several agents share the ledger; else all of it, which has no name."""
        return self.configuration.settings.agent.ledger.part or ""

    def signer(self, *, make: bool) -> Signer | None:
        """The configured key, else that of the state directory. Raises ConfigurationError and LedgerError."""
        configured = self.configuration.settings.agent.ledger.signing_key
        if configured is None:
            return own_signer(self.state, make=make)
        where = self.configuration.place("agent", "ledger", "signing_key")
        try:
            return read_signer(configured.read(), where)
        except ValueError as error:
            raise ConfigurationError(str(error) if isinstance(error, LedgerError) else f"{where}: {error}") from error

    def verifier(self, public: Path | None) -> Verifier:
        """The key that signatures are held against: one that is named, else that of this ledger's own signer."""
        if public is not None:
            return read_verifier(public)
        signer = self.signer(make=False)
        if signer is None:
            raise LedgerError(f"there is no key in {self.state} to verify the ledger with: name one with --public-key")
        return signer.verifier


def place(configuration: Configuration, environment: Mapping[str, str]) -> Place:
    """Raises ConfigurationError and LedgerError."""
    settings = configuration.settings.agent.ledger
    folder = state.configured(configuration, environment) or state.usual(environment)
    try:
        url = plain(settings.url)
    except ValueError as error:
        raise ConfigurationError(f"{configuration.place('agent', 'ledger', 'url')}: {error}") from error
    return Place(configuration, folder, connect(url, folder), Evidence(folder, settings.evidence_mb * 1_000_000))
