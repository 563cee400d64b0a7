"""How things stand, for Prometheus: what the newest runs found, when each was, and whether notifications arrive.

Times are given as times, and not as ages: `time() - upheld_evidence_timestamp_seconds` is an age that goes on growing when nobody
looks any more, here as in a file that node_exporter reads (Prometheus, "Instrumentation", Timestamps, not time since).
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.registry import Collector

from agent.clock import Clock
from checks.age import AHEAD
from checks.model import Reason
from checks.rule import SEVERITIES
from checks.verdict import Verdict

if TYPE_CHECKING:
    from agent.publish.notify.outbox import Waiting
    from agent.publish.result import Result
    from agent.run_event import RunEvent

Held = TypeVar("Held")
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus, "Exposition formats", text format."""
_UNVERIFIABLE: Final = "unverifiable"
_STATES: Final = (*map(str, Verdict), _UNVERIFIABLE)
_AHEAD: Final = AHEAD.total_seconds()
_CHECK: Final = "check"
_OUTCOMES: Final = ("succeeded", "failed")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run found, without the findings themselves. Times are seconds since 1970."""

    collected: float
    """When collecting began: no fact is older, and some are nearly as old."""
    findings: Mapping[tuple[str, str], int]
    """(verdict, severity) -> how many."""
    accepted: int
    gaps: Mapping[str, int]
    """Reason -> how many."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a queue of changes stands. `oldest`: when the first message that waits was received, in seconds since 1970; `lag` in seconds."""

    reached: bool
    waiting: int
    oldest: float | None
    dealt: int
    malformed: int
    lag: float


@dataclass(slots=True)
class _Kind:
    """How runs of a kind went."""

    seen: Seen | None = None
    success: float | None = None
    seconds: float = 0
    failing: bool = False
    """Whether the newest one failed."""
    ended: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, eq=False)
class Metrics(Collector):
    """What is known at present. `waiting`: how each sink of notifications stands. Runs are told to it in the thread that makes them, and read in others."""

    clock: Clock
    waiting: Callable[[], Mapping[str, Waiting]] | None = None
    queues: Callable[[], Mapping[str, QueueState]] | None = None
    """How each queue of changes stands."""
    _kinds: dict[str, _Kind] = field(default_factory=dict)
    _promises: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    """Promise -> its verdict, when that was, and up to when it counts."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock.now().timestamp()

    def ran(self, event: RunEvent) -> None:
        """Take note of a run. It does not keep the result."""
        seconds = (event.finished - event.started).total_seconds()
        if event.failure is None and event.result is not None:
            self.succeeded(event.kind, event.result, seconds, event.finished.timestamp())
        else:
            self.failed(event.kind, event.result, seconds)

    def succeeded(self, kind: str, result: Result, seconds: float, ended: float) -> None:
        seen = _seen(result)
        verdicts = _verdicts(result)
        with self._lock:
            held = self._kinds.setdefault(kind, _Kind())
            held.seen, held.success, held.seconds, held.failing = seen, ended, seconds, False
            held.ended["succeeded"] += 1
            self._promises = verdicts  # one that is not there any more is promised no more

    def failed(self, kind: str, result: Result | None, seconds: float) -> None:
        """`result`: what the failure makes of the promises, where that is in the ledger. What was looked at before stays as old as it
        is."""
        verdicts = None if result is None else _verdicts(result)
        with self._lock:
            self._promises = self._promises if verdicts is None else verdicts
            held = self._kinds.setdefault(kind, _Kind())
            held.seconds, held.failing = seconds, True
            held.ended["failed"] += 1

    def ailing(self, every: Mapping[str, int], whole: str) -> list[str]:
        """What is wrong with the runs that are due so often, by kind, each in a line. A run about everything, which `whole` names, is
        one of every kind; until it was, everything is new since the start."""
        now = self.clock.now().timestamp()
        with self._lock:
            failing = sorted(name for name, held in self._kinds.items() if held.failing)
            last = {name: held.success for name, held in self._kinds.items() if held.success is not None}
        since = last.get(whole, self._started)
        overdue = [name for name, seconds in sorted(every.items()) if now - max(last.get(name, since), since) > 2 * seconds]
        return [
            *(f"{name}: its newest run failed" for name in failing),
            *(f"{name}: no verdicts for twice its interval" for name in overdue),
        ]

    def text(self) -> bytes:
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """All families. Called by prometheus_client."""
        with self._lock:
            kinds = {
                name: _Kind(held.seen, held.success, held.seconds, held.failing, Counter(held.ended))
                for name, held in sorted(self._kinds.items())
            }
            promises = dict(sorted(self._promises.items()))
        yield _gauge("upheld_build_info", "The version that runs.", ["version"], [((version("upheld"),), 1)])
        yield self._states(promises)
        yield from _found({name: held.seen for name, held in kinds.items() if held.seen is not None})
        yield from _went(kinds)
        yield from self._notifications()
        yield from self._changes()

    def _states(self, promises: Mapping[str, tuple[str, float, float]]) -> Metric:
        now = self.clock.now().timestamp()
        states = StateSetMetricFamily(
            "upheld_promise_status", "Whether a promise is kept; unproven, too, where nobody looked for long.", labels=["promise"]
        )
        for name, (verdict, seen, until) in promises.items():
            old = not seen - min(_AHEAD, until - seen) <= now <= until  # the clock may have been set back
            shown = str(Verdict.UNPROVEN) if old and verdict != _UNVERIFIABLE else verdict
            states.add_metric([name], {state: state == shown for state in _STATES})
        return states

    def _notifications(self) -> Iterator[Metric]:
        if self.waiting is None:
            return
        from agent.ledger import LedgerError

        try:
            held = self.waiting()
        except LedgerError:  # the ledger is away: what cannot be told is not told, and is missed
            return
        yield _gauge("upheld_notifications_waiting", "Messages that wait.", ["sink"], _each(held, lambda one: one.messages))
        oldest = {name: one for name, one in held.items() if one.since is not None}
        told = _each(oldest, lambda one: one.since or 0)
        yield _gauge("upheld_notifications_oldest_timestamp_seconds", "When the oldest of them was made.", ["sink"], told)
        for state, count in (("sent", lambda one: one.sent), ("lost", lambda one: one.lost)):
            text = f"Messages of the last 90 days that were {'sent' if state == 'sent' else 'given up'}."
            yield _gauge(f"upheld_notifications_{state}", text, ["sink"], _each(held, count))

    def _changes(self) -> Iterator[Metric]:
        held = {} if self.queues is None else self.queues()
        if not held:
            return
        reached = _each(held, lambda one: one.reached)
        yield _gauge("upheld_change_queue_reached", "Whether a queue of changes could be read.", ["queue"], reached)
        yield _gauge("upheld_changes_waiting", "Messages that no run has dealt with.", ["queue"], _each(held, lambda one: one.waiting))
        oldest = {name: one for name, one in held.items() if one.oldest is not None}
        told = _each(oldest, lambda one: one.oldest or 0)
        yield _gauge("upheld_changes_oldest_timestamp_seconds", "When the oldest of them was received.", ["queue"], told)
        lag = _each(held, lambda one: one.lag)
        yield _gauge("upheld_change_lag_seconds", "From the newest message's receipt to the record of its run.", ["queue"], lag)
        counts = CounterMetricFamily("upheld_changes", "Messages since the start, by what became of them.", labels=["queue", "outcome"])
        for name, one in held.items():
            counts.add_metric([name, "recorded"], one.dealt)
            counts.add_metric([name, "not-understood"], one.malformed)
        yield counts


def chunks(result: Result) -> Iterator[str]:
    """A run for node_exporter's textfile collector: `upheld check --format prometheus=FILE`. Its now is the estate's own."""
    now = result.manifest.now
    metrics = Metrics(Clock(lambda: now))
    seconds = (now - datetime.fromisoformat(result.manifest.started)).total_seconds()
    metrics.succeeded(_CHECK, result, seconds, now.timestamp())
    yield metrics.text().decode("utf-8")


def _verdicts(result: Result) -> dict[str, tuple[str, float, float]]:
    now, until = result.manifest.now.timestamp(), {name: at.timestamp() for name, at in result.until.items()}
    return {one.id: (str(one.verdict) if one.verdict else _UNVERIFIABLE, now, until.get(one.id, math.inf)) for one in result.promises}


def _seen(result: Result) -> Seen:
    findings = Counter((record["verdict"], record["severity"]) for record in result.findings.records())
    gaps = Counter(str(gap.reason) for gap in result.gaps)
    return Seen(datetime.fromisoformat(result.manifest.started).timestamp(), findings, result.accepted, gaps)


def _found(kinds: Mapping[str, Seen]) -> Iterator[Metric]:
    """What the newest run of each kind found."""
    findings = [
        ((kind, str(verdict), severity), held.findings.get((str(verdict), severity), 0))
        for kind, held in kinds.items()
        for verdict in Verdict
        for severity in SEVERITIES
    ]
    yield _gauge("upheld_findings", "Findings of the newest run.", ["kind", "verdict", "severity"], findings)
    yield _gauge("upheld_findings_accepted", "Broken findings that a person accepts.", ["kind"], _each(kinds, lambda one: one.accepted))
    gaps = [((kind, str(reason)), held.gaps.get(str(reason), 0)) for kind, held in kinds.items() for reason in Reason]
    yield _gauge("upheld_gaps", "What could not be seen, by reason.", ["kind", "reason"], gaps)
    told = _each(kinds, lambda one: one.collected)
    yield _gauge("upheld_evidence_timestamp_seconds", "When collecting began for the newest verdicts.", ["kind"], told)


def _went(kinds: Mapping[str, _Kind]) -> Iterator[Metric]:
    """How the runs themselves went."""
    last = [((name,), held.success) for name, held in kinds.items() if held.success is not None]
    yield _gauge("upheld_run_last_success_timestamp_seconds", "When a run last gave verdicts.", ["kind"], last)
    yield _gauge("upheld_run_duration_seconds", "How long the newest run took.", ["kind"], _each(kinds, lambda one: one.seconds))
    runs = CounterMetricFamily("upheld_runs", "Runs since the start, by how they ended.", labels=["kind", "outcome"])
    for name, held in kinds.items():
        for outcome in _OUTCOMES:
            runs.add_metric([name, outcome], held.ended[outcome])
    yield runs


def _each(held: Mapping[str, Held], value: Callable[[Held], float]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), value(one)) for name, one in held.items()]


def _gauge(name: str, text: str, labels: list[str], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=labels)
    for held, value in values:
        gauge.add_metric(held, value)
    return gauge
