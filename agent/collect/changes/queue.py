"""The small interface behind which every queue of changes is: receive, and acknowledge what is in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from agent.collect.aws.errors import Failure
from checks.change import Change

HIDDEN: Final = 120
"""Seconds for which a message that was received is not given out again: a run about what changed takes less."""


class NotAChange(ValueError):
    """A message that is none of those that a cloud sends about changes: what it was about, nobody knows."""


class QueueFailed(Exception):
    """The queue could not be asked, or a message not deleted. `action`: the permission that it takes."""

    def __init__(self, call: str, failure: Failure, action: str) -> None:
        self.call, self.failure, self.action = call, failure, action
        super().__init__(f"{call}: {failure.reason} {failure.code} {failure.message}".rstrip() + f" (needs {action})")


@dataclass(frozen=True, slots=True)
class Message:
    """What one message tells: changes, perhaps none that matters; or, in `problem`, why nobody can tell. The receipt deletes it."""

    id: str
    receipt: str
    changes: tuple[Change, ...] = ()
    problem: str = ""
    sent: float | None = None
    """When it was put there, in seconds since 1970, where the queue says so."""


class ChangeQueue(Protocol):
    """A queue that is told of changes."""

    @property
    def name(self) -> str:
        """What tells it from all others."""

    @property
    def pause(self) -> float:
        """Seconds to wait after an empty answer."""

    def receive(self, wait: int) -> list[Message]:
        """The next few messages, waiting up to `wait` seconds for the first. Raises QueueFailed."""

    def acknowledge(self, message: Message) -> None:
        """Delete a message that was dealt with. Raises QueueFailed; it then comes again."""
