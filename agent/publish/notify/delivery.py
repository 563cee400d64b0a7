"""Delivery: what waits in the outbox is sent, each sink by itself, so that one that hangs holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from agent import log
from agent.clock import Clock
from agent.ledger import LedgerError
from agent.publish.notify import DeliveryError
from agent.publish.notify.events import events
from agent.publish.notify.outbox import Message, Outbox, Waiting, put
from agent.publish.notify.sinks import Sender

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agent.ledger.ledger import Recorded
    from agent.publish.result import Result
    from checks.promise import Acceptance

_PAUSE: Final = 5.0
"""How often the outbox is looked at, in seconds of the monotonic clock: a wait that a wall clock cannot lengthen."""


@dataclass(slots=True)
class Delivery:
    """The outbox, and who is told. `start` sends in the background until `stop`; `once` sends what is due now."""

    outbox: Outbox
    senders: Sequence[Sender]
    clock: Clock
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def put(self, result: Result, exceptions: Mapping[str, Acceptance]) -> Callable[[Connection, Recorded], None]:
        """What goes into the transaction that records a result."""

        def within(connection: Connection, recorded: Recorded) -> None:
            put(connection, self.senders, events(recorded, result, exceptions), self._now())

        return within

    def once(self) -> None:
        """Send what is due, to all sinks at the same time."""
        if self.senders:
            with ThreadPoolExecutor(len(self.senders), thread_name_prefix="notify") as pool:
                list(pool.map(self._empty, self.senders))

    def start(self) -> None:
        """Raises LedgerError."""
        self.outbox.forsake([sender.name for sender in self.senders], self._now())
        for sender in self.senders:
            thread = threading.Thread(target=partial(self._run, sender), name=f"notify-{sender.name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, seconds: float) -> None:
        """End after the messages that are under way, or after so many seconds: what was not sent by then waits in the outbox."""
        self._stopped.set()
        end = self.clock.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(end - self.clock.monotonic(), 0))

    def waiting(self) -> dict[str, Waiting]:
        """How each sink stands. Raises LedgerError."""
        return {sender.name: self.outbox.waiting(sender.name) for sender in self.senders}

    def _run(self, sender: Sender) -> None:
        while not self._stopped.is_set():
            self._empty(sender)
            self._stopped.wait(_PAUSE)

    def _empty(self, sender: Sender) -> None:
        """Send what is due. Whatever goes wrong is said, and tried again later."""
        try:
            while not self._stopped.is_set() and self._next(sender):
                pass
        except LedgerError as error:
            log.logger().warning("notify-outbox", sink=sender.name, detail=str(error))

    def _next(self, sender: Sender) -> bool:
        """Send one message. Gives whether there may be another."""
        message = self.outbox.claim(sender, self._now())
        if message is None:
            return False
        try:
            outcome = self._send(sender, message)
        except DeliveryError as error:
            lost = self.outbox.failed(message, error, sender, self._now())
            said = log.logger().error if lost else log.logger().warning
            said("notification-lost" if lost else "notification-delayed", sink=sender.name, message=message.id, detail=str(error))
            return lost or not error.blocks
        self.outbox.sent(message, outcome, self._now())
        log.logger().info("notified", sink=sender.name, message=message.id, events=len(message.events), outcome=outcome)
        return True

    def _send(self, sender: Sender, message: Message) -> str:
        """Raises DeliveryError, also for a bug: a message that cannot be made must not hold up all others."""
        try:
            return sender.send(message, self._now())
        except DeliveryError:
            raise
        except Exception as error:  # a boundary
            log.logger().error("notify-failed", sink=sender.name, message=message.id, exc_info=True)
            raise DeliveryError(f"internal error: {type(error).__name__}", blocks=False) from error

    def _now(self) -> int:
        return int(self.clock.now().timestamp())
