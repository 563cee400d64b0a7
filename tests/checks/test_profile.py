"""Profiles: what a standard asks for, held against the rules that there are."""

from __future__ import annotations

import pytest

from agent.rulebook import load_profiles
from checks import document, profile
from checks.document import DocumentError
from checks.judge import key
from tests.checks.tls.endpoints import BOOK, RULES, address, certificate, data, findings, verdicts

PROFILES = load_profiles(BOOK)
TEXT = """
schema: upheld.profile/1
id: house-1
title: House rules
version: "1"
date: "2026-11-01"
source: an internal page
rules:
  tls-protocol-no-tls13: {at: chapter 1, severity: critical}
  tls-certificate-weak-key: {at: chapter 2, params: {min_key_bits: 3072}}
"""


def load(text: str) -> profile.Profile:
    return profile.read(document.parse(text, "house.yaml"), BOOK.rules)


def test_a_profile_gives_its_rules_their_parameters_and_severities() -> None:
    bound = {one.rule.id: one for one in load(TEXT).bind(BOOK.rules)}
    assert bound["tls-protocol-no-tls13"].rule.file.severity == "critical"
    assert bound["tls-certificate-weak-key"].params == {"min_key_bits": 3072}
    assert bound["tls-certificate-weak-key"].rule.file.severity == BOOK.rules["tls-certificate-weak-key"].file.severity


def test_a_finding_under_a_profile_is_as_severe_as_the_profile_says() -> None:
    held = data(address(versions={"tls12": True, "tls13": False}, agreed={"version": "TLSv1.2"}))
    found = {one.rule: (str(one.verdict), one.severity) for one in findings(held, load(TEXT).bind(BOOK.rules))}
    assert found == {"tls-protocol-no-tls13": ("broken", "critical"), "tls-certificate-weak-key": ("broken", "high")}


def test_the_same_rule_under_other_parameters_is_another_finding() -> None:
    strict = {one.rule.id: one for one in load(TEXT).bind(BOOK.rules)}["tls-certificate-weak-key"]
    lax = {one.rule.id: one for one in PROFILES["rfc-9325"].bind(BOOK.rules)}["tls-certificate-weak-key"]
    assert key(strict) != key(lax)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("tls-protocol-no-tls13:", "tls-protocol-tls14:", 9),
        ("{min_key_bits: 3072}", "{min_key_bits: many}", 10),
        ("{min_key_bits: 3072}", "{max_key_bits: 3072}", 10),
        ("severity: critical", "severity: fatal", 9),
        ("at: chapter 1, ", "", 9),
        ('date: "2026-11-01"', "date: lately", 6),
        ("source: an internal page", "origin: an internal page", 2),
    ],
)
def test_what_a_profile_does_not_say_well_is_an_error_with_its_line(before: str, after: str, line: int) -> None:
    with pytest.raises(DocumentError) as error:
        load(TEXT.replace(before, after))
    assert error.value.line == line


def test_the_shipped_profiles_are_dated_and_name_where_they_come_from() -> None:
    assert set(PROFILES) == {
        "mozilla-6.0-intermediate", "mozilla-6.0-modern", "rfc-9325", "nist-sp-800-52r2", "pci-dss-4.0.1", "bsi-tr-02102-2",
    }  # fmt: skip
    for one in PROFILES.values():
        assert one.beyond, f"{one.id} does not say what it leaves unjudged"
        assert set(one.rules) <= set(RULES)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_asks_for_what_nobody_disputes(name: str) -> None:
    assert {"tls-protocol-ssl3", "tls-protocol-tls10", "tls-cipher-null", "tls-cipher-rc4", "tls-certificate-expired"} <= set(
        PROFILES[name].rules
    )


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_modern_server_keeps_every_profile_that_it_can(name: str) -> None:
    tls13 = address(
        versions={"ssl2": False, "ssl3": False, "tls10": False, "tls11": False, "tls12": False, "tls13": True},
        suites={"tls13": ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"]},
        certificate=certificate(key_type="EC", key_bits=256, key_equivalent_bits=3072, curve="secp256r1", signature="ecdsa-with-SHA256"),
    )
    found = verdicts(data(tls13), PROFILES[name].bind(BOOK.rules))
    assert {rule: held for rule, held in found.items() if held != "upheld"} == {}


def test_profiles_part_where_their_standards_do() -> None:
    """An RSA key of 2048 bits, TLS 1.2, suites with 128 bits: enough for some."""
    held = address()
    held["suites"] = {"tls13": ["TLS_AES_128_GCM_SHA256"], "tls12": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}
    broken = {
        name: {rule for rule, verdict in verdicts(data(held), one.bind(BOOK.rules)).items() if verdict == "broken"}
        for name, one in PROFILES.items()
    }
    assert broken["mozilla-6.0-intermediate"] == broken["rfc-9325"] == broken["pci-dss-4.0.1"] == broken["nist-sp-800-52r2"] == set()
    assert broken["bsi-tr-02102-2"] == {"tls-certificate-weak-key"}
    assert broken["mozilla-6.0-modern"] == {"tls-protocol-tls12", "tls-cipher-not-listed", "tls-certificate-weak-key"}
