"""A clock that is set by an hour or a day, in summer or in winter, neither stalls the schedule nor makes it run wild."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers import base

from agent.clock import Clock
from agent.daemon.job_accounts import Accounts
from agent.daemon.run_clock import run_clock
from agent.daemon.schedule import Schedule
from agent.kind import WHOLE, Kind

HOUR = timedelta(hours=1)
EVERY = {Kind.POLICY: 1}


class Wall:
    """A clock on the wall that somebody sets; what passes, passes."""

    def __init__(self, begin: datetime | None = None) -> None:
        self.shift = timedelta() if begin is None else begin - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    @property
    def clock(self) -> Clock:
        return Clock(self.now)


@contextmanager
def scheduled(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Schedule, list[str], threading.Event]]:
    """A schedule that begins a run each second, the runs that it began, and what tells that there is one more."""

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return wall.now()

    monkeypatch.setattr(base, "datetime", Datetime)  # APScheduler asks no clock but this
    began: list[str] = []
    more = threading.Event()

    def run(name: str) -> None:
        began.append(name)
        more.set()

    schedule = Schedule(wall.clock, run, lambda _: None)
    schedule.start(EVERY, 0)
    try:
        yield schedule, began, more
    finally:
        schedule.stop()


def follows(schedule: Schedule, more: threading.Event) -> None:
    """Another run begins, where the clock is followed as the agent does."""
    more.clear()
    deadline = time.monotonic() + 60
    while not more.wait(0.1):
        schedule.follow_clock()
        assert time.monotonic() < deadline, "nothing is due any more"


@pytest.mark.parametrize("step", [-24 * HOUR, -HOUR, HOUR, 24 * HOUR], ids=str)
def test_runs_go_on_when_the_clock_is_set(step: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Wall()
    with scheduled(wall, monkeypatch) as (schedule, began, more):
        follows(schedule, more)
        wall.shift += step
        schedule.follow_clock()
        before = len(began)
        follows(schedule, more)
        follows(schedule, more)
        assert len(began) - before <= 4  # what would have been due in a day that never was is not made up for


@pytest.mark.parametrize("begin", ["2026-03-29T00:59:59+00:00", "2026-10-25T00:59:59+00:00"], ids=["to summer", "to winter"])
def test_summer_time_makes_no_difference(begin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        with scheduled(Wall(datetime.fromisoformat(begin)), monkeypatch) as (schedule, began, more):
            for _ in range(3):
                follows(schedule, more)
            assert began[0] == WHOLE
    finally:
        monkeypatch.undo()
        time.tzset()


def test_in_a_run_time_passes_whatever_is_done_to_the_clock() -> None:
    passed = [0.0]
    wall = [datetime(2026, 11, 25, 12, tzinfo=UTC)]
    clock = run_clock(Clock(lambda: wall[0], lambda: passed[0]), lambda: False)
    passed[0] += 30
    wall[0] -= 24 * HOUR
    assert clock.now() == datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)


def test_a_run_of_an_agent_that_stops_has_no_time_left() -> None:
    stopping = threading.Event()
    clock = run_clock(Clock(), stopping.is_set)
    before = clock.monotonic()
    assert before < time.monotonic() + 1
    stopping.set()
    assert clock.monotonic() > before + 10**9


def test_what_is_missed_is_counted_in_intervals_and_told_once(tmp_path: Path) -> None:
    passed = [0.0]
    clock = Clock(lambda: datetime(2026, 11, 25, tzinfo=UTC) + timedelta(seconds=passed[0]), lambda: passed[0])
    accounts = Accounts.read(clock, tmp_path, {Kind.LOGS: 10})
    kinds = frozenset({Kind.LOGS})

    def missed() -> int:
        accounts.begin(Kind.LOGS)
        (told,) = accounts.told(kinds)
        accounts.end(Kind.LOGS, None)
        return told.missed

    assert missed() == 0
    passed[0] = 10
    assert missed() == 0
    passed[0] = 20.9
    assert missed() == 0
    passed[0] = 51
    assert missed() == 2
    accounts.write()
    passed[0] = 100
    again = Accounts.read(clock, tmp_path, {Kind.LOGS: 10, Kind.POLICY: 10})
    again.begin(Kind.LOGS)
    again.end(Kind.LOGS, "the account was denied")
    logs, policy = again.told()
    assert (logs.missed, logs.failure, policy.ended) == (3, "the account was denied", None)


def test_what_passed_under_another_interval_is_not_missed(tmp_path: Path) -> None:
    passed = [0.0]
    clock = Clock(lambda: datetime(2026, 11, 25, tzinfo=UTC) + timedelta(seconds=passed[0]), lambda: passed[0])
    accounts = Accounts.read(clock, tmp_path, {Kind.LOGS: 3600})
    accounts.begin(Kind.LOGS)
    passed[0] = 100
    accounts.change({Kind.LOGS: 1}, "eu")
    accounts.begin(Kind.LOGS)
    (told,) = accounts.told()
    assert (told.kind, told.missed) == ("eu/logs", 0)


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "upheld.agent-runs/2", "kinds": {}}', "[" * 100_000,
    '{"schema": "upheld.agent-runs/1", "kinds": {"logs": {"begun": 7}}}'])  # fmt: skip
def test_an_account_that_cannot_be_read_is_not_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "agent-runs.json").write_text(text)
    accounts = Accounts.read(Clock(), tmp_path, {Kind.LOGS: 10})
    assert accounts.told()[0].ended is None
