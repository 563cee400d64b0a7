"""Keys and signatures in numbers that can be compared, and what is not known of them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519

from checks.tls import keys
from tests.checks.tls.authority import authority, ec_key, rsa_key


@pytest.mark.parametrize(
    ("kind", "bits", "modulus"),
    [
        ("RSA", 2048, 2048),
        ("EC", 192, 1024),
        ("EC", 224, 2048),
        ("EC", 256, 3072),
        ("EC", 521, 15360),
        ("Ed25519", 256, 3072),
        ("Ed448", 456, 7680),
        ("EC", 112, 512),
    ],
)
def test_a_curve_counts_as_the_modulus_that_is_as_hard_to_break(kind: str, bits: int, modulus: int) -> None:
    assert keys.equivalent_bits(kind, bits) == modulus


def test_a_kind_of_key_that_nobody_has_compared_counts_as_nothing() -> None:
    assert keys.equivalent_bits("unknown", 0) is None


def test_the_facts_of_an_rsa_leaf() -> None:
    leaf = authority(rsa_key()).leaf(rsa_key(number=1))
    assert keys.facts(leaf) == {
        "key_type": "RSA",
        "key_bits": 2048,
        "curve": None,
        "key_equivalent_bits": 2048,
        "signature": "sha256WithRSAEncryption",
        "signature_hash": "sha256",
        "signature_hash_bits": 256,
    }


def test_the_signature_is_the_authoritys_and_the_key_the_servers() -> None:
    leaf = authority(rsa_key()).leaf(ec_key())
    facts = keys.facts(leaf)
    assert (facts["key_type"], facts["curve"], facts["signature"]) == ("EC", "secp256r1", "sha256WithRSAEncryption")


def test_ed25519_has_its_hash_built_in() -> None:
    facts = keys.facts(authority(ed25519.Ed25519PrivateKey.generate()).leaf(ec_key()))
    assert facts["signature_hash_bits"] == 512
    assert "signature_hash" not in facts


def test_the_weakest_signature_below_the_root_counts() -> None:
    root = authority(ec_key("secp384r1"))
    strong, weak = root.leaf(ec_key()), root.leaf(ec_key(), hash_=hashes.SHA224())
    assert keys.least_hash_bits([strong]) == 256
    assert keys.least_hash_bits([strong, weak]) == 224
    assert keys.least_hash_bits([strong, root.certificate]) == 256
    assert keys.least_hash_bits([root.certificate]) == 256  # a leaf that signed itself
