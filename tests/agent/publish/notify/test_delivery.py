"""Delivery, from the run to the receiver: over failures, over kills, and once."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from agent import log
from agent.publish.notify.outbox import LEASE, Message
from tests.agent.publish.notify.dying import STEPS
from tests.agent.publish.notify.receivers import Hook, hook
from tests.agent.publish.notify.told import SECRET, Told, told
from tests.agent.road import UNCONFIGURED

ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", SECRET)


def hooked(folder: Path, receiver: Hook, more: str = "") -> Told:
    return told(folder, f"{{webhook: '{receiver.url}', secret: {{env: HOOK}}{more}}}")


def seen(receiver: Hook) -> list[tuple[str, str]]:
    """What the receiver has taken, once by id: the resource and what became of it."""
    bodies = {request.headers["webhook-id"]: json.loads(request.body) for request in receiver.requests}
    return [(event["resource"]["id"], event["occasion"]) for body in bodies.values() for event in body["data"]["events"]]


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The lines that are logged meanwhile."""
    lines: list[dict[str, Any]] = []
    log._configured.cache_clear()
    with redirect_stderr(io.StringIO()) as err:
        yield lines
    log._configured.cache_clear()
    lines += map(json.loads, err.getvalue().splitlines())


def test_a_run_is_told_when_it_is_recorded_and_not_again(tmp_path: Path) -> None:
    with hook() as receiver:
        held = hooked(tmp_path, receiver)
        held.record(0, {"a": "broken", "b": "upheld"})
        held.deliver()
        held.record(1, {"a": "upheld", "b": "upheld"})
        held.deliver()
        held.deliver(after=86400)
    assert seen(receiver) == [("a", "broken"), ("a", "repaired")]
    assert len(receiver.requests) == 2


def test_a_message_that_failed_is_sent_again_with_the_same_id(tmp_path: Path) -> None:
    with hook(500, (503, {"Retry-After": "60"}, b"")) as receiver:
        held = hooked(tmp_path, receiver)
        held.record(0, {"a": "broken"})
        with logged() as lines:
            for after in (0, 4, 1, 59, 1, 3600):
                held.deliver(after=after)
    assert len(receiver.requests) == 3
    assert len({(request.headers["webhook-id"], request.body) for request in receiver.requests}) == 1
    stamps = [int(request.headers["webhook-timestamp"]) for request in receiver.requests]
    assert [stamp - stamps[0] for stamp in stamps] == [0, 5, 65]
    assert [line["event"] for line in lines] == ["notification-delayed", "notification-delayed", "notified"]
    assert SECRET not in str(lines)


def test_a_message_that_is_lost_is_an_error_in_the_log_and_the_next_one_is_sent(tmp_path: Path) -> None:
    with hook(410) as receiver:
        held = hooked(tmp_path, receiver)
        held.record(0, {"a": "broken"})
        held.record(1, {"a": "upheld"})
        with logged() as lines:
            held.deliver()
    assert [(line["event"], line["level"]) for line in lines] == [("notification-lost", "error"), ("notified", "info")]
    assert [(one.sent, one.lost) for one in held.delivery.waiting().values()] == [(1, 1)]


def test_a_message_that_cannot_be_made_holds_up_no_other(tmp_path: Path) -> None:
    with hook() as receiver:
        held = hooked(tmp_path, receiver)
        (sender,) = held.delivery.senders

        def send(message: Message, now: int) -> str:
            if message.events[0].occasion == "broken":
                raise KeyError("a bug")
            return sender.send(message, now)

        held.delivery.senders = [replace(sender, send=send)]
        held.record(0, {"a": "broken"})
        held.record(1, {"a": "upheld"})
        with logged() as lines:
            held.deliver()
    assert [line["event"] for line in lines] == ["notify-failed", "notification-delayed", "notified"]
    assert seen(receiver) == [("a", "repaired")]


def test_a_sink_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    going_on = threading.Event()

    def hang(_: BaseHTTPRequestHandler) -> None:
        going_on.wait(10)

    with hook(hang) as slow, hook() as quick:
        held = told(tmp_path, f"{{slack: '{slow.url}'}}", f"{{teams: '{quick.url}'}}")
        held.record(0, {"a": "broken"})
        held.delivery.start()
        while not quick.requests or not slow.requests:
            pass
        going_on.set()
        held.delivery.stop(10)
    assert (len(quick.requests), len(slow.requests)) == (1, 1)


def test_nothing_is_sent_after_the_stop(tmp_path: Path) -> None:
    with hook() as receiver:
        held = hooked(tmp_path, receiver)
        held.delivery.start()
        held.delivery.stop(10)
        held.record(0, {"a": "broken"})
        held.deliver()
    assert receiver.requests == []
    assert [one.messages for one in held.delivery.waiting().values()] == [1]


def test_a_database_that_is_away_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with hook() as receiver:
        held = hooked(tmp_path, receiver)
        held.record(0, {"a": "broken"})
        file = tmp_path / "ledger.db"
        file.rename(tmp_path / "away")
        with logged() as lines:
            held.deliver()
        (tmp_path / "away").rename(file)
        held.deliver()
    assert [line["event"] for line in lines] == ["notify-outbox"]
    assert seen(receiver) == [("a", "broken")]


def test_what_is_recorded_is_told_once_wherever_this_program_is_killed(tmp_path: Path) -> None:
    def kill(_: BaseHTTPRequestHandler) -> None:
        os.kill(int((tmp_path / "sending" / "pid").read_text()), signal.SIGKILL)

    with ExitStack() as stack:
        receivers = {step: stack.enter_context(hook(*([kill] if step == "sending" else []))) for step in STEPS}
        for step, receiver in receivers.items():
            (tmp_path / step).mkdir()
            hooked(tmp_path / step, receiver)
        command = [sys.executable, "-m", "tests.agent.publish.notify.dying", str(tmp_path)]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
        assert ended.stdout.split() == ["sending", "sent", "marked"]
        for step, receiver in receivers.items():
            held = hooked(tmp_path / step, receiver)
            held.deliver(after=LEASE)
            if step == "transaction":
                assert receiver.requests == []
                held.record(0, {"vol-a": "broken"})
            held.deliver(after=LEASE)
            assert seen(receiver) == [("vol-a", "broken")]
            assert len(receiver.requests) == (2 if step in {"sending", "sent"} else 1), step
            assert [sink.sent for sink in held.delivery.waiting().values()] == [1]


def test_without_sinks_nothing_is_put_in(tmp_path: Path) -> None:
    held = Told(tmp_path, UNCONFIGURED)
    held.record(0, {"a": "broken"})
    held.deliver()
    assert held.delivery.waiting() == {}
