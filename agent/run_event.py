"""What is told of each run to whoever wants to know: those who notify, and those who count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from agent.publish.result import Result


@dataclass(frozen=True, slots=True)
class RunEvent:
    """A run that has ended: with a result, which is in the ledger (`result.recorded`), or with a failure in words.

    With a failure, the result is what the ledger was told of it, findings about the schedule alone, or None where that could not be
    recorded either. A result holds everything that was collected: an observer takes from it what it needs, and does not keep it.
    """

    id: str
    kind: str
    """A kind of `agent.every`, or `whole`."""
    started: datetime
    finished: datetime
    result: Result | None = None
    failure: str | None = None


Observer = Callable[[RunEvent], None]
"""Called in the thread that made the run, before the next one can begin: what takes long belongs elsewhere."""


def tell(observers: tuple[Observer, ...], event: RunEvent) -> None:
    """Hand an event to each observer. One that fails keeps neither the others from it nor the agent from the next run."""
    for observer in observers:
        try:
            observer(event)
        except Exception:  # a boundary: observers are not part of the run, which is recorded already
            from agent import log

            log.logger().error("observer-failed", observer=getattr(observer, "__qualname__", type(observer).__name__), exc_info=True)
