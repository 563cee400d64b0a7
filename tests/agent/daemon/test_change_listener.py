"""Queues of changes listened to: a message is deleted once the ledger has what a run made of it, and makes no second run."""

from __future__ import annotations

import json
import queue as queues
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from agent.clock import Clock
from agent.daemon.change_listener import ChangeListener
from agent.daemon.changing import Event
from agent.kind import CHANGES
from agent.ledger import LedgerError
from agent.publish.metrics import Metrics
from agent.run_event import RunEvent
from tests.agent.daemon.town import Town
from tests.world.faults import Fault

SECONDS = 20
Asked = queues.SimpleQueue[Collection[Event]]


@pytest.fixture
def asked() -> Asked:
    return queues.SimpleQueue()


@pytest.fixture
def dealt() -> set[str]:
    """The events that the ledger has."""
    return set()


@pytest.fixture
def listener(town: Town, asked: Asked, dealt: set[str]) -> Iterator[ChangeListener]:
    def known(queue: str, events: Sequence[str]) -> set[str]:
        assert queue == town.queue
        return dealt & set(events)

    def concerns(event: Event) -> bool:
        return event.change is None or event.change.source == "ec2"

    one = ChangeListener([town.reader()], Clock(), asked.put, known, concerns, pause=0.2, wait=1)
    yield one
    one.stop(within=SECONDS)


def ended(*events: Event, failure: str | None = None, recorded: bool = True) -> RunEvent:
    """A run that has dealt with events."""
    now = datetime.now().astimezone()
    result: Any = SimpleNamespace(recorded=object() if recorded else None, changes=[event.record for event in events])
    return RunEvent("1", CHANGES, now, now, None if failure else result, failure)


def left(town: Town) -> int:
    """How many messages are in the queue, whether they are shown or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    held = town.client("sqs").get_queue_attributes(QueueUrl=town.queue, AttributeNames=names)["Attributes"]
    return sum(map(int, held.values()))


def test_a_message_is_deleted_once_its_event_is_in_the_ledger(town: Town, listener: ChangeListener, asked: Asked) -> None:
    listener.start()
    town.tell("DeleteVolume", requestParameters={"volumeId": "vol-1"})
    (event,) = asked.get(timeout=SECONDS)
    assert event.change is not None
    assert event.change.name == "DeleteVolume"
    assert [listener.waiting(), left(town)] == [[event], 1]
    for wrong in (ended(event, failure="denied"), ended(event, recorded=False), ended(Event(town.queue, "another"))):
        listener.ran(wrong)
    assert [listener.waiting(), left(town)] == [[event], 1]
    metrics = Metrics(Clock(), queues=listener.states)
    assert f'upheld_changes_waiting{{queue="{town.queue}"}} 1.0' in metrics.text().decode()
    listener.ran(ended(event))
    assert [listener.waiting(), left(town)] == [[], 0]
    told = metrics.text().decode()
    for line in ("upheld_changes_waiting", "upheld_change_queue_reached", "upheld_change_lag_seconds"):
        assert f'{line}{{queue="{town.queue}"}}' in told
    assert f'upheld_changes_total{{outcome="recorded",queue="{town.queue}"}} 1.0' in told
    assert "upheld_changes_oldest_timestamp_seconds{" not in told


def test_what_was_dealt_with_before_a_crash_is_deleted_and_asks_for_nothing(
    town: Town, listener: ChangeListener, asked: Asked, dealt: set[str]
) -> None:
    town.tell("DeleteVolume")
    ((first,),) = [town.received()]
    dealt.add(first.id)  # the run was recorded, and the agent killed before it could delete the message
    town.client("sqs").purge_queue(QueueUrl=town.queue)
    body = {"id": first.id, "source": "aws.ec2", "account": "1", "region": "eu-central-1", "time": "2026-11-20T06:00:00Z"}
    detail = {"eventName": "DeleteVolume", "eventSource": "ec2.amazonaws.com"}
    town.client("sqs").send_message(QueueUrl=town.queue, MessageBody=json.dumps({**body, "detail-type": "x", "detail": detail}))
    town.tell("DeleteSnapshot")
    listener.start()
    (event,) = asked.get(timeout=SECONDS)
    assert event.change is not None
    assert event.change.name == "DeleteSnapshot"
    assert [one.id for one in listener.waiting()] == [event.id]
    assert left(town) == 1


def test_a_message_that_comes_again_before_its_run_is_held_once(town: Town, listener: ChangeListener, asked: Asked) -> None:
    town.tell("DeleteVolume")
    messages = town.reader().receive(0)
    (queue,) = listener.queues
    assert len(list(listener._take(queue, messages[0]))) == 1
    assert list(listener._take(queue, messages[0])) == []
    assert len(listener.waiting()) == 1


def test_what_is_about_nothing_that_is_read_is_deleted_at_once(town: Town, listener: ChangeListener, asked: Asked) -> None:
    town.tell("PutMetricAlarm", "monitoring")
    town.tell("DescribeVolumes", readOnly=True)
    town.tell("DeleteVolume")
    listener.start()
    (event,) = asked.get(timeout=SECONDS)
    assert [event.change.name if event.change else None] == ["DeleteVolume"]
    assert left(town) == 1


@pytest.mark.parametrize("body", ["<html>", "[]", '{"source": "aws.ec2"}', '{"source": "aws.ec2", "detail": []}', "{" * 3, "[" * 100_000])
def test_a_message_that_nobody_understands_asks_for_a_look_and_shows(town: Town, listener: ChangeListener, asked: Asked, body: str) -> None:
    town.client("sqs").send_message(QueueUrl=town.queue, MessageBody=body)
    listener.start()
    (event,) = asked.get(timeout=SECONDS)
    assert event.change is None
    (told,) = listener.told()
    assert told.failure is not None
    assert "could not be understood" in told.failure
    listener.ran(ended(event))
    assert listener.told()[0].failure is None
    assert [left(town), listener.standing[town.queue].malformed] == [0, 1]


def test_a_queue_that_cannot_be_read_is_told_once_and_read_again(town: Town, listener: ChangeListener, asked: Asked) -> None:
    town.proxy.inject(Fault("sqs", "ReceiveMessage", "deny", times=2))
    assert listener.told()[0].ended is None, "it was not read yet"
    listener.start()
    assert asked.get(timeout=SECONDS) == []
    (told,) = listener.told()
    assert told.failure is not None
    assert "needs sqs:ReceiveMessage" in told.failure
    town.tell("DeleteVolume")
    (event,) = asked.get(timeout=SECONDS)
    assert listener.told()[0].failure is None
    assert event.change is not None


def test_a_ledger_that_is_away_leaves_messages_where_they_are(town: Town, asked: Asked) -> None:
    def away(*_: object) -> set[str]:
        raise LedgerError("it is away")

    listener = ChangeListener([town.reader()], Clock(), asked.put, away, lambda _: True, pause=0.2, wait=1)
    town.tell("DeleteVolume")
    listener.start()
    assert asked.get(timeout=SECONDS) == []
    listener.stop(within=SECONDS)
    assert "it is away" in str(listener.told()[0].failure)
    assert [listener.waiting(), left(town)] == [[], 1]


def test_what_one_listener_holds_another_takes_over(town: Town, listener: ChangeListener, asked: Asked) -> None:
    listener.start()
    town.tell("DeleteVolume")
    (event,) = asked.get(timeout=SECONDS)
    listener.stop(within=SECONDS)
    other = ChangeListener([town.reader()], Clock(), asked.put, lambda *_: set(), lambda _: True)
    other.adopt(listener)
    other.ran(ended(event))
    assert left(town) == 0
    assert ChangeListener([], Clock(), asked.put, lambda *_: set(), lambda _: True).told() == []
