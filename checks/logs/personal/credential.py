"""What opens an account: keys and tokens that are known by their form."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Final

from checks.logs.personal.pattern import Candidate, Pattern, escaped, whole, withheld

_HEADER: Final = 4096
"""Longer headers are none that anybody issues."""
_TOKEN: Final = rb"[0-9A-Za-z._~+/-]"


def _decoded(text: bytes) -> bytes:
    """Base64 in either alphabet, with or without padding; nothing for what is none."""
    try:
        return base64.b64decode(text.translate(_URL_SAFE).rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def _web_token(candidate: Candidate) -> bytes | None:
    header = candidate.value.partition(b".")[0]
    if len(header) > _HEADER:
        return None
    try:
        held = json.loads(_decoded(header))
    except (ValueError, RecursionError):
        return None
    return candidate.value if isinstance(held, dict) and isinstance(held.get("alg"), str) else None


def _bearer(candidate: Candidate) -> bytes | None:
    value = candidate.value
    return None if withheld(value) or escaped(value) or not any(byte in b"0123456789" for byte in value) else value


def _basic(candidate: Candidate) -> bytes | None:
    try:
        user, _, word = _decoded(candidate.value).decode().partition(":")
    except UnicodeDecodeError:
        return None
    return candidate.value if user and word and (user + word).isprintable() and not withheld(word.encode()) else None


def _key(candidate: Candidate) -> bytes | None:
    return None if withheld(candidate.value[-16:]) else whole(candidate)


def _private(candidate: Candidate) -> bytes | None:
    held = b"".join(candidate.value.split())
    return None if withheld(held) else held


JWT: Final = Pattern(
    "jwt",
    "a JSON Web Token whose header names its algorithm",
    "credential",
    rb"[^0-9A-Za-z_-](?P<value>ey[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{2,}\.[0-9A-Za-z_-]*)",
    _web_token,
    ("?t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYXJrZXIifQ." + "bWFya2VyLW9mLXVwaGVsZA",),
    "RFC 7519; RFC 7515, 4.1.1 and 7.1",
    identifies=True,
)
BEARER: Final = Pattern(
    "bearer",
    "a bearer token as it is sent",
    "credential",
    rb"(?i)[^0-9A-Za-z]bearer[ +](?P<value>" + _TOKEN + rb"{16,}=*)",
    _bearer,
    ("authorization: Bearer " + "marker0of1upheld2token3",),
    "RFC 6750, 2.1",
    identifies=True,
)
BASIC: Final = Pattern(
    "basic",
    "a name and password as they are sent",
    "credential",
    rb"(?i)[^0-9A-Za-z]basic[ +](?P<value>[0-9A-Za-z+/]{6,}=*)",
    _basic,
    ("authorization: Basic " + "bWFya2VyOnVwaGVsZA==",),
    "RFC 7617, 2",
    identifies=True,
)
AWS_KEY_ID: Final = Pattern(
    "aws-access-key-id",
    "the id of an AWS access key, for long (AKIA) or for a time (ASIA)",
    "credential",
    rb"[^0-9A-Za-z](?P<value>A[KS]IA[A-Z2-7]{16})",
    _key,
    ("?X-Amz-Credential=" + "AKIA" + "MARKEROFUPHELD2A/20261120/eu-central-1/s3/aws4_request",),
    'IAM user guide, "IAM identifiers", Understanding unique ID prefixes; length and alphabet of those that are issued as gitleaks has them',
    identifies=True,
)
AWS_SECRET: Final = Pattern(
    "aws-secret-access-key",
    "an AWS secret access key, by its name",
    "credential",
    rb"(?i)(?P<name>secret_?access_?key)[\"']{0,2} ?[=:] ?[\"']?(?P<value>[0-9A-Za-z/+]{40})",
    _key,
    ('"secretAccessKey":"' + "marker/of+upheld0123456789abcdefghijklmn" + '"',),
    'IAM API reference, "AccessKey"; 40 characters as in its example',
)
PRIVATE_KEY: Final = Pattern(
    "private-key",
    "a private key in its textual encoding",
    "credential",
    rb"(?P<value>-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[^-\n]{16,64})",
    _private,
    ("-----BEGIN " + "PRIVATE KEY-----\\nTUFSS0VSIG9mIHVwaGVsZCBubyBrZXk",),
    "RFC 7468, 10 and 11; RFC 9580, 6.2",
)
API_KEY: Final = Pattern(
    "api-key",
    "a key or token of a service that is known by its prefix",
    "credential",
    rb"[^0-9A-Za-z](?P<value>"
    rb"gh[pousr]_[0-9A-Za-z._-]{36,}|github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}"  # GitHub: "Authentication token format updates"
    rb"|gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct)-[0-9A-Za-z._-]{20,}"  # GitLab: "Token overview"
    rb"|xox[abposr]-[0-9A-Za-z-]{20,}|xapp-[0-9]-[0-9A-Za-z-]{20,}"  # Slack: "Tokens"
    rb"|[sr]k_live_[0-9A-Za-z]{10,}"  # Stripe: "API keys"
    rb"|AIza[0-9A-Za-z_-]{35}"  # Google: API keys as gitleaks has them
    rb"|SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}"  # SendGrid: API keys as gitleaks has them
    rb")",
    _key,
    tuple("?k=" + one for one in (
        "ghp" + "_0123456789abcdefghijklmnopqrstuvwxyz", "glpat" + "-0123456789abcdefghij", "xoxb" + "-0123456789-marker-of-upheld",
        "sk_" + "live_0123456789abcdefghij", "AIza" + "0123456789abcdefghijklmnopqrstuvwxy",
        "SG" + ".0123456789abcdefghijkl.0123456789abcdefghijklmnopqrstuvwxyz0123456",
    )),
    "each service's own documentation, named beside its prefix",
)  # fmt: skip
