"""What the facts are about that a rule judges: each kind of target is looked at as often as it changes, and by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from checks.logs.source import TYPES as LOG_TYPES
from checks.rule import Rule
from checks.runs import RUN
from checks.tls.endpoint import TYPE as ENDPOINT
from checks.wording import SENTENCE


class Target(StrEnum):
    SETTINGS = "settings"
    NETWORK = "network"
    """What can reach what."""
    TLS = "tls"
    LOGS = "logs"
    POLICY = "policy"
    """The published texts."""
    RUN = "run"
    """The agent's own runs."""


HERE: Final = frozenset({Target.POLICY, Target.RUN})
"""What is known without asking the world."""


def about(rule: Rule) -> Target:
    """What a rule is about."""
    if rule.file.paths is not None:
        return Target.NETWORK
    if rule.file.rows is not None or rule.kind in LOG_TYPES:
        return Target.LOGS
    return {ENDPOINT: Target.TLS, SENTENCE: Target.POLICY, RUN: Target.RUN}.get(rule.kind, Target.SETTINGS)
