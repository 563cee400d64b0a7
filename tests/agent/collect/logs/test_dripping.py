"""Stores whose servers answer a byte at a time, for as long as one listens: they are not listened to past the deadline."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent.collect.aws.client import Deadline
from agent.collect.logs.blob import BlobLogs
from agent.collect.logs.objects import LogObject, NotSeen
from agent.collect.logs.prefetch import prefetch
from agent.collect.logs.s3 import S3Logs
from checks.model import Reason
from tests.agent.collect.logs.test_blob import _client, running, service  # noqa: F401
from tests.agent.collect.logs.test_s3 import UNTIL
from tests.agent.collect.logs.test_s3_reading import headers, only
from tests.world.blob_service import BlobService, Reply
from tests.world.log_bucket import LogBucket
from tests.world.wire import Drip

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a socket that nobody closes, see left_alone
SOON = 2.0
LARGE = bytes(1 << 20)
"""As much as what drips claims to be."""


@contextmanager
def late() -> Iterator[list[NotSeen]]:
    """What is raised meanwhile; somebody still listens then, and is nobody that the process would wait for."""
    start, caught = time.monotonic(), list[NotSeen]()
    try:
        yield caught
    except NotSeen as error:
        caught.append(error)
    listening = [one for one in threading.enumerate() if one.name.startswith("in-time")]
    assert listening
    assert all(one.daemon for one in listening)
    assert time.monotonic() - start < 20


def left_alone() -> None:
    """Those who still listen hear nothing more, and nobody closes what they leave."""
    for one in threading.enumerate():
        if one.name.startswith("in-time"):
            one.join(10)
    gc.collect()


def bucket_store(bucket: LogBucket, monkeypatch: pytest.MonkeyPatch, soon: float = SOON) -> S3Logs:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    account = bucket.enter(attempts=1, monotonic=time.monotonic)
    account.deadline.at = time.monotonic() + soon
    return bucket.store(reader=account)


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_a_bucket_that_drips_is_late(bucket: LogBucket, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put("a.log", LARGE)
    one = only(bucket)
    bucket.proxy.answer("s3", operation, Drip(200, headers(one), b""))
    store = bucket_store(bucket, monkeypatch)
    with late() as caught:
        list(store.raw(one) if operation == "GetObject" else store.objects(None, UNTIL))
    bucket.proxy.clear()
    left_alone()
    assert [(one.call, one.failure.reason) for one in caught] == [(operation, Reason.LATE)]


def test_an_object_that_drips_is_late_where_it_is_read_ahead_too(bucket: LogBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        bucket.put(f"{name}.log", name.encode() + LARGE[1:])
    whole, drips = bucket.store().objects(None, UNTIL)
    bucket.proxy.answer("s3", "GetObject", Drip(200, headers(drips), b""), match="b.log")
    store = bucket_store(bucket, monkeypatch, 60)

    def asked() -> Iterator[LogObject]:
        yield whole
        store.account.deadline.at = time.monotonic() + SOON
        yield drips

    given: list[bytes | Reason] = []
    with late():
        for _, pieces in prefetch(store, asked(), width=1):
            try:
                given.append(b"".join(pieces))
            except NotSeen as error:
                given.append(error.failure.reason)
    bucket.proxy.clear()
    left_alone()
    assert given == [b"a" + LARGE[1:], Reason.LATE]


@pytest.mark.parametrize(("operation", "call"), [("list", "ListBlobs"), ("get", "GetBlob")])
def test_a_container_that_drips_is_late(service: BlobService, operation: str, call: str) -> None:  # noqa: F811
    over = threading.Event()
    service.put("a.log", b"x" * 1000)
    store = BlobLogs(_client(service.url), Deadline(time.monotonic() + 60))
    (one,) = store.objects(None, UNTIL)
    service.fault = lambda asked, reply: (
        Reply(reply.status, reply.headers, reply.body + b" " * 1000 * (operation == "list"), drip=over)
        if asked.operation == operation
        else None
    )
    store.deadline.at = time.monotonic() + SOON
    with late() as caught:
        list(store.raw(one) if operation == "get" else store.objects(None, UNTIL))
    over.set()
    left_alone()
    assert [(one.call, one.failure.reason) for one in caught] == [(call, Reason.LATE)]
