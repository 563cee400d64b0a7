"""Versions and signatures as promises write them."""

from __future__ import annotations

import pytest

from checks.functions import tls
from checks.functions.declare import DataError


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.2", 12), ("TLS 1.3", 13), ("TLSv1.0", 10), ("TLSv1", 10), (" tls 1.1 ", 11), ("TLSV1.2", 12), ("tlsv12", 12), ("SSLv3", 3)],
)
def test_a_version_is_a_number(text: str, number: int) -> None:
    assert tls.tls_version(text) == number


@pytest.mark.parametrize("text", ["", "1", "1.4", "SSL 3", "12", "tls12", "tlsv14", "SSLv2", "latest"])
def test_what_is_no_version_of_tls_decides_nothing(text: str) -> None:
    with pytest.raises(DataError):
        tls.tls_version(text)


@pytest.mark.parametrize(
    ("text", "bits"), [("sha256", 256), ("SHA-384", 384), ("SHA256withRSA", 256), ("sha512WithRSAEncryption", 512), ("SHA1withDSA", 160)]
)
def test_a_signature_has_the_bits_of_its_hash(text: str, bits: int) -> None:
    assert tls.hash_bits(text) == bits


@pytest.mark.parametrize("text", ["", "AES-256", "RSA", "sha3", "sha257", "withRSA"])
def test_a_name_without_a_hash_that_is_known_decides_nothing(text: str) -> None:
    with pytest.raises(DataError):
        tls.hash_bits(text)
    with pytest.raises(DataError):
        tls.is_signature(text, "sha256WithRSAEncryption")


@pytest.mark.parametrize(
    ("named", "seen", "same"),
    [
        ("SHA256withRSA", "sha256WithRSAEncryption", True),
        ("sha256", "sha256WithRSAEncryption", True),
        ("sha256", "ecdsa-with-SHA256", True),
        ("SHA256withECDSA", "ecdsa-with-SHA256", True),
        ("SHA256withRSA", "ecdsa-with-SHA256", False),
        ("SHA256withRSA", "sha384WithRSAEncryption", False),
        ("SHA256withRSA", "RSASSA-PSS", False),
        ("sha256", "ed25519", False),
        ("sha256", "1.2.3.4", False),
    ],
)
def test_a_signature_is_the_one_that_is_named_by_the_letter_of_its_name(named: str, seen: str, *, same: bool) -> None:
    assert tls.is_signature(named, seen) is same
