"""Whatever a server sends, the parsers say something of it: they raise nothing but what they announce."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import certificate, endpoint, hello, staple
from checks.tls.flight import Kind, Malformed, classify, is_ssl2_error, parse, ssl2_ciphers
from checks.tls.hello import Version
from checks.tls.names import fits
from checks.tls.suites import OLDER_SUITES, SUITES, TLS13_SUITES
from tests.fuzz.tls import SEEDS, TARGETS, mutated

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(TARGETS))
@given(drawn=st.data())
def test_no_input_raises(name: str, drawn: st.DataObject) -> None:
    data = drawn.draw(
        st.one_of(
            st.binary(max_size=400), st.sampled_from(SEEDS[name]).flatmap(lambda seed: st.builds(mutated, st.just(seed), st.randoms()))
        )
    )
    TARGETS[name](data)


# -- hellos and flights ----------------------------------------------------------------------------------------------


def flight(*messages: tuple[int, bytes], version: int = 0x0303, pieces: int = 1 << 14) -> bytes:
    """A flight of handshake messages, in records of at most so many bytes."""
    data = b"".join(bytes([kind]) + len(body).to_bytes(3, "big") + body for kind, body in messages)
    parts = [data[at : at + pieces] for at in range(0, len(data), pieces)]
    return b"".join(b"\x16" + version.to_bytes(2, "big") + len(part).to_bytes(2, "big") + part for part in parts)


def server_hello(suite: int, version: int = 0x0303, extensions: bytes = b"") -> tuple[int, bytes]:
    held = len(extensions).to_bytes(2, "big") + extensions if extensions else b""
    return 2, version.to_bytes(2, "big") + bytes(32) + b"\x00" + suite.to_bytes(2, "big") + b"\x00" + held


DONE = (14, b"")


@given(st.sampled_from(OLDER_SUITES), st.sampled_from([0x0300, 0x0301, 0x0302, 0x0303]), st.integers(1, 60))
def test_a_flight_reads_the_same_in_whatever_pieces_it_comes(suite: int, version: int, pieces: int) -> None:
    data = flight(server_hello(suite, version), DONE, version=version, pieces=pieces)
    found, whole = parse(data)
    assert (whole, found.version, found.suite) == (True, version, suite)
    for cut in range(len(data)):
        assert parse(data[:cut])[1] is False


def test_a_warning_is_no_answer_and_what_follows_it_counts() -> None:
    warning = b"\x15\x03\x03\x00\x02\x01\x70"
    found, whole = parse(warning + flight(server_hello(0x0005), DONE))
    assert (whole, found.suite, found.alert) == (True, 0x0005, None)
    assert parse(warning) == (parse(b"")[0], False)


def test_a_fatal_alert_and_a_close_notify_are_answers() -> None:
    assert parse(b"\x15\x03\x01\x00\x02\x02\x46")[0].alert == 70
    assert parse(b"\x15\x03\x01\x00\x02\x01\x00")[0].alert == 0


def test_a_hello_retry_request_names_suite_and_group() -> None:
    random = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    body = b"\x03\x03" + random + b"\x00\x13\x01\x00" + b"\x00\x0c" + b"\x00\x2b\x00\x02\x03\x04" + b"\x00\x33\x00\x02\x11\xec"
    found, whole = parse(flight((2, body)))
    assert (whole, found.version, found.retry, found.suite, found.group_name) == (True, Version.TLS13, True, 0x1301, "X25519MLKEM768")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x03\xff\xff",
        b"\x63\x03\x03\x00\x01\x00",
        flight((2, b"\x03\x03")),
        flight(server_hello(0x2F, 0x7F1C)),
        flight((11, b"\x00\x00\x09\x00\x00\x20abc")),
        flight((12, b"\x00")) + flight(server_hello(0x33), (12, b"\x00\x40\x00")),
    ],
)
def test_what_contradicts_itself_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", None),
        (b"\x16", None),
        (b"\x16\x03\x01", Kind.ACCEPTED),
        (b"\x15\x03\x01", Kind.ACCEPTED),
        (b"\x16\x02\x01", Kind.NOT_TLS),
        (b"HT", None),
        (b"HTTP/1.1 400 Bad Request", Kind.PLAINTEXT),
        (b"<html>", Kind.PLAINTEXT),
        (b"SSH-2.0-x", Kind.PLAINTEXT),
        (b"220 mail", Kind.PLAINTEXT),
        (b"\x00\x00\x00\x00\x00", Kind.NOT_TLS),
    ],
)
def test_first_bytes_tell_what_speaks(data: bytes, kind: Kind | None) -> None:
    assert classify(data) is kind


def ssl2(ciphers: bytes, certificate_: bytes = b"x" * 300) -> bytes:
    lengths = b"".join(len(one).to_bytes(2, "big") for one in (certificate_, ciphers, bytes(16)))
    body = b"\x04\x00\x01\x00\x02" + lengths + certificate_ + ciphers + bytes(16)
    return (0x8000 | len(body)).to_bytes(2, "big") + body


@given(st.lists(st.sampled_from(sorted(hello.SSL2_CIPHERS)), max_size=7))
def test_an_answer_of_ssl_2_counts_only_when_it_is_whole(kinds: list[int]) -> None:
    data = ssl2(b"".join(kind.to_bytes(3, "big") for kind in kinds))
    assert ssl2_ciphers(data) == kinds
    assert {ssl2_ciphers(data[:cut]) is None for cut in range(len(data))} == {True}


def test_an_error_of_ssl_2_is_a_refusal() -> None:
    assert is_ssl2_error(b"\x80\x03\x00\x00\x01")
    assert not is_ssl2_error(ssl2(b""))


@given(st.sets(st.sampled_from(sorted(SUITES)), min_size=1), st.integers(1, 200))
def test_chunks_hold_every_suite_once(suites: set[int], size: int) -> None:
    held = hello.chunks(sorted(suites), size)
    assert sorted(code for chunk in held for code in chunk) == sorted(suites)
    assert all(len(chunk) <= size for chunk in held)


def test_a_full_hello_offers_every_suite_in_one_record() -> None:
    data = hello.encode(hello.full("a.test"), bytes(32))
    assert len(data) < 1 << 14
    assert all(code.to_bytes(2, "big") in data for code in (*OLDER_SUITES, *TLS13_SUITES))


# -- headers and names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "policy"),
    [
        ([], None),
        (["max-age=31536000"], (31536000, False, False)),
        (['max-age="31536000" ; includeSubDomains;preload'], (31536000, True, True)),
        (["MAX-AGE=0"], (0, False, False)),
        (["max-age=5; max-age=9"], (5, False, False)),
        (["max-age=1", "max-age=2"], (1, False, False)),
        (["includeSubDomains"], None),
        (["max-age=-1"], None),
        (["max-age=1e9"], None),
        (["max-age=" + "9" * 5000], None),
    ],
)
def test_a_transport_policy_is_read_as_browsers_do(values: list[str], policy: tuple[int, bool, bool] | None) -> None:
    found = endpoint.hsts(values)
    assert (found and (found["max_age"], found["include_subdomains"], found["preload"])) == policy


@pytest.mark.parametrize(
    ("status", "location", "is_one"),
    [
        (301, "https://a.test/", True),
        (308, "HTTPS://A.test:443/x", True),
        (301, "http://a.test/", False),
        (301, "https://b.test/", False),
        (301, "https://a.test.evil/", False),
        (301, "https://a.test@b.test/", False),
        (200, "https://a.test/", False),
        (301, "https://[::1/", False),
        (301, "/secure", False),
    ],
)
def test_a_redirect_counts_that_stays_at_the_host_and_leaves_http(status: int, location: str, is_one: bool) -> None:
    assert endpoint.redirects(status, [("location", location)], "a.test") is is_one


@pytest.mark.parametrize(
    ("host", "name", "does"),
    [
        ("a.test", "A.Test", True),
        ("b.a.test", "*.a.test", True),
        ("a.test", "*.a.test", False),
        ("c.b.a.test", "*.a.test", False),
        ("test", "*", False),
        ("a.test", "*.test", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("127.0.0.1", "*.0.0.1", False),
        ("a.test.", "a.test", True),
        ("xa.test", "x*.test", False),
    ],
)
def test_names_cover_hosts_as_the_standard_says(host: str, name: str, does: bool) -> None:
    assert fits(host, [name]) is does


# -- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issued", "days"),
    [("2026-03-14", 398), ("2026-03-15", 200), ("2027-03-14", 200), ("2027-03-15", 100), ("2029-03-14", 100), ("2029-03-15", 47)],
)
def test_the_most_days_follow_the_day_of_issue(issued: str, days: int) -> None:
    assert certificate.most_days(datetime.fromisoformat(issued).replace(tzinfo=UTC)) == days


def test_a_chain_that_is_none_is_unreadable_and_not_trusted() -> None:
    for chain in ([], [b""], [b"\x30\x03\x02\x01\x01"]):
        facts: dict[str, Any] = certificate.examine(chain, "a.test", NOW, certificate.Roots(()))
        assert facts["trust"]["unreadable"] is True
        assert facts["trust"]["trusted"] is False


def test_a_staple_that_is_none_says_nothing_good() -> None:
    assert staple.read(None, [], NOW) == {"present": False}
    assert staple.read(b"\x30\x03\x0a\x01\x06", [], NOW) == {"present": True, "status": "unauthorized"}
    assert staple.read(b"\x00", [], NOW)["status"] == "unreadable"
