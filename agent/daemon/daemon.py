"""`upheld agent`: runs when they are due, one instance for each state directory, told what to do by signals.

SIGHUP reloads, SIGUSR1 asks for a run at once, SIGTERM and SIGINT stop. The thread that hears them also watches that runs end, by
the time that passes, and feeds the service manager's watchdog only then.
"""

from __future__ import annotations

import gc
import math
import os
import queue
import random
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from agent import config, log, state
from agent.clock import Clock
from agent.collect.estate import EstateError
from agent.collect.logs.queue import LogQueue
from agent.config import Configuration, ConfigurationError
from agent.config.agent import Agent
from agent.daemon.change_dispatch import Dispatch
from agent.daemon.instance_lock import only_one
from agent.daemon.job_accounts import Accounts
from agent.daemon.kind_run import Runs, Stopped
from agent.daemon.log_listener import Listener
from agent.daemon.metrics_server import serving
from agent.daemon.run_clock import run_clock
from agent.daemon.schedule import Schedule
from agent.daemon.service_manager import ServiceManager
from agent.exits import INTERRUPTED, UPHELD
from agent.inputs import Inputs
from agent.kind import CHANGES, WHOLE, Kind
from agent.ledger import LedgerAway, LedgerError, opening
from agent.ledger.changes import unsettled
from agent.ledger.ledger import Also, nothing_else
from agent.ledger.recording import Recorder, claim
from agent.ledger.signing import Signer
from agent.publish.metrics import Metrics, QueueState
from agent.publish.notify.delivery import Delivery
from agent.publish.notify.outbox import Outbox, Waiting
from agent.publish.notify.sinks import senders
from agent.publish.printable import printable
from agent.publish.result import Result
from agent.run_event import Observer, RunEvent, tell
from checks.changing import Unsettled
from checks.document import DocumentError

TICK: Final = 1.0
"""Seconds between two looks at the clock and at what runs."""
MOST_WAIT: Final = 30.0
"""Seconds between two tries to reach the ledger's database, at most."""
SIGNALS: Final = (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Book:
    """The ledger that runs are recorded in."""

    place: opening.Place
    signer: Signer
    delivery: Delivery

    @classmethod
    def open(cls, configuration: Configuration, environment: Mapping[str, str], clock: Clock) -> Book:
        """Raises ConfigurationError and LedgerError where nothing could be recorded, or told."""
        place = opening.place(configuration, environment)
        signer = place.signer(make=True)
        assert signer is not None
        delivery = Delivery(Outbox(place.database), senders(configuration), clock)
        place.ledger.ready(signer)
        return cls(place, signer, delivery)

    def claim(self, stopping: Callable[[], bool]) -> AbstractContextManager[Callable[[], None]]:
        """The part of the configuration, against all other agents of the ledger."""
        return claim(self.place, stopping)

    def unsettled(self) -> tuple[Unsettled, ...]:
        """What changes have left in doubt. Raises LedgerError."""
        return unsettled(self.place.database, self.place.part)

    def record(self, inputs: Inputs, result: Result, estate: Path, clock: Clock, also: Also = nothing_else) -> None:
        """Raises LedgerError."""
        recorder = Recorder(self.place, self.signer, inputs, clock, live=True, delivery=self.delivery)
        recorder(result, estate, also)
        if recorder.failure is not None:
            raise recorder.failure


@dataclass(slots=True)
class Daemon:
    """`option`: the configuration that was named, as for every command. `observers` are told of each run, in the thread that made it."""

    option: str | None
    environment: Mapping[str, str]
    observers: tuple[Observer, ...] = ()
    clock: Clock = field(default_factory=Clock)
    manager: ServiceManager = field(init=False)
    book: Book = field(init=False)
    metrics: Metrics = field(init=False)
    runs: Runs = field(init=False)
    accounts: Accounts = field(init=False)
    schedule: Schedule = field(init=False)
    listener: Listener = field(init=False)
    changes: Dispatch = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    _signals: queue.SimpleQueue[int] = field(default_factory=queue.SimpleQueue)
    _complained: bool = False

    def serve(self) -> int:
        """Run until told to stop; the exit code. Raises ConfigurationError and LedgerError where it may not begin."""
        for one in SIGNALS:
            signal.signal(one, lambda number, _: self._signals.put(number))
        configuration = config.load(self.option, self.environment)
        folder = state.make(state.configured(configuration, self.environment) or state.usual(self.environment))
        self.manager = ServiceManager.of(self.environment)
        with only_one(folder):
            if isinstance(opened := self._opened(configuration), int):
                return opened
            self.book = book = opened
            self.runs = Runs.of(configuration, folder, book.record, book.claim, book.unsettled())
            settings = configuration.settings.agent
            self.metrics = Metrics(self.clock, self._waiting, self._queues)
            self.observers = (*self.observers, self.metrics.ran, self._dealt_with)
            self.accounts = Accounts.read(self.clock, folder, settings.every.intervals, book.place.part)
            self.schedule = Schedule(self.clock, self._run, self.accounts.overlap)
            self.listener = Listener([], self.clock, lambda: None)  # a run may end before the queues of logs are entered
            self.changes = Dispatch(self.clock, self.schedule, lambda: self.runs, lambda: self.book.place.database)
            with self._served(settings) as metrics:
                self.changes.listen(configuration)
                book.delivery.start()
                self.listener = self._listening(configuration)
                self.schedule.start(settings.every.intervals, random.uniform(0, settings.splay))
                every = {str(k): s for k, s in self.schedule.every.items()}
                log.logger().info("agent-ready", pid=os.getpid(), state=str(folder), every=every, metrics=metrics)
                self.manager.tell("READY=1", "STATUS=before the first run")
                return self._attend()

    def _opened(self, configuration: Configuration) -> Book | int:
        """The ledger, whose server may come up later than this machine; the exit code where the agent is told to stop before. To end, and be
        begun anew for as long as the service manager has patience, would end the agent for good. Raises as `Book.open` does."""
        wait = TICK
        while True:
            try:
                return Book.open(configuration, self.environment, self.clock)
            except LedgerAway as error:
                log.logger().error("ledger-away", detail=printable(error), again_in=wait)
            self.manager.tell(f"EXTEND_TIMEOUT_USEC={int((wait + MOST_WAIT * 3) * 1e6)}", "STATUS=waiting for the ledger's database")
            try:
                heard = self._signals.get(timeout=wait)
            except queue.Empty:
                heard = None
            if heard in {signal.SIGTERM, signal.SIGINT}:
                return UPHELD if heard == signal.SIGTERM else INTERRUPTED
            wait = min(2 * wait, MOST_WAIT)

    def _served(self, settings: Agent) -> AbstractContextManager[str | None]:
        """Metrics, at the address that is configured. At the usual one, which nobody asked for, another agent may be already."""
        if settings.metrics is None:
            return nullcontext()
        try:
            return serving(settings.metrics, self.metrics.text, self._ailing)
        except ConfigurationError as error:
            if "metrics" in settings.model_fields_set:
                raise
            log.logger().warning("metrics-not-served", detail=str(error))
            return nullcontext()

    def _listening(self, configuration: Configuration) -> Listener:
        """Hears the queues that are told of new log files. One that cannot be opened is no reason not to begin: logs are read when
        they are due."""
        from agent.collect.aws.client import Deadline
        from agent.collect.logs.sources import queues

        found: list[LogQueue] = []
        try:
            found += queues(configuration, Deadline(math.inf, self.clock.monotonic), self.clock.now)
        except ConfigurationError as error:
            log.logger().warning("log-queue-not-read", detail=printable(error))
        listener = Listener(found, self.clock, lambda: self.schedule.forward(Kind.LOGS))
        listener.start()
        return listener

    def _dealt_with(self, event: RunEvent) -> None:
        self.listener.ran(event)
        self.changes.ran(event)

    def _waiting(self) -> dict[str, Waiting]:
        return self.book.delivery.waiting()

    def _queues(self) -> dict[str, QueueState]:
        return self.changes.listener.states()

    def _ailing(self) -> list[str]:
        """What somebody should look at, each in a line."""
        hangs = self.schedule.hangs(self.runs.inputs.configuration.settings.agent.run_limit)
        every = {str(kind): seconds for kind, seconds in self.schedule.every.items()}
        return [*([hangs] if hangs else []), *self.metrics.ailing(every, WHOLE)]

    # -- the thread that hears signals ------------------------------------------------------------------------------

    def _attend(self) -> int:
        tick = TICK if self.manager.watchdog is None else min(TICK, self.manager.watchdog / 3)
        while True:
            try:
                heard = self._signals.get(timeout=tick)
            except queue.Empty:
                heard = None
            match heard:
                case signal.SIGHUP:
                    self._reload()
                case signal.SIGUSR1:
                    log.logger().info("run-asked-for")
                    self.schedule.soon()
                case signal.SIGTERM | signal.SIGINT:
                    return self._stop(UPHELD if heard == signal.SIGTERM else INTERRUPTED)
            if self.schedule.follow_clock():
                self.schedule.soon()
            self._watch()

    def _watch(self) -> None:
        """Feed the watchdog, unless runs hang: then the service manager is to start the agent anew."""
        hangs = self.schedule.hangs(self.runs.inputs.configuration.settings.agent.run_limit)
        if hangs is None:
            self._complained = False
            if self.manager.watchdog is not None:
                self.manager.tell("WATCHDOG=1")
        elif not self._complained:
            self._complained = True
            log.logger().error("agent-hangs", detail=hangs)
            self.manager.tell(f"STATUS={hangs}")

    def _reload(self) -> None:
        """Go by what the files say now, if they say something that can be gone by."""
        self.manager.reloading(self.clock.monotonic())
        try:
            configuration = config.load(self.option, self.environment)
            folder = state.configured(configuration, self.environment) or state.usual(self.environment)
            if folder.resolve() != self.runs.state.resolve():
                raise ConfigurationError(f"{configuration.file}: `state` is {folder} now, and an agent keeps its own: restart it")
            book = Book.open(configuration, self.environment, self.clock)
            runs = Runs.of(configuration, self.runs.state, book.record, book.claim, book.unsettled())
        except (ConfigurationError, DocumentError, LedgerError) as error:
            log.logger().error("reload-refused", detail=printable(error), goes_on_with="the settings it had")
            self.manager.tell("READY=1", "STATUS=reload refused: it goes on with the settings it had")
            return
        every = configuration.settings.agent.every.intervals
        self.book.delivery.stop(0)  # what it has in hand it ends by itself
        self.runs, self.book = runs, book
        book.delivery.start()
        self.listener.stop()
        self.listener = self._listening(configuration)
        self.changes.listen(configuration)
        self.accounts.change(every, book.place.part)
        self.schedule.change(every)
        self.schedule.soon()
        log.logger().info("reloaded", file=str(configuration.file))
        self.manager.tell("READY=1", "STATUS=reloaded")

    def _stop(self, code: int) -> int:
        """End what is on its way, within the time there is for it."""
        self.stopping.set()
        within = self.runs.inputs.configuration.settings.agent.stop_within
        self.manager.tell("STOPPING=1", "STATUS=stopping")
        log.logger().info("agent-stopping", within=within)
        self.schedule.stop()
        self.listener.stop()
        self.changes.listener.stop()
        if not self.schedule.idle.wait(within):
            log.logger().warning("run-given-up", detail=f"it did not end within {within} s; nothing of it is recorded")
            sys.stderr.flush()
            os._exit(code)  # a run is one transaction, so the ledger is whole; waiting for its threads could take for ever
        self.book.delivery.stop(within)
        log.logger().info("agent-stopped")
        return code

    # -- the thread that runs ---------------------------------------------------------------------------------------

    def _run(self, name: str) -> None:
        """One run from beginning to end, whatever becomes of it."""
        if self.stopping.is_set():
            return
        runs, id_ = self.runs, secrets.token_hex(8)
        name = name if runs.standing.whole else WHOLE  # until everything was looked at once, parts have nothing to stand on
        if name == CHANGES and self.changes.idle():
            return
        kinds = frozenset(self.schedule.every) if name == WHOLE else frozenset(kind for kind in Kind if kind == name)
        with log.run_lines(run=id_, kind=name):
            log.logger().info("run-begun")
            for kind in kinds:
                self.accounts.begin(kind)
            clock = run_clock(self.clock, self.stopping.is_set)
            started, since = clock.now(), self.clock.monotonic()
            try:
                event = self._event(RunEvent(id_, name, started, started), runs, clock, kinds)
            except Stopped:
                log.logger().info("run-given-up")
                return
            _said(event, self.clock.monotonic() - since)
            tell(self.observers, event)
            self.manager.tell(
                f"STATUS=the last run, {name}, {'failed' if event.failure else 'gave verdicts'} at {event.finished:%H:%M} UTC"
            )
            self._remember()
        del event
        if name != CHANGES:  # the next one may be hours away; after a change it would take as long as the change
            gc.collect()

    def _event(self, event: RunEvent, runs: Runs, clock: Clock, kinds: frozenset[Kind]) -> RunEvent:
        """What the run came to. Raises Stopped."""
        result, failure, unrecorded = None, None, False
        try:
            told = [*self.accounts.told(kinds), *self.changes.told()]
            result = runs.one(event.kind, clock, told, self.stopping.is_set, self.changes.events())
        except (ConfigurationError, DocumentError, EstateError) as error:
            failure = printable(error)
        except LedgerError as error:
            failure, unrecorded = printable(error), True
        except Stopped:
            raise
        except Exception as error:  # a boundary: whatever a run dies of, the next one is to come
            log.logger().error("internal-error", exc_info=True)
            failure = f"internal error: {type(error).__name__}; the agent's log has the rest"  # its words may hold anything
        for kind in kinds:
            self.accounts.end(kind, failure)
        if failure is not None and not unrecorded:
            result = self._record_failure(runs, clock)
        return replace(event, finished=clock.now(), result=result, failure=failure)

    def _record_failure(self, runs: Runs, clock: Clock) -> Result | None:
        """Put the failure into the ledger. Where that fails, too, the next run that is recorded tells of it."""
        try:
            return runs.failed(clock, [*self.accounts.told(), *self.changes.told()], self.stopping.is_set)
        except (ConfigurationError, DocumentError, EstateError, LedgerError) as error:
            log.logger().error("failure-not-recorded", detail=printable(error))
            return None

    def _remember(self) -> None:
        try:
            self.accounts.write()
        except OSError as error:
            log.logger().error("agent-runs", detail=f"{self.accounts.file} cannot be written: {error.strerror}")


def _said(event: RunEvent, seconds: float) -> None:
    if event.failure is not None or event.result is None:
        log.logger().error("run-failed", detail=event.failure, seconds=round(seconds, 1))
        return
    result, recorded = event.result, event.result.recorded
    log.logger().info(
        "run-ended", seconds=round(seconds, 1), verdict=result.verdict(), findings=result.counts, gaps=result.gap_count,
        ledger_run=recorded.number if recorded else None,
    )  # fmt: skip
