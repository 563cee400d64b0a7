"""CloudFront's standard logs: the fields that a line names, or JSON."""

from __future__ import annotations

import json
from typing import Any

from tests.checks.logs.formats.reading import AT, read

FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) "
    "x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port"
)
HEAD = ("#Version: 1.0", f"#Fields: {FIELDS}")
ROW = (
    "2026-11-20 14:01:02 FRA56-P1 392 203.0.113.7 GET d111111abcdef8.cloudfront.net /index.html 200 - Mozilla/5.0%20(X11) a=1 - Hit SOX4xw== "
    "www.marktbruecke.example https 23 0.001 - TLSv1.3 TLS_AES_128_GCM_SHA256 Hit HTTP/2.0 Processed 2 11040"
).replace(" ", "\t")
NAME = "cdn/EMLARXS9EXAMPLE.2026-11-20-14.RT4KCN4SGK9.gz"


def as_json(**changed: Any) -> str:
    return json.dumps({**dict(zip(FIELDS.split(), ROW.split("\t"), strict=True)), **changed})


def test_a_request_is_read() -> None:
    found = read("cloudfront", *HEAD, ROW, object_=NAME)
    assert not found.faults
    assert found.values("time", "distribution", "edge", "source", "source_port", "scheme", "tls_version", "cipher") == [
        (AT, "EMLARXS9EXAMPLE", "FRA56-P1", "203.0.113.7", 11040, "https", "TLSv1.3", "TLS_AES_128_GCM_SHA256")
    ]
    assert found.values("host", "listener", "method", "path", "query", "http_version", "status", "result") == [
        ("www.marktbruecke.example", "d111111abcdef8.cloudfront.net", "GET", "/index.html", "a=1", "HTTP/2.0", 200, "Hit")
    ]
    assert found.values("sent_bytes", "received_bytes", "user_agent", "referer", "field_encryption", "encrypted_fields", "line") == [
        (392, 23, "Mozilla/5.0%20(X11)", None, "Processed", 2, 3)
    ]


def test_fields_may_have_any_order_and_a_status_of_no_response_is_zero() -> None:
    found = read(
        "cloudfront", "#Version: 1.0", "#Fields: ssl-protocol sc-status time date c-ip", "TLSv1.2\t000\t14:01:02\t2026-11-20\t2001:db8::7"
    )
    assert not found.faults
    assert found.values("time", "tls_version", "status", "source", "cipher") == [(AT, "TLSv1.2", 0, "2001:db8::7", None)]


def test_plain_http_has_no_tls_version() -> None:
    found = read("cloudfront", *HEAD, ROW.replace("https", "http").replace("TLSv1.3\tTLS_AES_128_GCM_SHA256", "-\t-"))
    assert found.values("scheme", "tls_version", "cipher") == [("http", None, None)]


def test_a_field_from_the_future_is_told_and_costs_no_row() -> None:
    found = read("cloudfront", "#Version: 1.0", f"#Fields: {FIELDS} quantum-spin", f"{ROW}\tup")
    assert len(found.rows) == 1
    assert not found.faults.lost
    assert found.faults.first["unknown-column"][0].what.endswith("quantum-spin")


def test_files_that_were_put_together_may_have_other_fields_from_some_line_on() -> None:
    found = read("cloudfront", *HEAD, ROW, "#Version: 1.0", "#Fields: date time c-ip", "2026-11-20\t14:01:02\t203.0.113.8", *HEAD, ROW, ROW)
    assert not found.faults
    assert found.values("source", "status", "line") == [
        ("203.0.113.7", 200, 3),
        ("203.0.113.8", None, 6),
        ("203.0.113.7", 200, 9),
        ("203.0.113.7", 200, 10),
    ]


def test_lines_before_the_one_that_names_the_fields_are_lost_and_counted() -> None:
    found = read("cloudfront", "#Version: 1.0", ROW, "", ROW, f"#Fields: {FIELDS}", ROW, "#Remark")
    assert [row["line"] for row in found.rows] == [6]
    assert found.faults.counts == {"malformed": 3}
    assert found.faults.lost == 3


def test_short_and_long_lines_are_counted_with_their_number() -> None:
    found = read("cloudfront", *HEAD, ROW, ROW[:100], f"{ROW}\tmore", ROW)
    assert [row["line"] for row in found.rows] == [3, 6]
    assert found.lost == {"short-line": [4], "extra-fields": [5]}


def test_a_quote_means_nothing() -> None:
    found = read("cloudfront", *HEAD, ROW.replace("Mozilla", '"Mozilla'), ROW)
    assert not found.faults
    assert found.values("user_agent", "tls_version")[0] == ('"Mozilla/5.0%20(X11)', "TLSv1.3")


def test_values_of_the_wrong_form_are_null_and_counted() -> None:
    found = read("cloudfront", *HEAD, ROW, ROW.replace("14:01:02", "noon").replace("203.0.113.7", "x").replace("\t200\t", "\tOK\t"))
    assert found.values("time", "source", "status")[1] == (None, None, None)
    assert found.faults.counts == {"value": 3}


def test_odd_bytes_cost_a_line_at_most() -> None:
    found = read("cloudfront", *HEAD, ROW.encode().replace(b"X11", b"X\xff11"), ROW.encode().replace(b"X11", b"X\x0011"))
    assert len(found.rows) == 1
    assert found.faults.counts == {"encoding": 1, "nul-bytes": 1}


def test_json_says_the_same_as_text() -> None:
    text, found = read("cloudfront", *HEAD, ROW, object_=NAME), read("cloudfront", as_json(), object_=NAME)
    assert not found.faults
    assert [{**row, "line": 3} for row in found.rows] == text.rows


def test_json_may_have_numbers_and_a_time_in_milliseconds() -> None:
    other = json.dumps({"timestamp(ms)": str(int(AT.timestamp() * 1000)), "DistributionId": "E1", "c-ip": "203.0.113.7"})
    found = read("cloudfront", as_json(**{"sc-status": 200}), other)
    assert not found.faults
    assert found.values("time", "status", "distribution") == [(AT, 200, None), (AT, None, "E1")]


def test_json_lines_that_are_none_are_lost_and_counted() -> None:
    found = read("cloudfront", as_json(), as_json()[:50], "[]", as_json(**{"ssl-protocol": ["x"], "new-one": 1}), "")
    assert found.values("line", "tls_version") == [(1, "TLSv1.3"), (4, None)]
    assert found.lost == {"malformed": [2, 3]}
    assert found.faults.counts == {"malformed": 2, "value": 1, "unknown-column": 1}
