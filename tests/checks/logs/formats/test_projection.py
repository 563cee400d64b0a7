"""What is read for a question is what is read for all: the quick way and the slow one, some columns and all of them."""

from __future__ import annotations

import copy
import json
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.logs.formats import alb, cloudtrail, vpc_flow
from checks.logs.formats.detect import READERS
from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.formats.members import Members, Part
from checks.logs.formats.record_parts import parts
from checks.logs.table import address_columns
from checks.logs.tables import TABLES
from tests.checks.logs.log_rules import make

RECORD: dict[str, Any] = {
    "eventVersion": "1.11", "eventTime": "2026-11-20T14:03:00Z", "eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com",
    "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.7", "errorCode": None, "readOnly": False, "managementEvent": True,
    "userIdentity": {
        "type": "AssumedRole", "arn": "arn:aws:iam::111122223333:user/ada", "principalId": "AIDA1", "userName": "ada",
        "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/r"}, "attributes": {"mfaAuthenticated": "true"}},
    },
    "requestParameters": {"filters": [{"name": 'a "b" é', "n": 1.50}], "Filters": 2}, "responseElements": {"ConsoleLogin": "Success"},
    "additionalEventData": {"MFAUsed": "Yes"}, "resources": [{"ARN": "arn:aws:s3:::b", "type": "AWS::S3::Bucket"}],
    "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"}, "unknown": {"eventName": [{"eventVersion": "x"}]},
}  # fmt: skip
PATHS = [(name,) for name in RECORD] + [("userIdentity", name) for name in RECORD["userIdentity"]]
PATHS += [("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"), ("tlsDetails", "tlsVersion"), ("resources", 0, "ARN")]
VALUES: list[Any] = [
    None, "", "x", "true", "Perhaps", "2026-11-20T15:03:00+01:00", "::1", "a\0b", 0, 1, 2**63, 2**64, -(2**70), 1.5, True, False,
    [], {}, [{}], [{"ARN": 1}, 2], {"arn": None}, {"MFAUsed": "no"}, {"type": 7, "arn": "a"}, "\U0001f512",
]  # fmt: skip
TEXTS = [
    b"\\ud800", b"\\u00e9", b"\xff", b"\xc3", b"\0", b"\n", b'"', b"}", b"]", b",", b"1e5", b"\\x", b'"eventName":"again",', b" ", b"-", b"01",
    b'},{"eventVersion":', b"]}", b'{"Records":[',
]  # fmt: skip


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    held: Any = record
    for step in path[:-1]:
        held = held[step]
    held[path[-1]] = value
    return record


def slowly(raw: bytes, faults: Faults) -> Any:
    """All at once, by orjson. Raises NotRecords."""
    text = cloudtrail._unicode(raw, faults).removeprefix(b"\xef\xbb\xbf")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotRecords(str(error)) from error
    if not isinstance(data, dict) or not isinstance(data.get("Records"), list):
        raise NotRecords
    records = Part(data["Records"])
    return cloudtrail._batch(records.records(0, len(records), 1, faults), cloudtrail._ALL, "o", faults)


def quickly(raw: bytes, faults: Faults, size: int, wanted: Any = None) -> list[dict[str, Any]]:
    """Row by row, up to where it could be read."""
    rows: list[dict[str, Any]] = []
    pieces = [raw[start : start + 97] for start in range(0, len(raw), 97)]
    try:
        for batch in cloudtrail.read(pieces, "o", faults, wanted, size=size):
            rows += batch.to_pylist()
    except NotRecords:
        rows.append({"unread": True})
    return rows


def told(faults: Faults) -> tuple[dict[str, int], dict[str, Any], int]:
    return faults.counts, {kind: (held[0].line, held[0].lost) for kind, held in faults.first.items()}, faults.lost


records = st.one_of(
    st.just(RECORD), st.builds(changed, st.sampled_from(PATHS), st.sampled_from(VALUES)), st.sampled_from(VALUES)
)  # fmt: skip
layouts = st.sampled_from([{"separators": (",", ":")}, {"indent": 1}, {"separators": (" , ", ": ")}])


@given(st.lists(records, max_size=12), layouts, st.sampled_from([300, 3000, 1 << 20]))
def test_the_quick_reading_gives_what_the_slow_one_gives(held: list[Any], layout: dict[str, Any], size: int) -> None:
    raw = json.dumps({"Records": held}, ensure_ascii=False, **layout).encode()
    slow, quick = Faults(), Faults()
    try:
        wanted = slowly(raw, slow).to_pylist()
    except NotRecords:
        wanted = [{"unread": True}]
    found = quickly(raw, quick, size)
    if wanted == [{"unread": True}]:
        assert found[-1] == {"unread": True}
    else:
        assert found == wanted
        assert told(quick)[0] == told(slow)[0]
        if size > len(raw):  # of several parts, each has its first
            assert told(quick) == told(slow)


@given(
    st.lists(records, min_size=1, max_size=6), st.sampled_from(TEXTS), st.floats(0, 1), st.integers(0, 3), st.sampled_from([400, 1 << 20])
)
def test_damage_is_to_the_quick_reading_what_it_is_to_the_slow_one(held: list[Any], put: bytes, at: float, cut: int, size: int) -> None:
    whole = json.dumps({"Records": held}, separators=(",", ":")).encode()
    place = int(at * len(whole))
    raw = whole[:place] + put + whole[place + cut :]
    slow, quick = Faults(), Faults()
    found = quickly(raw, quick, size)
    try:
        wanted = slowly(raw, slow).to_pylist()
    except NotRecords:
        assert found[-1] == {"unread": True}
        return
    assert found == wanted
    assert (quick.counts, quick.lost) == (slow.counts, slow.lost)


@settings(max_examples=40, deadline=None)
@given(st.lists(records, max_size=5), st.sets(st.sampled_from(sorted(cloudtrail._ALL)), max_size=4))
def test_columns_are_the_same_whatever_else_is_asked_for(held: list[Any], asked: set[str]) -> None:
    raw = json.dumps({"Records": held}, separators=(",", ":")).encode()
    every, some = Faults(), Faults()
    rows, wanted = quickly(raw, some, 1 << 20, asked), quickly(raw, every, 1 << 20)
    if {"unread": True} in wanted:
        return  # all that is asked for may hold what cannot be read
    names = ["object", "line", "time", *(one for name in asked for one in (address_columns(name) if name == "source" else (name,)))]
    assert [{name: row[name] for name in names} for row in rows] == [{name: row[name] for name in names} for row in wanted]
    assert some.lost == every.lost
    assert all(some.counts[kind] <= every.counts[kind] for kind in some.counts)


def test_what_is_as_documented_is_read_quickly() -> None:
    members = Members.of(frozenset(path for paths in cloudtrail._NEEDS.values() for path in paths))
    assert members.of_list(json.dumps([RECORD]).encode())._absent is not None
    assert members.of_list(json.dumps([changed(("eventName",), 7)]).encode())._absent is None


@pytest.mark.parametrize("between", [",", ",\n  ", " , "])
def test_a_large_file_is_cut_between_records_and_nowhere_else(between: str) -> None:
    """Also where something within a record looks like the beginning of one."""
    tricky = [changed(("requestParameters",), [{"eventVersion": "1.11", "n": n}, {"eventVersion": "1.11"}]) for n in range(400)]
    raw = f'{{"Records":[{between.join(map(json.dumps, tricky))}]}}'.encode()
    sizes: list[int] = []

    def of_list(text: Any) -> list[Any]:
        try:
            return orjson.loads(text)  # type: ignore[no-any-return]
        except orjson.JSONDecodeError as error:
            raise NotRecords(str(error)) from error

    found: list[Any] = []
    pieces = (raw[start : start + 1000] for start in range(0, len(raw), 1000))
    for part in parts(pieces, of_list, of_list, lambda text: text, size=4000):
        sizes.append(len(part))
        found += part
    assert found == tricky
    assert len(sizes) > 10


def test_more_than_can_be_held_without_a_records_end_is_refused() -> None:
    with pytest.raises(NotRecords, match="no record ends"):
        list(parts([b'{"Records":[{"a":"', *[b"x" * 1000] * 100], bytes, bytes, bytes, size=1000, most=50_000))


def test_records_before_the_damage_are_given_and_the_file_is_told() -> None:
    raw = json.dumps({"Records": [RECORD] * 50}, separators=(",", ":")).encode()
    rows = quickly(raw[: len(raw) // 2] + b"\0" + raw[len(raw) // 2 :], Faults(), 4000)
    assert 5 < len(rows) <= 26
    assert rows[-1] == {"unread": True}


def test_records_that_stand_there_twice_are_not_read_as_if_once() -> None:
    held = json.dumps([RECORD] * 20).encode()
    for size in (4000, 1 << 20):
        assert quickly(b'{"Records":' + held + b',"Records":[]}', Faults(), size)[-1] == {"unread": True}
        assert len(quickly(b'{"Records":' + held + b',"other":[{}]}', Faults(), size)) == 20


def test_json_nested_too_deep_to_be_written_out_is_null_and_told() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    faults = Faults()
    (row,) = quickly(json.dumps({"Records": [changed(("requestParameters",), deep)]}).encode(), faults, 1 << 20)
    assert row["request"] is None
    assert faults.counts == {"value": 1}


FLOW = b"version account-id srcaddr dstaddr dstport start action log-status\n2 1 10.0.0.1 10.0.0.2 443 1795183205 ACCEPT OK\n"


@pytest.mark.parametrize("wanted", [[], ["action"], ["source"], ["destination_port", "time"]])
def test_a_flow_log_is_read_for_what_is_asked(wanted: list[str]) -> None:
    faults = Faults()
    raw = FLOW + b"2 1 10.0.0.300 10.0.0.2 many 1795183205 ACCEPT OK\nshort\n2 1 - - - 1795183205 - SKIPDATA\n" + FLOW
    rows = [row for batch in vpc_flow.read([raw], "o", faults, wanted) for row in batch.to_pylist()]
    assert [row["line"] for row in rows] == [2, 3, 5, 7]
    assert (faults.counts["short-line"], faults.counts["skipdata"]) == (1, 1)
    assert faults.counts.get("value", 0) == ("source" in wanted) + ("destination_port" in wanted)
    assert all((row["action"] is not None) <= ("action" in wanted) for row in rows)
    assert {row["time"] is None for row in rows} == {False}


def test_a_load_balancers_log_is_read_for_what_is_asked() -> None:
    line = (
        b'https 2026-11-20T14:01:02.186641Z app/shop/5 203.0.113.7:2817 10.0.0.66:80x 0.0 0.0 0.0 200 200 34 366 "GET nonsense" '
        b'"curl" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn "Root=1"'
    )
    every, some = Faults(), Faults()
    (row,) = next(alb.read([line], "o", every)).to_pylist()
    (less,) = next(alb.read([line], "o", some, ["tls_version", "status"])).to_pylist()
    assert (less["tls_version"], less["status"], less["time"]) == (row["tls_version"], row["status"], row["time"])
    assert (less["cipher"], less["source_family"]) == (None, None)
    assert (every.counts, some.counts) == ({"value": 2}, {})


@pytest.mark.parametrize("format_", sorted(READERS))
def test_every_column_can_be_asked_for(format_: str) -> None:
    needs = {"alb": alb._NEEDS, "cloudtrail": cloudtrail._NEEDS}
    if format_ in needs:
        assert {column.name for column in TABLES[f"log.{format_}"].columns} == set(needs[format_])


def test_a_rule_knows_the_columns_it_reads() -> None:
    rule = make("row.mfa", applies_if="row.event_name == 'ConsoleLogin'", group_by=["principal"], show=["source"])
    assert rule.columns() == {"mfa", "event_name", "principal", "source"}


def test_addresses_are_read_as_the_c_library_reads_them() -> None:
    from checks.logs.formats.ipv4 import numbers

    texts = [
        "1.2.3.4",
        "01.2.3.4",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "255.255.255.255",
        "1..2.3",
        "1.2.3.4 ",
        "0.0.0.0",
        "",
        None,
        "1.2.\x003.4",
    ]
    texts += ["255.255.255.2555", "0000000000.0.0.0", "4294967297.1.1.1", ".1.2.3", "1.2.3.", "1.2.3.4" * 5]
    found, known = numbers(pa.array([*texts, "9.9.9.9"], pa.string())[: len(texts)])
    assert {text: int(number) for text, number, good in zip(texts, found, known, strict=True) if good} == {
        "1.2.3.4": 0x01020304, "255.255.255.255": 2**32 - 1, "0.0.0.0": 0
    }  # fmt: skip
