"""How long an action that is not answered is insisted on: against a real server, with the clients' real attempts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest import mock

import pytest

from agent.collect.aws.client import Account, Deadline, Halt, Page
from agent.collect.aws.models import session
from agent.collect.aws.retries import ANSWERED_WITHIN, REST, SPENT, UNANSWERED, WHILE_ANSWERED
from checks.model import Reason
from tests.conftest import Estate
from tests.world import shop
from tests.world.faults import Fault
from tests.world.servers import ACCOUNT

ATTEMPTS = 4


class Reader:
    """One account, with a clock that stands still until it is turned, and waits that are noted and not served."""

    def __init__(self, world: Estate, waits: list[float]) -> None:
        self.proxy, self.waits, self.now = world.proxy, waits, 0.0
        deadline = Deadline(1e6, lambda: self.now)
        self.account = Account(ACCOUNT, session(region_name=shop.HOME), deadline, ATTEMPTS, lambda: datetime.now(UTC))

    def topics(self) -> Page | Halt:
        return self.account.call("sns", shop.HOME, "ListTopics", {})

    def ask(self, times: int) -> list[Reason | None]:
        """Why each of so many calls was not answered, None where it was."""
        return [answer.failure.reason if isinstance(answer, Halt) else None for answer in (self.topics() for _ in range(times))]


@pytest.fixture
def reader(world: Estate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    waits: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waits.append))
    with mock.patch.dict(os.environ, world.environment):
        yield Reader(world, waits)


def test_an_action_that_stays_throttled_is_insisted_on_less_and_less_and_every_call_of_it_is_a_gap(reader: Reader) -> None:
    reader.proxy.inject(Fault("sns", "ListTopics", "throttle"))
    assert reader.ask(100) == [Reason.THROTTLED] * 100
    assert len(reader.proxy.struck) == UNANSWERED * ATTEMPTS + (SPENT - UNANSWERED)
    assert sum(reader.waits) <= UNANSWERED * (1 + 2 + 4)
    refused = reader.topics()
    assert isinstance(refused, Halt)
    assert refused.failure.code == "Throttling"
    assert f"so {SPENT} times in a row; not asked again" in refused.failure.message
    assert refused.pages == ()


def test_it_is_no_matter_of_the_other_actions_nor_of_another_region(reader: Reader) -> None:
    reader.proxy.inject(Fault("sns", "ListTopics", "throttle", region=shop.HOME))
    reader.ask(SPENT + 1)
    assert isinstance(reader.account.call("sns", shop.SECOND, "ListTopics", {}), Page)
    assert isinstance(reader.account.call("sqs", shop.HOME, "ListQueues", {}), Page)


def test_after_a_rest_one_call_shows_whether_it_is_over(reader: Reader) -> None:
    reader.proxy.inject(Fault("sns", "ListTopics", "throttle"))
    reader.ask(SPENT)
    sent = len(reader.proxy.struck)
    reader.now += REST
    assert reader.ask(3) == [Reason.THROTTLED] * 3
    assert len(reader.proxy.struck) == sent + 1
    reader.proxy.clear()
    assert reader.ask(1) == [Reason.THROTTLED]
    reader.now += REST
    assert reader.ask(30) == [None] * 30


def test_while_others_of_its_action_are_answered_a_throttled_call_waits_longer(reader: Reader) -> None:
    reader.proxy.inject(Fault("sns", "ListTopics", "throttle", times=WHILE_ANSWERED - 1))
    assert reader.ask(2) == [Reason.THROTTLED] * 2
    reader.proxy.clear()
    assert reader.ask(1) == [None]
    reader.proxy.inject(Fault("sns", "ListTopics", "throttle", times=WHILE_ANSWERED - 1))
    assert reader.ask(1) == [None]
    reader.now += ANSWERED_WITHIN + 1
    reader.proxy.inject(Fault("sns", "ListTopics", "throttle", times=WHILE_ANSWERED - 2))
    assert reader.ask(1) == [Reason.THROTTLED]


@pytest.mark.parametrize(
    ("kind", "attempts"), [("error_500", ATTEMPTS), ("reset", ATTEMPTS), ("throttle", ATTEMPTS), ("deny", 1), ("html_200", 1)]
)
def test_what_waiting_may_mend_is_tried_again_and_nothing_else(reader: Reader, kind: str, attempts: int) -> None:
    reader.proxy.inject(Fault("sns", "ListTopics", kind))
    assert isinstance(reader.topics(), Halt)
    assert len(reader.proxy.struck) == attempts


def test_an_answer_that_refuses_ends_the_row(reader: Reader) -> None:
    reader.proxy.inject(Fault("sns", "ListTopics", "throttle"))
    reader.ask(SPENT - 1)
    reader.proxy.inject(Fault("sns", "ListTopics", "deny", times=1))
    assert reader.ask(2) == [Reason.DENIED, Reason.THROTTLED]
    sent = len(reader.proxy.struck)
    reader.ask(1)
    assert len(reader.proxy.struck) > sent
