"""Web servers' logs, by their formats: what stands in a line is read as the server wrote it, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.formats import declared, log_format
from tests.checks.logs.formats.reading import AT, Found, read, run

COMBINED = '203.0.113.7 - ada [20/Nov/2026:14:01:02 +0000] "GET /cart?id=7 HTTP/1.1" 200 4200 "https://shop.example/" "curl/8.9.1 (x86)"'


def of(format_: str, *lines: str) -> Found:
    return run(declared.reader(format_), "log.web", ["\n".join(lines).encode()])


def test_combined_logs_are_read_and_say_nothing_of_tls() -> None:
    found = read("web", COMBINED)
    assert not found.faults
    assert found.values("time", "source", "principal", "method", "path", "http_version", "status", "body_bytes") == [
        (AT, "203.0.113.7", "ada", "GET", "/cart?id=7", "HTTP/1.1", 200, 4200)
    ]
    assert found.values("referer", "user_agent") == [("https://shop.example/", "curl/8.9.1 (x86)")]
    assert found.values("tls_version", "cipher", "scheme", "listener", "sent_bytes") == [(None, None, None, None, None)]


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        (f'{COMBINED} "10.0.0.1, 10.0.0.2"', "forwarded_for", "10.0.0.1, 10.0.0.2"),
        (f"www.example:443 {COMBINED}", "listener", "www.example:443"),
        (COMBINED[: COMBINED.index(' "https')], "status", 200),
        (COMBINED.replace(" - ada", " till ada"), "principal", "ada"),
        (COMBINED.replace("203.0.113.7", "host.example"), "source_name", "host.example"),
        (COMBINED.replace(" ada ", " ada of Till "), "principal", "ada of Till"),
    ],
)
def test_other_predefined_formats_are_told_by_the_first_line(line: str, column: str, value: Any) -> None:
    found = read("web", line, line)
    assert not found.faults
    assert found.values(column) == [(value,)] * 2


def test_a_declared_format_fills_the_columns_of_tls() -> None:
    found = of(
        '$remote_addr:$remote_port [$time_local] $ssl_protocol/$ssl_cipher/$ssl_curve "$request" $status $bytes_sent $request_length '
        '"$http_user_agent" $server_name $server_port rt=$request_time sni="$ssl_server_name" cert="$ssl_client_s_dn" $ssl_client_verify',
        '203.0.113.7:51034 [20/Nov/2026:15:01:02 +0100] TLSv1.3/TLS_AES_128_GCM_SHA256/X25519 "GET / HTTP/2.0" 200 5 6 "curl" shop.example 443 '
        'rt=0.001 sni="shop.example" cert="CN=Till 4,O=Marktbruecke" SUCCESS',
        '203.0.113.7:51034 [20/Nov/2026:15:01:02 +0100] -/-/- "GET / HTTP/1.1" 301 5 6 "curl" shop.example 80 rt=0.001 sni="-" cert="-" NONE',
    )
    assert not found.faults
    assert found.values("time", "tls_version", "cipher", "key_exchange", "scheme", "listener", "listener_port") == [
        (AT, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519", "https", "shop.example:443", 443),
        (AT, None, None, None, "http", "shop.example:80", 80),
    ]
    assert found.values("source_port", "sent_bytes", "received_bytes", "server_name", "client_subject", "client_verified")[0] == (
        51034, 5, 6, "shop.example", "CN=Till 4,O=Marktbruecke", "SUCCESS",
    )  # fmt: skip


def test_a_declared_format_of_apache_fills_the_same_columns() -> None:
    found = of(
        r"%a %l %u %t \"%r\" %>s %b %{SSL_PROTOCOL}x %{SSL_CIPHER}x \"%{User-Agent}i\" %v %{local}p %!200{X-Forwarded-For}i 100%%",
        r'203.0.113.7 - - [20/Nov/2026:14:01:02 +0000] "GET /a\"b HTTP/1.1" 200 - TLSv1.2 ECDHE "a \"b\" c" shop.example 443 - 100%',
    )
    assert not found.faults
    assert found.values("time", "path", "body_bytes", "tls_version", "cipher", "scheme", "user_agent", "listener", "forwarded_for") == [
        (AT, r"/a\"b", None, "TLSv1.2", "ECDHE", "https", r"a \"b\" c", "shop.example:443", None)
    ]


@pytest.mark.parametrize(
    ("format_", "line"),
    [
        ("$msec $host", f"{AT.timestamp():.3f} x"),
        ("$time_iso8601 $host", "2026-11-20T15:01:02+01:00 x"),
        ("%{sec}t %{Host}i", f"{AT.timestamp():.0f} x"),
        ("%{end:msec}t %{Host}i", f"{AT.timestamp():.0f}000 x"),
        ("%{usec}t %{Host}i", f"{AT.timestamp():.0f}000000 x"),
        ("[%{%d/%b/%Y:%H:%M:%S %z}t] %{Host}i", "[20/Nov/2026:14:01:02 +0000] x"),
        ("%{%Y-%m-%dT%H:%M:%S%z}t %{Host}i", "2026-11-20T14:01:02+0000 x"),
    ],
)
def test_times_may_be_written_in_several_ways(format_: str, line: str) -> None:
    assert of(format_, line).values("time", "host") == [(AT, "x")]


def test_a_format_in_json_is_a_format_like_others() -> None:
    found = of(
        '{"t":"$time_iso8601","ip":"$remote_addr","tls":"$ssl_protocol","ua":"$http_user_agent","status":$status}',
        r'{"t":"2026-11-20T14:01:02+00:00","ip":"203.0.113.7","tls":"","ua":"a \"b\"","status":301}',
        '{"t":"2026-11-20T14:01:02+00:00","ip":"203.0.113.7","tls":"TLSv1.3","ua":"x","status":200}',
    )
    assert not found.faults
    assert found.values("time", "source", "tls_version", "scheme", "user_agent", "status") == [
        (AT, "203.0.113.7", None, "http", r"a \"b\"", 301),
        (AT, "203.0.113.7", "TLSv1.3", "https", "x", 200),
    ]


def test_what_is_no_request_is_a_row_without_a_method() -> None:
    assert read("web", COMBINED.replace("GET /cart?id=7 HTTP/1.1", r"\x16\x03\x01")).values("method", "path") == [(None, r"\x16\x03\x01")]


@pytest.mark.parametrize(
    ("format_", "why"),
    [
        ("combined", "names no variable"),
        ("$remote_addr$time_iso8601", r"between \$remote_addr and \$time_iso8601"),
        ("%h%t", None),
        ('$remote_addr $time_local "$request"', r"\$time_local holds spaces"),
        ("[$time_local] $request $status", r"\$request holds spaces"),
        ("%t %r %>s", "%r holds spaces"),
        ("%t %>s %{User-Agent}i", r"%{User-Agent}i holds spaces"),
        ("$remote_addr $status", "has no time"),
        ("%{%A}t %h", "has no time"),
        (r"%t %h\n%s", None),
        ("%t %h\n%s", "must be one line"),
    ],
)
def test_a_format_whose_lines_could_not_be_split_is_refused(format_: str, why: str | None) -> None:
    if why is None:
        declared.reader(format_)
    else:
        with pytest.raises(ValueError, match=why):
            declared.reader(format_)


def test_lines_in_another_format_are_lost_and_counted_with_their_number() -> None:
    found = read("web", COMBINED, COMBINED[:60], f'{COMBINED} "more"', COMBINED, "", "\0", COMBINED.replace("ada", "a\rda"))
    assert [row["line"] for row in found.rows] == [1, 4]
    assert found.lost == {"malformed": [2, 3, 7], "nul-bytes": [6]} or found.lost_lines == [2, 3, 6, 7]


def test_all_of_many_lines_that_are_lost_are_counted() -> None:
    found = read("web", COMBINED, *["x"] * 100)
    assert (len(found.rows), found.faults.lost) == (1, 100)


def test_values_of_the_wrong_form_are_null_and_counted() -> None:
    found = read("web", COMBINED, COMBINED.replace("20/Nov/2026", "31/Foo/2026").replace(" 200 ", " OK "))
    assert found.values("time", "status")[1] == (None, None)
    assert found.faults.counts == {"value": 2}


def test_mixed_encodings_are_replaced_and_told() -> None:
    found = read("web", COMBINED, COMBINED.replace("x86", "M\xfcller").encode("latin-1"), COMBINED.replace("x86", "Müller"))
    assert [row["user_agent"][12:14] for row in found.rows] == ["x8", "M�", "Mü"]
    assert found.faults.counts == {"encoding": 1}


@pytest.mark.parametrize(
    "user", ["x [20/Nov/2026:14:00:00 +0000] TLSv1.3 200 ", "x [20/Nov/2026:14:00:00 +0000] TLSv1.3", "a b", "x] TLSv1.3"]
)
def test_a_user_cannot_write_another_tls_version_into_its_line(user: str) -> None:
    format_ = "$remote_addr - $remote_user [$time_local] $ssl_protocol $status"
    honest = "203.0.113.7 - ada [20/Nov/2026:14:01:02 +0000] TLSv1 200"
    found = of(format_, honest, honest.replace("ada", user))
    assert {row["tls_version"] for row in found.rows} == {"TLSv1"}
    assert len(found.rows) + found.faults.lost == 2


NGINX = {"remote_user": "principal", "ssl_protocol": "tls_version", "ssl_cipher": "cipher", "http_referer": "referer", "host": "host",
         "http_x_forwarded_for": "forwarded_for", "request_id": "request_id", "ssl_client_verify": "client_verified"}  # fmt: skip
LITERALS = [" ", '" "', '"', ' "', '" ', " - ", " [", "] ", "|", "\t", '","x":"', ": ", "--", "a", "  "]
VALUES = st.text(st.sampled_from('ab" \\[]|:-,x\té'), max_size=8) | st.sampled_from(["TLSv1.3", "-", '" "', "a b", " - ", "] ", "", "-- -"])


def nginx_escaped(value: str) -> str:
    return "".join(f"\\x{ord(one):02X}" if one in '"\\' or not " " <= one <= "~" else one for one in value)


def apache_escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("é", "\\xc3\\xa9")


@given(
    data=st.data(), names=st.permutations(list(NGINX)), count=st.integers(1, 6), escaped=st.sampled_from([nginx_escaped, apache_escaped])
)
def test_a_line_is_read_as_it_was_written_or_not_at_all(data: st.DataObject, names: list[str], count: int, escaped: Any) -> None:
    """Whatever stands in the values: what a client sends must not be read as what another variable holds."""
    names = names[:count]
    literals = data.draw(st.lists(st.sampled_from(LITERALS), min_size=count, max_size=count), "literals")
    last = data.draw(st.sampled_from(["", '"', "]", " end"]), "last")
    format_ = "[$time_iso8601]" + "".join(f"{literal}${{{name}}}" for literal, name in zip(literals, names, strict=True)) + last
    rows = data.draw(st.lists(st.tuples(*[VALUES] * count), min_size=1, max_size=4), "rows")
    written = [[escaped(value) or "-" for value in row] for row in rows]
    lines = [f"[{AT.isoformat()}]" + "".join(map("".join, zip(literals, row, strict=True))) + last for row in written]
    found = of(format_, *lines)
    for row in found.rows:
        wanted = [None if value == "-" else value for value in written[row["line"] - 1]]
        assert [row[NGINX[name]] for name in names] == wanted, (format_, lines[row["line"] - 1])
    assert len(found.rows) + found.faults.lost == len(lines)


@given(st.lists(st.text(st.sampled_from('ab "-[]'), max_size=30), min_size=1))
def test_lines_without_escapes_are_read_the_same_way_by_both(ends: list[str]) -> None:
    format_ = log_format.parse('$remote_user - $host [$time_iso8601] "$request" $status "$http_user_agent"')
    lines = pa.array([f'a - b [t] "c" {end}' for end in ends] + [f'{end} - b [t] "{end}" s "{end}"' for end in ends])
    quick, slow = declared._quick(format_, lines), declared._slow(format_, lines)
    for index in range(len(lines)):
        if quick[1][index].as_py():
            assert slow[1][index].as_py()
            assert [value[index].as_py() for value in quick[0]] == [value[index].as_py() for value in slow[0]]


def test_the_zone_of_a_time_counts() -> None:
    found = read("web", COMBINED.replace("14:01:02 +0000", "23:01:02 -0330"))
    assert found.values("time") == [(datetime(2026, 11, 21, 2, 31, 2, tzinfo=UTC),)]
