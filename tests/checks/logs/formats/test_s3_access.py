"""S3 server access logs: quotes that come and go, and what stands in the keys of logs that are partitioned."""

from __future__ import annotations

import pytest

from tests.checks.logs.formats.reading import AT, read

OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
GET = (
    f"{OWNER} mb-orders [20/Nov/2026:14:01:02 +0000] 203.0.113.7 arn:aws:iam::111122223333:user/ada 3E57427F3EXAMPLE REST.GET.OBJECT "
    'invoices/7.pdf "GET /mb-orders/invoices/7.pdf?versionId=3HL HTTP/1.1" 200 - 113 4406583 7 5 "-" "aws-cli/2.17 (x86)" 3HL '
    "s9lzHYrFp76Z= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader mb-orders.s3.eu-central-1.amazonaws.com TLSv1.2 - -"
)
BATCH = (
    f"{OWNER} mb-orders [20/Nov/2026:14:01:02 +0000] 203.0.113.7 arn:aws:iam::111122223333:user/ada 8F9A0B1C2D3E4F5A BATCH.DELETE.OBJECT "
    "invoices/7.pdf - 204 - - 113 - - - - - hWc= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader s3.eu-central-1.amazonaws.com TLSv1.3 - -"
)
PLAIN = GET.replace("ECDHE-RSA-AES128-GCM-SHA256", "-").replace("TLSv1.2", "-")
EXPIRED = f'{OWNER} mb-orders [20/Nov/2026:14:01:02 +0000] - AmazonS3 E1 S3.EXPIRE.OBJECT invoices/7.pdf "-" - - - 113 - - "-" "-" 3HL hWc= - - - - - - -'
KEY = "logs/111122223333/eu-central-1/mb-orders/2026/11/20/2026-11-20-14-05-00-0A1B2C3D4E5F"


def test_a_request_is_read() -> None:
    found = read("s3_access", GET, object_=KEY)
    assert not found.faults
    assert found.values("time", "owner", "bucket", "account", "region", "source", "principal") == [
        (AT, OWNER, "mb-orders", "111122223333", "eu-central-1", "203.0.113.7", "arn:aws:iam::111122223333:user/ada")
    ]
    assert found.values("operation", "key", "method", "path", "http_version", "status", "error_code") == [
        ("REST.GET.OBJECT", "invoices/7.pdf", "GET", "/mb-orders/invoices/7.pdf?versionId=3HL", "HTTP/1.1", 200, None)
    ]
    assert found.values("sent_bytes", "object_bytes", "referer", "user_agent", "version_id", "request_id") == [
        (113, 4406583, None, "aws-cli/2.17 (x86)", "3HL", "3E57427F3EXAMPLE")
    ]
    assert found.values("scheme", "tls_version", "cipher", "signature", "authentication", "host", "acl_required") == [
        ("https", "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "SigV4", "AuthHeader", "mb-orders.s3.eu-central-1.amazonaws.com", None)
    ]


def test_account_and_region_are_null_where_neither_line_nor_key_has_them() -> None:
    assert read("s3_access", GET, object_="logs/2026-11-20-14-05-00-0A1B2C3D4E5F").values("account", "region") == [(None, None)]


def test_the_source_region_in_a_line_comes_before_the_one_in_the_key() -> None:
    found = read("s3_access", f"{GET} eu-west-1", object_=KEY)
    assert not found.faults
    assert found.values("region") == [("eu-west-1",)]


def test_lines_may_quote_other_fields_than_most_do() -> None:
    found = read("s3_access", GET, GET, BATCH, EXPIRED)
    assert not found.faults
    assert found.values("operation", "tls_version", "path") == [
        ("REST.GET.OBJECT", "TLSv1.2", "/mb-orders/invoices/7.pdf?versionId=3HL"),
        ("REST.GET.OBJECT", "TLSv1.2", "/mb-orders/invoices/7.pdf?versionId=3HL"),
        ("BATCH.DELETE.OBJECT", "TLSv1.3", None),
        ("S3.EXPIRE.OBJECT", None, None),
    ]


def test_a_file_without_any_quotes_is_read() -> None:
    found = read("s3_access", BATCH, BATCH)
    assert not found.faults
    assert found.values("tls_version") == [("TLSv1.3",)] * 2


def test_a_request_without_tls_says_so_and_what_was_no_request_does_not() -> None:
    assert read("s3_access", PLAIN, BATCH, EXPIRED).values("scheme", "tls_version") == [("http", None), ("https", "TLSv1.3"), (None, None)]


def test_a_request_without_credentials_has_no_principal() -> None:
    anonymous = GET.replace("arn:aws:iam::111122223333:user/ada", "-").replace("SigV4", "-").replace("AuthHeader", "-")
    assert read("s3_access", anonymous).values("principal", "authentication", "signature") == [(None, None, None)]


@pytest.mark.parametrize("end", ["version id", "TLS version"])
def test_older_logs_have_fewer_fields(end: str) -> None:
    older = GET[: GET.index(" s9lz")] if end == "version id" else GET[: GET.index(" - -", GET.index("TLSv1.2"))]
    found = read("s3_access", older, older)
    assert not found.faults
    assert found.values("version_id", "tls_version") == [("3HL", None if end == "version id" else "TLSv1.2")] * 2


def test_fields_that_aws_appends_are_tolerated_and_told() -> None:
    found = read("s3_access", f"{GET} eu-central-1 newer", f"{GET} eu-central-1 newer")
    assert len(found.rows) == 2
    assert found.faults.counts == {"unknown-column": 1}
    assert not found.faults.lost


@pytest.mark.parametrize(
    "agent",
    ['curl "', 'a" 3HL h= SigV4 ECDHE AuthHeader host TLSv1.3 - - "', 'a" "b', '"', '" "', 'a b" c'],
)
def test_quotes_in_a_user_agent_cannot_change_what_a_request_spoke(agent: str) -> None:
    injected = GET.replace("aws-cli/2.17 (x86)", agent).replace("TLSv1.2", "TLSv1")
    found = read("s3_access", GET, injected, GET)
    assert [row["line"] for row in found.rows] == [1, 3]
    assert found.lost_lines == [2]


def test_a_quote_inside_a_field_swallows_no_other_line() -> None:
    """As many quotes as other lines have, for the request is a dash: the last of them opens a field that nothing closes."""
    copied = GET.replace('"GET /mb-orders/invoices/7.pdf?versionId=3HL HTTP/1.1"', "-").replace("aws-cli/2.17 (x86)", 'a b"c" ')
    found = read("s3_access", GET, GET, copied, GET)
    assert [row["line"] for row in found.rows] == [1, 2, 4]
    assert found.lost == {"malformed": [3]}


def test_short_lines_are_counted_with_their_number() -> None:
    found = read("s3_access", GET, GET[:200], BATCH, "", "x")
    assert [row["line"] for row in found.rows] == [1, 3]
    assert found.lost_lines == [2, 5]


def test_values_of_the_wrong_form_are_null_and_counted() -> None:
    odd = GET.replace("20/Nov/2026", "20/Nov/2O26").replace("203.0.113.7", "somewhere").replace(" 200 - ", " OK - ")
    found = read("s3_access", GET, odd)
    assert found.values("time", "source", "status") == [(AT, "203.0.113.7", 200), (None, None, None)]
    assert found.faults.counts == {"value": 3}


def test_odd_bytes_cost_a_line_at_most() -> None:
    raw = GET.encode()
    found = read("s3_access", raw, raw.replace(b"7.pdf", b"7\0pdf"), raw.replace(b"x86", b"\xff86") + b"\r")
    assert [row["line"] for row in found.rows] == [1, 3]
    assert found.faults.counts == {"nul-bytes": 1, "encoding": 1}
