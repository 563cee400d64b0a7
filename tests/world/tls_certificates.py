"""Certificates for the TLS bed: good ones, and one for each fault that the inspector names.

Everything is made anew in each run, since what is expired, or not yet valid, depends on the day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

DOMAIN = "bed.test"
ANY = (f"*.{DOMAIN}", DOMAIN)
"""The names of a certificate that fits every endpoint of the bed."""
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Served:
    """What a server has: its certificate, and those it sends with it, in this order."""

    leaf: Holder
    others: tuple[Holder, ...] = ()

    @property
    def chain(self) -> list[bytes]:
        """DER, leaf first."""
        return [one.der for one in (self.leaf, *self.others)]


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def issue(
    subject: str,
    issuer: Holder | None,
    *,
    key: Any = None,
    names: Sequence[str] = (),
    authority: bool = False,
    ca_bit: bool = True,
    begins: float = -10,
    days: float = 90,
    uses: Sequence[x509.ObjectIdentifier] = (SERVER,),
    identifiers: bool = True,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Holder:
    """A certificate that is valid for `days` and has been so since `begins` days from now; its own issuer where none is given."""
    own: Any = key or ec_key()
    by = issuer.key if issuer is not None else own
    from_ = datetime.now(UTC).replace(microsecond=0) + timedelta(days=begins)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(issuer.certificate.subject if issuer is not None else name(subject))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(from_)
        .not_valid_after(from_ + timedelta(days=days, seconds=-1))
    )
    if authority:
        if ca_bit:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
    else:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=False), critical=True)
        if uses:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(uses)), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), critical=False)
    if identifiers:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    algorithm = None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Holder(builder.sign(by, algorithm), own)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not signs, False, not signs, False, False, signs, signs, False, False)


def _general(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def signed_with_sha1(one: Holder, issuer: Holder) -> Holder:
    """The same certificate signed with SHA-1 and RSA (RFC 8017, 9.2), which libraries will not do any more."""
    sha256, sha1 = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")
    body = one.certificate.tbs_certificate_bytes.replace(sha256, sha1)
    numbers = issuer.key.private_numbers()
    modulus, size = numbers.public_numbers.n, issuer.key.key_size // 8
    encoded = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(body).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(encoded) - 3) + b"\x00" + encoded
    signature = pow(int.from_bytes(padded, "big"), numbers.d, modulus).to_bytes(size, "big")
    content = body + bytes.fromhex("300d") + sha1 + b"\x05\x00" + b"\x03\x82" + (size + 1).to_bytes(2, "big") + b"\x00" + signature
    der = b"\x30\x82" + len(content).to_bytes(2, "big") + content
    return Holder(x509.load_der_x509_certificate(der), one.key)


def staple(leaf: Holder, issuer: Holder, *, revoked: bool = False, age_days: float = 1, signer: Holder | None = None) -> bytes:
    """An OCSP response about a leaf, DER; good for four days from its making."""
    made = datetime.now(UTC).replace(microsecond=0) - timedelta(days=age_days)
    by = signer or issuer
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf.certificate, issuer.certificate, hashes.SHA1(),
        ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD, made, made + timedelta(days=4),
        made if revoked else None, None,
    ).responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)  # fmt: skip
    if signer is not None:
        builder = builder.certificates([signer.certificate])
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _timestamps(count: int) -> x509.UnrecognizedExtension:
    """Signed certificate timestamps (RFC 6962, 3.3) as they look; their signatures are of no log."""
    one = b"\x00" + bytes(32) + (1_790_000_000_000).to_bytes(8, "big") + b"\x00\x00" + b"\x04\x03" + b"\x00\x08" + bytes(8)
    held = (len(one).to_bytes(2, "big") + one) * count
    listed = len(held).to_bytes(2, "big") + held
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\x04" + _length(listed) + listed)


def _length(data: bytes) -> bytes:
    return bytes([len(data)]) if len(data) < 0x80 else b"\x81" + bytes([len(data)])


_LOGGED = _timestamps(2)


class Certificates:
    """All of them, by name; written to a folder as servers read them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.public_root = issue("Bed Public Root", None, authority=True, days=3650)
        self.private_root = issue("Bed Private Root", None, authority=True, days=3650, key=rsa_key())
        self.unknown_root = issue("Bed Unknown Root", None, authority=True, days=3650)
        self.public = issue("Bed Public Issuer", self.public_root, authority=True, days=1000)
        self.public_rsa = issue("Bed Public RSA Issuer", self.public_root, authority=True, days=1000, key=rsa_key())
        self.served = self._make()

    @cached_property
    def shared_rsa(self) -> rsa.RSAPrivateKey:
        """One key for all the RSA leaves: making each its own would only take time, and key reuse wants to be seen, too."""
        return rsa_key()

    def _leaf(self, subject: str, **options: Any) -> Served:
        return self._under(subject, self.public, **options)

    def _under(self, subject: str, issuer: Holder, **options: Any) -> Served:
        more = [*options.pop("more", ()), (_LOGGED, False)]
        return Served(issue(subject, issuer, more=more, **{"names": ANY, **options}), (issuer,))

    def _make(self) -> dict[str, Served]:
        public, root = self.public, self.public_root
        second = issue("Bed Second Issuer", public, authority=True, days=900)
        weak = issue("Bed Issuer Without CA", root, authority=True, ca_bit=False, days=1000)
        stale = issue("Bed Stale Issuer", root, authority=True, begins=-400, days=390)
        elsewhere = x509.NameConstraints(permitted_subtrees=[x509.DNSName("elsewhere.test")], excluded_subtrees=None)
        narrow = issue("Bed Narrow Issuer", root, authority=True, days=1000, more=[(elsewhere, True)])
        bare = issue("Bed Private Issuer", self.private_root, authority=True, days=1000, identifiers=False)
        unknown = issue("Bed Unknown Issuer", self.unknown_root, authority=True, days=1000)
        feature = (x509.TLSFeature([x509.TLSFeatureType.status_request]), False)
        good = self._leaf("good")
        made = {
            "ecdsa": good,
            "rsa": self._under("good", self.public_rsa, key=self.shared_rsa),
            "rsa-expired": self._under("expired", self.public_rsa, key=self.shared_rsa, begins=-100, days=90),
            "ed25519": self._leaf("good", key=ed25519.Ed25519PrivateKey.generate()),
            "expired": self._leaf("expired", begins=-100, days=90),
            "expires-soon": self._leaf("expires soon", begins=-86, days=90),
            "not-yet-valid": self._leaf("not yet valid", begins=5),
            "self-signed": Served(issue("self-signed", None, names=ANY)),
            "wrong-name": self._leaf("wrong name", names=("other.test",)),
            "cn-only": self._leaf(DOMAIN, names=()),
            "missing-intermediate": Served(good.leaf),
            "wrong-order": Served(self._under("wrong order", second).leaf, (public, second)),
            "root-sent": Served(good.leaf, (public, root)),
            "client-use": self._leaf("client use", uses=(CLIENT,)),
            "issuer-no-ca": self._under("issuer is no CA", weak),
            "chain-expired": self._under("chain expired", stale),
            "name-constraints": self._under("name constraints", narrow),
            "rsa1024": self._under("rsa 1024", self.public_rsa, key=rsa_key(1024)),
            "days825": self._leaf("825 days", days=825),
            "must-staple": self._leaf("must staple", more=[feature]),
            "private": self._under("private", self.private_root, key=self.shared_rsa, days=800),
            "private-bare": Served(issue("private, bare", bare, names=ANY, identifiers=False), (bare,)),
            "untrusted-root": Served(issue("untrusted", unknown, names=ANY), (unknown, self.unknown_root)),
            "address": self._leaf("address", names=("127.0.0.1", "::1")),
            "unlogged": Served(issue("unlogged", public, names=ANY), (public,)),
            "urls": self._leaf("urls", more=_URLS),
        }
        made["private"] = Served(made["private"].leaf)
        made["sha1"] = Served(signed_with_sha1(made["rsa"].leaf, self.public_rsa), (self.public_rsa,))
        return made

    def file(self, which: str) -> tuple[Path, Path]:
        """(chain, key) of a certificate, as PEM files."""
        chain, key = self.folder / f"{which}.pem", self.folder / f"{which}.key"
        if not chain.exists():
            held = self.served[which]
            chain.write_bytes(b"".join(one.pem for one in (held.leaf, *held.others)))
            form = PrivateFormat.PKCS8
            key.write_bytes(held.leaf.key.private_bytes(Encoding.PEM, form, NoEncryption()))
            key.chmod(0o600)
        return chain, key

    def written(self, file: str, content: bytes) -> Path:
        path = self.folder / file
        path.write_bytes(content)
        return path


_URLS: Sequence[tuple[x509.ExtensionType, bool]] = (
    (
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.bed.test/"))]
        ),
        False,
    ),
    (
        x509.CRLDistributionPoints(
            [x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.bed.test/issuer.crl")], None, None, None)]
        ),
        False,
    ),
)
