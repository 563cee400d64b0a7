"""The agent and a queue that EventBridge puts changes into: what an event is about has its verdict at once, and once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.daemon.change_listener import ChangeListener
from agent.daemon.changing import Event
from agent.ledger import changes
from checks.lifecycle import Status
from tests.agent.daemon.agents import PATIENCE, agent
from tests.agent.daemon.test_change_listener import left
from tests.agent.daemon.test_change_run import ACL, sealed
from tests.agent.daemon.town import Town, found, run, whole

pytestmark = pytest.mark.enable_socket  # agents are begun over a Unix socket


def settled(town: Town) -> Path:
    return town.settle(more=", every: {policy: 1h}")


def test_a_change_has_its_verdict_at_once(town: Town, acls: list[str]) -> None:
    file = settled(town)
    with agent(file, environment=town.environment) as running:
        running.until("run-ended", kind="whole")
        town.admit(acls[0], "allow")
        town.tell("ReplaceNetworkAclEntry", requestParameters={"networkAclId": acls[0]})
        town.tell("CreateCluster", "dax")
        assert running.until("change-announced")["events"] == ["ReplaceNetworkAclEntry"]
        ended = running.until("run-ended", kind="changes")
        assert running.until("changes-recorded")["seconds_since_receipt"] < 60
        town.client("sqs").send_message(QueueUrl=town.queue, MessageBody="<html>not an event</html>")
        running.until("change-not-understood")
        told = running.until("run-ended", kind="whole", times=2)
        assert told["ledger_run"] == ended["ledger_run"] + 1
        running.until("changes-recorded", times=2)
        assert running.stop() == 0
    assert left(town) == 0
    _, book = town.begin()
    assert sealed(book) == []
    assert [found(book)[ACL, acl].status for acl in acls] == [Status.UNPROVEN, Status.UPHELD]
    queue = found(book)["run-succeeds", f"changes {town.queue}"]
    assert queue.status is Status.BROKEN
    assert "could not be understood" in queue.cause


def test_killed_before_it_could_delete_the_message_the_agent_makes_no_second_run(town: Town, acls: list[str]) -> None:
    runs, book = town.begin()
    whole(runs, town)
    town.admit(acls[0], "allow")
    town.tell("ReplaceNetworkAclEntry", requestParameters={"networkAclId": acls[0]})
    (message,) = town.reader().receive(0)
    (change,) = message.changes
    run(runs, town, events=[Event(town.queue, change.id, change)])
    before = found(book)
    town.client("sqs").change_message_visibility(QueueUrl=town.queue, ReceiptHandle=message.receipt, VisibilityTimeout=0)
    asked: list[object] = []
    again, book = town.begin()
    listener = ChangeListener(
        [town.reader()], Clock(), asked.append, lambda queue, ids: changes.known(book.place.database, queue, ids), lambda _: True, wait=1
    )
    listener.start()
    end = time.monotonic() + PATIENCE
    while left(town) and time.monotonic() < end:
        time.sleep(0.1)
    listener.stop(within=PATIENCE)
    assert [left(town), asked, listener.waiting()] == [0, [], []]
    assert found(book) == before
    assert again.changing is not None
    assert [one.event for one in again.changing.unsettled] == [change.id], "and what is in doubt is not forgotten"


def test_a_queue_that_is_away_is_a_finding_and_the_schedule_goes_on(town: Town) -> None:
    file = settled(town)
    queue = town.queue.replace("changes-", "nowhere-")
    file.write_text(file.read_text().replace("policy: 1h", "policy: 1s").replace(town.queue, queue))
    with agent(file, environment=town.environment) as running:
        why = running.until("change-queue-not-read")["detail"]
        assert "NonExistentQueue" in why or "QueueDoesNotExist" in why
        running.until("run-ended", kind="policy", times=2)
        assert running.stop() == 0
    _, book = town.begin()
    held = found(book)["run-succeeds", f"changes {queue}"]
    assert held.status is Status.BROKEN
    assert "could not be read" in held.cause
