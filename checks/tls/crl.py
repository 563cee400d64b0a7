"""Certificate revocation lists (RFC 5280, 5 and 6.3): whether a list says that a certificate is revoked, proves that it is not, or
neither."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from checks.tls import endpoint
from checks.tls.certificate import UNREADABLE, issued

List = x509.CertificateRevocationList


def load(data: bytes) -> List:
    """A list in DER, as it is published (RFC 2585, 4.2). Raises ValueError for what is none."""
    held = x509.load_der_x509_crl(data)
    _ = held.extensions  # raises for what cannot be read, which else would pass for absent
    return held


def points(leaf: x509.Certificate) -> list[list[str]]:
    """The names of each place where a list by the certificate's own issuer and for all reasons is to be had (RFC 5280, 4.2.1.13)."""
    try:
        held = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    whole = (point for point in held if not point.crl_issuer and not point.reasons)
    named = ([one.value for one in point.full_name or () if isinstance(one, x509.UniformResourceIdentifier)] for point in whole)
    return [names for names in named if names]


def read(held: List, names: Sequence[str], leaf: x509.Certificate, issuers: Iterable[x509.Certificate], now: datetime) -> dict[str, Any]:
    """What a list says of a certificate. `names`: those of the distribution point that it was got from.

    `revoked` is true by a list that the certificate's issuer signed, and false only by one that is also current and covers every
    certificate of its kind and every reason; where neither can be told, `detail` says why.
    """
    try:
        return _facts(held, names, leaf, issuers, now)
    except UNREADABLE as error:
        return {"detail": f"the list cannot be read: {error}"}


def _facts(held: List, names: Sequence[str], leaf: x509.Certificate, issuers: Iterable[x509.Certificate], now: datetime) -> dict[str, Any]:
    after = held.next_update_utc
    facts: dict[str, Any] = {
        "this_update": endpoint.time(held.last_update_utc),
        "next_update": endpoint.time(after) if after else None,
        "current": held.last_update_utc <= now and after is not None and now <= after,
        "verified": any(_signed(held, issuer) for issuer in issuers if issued(leaf, issuer)),
    }
    if not facts["verified"]:
        return {**facts, "detail": "the certificate's issuer has not signed it, or was not seen"}
    if doubt := _uncovered(held, names, leaf):
        return {**facts, "detail": doubt}
    entry = held.get_revoked_certificate_by_serial_number(leaf.serial_number)
    reason = _reason(entry) if entry is not None else None
    if entry is not None and (facts["current"] or reason != "certificateHold"):
        return {**facts, "revoked": True, "reason": reason or "unspecified"}
    if not facts["current"]:
        return {**facts, "detail": "it is not current"}
    part = _part(held)
    if part is not None and part.only_some_reasons:
        return {**facts, "detail": "it covers some reasons only"}
    return {**facts, "revoked": False}


def revocation(seen: Mapping[str, Any]) -> dict[str, Any]:
    """What staple and list come to, as a member of an address's facts: whether there is either, and whether the certificate is revoked.

    Either shows that it is; that it is not, either shows where the other does not show that it is. Without an answer there is no `revoked`.
    """
    if "staple" not in seen and "crl" not in seen:
        return {}
    said = [seen[name]["revoked"] for name in ("staple", "crl") if "revoked" in seen.get(name, {})]
    asked = "crl" in seen or seen["staple"]["present"]
    return {"revocation": {"asked": asked, **({"revoked": any(said)} if said else {})}}


def _signed(held: List, issuer: x509.Certificate) -> bool:
    if issuer.subject != held.issuer:
        return False
    try:
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        usage = True
    return usage and held.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]


def _uncovered(held: List, names: Sequence[str], leaf: x509.Certificate) -> str | None:
    """Why the list says nothing of the certificate; None where it does (RFC 5280, 6.3.3)."""
    for extension in held.extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return "it lists changes only"
        if extension.critical and not isinstance(extension.value, x509.IssuingDistributionPoint):
            return f"it has an extension that is not known, {extension.oid.dotted_string}"
    part = _part(held)
    if part is None:
        return None
    if part.indirect_crl:
        return "it holds certificates of several issuers, which is not read"
    if (
        part.only_contains_attribute_certs
        or (part.only_contains_ca_certs and not _is_ca(leaf))
        or (part.only_contains_user_certs and _is_ca(leaf))
    ):
        return "it is about certificates of another kind"
    if part.relative_name is not None:
        return "its part is named relative to its issuer, which is not read"
    own = {one.value for one in part.full_name or () if isinstance(one, x509.UniformResourceIdentifier)}
    if part.full_name and own.isdisjoint(names):
        return "it is another part of the issuer's list than the certificate names"
    return None


def _part(held: List) -> x509.IssuingDistributionPoint | None:
    try:
        return held.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return None


def _is_ca(leaf: x509.Certificate) -> bool:
    try:
        return leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _reason(entry: x509.RevokedCertificate) -> str | None:
    with warnings.catch_warnings(category=CryptographyDeprecationWarning, action="ignore"):
        try:
            return str(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value)
        except x509.ExtensionNotFound:
            return None
