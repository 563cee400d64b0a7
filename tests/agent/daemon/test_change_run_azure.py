"""Changes of Azure, from a storage queue to the verdict."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from agent import config
from agent.clock import Clock
from agent.collect.aws.client import Deadline
from agent.collect.changes.opened import queues
from agent.daemon.changing import Event
from agent.daemon.daemon import Book
from agent.daemon.kind_run import Runs
from agent.kind import CHANGES, WHOLE
from checks.lifecycle import Status
from tests.agent.collect.azure.eyes import ONE, TWO, account, shop
from tests.agent.collect.changes.test_storage_queue import event
from tests.agent.daemon.test_change_run import sealed
from tests.agent.daemon.town import found
from tests.agent.test_azure_road import PROMISES, RULE
from tests.world.arm_double import ArmDouble, error
from tests.world.storage_queue import QueueDouble

RULE_ID = "own-storage-https"
ORDERS, INVOICES = (account(name)[0] for name in ("orders", "invoices"))


@pytest.fixture
def double(azure: ArmDouble, tmp_path: Path) -> Iterator[QueueDouble]:
    shop(azure)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own-storage-https.yaml").write_text(RULE)
    (tmp_path / "promises.yaml").write_text(PROMISES)
    one = QueueDouble(azure)
    (tmp_path / "upheld.yaml").write_text(
        f"schema: upheld.config/1\nstate: state\nrules: [rules]\npromises: [promises.yaml]\n"
        f"collect: {{azure: [{{subscriptions: [{ONE}, {TWO}], credential: managed-identity}}]}}\n"
        f"agent: {{changes: [{{storage_queue: {{queue: '{one.url}', credential: managed-identity}}}}]}}\n"
    )
    (tmp_path / "state").mkdir()
    with mock.patch.dict(os.environ, azure.environment):
        yield one


def begin(folder: Path) -> tuple[Runs, Book]:
    configuration = config.load(str(folder / "upheld.yaml"), {})
    book = Book.open(configuration, {}, Clock())
    return Runs.of(configuration, folder / "state", book.record, book.claim, book.unsettled()), book


def received(runs: Runs) -> list[Event]:
    (queue,) = queues(runs.inputs.configuration, Deadline(1e9), lambda: datetime.now(UTC))
    return [Event(queue.name, change.id, change) for message in queue.receive(0) for change in message.changes]


def run(runs: Runs, name: str, ahead: timedelta = timedelta(), events: tuple[Event, ...] = ()) -> None:
    runs.one(name, Clock(lambda: datetime.now(UTC) + ahead), [], lambda: False, events)


def statuses(book: Book) -> list[Status]:
    held = found(book)
    return [held[RULE_ID, id_.lower()].status for id_ in (ORDERS, INVOICES)]


def test_a_write_is_in_doubt_for_a_minute_and_only_its_type_is_listed_again(double: QueueDouble, tmp_path: Path) -> None:
    runs, book = begin(tmp_path)
    run(runs, WHOLE)
    assert statuses(book) == [Status.UPHELD, Status.UPHELD]
    double.arm.put(*account("orders", supportsHttpsTrafficOnly=False))
    double.put(event(ORDERS))
    double.arm.asked.clear()
    run(runs, CHANGES, events=tuple(received(runs)))
    assert statuses(book) == [Status.UNPROVEN, Status.UPHELD]
    listed = {path for path in double.arm.calls("GET /subscriptions/") if "/providers/" in path and "Authorization" not in path}
    assert listed == {f"GET /subscriptions/{ONE}/providers/Microsoft.Storage/storageAccounts"}
    run(runs, CHANGES, timedelta(seconds=61))
    assert statuses(book) == [Status.BROKEN, Status.UPHELD]
    assert sealed(book) == []


def test_what_is_written_below_a_resource_is_a_change_of_it_and_a_deletion_is_shown_by_the_list(
    double: QueueDouble, tmp_path: Path
) -> None:
    runs, book = begin(tmp_path)
    run(runs, WHOLE)
    double.put(event(f"{ORDERS}/blobServices/default"))
    run(runs, CHANGES, events=tuple(received(runs)))
    assert statuses(book) == [Status.UNPROVEN, Status.UPHELD]
    del double.arm.things[INVOICES.lower()]
    double.put(event(INVOICES, "Microsoft.Resources.ResourceDeleteSuccess", "e-2"))
    run(runs, CHANGES, events=tuple(received(runs)))
    assert statuses(book) == [Status.UNPROVEN, Status.GONE]


def test_a_list_that_is_refused_shows_no_deletion(double: QueueDouble, tmp_path: Path) -> None:
    runs, book = begin(tmp_path)
    run(runs, WHOLE)
    del double.arm.things[INVOICES.lower()]
    double.arm.fail("/providers/Microsoft.Storage/storageAccounts", error(403, "AuthorizationFailed"))
    double.put(event(INVOICES, "Microsoft.Resources.ResourceDeleteSuccess"))
    run(runs, CHANGES, events=tuple(received(runs)))
    assert statuses(book) == [Status.UNPROVEN, Status.UNPROVEN]
    double.arm.fault = None
    run(runs, CHANGES, timedelta(seconds=61))
    assert statuses(book) == [Status.UPHELD, Status.GONE]
