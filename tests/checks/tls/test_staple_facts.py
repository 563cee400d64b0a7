"""A staple says that a certificate is revoked, or proves that it is not, or neither."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from checks.tls.staple import read
from tests.checks.tls.authority import NOW, Authority, authority, der, ec_key, rsa_key

ROOT = authority()
LEAF, OTHER = ROOT.leaf(ec_key()), ROOT.leaf(ec_key(), "other.example")
CHAIN = der(LEAF, ROOT.certificate)
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


def answer(
    status: ocsp.OCSPCertStatus = GOOD,
    about: x509.Certificate = LEAF,
    by: Authority = ROOT,
    at: datetime = NOW - timedelta(hours=1),
    until: datetime | None = NOW + timedelta(days=3),
) -> bytes:
    revoked = at - timedelta(days=1) if status is REVOKED else None
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(about, ROOT.certificate, hashes.SHA1(), status, at, until, revoked, None)
        .responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
        .sign(by.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def test_a_current_answer_of_the_issuer_proves_that_it_is_not_revoked() -> None:
    assert read(answer(), CHAIN, NOW)["revoked"] is False


def test_a_server_that_staples_its_own_revocation_is_believed() -> None:
    assert read(answer(REVOKED), CHAIN, NOW)["revoked"] is True
    assert read(answer(REVOKED, by=authority(rsa_key())), CHAIN, NOW)["revoked"] is True


@pytest.mark.parametrize(
    "response",
    [
        answer(UNKNOWN),
        answer(about=OTHER),
        answer(REVOKED, about=OTHER),
        answer(by=authority(rsa_key())),
        answer(at=NOW - timedelta(days=9), until=NOW - timedelta(days=2)),
        b"no response",
    ],
)
def test_what_is_stale_of_another_or_signed_by_another_proves_nothing(response: bytes) -> None:
    held = read(response, CHAIN, NOW)
    assert held["present"]
    assert "revoked" not in held


def test_without_the_issuer_nothing_is_verified() -> None:
    assert "revoked" not in read(answer(), CHAIN[:1], NOW)
    assert read(None, CHAIN, NOW) == {"present": False}
