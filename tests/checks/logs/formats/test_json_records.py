"""Records of JSON in all the shapes that services write them, and everything that can be wrong with them."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checks.logs.formats import json_records
from checks.logs.formats.detect import READERS, detect
from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.formats.json_formats import FORMATS
from checks.logs.tables import TABLES
from tests.checks.logs.formats.samples import RECORDS, SHAPES, array, changed, lines, member, read

TIMES = {
    "azure_application_gateway": "timeStamp",
    "gcp_audit": "timestamp",
    "alibaba_inner_actiontrail": "EventTime",
    "alibaba_actiontrail": "eventTime",
    "tencent_cloudaudit": "eventTime",
}
ODD = {
    "an array": b"[1]",
    "a text": b'"text"',
    "a number": b"7",
    "null": b"null",
    "no JSON": b"{broken",
    "cut off": b'{"a": 1',
    "a NUL": b"\0",
    "not a number": b'{"a": NaN}',
    "half a character": b'"\\ud800"',
    "nested": b"[" * 100_000 + b"]" * 100_000,
}
NO_RECORDS = {
    "not JSON": [b'{"records": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"records": [{"a": 1}', b'[{"a": 1}', b""],
    "no list of records": [b'{"records": {"a": 1}}', b'{\n"records": 7}'],
    "neither an array nor an object": [b"7", b"null"],
}
FLOWS = ("azure_nsg_flow", "azure_vnet_flow")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("format_", RECORDS)
def test_a_format_is_told_and_read_in_every_shape(format_: str, shape: str) -> None:
    raw = SHAPES[shape](format_, RECORDS[format_], RECORDS[format_])
    assert detect(raw) == format_
    rows, faults = read(raw)
    assert not faults, faults.first
    assert len(rows) == 2
    assert {name: value for name, value in rows[0].items() if name != "line"} == {
        name: value for name, value in rows[1].items() if name != "line"
    }
    assert (rows[0]["line"], rows[1]["line"], rows[0]["time"][:19]) == (1, 2, "2026-11-20T14:03:00")


def test_every_format_has_its_table() -> None:
    assert {f"log.{name}" for name in FORMATS} <= TABLES.keys()
    assert FORMATS.keys() == RECORDS.keys()
    assert FORMATS.keys() <= READERS.keys()


UNSAID = {
    "alibaba_actiontrail": {"error_code", "error_message", "mfa", "source_name"},
    "azure_activity": {"event_id"},
    "gcp_audit": {"error_code", "error_message", "source_name"},
    "tencent_cloudaudit": {"error_code", "error_message", "source_name"},
}
"""What a record does not say that is no sign-in, did not fail, came from an address, and was exported."""


@pytest.mark.parametrize("format_", RECORDS)
def test_every_column_is_read_from_something(format_: str) -> None:
    (row,), _ = read(lines(RECORDS[format_]))
    assert {column.name for column in TABLES[f"log.{format_}"].columns} - row.keys() == UNSAID.get(format_, set())


@pytest.mark.parametrize("format_", RECORDS)
def test_members_from_the_future_change_nothing(format_: str) -> None:
    more = {**RECORDS[format_], "quantumSpin": {"up": [1]}, "TIME": 1, "Properties": "x", "EVENTTIME": {}}
    assert read(lines(more)) == read(lines(RECORDS[format_]))


@pytest.mark.parametrize("format_", RECORDS)
@pytest.mark.parametrize("name", ODD)
def test_a_line_that_is_no_record_is_lost_with_its_number(format_: str, name: str) -> None:
    good = lines(RECORDS[format_])
    rows, faults = read(good + ODD[name] + b"\n\n" + good, format_)
    assert [row["line"] for row in rows] == [1, 4]
    assert (faults.counts, faults.lost, faults.first["malformed"][0].line) == ({"malformed": 1}, 1, 2)


@pytest.mark.parametrize("odd", [[1], "text", 7, None, True])
def test_an_element_that_is_no_record_is_lost_with_its_number(odd: Any) -> None:
    good = RECORDS["gcp_audit"]
    rows, faults = read(array(good, odd, good, odd))
    assert [row["line"] for row in rows] == [1, 3]
    assert (faults.counts, faults.lost, faults.first["malformed"][0].line) == ({"malformed": 2}, 2, 2)


def test_a_first_line_that_is_broken_costs_no_other() -> None:
    good = lines(RECORDS["azure_storage"])
    rows, faults = read(good[:100] + b"\n" + good, "azure_storage")
    assert ([row["line"] for row in rows], faults.lost) == ([2], 1)


def test_a_line_that_is_too_long_is_lost_with_its_number() -> None:
    good = RECORDS["azure_storage"]
    rows, faults = read(lines(good, changed(good, uri="x" * 6_000_000), good))
    assert ([row["line"] for row in rows], faults.lost, faults.first["long-line"][0].line) == ([1, 3], 1, 2)


@pytest.mark.parametrize("why", NO_RECORDS)
@pytest.mark.parametrize("format_", RECORDS)
def test_a_document_that_holds_no_records_is_told(format_: str, why: str) -> None:
    for raw in NO_RECORDS[why]:
        with pytest.raises(NotRecords, match=why.replace("records", member(format_))):
            read(raw.replace(b"records", member(format_).encode()), format_)


def test_a_document_that_would_not_fit_into_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "_MOST", 3)
    assert read(b"[{},{},{},{}]", "gcp_audit")[1].counts == {"time": 4}
    with pytest.raises(NotRecords, match="million members"):
        read(b"[{},{},{},{},{}]", "gcp_audit")
    monkeypatch.setattr(json_records, "MAXIMUM", 10)
    with pytest.raises(NotRecords, match="larger than"):
        read(b"[{}         ]", "gcp_audit")


def test_what_a_record_quotes_does_not_tell_its_format() -> None:
    quoted = json.dumps(dict(RECORDS.items()))
    for format_, record in RECORDS.items():
        assert detect(lines({"userAgent": quoted, **record})) == format_


def test_a_list_that_goes_on_elsewhere_is_not_whole() -> None:
    raw = json.dumps({"value": [RECORDS["azure_activity"]], "nextLink": "https://management.azure.com/x"}).encode()
    rows, faults = read(raw)
    assert (len(rows), faults.counts, faults.lost) == (1, {"incomplete": 1}, 1)
    assert not read(json.dumps({"value": [RECORDS["azure_activity"]], "nextLink": ""}).encode())[1]


@pytest.mark.parametrize("format_", [name for name in RECORDS if name not in FLOWS])
@pytest.mark.parametrize(
    "when",
    [
        "noon",
        None,
        {},
        1e300,
        True,
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2200-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "\0",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_record_without_a_time_is_a_row_and_a_fault(format_: str, when: Any) -> None:
    good = RECORDS[format_]
    rows, faults = read(lines(good, changed(good, **{TIMES.get(format_, "time"): when})))
    assert [row.get("time") is None for row in rows] == [False, True]
    assert (faults.counts, faults.first["time"][0].line, faults.lost) == ({"time": 1}, 2, 0)


@pytest.mark.parametrize("format_", RECORDS)
def test_members_of_wrong_types_are_nulls_and_faults_and_cost_no_row(format_: str) -> None:
    for name in RECORDS[format_]:
        for wrong in ({"a": 1}, [1], True, 10**30, -(2**63), 1.5, "\0"):
            rows, faults = read(lines({**RECORDS[format_], name: wrong}, RECORDS[format_]), format_)
            assert len(rows) + faults.lost >= 2


def test_bytes_that_are_not_text_are_replaced_and_told() -> None:
    good = lines(RECORDS["azure_front_door"])
    for raw in (good + good.replace(b"FRA", b"F\xffA"), good.replace(b"FRA", b"F\xffA")):
        rows, faults = read(raw)
        assert rows[-1]["pop"] == "F�A"
        assert (faults.counts, faults.lost) == ({"encoding": 1}, 0)


def test_what_differs_only_in_case_is_kept_apart() -> None:
    rows, faults = read(lines(RECORDS["gcp_audit"]))
    assert json.loads(rows[0]["request"]) == {"filter": 1, "Filter": 2}
    assert not faults


def test_what_nests_too_deeply_to_be_written_is_null_and_a_fault() -> None:
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    rows, faults = read(lines(changed(RECORDS["gcp_audit"], protoPayload__request=deep)))
    assert "request" not in rows[0]
    assert faults.counts == {"value": 1}
    assert read(json.dumps({"Records": [{"eventTime": "2026-11-20T14:03:00Z", "requestParameters": deep}]}).encode())[1].counts == {
        "value": 1
    }


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)), max_leaves=6
)


@st.composite
def mutated(draw: st.DrawFn, record: Any) -> Any:
    """A record in which any value may be another, at any depth."""
    if draw(st.integers(0, 7)) == 0:
        return draw(VALUES)
    if isinstance(record, dict):
        return {name: draw(mutated(value)) for name, value in record.items() if draw(st.integers(0, 9))}
    return [draw(mutated(one)) for one in record] if isinstance(record, list) else record


@settings(max_examples=10)
@given(data=st.data())
@pytest.mark.parametrize("format_", [name for name in RECORDS if name not in FLOWS])
def test_rows_and_lost_records_account_for_every_record(format_: str, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.one_of(mutated(RECORDS[format_]), VALUES), max_size=6))
    drawn = [record for record in drawn if not (isinstance(record, dict) and member(format_) in record)]
    for raw in (lines(RECORDS[format_], *drawn), array(RECORDS[format_], *drawn)):
        rows, faults = read(raw, format_, size=data.draw(st.integers(1, 400)))
        assert len(rows) + faults.lost == 1 + len(drawn)


@settings(max_examples=20)
@given(data=st.data())
@pytest.mark.parametrize("format_", RECORDS)
def test_no_bytes_make_a_reader_fail(format_: str, data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([shape(format_, RECORDS[format_]) for shape in SHAPES.values()]))
    start, end = sorted((data.draw(st.integers(0, len(good))), data.draw(st.integers(0, len(good)))))
    raw = good[:start] + data.draw(st.binary(max_size=30)) + good[end:]
    detect(raw)
    with contextlib.suppress(NotRecords):
        list(READERS[format_]([raw], "object", Faults()))


@given(raw=st.binary(max_size=200))
@example(raw=b'{"records": [')
def test_no_bytes_make_the_telling_of_formats_fail(raw: bytes) -> None:
    detect(raw)
    for format_ in FORMATS.values():
        with contextlib.suppress(NotRecords):
            list(format_.read([raw], "object", Faults()))
