"""CloudTrail digest files: what one says, and what it takes to believe it.

Source: AWS CloudTrail User Guide, "CloudTrail digest file structure" (names, fields; hashes are over uncompressed contents)
and "Custom implementations of CloudTrail log file integrity validation" (the string that is signed, the public keys).
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

PERIOD: Final = timedelta(hours=1)
"""What one digest covers ("during the last hour")."""
ROTATION: Final = timedelta(hours=2)
"""How far from a key's validity a digest may still be signed with it: `aws cloudtrail validate-logs` asks so much further for keys."""
_DIGEST = re.compile(r"(\d{12})_CloudTrail-Digest_([a-z0-9-]+)_(.+)_([a-z0-9-]+)_(\d{8}T\d{6}Z)(_backfill)?\.json\.gz", re.ASCII)
_LOG = re.compile(r"(\d{12})_CloudTrail(?:-(?!Digest)[A-Za-z]+)?_([a-z0-9-]+)_(\d{8}T\d{4}Z)_[A-Za-z0-9]+\.json\.gz", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}")


class BadDigest(ValueError):
    """Bytes that are not a digest file of CloudTrail: what is wrong with them."""


@dataclass(frozen=True, slots=True, order=True)
class Chain:
    """What one chain of digests is about: the logs that one trail delivered of one account and region."""

    account: str
    region: str
    trail: str
    home: str
    """The region that the trail itself is in."""

    def __str__(self) -> str:
        return f"{self.account}/{self.region}/{self.trail}" + ("" if self.home == self.region else f" of {self.home}")


@dataclass(frozen=True, slots=True)
class DigestName:
    """What the name of a digest file says."""

    chain: Chain
    end: datetime
    backfill: bool


def digest_name(key: str) -> DigestName | None:
    """What a digest's name says; None for other files."""
    if not (found := _DIGEST.fullmatch(base(key))):
        return None
    account, region, trail, home, end, backfill = found.groups()
    at = _stamp(end, "%Y%m%dT%H%M%SZ")
    return DigestName(Chain(account, region, trail, home), at, backfill is not None) if at else None


@dataclass(frozen=True, slots=True)
class LogName:
    """What the name of a CloudTrail log file says: `delivered` in whole minutes."""

    account: str
    region: str
    delivered: datetime


def log_name(key: str) -> LogName | None:
    """What a log file's name says; None for other files."""
    if not (found := _LOG.fullmatch(base(key))) or not (at := _stamp(found[3], "%Y%m%dT%H%MZ")):
        return None
    return LogName(found[1], found[2], at)


def base(key: str) -> str:
    return key.rpartition("/")[2]


def tail(key: str) -> str | None:
    """A key or path from `AWSLogs/` on: what stays the same wherever a bucket is copied to. None where it has no such part."""
    at = ("/" + key).rfind("/AWSLogs/")
    return None if at < 0 else key[at:]


def _stamp(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Previous:
    """The digest before: where it stands, the SHA-256 of its contents, its signature in hex."""

    key: str
    sha256: str | None
    signature: str


@dataclass(frozen=True, slots=True)
class Named:
    """A log file that a digest names. `sha256` is None where it is hashed in a way that is not known here."""

    key: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Digest:
    """One digest file. `sha256` is over its contents as they are, uncompressed; `end_text` is the end as it is signed."""

    key: str
    bucket: str
    chain: Chain
    backfill: bool
    start: datetime
    end: datetime
    end_text: str
    fingerprint: str
    algorithm: str
    sha256: str
    previous: Previous | None
    previous_signature: str | None
    logs: tuple[Named, ...]

    def signed_text(self) -> bytes:
        """What the signature is over: the end, the place, the hash of the contents, and the signature before (`null` for none)."""
        return "\n".join(
            (
                self.end_text,
                f"{self.bucket}/{self.key}",
                self.sha256,
                "null" if self.previous_signature is None else self.previous_signature,
            )
        ).encode()


def read_digest(raw: bytes, sha256: str) -> Digest:
    """The digest in uncompressed contents, whose SHA-256 is handed in. Raises BadDigest."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadDigest(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadDigest("not a JSON object")
    key = _text(data, "digestS3Object")
    name = digest_name(key)
    if name is None:
        raise BadDigest("digestS3Object is not the name of a digest file")
    end_text = _text(data, "digestEndTime")
    start, end = _time(_text(data, "digestStartTime")), _time(end_text)
    if not start < end:
        raise BadDigest("it ends before it starts")
    if _text(data, "awsAccountId") != name.chain.account:
        raise BadDigest("awsAccountId is not the account in its name")
    if "previousDigestSignature" not in data:
        raise BadDigest("previousDigestSignature is missing")
    return Digest(
        key, _text(data, "digestS3Bucket"), name.chain, name.backfill, start, end, end_text, _text(data, "digestPublicKeyFingerprint"),
        _text(data, "digestSignatureAlgorithm"), sha256, _previous(data), _optional(data, "previousDigestSignature"), _logs(data),
    )  # fmt: skip


def _previous(data: Mapping[str, Any]) -> Previous | None:
    key, signature = _optional(data, "previousDigestS3Object"), _optional(data, "previousDigestSignature")
    if key is None and signature is None:
        return None
    if key is None or signature is None:
        raise BadDigest("it names a digest before it without its place or signature")
    return Previous(key, _hash(data, "previousDigestHashValue", "previousDigestHashAlgorithm"), signature)


def _logs(data: Mapping[str, Any]) -> tuple[Named, ...]:
    held = data.get("logFiles")
    if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
        raise BadDigest("logFiles is not a list of objects")
    return tuple(Named(_text(one, "s3Object"), _hash(one, "hashValue", "hashAlgorithm")) for one in held)


def _hash(data: Mapping[str, Any], value: str, algorithm: str) -> str | None:
    text = data.get(value)
    known = data.get(algorithm) == "SHA-256" and isinstance(text, str) and _HEX.fullmatch(text.lower())
    return str(text).lower() if known else None


def _text(data: Mapping[str, Any], member: str) -> str:
    value = data.get(member)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise BadDigest(f"{member} is missing or not a text")
    return value


def _optional(data: Mapping[str, Any], member: str) -> str | None:
    return None if data.get(member) is None else _text(data, member)


def _time(text: str) -> datetime:
    at = _stamp(text, "%Y-%m-%dT%H:%M:%SZ")
    if at is None:
        raise BadDigest(f"{text!r} is not a time")
    return at


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that CloudTrail signs with, and when it was valid."""

    fingerprint: str
    public: RSAPublicKey
    start: datetime
    end: datetime

    def held(self, at: datetime) -> bool:
        return self.start - ROTATION <= at <= self.end + ROTATION


def read_keys(data: Any) -> list[Key]:
    """The keys that `aws cloudtrail list-public-keys` prints. Raises ValueError, which says what is wrong."""
    listed = data.get("PublicKeyList") or data.get("publicKeyList") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not listed:
        raise ValueError("there is no PublicKeyList in it, as aws cloudtrail list-public-keys prints it")
    return [_key(one, index) for index, one in enumerate(listed)]


def _key(data: Any, index: int) -> Key:
    try:
        public = load_der_public_key(binascii.a2b_base64(data["Value"], strict_mode=True))
        fingerprint, start, end = data["Fingerprint"], _moment(data["ValidityStartTime"]), _moment(data["ValidityEndTime"])
    except (KeyError, TypeError, ValueError, UnsupportedAlgorithm, OverflowError) as error:
        raise ValueError(f"PublicKeyList[{index}] is not a public key as AWS prints it: {type(error).__name__} {error}") from error
    if not isinstance(public, RSAPublicKey) or not isinstance(fingerprint, str):
        raise ValueError(f"PublicKeyList[{index}] is not an RSA key with a fingerprint")  # noqa: TRY004  the value is wrong
    return Key(fingerprint, public, start, end)


def _moment(value: Any) -> datetime:
    """A time as the CLI prints it: RFC 3339, or seconds since 1970, which older versions print."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except ValueError:
        at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return at.astimezone(UTC)


def verify(digest: Digest, signatures: Iterable[str], keys: Sequence[Key]) -> tuple[bool | None, str]:
    """Whether CloudTrail signed a digest, and why not: None where nothing shows it either way.

    The key must have been valid when the digest was made; that is not asked of backfill digests, which are made later.
    """
    given = sorted(set(signatures))
    if digest.algorithm != "SHA256withRSA":
        return None, f"it is signed with {digest.algorithm}, which is not known here"
    if not keys:
        return None, "no public keys were given (--public-keys)"
    fitting = [key for key in keys if key.fingerprint == digest.fingerprint]
    if not fitting:
        return None, f"the public key {digest.fingerprint} is not among those given"
    if not digest.backfill and not (fitting := [key for key in fitting if key.held(digest.end)]):
        return None, f"the public key {digest.fingerprint} was not valid then"
    if not given:
        return None, "nothing that was given holds its signature; the newest digest's is in the object's metadata (head-object)"
    text = digest.signed_text()
    if any(_fits(text, signature, key) for signature in given for key in fitting):
        return True, ""
    return False, "its signature is not CloudTrail's"


def _fits(text: bytes, signature: str, key: Key) -> bool:
    try:
        key.public.verify(bytes.fromhex(signature), text, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
