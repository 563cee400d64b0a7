"""The kinds of runs that are scheduled, each of one kind of target."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from checks.target import Target


class Kind(StrEnum):
    SETTINGS = "settings"
    NETWORK = "network"
    TLS_QUICK = "tls-quick"
    TLS_FULL = "tls-full"
    LOGS = "logs"
    POLICY = "policy"

    @property
    def target(self) -> Target:
        return Target.TLS if self in {Kind.TLS_QUICK, Kind.TLS_FULL} else Target(self.value)


WHOLE: Final = "whole"
"""A run about everything: the first one, one after a reload, and one that somebody asks for."""
CHANGES: Final = "changes"
"""A run about what queues of changes tell of."""
