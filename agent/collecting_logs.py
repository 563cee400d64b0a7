"""The stage of a collection that reads logs: which rules ask for them, and what is remembered from run to run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent import state
from agent.clock import Clock
from agent.collect.aws.client import Deadline
from agent.collect.estate import EstateWriter
from agent.config import ConfigurationError
from agent.inputs import Inputs
from checks.document import DocumentError
from checks.judge import bind
from checks.logs.source import SOURCE, TYPES
from checks.model import GLOBAL

PERSONAL: Final = "log-pii-free"
"""The control whose rules ask for a scan for personal data."""
MEMORY: Final = "logs.db"


def collect(
    inputs: Inputs, writer: EstateWriter, accounts: dict[str, tuple[str, ...]], deadline: Deadline, clock: Clock,
    progress: Callable[[int, int], None] | None, *, every: bool,
) -> tuple[str, ...]:  # fmt: skip
    """Read what the configuration names of logs, where any rule asks for them; gives the types that were collected, and adds to the
    accounts that were read. Raises ConfigurationError.
    """
    rules = inputs.rules if every else inputs.judged
    over_rows = inputs.log_rules if every else inputs.judged_rows
    if not _asked(inputs, every=every):
        if _asked(replace(inputs, about=None), every=every):  # an account whose logs are read has settings, too, in any run
            from agent.collect.logs.sources import account

            for one in inputs.configuration.settings.collect.logs:
                accounts.setdefault(account(one.account), (GLOBAL,))
        return ()
    from agent.collect.logs import sources, stage
    from agent.collect.logs.memory import LogMemory

    bound = [*bind(over_rows, inputs.promises.promises, every=False), *bind(over_rows if every else [], [], every=True)]
    regions = dict(accounts)
    now = clock.now()
    try:
        folder = state.make(state.configured(inputs.configuration, os.environ) or state.usual(os.environ))
        key = sources.key(folder) if any(rule.file.control == PERSONAL for rule in rules) else None
        with LogMemory(folder / MEMORY) as memory:
            for source in sources.opened(inputs.configuration, regions, deadline, clock.now, key, folder):
                asked = sources.questions(bound, now)
                stage.collect(source, asked, memory, writer, now, lambda: deadline.left <= 0, progress)
                accounts.setdefault(source.account, (GLOBAL,))
    except (DocumentError, OSError, sqlite3.Error) as error:
        raise ConfigurationError(str(error)) from error
    return TYPES


def _asked(inputs: Inputs, *, every: bool) -> bool:
    """Whether any rule asks for the logs that are configured."""
    rules = inputs.rules if every else inputs.judged
    over_rows = inputs.log_rules if every else inputs.judged_rows
    return bool(inputs.configuration.settings.collect.logs) and bool(over_rows or any(rule.kind == SOURCE for rule in rules))
