"""A million inputs for the parsers of what TLS servers send: mutated seeds, and an error for whatever they raise unannounced.

    python -m tests.fuzz.tls [--executions N] [--seed N] [--target NAME]

With atheris installed, `--atheris` lets coverage guide the mutations.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from agent.collect.tls.handshake import read_head
from agent.collect.tls.starttls import PROTOCOLS, NoStartTls, WrongProtocol
from agent.collect.tls.targets import BadTarget, read
from checks.tls import certificate, crl, endpoint, hello, staple
from checks.tls.flight import Malformed, classify, is_ssl2_error, parse, ssl2_ciphers
from checks.tls.hello import Version
from tests.world.tls_certificates import issue, rsa_key
from tests.world.tls_certificates import staple as make_staple
from tests.world.tls_responders import AES_GCM, Actor

EXECUTIONS = 1_000_000
NOW = datetime.now(UTC)
_ROOT = issue("Fuzz Root", None, authority=True, days=900)
_LEAF = issue("leaf", _ROOT, names=("a.test", "*.b.test", "127.0.0.1"))
_RSA = issue("rsa", _ROOT, names=("a.test",), key=rsa_key())
_CONSTRAINED = issue(
    "narrow",
    _ROOT,
    authority=True,
    more=[(x509.NameConstraints([x509.DNSName("b.test")], None), True), (x509.PolicyConstraints(0, 0), True)],
)
ROOTS = certificate.Roots((_ROOT.certificate,))


class _Ears:
    """A writer that nobody reads."""

    def write(self, _: bytes) -> None:
        return

    async def drain(self) -> None:
        return


def flights(data: bytes) -> None:
    classify(data)
    with suppress(Malformed):
        found, whole = parse(data)
        assert isinstance(whole, bool)
        assert found.group_name is None or found.group is not None


def ssl2(data: bytes) -> None:
    ciphers = ssl2_ciphers(data)
    assert ciphers is None or all(0 <= code < 1 << 24 for code in ciphers)
    is_ssl2_error(data)


def certificates(data: bytes) -> None:
    """A chain that begins with the input; it is not trusted unless what is signed in it is what was signed."""
    facts = certificate.examine([data, _CONSTRAINED.der], "a.test", NOW, ROOTS)
    assert not facts["trust"]["trusted"] or any(one.certificate.tbs_certificate_bytes in data for one in (_LEAF, _RSA))
    certificate.summary(facts)


def issuers(data: bytes) -> None:
    certificate.examine([_LEAF.der, data], "a.test", NOW, ROOTS)


def staples(data: bytes) -> None:
    facts = staple.read(data, [_LEAF.der, _ROOT.der], NOW)
    assert facts.get("revoked") is not False or _TOLD in data


def lists(data: bytes) -> None:
    try:
        held = crl.load(data)
    except certificate.UNREADABLE:
        return
    facts = crl.read(held, ["http://crl.test/1"], _LEAF.certificate, [_ROOT.certificate], NOW)
    assert "revoked" not in facts or _LISTED in data


def headers(data: bytes) -> None:
    status, found = read_head(data)
    endpoint.headers_of(found)
    endpoint.redirects(status, found, "a.test")
    endpoint.hsts([data.decode("latin-1")])


def targets(data: bytes) -> None:
    with suppress(BadTarget):
        one = read(data.decode("utf-8", "replace"))
        assert 0 < one.port < 65536
        assert one.host.isascii()


def starttls(data: bytes) -> None:
    """The first byte chooses the protocol, the rest is what the server says."""
    if data:
        asyncio.run(_upgrade(sorted(PROTOCOLS)[data[0] % len(PROTOCOLS)], data[1:]))


async def _upgrade(protocol: str, data: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    writer: Any = _Ears()
    with suppress(NoStartTls, WrongProtocol, asyncio.IncompleteReadError):
        await PROTOCOLS[protocol]("a.test", reader, writer)


def _flight(version: int, suite: int, dh_bits: int = 0) -> bytes:
    return Actor({version: [suite]}, [_LEAF.der, _ROOT.der], dh_bits=dh_bits).flight(version, suite)


_STAPLE = make_staple(_LEAF, _ROOT)
_TOLD = ocsp.load_der_ocsp_response(_STAPLE).tbs_response_bytes
_LIST = (
    x509.CertificateRevocationListBuilder()
    .issuer_name(_ROOT.certificate.subject)
    .last_update(NOW - timedelta(hours=1))
    .next_update(NOW + timedelta(days=7))
    .add_extension(
        x509.IssuingDistributionPoint([x509.UniformResourceIdentifier("http://crl.test/1")], None, True, False, None, False, False), True
    )
    .add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(77).revocation_date(NOW).build())
    .sign(_ROOT.key, hashes.SHA256())
)
_LISTED = _LIST.tbs_certlist_bytes
_HELLO = hello.encode(hello.full("a.test"), bytes(32))
_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_RETRY = b"\x16\x03\x03\x00\x38\x02\x00\x00\x34\x03\x03" + _RANDOM + bytes.fromhex("00130100000c002b0002030400330002001d")
TARGETS: dict[str, Callable[[bytes], None]] = {
    "flights": flights, "ssl2": ssl2, "certificates": certificates, "issuers": issuers, "staples": staples, "lists": lists, "headers": headers,
    "targets": targets, "starttls": starttls,
}  # fmt: skip
SEEDS: dict[str, list[bytes]] = {
    "flights": [_flight(Version.TLS12, AES_GCM), _flight(Version.TLS10, 0x33, 512), _flight(Version.SSL3, 5), _RETRY, _HELLO,
                b"\x15\x03\x03\x00\x02\x02\x28", b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "ssl2": [b"\x80\x2e\x04\x00\x01\x00\x02\x00\x08\x00\x06\x00\x10" + bytes(8) + b"\x01\x00\x80\x02\x00\x80" + bytes(16)],
    "certificates": [_LEAF.der, _RSA.der, _CONSTRAINED.der, _ROOT.der],
    "issuers": [_ROOT.der, _CONSTRAINED.der],
    "staples": [_STAPLE, make_staple(_LEAF, _ROOT, revoked=True)],
    "lists": [_LIST.public_bytes(Encoding.DER)],
    "headers": [b"HTTP/1.1 301 Moved\r\nLocation: https://a.test/\r\nSet-Cookie: a=b; Secure\r\nStrict-Transport-Security: max-age=5; preload\r\n"
                b"Server: nginx/1.2\r\n\r\n", b'max-age="31536000"; includeSubDomains; preload'],
    "targets": [b"a.test:443", b"[2001:db8::1]:443", "bücher.test".encode(), b"https://a.test/x", b"127.0.0.1"],
    "starttls": [bytes([number]) + said for number in range(8) for said in (
        b"220-a\r\n220 b\r\n250-c\r\n250 STARTTLS\r\n220 go\r\n", b"* OK\r\n* x\r\na OK\r\n", b"+OK\r\n+OK\r\n", b"220 x\r\n234 y\r\n",
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00", b"S", b"\x2a\x00\x00\x00\x0a8.0\x00" + bytes(12) + b"\x00\xff\xff" + bytes(26),
        b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features><proceed/>")],
}  # fmt: skip


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """A seed with up to eight changes: bytes flipped, set, cut out, put in, doubled; lengths made extreme."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data)) if data else 0
        match chance.randrange(7):
            case 0 if data:
                data[at] ^= 1 << chance.randrange(8)
            case 1 if data:
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 2:
                del data[at : at + chance.randint(1, 16)]
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 16))
            case 4:
                data[at:at] = data[at : at + chance.randint(1, 64)]
            case 5 if len(data) > 1:
                data[at : at + 2] = chance.choice((b"\xff\xff", b"\x00\x00", b"\x80\x00", b"\x30\x80"))
            case 6:
                del data[at:]
    return bytes(data)


@cache
def _weights() -> tuple[list[str], list[int]]:
    """The parsers of our own are asked most: the others are a library's, and slower."""
    held = {
        "flights": 30,
        "ssl2": 15,
        "certificates": 10,
        "issuers": 5,
        "staples": 10,
        "lists": 5,
        "headers": 15,
        "targets": 10,
        "starttls": 5,
    }
    return list(held), list(held.values())


def run(executions: int, seed: int, only: str | None = None) -> dict[str, int]:
    """How many inputs each parser held. Raises what a parser raised, with the input as a note."""
    chance = random.Random(seed)
    names, weights = _weights()
    held = dict.fromkeys(names if only is None else [only], 0)
    for _ in range(executions):
        name = only or chance.choices(names, weights)[0]
        data = mutated(chance.choice(SEEDS[name]), chance)
        try:
            TARGETS[name](data)
        except BaseException as error:
            error.add_note(f"{name}: {data.hex()}")
            raise
        held[name] += 1
    return held


def guided(executions: int, only: str | None) -> None:
    """The same with coverage to guide it, by atheris."""
    import atheris

    atheris.instrument_all()
    names = [only] if only else list(TARGETS)

    def one(data: bytes) -> None:
        if data:
            TARGETS[names[data[0] % len(names)]](data[1:])

    atheris.Setup([sys.argv[0], f"-runs={executions}"], one)
    atheris.Fuzz()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print how many inputs were held; 1 where one was not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=sorted(TARGETS))
    parser.add_argument("--atheris", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.atheris:
        guided(asked.executions, asked.target)
        return 0
    started = time.monotonic()
    held = run(asked.executions, asked.seed, asked.target)
    print(f"{sum(held.values())} inputs held in {timedelta(seconds=round(time.monotonic() - started))}: {held}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
