"""How strong keys and signatures of certificates are, in numbers that can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

_EQUIVALENT = ((512, 15360), (384, 7680), (256, 3072), (224, 2048), (160, 1024))
"""Bits of a curve -> bits of an RSA modulus that is as hard to break (NIST SP 800-57 part 1 rev. 5, table 2)."""
_HASH_BITS = {
    "md5": 128, "sha1": 160, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512,
    "sha3-224": 224, "sha3-256": 256, "sha3-384": 384, "sha3-512": 512,
}  # fmt: skip
_INHERENT = {"1.3.101.112": 512, "1.3.101.113": 512}
"""Ed25519 hashes with SHA-512, Ed448 with 512 bits of SHAKE256 and more (RFC 8032, 5.1 and 5.2; RFC 8410)."""


def key(one: x509.Certificate) -> tuple[str, int, str | None]:
    """(type, size in bits, curve)."""
    match one.public_key():
        case rsa.RSAPublicKey() as held:
            return "RSA", held.key_size, None
        case ec.EllipticCurvePublicKey() as held:
            return "EC", held.key_size, held.curve.name
        case dsa.DSAPublicKey() as held:
            return "DSA", held.key_size, None
        case ed25519.Ed25519PublicKey():
            return "Ed25519", 256, None
        case ed448.Ed448PublicKey():
            return "Ed448", 456, None
    return "unknown", 0, None


def equivalent_bits(kind: str, bits: int) -> int | None:
    """Bits of an RSA modulus that is as strong; None for a kind of key that nobody has compared."""
    match kind:
        case "RSA" | "DSA":
            return bits
        case "EC" | "Ed25519" | "Ed448":
            return next((modulus for curve, modulus in _EQUIVALENT if bits >= curve), 512)
    return None


def signature(one: x509.Certificate) -> str:
    """The name of the signature's algorithm, as its standard writes it; its number where it has no name here."""
    name = one.signature_algorithm_oid._name  # noqa: SLF001
    return str(name) if name != "Unknown OID" else one.signature_algorithm_oid.dotted_string


def signature_hash(one: x509.Certificate) -> tuple[str | None, int | None]:
    """(name of the hash, its bits); no name where the algorithm has its hash built in, neither where nothing is known of it."""
    if (bits := _INHERENT.get(one.signature_algorithm_oid.dotted_string)) is not None:
        return None, bits
    try:
        held = one.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None, None
    return (held.name, _HASH_BITS.get(held.name)) if held is not None else (None, None)


def least_hash_bits(path: Iterable[x509.Certificate]) -> int | None:
    """The weakest hash that any certificate of a path, leaf first, is signed with. A root above it is trusted for what it is, not for
    its signature."""
    found = [signature_hash(one)[1] for place, one in enumerate(path) if place == 0 or one.subject != one.issuer]
    return None if None in found else min(bits for bits in found if bits is not None)


def facts(one: x509.Certificate) -> dict[str, Any]:
    """What is known of the key and the signature of one certificate."""
    kind, bits, curve = key(one)
    name, hash_bits = signature_hash(one)
    held = {
        "key_type": kind, "key_bits": bits, "curve": curve, "key_equivalent_bits": equivalent_bits(kind, bits),
        "signature": signature(one), "signature_hash": name, "signature_hash_bits": hash_bits,
    }  # fmt: skip
    return {member: value for member, value in held.items() if value is not None or member == "curve"}
