"""Log files in a container of Azure: what is listed and read, and that every fault is a gap or an error, never a shorter list."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from agent.collect.aws.client import Deadline
from agent.collect.logs import blob as log_blob
from agent.collect.logs.blob import READ, BlobLogs, container, open_container
from agent.collect.logs.objects import LogObject, Unlisted, Unreadable
from agent.config import ConfigurationError
from agent.config.logs import BlobPlace
from checks.model import Reason
from tests.world.blob_service import CONTAINER, PORTAL, Asked, BlobService, Reply, blob_service, error
from tests.world.log_bucket import names

SINCE, UNTIL = datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 22, 6, tzinfo=UTC)
FOLDER = "resourceId=/SUBSCRIPTIONS/7B0C2C4E/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.NETWORK/VIRTUALNETWORKS/SHOP"
HOUR = f"{FOLDER}/y=2026/m=11/d=20/h=05/m=00/PT1H.json"
LARGE = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def running() -> Iterator[BlobService]:
    with blob_service() as service:
        yield service
        _client(service.url).close()


@pytest.fixture
def service(running: BlobService, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlobService]:
    monkeypatch.setattr("azure.storage.blob._download.time", SimpleNamespace(sleep=lambda _: None))
    running.clear()
    yield running
    running.clear()


def store(service: BlobService, prefix: str = "", *, at: float = 0.0) -> BlobLogs:
    return BlobLogs(_client(service.url), Deadline(60.0, lambda: at), prefix)


@functools.cache
def _client(url: str) -> ContainerClient:
    return container(url, CONTAINER, None, retry_total=1, initial_backoff=0, increment_base=0, random_jitter_range=0)


def listing(service: BlobService, prefix: str = "", since: datetime | None = SINCE) -> list[str]:
    start = f"{service.url}/{CONTAINER}/"
    return sorted(name.removeprefix(start) for name in names(store(service, prefix).objects(since, UNTIL)))


def unlisted(service: BlobService) -> Unlisted:
    with pytest.raises(Unlisted) as caught:
        listing(service)
    return caught.value


def only(service: BlobService) -> LogObject:
    (one,) = store(service).objects(None, UNTIL)
    return one


def unreadable(service: BlobService, one: LogObject) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        list(store(service).pieces(one))
    assert caught.value.name == one.name
    return caught.value


def striking(operation: str, reply: Reply, *, nth: int = 1) -> Any:
    """From the nth request of an operation on, this answer."""
    count = 0

    def fault(asked: Asked, _: Reply) -> Reply | None:
        nonlocal count
        count += asked.operation == operation
        return reply if asked.operation == operation and count >= nth else None

    return fault


# --- listing


def test_only_the_days_of_the_window_and_one_beside_are_listed(service: BlobService) -> None:
    for day in ("10/d=20", "11/d=18", "11/d=19", "11/d=20", "11/d=23", "11/d=24"):
        service.put(f"{FOLDER}/y=2026/m={day}/h=05/m=00/PT1H.json")
    service.put("other/access.log")
    assert listing(service) == [
        "other/access.log",
        *(f"{FOLDER}/y=2026/m=11/d={day}/h=05/m=00/PT1H.json" for day in (19, 20, 23)),
    ]
    assert not [asked for asked in service.asked if "m=10" in asked.query.get("prefix", "") or "d=18" in asked.query.get("prefix", "")]


def test_every_page_of_every_level_is_read_and_odd_names_are_whole(service: BlobService) -> None:
    names_ = [f"a-{number}" for number in range(5)] + ["b & <c>/ü %20.log", "d+e/f.log"]
    for name in names_:
        service.put(name, b"held")
    service.page = 2
    assert listing(service) == sorted(names_)
    for one in store(service).objects(None, UNTIL):
        assert b"".join(store(service).raw(one)) == b"held"


def test_folders_that_are_blobs_themselves_are_no_logs(service: BlobService) -> None:
    for folder in (f"{FOLDER}/y=2026/m=11/d=20/h=05", f"{FOLDER}/y=2026/m=11/d=20/h=05/m=00"):
        service.put(folder, b"", metadata={"hdi_isfolder": "true"})
    service.put(HOUR)
    service.put(f"{FOLDER}/y=2026/m=11/d=20/h=06/m=00/PT1H.json", b"")
    assert [name.split("/h=")[1] for name in listing(service)] == ["05/m=00/PT1H.json", "06/m=00/PT1H.json"]


def test_what_was_written_before_the_window_is_left_out(service: BlobService) -> None:
    service.put("old.log", written=datetime(2026, 11, 18, tzinfo=UTC))
    service.put("new.log", written=datetime(2026, 11, 19, 12, tzinfo=UTC))
    assert listing(service) == ["new.log"]
    assert listing(service, since=None) == ["new.log", "old.log"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (error(403, "AuthorizationPermissionMismatch", "This request is not authorized."), Reason.DENIED),
        (error(403, "AuthenticationFailed", "Server failed to authenticate the request."), Reason.EXPIRED_CREDENTIALS),
        (error(503, "ServerBusy", "The server is busy."), Reason.THROTTLED),
        (error(404, "ContainerNotFound", "The specified container does not exist."), Reason.FAILED),
        (error(500, "InternalError", "The server encountered an internal error."), Reason.FAILED),
        (Reply(200, {"Content-Type": "text/html", "x-ms-request-id": "1"}, PORTAL), Reason.MALFORMED),
        (Reply(200, {"Content-Type": "application/xml"}, b""), Reason.MALFORMED),
        (Reply(200, {"Content-Type": "application/xml", "x-ms-request-id": "1"}, b"<html/>"), Reason.MALFORMED),
        (Reply(200, {"x-ms-request-id": "1"}, b"<EnumerationResults><Blobs/></EnumerationResults>"), Reason.MALFORMED),
        (
            Reply(200, {"x-ms-request-id": "1"}, b"<EnumerationResults><Prefix>x</Prefix><Blobs/><NextMarker/></EnumerationResults>"),
            Reason.MALFORMED,
        ),
    ],
)
def test_a_listing_that_fails_is_a_gap(service: BlobService, reply: Reply, reason: Reason) -> None:
    service.put("access.log")
    service.fault = striking("list", reply)
    gap = unlisted(service)
    assert (gap.failure.reason, gap.call, gap.name) == (reason, "ListBlobs", f"{service.url}/{CONTAINER}/")
    assert gap.what.endswith(f"(needs {READ})") is (reason is Reason.DENIED)


def test_a_page_that_is_cut_short_is_a_gap(service: BlobService) -> None:
    service.put("access.log")

    def cut(asked: Asked, reply: Reply) -> Reply:
        return Reply(reply.status, reply.headers, reply.body, cut=len(reply.body) // 2)

    service.fault = cut
    assert unlisted(service).failure.reason in {Reason.MALFORMED, Reason.UNREACHABLE}


def test_a_page_without_what_tells_a_version_is_a_gap(service: BlobService) -> None:
    service.put("access.log")
    service.fault = lambda asked, reply: Reply(200, reply.headers, reply.body.replace(b"Etag", b"Gate"))
    assert "without version" in unlisted(service).what


def test_a_later_page_that_is_lost_or_comes_again_is_a_gap(service: BlobService) -> None:
    for number in range(5):
        service.put(f"a-{number}")
    service.page = 2
    service.fault = striking("list", error(500, "InternalError", "x"), nth=2)
    assert unlisted(service).failure.code == "InternalError"
    service.fault = lambda asked, reply: Reply(200, reply.headers, reply.body.replace(b"<NextMarker>4", b"<NextMarker>2"))
    assert unlisted(service).failure.code == "RepeatedToken"


def test_whichever_page_goes_wrong_a_listing_is_whole_or_a_gap(service: BlobService) -> None:
    for day in (19, 20, 21):
        for hour in (5, 6, 7):
            service.put(f"{FOLDER}/y=2026/m=11/d={day}/h=0{hour}/m=00/PT1H.json")
    service.page = 2
    whole = listing(service)
    calls = len(service.asked)
    assert (len(whole), calls > 15) == (9, True)
    for nth in range(1, calls + 1):
        for reply in (error(403, "AuthorizationFailure", "x"), Reply(200, {"Content-Type": "text/html"}, PORTAL), Reply(200, {}, b"")):
            service.fault = striking("list", reply, nth=nth)
            assert unlisted(service).call == "ListBlobs"
    service.fault = None
    assert listing(service) == whole


def test_no_call_is_made_after_the_deadline(service: BlobService) -> None:
    with pytest.raises(Unlisted) as caught:
        list(store(service, at=61.0).objects(None, UNTIL))
    assert caught.value.failure.reason is Reason.LATE
    assert service.asked == []


# --- reading


def test_a_blob_is_read_in_chunks_of_one_version(service: BlobService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_blob, "CHUNK", 4096)
    blob = service.put(HOUR, LARGE, metadata={"Signature": "ab12"})
    one = only(service)
    assert (one.name, one.version, one.size) == (f"{service.url}/{CONTAINER}/{HOUR}", blob.etag, len(LARGE))
    assert b"".join(store(service).raw(one)) == LARGE
    gets = [asked for asked in service.asked if asked.operation == "get"]
    assert len(gets) == 3
    assert {asked.headers["if-match"].strip('"') for asked in gets} == {blob.etag}
    assert store(service).metadata(one) == {"signature": "ab12"}


def test_gzip_is_uncompressed_and_nothing_is_in_an_empty_blob(service: BlobService) -> None:
    service.put("a.gz", gzip.compress(b"held"))
    assert b"".join(store(service).pieces(only(service))) == b"held"
    service.clear()
    service.put("empty.log", b"")
    assert list(store(service).pieces(only(service))) == []


@pytest.mark.parametrize("when", ["before", "while"])
def test_what_a_growing_blob_held_when_it_was_listed_is_read(service: BlobService, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    monkeypatch.setattr(log_blob, "CHUNK", 4096)
    service.put(HOUR, LARGE, kind="AppendBlob")
    one = only(service)
    read = store(service).raw(one)
    got = [next(read)] if when == "while" else []
    service.append(HOUR, b"more")
    assert b"".join([*got, *read]) == LARGE


def test_a_blob_that_was_made_anew_is_no_blob_that_has_grown(service: BlobService) -> None:
    service.put(HOUR, LARGE, kind="AppendBlob")
    one = only(service)
    service.put(HOUR, LARGE + LARGE, kind="AppendBlob", created=datetime(2026, 11, 20, 7, tzinfo=UTC))
    assert unreadable(service, one).failure.reason is Reason.VANISHED
    service.put(HOUR, LARGE[:-1], kind="AppendBlob")
    assert unreadable(service, one).failure.reason is Reason.VANISHED


def test_another_blob_that_was_replaced_is_an_error(service: BlobService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_blob, "CHUNK", 4096)
    service.put(HOUR, LARGE)
    one = only(service)
    read = store(service).raw(one)
    next(read)
    service.put(HOUR, bytes(len(LARGE)))
    with pytest.raises(Unreadable) as caught:
        list(read)
    assert (caught.value.failure.reason, caught.value.failure.code) == (Reason.VANISHED, "ConditionNotMet")
    assert "replaced after it was listed" in str(caught.value)


def test_a_blob_that_vanished_is_an_error(service: BlobService) -> None:
    service.put(HOUR)
    one = only(service)
    service.blobs.clear()
    assert unreadable(service, one).failure.reason is Reason.VANISHED
    with pytest.raises(Unreadable) as caught:
        store(service).metadata(one)
    assert caught.value.call == "GetBlobProperties"


def test_a_body_that_breaks_off_is_asked_for_again(service: BlobService) -> None:
    service.put(HOUR, LARGE)
    one = only(service)
    cuts = [100, 200]

    def cut(asked: Asked, reply: Reply) -> Reply | None:
        return Reply(reply.status, reply.headers, reply.body, cut=cuts.pop()) if asked.operation == "get" and cuts else None

    service.fault = cut
    assert b"".join(store(service).raw(one)) == LARGE
    assert cuts == []


def test_a_body_that_keeps_breaking_off_is_an_error(service: BlobService) -> None:
    service.put(HOUR, LARGE)
    one = only(service)
    service.fault = lambda asked, reply: Reply(reply.status, reply.headers, reply.body, cut=100) if asked.operation == "get" else None
    assert unreadable(service, one).failure.reason in {Reason.MALFORMED, Reason.UNREACHABLE, Reason.FAILED}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (error(403, "AuthorizationFailure", "This request is not authorized."), Reason.DENIED),
        (error(503, "ServerBusy", "The server is busy."), Reason.THROTTLED),
        (error(409, "BlobArchived", "This operation is not permitted on an archived blob."), Reason.FAILED),
        (Reply(200, {"Content-Type": "text/html"}, PORTAL), Reason.MALFORMED),
        (Reply(206, {"x-ms-request-id": "1", "Content-Range": "bytes 0-10239/10240", "ETag": '"0x8DE000000000001"'}, b"short"), Reason.MALFORMED),
    ],
)  # fmt: skip
def test_a_blob_that_is_refused_or_is_not_what_was_asked_for_is_an_error(service: BlobService, reply: Reply, reason: Reason) -> None:
    service.put(HOUR, LARGE)
    one = only(service)
    service.fault = striking("get", Reply(reply.status, dict(reply.headers), reply.body))
    found = unreadable(service, one)
    assert found.failure.reason is reason, found
    assert found.action == READ


# --- opening


@pytest.mark.parametrize("credential", ["managed-identity", "service-principal", "cli"])
def test_the_identity_is_the_one_that_the_configuration_names(credential: Any) -> None:
    place = BlobPlace(account_url="https://mblogs.blob.core.windows.net", container="insights-logs", prefix="a/", credential=credential)
    opened = open_container(place, Deadline(1.0, lambda: 0.0))
    assert opened.name == "https://mblogs.blob.core.windows.net/insights-logs/a/"


def test_an_identity_that_is_not_set_up_is_a_mistake_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    place = BlobPlace(account_url="https://mblogs.blob.core.windows.net", container="insights-logs", credential="workload-identity")
    with pytest.raises(ConfigurationError, match="credential workload-identity: "):
        open_container(place, Deadline(1.0, lambda: 0.0))
