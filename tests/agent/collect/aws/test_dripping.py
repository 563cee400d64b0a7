"""A server that answers a byte at a time, for ever, is not listened to past the deadline, nor waited for when the process ends.

Time limits of sockets hold for each read, so that nothing else ends such a call.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest

from agent import rulebook
from agent.collect.aws.accounts import AwsTarget, Entered, Shut, enter
from agent.collect.aws.client import Deadline, Halt, WrongAccount
from agent.collecting import ATTEMPTS
from checks.model import LISTING, Reason
from tests.agent.collect.aws.live import Road
from tests.conftest import Estate
from tests.world import shop
from tests.world.servers import ACCOUNT
from tests.world.wire import Drip

DRIP = Drip(200, {}, b"<never/>")
ROLE = "arn:aws:iam::444455556666:role/upheld-reader"
TOPICS, QUEUES, VOLUMES = "aws-sns-topic-encrypted", "aws-sqs-queue-encrypted", "aws-ebs-volume-encrypted"


@pytest.fixture(autouse=True)
def _left_behind(world: Estate) -> Iterator[None]:
    """Somebody still listens, and is nobody that the process would wait for."""
    before = set(threading.enumerate())
    yield
    listening = [one for one in threading.enumerate() if one not in before and one.name.startswith(("aws", "in-time"))]
    waited_for = [one.name for one in threading.enumerate() if one not in before and not one.daemon]
    world.proxy.clear()
    for one in listening:
        one.join(10)
    assert listening
    assert waited_for == []


def entered(world: Estate, target: AwsTarget, seconds: float = 0.7) -> Entered | Shut:
    start = time.monotonic()
    with mock.patch.dict(os.environ, world.environment):
        (door,) = enter([target], Deadline(start + seconds), ATTEMPTS, lambda: datetime.now(UTC))
    assert time.monotonic() - start < 10
    return door


def test_what_drips_is_a_gap_at_the_deadline_and_the_rest_is_read(world: Estate, tmp_path: Path) -> None:
    road = Road(world, rulebook.load(), tmp_path)
    world.proxy.answer("sns", "ListTopics", DRIP)
    world.proxy.answer("sqs", "GetQueueAttributes", DRIP, match="/mail")
    start = time.monotonic()
    estate = road.collect(TOPICS, QUEUES, VOLUMES, deadline=4)
    assert time.monotonic() - start < 15
    late = {(gap.call, (gap.id or "").rpartition("/")[2], gap.field) for gap in estate.gaps}
    assert late == {("ListTopics", "", None), ("GetQueueAttributes", "mail", "Attributes")}
    assert {gap.reason for gap in estate.gaps} == {Reason.LATE}
    assert estate.of("aws.ec2.volume")
    assert any("Attributes" in queue.data for queue in estate.of("aws.sqs.queue"))


@pytest.mark.parametrize(("call", "role"), [("GetCallerIdentity", None), ("AssumeRole", ROLE)])
def test_an_account_whose_door_drips_is_shut_at_the_deadline(world: Estate, call: str, role: str | None) -> None:
    world.proxy.answer("sts", call, DRIP)
    door = entered(world, AwsTarget(ACCOUNT, role, regions=(shop.HOME,)))
    assert isinstance(door, Shut)
    assert (door.account, door.call, door.failure.reason) == (ACCOUNT, call, Reason.LATE)


def test_whose_credentials_these_are_is_not_guessed_where_the_answer_drips(world: Estate) -> None:
    world.proxy.answer("sts", "GetCallerIdentity", DRIP)
    with pytest.raises(WrongAccount, match="cannot be told: DeadlinePassed"):
        entered(world, AwsTarget())


def test_regions_that_drip_are_not_known(world: Estate) -> None:
    world.proxy.answer("ec2", "DescribeRegions", DRIP)
    door = entered(world, AwsTarget(ACCOUNT), 3)
    assert isinstance(door, Entered)
    assert door.regions == (LISTING,)
    assert isinstance(door.answer, Halt)
    assert door.answer.failure.reason is Reason.LATE
