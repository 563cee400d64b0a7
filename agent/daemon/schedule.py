"""When runs are due: APScheduler in UTC and by intervals, one run at a time, whatever is done to the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from apscheduler.events import (  # type: ignore[import-untyped]
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
    JobExecutionEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

from agent import log
from agent.clock import Clock
from agent.kind import WHOLE, Kind

FAR: Final = 300.0
"""Seconds by which somebody sets the clock, and ages that were told before are wrong."""
ANNOUNCED: Final = "announced-"
"""What the names begin with of jobs of runs that something other than the time asked for."""
STEP: Final = 2.0
"""Seconds by which the clock may part from the time that passes between two ticks: more is somebody who sets it."""


@dataclass(slots=True)
class Schedule:
    """Calls `run` with a kind, or WHOLE, when it is due, in a thread of its own, never two at a time; `overlap` with a kind that was due
    while the one before had not ended.

    APScheduler goes by the clock of the wall: set back by an hour, nothing would be due for an hour. So what is due stands here by
    the time that passes, and `follow_clock` aims anew where the two part.
    """

    clock: Clock
    run: Callable[[str], None]
    overlap: Callable[[Kind], None]
    every: dict[Kind, int] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)
    """By the time that passes."""
    running: tuple[str, float] | None = None
    """What runs, and since when."""
    idle: threading.Event = field(default_factory=threading.Event)
    _scheduler: BackgroundScheduler = field(init=False)
    _offset: float = field(init=False)

    def __post_init__(self) -> None:
        self.idle.set()
        self._offset = self._parted()
        # One worker: a run takes what memory and connections there are. Missed times are made up for by one run (`coalesce`), however
        # late (no grace time: the default of a second drops what is later, without a word).
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        utc = self.clock.now().tzinfo
        self._scheduler = BackgroundScheduler(timezone=utc, executors={"default": ThreadPoolExecutor(1)}, job_defaults=defaults)
        events = EVENT_JOB_SUBMITTED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED | EVENT_JOB_ERROR
        self._scheduler.add_listener(self._heard, events)

    def start(self, every: Mapping[Kind, int], splay: float) -> None:
        """The first run, about everything, after `splay` seconds; those of each kind an interval later."""
        self._scheduler.start()
        self.soon(splay)
        for kind, seconds in every.items():
            self._add(kind, seconds, splay + seconds)

    def soon(self, seconds: float = 0) -> None:
        """A run about everything. One that waits already is that one; one that is on its way is not, it may have looked before."""
        self.due[WHOLE] = self.clock.monotonic() + seconds
        trigger = DateTrigger(self._wall(seconds))
        self._scheduler.add_job(self._go, trigger, [WHOLE], id=WHOLE, replace_existing=True, max_instances=2)

    def forward(self, kind: Kind) -> None:
        """A run of a kind now, beside those that are due; after the one that is on its way, which may have looked before."""
        if kind in self.every:
            self.announce(kind)

    def announce(self, name: str, seconds: float = 0) -> None:
        """A run that something other than the time asked for, in so many seconds, or before, where it was asked for already."""
        job, at = f"{ANNOUNCED}{name}", self.clock.monotonic() + seconds
        if self.due.get(job, at + 1) <= at:
            return
        self.due[job] = at
        self._scheduler.add_job(self._go, DateTrigger(self._wall(seconds)), [name], id=job, replace_existing=True, max_instances=2)

    def change(self, every: Mapping[Kind, int]) -> None:
        """Other intervals. Kinds whose interval is the same stay due when they are."""
        for kind in self.every.keys() - every.keys():
            self._scheduler.remove_job(kind)
            del self.every[kind], self.due[kind]
        for kind, seconds in every.items():
            if self.every.get(kind) != seconds:
                self._add(kind, seconds, seconds)

    def follow_clock(self) -> bool:
        """To be called every few seconds. Where somebody set the clock, what was due in ten minutes is due in ten minutes. Gives whether it
        was set so far that what was seen is of another age now."""
        parted = self._parted()
        step, self._offset = parted - self._offset, parted
        if abs(step) < STEP:
            return False
        log.logger().warning("clock-set", by_seconds=round(step))
        for job in self._scheduler.get_jobs():
            left = self.due.get(job.id, 0) - self.clock.monotonic()
            job.modify(next_run_time=self._wall(max(left, 0)))
        return abs(step) > FAR

    def hangs(self, limit: float) -> str | None:
        """Why runs do not end, or do not begin, for longer than `limit` seconds; None where they do."""
        now, running = self.clock.monotonic(), self.running
        if running is not None:
            name, since = running
            return f"the {name} run has been on its way for {now - since:.0f} s" if now - since > limit else None
        late = now - min(list(self.due.values()), default=now)  # other threads add to it
        return f"no run has begun for {late:.0f} s since one was due" if late > limit else None

    def stop(self) -> None:
        """No run begins any more; one that is on its way goes on."""
        self._scheduler.shutdown(wait=False)

    def _add(self, kind: Kind, seconds: int, first: float) -> None:
        self.every[kind], self.due[kind] = seconds, self.clock.monotonic() + first
        trigger = IntervalTrigger(seconds=seconds, start_date=self._wall(first), timezone=self.clock.now().tzinfo)
        self._scheduler.add_job(self._go, trigger, [kind], id=kind, replace_existing=True)

    def _go(self, name: str) -> None:
        self.idle.clear()
        self.running = (name, self.clock.monotonic())
        try:
            self.run(name)
        finally:
            self.running = None
            self.idle.set()

    def _heard(self, event: JobExecutionEvent) -> None:
        """What APScheduler tells. A job that is submitted is due again an interval later."""
        match event.code:
            case code if code == EVENT_JOB_SUBMITTED and event.job_id in self.every:
                self.due[event.job_id] = self.clock.monotonic() + self.every[Kind(event.job_id)]
            case code if code == EVENT_JOB_SUBMITTED:
                self.due.pop(event.job_id, None)
            case code if code == EVENT_JOB_ERROR:
                log.logger().error("run-died", kind=event.job_id, error=type(event.exception).__name__)
            case _ if event.job_id in self.every:
                log.logger().warning("run-overlapped", kind=event.job_id)
                self.overlap(Kind(event.job_id))

    def _wall(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)

    def _parted(self) -> float:
        return self.clock.now().timestamp() - self.clock.monotonic()
