"""Real servers on loopback, inspected: their facts fit the published schema, and the rules judge them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.collect.tls.inspecting import Inspector, Target
from checks.tls.certificate import Roots
from tests.checks.tls.authority import NOW, authority, ec_key, rsa_key
from tests.checks.tls.endpoints import BOOK, verdicts

SCHEMA = jsonschema.Draft202012Validator(BOOK.catalogue["tls.endpoint"].json_schema())
ROOT = authority()
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def context(folder: Path, *, key: Any = None, host: str = "localhost", most: ssl.TLSVersion | None = None, **leaf: Any) -> ssl.SSLContext:
    """A server's side, with a certificate of the test authority."""
    own = key or ec_key()
    file = folder / "server.pem"
    chain = ROOT.leaf(own, host, **leaf).public_bytes(Encoding.PEM)
    file.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + chain)
    held = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    held.set_ciphers("DEFAULT:@SECLEVEL=0")  # else the library takes no small key
    held.load_cert_chain(file)
    held.minimum_version = ssl.TLSVersion.TLSv1_2
    if most is not None:
        held.maximum_version = most
    return held


def answering(*headers: str) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join(["HTTP/1.1 200 OK", *headers, "Content-Length: 0", "", ""]).encode())
        await writer.drain()
        writer.close()

    return handle


async def saying(_: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes) -> None:
    writer.write(words)
    await writer.drain()
    writer.close()


async def inspect(handler: Handler, tls: ssl.SSLContext | None, *, full: bool = True, starttls: str | None = None) -> dict[str, Any]:
    """The data of a server on loopback, while it runs."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        inspector = Inspector(Roots((), (ROOT.certificate,)), lambda: NOW, lambda _: full)
        seen = await inspector.one(Target("localhost", port, starttls, at=("127.0.0.1",)))
    assert seen.resource is not None
    assert [one.message for one in SCHEMA.iter_errors(seen.resource.data)] == []
    return dict(seen.resource.data)


def run(handler: Handler, tls: ssl.SSLContext | None, **more: Any) -> dict[str, Any]:
    return asyncio.run(inspect(handler, tls, **more))


HSTS = "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload"


def test_a_good_server_keeps_every_rule_that_is_about_strength_and_certificates(tmp_path: Path) -> None:
    found = verdicts(run(answering(HSTS), context(tmp_path)))
    wanted = [rule for rule in found if rule.startswith(("tls-protocol", "tls-certificate", "tls-transport"))]
    open_ = {"tls-certificate-key-reuse"}  # that takes all endpoints
    assert {rule: found[rule] for rule in wanted if found[rule] != "upheld" and rule not in open_} == {}
    assert found["tls-http-hsts"] == found["tls-cipher-rc4"] == found["tls-cipher-null"] == "upheld"


def test_a_server_without_tls_1_3_breaks_the_rule_about_it_and_keeps_the_others_on_versions(tmp_path: Path) -> None:
    found = verdicts(run(answering(HSTS), context(tmp_path, most=ssl.TLSVersion.TLSv1_2)))
    assert {rule for rule, held in found.items() if held == "broken" and "protocol" in rule} == {"tls-protocol-no-tls13"}
    assert found["tls-key-exchange-no-hybrid"] == "broken"


@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        ({"start": NOW - timedelta(days=100), "days": 90}, "tls-certificate-expired"),
        ({"host": "other.example"}, "tls-certificate-wrong-name"),
        ({"days": 12}, "tls-certificate-expires-soon"),
        ({"key": rsa_key(1024)}, "tls-certificate-weak-key"),
    ],
)
def test_a_faulty_certificate_breaks_its_own_rule(tmp_path: Path, leaf: dict[str, Any], rule: str) -> None:
    found = verdicts(run(answering(), context(tmp_path, **leaf), full=False))
    assert {one for one, held in found.items() if held == "broken" and "certificate" in one} == {rule}


def test_an_ec_key_is_enough_in_substance(tmp_path: Path) -> None:
    held = run(answering(), context(tmp_path), full=False)["addresses"][0]["certificate"]
    assert (held["key_type"], held["key_bits"], held["key_equivalent_bits"]) == ("EC", 256, 3072)


def test_a_quick_inspection_makes_no_list(tmp_path: Path) -> None:
    held = run(answering(), context(tmp_path), full=False)
    assert held["mode"] == "quick"
    assert "suites" not in held["addresses"][0]
    assert "least_bits" not in held["addresses"][0]
    found = verdicts(held)
    assert found["tls-cipher-bits"] == found["tls-cipher-cbc"] == found["tls-protocol-ssl3"] == "unproven"


def test_a_port_in_the_clear_is_known_for_that(tmp_path: Path) -> None:
    found = verdicts(run(lambda reader, writer: saying(reader, writer, b"HTTP/1.1 400 Bad Request\r\n\r\n"), None))
    assert {rule: held for rule, held in found.items() if held != "unproven"} == {"tls-transport-plaintext": "broken"}


@pytest.mark.parametrize(
    ("words", "outcome"),
    [(b"554 go away\r\n", "not-tls"), (b"", "closed"), (b"220 mail ESMTP\r\n", "closed")],
)
def test_a_mail_server_that_breaks_off_has_not_said_that_it_offers_no_tls(words: bytes, outcome: str) -> None:
    held = run(lambda reader, writer: saying(reader, writer, words), None, starttls="smtp")
    assert held["addresses"][0]["outcome"] == outcome
    assert "broken" not in verdicts(held).values()


async def plain_mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail ESMTP\r\n")
    await reader.readline()
    writer.write(b"250-mail\r\n250 SIZE 1000\r\n")
    await writer.drain()
    await reader.read()
    writer.close()


def test_a_mail_server_that_says_so_breaks_the_rule() -> None:
    found = verdicts(run(plain_mail, None, starttls="smtp"))
    assert {rule: held for rule, held in found.items() if held != "unproven"} == {"tls-transport-no-starttls": "broken"}
