"""Flow logs in Parquet say what the same flow logs in text say."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from checks.logs.formats import vpc_flow
from checks.logs.formats.detect import detect
from checks.logs.formats.faults import Faults, NotRecords
from tests.checks.logs.formats.reading import AT, Found, read, run

SECOND = int(AT.timestamp())
COLUMNS: dict[str, Any] = {
    "version": pa.array([10, 10], pa.int32()),
    "account_id": ["111122223333", "111122223333"],
    "srcaddr": ["203.0.113.7", "-"],
    "dstaddr": ["10.0.1.5", None],
    "dstport": pa.array([443, None], pa.int32()),
    "bytes": pa.array([4200, None], pa.int64()),
    "start": pa.array([SECOND, SECOND], pa.int64()),
    "action": pa.array(["ACCEPT", "-"]).dictionary_encode(),
    "log_status": ["OK", "NODATA"],
    "pkt_srcaddr": ["2001:db8::1", "-"],
    "ecs_cluster_arn": ["arn:aws:ecs:eu-central-1:111122223333:cluster/shop", "-"],
    "resource_id": ["-", "nat-1"],
    "encryption_status": pa.array([1, None], pa.int32()),
}


def packed(columns: dict[str, Any], **options: Any) -> bytes:
    raw = BytesIO()
    parquet.write_table(pa.table(columns), raw, **options)
    return raw.getvalue()


def of(raw: bytes, object_: str = "object", size: int = 1000) -> Found:
    assert detect(raw) == "vpc_flow"
    return run(vpc_flow.read, "log.vpc_flow", [raw[at : at + size] for at in range(0, len(raw), size)], object_)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_parquet_and_text_say_the_same(size: int) -> None:
    names = " ".join(COLUMNS).replace("_", "-")
    first = f"10 111122223333 203.0.113.7 10.0.1.5 443 4200 {SECOND} ACCEPT OK 2001:db8::1 {COLUMNS['ecs_cluster_arn'][0]} - 1"
    text = read("vpc_flow", names, first, f"10 111122223333 - - - - {SECOND} - NODATA - - nat-1 -")
    found = of(packed(COLUMNS), size=size)
    assert not found.faults
    assert found.rows == [{**row, "line": row["line"] - 1} for row in text.rows]
    assert found.values("time", "source", "encryption", "resource", "line") == [
        (AT, "203.0.113.7", 1, None, 1),
        (AT, None, None, "nat-1", 2),
    ]


def test_a_region_that_is_no_column_is_told_by_the_name_of_the_file() -> None:
    name = "AWSLogs/111122223333/vpcflowlogs/eu-central-1/111122223333_vpcflowlogs_eu-central-1_fl-1234abcd_20261120T1405Z_fe123456.log.parquet"
    assert of(packed(COLUMNS), name).values("region", "account") == [("eu-central-1", "111122223333")] * 2


def test_columns_from_the_future_are_told_and_cost_no_row() -> None:
    found = of(packed({**COLUMNS, "quantum_spin": ["up", "down"]}))
    assert len(found.rows) == 2
    assert found.faults.counts == {"unknown-column": 1}
    assert not found.faults.lost


def test_values_of_other_types_are_read_or_null_and_counted() -> None:
    odd = {**COLUMNS, "dstport": ["443", "https"], "bytes": pa.array([1, 2**63], pa.uint64()), "srcaddr": pa.array([b"203.0.113.7", b"\xff"]),
           "action": [["ACCEPT"], None]}  # fmt: skip
    found = of(packed(odd))
    assert found.values("destination_port", "bytes", "source") == [(443, 1, "203.0.113.7"), (None, None, None)]
    assert found.faults.counts == {"value": 3}


def test_row_groups_are_read_one_after_the_other() -> None:
    many = pa.concat_tables([pa.table(COLUMNS)] * 50)
    assert [row["line"] for row in of(packed(dict(zip(many.column_names, many.columns, strict=True)), row_group_size=7)).rows] == [
        *range(1, 101)
    ]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (packed(COLUMNS)[:-20], "damaged Parquet"),
        (b"PAR1" + b"\0" * 40 + b"PAR1", "damaged Parquet"),
        (packed(COLUMNS).replace(b"203.0.113.7", b"203.0.113."), "damaged Parquet"),
        (packed({"name": ["Ada"], "age": [36]}), "with other columns: name, age"),
        (packed({"start": [1], "srcaddr": ["x"], "account-id": ["1"], "account_id": ["1"]}), "with other columns"),
    ],
)
def test_what_cannot_be_read_is_said(raw: bytes, why: str) -> None:
    with pytest.raises(NotRecords, match=why):
        list(vpc_flow.read([raw], "object", Faults()))
