"""Log files read: rows with the schemas of the tables, and every way a file can be bad, counted."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.gunzip import Limits
from agent.collect.logs.reading import FileRead, read_file
from checks.logs.formats import alb, vpc_flow
from checks.logs.formats.faults import Faults
from checks.logs.table import address_text
from checks.logs.tables import TABLES
from tests.checks.logs.formats.samples import RECORDS, SHAPES

HOUR = datetime(2026, 11, 20, 14, tzinfo=UTC)
SECOND = int(HOUR.timestamp())
FLOW = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
FLOW_ROW = f"2 111122223333 eni-0a1 203.0.113.7 10.0.1.5 51034 443 6 12 4200 {SECOND + 5} {SECOND + 65} ACCEPT OK"
ALB_NAME = "111122223333_elasticloadbalancing_eu-central-1_app.shop.50dc6c495c0c9188_20261120T1405Z_198.51.100.9_2k4jx.log"
ALB_ROW = (
    "https 2026-11-20T14:01:02.186641Z app/shop/50dc6c495c0c9188 203.0.113.7:2817 10.0.0.66:8080 0.086 0.048 0.037 200 200 34 366 "
    '"GET https://shop.marktbruecke.example:443/cart?id=7 HTTP/2.0" "curl/8.9.1 (x86)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
    "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 "
    '"Root=1-58337281-1d84f3d73c47ec4e58577259" "shop.marktbruecke.example" "arn:aws:acm:eu-central-1:111122223333:certificate/12" '
    '1 2026-11-20T14:01:01.364000Z "forward" "-" "-" "10.0.0.66:8080" "200" "-" "-" TID_4a1f'
)


def record(**members: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventTime": "2026-11-20T14:03:00Z",
        "eventName": "DescribeInstances",
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ada", "principalId": "AIDA1", "userName": "ada"},
        "readOnly": True,
        "requestParameters": {"filters": 1, "Filters": 2},
        "responseElements": None,
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
        **members,
    }


def trail(*records: Any) -> bytes:
    return json.dumps({"Records": list(records)}).encode()


def read(folder: Path, raw: bytes, name: str = "file.log", **options: Any) -> tuple[list[dict[str, Any]], FileRead]:
    path = folder / name
    path.write_bytes(raw)
    found = FileRead(str(path))
    batches = list(read_file(path, found, **options))
    if f"log.{found.format}" in TABLES:
        wanted = TABLES[f"log.{found.format}"].schema()
        assert all(batch.schema.equals(wanted) for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()], found


def address(row: dict[str, Any], name: str) -> str | None:
    parts = [row[f"{name}_{part}"] for part in ("family", "high", "low")]
    return None if None in parts else address_text(*parts)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_flow_log_is_read_by_the_names_in_its_first_line(tmp_path: Path, pack: Any) -> None:
    (row,), found = read(tmp_path, pack(f"{FLOW}\n{FLOW_ROW}\n".encode()))
    assert (found.format, found.whole, found.rows) == ("vpc_flow", True, {HOUR: 1})
    assert (address(row, "source"), address(row, "destination")) == ("203.0.113.7", "10.0.1.5")
    assert (row["destination_port"], row["protocol"], row["bytes"], row["action"], row["line"]) == (443, 6, 4200, "ACCEPT", 2)
    assert row["time"] == datetime(2026, 11, 20, 14, 0, 5, tzinfo=UTC)
    assert row["packet_source_family"] is None


def test_a_flow_log_may_have_any_order_and_any_fields(tmp_path: Path) -> None:
    head = "flow-direction pkt-srcaddr tcp-flags vpc-id start ecs-cluster-name traffic-path srcaddr az-id log-status reject-reason"
    line = f"egress 2001:db8::1 19 vpc-1 {SECOND} web 8 10.0.0.1 euc1-az1 OK BPA"
    (row,), found = read(tmp_path, f"{head}\n{line}\n".encode())
    assert found.whole
    assert not found.faults
    assert (row["direction"], row["tcp_flags"], row["traffic_path"], row["reject_reason"]) == ("egress", 19, 8, "BPA")
    assert address(row, "packet_source") == "2001:db8::1"
    assert row["action"] is None


def test_a_dash_in_a_flow_log_is_null(tmp_path: Path) -> None:
    line = f"2 111122223333 eni-0a1 - - - - - - - {SECOND} {SECOND + 60} - NODATA"
    (row,), found = read(tmp_path, f"{FLOW}\n{line}\n".encode())
    assert found.whole
    assert (row["log_status"], row["action"], row["source_family"], row["bytes"]) == ("NODATA", None, None, None)


def test_skipped_data_leaves_the_hour_in_doubt(tmp_path: Path) -> None:
    line = f"2 111122223333 eni-0a1 - - - - - - - {SECOND} {SECOND + 60} - SKIPDATA"
    rows, found = read(tmp_path, f"{FLOW}\n{FLOW_ROW}\n{line}\n".encode())
    assert len(rows) == 2
    assert found.faults.counts == {"skipdata": 1}
    assert found.doubtful() == {HOUR}


def test_a_column_from_the_future_is_told_and_costs_no_row(tmp_path: Path) -> None:
    (row,), found = read(tmp_path, f"{FLOW} quantum-spin\n{FLOW_ROW} up\n".encode())
    assert row["action"] == "ACCEPT"
    assert found.whole
    assert found.faults.first["unknown-column"][0].what.endswith("quantum-spin")


def test_records_of_the_default_format_need_no_first_line(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"{FLOW_ROW}\n{FLOW_ROW}".encode())[0]) == 2


def test_files_that_were_put_together_repeat_their_first_line(tmp_path: Path) -> None:
    rows, found = read(tmp_path, f"{FLOW}\n{FLOW_ROW}\n{FLOW}\n{FLOW_ROW}\n".encode())
    assert [row["line"] for row in rows] == [2, 4]
    assert found.whole


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"2 111122223333 eni-0a1 203.0.113.7", "short-line"),
        (FLOW_ROW.encode() + b" more", "extra-fields"),
        (FLOW_ROW.encode().replace(b"eni", b"e\0i"), "nul-bytes"),
        (b"x" * 10_000_000, "long-line"),
    ],
)
def test_a_line_that_cannot_be_read_is_counted_with_its_number(tmp_path: Path, bad: bytes, kind: str) -> None:
    raw = b"\n".join([FLOW.encode(), FLOW_ROW.encode(), bad, FLOW_ROW.encode(), b""])
    rows, found = read(tmp_path, gzip.compress(raw, 1), limits=Limits(ratio=2000))
    assert [row["line"] for row in rows] == [2, 4]
    assert found.faults.counts == {kind: 1}
    assert found.faults.first[kind][0].line == 3
    assert not found.whole
    assert found.doubtful() == {HOUR}


def test_a_value_without_its_type_is_null_and_counted(tmp_path: Path) -> None:
    bad = FLOW_ROW.replace("443", "https").replace("203.0.113.7", "203.0.113.700").replace(str(SECOND + 5), "99999999999999")
    rows, found = read(tmp_path, f"{FLOW}\n{FLOW_ROW}\n{bad}\n".encode())
    assert [row["destination_port"] for row in rows] == [443, None]
    assert [row["time"] is None for row in rows] == [False, True]
    assert rows[1]["source_family"] is None
    assert found.faults.counts == {"value": 3}
    assert not found.whole


def test_bytes_that_are_not_text_are_replaced_and_told(tmp_path: Path) -> None:
    raw = ALB_ROW.replace("curl/8.9.1", "M\xfcller").encode("latin-1") + b"\n" + ALB_ROW.replace("curl", "M\xfcller").encode()
    rows, found = read(tmp_path, raw)
    assert [row["user_agent"][:2] for row in rows] == ["M�", "Mü"]
    assert found.faults.counts == {"encoding": 1}
    assert found.whole


def test_a_load_balancers_log_is_read(tmp_path: Path) -> None:
    (row,), found = read(tmp_path, f"{ALB_ROW}\n".encode(), ALB_NAME)
    assert (found.format, found.whole) == ("alb", True), found
    assert (row["account"], row["region"]) == ("111122223333", "eu-central-1")
    assert (row["type"], row["tls_version"], row["cipher"]) == ("https", "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
    assert (row["listener"], row["listener_port"]) == ("app/shop/50dc6c495c0c9188:443", 443)
    assert (row["method"], row["host"], row["path"], row["http_version"]) == ("GET", "shop.marktbruecke.example", "/cart?id=7", "HTTP/2.0")
    assert (address(row, "source"), row["source_port"], row["target_port"], row["status"]) == ("203.0.113.7", 2817, 8080, 200)
    assert (row["classification"], row["connection"], row["actions"]) == (None, "TID_4a1f", "forward")
    assert row["time"] == datetime(2026, 11, 20, 14, 1, 2, 186641, tzinfo=UTC)


def test_plain_http_has_no_tls_version(tmp_path: Path) -> None:
    line = ALB_ROW.replace("https 2026", "http 2026").replace("ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2", "- -").replace(":443/", ":80/")
    (row,), _ = read(tmp_path, line.encode())
    assert (row["type"], row["tls_version"], row["cipher"], row["listener_port"]) == ("http", None, None, 80)


def test_a_request_that_could_not_be_parsed_is_still_a_row(tmp_path: Path) -> None:
    line = ALB_ROW.replace("GET https://shop.marktbruecke.example:443/cart?id=7 HTTP/2.0", "- http://shop.marktbruecke.example:80- ")
    (row,), found = read(tmp_path, line.encode())
    assert (row["method"], row["listener_port"], row["http_version"]) == (None, 80, None)
    assert not found.faults


def test_a_client_with_an_ipv6_address_is_read(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "\n".join([ALB_ROW.replace("203.0.113.7:", f"{text}:") for text in ("2001:db8::7", "[2001:db8::7]")]).encode())
    assert [(address(row, "source"), row["source_port"]) for row in rows] == [("2001:db8::7", 2817)] * 2


@pytest.mark.parametrize(("fields", "known"), [(" transformed - ok", True), (" t - ok new newer", False)])
def test_fields_that_aws_appends_are_tolerated(tmp_path: Path, fields: str, known: bool) -> None:
    rows, found = read(tmp_path, f"{ALB_ROW}{fields}\n{ALB_ROW}{fields}\n".encode())
    assert len(rows) == 2
    assert found.whole
    assert bool(found.faults) is not known


def test_old_logs_have_fewer_fields(tmp_path: Path) -> None:
    old = ALB_ROW[: ALB_ROW.index(' "shop.marktbruecke.example"')]
    (row,), found = read(tmp_path, old.encode())
    assert found.whole
    assert (row["tls_version"], row["server_name"]) == ("TLSv1.2", None)


def test_a_quote_in_a_request_cannot_swallow_or_shift_other_lines(tmp_path: Path) -> None:
    """Whoever sends a request writes its user agent: it must not make a row vanish, or change what its TLS version is."""
    opened = ALB_ROW.replace("curl/8.9.1 (x86)", 'curl "')
    shifted = ALB_ROW.replace("curl/8.9.1 (x86)", 'curl" ECDHE TLSv1.3 "')
    rows, found = read(tmp_path, f"{ALB_ROW}\n{opened}\n{ALB_ROW}\n{shifted}\n{ALB_ROW}".encode())
    assert [row["line"] for row in rows] == [1, 3, 5]
    assert {row["tls_version"] for row in rows} == {"TLSv1.2"}
    assert found.faults.counts == {"malformed": 2}


def test_cloudtrail_records_are_projected(tmp_path: Path) -> None:
    (row,), found = read(tmp_path, gzip.compress(trail(record())))
    assert (found.format, found.whole, found.rows) == ("cloudtrail", True, {HOUR: 1})
    assert (row["event_name"], row["principal"], row["user_name"]) == ("DescribeInstances", "arn:aws:iam::111122223333:user/ada", "ada")
    assert (row["outcome"], row["tls_version"], row["read_only"], row["mfa"]) == ("success", "TLSv1.3", True, None)
    assert json.loads(row["request"]) == {"filters": 1, "Filters": 2}
    assert row["response"] is None
    assert (address(row, "source"), row["source_name"], row["line"]) == ("203.0.113.7", None, 1)


@pytest.mark.parametrize("format_", RECORDS)
def test_a_file_of_json_records_is_told_and_read_whole(tmp_path: Path, format_: str) -> None:
    for number, shape in enumerate(SHAPES.values()):
        rows, found = read(tmp_path, gzip.compress(shape(format_, *[RECORDS[format_]] * 3)), f"{number}.json.gz")
        assert (found.format, found.whole, found.rows, len(rows)) == (format_, True, {HOUR: 3}, 3), found


@pytest.mark.parametrize(
    ("members", "mfa", "outcome"),
    [
        ({"additionalEventData": {"MFAUsed": "Yes"}, "responseElements": {"ConsoleLogin": "Success"}}, True, "success"),
        ({"additionalEventData": {"MFAUsed": "NO"}, "responseElements": {"ConsoleLogin": "Failure"}}, False, "failure"),
        ({"additionalEventData": {"MFAUsed": "Perhaps"}}, None, None),
        ({}, None, None),
    ],
)
def test_a_console_login_says_whether_mfa_was_used(tmp_path: Path, members: dict[str, Any], mfa: bool | None, outcome: str | None) -> None:
    (row,), _ = read(tmp_path, trail(record(eventName="ConsoleLogin", **members)))
    assert (row["mfa"], row["outcome"]) == (mfa, outcome)


def test_a_service_is_no_address(tmp_path: Path) -> None:
    rows, found = read(
        tmp_path, trail(record(sourceIPAddress="s3.amazonaws.com"), record(errorCode="AccessDenied", resources=[{"ARN": "a"}]))
    )
    assert (rows[0]["source_name"], rows[0]["source_family"]) == ("s3.amazonaws.com", None)
    assert (rows[1]["outcome"], rows[1]["resource"]) == ("failure", "a")
    assert not found.faults


def test_a_record_that_nests_too_deeply_and_is_of_no_time_is_a_row(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    (row,), found = read(tmp_path, trail(record(requestParameters=deep, eventTime="0001-01-01T00:00:00+14:00")))
    assert (row["request"], row["time"], found.faults.counts) == (None, None, {"value": 1, "time": 1})


@pytest.mark.parametrize("when", ["2026-11-20T14:03:00Z", "2026-11-20T15:03:00.000+01:00", SECOND + 180, f"{SECOND + 180}000"])
def test_times_may_be_written_in_several_ways(tmp_path: Path, when: Any) -> None:
    (row,), found = read(tmp_path, trail(record(eventTime=when)))
    assert row["time"] == datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
    assert found.whole


def test_records_with_wrong_types_are_rows_with_nulls_and_faults(tmp_path: Path) -> None:
    odd = record(eventName=7, readOnly="perhaps", sourceIPAddress=[], userIdentity="root", eventTime="noon")
    rows, found = read(tmp_path, trail(odd, "not a record", record()))
    assert len(rows) == 2
    assert (rows[0]["event_name"], rows[0]["read_only"], rows[0]["principal"], rows[0]["time"]) == (None, None, None, None)
    assert found.faults.counts == {"value": 4, "time": 1, "malformed": 1}
    assert [row["line"] for row in rows] == [1, 3]
    assert not found.whole


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"Records": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
        (trail(record())[:-20], "not JSON"),
        (b'{"Records": {"eventName": "x"}}', "no list of Records"),
        (trail(record()).replace(b"ada", b"a\0a"), "not JSON"),
        (gzip.compress(trail(*[record()] * 200))[:-300], "cut off"),
        (gzip.compress(trail(record())) + b"tail", "behind the end"),
        (b"Dear diary,\n", "not a format"),
        (b"", "empty"),
        (b"\x1f\x8b\x08\x00garbage that is no deflate", "damaged gzip"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_puts_its_hour_in_doubt(tmp_path: Path, raw: bytes, why: str) -> None:
    _, found = read(tmp_path, raw, "111122223333_CloudTrail_eu-central-1_20261120T1405Z_abcdefgh.json.gz")
    assert why in str(found.unread)
    assert not found.whole
    assert found.doubtful() == {HOUR - timedelta(hours=1), HOUR}


def test_a_file_that_cannot_be_read_and_names_no_hour_puts_all_in_doubt(tmp_path: Path) -> None:
    assert read(tmp_path, b"Dear diary,\n")[1].doubtful() is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    found = FileRead(str(tmp_path / "pipe.log"))
    assert list(read_file(tmp_path / "pipe.log", found)) == []
    assert found.unread == "not a regular file"


def test_the_rows_before_a_cut_are_kept(tmp_path: Path) -> None:
    lines = [FLOW, *(FLOW_ROW.replace("51034", str(number)) for number in range(60_000))]
    rows, found = read(tmp_path, gzip.compress("\n".join(lines).encode(), 1)[:-1000])
    assert 30_000 < len(rows) < 60_000
    assert "cut off" in str(found.unread)
    assert found.format == "vpc_flow"


def test_a_gzip_bomb_is_stopped(tmp_path: Path) -> None:
    bomb = gzip.compress(FLOW.encode() + b"\n" + b"0" * 300_000_000)
    _, found = read(tmp_path, bomb)
    assert "no log compresses so well" in str(found.unread)
    _, found = read(tmp_path, bomb, limits=Limits(size=1_000_000))
    assert "larger than 1 MB" in str(found.unread)


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    raw = gzip.compress(f"{FLOW}\n".encode()) + gzip.compress(f"{FLOW_ROW}\n".encode()) + gzip.compress(f"{FLOW_ROW}\n".encode())
    assert len(read(tmp_path, raw)[0]) == 2


def test_a_digest_holds_no_rows_and_is_no_fault(tmp_path: Path) -> None:
    rows, found = read(tmp_path, b'{"awsAccountId": "1", "digestS3Object": "x"}')
    assert (rows, found.format, found.whole) == ([], "cloudtrail-digest", True)


@given(
    lines=st.lists(st.sampled_from([FLOW_ROW, "short line", FLOW_ROW + " x", "2 \0", "", FLOW_ROW.replace("443", '"'), "-"]), max_size=30),
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=5),
)
def test_every_line_of_a_flow_log_is_a_row_or_a_fault(lines: list[str], sizes: list[int]) -> None:
    raw = "\n".join([FLOW, *lines]).encode()
    cut = [raw[start : start + sizes[0]] for start in range(0, len(raw), sizes[0])]
    faults = Faults()
    rows = sum(batch.num_rows for batch in vpc_flow.read(cut, "object", faults))
    assert rows + faults.lost == sum(bool(line) for line in lines)


@given(
    lines=st.lists(
        st.sampled_from([ALB_ROW, '"', ALB_ROW + ' "', ALB_ROW.replace("curl", 'c"u"r"l"'), "short", ""]), min_size=1, max_size=20
    )
)
def test_every_line_of_a_load_balancers_log_is_a_row_or_a_fault(lines: list[str]) -> None:
    faults = Faults()
    batches = list(alb.read(["\n".join(lines).encode()], "object", faults))
    assert sum(batch.num_rows for batch in batches) + faults.lost == sum(bool(line) for line in lines)
    assert pa.Table.from_batches(batches, TABLES["log.alb"].schema()).column("tls_version").drop_null().to_pylist().count("TLSv1.2") <= len(
        lines
    )


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("111122223333_CloudTrail_eu-central-1_20261120T1405Z_a.json.gz", "2026-11-20T14:00:00+00:00"),
        ("EMLARXS9EXAMPLE.2026-11-20-14.RT4KCN4SGK9.gz", "2026-11-20T14:00:00+00:00"),
        ("resourceId=/X/y=2026/m=11/d=20/h=14/m=00/PT1H.json", "2026-11-20T14:00:00+00:00"),
        ("EMLARXS9EXAMPLE.2026-11-20-77.RT4KCN4SGK9.gz", None),
        ("access.log", None),
    ],
)
def test_the_hour_in_a_name_is_that_of_an_object_that_cannot_be_read(name: str, hour: str | None) -> None:
    found = FileRead(f"bucket/{name}", unread="cut off")
    doubtful = found.doubtful()
    assert (None if doubtful is None else max(doubtful).isoformat()) == hour


def test_a_time_that_is_centuries_off_puts_all_hours_in_doubt_and_lists_none(tmp_path: Path) -> None:
    rows = f"{FLOW}\n{FLOW_ROW}\n{FLOW_ROW.replace(str(SECOND + 5), '86400')}\nshort line\n"
    _, found = read(tmp_path, rows.encode())
    assert found.count == 2
    assert found.doubtful() is None


@pytest.mark.parametrize("format_", ["auto", "cloudtrail"])
@pytest.mark.parametrize("request_", [{"userName": "digestS3Object"}, {"digestS3Object": "x"}])
def test_a_call_about_digests_does_not_make_its_file_one(tmp_path: Path, format_: str, request_: dict[str, str]) -> None:
    rows, found = read(tmp_path, trail(record(requestParameters=request_), record(eventName="ConsoleLogin")), format_=format_)
    assert (found.format, [row["event_name"] for row in rows]) == ("cloudtrail", ["DescribeInstances", "ConsoleLogin"])


def test_only_a_trail_has_digests(tmp_path: Path) -> None:
    rows, found = read(tmp_path, b'{"time": "2026-11-20T14:00:00Z", "digestS3Object": "x"}\n', format_="azure_activity")
    assert (found.format, len(rows)) == ("azure_activity", 1)


@pytest.mark.parametrize("again", ['"Records"', '"\\u0052ecords"', '"Rec\\u006Frds"', '"Rec\\u006frd\\u0073"'])
def test_a_second_list_of_records_does_not_hide_the_first(tmp_path: Path, again: str) -> None:
    rows, found = read(tmp_path, trail(record()).removesuffix(b"}") + f", {again}: []}}".encode())
    assert len(rows) == 1 or "twice" in str(found.unread)
