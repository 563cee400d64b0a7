"""Queues that are told of new log files: what they announce has the logs read now, and not when they are due.

A message is deleted once a run that began after it came is in the ledger. Until then it comes again, which changes nothing: what
there is to read, the listing says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from agent import log
from agent.clock import Clock
from agent.collect.aws.sqs import LONGEST_WAIT
from agent.collect.logs.queue import LogQueue, Message, QueueFailed
from agent.kind import WHOLE, Kind
from agent.run_event import RunEvent

PAUSE: Final = 60.0
"""Seconds after which a queue that could not be asked is asked again."""


@dataclass(slots=True)
class Listener:
    """Waits on each queue in a thread of its own, and calls `ask` for what it announces."""

    queues: Sequence[LogQueue]
    clock: Clock
    ask: Callable[[], None]
    pause: float = PAUSE
    wait: int = LONGEST_WAIT
    """Seconds that an empty queue is listened to before it is asked again."""
    _threads: list[threading.Thread] = field(default_factory=list)
    _held: list[tuple[LogQueue, Message, datetime]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        for queue in self.queues:
            self._threads.append(threading.Thread(target=self._listen, args=(queue,), name="log-queue", daemon=True))
            self._threads[-1].start()

    def stop(self, within: float = 0) -> None:
        """Listen no more; a thread that waits ends with its answer, for which there are so many seconds."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(within)

    def ran(self, event: RunEvent) -> None:
        """Delete what a run has dealt with: an observer of runs."""
        if event.failure is not None or event.result is None or event.kind not in {Kind.LOGS, WHOLE}:
            return
        with self._lock:
            done = [held for held in self._held if held[2] <= event.started]
            self._held = [held for held in self._held if held[2] > event.started]
        for queue, message, _ in done:
            self._delete(queue, message)

    def _listen(self, queue: LogQueue) -> None:
        failing = False
        while not self._stopped.is_set():
            try:
                messages = queue.receive(self.wait)
            except QueueFailed as error:
                if not failing:
                    log.logger().warning("log-queue-not-read", queue=queue.url, detail=error.what)
                failing = True
                self._stopped.wait(self.pause)
                continue
            failing = False
            telling = [message for message in messages if message.hints]
            for message in messages:
                if message not in telling:  # a test, or of objects that are nobody's here
                    self._delete(queue, message)
            if telling:
                now = self.clock.now()
                with self._lock:
                    self._held += [(queue, message, now) for message in telling]
                log.logger().info("logs-announced", queue=queue.url, objects=sum(len(message.hints) for message in telling))
                self.ask()

    @staticmethod
    def _delete(queue: LogQueue, message: Message) -> None:
        try:
            queue.done(message.receipt)
        except QueueFailed as error:
            log.logger().warning("log-queue-not-emptied", queue=queue.url, detail=error.what)
