"""Which run an event asks for, and when what is in doubt is looked at again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from agent.clock import Clock
from agent.daemon.change_dispatch import WIDE, Dispatch
from agent.daemon.change_listener import PAUSE, ChangeListener
from agent.daemon.changing import Event
from agent.daemon.kind_run import Runs
from agent.daemon.schedule import Schedule
from agent.kind import CHANGES, WHOLE, Kind
from agent.run_event import RunEvent
from tests.agent.daemon.town import Town, run, whole


@dataclass
class Desk:
    """A dispatch whose runs the test makes; `passed` seconds of the time that passes."""

    town: Town
    runs: Runs
    dispatch: Dispatch
    passed: list[float] = field(default_factory=lambda: [0.0])

    def hear(self) -> list[Event]:
        """Take what is in the queue."""
        (queue,) = self.dispatch.listener.queues
        came = [event for message in queue.receive(0) for event in self.dispatch.listener._take(queue, message)]
        self.dispatch._heard(came)
        return came

    def due(self) -> dict[str, float]:
        """What is asked for, in how many seconds."""
        return {name: round(at - self.passed[0]) for name, at in self.dispatch.schedule.due.items()}

    def ran(self, name: str, failure: str | None = None) -> None:
        """A run as the schedule begins it."""
        self.dispatch.schedule.due.pop(f"announced-{name}", None)
        now = self.town.clock.now()
        result = None if failure else run(self.runs, self.town, name, self.dispatch.events())
        self.dispatch.ran(RunEvent("1", name, now, now, result, failure))


@pytest.fixture
def desk(town: Town, acls: list[str]) -> Desk:
    assert acls
    runs, book = town.begin()
    passed = [0.0]
    clock = Clock(town.clock.now, lambda: passed[0])
    schedule = Schedule(clock, lambda _: None, lambda _: None)
    schedule.every[Kind.SETTINGS] = 3600
    one = Dispatch(clock, schedule, lambda: runs, lambda: book.place.database)
    one.listener = ChangeListener([town.reader()], clock, one._heard, one._known, one._concerns)
    whole(runs, town)
    return Desk(town, runs, one, passed)


def test_an_event_asks_for_a_run_and_what_it_leaves_in_doubt_for_one_a_minute_later(desk: Desk, acls: list[str]) -> None:
    assert desk.dispatch.idle()
    desk.town.tell("ReplaceNetworkAclEntry", requestParameters={"networkAclId": acls[0]})
    desk.town.tell("ReplaceNetworkAclEntry", requestParameters={"networkAclId": acls[0]})
    assert len(desk.hear()) == 2
    assert desk.due() == {"announced-changes": 0}
    assert not desk.dispatch.idle()
    desk.ran(CHANGES)
    assert desk.dispatch.events() == []
    assert 55 <= desk.due()["announced-changes"] <= 61
    assert desk.dispatch.idle(), "it is not time yet"
    desk.town.ahead = timedelta(seconds=62)
    assert not desk.dispatch.idle()
    desk.ran(CHANGES)
    assert desk.due() == {}
    assert desk.dispatch.idle()


def test_a_run_that_fails_is_made_again_after_a_while_and_not_at_once(desk: Desk, acls: list[str]) -> None:
    desk.town.tell("ReplaceNetworkAclEntry", requestParameters={"networkAclId": acls[0]})
    desk.hear()
    desk.ran(CHANGES, failure="the disk is full")
    assert desk.due() == {"announced-changes": PAUSE}
    assert len(desk.dispatch.events()) == 1


def test_a_full_look_is_brought_forward_once_in_a_quarter_of_an_hour(desk: Desk) -> None:
    desk.town.tell("CreateKeyspace", "cassandra")
    (event,) = desk.hear()
    assert desk.due() == {"announced-settings": 0}
    assert desk.dispatch.idle(), "it is not for a run about changes"
    desk.ran(Kind.SETTINGS)
    assert desk.dispatch.events() == []
    desk.passed[0] = 60
    desk.town.client("sqs").send_message(QueueUrl=desk.town.queue, MessageBody="<html>")
    (event,) = desk.hear()
    assert event.change is None
    assert desk.due() == {"announced-whole": WIDE - 60}
    desk.ran(WHOLE)
    assert desk.dispatch.events() == []


def test_the_state_of_a_queue_is_told_with_the_next_run(desk: Desk) -> None:
    desk.dispatch._heard([])
    assert desk.due() == {"announced-changes": 0}
    assert not desk.dispatch.idle()
    assert desk.dispatch.told()[0].kind == f"changes {desk.town.queue}"
    assert desk.dispatch.idle()


def test_before_the_first_run_everything_waits_for_it(desk: Desk, acls: list[str]) -> None:
    desk.runs.standing.parts.clear()
    desk.dispatch.schedule.due[WHOLE] = 5
    desk.town.tell("ReplaceNetworkAclEntry", requestParameters={"networkAclId": acls[0]})
    desk.hear()
    assert desk.dispatch.idle()
    del desk.dispatch.schedule.due[WHOLE]
    assert not desk.dispatch.idle(), "that one failed"
