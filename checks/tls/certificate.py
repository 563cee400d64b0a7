"""Certificates: whether a chain is trusted for a name, and if not, why; what they say of keys, signatures and lifetimes.

Trust is what `cryptography.x509.verification` says (RFC 5280, CA/Browser Forum profile). Its texts do not tell causes
apart, so each cause is looked for here, by itself. Chains of private authorities that its strict profile refuses get a
second opinion from OpenSSL: then they are trusted, and malformed.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from checks.tls import keys
from checks.tls.names import fits

_SCHEDULE = ((datetime(2029, 3, 15, tzinfo=UTC), 47), (datetime(2027, 3, 15, tzinfo=UTC), 100), (datetime(2026, 3, 15, tzinfo=UTC), 200))
_BEFORE = 398
"""CA/Browser Forum, ballot SC-081v3: the most days a certificate may be valid for, by the day it is issued on."""
FAULTS = (
    "unreadable", "expired", "not_yet_valid", "self_signed", "untrusted_root", "missing_intermediate", "wrong_name", "no_names",
    "no_server_use", "issuer_is_no_ca", "chain_expired", "name_constraints", "malformed", "invalid",
)  # fmt: skip
UNREADABLE = (
    ValueError, TypeError, IndexError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip
"""What the library raises on certificates and OCSP responses that it cannot make sense of."""
_MOST_SENT = 32
"""Certificates of a chain that are looked at for the way to a root: a server may send any number that certify each other."""
UNTOLD = ("name_constraints", "malformed", "invalid")


@dataclass(frozen=True)
class Roots:
    """Certificates that are trusted: those of the public store, and an organization's own."""

    public: tuple[x509.Certificate, ...]
    private: tuple[x509.Certificate, ...] = ()


def load_roots(text: bytes) -> tuple[x509.Certificate, ...]:
    """PEM certificates. Raises ValueError where there is none, or one that cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # old roots have serial numbers that are none any more
        return tuple(x509.load_pem_x509_certificates(text))


def examine(chain: Sequence[bytes], host: str | None, now: datetime, roots: Roots) -> dict[str, Any]:
    """Facts of a chain as sent (DER, leaf first): the leaf's own, those of the others, and the verdict on trust.

    `host` None: which names clients ask for is not known. Then trust is for a name of the certificate's own, and whether its names are
    the right ones is absent.
    """
    try:
        with warnings.catch_warnings(category=CryptographyDeprecationWarning, action="ignore"):  # of certificates that break RFC 5280
            certificates = [x509.load_der_x509_certificate(one) for one in chain]
            for one in certificates:
                _ = one.extensions  # raises for what cannot be read, which else would pass for absent
            facts = describe(certificates[0], now)
            if (bits := keys.least_hash_bits(_path(certificates, roots)[0])) is not None:
                facts["least_hash_bits"] = bits
            held = trust(certificates, host or _own_name(certificates[0]), now, roots)
            if host is None:
                del held["wrong_name"]
            return {**facts, "trust": held, "chain": [_brief(one, now) for one in certificates[1:]]}
    except UNREADABLE as error:
        return {"trust": {"trusted": False, "unreadable": True, "detail": str(error)}}  # of what cannot be read, nothing else is known


def _own_name(leaf: x509.Certificate) -> str:
    """A host that the certificate is for; one that is none where it names none."""
    return next((one.replace("*", "any", 1) for one in names(leaf)), "nameless.invalid")


def summary(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of a chain beside the one of a handshake: whose it is, its key, whether it is trusted, and its faults by name."""
    trust_ = facts["trust"]
    members = (
        "subject",
        "sha256",
        "key_sha256",
        "not_after",
        "key_type",
        "key_bits",
        "key_equivalent_bits",
        "signature",
        "signature_hash_bits",
    )
    held = {name: facts[name] for name in members if name in facts}
    return {**held, "trusted": trust_["trusted"], "faults": [name for name in FAULTS if trust_.get(name)]}


# -- what a certificate says -----------------------------------------------------------------------------------------


def describe(leaf: x509.Certificate, now: datetime) -> dict[str, Any]:
    """Names, key, signature, lifetime in days, and what is asked of servers that use it."""
    whole = leaf.not_valid_after_utc - leaf.not_valid_before_utc + timedelta(seconds=1)
    left = leaf.not_valid_after_utc - now
    return {
        **_brief(leaf, now),
        "serial": f"{leaf.serial_number:x}",
        "names": names(leaf),
        "lifetime_days": whole.days + bool(whole % timedelta(days=1)),
        "days_left": left // timedelta(days=1),
        "lifetime_left_percent": max(0, int(100 * left / whole)) if whole > timedelta(0) else 0,
        "must_staple": _has_must_staple(leaf),
        "scts": _scts(leaf),
        "ocsp": _urls_of_ocsp(leaf),
        "crl": _urls_of_crl(leaf),
    }


def _brief(one: x509.Certificate, now: datetime) -> dict[str, Any]:
    spki = one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "subject": one.subject.rfc4514_string(),
        "issuer": one.issuer.rfc4514_string(),
        "sha256": one.fingerprint(_sha256()).hex(),
        "key_sha256": hashlib.sha256(spki).hexdigest(),
        "not_before": _time(one.not_valid_before_utc),
        "not_after": _time(one.not_valid_after_utc),
        "valid_now": one.not_valid_before_utc <= now <= one.not_valid_after_utc,
        **keys.facts(one),
    }


def _sha256() -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def names(leaf: x509.Certificate) -> list[str]:
    """DNS names and IP addresses it is for (RFC 9525: the subject's common name is none)."""
    try:
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    found = [*held.get_values_for_type(x509.DNSName), *map(str, held.get_values_for_type(x509.IPAddress))]
    return sorted(found)


def most_days(issued: datetime) -> int:
    """How long a public certificate issued then may be valid for, in days (SC-081v3)."""
    return next((days for start, days in _SCHEDULE if issued >= start), _BEFORE)


def _has_must_staple(leaf: x509.Certificate) -> bool:
    try:
        held = leaf.extensions.get_extension_for_class(x509.TLSFeature).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return x509.TLSFeatureType.status_request in held


def _scts(leaf: x509.Certificate) -> int:
    try:
        return len(list(leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value))
    except (x509.ExtensionNotFound, ValueError):
        return 0


def _urls_of_ocsp(leaf: x509.Certificate) -> list[str]:
    try:
        held = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    ocsp = x509.oid.AuthorityInformationAccessOID.OCSP
    return sorted(one.access_location.value for one in held if one.access_method == ocsp)


def _urls_of_crl(leaf: x509.Certificate) -> list[str]:
    try:
        held = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return sorted(name.value for point in held for name in point.full_name or [] if isinstance(name, x509.UniformResourceIdentifier))


# -- trust -----------------------------------------------------------------------------------------------------------


def trust(chain: Sequence[x509.Certificate], host: str, now: datetime, roots: Roots) -> dict[str, Any]:
    """Whether a client that trusts these roots accepts the chain for a host, and each fault by itself, true or false.

    What can be told only where there is no other fault (`UNTOLD`) is absent where there is one.
    """
    leaf = chain[0]
    found = dict.fromkeys(FAULTS, False)
    path, root = _path(chain, roots)
    own_root = root is not None and root in roots.private and root not in roots.public
    found["expired"], found["not_yet_valid"] = now > leaf.not_valid_after_utc, now < leaf.not_valid_before_utc
    found["chain_expired"] = any(not one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in path[1:])
    found["self_signed"] = issued(leaf, leaf) and root is None
    if root is None and not found["self_signed"]:  # roots are seldom sent: where any issuer was, it is the root that is not known
        found["untrusted_root" if len(path) > 1 else "missing_intermediate"] = True
    found["no_names"] = not names(leaf)
    found["wrong_name"] = bool(names(leaf)) and not fits(host, names(leaf))
    found["no_server_use"] = not _for_servers(leaf)
    found["issuer_is_no_ca"] = not all(_is_ca(one) for one in path[1:])
    refusal = _refusal(chain, host, now, roots)
    if refusal is None:  # by another path than ours, perhaps
        found |= {"chain_expired": False, "issuer_is_no_ca": False}
    elif not any(found.values()):
        if "name constraint" in refusal:
            found["name_constraints"] = True
        elif own_root and not any(_is_weakly_signed(one) for one in path) and _openssl_accepts(chain, now, roots):
            found["malformed"] = True
        else:
            found["invalid"] = True
    else:
        found = {name: held for name, held in found.items() if name not in UNTOLD}
    trusted = refusal is None or found.get("malformed", False)
    return {
        "trusted": trusted,
        **found,
        "public": root is not None and not own_root,
        "root": root.subject.rfc4514_string() if root is not None else None,
        "in_order": list(path[: len(chain)]) == list(chain[: len(path)]) and len(chain) <= len(path) + 1,
        "root_sent": len(chain) > 1 and any(issued(one, one) for one in chain[1:]),
        "detail": refusal or "",
        "allowed_days": most_days(leaf.not_valid_before_utc) if root is not None and not own_root else None,
    }


def _path(chain: Sequence[x509.Certificate], roots: Roots) -> tuple[list[x509.Certificate], x509.Certificate | None]:
    """From the leaf from issuer to issuer to a trusted root; where there is no way to one, as far as what was sent goes.

    An issuer may have been certified by more than one authority: whichever of its certificates leads to a root counts.
    """
    longest = [chain[0]]
    ways, left = [longest], list(chain[1:_MOST_SENT])
    while ways:
        way = ways.pop()
        last = way[-1]
        for root in (*roots.private, *roots.public):
            if last == root or (last.issuer == root.subject and issued(last, root)):
                return way, root
        if len(way) > len(longest):
            longest = way
        nearer = [one for one in left if one.subject == last.issuer and one != last and issued(last, one)]
        left = [one for one in left if one not in nearer]  # a certificate leads where it leads, whichever way it was come to
        ways += [[*way, one] for one in reversed(nearer)]
    return longest, None


@lru_cache(4096)
def issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (TypeError, InvalidSignature):
        return False
    except (ValueError, UnsupportedAlgorithm):  # a signature that cannot be checked any more: by its names, for the verifier refuses it
        return one.issuer == issuer.subject and _is_weakly_signed(one)
    return True


def _is_weakly_signed(one: x509.Certificate) -> bool:
    """Signed with MD5 or SHA-1, which no client accepts any more, whoever the issuer is (RFC 9155, RFC 9325, 4.5)."""
    bits = keys.signature_hash(one)[1]
    return bits is None or bits <= 160


def _refusal(chain: Sequence[x509.Certificate], host: str, now: datetime, roots: Roots) -> str | None:
    """Why the verifier does not accept it; None where it does."""
    try:
        subject: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    try:
        verifier = PolicyBuilder().store(_store(roots)).time(now).build_server_verifier(subject)  # type: ignore[arg-type]
        verifier.verify(chain[0], list(chain[1:]))
    except (VerificationError, ValueError, UnsupportedAlgorithm) as error:
        return " ".join(str(error).split())
    return None


@lru_cache(8)
def _store(roots: Roots) -> Store:
    return Store([*roots.private, *roots.public])


def _openssl_accepts(chain: Sequence[x509.Certificate], now: datetime, roots: Roots) -> bool:
    from OpenSSL import crypto

    store = crypto.X509Store()
    for root in (*roots.private, *roots.public):
        store.add_cert(crypto.X509.from_cryptography(root))
    store.set_time(now)
    leaf, *others = [crypto.X509.from_cryptography(one) for one in chain]
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def _is_ca(one: x509.Certificate) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _for_servers(leaf: x509.Certificate) -> bool:
    """Whether it may be used by servers: without the extension it may (RFC 5280, 4.2.1.12)."""
    try:
        uses: Iterable[x509.ObjectIdentifier] = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return bool({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(uses))
