"""How strong what a server accepts is: facts that rules ask for and no expression could derive.

A weakness that was seen is a fact at once. That there is none is one only where everything that could show it was asked
for and answered: every version's suites to the last, or, in quick mode, an offer of nothing else that was refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from checks.tls.suites import SUITES, Suite

BY_NAME: Mapping[str, Suite] = {suite.name: suite for suite in SUITES.values()}
_VERSIONS = ("ssl3", "tls10", "tls11", "tls12", "tls13")
"""Versions whose suites are those of TLS; SSL 2 has ciphers of its own."""
_SSL2_BITS = (("EXPORT40", 40), ("DES_64", 56), ("DES_192", 112), ("", 128))
"""What a cipher kind's name tells -> its effective key length."""
_EPHEMERAL = frozenset({"dhe", "ecdhe", "dhe-psk", "ecdhe-psk", "tls13", "pwd"})
_AGREED = {"TLSv1.3": "tls13", "TLSv1.2": "tls12", "TLSv1.1": "tls11", "TLSv1": "tls10"}
"""Versions as OpenSSL writes them (SSL_get_version(3))."""
_SPOKEN = frozenset({"inspected", "alert"})
_OF_SSL2_TOO = ("export", "des", "rc4", "small_block")
"""What an offer of forbidden suites alone asks for, and SSL 2 has ciphers of."""


def derived(seen: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the facts of one address (`versions`, `suites`, `forbidden_offered`, ...): more facts, to be added to them.

    `weak`: each weakness by itself; `seen_bits`: the least effective key length of any suite that was seen, and `least_bits`:
    of any that there is; `plaintext` and `offers_starttls`.
    """
    facts: dict[str, Any] = {}
    if versions := _versions(seen):
        facts["versions"] = versions
    accepted = {version: [BY_NAME.get(name) for name in names] for version, names in seen.get("suites", {}).items() if version != "ssl2"}
    glimpsed = [BY_NAME[name] for name in seen.get("glimpsed", ()) if name in BY_NAME]
    known = [*(suite for held in accepted.values() for suite in held if suite is not None), *glimpsed]
    ssl2 = seen.get("suites", {}).get("ssl2", ())
    whole = _whole(versions, accepted)
    weak = _weak(known, ssl2, whole=whole, speaks_ssl2=versions.get("ssl2", False)) | _lacking_aead(versions, accepted, glimpsed)
    if seen.get("forbidden_offered") is False and versions.get("tls11") is False and versions.get("tls10") is False:
        weak = {**dict.fromkeys(_unoffered(versions), False), **weak}
    if weak:
        facts["weak"] = weak
    if lengths := [*(suite.bits for suite in known), *map(_ssl2_bits, ssl2)]:
        facts["seen_bits"] = min(lengths)
        facts |= {"least_bits": facts["seen_bits"]} if whole else {}
    if "hybrid_group" not in seen and versions.get("tls13") is False:
        facts["hybrid_group"] = False  # the hybrid groups are TLS 1.3's (draft-ietf-tls-ecdhe-mlkem)
    return facts | _transport(seen)


def _unoffered(versions: Mapping[str, bool]) -> Iterator[str]:
    """The weaknesses that a refused offer of forbidden suites proves absent: it asks neither SSL 2, nor TLS 1.3, which has suites
    without encryption (RFC 9150)."""
    yield "anonymous"
    if versions.get("ssl2") is False:
        yield from _OF_SSL2_TOO
    if versions.get("tls13") is False:
        yield "unencrypted"


def _versions(seen: Mapping[str, Any]) -> dict[str, bool]:
    """The versions that were asked for, and the one that a real handshake agreed on."""
    agreed = _AGREED.get(seen.get("agreed", {}).get("version", ""))
    return {**seen.get("versions", {}), **({agreed: True} if agreed else {})}


def _whole(versions: Mapping[str, bool], accepted: Mapping[str, list[Suite | None]]) -> bool:
    """Whether every version was asked for, and each that is spoken told all its suites, which are all known."""
    if not all(version in versions for version in ("ssl2", *_VERSIONS)):
        return False
    return all(version in accepted and None not in accepted[version] for version in _VERSIONS if versions[version])


def _ssl2_bits(name: str) -> int:
    return next(bits for word, bits in _SSL2_BITS if word in name)


def _weak(known: Iterable[Suite], ssl2: Iterable[str], *, whole: bool, speaks_ssl2: bool) -> dict[str, bool]:
    held = list(known)
    seen = {
        "unencrypted": any(suite.bits == 0 for suite in held),
        "anonymous": any(not suite.authenticated for suite in held),
        "export": any(suite.export for suite in held) or any("EXPORT" in name for name in ssl2),
        "des": any(_single_des(suite.name) for suite in held) or any("DES_64" in name for name in ssl2),
        "rc4": any("RC4" in suite.name for suite in held) or any("RC4" in name for name in ssl2),
        "small_block": any(suite.small_block and not _single_des(suite.name) for suite in held) or any(map(_small_ssl2_block, ssl2)),
        "static_keys": any(suite.exchange not in _EPHEMERAL for suite in held) or speaks_ssl2,
        "cbc": any(suite.cbc for suite in held) or any("CBC" in name for name in ssl2),
        "ffdhe": any(suite.exchange in {"dhe", "dhe-psk"} for suite in held),
    }
    return {name: found for name, found in seen.items() if found or whole}


def _small_ssl2_block(name: str) -> bool:
    return "CBC" in name and "DES_64" not in name  # RC2, IDEA and 3DES


def _single_des(name: str) -> bool:
    return "DES" in name and "3DES" not in name


def _lacking_aead(versions: Mapping[str, bool], accepted: Mapping[str, list[Suite | None]], glimpsed: Iterable[Suite]) -> dict[str, bool]:
    """Whether TLS 1.2 is spoken without one suite that authenticates what it encrypts."""
    if versions.get("tls12") is False or any(suite.aead and not suite.tls13 for suite in glimpsed):
        return {"no_aead": False}
    held = accepted.get("tls12")
    if held is None or (None in held and not any(suite is not None and suite.aead for suite in held)):
        return {}
    return {"no_aead": not any(suite is not None and suite.aead for suite in held)}


def _transport(seen: Mapping[str, Any]) -> dict[str, bool]:
    """Whether the port speaks in the clear: known only of a server that answered."""
    outcome = seen.get("outcome")
    if outcome in _SPOKEN:
        return {"plaintext": False, "offers_starttls": True}
    if outcome == "plaintext":
        return {"plaintext": True}
    return {"offers_starttls": False} if outcome == "no-starttls" else {}
