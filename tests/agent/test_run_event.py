"""Observers are told of each run, and none stands in another's way."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.run_event import RunEvent, tell

EVENT = RunEvent("1", "settings", datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC), failure="the account was denied")


def test_an_observer_that_fails_keeps_no_other_from_it() -> None:
    told: list[RunEvent] = []

    def broken(_: RunEvent) -> None:
        raise KeyError("nothing there")

    tell((told.append, broken, told.append), EVENT)
    assert told == [EVENT, EVENT]
