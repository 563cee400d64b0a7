"""Endpoints as an inspection leaves them, whole, and the estates they stand in."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.judge import Bound, bind, judge
from checks.model import GLOBAL, Estate, Finding, Manifest, Resource, Scope
from checks.tls import endpoint
from checks.tls.certificate import FAULTS
from checks.tls.crl import revocation
from checks.tls.strength import derived
from tests.agent.road import shipped

BOOK = shipped()
RULES = {name: rule for name, rule in BOOK.rules.items() if rule.kind == endpoint.TYPE}
NOW = "2026-11-25T12:00:00Z"
REFUSED: dict[str, Any] = {"address": "203.0.113.8", "outcome": "refused", "detail": "Connection refused"}


def address(**changes: Any) -> dict[str, Any]:
    """A server without fault, everything asked: TLS 1.3 and 1.2, a public certificate, HSTS, port 80 redirecting."""
    seen: dict[str, Any] = {
        "address": "203.0.113.7",
        "outcome": "inspected",
        "versions": {"ssl2": False, "ssl3": False, "tls10": False, "tls11": False, "tls12": True, "tls13": True},
        "refusals": {"tls11": "alert 70 (protocol_version)"},
        "suites": {"tls13": ["TLS_AES_256_GCM_SHA384"], "tls12": ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]},
        "enumerated": True,
        "groups": ["X25519MLKEM768", "x25519"],
        "hybrid_group": True,
        "client_certificate": False,
        "agreed": {"version": "TLSv1.3", "suite": "TLS_AES_256_GCM_SHA384", "bits": 256, "group": "X25519MLKEM768", "alpn": "http/1.1"},
        "certificate": certificate(),
        "other_certificates": [],
        "without_name": {"outcome": "alert", "good": True},
        "staple": {"present": True, "status": "good", "about_leaf": True, "current": True, "verified": True, "revoked": False},
        "speaks_http": True,
        "http": {
            "status": 200,
            "hsts": {"max_age": 63072000, "include_subdomains": True, "preload": True},
            "cookies": [{"name": "session", "secure": True}],
            "discloses": [],
        },
        "plain_http": {"answers": True, "status": 301, "redirects": True},
    }
    return _finished(seen | changes)


def _finished(seen: dict[str, Any]) -> dict[str, Any]:
    return seen | revocation(seen) | derived(seen)


def certificate(**changes: Any) -> dict[str, Any]:
    return {
        "subject": "CN=shop.example", "issuer": "CN=Public CA", "sha256": "aa", "key_sha256": "bb", "key_shared": False,
        "not_before": "2026-11-01T00:00:00Z", "not_after": "2027-01-29T23:59:59Z", "valid_now": True, "lifetime_days": 90,
        "days_left": 65, "lifetime_left_percent": 72, "names": ["shop.example"], "key_type": "RSA", "key_bits": 2048,
        "key_equivalent_bits": 2048, "curve": None, "signature": "sha256WithRSAEncryption", "signature_hash": "sha256",
        "signature_hash_bits": 256, "least_hash_bits": 256, "must_staple": False, "scts": 2, "ocsp": [], "crl": [], "chain": [],
        "trust": {
            "trusted": True, **dict.fromkeys(FAULTS, False), "public": True, "root": "CN=Root", "in_order": True, "root_sent": False,
            "allowed_days": 200, "detail": "",
        },
    } | changes  # fmt: skip


def trust(**changes: Any) -> dict[str, Any]:
    """The certificate with another verdict on its chain."""
    held = certificate()
    return {"certificate": held | {"trust": held["trust"] | changes}}


def data(*addresses: Mapping[str, Any], starttls: str | None = None, port: int = 443) -> dict[str, Any]:
    return endpoint.data("shop.example", port, starttls, "full", [_finished(dict(one)) for one in addresses] or [address()])


def estate(*held: Mapping[str, Any]) -> Estate:
    names = [f"shop-{number}.example:443" for number in range(len(held))]
    look = endpoint.listing(names, NOW)
    resources = tuple(
        Resource(name, endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, one, {}, (look.id,)) for name, one in zip(names, held, strict=True)
    )
    scope = Scope({endpoint.ACCOUNT: (GLOBAL,)}, (endpoint.TYPE,))
    return Estate(Manifest("upheld.estate/1", NOW, NOW, "test", {}, None, scope), {endpoint.TYPE: resources}, (look,), ())


def verdicts(held: Mapping[str, Any], bound: Sequence[Bound] | None = None) -> dict[str, str]:
    """Rule -> verdict on one endpoint; a rule that leaves it out has none."""
    return {finding.rule: str(finding.verdict) for finding in findings(held, bound)}


def findings(held: Mapping[str, Any], bound: Sequence[Bound] | None = None) -> Iterator[Finding]:
    yield from judge(estate(held), BOOK.catalogue, bound if bound is not None else bind(RULES.values(), [], every=True), {})


def broken(held: Mapping[str, Any]) -> set[str]:
    return {rule for rule, verdict in verdicts(held).items() if verdict == "broken"}


def without(held: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each member left out by itself, wherever it stands: (its path, the rest)."""

    def walk(value: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
        items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for step, below in items:
            yield (*steps, step)
            yield from walk(below, (*steps, step))

    for steps in walk(held, ()):
        if isinstance(steps[-1], str):
            less: Any = copy.deepcopy(dict(held))
            holder = less
            for step in steps[:-1]:
                holder = holder[step]
            del holder[steps[-1]]
            yield ".".join(map(str, steps)), less
