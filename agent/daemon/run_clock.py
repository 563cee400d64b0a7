"""The time of a run: it flows as time does while the run lasts, whatever is done to the clock, and is up when the agent stops."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

from agent.clock import Clock


def run_clock(clock: Clock, stopping: Callable[[], bool]) -> Clock:
    """The clock of a run that begins now. When the agent is `stopping`, all the time that the run had is up: calls that were not made
    are not made any more."""
    now, since = clock.now(), clock.monotonic()
    return Clock(
        lambda: now + timedelta(seconds=clock.monotonic() - since),
        lambda: math.inf if stopping() else clock.monotonic(),
    )
