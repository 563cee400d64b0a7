"""Revocation lists are fetched where somebody wants to know, from nowhere that they should not be, and each once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.collect.tls.crl import Lists
from agent.collect.tls.inspecting import Inspector, Target
from checks.tls.certificate import Roots
from tests.checks.tls.endpoints import BOOK, verdicts
from tests.conftest import upheld
from tests.world.tls_certificates import Holder, issue
from tests.world.tls_responders import Handler, Responder
from tests.world.tls_servers import modern

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = issue("List Root", None, authority=True, days=1000)
RULE = "tls-certificate-revoked"


def published(*revoked: Holder, days: float = 7) -> bytes:
    made = NOW - timedelta(hours=1)
    builder = x509.CertificateRevocationListBuilder().issuer_name(ROOT.certificate.subject).last_update(made)
    builder = builder.next_update(NOW + timedelta(days=days))
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(made)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER)


def leaf(*urls: str) -> Holder:
    """A certificate that names these lists."""
    points = [x509.DistributionPoint([x509.UniformResourceIdentifier(one)], None, None, None) for one in urls]
    more = [(x509.CRLDistributionPoints(points), False)] if points else []
    return issue("leaf", ROOT, names=("localhost", "127.0.0.1"), more=more)


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Library:
    """A server of files; what is asked of it is counted."""

    port: int
    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{name}"


@contextmanager
def library() -> Iterator[Library]:
    held = Library(0, {})

    def handler(connection: socket.socket) -> None:
        name = connection.recv(4096).split(b" ")[1].decode().lstrip("/")
        held.asked.append(name)
        connection.sendall(held.files.get(name, answer(b"", "404 Not Found")))

    with Responder(handler) as running:
        held.port = running.port
        yield held


@pytest.fixture
def files() -> Iterator[Library]:
    with library() as held:
        yield held


def ask(*chains: Holder, private_allowed: bool = True, now: Callable[[], datetime] = lambda: NOW, **limits: Any) -> list[dict[str, Any]]:
    """What the lists of each say of it, in one run."""

    async def run() -> list[dict[str, Any]]:
        lists = Lists(now, **limits)
        roots = Roots((), (ROOT.certificate,))
        return [await lists.facts([one.der], roots, private_allowed=private_allowed) for one in chains]

    return asyncio.run(run())


def test_a_list_proves_that_a_certificate_is_not_revoked_or_shows_that_it_is(files: Library) -> None:
    good, bad = leaf(files.url("1.crl")), leaf(files.url("1.crl"))
    files.files["1.crl"] = answer(published(bad))
    first, second = ask(good, bad)
    assert (first["revoked"], second["revoked"]) == (False, True)
    assert first["url"] == files.url("1.crl")
    assert files.asked == ["1.crl"]  # once for both


def test_a_list_is_fetched_again_once_its_next_update_is_due(files: Library) -> None:
    files.files["1.crl"] = answer(published(days=1))
    one = leaf(files.url("1.crl"))
    times = iter([NOW, NOW, *[NOW + timedelta(days=2)] * 4])
    first, second, third = ask(one, one, one, now=lambda: next(times))
    assert first["revoked"] is False
    assert "revoked" not in second | third  # the old one is still what is there
    assert files.asked == ["1.crl", "1.crl"]


def test_where_one_place_does_not_tell_the_next_is_asked(files: Library) -> None:
    files.files["2.crl"] = answer(published())
    (held,) = ask(leaf("ldap://127.0.0.1/x", "https://127.0.0.1/x", files.url("1.crl"), files.url("2.crl")))
    assert (held["url"], held["revoked"]) == (files.url("2.crl"), False)
    assert files.asked == ["1.crl", "2.crl"]


def test_a_redirect_to_a_private_address_is_not_followed(files: Library) -> None:
    with library() as elsewhere:
        elsewhere.files["1.crl"] = answer(published())
        files.files["1.crl"] = answer(b"", "302 Found", Location=elsewhere.url("1.crl"))
        (held,) = ask(leaf(files.url("1.crl")))
        assert elsewhere.asked == []
    assert "127.0.0.1, a private address" in held["detail"]
    assert "revoked" not in held


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("http://169.254.169.254/latest/meta-data", "link-local or metadata"),
        ("http://[fe80::1]/x", "link-local or metadata"),
        ("http://nowhere.invalid/x", "has no address"),
        ("http://user:word@127.0.0.1/x", "from a plain address"),
        ("http://127.0.0.1:99999/x", "from a plain address"),
        ("http:///x", "from a plain address"),
        ("http://127.0.0.1/a b", "from a plain address"),
    ],
)
def test_some_places_are_not_asked(where: str, why: str) -> None:
    (held,) = ask(leaf(where))
    assert why in held["detail"]
    assert "revoked" not in held


def test_private_addresses_are_asked_only_where_that_is_allowed(files: Library) -> None:
    files.files["1.crl"] = answer(published())
    (held,) = ask(leaf(files.url("1.crl")), private_allowed=False)
    assert "a private address" in held["detail"]
    assert files.asked == []


def test_a_certificate_that_names_no_list_leaves_it_open() -> None:
    for one in (leaf(), leaf("https://127.0.0.1/x")):
        (held,) = ask(one)
        assert held == {"detail": "the certificate names no list over HTTP"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(b"", "404 Not Found"), "an answer of status 404"),
        (answer(b"<html>"), "no list in DER"),
        (answer(b""), "no list in DER"),
        (answer(published()[:-30]), "no list in DER"),
        (answer(published()[:-30], Content_Length=str(len(published()))), "though the answer says"),
        (answer(published(), Content_Length="many"), "though the answer says"),
        (answer(published(), Transfer_Encoding="chunked"), "in chunks"),
        (answer(bytes(100_001)), "longer than 100000 bytes"),
        (b"SSH-2.0-x\r\n", "an answer of status None"),
    ],
)
def test_what_is_no_whole_list_says_nothing(files: Library, said: bytes, why: str) -> None:
    files.files["1.crl"] = said
    (held,) = ask(leaf(files.url("1.crl")), most_bytes=100_000)
    assert why in held["detail"]
    assert "revoked" not in held


def test_redirects_that_go_round_end(files: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is private, so for once it is not."""
    monkeypatch.setattr("agent.collect.tls.crl.reserved", lambda *_, **__: None)
    files.files["1.crl"] = answer(b"", "301 Moved", Location="/1.crl")
    files.files["2.crl"] = answer(b"", "301 Moved", Location="3.crl")
    files.files["3.crl"] = answer(published())
    round_, on = ask(leaf(files.url("1.crl")), leaf(files.url("2.crl")))
    assert "more than 3 redirects" in round_["detail"]
    assert files.asked[:4] == ["1.crl"] * 4
    assert on["revoked"] is False


def test_a_server_that_drips_is_not_waited_for() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n\x30")
        connection.settimeout(5)
        while connection.recv(4096):
            pass

    with Responder(drip) as running:
        (held,) = ask(leaf(f"http://127.0.0.1:{running.port}/x"), seconds=0.2)
    assert "no whole answer within 0.2 s" in held["detail"]


# -- from endpoints --------------------------------------------------------------------------------------------------


@contextmanager
def serving(folder: Path, one: Holder) -> Iterator[Responder]:
    (folder / "leaf.pem").write_bytes(one.pem)
    (folder / "leaf.key").write_bytes(one.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    handler: Handler = modern(folder / "leaf.pem", folder / "leaf.key")
    with Responder(handler) as running:
        yield running


@pytest.mark.parametrize(("what", "verdict"), [("good", "upheld"), ("revoked", "broken"), ("nothing", "unproven"), ("not asked", None)])
def test_the_rule_goes_by_the_list_where_there_is_no_staple(files: Library, tmp_path: Path, what: str, verdict: str | None) -> None:
    one = leaf(files.url("1.crl"))
    if what != "nothing":
        files.files["1.crl"] = answer(published(*([one] if what == "revoked" else [])))

    async def run(port: int) -> Mapping[str, Any]:
        lists = None if what == "not asked" else Lists(lambda: NOW)
        inspector = Inspector(Roots((), (ROOT.certificate,)), lambda: NOW, lambda _: False, lists=lists)
        seen = await inspector.one(Target("localhost", port, at=("127.0.0.1",)))
        assert seen.resource is not None
        jsonschema.validate(seen.resource.data, BOOK.catalogue["tls.endpoint"].json_schema())
        return seen.resource.data

    with serving(tmp_path, one) as running:
        data = asyncio.run(run(running.port))
    assert verdicts(data).get(RULE) == verdict
    assert bool(files.asked) is (what != "not asked")


def test_the_command_fetches_them_where_it_is_told_to(files: Library, tmp_path: Path) -> None:
    one = leaf(files.url("1.crl"))
    files.files["1.crl"] = answer(published(one))
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    with serving(tmp_path, one) as running:
        target = f"127.0.0.1:{running.port}"
        ended = upheld("tls", "--quick", "--crl", "--ca-file", tmp_path / "root.pem", target, "--format", "json")
        config = tmp_path / "upheld.yaml"
        settings = f'endpoints: ["{target}"], alone: true, private_roots: [root.pem], crl: true'
        config.write_text(f"schema: upheld.config/1\ncollect: {{tls: {{{settings}}}}}\n")
        checked = upheld("check", "-c", config, "--all-rules", "--format", "json")
    for report in (ended.report, checked.report):
        (finding,) = (held for held in report["findings"] if held["rule"] == RULE)
        assert finding["verdict"] == "broken"
        assert finding["evidence"]["values"]["addresses[].crl"][0]["url"] == files.url("1.crl")
