"""OCSP responses that a server staples to its certificate (RFC 6960, RFC 6066)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from checks.tls.certificate import UNREADABLE


def read(response: bytes | None, chain: Sequence[bytes], now: datetime) -> dict[str, Any]:
    """Whether one came, what it says, and whether it is current and signed by who may: the issuer, or whom it has named.

    `verified` is absent where the issuer was not sent, and so nothing can be told. `revoked` is false only by an answer that
    is current, verified and about this certificate; a server that staples its own revocation is believed.
    """
    if not response:
        return {"present": False}
    try:
        return _facts(ocsp.load_der_ocsp_response(response), chain, now)
    except UNREADABLE as error:
        return {"present": True, "status": "unreadable", "detail": str(error)}


def _facts(held: ocsp.OCSPResponse, chain: Sequence[bytes], now: datetime) -> dict[str, Any]:
    with warnings.catch_warnings(category=CryptographyDeprecationWarning, action="ignore"):  # of certificates that break RFC 5280
        if held.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return {"present": True, "status": str(held.response_status.name).lower()}
        facts: dict[str, Any] = {"present": True, "status": held.certificate_status.name.lower()}
        leaf = x509.load_der_x509_certificate(chain[0])
        facts["about_leaf"] = held.serial_number == leaf.serial_number
        after = held.next_update_utc
        facts["current"] = held.this_update_utc <= now and (after is None or now <= after)
        facts["this_update"] = held.this_update_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
        facts["next_update"] = after.strftime("%Y-%m-%dT%H:%M:%SZ") if after else None
        issuers = [one for one in map(x509.load_der_x509_certificate, chain[1:]) if one.subject == leaf.issuer]
        if issuers:
            facts["verified"] = any(_signed(held, issuer) for issuer in issuers)
        if facts["about_leaf"] and facts["status"] == "revoked":
            facts["revoked"] = True
        elif facts["about_leaf"] and facts["status"] == "good" and facts["current"] and facts.get("verified"):
            facts["revoked"] = False
        return facts


def _signed(held: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    return any(_fits(held, signer) for signer in (issuer, *filter(lambda one: _delegated(one, issuer), held.certificates)))


def _delegated(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer let another sign for it (RFC 6960, 4.2.2.2)."""
    try:
        one.verify_directly_issued_by(issuer)
        return ExtendedKeyUsageOID.OCSP_SIGNING in one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, x509.ExtensionNotFound, *UNREADABLE):
        return False


def _fits(held: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, algorithm = signer.public_key(), held.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(held.signature, held.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(held.signature, held.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
