"""From events to runs: which run an event asks for, when one is worth it, and when to look again at what is in doubt."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent import log
from agent.clock import Clock
from agent.collect.changes.queue import ChangeQueue
from agent.config import Configuration, ConfigurationError
from agent.daemon.change_listener import PAUSE, ChangeListener
from agent.daemon.changing import Changing, Event
from agent.daemon.kind_run import Runs
from agent.daemon.schedule import Schedule
from agent.kind import CHANGES, WHOLE, Kind
from agent.ledger import changes
from agent.ledger.database import Database
from agent.publish.printable import printable
from agent.run_event import RunEvent
from checks.runs import Told

WIDE: Final = 15 * 60.0
"""Seconds between two looks at everything that nobody but events asked for: a queue that is told of what is nobody's here would else have
nothing else done."""

_LATER: Final = 0.1
"""Seconds by which a run comes later than it could: two clocks, that of the wall and that which only passes, are compared."""


@dataclass(slots=True)
class Dispatch:
    """`runs`: what runs go by now; `database`: where events are remembered."""

    clock: Clock
    schedule: Schedule
    runs: Callable[[], Runs]
    database: Callable[[], Database]
    listener: ChangeListener = field(init=False)
    _wide: float = -math.inf
    """When the last look at everything that events asked for ended, by the time that passes."""
    _owed: bool = False
    """Whether events have asked for one."""
    _news: bool = False
    """Whether the state of a queue is to be told."""

    def __post_init__(self) -> None:
        self.listener = self._listener([])

    def listen(self, configuration: Configuration) -> None:
        """Hear the queues of a configuration. One whose identity is not there is told, and is no reason not to begin."""
        from agent.collect.aws.client import Deadline
        from agent.collect.changes.opened import queues

        found: list[ChangeQueue] = []
        try:
            found += queues(configuration, Deadline(math.inf, self.clock.monotonic), self.clock.now)
        except ConfigurationError as error:
            log.logger().warning("change-queue-not-read", detail=printable(error))
        before, self.listener = self.listener, self._listener(found)
        before.stop()
        self.listener.adopt(before)
        self.listener.start()

    def events(self) -> list[Event]:
        """What waits, for a run that begins now."""
        return self.listener.waiting()

    def told(self) -> list[Told]:
        """What there is to say of the queues in a run that begins now."""
        self._news = False
        return self.listener.told()

    def idle(self) -> bool:
        """Whether a run about changes would have nothing to do: what it was asked for was done by another."""
        runs = self.runs()
        changing = runs.changing
        if changing is None or (not runs.standing.whole and WHOLE in self.schedule.due):
            return True
        narrow = any(not self._is_wide(one) for one in self.events())
        if self._news or narrow or changing.again(self.clock.now()):
            return False
        self._look_again(changing)
        return True

    def ran(self, event: RunEvent) -> None:
        """After a run: what it has dealt with is deleted, and what it left in doubt is looked at again."""
        self.listener.ran(event)
        if (changing := self.runs().changing) is None:
            return
        if self._owed and event.kind in {WHOLE, Kind.SETTINGS}:
            self._wide, self._owed = self.clock.monotonic(), False
        if event.failure is not None:  # what failed now may fail at once again
            self.schedule.announce(CHANGES, PAUSE)
            return
        self._look_again(changing)
        self._ask([one for one in self.events() if event.kind != CHANGES or self._is_wide(one)])

    def _look_again(self, changing: Changing) -> None:
        """Have what is in doubt looked at when that can settle anything."""
        if (due := changing.due()) is not None:
            self.schedule.announce(CHANGES, max((due - self.clock.now()).total_seconds(), 0) + _LATER)

    def _ask(self, events: Collection[Event]) -> None:
        """Called in the threads that listen, too."""
        if any(not self._is_wide(one) for one in events):
            self.schedule.announce(CHANGES)
        wide = [one for one in events if self._is_wide(one)]
        if not wide:
            return
        wait, self._owed = max(self._wide + WIDE - self.clock.monotonic(), 0), True
        if any(one.change is None for one in wide) or Kind.SETTINGS not in self.schedule.every:
            self.schedule.announce(WHOLE, wait)
        else:
            self.schedule.announce(Kind.SETTINGS, wait)

    def _heard(self, events: Collection[Event]) -> None:
        if not events:  # of the queue itself
            self._news = True
            self.schedule.announce(CHANGES)
        self._ask(events)

    def _is_wide(self, event: Event) -> bool:
        """Whether nobody can tell what of the estate it is about."""
        runs = self.runs()
        return runs.changing is None or runs.changing.touch(runs.inputs, event) is None

    def _concerns(self, event: Event) -> bool:
        """Whether an event is about anything that is read, or may be."""
        runs = self.runs()
        if runs.changing is None:
            return False
        touch = runs.changing.touch(runs.inputs, event)
        return touch is None or bool(touch.units)

    def _known(self, queue: str, events: Sequence[str]) -> set[str]:
        return changes.known(self.database(), queue, events)

    def _listener(self, queues: Sequence[ChangeQueue]) -> ChangeListener:
        return ChangeListener(list(queues), self.clock, self._heard, self._known, self._concerns)
