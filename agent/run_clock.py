"""The time of a run: it flows as time does while the run lasts, and no run is before the one before, whatever is done to the clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent.clock import Clock

STEP: Final = timedelta(seconds=1)


@dataclass(slots=True)
class Times:
    """Gives each run its clock. `newest`: when the run before ended; None where there was none.

    Where the clock was turned back, runs follow each other by a second until it has caught up: what is recorded is in order, and
    nothing is recorded as later than it ever was.
    """

    clock: Clock
    newest: datetime | None = None

    def begin(self, stopping: Callable[[], bool]) -> Clock:
        """The clock of a run that begins now. When the agent is `stopping`, all the time that the run had is up: calls that were not
        made are not made any more."""
        now, since = self.clock.now(), self.clock.monotonic()
        if self.newest is not None and now < self.newest + STEP:
            if self.newest - now > timedelta(minutes=1):
                from agent import log

                log.logger().warning("clock-turned-back", now=now.isoformat(), newest_run=self.newest.isoformat())
            now = self.newest + STEP

        def told() -> datetime:
            self.newest = now + timedelta(seconds=self.clock.monotonic() - since)
            return self.newest

        return Clock(told, lambda: math.inf if stopping() else self.clock.monotonic())
