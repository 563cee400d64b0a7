"""What is told of a chain: each fault by itself, and nothing of what could not be told."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from checks.tls.certificate import FAULTS, UNTOLD, Roots, examine
from tests.checks.tls.authority import NOW, authority, der, ec_key, rsa_key
from tests.world.tls_certificates import issue

ROOT = authority()
ROOTS = Roots((), (ROOT.certificate,))


def trust(*chain: x509.Certificate, host: str = "shop.example", roots: Roots = ROOTS) -> dict[str, Any]:
    held: dict[str, Any] = examine(der(*chain), host, NOW, roots)["trust"]
    return held


def faults(held: dict[str, Any]) -> set[str]:
    return {name for name in FAULTS if held.get(name)}


def test_a_good_chain_is_trusted_and_each_fault_is_known_to_be_absent() -> None:
    held = trust(ROOT.leaf(ec_key()))
    assert held["trusted"]
    assert {name: held[name] for name in FAULTS} == dict.fromkeys(FAULTS, False)


@pytest.mark.parametrize(
    ("leaf", "fault"),
    [
        (ROOT.leaf(ec_key(), start=NOW - timedelta(days=100), days=90), "expired"),
        (ROOT.leaf(ec_key(), start=NOW + timedelta(days=2)), "not_yet_valid"),
        (ROOT.leaf(ec_key(), "other.example"), "wrong_name"),
        (authority(name="Nobody").leaf(ec_key()), "missing_intermediate"),
        (authority(rsa_key(), "shop.example").certificate, "self_signed"),
    ],
)
def test_a_fault_is_named_and_what_it_hides_is_not_told(leaf: x509.Certificate, fault: str) -> None:
    held = trust(leaf)
    assert not held["trusted"]
    assert fault in faults(held)
    assert not set(UNTOLD) & set(held)


def test_a_root_that_is_sent_and_that_nobody_trusts_is_told_from_a_missing_link() -> None:
    other = authority(name="Other Root")
    assert faults(trust(other.leaf(ec_key()), other.certificate)) == {"untrusted_root"}


def test_of_a_certificate_that_cannot_be_read_nothing_else_is_known() -> None:
    assert set(examine([b"no certificate"], "shop.example", NOW, ROOTS)["trust"]) == {"trusted", "unreadable", "detail"}
    assert examine([], "shop.example", NOW, ROOTS)["trust"]["unreadable"] is True


def test_an_issuer_that_two_authorities_certified_is_trusted_by_the_one_that_is_known() -> None:
    key = ec_key()
    known, forgotten = issue("Known Root", None, authority=True, days=900), issue("Forgotten Root", None, authority=True, days=900)
    first, second = (issue("Issuer", root, authority=True, key=key) for root in (forgotten, known))
    leaf = issue("shop.example", first, names=("shop.example",))
    found = examine([leaf.der, first.der, second.der], "shop.example", datetime.now(UTC), Roots((known.certificate,)))["trust"]
    assert (found["trusted"], found["untrusted_root"], found["public"]) == (True, False, True)
    alone = examine([leaf.der, first.der], "shop.example", datetime.now(UTC), Roots((known.certificate,)))["trust"]
    assert (alone["trusted"], alone["untrusted_root"]) == (False, True)


def test_a_crowd_of_certificates_that_certify_each_other_is_left_before_long() -> None:
    key = ec_key()
    root = issue("Crowd", None, authority=True, key=key)
    crowd = [issue("Crowd", root, authority=True, key=key).der for _ in range(200)]
    leaf = issue("shop.example", root, names=("shop.example",))
    begun = time.process_time()
    found = examine([leaf.der, *crowd], "shop.example", datetime.now(UTC), Roots(()))["trust"]
    assert found["untrusted_root"] is True
    assert time.process_time() - begun < 5
