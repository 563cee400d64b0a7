"""The shipped rules over whole endpoints: nothing false on a good one, each fault under its own name, nothing upheld unseen."""

from __future__ import annotations

from typing import Any, get_args

import jsonschema
import pytest

from checks.judge import Bound, bind
from checks.model import Reading
from checks.verdict import Verdict
from tests.checks.tls.endpoints import BOOK, REFUSED, RULES, address, broken, certificate, data, findings, trust, verdicts, without

SCHEMA = BOOK.catalogue["tls.endpoint"].json_schema()
ONLY_IF = {
    "tls-transport-no-starttls", "tls-protocol-tls12", "tls-certificate-min-days", "tls-cipher-not-listed", "tls-key-exchange-not-listed",
    "tls-certificate-other", "tls-dns-no-caa", "tls-dns-caa-other-authority",
}  # fmt: skip
"""Rules about what a web server with one certificate, without promises or profiles, has not, and about what is asked for only where somebody wants to know."""


def older(*suites: str, **versions: bool) -> dict[str, Any]:
    """TLS 1.2 with other suites; and other versions, with the same."""
    held = address()
    spoken = {key: list(suites) for key, held in versions.items() if held and key.startswith("tls1") and key != "tls13"}
    good = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    return held | {
        "versions": held["versions"] | versions,
        "suites": {"tls13": held["suites"]["tls13"], "tls12": [good, *suites], **spoken},
    }


def with_certificate(**changes: Any) -> dict[str, Any]:
    return address(certificate=certificate(**changes))


def http(**changes: Any) -> dict[str, Any]:
    return address(http=address()["http"] | changes)


FAULTY: dict[str, dict[str, Any]] = {
    "tls-protocol-ssl3": address(versions=address()["versions"] | {"ssl3": True}),
    "tls-protocol-tls10": older("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", tls10=True),
    "tls-protocol-tls11": older("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", tls11=True),
    "tls-cipher-no-forward-secrecy": older("TLS_RSA_WITH_AES_256_GCM_SHA384"),
    "tls-cipher-cbc": older("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    "tls-cipher-rc4": older("TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    "tls-key-exchange-ffdhe": older("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384") | {"dh_bits": 2048},
    "tls-key-exchange-no-hybrid": address(hybrid_group=False, groups=["x25519"]),
    "tls-certificate-no-sni": address(without_name={"outcome": "inspected", "good": False, "trusted": False, "faults": ["wrong_name"]}),
    "tls-certificate-expired": address(**trust(expired=True)),
    "tls-certificate-not-yet-valid": address(**trust(not_yet_valid=True)),
    "tls-certificate-self-signed": address(**trust(self_signed=True)),
    "tls-certificate-untrusted-root": address(**trust(untrusted_root=True)),
    "tls-certificate-missing-intermediate": address(**trust(missing_intermediate=True)),
    "tls-certificate-wrong-name": address(**trust(wrong_name=True)),
    "tls-certificate-not-for-servers": address(**trust(no_server_use=True)),
    "tls-certificate-issuer-no-ca": address(**trust(issuer_is_no_ca=True)),
    "tls-certificate-chain-expired": address(**trust(chain_expired=True)),
    "tls-certificate-name-constraints": address(**trust(name_constraints=True)),
    "tls-certificate-malformed": address(**trust(malformed=True)),
    "tls-certificate-invalid": address(**trust(invalid=True)),
    "tls-certificate-order": address(**trust(in_order=False)),
    "tls-certificate-weak-key": with_certificate(key_bits=1024, key_equivalent_bits=1024),
    "tls-certificate-weak-signature": with_certificate(least_hash_bits=160, signature_hash_bits=160),
    "tls-certificate-lifetime": with_certificate(lifetime_days=398),
    "tls-certificate-expires-soon": with_certificate(days_left=5, lifetime_left_percent=6),
    "tls-certificate-must-staple": address(certificate=certificate(must_staple=True), staple={"present": False}),
    "tls-certificate-revoked": address(staple={"present": True, "status": "revoked", "about_leaf": True, "revoked": True}),
    "tls-certificate-key-reuse": with_certificate(key_shared=True),
    "tls-certificate-no-sct": with_certificate(scts=0),
    "tls-http-hsts": http(hsts=None),
    "tls-http-cookie-not-secure": http(cookies=[{"name": "session", "secure": False}]),
    "tls-http-discloses": http(discloses=["server: nginx/1.22.1"]),
    "tls-http-no-redirect": address(plain_http={"answers": True, "status": 200, "redirects": False}),
}
"""Rule -> an address that has this fault and no other."""

WORST = older("TLS_RSA_EXPORT_WITH_RC4_40_MD5", ssl3=True, tls10=True) | {
    "certificate": certificate(
        key_equivalent_bits=1024, least_hash_bits=160, must_staple=True, scts=0, days_left=2, lifetime_left_percent=2
    ),
    "staple": {"present": False},
    "http": {
        "hsts": {"max_age": 300, "preload": False, "include_subdomains": False},
        "cookies": [{"secure": False}],
        "discloses": ["x: 1"],
    },
    "plain_http": {"answers": True, "redirects": False},
}


def test_a_good_endpoint_breaks_nothing_and_leaves_nothing_open() -> None:
    found = verdicts(data())
    assert {rule: held for rule, held in found.items() if held != "upheld"} == {}
    assert set(RULES) - set(found) == ONLY_IF


@pytest.mark.parametrize("rule", FAULTY)
def test_a_fault_goes_by_its_own_name_and_by_no_other(rule: str) -> None:
    assert broken(data(FAULTY[rule])) == {rule}


@pytest.mark.parametrize("rule", FAULTY)
def test_a_fault_at_one_of_two_addresses_is_a_fault(rule: str) -> None:
    assert broken(data(address(), FAULTY[rule])) == {rule}


def test_faults_that_come_together_are_each_named() -> None:
    assert broken(data(older("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"))) == {
        "tls-cipher-export", "tls-cipher-des", "tls-cipher-bits", "tls-cipher-cbc", "tls-cipher-no-forward-secrecy",
    }  # fmt: skip
    assert broken(data(older("TLS_ECDH_anon_WITH_AES_128_CBC_SHA"))) == {"tls-cipher-anonymous", "tls-cipher-cbc"}
    assert broken(data(older("TLS_RSA_WITH_NULL_SHA256"))) == {"tls-cipher-null", "tls-cipher-bits", "tls-cipher-no-forward-secrecy"}
    assert broken(data(older("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384") | {"dh_bits": 1024})) == {
        "tls-key-exchange-ffdhe", "tls-key-exchange-weak-dh",
    }  # fmt: skip
    assert broken(data(older("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"))) == {"tls-cipher-3des", "tls-cipher-bits", "tls-cipher-cbc"}
    ssl2 = older(ssl2=True)
    ssl2["suites"]["ssl2"] = ["SSL_CK_RC4_128_WITH_MD5"]
    assert broken(data(ssl2)) == {"tls-protocol-ssl2", "tls-cipher-rc4", "tls-cipher-no-forward-secrecy"}
    assert broken(data(http(hsts={"max_age": 300, "include_subdomains": True, "preload": False}))) == {
        "tls-http-hsts-short", "tls-http-hsts-preload",
    }  # fmt: skip
    assert broken(data(address(certificate=certificate(names=[]) | trust(no_names=True)["certificate"] | {"names": []}))) == {
        "tls-certificate-no-names",
    }  # fmt: skip


@pytest.mark.parametrize("outcome", ["refused", "reset", "closed", "silent", "dripping", "unreachable", "not-tls", "alert"])
def test_nothing_is_proven_of_what_could_not_be_inspected(outcome: str) -> None:
    found = verdicts(data({"address": "203.0.113.7", "outcome": outcome, "detail": "as it was"}))
    known = {"tls-transport-plaintext"} if outcome == "alert" else set()  # who refuses with an alert speaks TLS
    assert {rule for rule, held in found.items() if held == "upheld"} == known
    assert {rule for rule, held in found.items() if held == "broken"} == set()
    assert len(found) > 40


def test_an_unproven_finding_says_what_became_of_the_endpoint() -> None:
    said = {finding.explanation for finding in findings(data(REFUSED)) if finding.rule == "tls-protocol-ssl3"}
    assert said == {'Not decided: versions is absent (addresses[].outcome is ["refused"], addresses[].detail is ["Connection refused"]).'}


def test_a_port_that_speaks_in_the_clear_breaks_what_is_about_that() -> None:
    found = verdicts(data({"address": "203.0.113.7", "outcome": "plaintext", "detail": "HTTP/1.1 400"}))
    assert {rule: held for rule, held in found.items() if held != "unproven"} == {"tls-transport-plaintext": "broken"}


def test_a_mail_server_that_offers_no_tls_breaks_what_is_about_that() -> None:
    found = verdicts(data({"address": "203.0.113.7", "outcome": "no-starttls", "detail": "no STARTTLS"}, starttls="smtp", port=25))
    assert {rule: held for rule, held in found.items() if held != "unproven"} == {"tls-transport-no-starttls": "broken"}


def test_one_address_that_could_not_be_inspected_leaves_all_of_it_open() -> None:
    assert "upheld" not in verdicts(data(address(), REFUSED)).values()


def test_a_quick_inspection_proves_what_was_refused_and_no_list() -> None:
    quick = {
        "address": "203.0.113.7",
        "outcome": "inspected",
        "versions": {"tls10": False, "tls11": False},
        "forbidden_offered": False,
        "hybrid_group": True,
        "agreed": {"version": "TLSv1.3", "bits": 128},
    }
    found = verdicts(data(quick))
    assert {rule for rule, held in found.items() if held == "upheld"} == {
        "tls-protocol-tls10", "tls-protocol-tls11", "tls-protocol-no-modern", "tls-protocol-no-tls13",
        "tls-cipher-anonymous", "tls-key-exchange-no-hybrid", "tls-transport-plaintext",
    }  # fmt: skip
    assert (
        found["tls-cipher-bits"]
        == found["tls-cipher-null"]
        == found["tls-cipher-no-forward-secrecy"]
        == found["tls-protocol-ssl3"]
        == "unproven"
    )


@pytest.mark.parametrize("held", [data(), data(WORST), data(REFUSED), data(FAULTY["tls-http-hsts"])])
def test_a_member_that_is_not_seen_moves_a_verdict_to_unproven_or_nowhere(held: dict[str, Any]) -> None:
    """Law 2, for every member of an endpoint and every rule."""
    bound = bind(RULES.values(), [], every=True)
    whole = verdicts(held, bound)
    moved = [
        (path, rule, whole.get(rule), found.get(rule))
        for path, less in without(held)
        for found in [verdicts(less, bound)]
        for rule in RULES
        if found.get(rule) not in (whole.get(rule), "unproven")
    ]
    assert moved == []


@pytest.mark.parametrize("held", [data(), *map(data, FAULTY.values()), data(REFUSED), data(address(), starttls="smtp", port=25)])
def test_data_of_an_endpoint_fits_the_published_schema(held: dict[str, Any]) -> None:
    assert [one.message for one in jsonschema.Draft202012Validator(SCHEMA).iter_errors(held)] == []


@pytest.mark.parametrize(
    "change",
    [{"mode": "thorough"}, {"port": "443"}, {"surprise": 1}, {"starttls": "gopher"}, {"addresses": [{"outcome": "inspected"}]}],
)
def test_what_no_inspection_would_say_does_not_fit(change: dict[str, Any]) -> None:
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(data() | change)) != []


def test_no_listing_no_verdict() -> None:
    """Where nobody says which endpoints there are, the rule says so."""
    from checks.judge import judge
    from tests.checks.tls.endpoints import estate

    held = estate(data())
    unlisted = type(held)(held.manifest, {}, (), ())
    found = list(judge(unlisted, BOOK.catalogue, [Bound(RULES["tls-protocol-ssl3"], {}, {}, ())], {}))
    assert [(one.verdict, one.resource.account) for one in found] == [(Verdict.UNPROVEN, "tls")]


EC = certificate(key_type="EC", key_bits=256, key_equivalent_bits=3072, curve="secp256r1")
ECDSA = certificate(signature="ecdsa-with-SHA256")


@pytest.mark.parametrize(
    ("rule", "params", "held", "substance", "literal"),
    [
        ("tls-certificate-weak-key", {"min_key_bits": 2048}, certificate(), "upheld", "upheld"),
        ("tls-certificate-weak-key", {"min_key_bits": 2048}, certificate(key_bits=4096, key_equivalent_bits=4096), "upheld", "upheld"),
        ("tls-certificate-weak-key", {"min_key_bits": 2048}, EC, "upheld", "broken"),
        ("tls-certificate-weak-key", {"min_key_bits": 2048}, certificate(key_bits=1024, key_equivalent_bits=1024), "broken", "broken"),
        ("tls-certificate-weak-signature", {"signature": "SHA256withRSA"}, certificate(), "upheld", "upheld"),
        ("tls-certificate-weak-signature", {"signature": "SHA256withRSA"}, ECDSA, "upheld", "broken"),
        ("tls-certificate-weak-signature", {"signature": "SHA-256"}, ECDSA, "upheld", "upheld"),
        ("tls-certificate-weak-signature", {"signature": "ROT13"}, certificate(), "unproven", "unproven"),
    ],
)
def test_promised_words_are_read_for_what_they_are_about_or_one_by_one(
    rule: str, params: dict[str, Any], held: dict[str, Any], substance: str, literal: str
) -> None:
    found = {
        reading: next(findings(data(address(certificate=held)), [Bound(RULES[rule], RULES[rule].params(params), params, (), reading)]))
        for reading in get_args(Reading)
    }
    assert {reading: str(one.verdict) for reading, one in found.items()} == {"substance": substance, "literal": literal}
    assert all((one.other_reading is not None) is (substance != literal) for one in found.values())


def test_256_bits_are_promised_of_every_connection() -> None:
    """Not only of the one that a modern client makes."""
    held = older("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    params = {"cipher_bits": 256}
    bound = [Bound(RULES["tls-cipher-bits"], params, params, ())]
    assert verdicts(data(held), bound) == {"tls-cipher-bits": "broken"}
    assert verdicts(data(address()), bound) == {"tls-cipher-bits": "upheld"}
    assert "addresses[].agreed" in next(findings(data(held), bound)).evidence.values
