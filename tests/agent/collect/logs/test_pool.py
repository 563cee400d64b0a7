"""Objects counted by several processes, some of which die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from agent.collect.logs import pool
from agent.collect.logs.counting import Counter
from agent.collect.logs.files import LocalFiles
from agent.collect.logs.objects import LogObject
from checks.logs.object_read import ObjectRead, of_record, record
from tests.agent.collect.logs.stage import questions
from tests.agent.collect.logs.test_stage import NOW, RULE
from tests.world.processes import children
from tests.world.trails import Trail


@pytest.fixture
def counter() -> Counter:
    return Counter("trail", tuple(questions([RULE], NOW)), NOW)


@pytest.fixture
def store(tmp_path: Path) -> LocalFiles:
    return LocalFiles((Trail(tmp_path / "bucket").hours(4, logs=60).root / "AWSLogs/111122223333/CloudTrail",))


def objects(store: LocalFiles) -> list[LogObject]:
    return sorted(store.objects(None, NOW), key=lambda one: one.name)


def counted(counter: Counter, store: LocalFiles, **options: object) -> Iterator[tuple[LogObject, ObjectRead]]:
    for some in pool.count(counter, store, objects(store), "cloudtrail", late=lambda: False, **options):  # type: ignore[arg-type]
        yield from some


def by_name(reads: Iterable[tuple[LogObject, ObjectRead]]) -> list[tuple[LogObject, ObjectRead]]:
    return sorted(reads, key=lambda one: one[0].name)


def test_processes_count_what_one_process_counts(counter: Counter, store: LocalFiles) -> None:
    here, there = list(counted(counter, store)), list(counted(counter, store, small=0, processes=2))
    assert len(here) == len(objects(store)) > pool.TOGETHER
    assert by_name(there) == by_name(here)
    assert children() == []


def test_a_process_that_is_killed_takes_nothing_with_it(counter: Counter, store: LocalFiles) -> None:
    reads = counted(counter, store, small=0, processes=2)
    found = [next(reads)]
    os.kill(children()[0], signal.SIGKILL)
    found += reads
    assert by_name(found) == by_name(counted(counter, store))
    assert children() == []


def test_a_record_of_what_was_read_is_what_was_read(counter: Counter, store: LocalFiles) -> None:
    for _, read in counted(counter, store):
        assert of_record(record(read)) == read
