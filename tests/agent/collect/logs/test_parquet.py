"""Rows in Parquet files are the rows that were written, or there is no answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agent.collect.logs.parquet import NotRows, count, read, write
from checks.logs.rows import to_arrow
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from checks.logs.tables.vpc_flow import VPC_FLOW

ROWS: list[dict[str, Any]] = [
    {"event_name": "ConsoleLogin", "time": "0001-01-01T00:00:00Z", "object": "a", "line": 1, "source": "2001:db8::1", "mfa": True},
    {"event_name": "a\0b🙂", "time": "9999-12-31T23:59:59.999999Z", "line": 2},
    {},
]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    batches = [to_arrow(CLOUDTRAIL, ROWS[:2]), *to_arrow(CLOUDTRAIL, ROWS[2:]).to_batches()]
    paths = [tmp_path / "a", tmp_path / "b"]
    assert [write(CLOUDTRAIL, batches, path) for path in paths] == [3, 3]
    found = pa.Table.from_batches(read(CLOUDTRAIL, paths))
    assert found.schema.equals(CLOUDTRAIL.schema())
    assert found.to_pylist() == to_arrow(CLOUDTRAIL, ROWS * 2).to_pylist()
    assert count(CLOUDTRAIL, paths) == 6


def test_no_rows_are_a_file_without_rows(tmp_path: Path) -> None:
    assert write(CLOUDTRAIL, [], tmp_path / "a") == 0
    assert list(read(CLOUDTRAIL, [tmp_path / "a"])) == []
    assert count(CLOUDTRAIL, [tmp_path / "a"]) == 0


def test_a_file_that_is_not_finished_replaces_nothing(tmp_path: Path) -> None:
    def ending() -> Iterator[pa.Table]:
        yield to_arrow(CLOUDTRAIL, ROWS)
        raise RuntimeError("the log ends badly")

    write(CLOUDTRAIL, [to_arrow(CLOUDTRAIL, ROWS)], tmp_path / "a")
    with pytest.raises(RuntimeError, match="ends badly"):
        write(CLOUDTRAIL, ending(), tmp_path / "a")
    with pytest.raises(ValueError, match=r"not log\.cloudtrail's"):
        write(CLOUDTRAIL, [to_arrow(VPC_FLOW, [{"bytes": 1}])], tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert count(CLOUDTRAIL, [tmp_path / "a"]) == 3


def test_what_is_not_the_tables_is_refused(tmp_path: Path) -> None:
    write(VPC_FLOW, [to_arrow(VPC_FLOW, [{"bytes": 1}])], tmp_path / "flow")
    (tmp_path / "text").write_text("no rows")
    pq.write_table(to_arrow(CLOUDTRAIL, ROWS).drop_columns(["mfa"]), tmp_path / "less")
    for name in ("flow", "text", "less", "none"):
        with pytest.raises(NotRows, match=name):
            list(read(CLOUDTRAIL, [tmp_path / name]))
        with pytest.raises(NotRows, match=name):
            count(CLOUDTRAIL, [tmp_path / name])


def test_a_file_that_is_damaged_in_its_midst_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(CLOUDTRAIL, [to_arrow(CLOUDTRAIL, [{"event_name": f"event {n}"} for n in range(9000)])], path)
    content = path.read_bytes()
    path.write_bytes(content[:40] + bytes(len(content) // 2) + content[40 + len(content) // 2 :])
    with pytest.raises(NotRows, match="damaged"):
        list(read(CLOUDTRAIL, [path]))
