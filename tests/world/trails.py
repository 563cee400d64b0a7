"""Trails of a fictional account: signed digests and the log files they name, in the folders that CloudTrail delivers to."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACCOUNT, REGION, BUCKET = "111122223333", "eu-central-1", "mb-trail"
START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@functools.cache
def signer(number: int = 0) -> rsa.RSAPrivateKey:
    """A key pair as CloudTrail has one, a new one for each number."""
    assert number >= 0
    return rsa.generate_private_key(65537, 2048)


def fingerprint(number: int) -> str:
    return f"{number:032x}"


def key_list(*numbers: int, start: datetime = START - 48 * HOUR, end: datetime = START + 480 * HOUR) -> dict[str, Any]:
    """What `aws cloudtrail list-public-keys` prints."""
    keys = []
    for number in numbers:
        der = signer(number).public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
        keys.append(
            {
                "Value": base64.b64encode(der).decode(),
                "ValidityStartTime": start.isoformat(),
                "ValidityEndTime": end.isoformat(),
                "Fingerprint": fingerprint(number),
            }
        )
    return {"PublicKeyList": keys}


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Delivered:
    """A digest that was delivered: its object's key, its contents, its signature, the log files it names."""

    key: str
    raw: bytes
    signature: str
    logs: list[str] = field(default_factory=list)


@dataclass
class Trail:
    """Delivers below `root`, as `aws s3 sync` writes it, hour by hour."""

    root: Path
    account: str = ACCOUNT
    region: str = REGION
    name: str = "company"
    now: datetime = START
    last: Delivered | None = None
    last_backfill: Delivered | None = None
    delivered: list[Delivered] = field(default_factory=list)

    def path(self, key: str) -> Path:
        return self.root / key

    def hours(self, count: int, *, logs: int = 2, key: int = 0) -> Trail:
        for _ in range(count):
            self.digest([self.log(self.now + timedelta(minutes=20 + 5 * index)) for index in range(logs)], key=key)
        return self

    def log(self, at: datetime, records: list[dict[str, Any]] | None = None, *, mark: str = "") -> str:
        day, stamp = at.strftime("%Y/%m/%d"), at.strftime("%Y%m%dT%H%MZ")
        tag = hashlib.sha256(f"{stamp}{mark}".encode()).hexdigest()[:16]
        key = f"AWSLogs/{self.account}/CloudTrail/{self.region}/{day}/{self.account}_CloudTrail_{self.region}_{stamp}_{tag}.json.gz"
        held = records if records is not None else [{"eventTime": text(at), "eventName": "DescribeInstances"}]
        self.write(key, json.dumps({"Records": held}).encode())
        return key

    def write(self, key: str, raw: bytes) -> None:
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(raw, mtime=0))

    def digest(self, logs: list[str], *, key: int = 0, backfill: datetime | None = None, anew: bool = False) -> Delivered:
        """Deliver the digest of the next hour; `backfill` is the end of the hour that one is written for later."""
        end = backfill or self.now + HOUR
        previous = None if anew else self.last_backfill if backfill else self.last
        object_key = self.digest_key(end, backfill=backfill is not None)
        body = {
            "awsAccountId": self.account,
            "digestStartTime": text(end - HOUR),
            "digestEndTime": text(end),
            "digestS3Bucket": BUCKET,
            "digestS3Object": object_key,
            "digestPublicKeyFingerprint": fingerprint(key),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": text(end),
            "oldestEventTime": text(end - HOUR),
            "previousDigestS3Bucket": BUCKET if previous else None,
            "previousDigestS3Object": previous.key if previous else None,
            "previousDigestHashValue": hashlib.sha256(previous.raw).hexdigest() if previous else None,
            "previousDigestHashAlgorithm": "SHA-256" if previous else None,
            "previousDigestSignature": previous.signature if previous else None,
            "logFiles": [self._named(log) for log in logs],
        }
        made = self.deliver(object_key, body, key=key, logs=logs)
        if backfill:
            self.last_backfill = made
        else:
            self.last, self.now = made, end
        return made

    def digest_key(self, end: datetime, *, backfill: bool = False) -> str:
        name = f"{self.account}_CloudTrail-Digest_{self.region}_{self.name}_{REGION}_{end.strftime('%Y%m%dT%H%M%SZ')}"
        folder = f"AWSLogs/{self.account}/CloudTrail-Digest/{self.region}/{end.strftime('%Y/%m/%d')}"
        return f"{folder}/{name}{'_backfill' if backfill else ''}.json.gz"

    def deliver(self, object_key: str, body: dict[str, Any], *, key: int, logs: list[str]) -> Delivered:
        """Write a digest and its object's metadata, signed over what AWS documents: end, place, hash, signature before."""
        raw = json.dumps(body).encode()
        signed = "\n".join(
            [
                body["digestEndTime"],
                f"{BUCKET}/{object_key}",
                hashlib.sha256(raw).hexdigest(),
                body["previousDigestSignature"] or "null",
            ]
        )
        signature = signer(key).sign(signed.encode(), padding.PKCS1v15(), SHA256()).hex()
        self.write(object_key, raw)
        head = {"Metadata": {"signature": signature, "signature-algorithm": "SHA256withRSA"}}
        self.path(object_key + ".head.json").write_text(json.dumps(head))
        made = Delivered(object_key, raw, signature, logs)
        self.delivered.append(made)
        return made

    def remove(self, *keys: str) -> None:
        """Delete objects, and what was saved of their metadata."""
        for key in keys:
            self.path(key).unlink()
            self.path(key + ".head.json").unlink(missing_ok=True)

    def _named(self, log: str) -> dict[str, str]:
        raw = gzip.decompress(self.path(log).read_bytes())
        return {
            "s3Bucket": BUCKET,
            "s3Object": log,
            "hashValue": hashlib.sha256(raw).hexdigest(),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": text(self.now),
            "oldestEventTime": text(self.now),
        }
