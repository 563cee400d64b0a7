"""Log files in local folders as a store, and the days that folders tell."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.gunzip import Damaged, uncompressed
from agent.collect.logs.days import Days, days, window
from agent.collect.logs.files import LocalFiles
from agent.collect.logs.objects import Unlisted, Unreadable
from agent.collect.logs.prefetch import prefetch
from checks.document import DocumentError
from checks.model import Reason

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


def store(*paths: Path) -> LocalFiles:
    return LocalFiles(paths)


def written(path: Path, raw: bytes = b"held", at: datetime = NOW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def test_files_are_listed_once_with_what_tells_their_version(tmp_path: Path) -> None:
    file = written(tmp_path / "a" / "x.log")
    written(tmp_path / "a" / "x.log.head.json", b"{}")
    (one,) = store(tmp_path, file, tmp_path / "a").objects(None, NOW)
    assert (one.name, one.size, one.written) == (str(file), 4, NOW)
    assert one.version == f"4-{file.stat().st_mtime_ns}"


def test_a_file_that_was_written_before_the_window_is_left_out(tmp_path: Path) -> None:
    written(tmp_path / "old.log", at=NOW - timedelta(days=3))
    new = written(tmp_path / "new.log", at=NOW - timedelta(hours=20))
    assert [one.name for one in store(tmp_path).objects(NOW, NOW)] == [str(new)]


def test_a_folder_that_is_not_there_or_leads_elsewhere_is_a_gap(tmp_path: Path) -> None:
    with pytest.raises(Unlisted, match="there is no such file or folder"):
        list(store(tmp_path / "nowhere").objects(None, NOW))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "link").symlink_to("/etc/hostname")
    with pytest.raises(Unlisted, match="leads out of"):
        list(store(tmp_path / "logs").objects(None, NOW))


def test_of_a_log_that_is_written_on_what_was_listed_is_read(tmp_path: Path) -> None:
    file = written(tmp_path / "access.log", b"first\n")
    (one,) = store(tmp_path).objects(None, NOW)
    file.write_bytes(b"first\nsecond\n")
    assert b"".join(store(tmp_path).pieces(one)) == b"first\n"


def test_a_file_that_was_cut_or_vanished_is_an_error(tmp_path: Path) -> None:
    file = written(tmp_path / "access.log", b"first\n")
    (one,) = store(tmp_path).objects(None, NOW)
    file.write_bytes(b"")
    with pytest.raises(Unreadable, match="shorter than when it was listed"):
        list(store(tmp_path).pieces(one))
    file.unlink()
    with pytest.raises(Unreadable, match="cannot be read: No such file") as caught:
        list(store(tmp_path).pieces(one))
    assert caught.value.failure.reason is Reason.VANISHED


def test_metadata_is_what_was_saved_beside_a_file(tmp_path: Path) -> None:
    written(tmp_path / "a.gz")
    (one,) = store(tmp_path).objects(None, NOW)
    assert store(tmp_path).metadata(one) == {}
    written(tmp_path / "a.gz.head.json", b'{"Metadata": {"Signature": "", "signature": "ab12"}}')
    assert store(tmp_path).metadata(one)["signature"] == "ab12"
    written(tmp_path / "a.gz.head.json", b'{"Metadata": {}}')
    with pytest.raises(DocumentError, match="as aws s3api head-object prints it"):
        store(tmp_path).metadata(one)


def test_files_are_read_ahead_as_objects_are(tmp_path: Path) -> None:
    for number in range(5):
        written(tmp_path / f"{number}.gz", gzip.compress(str(number).encode()))
    written(tmp_path / "5.gz", gzip.compress(b"held")[:-1] + b"x")
    held = []
    for one, pieces in prefetch(store(tmp_path), store(tmp_path).objects(None, NOW), width=2, small=25):
        try:
            held.append(b"".join(pieces))
        except Damaged as error:
            held.append(str(error).removeprefix(f"{one.name}: ").encode()[:12])
    assert held == [b"0", b"1", b"2", b"3", b"4", b"damaged gzip"]


@given(
    members=st.lists(st.binary(max_size=200), min_size=1, max_size=4),
    packed=st.booleans(),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=200),
)
def test_however_bytes_arrive_they_are_the_same(members: list[bytes], packed: bool, sizes: list[int]) -> None:
    raw = b"".join(map(gzip.compress, members)) if packed else b"x" + b"".join(members)
    cut, at = [], 0
    for size in sizes:
        cut.append(raw[at : at + size])
        at += size
    assert b"".join(uncompressed([*cut, raw[at:]], "x")) == (b"".join(members) if packed else raw)


@pytest.mark.parametrize(
    ("folder", "held"),
    [
        ("AWSLogs/1/CloudTrail/eu-central-1/2026/11/25/", (25, 25)),
        ("AWSLogs/1/CloudTrail/eu-central-1/2026/11/", (1, 30)),
        ("year=2026/month=11/day=05/", (5, 5)),
        ("resourceId=/X/y=2026/m=11/d=25/", (25, 25)),
        ("a/2026/Nov/", None),
        ("a/2026/11/31/", None),
        ("a/2026/13/", None),
        ("a/1999/", None),
        ("111122223333/", None),
        ("eu-central-1/", None),
        ("", None),
    ],
)
def test_a_folder_tells_its_days_or_nothing(folder: str, held: tuple[int, int] | None) -> None:
    assert days(folder) == (held and Days(date(2026, 11, held[0]), date(2026, 11, held[1])))


def test_a_year_is_a_span_too_and_a_window_has_a_day_beside(tmp_path: Path) -> None:
    assert days("a/2026/") == Days(date(2026, 1, 1), date(2026, 12, 31))
    assert window(NOW, NOW) == Days(date(2026, 11, 19), date(2026, 11, 21))
    assert window(None, NOW).first == date.min
