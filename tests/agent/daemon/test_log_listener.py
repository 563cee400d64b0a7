"""Queues listened to: what is announced asks for a look, and is deleted when that look is in the ledger."""

from __future__ import annotations

import queue as queues
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog

from agent import log
from agent.clock import Clock
from agent.collect.logs.queue import LogQueue
from agent.daemon.log_listener import Listener
from agent.kind import WHOLE, Kind
from agent.run_event import RunEvent
from tests.agent.collect.logs.test_queue import queue
from tests.world.faults import Fault
from tests.world.log_bucket import LogBucket

__all__ = ["queue"]
SECONDS = 20


@pytest.fixture
def asked() -> queues.SimpleQueue[datetime]:
    return queues.SimpleQueue()


@pytest.fixture(autouse=True)
def logged_anew() -> Iterator[None]:
    """The log goes to what is stderr now, and not to what it was for another test."""
    log._configured.cache_clear()
    structlog.reset_defaults()
    yield
    log._configured.cache_clear()
    structlog.reset_defaults()


@pytest.fixture
def listener(queue: LogQueue, asked: queues.SimpleQueue[datetime]) -> Iterator[Listener]:
    clock = Clock()
    one = Listener([queue], clock, lambda: asked.put(clock.now()), pause=0.2, wait=1)
    yield one
    one.stop(within=SECONDS)


def run(started: datetime, kind: str = Kind.LOGS, *, failure: str | None = None) -> RunEvent:
    result: Any = None if failure else object()
    return RunEvent("1", kind, started, started + timedelta(seconds=1), result, failure)


@pytest.mark.parametrize("kind", [Kind.LOGS, WHOLE])
def test_a_new_object_is_looked_at_now_and_its_message_deleted_once_that_is_recorded(
    bucket: LogBucket,
    queue: LogQueue,
    listener: Listener,
    asked: queues.SimpleQueue[datetime],
    kind: str,
) -> None:
    listener.start()
    bucket.put("AWSLogs/a.gz")
    at = asked.get(timeout=SECONDS)
    listener.stop(within=SECONDS)
    held = len(listener._held)
    assert held >= 1
    listener.ran(run(at - timedelta(hours=1), kind))
    listener.ran(run(at + timedelta(hours=1), Kind.SETTINGS))
    listener.ran(run(at + timedelta(hours=1), kind, failure="denied"))
    assert len(listener._held) >= held, "none of these has looked at it"
    listener.ran(run(at + timedelta(hours=1), kind))
    assert listener._held == []
    assert queue.receive(wait=0) == []


def test_what_is_nobodys_asks_for_nothing_and_is_deleted(
    bucket: LogBucket,
    queue: LogQueue,
    listener: Listener,
    asked: queues.SimpleQueue[datetime],
) -> None:
    bucket.put("elsewhere/a.gz")
    bucket.put("AWSLogs/b.gz")
    listener.start()
    asked.get(timeout=SECONDS)
    listener.stop(within=SECONDS)
    assert {hint.key for _, message, _ in listener._held for hint in message.hints} == {"AWSLogs/b.gz"}


def test_a_queue_that_cannot_be_asked_is_told_once_and_asked_again(
    bucket: LogBucket, listener: Listener, asked: queues.SimpleQueue[datetime], capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.proxy.inject(Fault("sqs", "ReceiveMessage", "deny", times=2))
    listener.start()
    bucket.put("AWSLogs/c.gz")
    asked.get(timeout=SECONDS)
    listener.stop(within=SECONDS)
    assert capsys.readouterr().err.count("log-queue-not-read") == 1
