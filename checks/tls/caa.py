"""What CAA records permit (RFC 8659): whether they keep any authority from issuing, and whether they admit the one that did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

_NAMES: Mapping[str, frozenset[str]] = {
    "Amazon": frozenset({"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"}),
    "Let's Encrypt": frozenset({"letsencrypt.org"}),
}
"""The organization that a certificate's issuer names -> what it goes by in CAA records: nothing in a certificate tells that (AWS Certificate
Manager User Guide, Configure a CAA record; Let's Encrypt documentation, Certificate Authority Authorization). Of others it is not known."""
_CRITICAL = 128
_KNOWN = frozenset({"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"})
"""Properties that authorities know (IANA, Certification Authority Restriction Properties)."""


@dataclass(frozen=True, slots=True)
class Property:
    """One record: `0 issue "ca.example"`. The value without its parameters names an authority; nothing before them names none."""

    flags: int
    tag: str
    value: str

    @property
    def authority(self) -> str:
        return self.value.partition(";")[0].strip().rstrip(".").lower()

    def __str__(self) -> str:
        return f'{self.flags} {self.tag} "{self.value}"'


def facts(at: str, properties: Sequence[Property]) -> dict[str, Any]:
    """The records of the nearest name that has any, `at` (empty where none has), and what they come to.

    `restricted`: whether they keep any authority from issuing for a host. Only `issue` does, and a critical property that no
    authority knows; `issuewild` is about wildcards alone (RFC 8659, 4.2 and 4.3).
    """
    unknown = any(one.flags & _CRITICAL and one.tag.lower() not in _KNOWN for one in properties)
    issue = [one for one in properties if one.tag.lower() == "issue"]
    authorities = set() if unknown else {one.authority for one in issue} - {""}
    return {"at": at, "records": sorted(map(str, properties)), "restricted": unknown or bool(issue), "authorities": sorted(authorities)}


def admits(caa: Mapping[str, Any], host: str, certificates: Iterable[Mapping[str, Any]]) -> bool | None:
    """Whether the authorities that issued a host's public certificates might do so again; None where that cannot be told.

    `certificates` as they were examined. For one that covers the host by a wildcard, other records count. Where an authority's name
    in CAA is not known, it can still be told if no authority is admitted at all.
    """
    answers = [_admits(caa, host, one) for one in certificates if one.get("trust", {}).get("public")]
    return False if False in answers else None if None in answers or not answers else True


def _admits(caa: Mapping[str, Any], host: str, certificate: Mapping[str, Any]) -> bool | None:
    if not caa["restricted"]:
        return True
    if host not in certificate.get("names", ()):
        return None
    if not caa["authorities"]:
        return False
    known = _NAMES.get(_organization(certificate["issuer"]) or "")
    return None if known is None else not known.isdisjoint(caa["authorities"])


def _organization(issuer: str) -> str | None:
    try:
        held = x509.Name.from_rfc4514_string(issuer).get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    except ValueError:
        return None
    return str(held[0].value) if len(held) == 1 else None
