"""ClientHello messages, byte by byte: what to ask a server that no TLS library would ask.

RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 6101 (SSL 3), RFC 6101 appendix E (SSL 2 hello).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from checks.tls.suites import OLDER_SUITES, SUITES, TLS13_SUITES


class Version(IntEnum):
    """Protocol versions by their number on the wire."""

    SSL2 = 0x0002
    SSL3 = 0x0300
    TLS10 = 0x0301
    TLS11 = 0x0302
    TLS12 = 0x0303
    TLS13 = 0x0304

    @property
    def title(self) -> str:
        return {2: "SSL 2", 0x300: "SSL 3", 0x301: "TLS 1.0", 0x302: "TLS 1.1", 0x303: "TLS 1.2", 0x304: "TLS 1.3"}[self]


GROUPS = {
    0x11EC: "X25519MLKEM768", 0x11EB: "SecP256r1MLKEM768", 0x11ED: "SecP384r1MLKEM1024", 0x0201: "MLKEM768", 0x0202: "MLKEM1024",
    0x001D: "x25519", 0x0017: "secp256r1", 0x0018: "secp384r1", 0x0019: "secp521r1", 0x001E: "x448",
    0x0016: "secp256k1", 0x0015: "secp224r1", 0x0013: "secp192r1",
    0x001A: "brainpoolP256r1", 0x001B: "brainpoolP384r1", 0x001C: "brainpoolP512r1",
    0x0100: "ffdhe2048", 0x0101: "ffdhe3072", 0x0102: "ffdhe4096", 0x0103: "ffdhe6144", 0x0104: "ffdhe8192",
}  # fmt: skip
"""IANA, TLS Supported Groups; the ML-KEM hybrids are of draft-ietf-tls-ecdhe-mlkem."""
HYBRID_GROUPS = (0x11EC, 0x11EB, 0x11ED)
_SIGNATURES = (
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B,
    0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0202, 0x0402, 0x0101,
)  # fmt: skip
"""IANA, TLS SignatureScheme: everything that a certificate of whatever kind may be signed with."""
RSA_SIGNATURES = tuple(code for code in _SIGNATURES if code & 0xFF == 1 or (0x0804 <= code <= 0x080B and code not in {0x0807, 0x0808}))
ECDSA_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0203, 0x0807, 0x0808)

RECORD_HANDSHAKE, CLIENT_HELLO = 22, 1
_EMPTY_RENEGOTIATION_INFO = 0x00FF
_GREASE = 0x8A8A


@dataclass(frozen=True, slots=True)
class Hello:
    """What is offered. `versions` are TLS 1.3's extension; without, `highest` is all the server is told.

    No key share is sent: a TLS 1.3 server that agrees answers with a HelloRetryRequest, which names its choice of
    suite and group and costs it no signature.
    """

    highest: Version
    suites: tuple[int, ...]
    versions: tuple[Version, ...] = ()
    groups: tuple[int, ...] = tuple(GROUPS)
    signatures: tuple[int, ...] = _SIGNATURES
    server_name: str | None = None
    alpn: tuple[str, ...] = ()
    status_request: bool = True
    grease: bool = False


def full(server_name: str | None) -> Hello:
    """TLS 1.3 and 1.2 with every suite: what a server that speaks either will answer."""
    return Hello(Version.TLS12, (*TLS13_SUITES, *OLDER_SUITES), (Version.TLS13, Version.TLS12), server_name=server_name, grease=True)


def at_most(version: Version, suites: Sequence[int] | None, server_name: str | None) -> Hello:
    """An older client's hello, up to TLS 1.2."""
    return Hello(
        version, tuple(suites if suites is not None else OLDER_SUITES), server_name=server_name if version > Version.SSL3 else None
    )


def tls13(suites: Sequence[int] | None, groups: Sequence[int] | None, server_name: str | None) -> Hello:
    """A hello that only TLS 1.3 can accept."""
    offered = tuple(groups) if groups is not None else tuple(GROUPS)
    return Hello(Version.TLS12, tuple(suites or TLS13_SUITES), (Version.TLS13,), groups=offered, server_name=server_name)


def encode(hello: Hello, random: bytes) -> bytes:
    """The hello as one TLS record. `random` is 32 bytes; the session id is made of them."""
    suites = [*([_GREASE] if hello.grease else []), *hello.suites, *([] if hello.versions else [_EMPTY_RENEGOTIATION_INFO])]
    body = int(hello.highest).to_bytes(2, "big") + random
    body += _vector(random if hello.versions else b"", 1)
    body += _vector(_numbers(suites), 2)
    body += b"\x01\x00"
    if hello.highest > Version.SSL3:
        body += _vector(b"".join(_extension(code, data) for code, data in _extensions(hello)), 2)
    message = bytes([CLIENT_HELLO]) + _vector(body, 3)
    record_version = min(int(hello.highest), int(Version.TLS10))
    return bytes([RECORD_HANDSHAKE]) + record_version.to_bytes(2, "big") + _vector(message, 2)


def _extensions(hello: Hello) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    if hello.grease:
        found.append((_GREASE, b""))
    if hello.server_name:
        name = hello.server_name.encode("ascii")
        found.append((0, _vector(b"\x00" + _vector(name, 2), 2)))
    if hello.status_request:
        found.append((5, b"\x01\x00\x00\x00\x00"))
    groups = [*([_GREASE] if hello.grease else []), *hello.groups]
    found.append((10, _vector(_numbers(groups), 2)))
    found.append((11, b"\x01\x00"))
    found.append((13, _vector(_numbers(hello.signatures), 2)))
    if hello.alpn:
        found.append((16, _vector(b"".join(_vector(name.encode("ascii"), 1) for name in hello.alpn), 2)))
    found.append((23, b""))
    if hello.versions:
        versions = [*([_GREASE] if hello.grease else []), *map(int, hello.versions)]
        found.append((43, _vector(_numbers(versions), 1)))
        found.append((45, b"\x01\x01"))
        found.append((51, b"\x00\x00"))
    return found


def _extension(code: int, data: bytes) -> bytes:
    return code.to_bytes(2, "big") + _vector(data, 2)


def _numbers(codes: Sequence[int]) -> bytes:
    return struct.pack(f">{len(codes)}H", *codes)


def _vector(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


SSL2_CIPHERS = {
    0x010080: "SSL_CK_RC4_128_WITH_MD5", 0x020080: "SSL_CK_RC4_128_EXPORT40_WITH_MD5", 0x030080: "SSL_CK_RC2_128_CBC_WITH_MD5",
    0x040080: "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5", 0x050080: "SSL_CK_IDEA_128_CBC_WITH_MD5", 0x060040: "SSL_CK_DES_64_CBC_WITH_MD5",
    0x0700C0: "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
}  # fmt: skip


def ssl2(challenge: bytes) -> bytes:
    """The hello of SSL 2, with every cipher kind. `challenge` is 16 bytes."""
    ciphers = b"".join(code.to_bytes(3, "big") for code in SSL2_CIPHERS)
    body = b"\x01\x00\x02" + len(ciphers).to_bytes(2, "big") + b"\x00\x00" + len(challenge).to_bytes(2, "big") + ciphers + challenge
    return (0x8000 | len(body)).to_bytes(2, "big") + body


def chunks(suites: Sequence[int], size: int = 120) -> list[tuple[int, ...]]:
    """Suites for stacks that choke on a large hello, the likely ones first."""
    likely = sorted(suites, key=lambda code: (code not in SUITES, not SUITES[code].forward_secret if code in SUITES else True, code))
    return [tuple(likely[at : at + size]) for at in range(0, len(likely), size)]
