"""Logs of network and classic load balancers, and connection logs of application load balancers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.checks.logs.formats.reading import AT, read

NLB = (
    "tls 2.0 2026-11-20T14:01:02 net/gate/c6e77e28c25b2234 9d3f4b5e8bb8464c 203.0.113.7:51341 10.0.0.66:443 5000 21 98 246 - "
    "arn:aws:acm:eu-central-1:111122223333:certificate/12 - ECDHE-RSA-AES128-GCM-SHA256 tlsv12 x25519 gate.marktbruecke.example "
    'h2 h2 "h2","http/1.1" 2026-11-20T14:00:57'
)
NLB_NAME = "AWSLogs/x/111122223333_elasticloadbalancing_eu-central-1_net.gate.c6e77e28c25b2234_20261120T1405Z_20sg8hgm.log.gz"
CLASSIC = (
    "2026-11-20T14:01:02.000000Z old-shop 203.0.113.7:2817 10.0.0.66:80 0.000086 0.001048 0.001337 200 201 5 57 "
    '"GET https://old.marktbruecke.example:443/cart?id=7 HTTP/1.1" "curl/8.9.1" DHE-RSA-AES128-SHA TLSv1.2'
)
CONNECTION = (
    "2026-11-20T14:01:02.000000Z 203.0.113.7 36280 443 TLSv1.3 TLS_AES_128_GCM_SHA256 4.036 "
    '"CN=till 4,O=Marktbruecke" NotBefore=2026-01-01T00:00:00Z;NotAfter=2027-01-01T00:00:00Z FEF257372D5C14D4 Success TID_4a1f'
)
CONNECTION_NAME = (
    "conn_log.111122223333_elasticloadbalancing_eu-central-1_app.shop.50dc6c495c0c9188_20261120T1405Z_198.51.100.9_2k4jx.log.gz"
)


def test_a_tls_connection_of_a_network_load_balancer_is_read() -> None:
    found = read("nlb_tls", NLB, object_=NLB_NAME)
    assert not found.faults
    assert found.values("time", "start", "account", "region", "balancer", "listener") == [
        (AT, datetime(2026, 11, 20, 14, 0, 57, tzinfo=UTC), "111122223333", "eu-central-1", "net/gate/c6e77e28c25b2234", "9d3f4b5e8bb8464c")
    ]
    assert found.values("source", "source_port", "destination", "destination_port") == [("203.0.113.7", 51341, "10.0.0.66", 443)]
    assert found.values("tls_version", "cipher", "key_exchange", "server_name", "application") == [
        ("tlsv12", "ECDHE-RSA-AES128-GCM-SHA256", "x25519", "gate.marktbruecke.example", "h2")
    ]
    assert found.values("connection_ms", "handshake_ms", "received_bytes", "sent_bytes", "alert") == [(5000, 21, 98, 246, None)]


def test_a_handshake_that_did_not_complete_says_nothing_of_its_version() -> None:
    failed = NLB.replace(" 21 98 246 - ", " - 98 246 40 ").replace("ECDHE-RSA-AES128-GCM-SHA256 tlsv12 x25519", "- - -")
    assert read("nlb_tls", NLB, failed).values("tls_version", "cipher", "handshake_ms", "alert")[1] == (None, None, None, 40)


def test_older_logs_of_network_load_balancers_end_with_the_domain_name() -> None:
    older = NLB[: NLB.index(" h2 h2")]
    found = read("nlb_tls", older, older)
    assert not found.faults
    assert found.values("server_name", "start") == [("gate.marktbruecke.example", None)] * 2


def test_quotes_that_a_client_sent_for_its_protocols_move_no_field() -> None:
    odd = NLB.replace('"h2","http/1.1"', '"h2","%22,"')
    found = read("nlb_tls", NLB, odd, NLB)
    assert not found.faults
    assert found.values("tls_version") == [("tlsv12",)] * 3


def test_a_request_to_a_classic_load_balancer_is_read() -> None:
    found = read("elb", CLASSIC, object_="111122223333_elasticloadbalancing_eu-central-1_old-shop_20261120T1405Z_198.51.100.9_2k4jx.log")
    assert not found.faults
    assert found.values("time", "account", "region", "balancer", "scheme", "listener", "listener_port") == [
        (AT, "111122223333", "eu-central-1", "old-shop", "https", "old-shop:443", 443)
    ]
    assert found.values("source", "target", "target_port", "status", "target_status", "received_bytes", "sent_bytes") == [
        ("203.0.113.7", "10.0.0.66", 80, 200, 201, 5, 57)
    ]
    assert found.values("method", "host", "path", "http_version", "user_agent", "tls_version", "cipher") == [
        ("GET", "old.marktbruecke.example", "/cart?id=7", "HTTP/1.1", "curl/8.9.1", "TLSv1.2", "DHE-RSA-AES128-SHA")
    ]


def test_a_connection_to_a_tcp_listener_has_no_request_and_that_is_no_fault() -> None:
    tcp = CLASSIC.replace("GET https://old.marktbruecke.example:443/cart?id=7 HTTP/1.1", "- - - ").replace(" 200 201 ", " - - ")
    found = read("elb", tcp.replace("curl/8.9.1", "-"))
    assert not found.faults
    assert found.values("method", "listener_port", "scheme", "status", "tls_version") == [(None, None, None, None, "TLSv1.2")]


def test_plain_http_to_a_classic_load_balancer_has_no_tls_version() -> None:
    found = read("elb", CLASSIC.replace("https://", "http://").replace(":443/", ":80/").replace("DHE-RSA-AES128-SHA TLSv1.2", "- -"))
    assert found.values("scheme", "listener_port", "tls_version", "cipher") == [("http", 80, None, None)]


def test_the_first_logs_of_classic_load_balancers_ended_with_the_request() -> None:
    older = CLASSIC[: CLASSIC.index(' "curl')]
    found = read("elb", older)
    assert not found.faults
    assert found.values("path", "user_agent", "tls_version") == [("/cart?id=7", None, None)]


def test_a_connection_to_an_application_load_balancer_is_read() -> None:
    found = read("alb_connection", CONNECTION, object_=CONNECTION_NAME)
    assert not found.faults
    assert found.values("time", "account", "region", "balancer", "listener", "listener_port") == [
        (AT, "111122223333", "eu-central-1", "app/shop/50dc6c495c0c9188", "app/shop/50dc6c495c0c9188:443", 443)
    ]
    assert found.values("source", "source_port", "tls_version", "cipher", "outcome", "error_code", "connection") == [
        ("203.0.113.7", 36280, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "success", None, "TID_4a1f")
    ]
    assert found.values("client_subject", "client_serial", "client_not_before", "client_not_after", "key_exchange") == [
        ("CN=till 4,O=Marktbruecke", "FEF257372D5C14D4", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), None)
    ]


def test_a_listener_is_not_known_without_the_name_of_the_file() -> None:
    assert read("alb_connection", CONNECTION).values("listener", "listener_port", "account") == [(None, 443, None)]


def test_a_handshake_that_failed_says_why() -> None:
    failed = CONNECTION.replace("TLSv1.3 TLS_AES_128_GCM_SHA256 4.036", "- - -").replace("Success", "Failed:ClientCertUntrusted")
    assert read("alb_connection", failed).values("tls_version", "outcome", "error_code") == [(None, "failure", "ClientCertUntrusted")]


def test_a_connection_without_tls_has_no_outcome() -> None:
    plain = "2026-11-20T14:01:02.000000Z 203.0.113.7 36280 80 - - - - - - - TID_4a1f"
    found = read("alb_connection", CONNECTION, CONNECTION, plain)
    assert not found.faults
    assert found.values("tls_version", "outcome", "client_subject")[2] == (None, None, None)


def test_an_outcome_of_another_form_is_null_and_counted() -> None:
    found = read("alb_connection", CONNECTION.replace("Success", "Perhaps"), CONNECTION.replace("NotAfter", "Until"))
    assert found.values("outcome", "client_not_after") == [(None, datetime(2027, 1, 1, tzinfo=UTC)), ("success", None)]
    assert found.faults.counts == {"value": 2}


def test_newer_connection_logs_have_the_key_exchange() -> None:
    found = read("alb_connection", f"{CONNECTION} X25519MLKEM768")
    assert not found.faults
    assert found.values("key_exchange") == [("X25519MLKEM768",)]


def test_quotes_in_a_certificates_subject_cannot_change_what_a_connection_spoke() -> None:
    injected = CONNECTION.replace("CN=till 4", 'CN=" - - - Success').replace("TLSv1.3", "TLSv1")
    found = read("alb_connection", CONNECTION, injected, CONNECTION)
    assert found.values("tls_version") == [("TLSv1.3",)] * 2
    assert found.lost == {"malformed": [2]}


@pytest.mark.parametrize(("format_", "line"), [("nlb_tls", NLB), ("elb", CLASSIC), ("alb_connection", CONNECTION)])
class TestEach:
    def test_fields_that_aws_appends_are_tolerated_and_told(self, format_: str, line: str) -> None:
        found = read(format_, *[f"{line} new newer"] * 3)
        assert len(found.rows) == 3
        assert set(found.faults.counts) <= {"unknown-column"}
        assert not found.faults.lost

    def test_short_lines_are_counted_with_their_number(self, format_: str, line: str) -> None:
        found = read(format_, line, line, line[:60], line, "x")
        assert [row["line"] for row in found.rows] == [1, 2, 4]
        assert found.lost_lines == [3, 5]

    def test_values_of_the_wrong_form_are_null_and_counted(self, format_: str, line: str) -> None:
        odd = line.replace("203.0.113.7", "203.0.113.700").replace("2026-11-20T14:01:02", "2026-11-20T14:61:02")
        found = read(format_, line, odd)
        assert found.values("time", "source") == [(AT, "203.0.113.7"), (None, None)]
        assert found.faults.counts == {"value": 2}
        assert not found.faults.lost

    def test_odd_bytes_cost_a_line_at_most(self, format_: str, line: str) -> None:
        raw = line.encode()
        found = read(
            format_, raw, raw.replace(b"203", b"2\x003"), raw.replace(b"marktbruecke", b"marktbr\xfccke") + b"\r", b"", b"x" * 2_000_000
        )
        assert [row["line"] for row in found.rows] == [1, 3]
        assert found.lost_lines == [2, 5]
