"""Words that promises use of TLS, as numbers and names that can be compared."""

from __future__ import annotations

import re

from checks.functions.declare import DataError, function

_VERSIONS = {"1.0": 10, "1.1": 11, "1.2": 12, "1.3": 13}
_SPELLINGS = {"sslv3": 3, "tlsv10": 10, "tlsv11": 11, "tlsv12": 12, "tlsv13": 13}
_HASHES = {"md5": 128, "sha1": 160, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512}
_SIGNATURE = re.compile(r"(md5|sha[0-9]+)(?:with(rsa|ecdsa|dsa))?(?:encryption)?")


@function(returns="int", version="string")
def tls_version(version: str) -> int:
    """A TLS version as a number, for parameters to be compared with: tls_version('1.2') is 12.

    `version`: '1.0' to '1.3', with or without 'TLS' and a 'v' before it; 'TLSv1' is OpenSSL's name for 1.0, which logs repeat.
    'tlsv10' to 'tlsv13' are how network load balancers write them, and 'SSLv3', which is 3 and so below all of them, is what
    CloudFront and classic load balancers may have spoken.

    DataError: any other text.
    Source: RFC 2246, 4346, 5246, 8446 and 6101; ELB user guide, "Access logs for your Network Load Balancer",
    tls_protocol_version; CloudFront developer guide, "Supported protocols and ciphers between viewers and CloudFront".
    """
    text = version.strip().lower()
    if text in _SPELLINGS:
        return _SPELLINGS[text]
    number = re.sub(r"^tls\s*v?", "", text)
    if number == "1" != text:
        return _VERSIONS["1.0"]
    if number not in _VERSIONS:
        raise DataError(f"{version!r} is no version of TLS: write 1.2 or 1.3")
    return _VERSIONS[number]


@function(returns="int", signature="string")
def hash_bits(signature: str) -> int:
    """The length of the hash in the name of a signature: hash_bits('SHA256withRSA') is 256, and so is that of 'sha256'.

    DataError: a name without a hash that is known.
    Source: FIPS 180-4; the names are those of the Java Security Standard Algorithm Names (Signature) and of RFC 4055.
    """
    return _HASHES[_parts(signature)[0]]


@function(returns="bool", named="string", seen="string")
def is_signature(named: str, seen: str) -> bool:
    """Whether a signature algorithm that was seen is the one that is named, by the letter of the name.

    `named`: a hash ('sha256'), or a hash and a kind of key ('SHA256withRSA'); `seen`: the algorithm's name as its standard
    writes it ('sha256WithRSAEncryption', 'ecdsa-with-SHA256').

    DataError: a name without a hash that is known. What was seen and is of another form is not the one that is named.
    Source: RFC 4055, RFC 5758; Java Security Standard Algorithm Names, Signature.
    """
    hash_, key = _parts(named)
    plain = re.sub(r"[^a-z0-9]", "", seen.lower())
    ecdsa = re.fullmatch(r"(ecdsa|dsa)with(sha[0-9]+)", plain)
    found = (ecdsa[2], ecdsa[1]) if ecdsa else (held[1], held[2]) if (held := _SIGNATURE.fullmatch(plain)) else ("", "")
    return found[0] == hash_ and key in {"", found[1]}


def _parts(name: str) -> tuple[str, str]:
    """(hash, kind of key or nothing) of a promised signature."""
    found = _SIGNATURE.fullmatch(re.sub(r"[^a-z0-9]", "", name.lower()))
    if found is None or found[1] not in _HASHES:
        raise DataError(f"{name!r} names no signature that is known: write sha256, or SHA256withRSA")
    return found[1], found[2] or ""
