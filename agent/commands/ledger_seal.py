"""`upheld ledger rotate` and `upheld ledger prune`: another key from now on, and old records that go while what seals them stays."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from agent.clock import Clock
from agent.commands.ledger import many
from agent.config import Configuration, ConfigurationError
from agent.config.values import seconds
from agent.exits import UPHELD
from agent.ledger import LedgerError
from agent.ledger.keys import Introduction
from agent.ledger.opening import Place, place
from agent.ledger.prune import prune as prune_records
from agent.ledger.rotation import known_public, rotate, rotate_own
from agent.ledger.run_record import moment
from agent.ledger.signing import Signer, read_signer
from agent.publish.printable import printable


def change_key(configuration: Configuration, clock: Clock, *, key: Path | None, lost: bool, owner: str | None, reason: str | None) -> int:
    """Have another key seal what comes: one that is made in the state directory, or the one in a file."""
    if lost != bool(owner and reason):
        raise ConfigurationError("--lost, --owner and --reason stand together: somebody answers for a key that nothing introduces")
    opened, now = place(configuration, os.environ), moment(clock.now().isoformat())
    said = {"owner": str(owner), "reason": str(reason)} if lost else None
    if configuration.settings.agent.ledger.signing_key is None:
        if key is not None:
            raise ConfigurationError(
                "the key is that of the state directory, where a new one is made: --key is for agent.ledger.signing_key"
            )
        made = rotate_own(opened, now, said)
        if made is None:
            print("the rotation that had begun is finished")
            return UPHELD
    else:
        made = _configured(opened, now, key, said)
    print(
        printable(f"what comes after {many(made.size, 'run')} is sealed with the key {made.new.id[:16]}, in the place of {made.old[:16]}")
    )
    if configuration.settings.agent.ledger.signing_key is not None and not lost:
        print("configure the new key now (agent.ledger.signing_key): the old one records nothing any more")
    print("an agent that runs takes it when it reloads (SIGHUP)")
    return UPHELD


def _configured(opened: Place, now: str, key: Path | None, lost: dict[str, str] | None) -> Introduction:
    """The configured key introduces one in a file; or is the new one itself, where the old one was lost."""
    configured = opened.signer(make=False)
    assert configured is not None
    if lost is not None:
        if key is not None:
            raise ConfigurationError("where the old key is lost, the configuration names the new one, and --key is not needed")
        return rotate(opened.ledger, None, configured, now, lost, known_public(opened.state))
    if key is None:
        raise ConfigurationError("--key FILE names the new key; `openssl genpkey -algorithm ed25519` makes one")
    return rotate(opened.ledger, configured, _signer(key), now, None, None)


def _signer(file: Path) -> Signer:
    try:
        return read_signer(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise LedgerError(f"the key {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{file}: not a private key as PEM") from error


def prune(configuration: Configuration, clock: Clock, *, older: str | None) -> int:
    """Let records go that are older than that, or than `agent.ledger.keep`."""
    keep = configuration.settings.agent.ledger.keep
    try:
        most = seconds(older) if older is not None else keep
    except ValueError as error:
        raise ConfigurationError(f"--older-than: {error}") from error
    if most is None:
        raise ConfigurationError("say how old what goes is: --older-than 400d, or agent.ledger.keep in the configuration")
    opened, now = place(configuration, os.environ), clock.now()
    signer = opened.signer(make=False)
    if signer is None:
        raise LedgerError(f"there is no key in {opened.state} to sign a pruning with")
    before = moment((now - timedelta(seconds=most)).isoformat())
    pruned = prune_records(opened.ledger, signer, opened.evidence, before, moment(now.isoformat()))
    if pruned is None:
        print("no record is that old: nothing was pruned")
        return UPHELD
    print(f"the records of runs up to {pruned.through} are pruned; their leaves stay, and `upheld ledger verify` says so")
    return UPHELD
