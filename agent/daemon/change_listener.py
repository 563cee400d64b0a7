"""Queues that are told of changes: what an event is about is looked at now, and not when it is due.

A message is deleted once every event in it is in the ledger, dealt with by a run, or is about nothing that is read. Until then it comes
again, which makes no second run; after a crash the ledger tells which events were dealt with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent import log
from agent.clock import Clock
from agent.collect.aws.sqs import LONGEST_WAIT
from agent.collect.changes.queue import ChangeQueue, Message, QueueFailed
from agent.daemon.changing import Event
from agent.ledger import LedgerError
from agent.publish.metrics import QueueState
from agent.publish.printable import printable
from agent.run_event import RunEvent
from checks.runs import Told

PAUSE: Final = 60.0
"""Seconds after which a queue that could not be asked is asked again."""
_MESSAGE: Final = "message:"


@dataclass(slots=True)
class Held:
    """A message that waits: the events in it that no run has dealt with, and when it came, by the time that passes."""

    queue: ChangeQueue
    message: Message
    events: dict[str, Event]
    since: float


@dataclass(slots=True)
class Standing:
    """How a queue stands. `answered`: when it was read last, RFC 3339 in UTC; `lag`: seconds from a message's receipt to the record of the
    run that dealt with it, the newest."""

    answered: str | None = None
    failure: str | None = None
    malformed: int = 0
    dealt: int = 0
    lag: float = 0


@dataclass(slots=True)
class ChangeListener:
    """Waits on each queue in a thread of its own, and calls `ask` with the events that came, none where only the queue's own state is news.

    `known` gives those of a queue's events that the ledger has; `concerns` says whether an event is about anything that is read.
    """

    queues: Sequence[ChangeQueue]
    clock: Clock
    ask: Callable[[Collection[Event]], None]
    known: Callable[[str, Sequence[str]], set[str]]
    concerns: Callable[[Event], bool]
    pause: float = PAUSE
    wait: int = LONGEST_WAIT
    """Seconds that an empty queue is listened to before it is asked again."""
    standing: dict[str, Standing] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _held: dict[tuple[str, str], Held] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.standing = {queue.name: Standing() for queue in self.queues}

    def start(self) -> None:
        for queue in self.queues:
            self._threads.append(threading.Thread(target=self._listen, args=(queue,), name="change-queue", daemon=True))
            self._threads[-1].start()

    def stop(self, within: float = 0) -> None:
        """Listen no more; a thread that waits ends with its answer, for which there are so many seconds."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(within)

    def adopt(self, other: ChangeListener) -> None:
        """Take over what another one holds of the same queues."""
        queues = {queue.name: queue for queue in self.queues}
        with other._lock:
            held = {key: one for key, one in other._held.items() if one.queue.name in queues}
        with self._lock:
            self._held |= {key: Held(queues[one.queue.name], one.message, one.events, one.since) for key, one in held.items()}

    def waiting(self) -> list[Event]:
        """The events that no run has dealt with."""
        with self._lock:
            return list({(one.queue, one.id): one for held in self._held.values() for one in held.events.values()}.values())

    def states(self) -> dict[str, QueueState]:
        """How each queue stands, for whoever measures."""
        now, monotonic = self.clock.now().timestamp(), self.clock.monotonic()
        with self._lock:
            since = {name: [held.since for held in self._held.values() if held.queue.name == name] for name in self.standing}
        return {
            name: QueueState(
                one.answered is not None and one.failure is None, len(since[name]),
                now - (monotonic - min(since[name])) if since[name] else None, one.dealt, one.malformed, one.lag,
            )
            for name, one in self.standing.items()
        }  # fmt: skip

    def told(self) -> list[Told]:
        """What there is to say of the queues, as of runs: what is not heard is not looked at."""
        return [Told(f"changes {name}", self.wait, *self._state(name, one), 0, 0) for name, one in sorted(self.standing.items())]

    def ran(self, event: RunEvent) -> None:
        """Delete what a run has dealt with: an observer of runs."""
        if event.failure is not None or event.result is None or event.result.recorded is None:
            return
        dealt = {(one["queue"], one["event"]) for one in event.result.changes}
        if not dealt:
            return
        with self._lock:
            for held in self._held.values():
                for id_ in [id_ for id_ in held.events if (held.queue.name, id_) in dealt]:
                    del held.events[id_]
            done = {key: held for key, held in self._held.items() if not held.events}
            self._held = {key: held for key, held in self._held.items() if held.events}
        now = self.clock.monotonic()
        for held in done.values():
            standing = self.standing[held.queue.name]
            standing.dealt, standing.lag = standing.dealt + 1, now - held.since
            self._acknowledge(held.queue, held.message)
        if done:
            longest = max(now - held.since for held in done.values())
            log.logger().info("changes-recorded", messages=len(done), events=len(dealt), seconds_since_receipt=round(longest, 1))

    def _state(self, name: str, one: Standing) -> tuple[str | None, str | None]:
        """When the queue was read last, and what is wrong with it or with what it holds."""
        with self._lock:
            unread = [held.message for held in self._held.values() if held.queue.name == name and held.message.problem]
        if one.failure is not None:
            return one.answered or self.clock.now().isoformat(), one.failure
        if unread:
            many = "a message" if len(unread) == 1 else f"{len(unread)} messages"
            return one.answered, f"{many} could not be understood, such as {unread[0].id}: {unread[0].problem}"
        return one.answered, None

    def _listen(self, queue: ChangeQueue) -> None:
        wait = 0  # the first answer is to come at once
        while not self._stopped.is_set():
            try:
                self._hear(queue, wait)
            except QueueFailed as error:
                self._failed(queue, f"it could not be read: {error}")
            except LedgerError as error:  # whether the events were dealt with is not known: they come again
                self._failed(queue, f"it could not be held against the ledger: {error}")
            except Exception as error:  # a boundary: a thread that ended would leave the queue unheard, and nobody the wiser
                log.logger().error("internal-error", exc_info=True)
                self._failed(queue, f"internal error: {type(error).__name__}; the agent's log has the rest")
            wait = self.wait

    def _hear(self, queue: ChangeQueue, wait: int) -> None:
        """Raises QueueFailed and LedgerError."""
        messages = queue.receive(wait)
        came = [event for message in messages for event in self._take(queue, message)]
        standing = self.standing[queue.name]
        news, standing.failure, standing.answered = standing.failure is not None, None, self.clock.now().isoformat()
        if came or news:
            self.ask(came)
        if not messages and queue.pause:
            self._stopped.wait(queue.pause)

    def _failed(self, queue: ChangeQueue, why: str) -> None:
        standing = self.standing[queue.name]
        first, standing.failure = standing.failure is None, printable(why)
        if first:
            log.logger().warning("change-queue-not-read", queue=queue.name, detail=standing.failure)
            self.ask([])
        self._stopped.wait(self.pause)

    def _take(self, queue: ChangeQueue, message: Message) -> Iterator[Event]:
        """Hold a message, and give what is new in it. One that tells of nothing that is read, and nothing new, is deleted at once."""
        key = (queue.name, message.id)
        with self._lock:
            if (held := self._held.get(key)) is not None:
                held.message = message  # it came again, with the receipt that counts now
                return
        events = {one.id: Event(queue.name, one.id, one) for one in message.changes}
        if message.problem:
            events[_MESSAGE + message.id] = Event(queue.name, _MESSAGE + message.id)
        known = self.known(queue.name, list(events))
        events = {id_: one for id_, one in events.items() if id_ not in known and self.concerns(one)}
        if not events:
            self._acknowledge(queue, message)
            return
        if message.problem:
            self.standing[queue.name].malformed += 1
            log.logger().warning("change-not-understood", queue=queue.name, message=message.id, detail=printable(message.problem))
        now = self.clock.now().timestamp()
        delay = None if message.sent is None else round(now - message.sent, 1)
        names = sorted({one.change.name for one in events.values() if one.change is not None})
        log.logger().info("change-announced", queue=queue.name, events=names, seconds_in_queue=delay)
        with self._lock:
            self._held[key] = Held(queue, message, events, self.clock.monotonic())
        yield from events.values()

    @staticmethod
    def _acknowledge(queue: ChangeQueue, message: Message) -> None:
        try:
            queue.acknowledge(message)
        except QueueFailed as error:  # it comes again, and is known by then
            log.logger().warning("change-not-deleted", queue=queue.name, message=message.id, detail=printable(error))
