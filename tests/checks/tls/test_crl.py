"""A list says that a certificate is revoked, proves that it is not, or says nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from checks.tls import crl
from tests.checks.tls.authority import NOW, Authority, authority, ec_key, rsa_key

URL = "http://crl.example/1.crl"


def point(*urls: str, **more: Any) -> x509.DistributionPoint:
    parts = {"relative_name": None, "reasons": None, "crl_issuer": None, **more}
    return x509.DistributionPoint([x509.UniformResourceIdentifier(one) for one in urls] or None, **parts)


ROOT = authority()
LEAF = ROOT.leaf(ec_key(), extra=(x509.CRLDistributionPoints([point(URL)]),))
OTHER = ROOT.leaf(ec_key(), "other.example")


def published(
    *revoked: x509.Certificate,
    by: Authority = ROOT,
    at: datetime = NOW - timedelta(hours=1),
    until: datetime | None = NOW + timedelta(days=7),
    reason: x509.ReasonFlags | None = None,
    more: Iterable[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject).last_update(at)
    builder = builder.next_update(until or NOW + timedelta(days=1))
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(at)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def said(data: bytes, names: Sequence[str] = (URL,), issuers: Sequence[x509.Certificate] = (ROOT.certificate,)) -> dict[str, Any]:
    return crl.read(crl.load(data), names, LEAF, issuers, NOW)


def part(**given: Any) -> tuple[x509.ExtensionType, bool]:
    """The extension that says which part of an issuer's certificates a list is about."""
    usual = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
        "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**{**usual, **given}), True


def uris(*urls: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(one) for one in urls]


def test_a_current_list_of_the_issuer_proves_that_what_is_not_on_it_is_not_revoked() -> None:
    held = said(published(OTHER))
    assert held["revoked"] is False
    assert (held["current"], held["verified"]) == (True, True)


def test_what_is_on_it_is_revoked_with_the_reason() -> None:
    held = said(published(LEAF, reason=x509.ReasonFlags.key_compromise))
    assert (held["revoked"], held["reason"]) == (True, "keyCompromise")
    assert said(published(LEAF))["reason"] == "unspecified"


def test_what_was_revoked_stays_so_though_the_list_is_old_but_what_was_on_hold_may_not() -> None:
    old = {"at": NOW - timedelta(days=20), "until": NOW - timedelta(days=10)}
    assert said(published(LEAF, **old))["revoked"] is True
    assert "revoked" not in said(published(LEAF, reason=x509.ReasonFlags.certificate_hold, **old))
    assert said(published(LEAF, reason=x509.ReasonFlags.certificate_hold))["revoked"] is True


@pytest.mark.parametrize(
    "given",
    [
        {"full_name": uris(URL)},
        {"full_name": uris("ldap://crl.example/x", URL)},
        {"full_name": uris(URL), "only_contains_user_certs": True},
    ],
)
def test_a_part_that_the_certificate_names_counts_as_the_whole(given: dict[str, Any]) -> None:
    assert said(published(more=[part(**given)]))["revoked"] is False
    assert said(published(LEAF, more=[part(**given)]))["revoked"] is True


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (published(at=NOW - timedelta(days=20), until=NOW - timedelta(days=10)), "not current"),
        (published(at=NOW + timedelta(days=1), until=NOW + timedelta(days=9)), "not current"),
        (published(by=authority(rsa_key())), "has not signed it"),
        (published(LEAF, by=authority(rsa_key())), "has not signed it"),
        (published(LEAF, by=authority(name="Other Root")), "has not signed it"),
        (published(LEAF, more=[part(indirect_crl=True)]), "several issuers"),
        (published(more=[part(full_name=uris("http://crl.example/2.crl"))]), "another part"),
        (published(LEAF, more=[part(full_name=uris("http://crl.example/2.crl"))]), "another part"),
        (published(more=[part(only_contains_ca_certs=True)]), "another kind"),
        (published(more=[part(only_contains_attribute_certs=True)]), "another kind"),
        (published(more=[part(relative_name=x509.RelativeDistinguishedName(list(ROOT.certificate.subject)))]), "relative"),
        (published(more=[part(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}))]), "some reasons"),
        (published(more=[(x509.DeltaCRLIndicator(1), True)]), "changes only"),
        (published(more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]), "not known, 1.2.3.4"),
    ],
)
def test_a_list_that_is_old_of_another_or_of_another_part_says_nothing(data: bytes, why: str) -> None:
    held = said(data)
    assert "revoked" not in held
    assert why in held["detail"]


def test_for_some_reasons_a_list_can_show_that_a_certificate_is_revoked() -> None:
    some = part(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}))
    assert said(published(LEAF, more=[some]))["revoked"] is True


def test_without_the_issuer_nothing_is_verified() -> None:
    assert "revoked" not in said(published(LEAF), issuers=())


def test_what_is_no_list_is_refused() -> None:
    for data in (b"", b"\x30\x00", published()[:-10], b"-----BEGIN X509 CRL-----"):
        with pytest.raises(ValueError):
            crl.load(data)


def test_points_of_other_issuers_and_for_some_reasons_are_left_out() -> None:
    by = [x509.DirectoryName(ROOT.certificate.subject)]
    some = frozenset({x509.ReasonFlags.key_compromise})
    held = x509.CRLDistributionPoints(
        [point(crl_issuer=by), point("http://a/1", reasons=some), point("http://b/1", "ldap://b/1"), point(URL)]
    )
    assert crl.points(ROOT.leaf(ec_key(), extra=(held,))) == [["http://b/1", "ldap://b/1"], [URL]]
    assert crl.points(OTHER) == []


@pytest.mark.parametrize(
    ("seen", "held"),
    [
        ({}, {}),
        ({"staple": {"present": False}}, {"asked": False}),
        ({"staple": {"present": True}}, {"asked": True}),
        ({"staple": {"present": True, "revoked": False}}, {"asked": True, "revoked": False}),
        ({"staple": {"present": False}, "crl": {"detail": "no list"}}, {"asked": True}),
        ({"staple": {"present": False}, "crl": {"revoked": False}}, {"asked": True, "revoked": False}),
        ({"staple": {"present": True, "revoked": False}, "crl": {"detail": "no list"}}, {"asked": True, "revoked": False}),
        ({"staple": {"present": True, "revoked": False}, "crl": {"revoked": True}}, {"asked": True, "revoked": True}),
        ({"staple": {"present": True, "revoked": True}, "crl": {"revoked": False}}, {"asked": True, "revoked": True}),
        ({"crl": {"revoked": True}}, {"asked": True, "revoked": True}),
    ],
)
def test_either_shows_that_it_is_revoked_and_either_that_it_is_not(seen: dict[str, Any], held: dict[str, Any]) -> None:
    assert crl.revocation(seen) == ({"revocation": held} if held else {})
