"""What follows from the suites and versions that were seen: a weakness at once, its absence only from everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls.strength import BY_NAME, derived

GCM, CBC, DHE = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"
T13 = "TLS_AES_256_GCM_SHA384"
REFUSED = dict.fromkeys(("ssl2", "ssl3", "tls10", "tls11"), False)


def modern(*tls12: str, **more: Any) -> dict[str, Any]:
    """Everything asked: TLS 1.3 with one suite, TLS 1.2 with these."""
    return {
        "outcome": "inspected",
        "versions": {**REFUSED, "tls12": True, "tls13": True},
        "suites": {"tls13": [T13], "tls12": list(tls12)},
        **more,
    }


def test_where_every_suite_is_known_no_weakness_is_a_fact() -> None:
    facts = derived(modern(GCM))
    assert facts["weak"] == dict.fromkeys(facts["weak"], False)
    assert len(facts["weak"]) == 10
    assert (facts["seen_bits"], facts["least_bits"]) == (256, 256)


@pytest.mark.parametrize(
    ("suite", "weak"),
    [
        ("TLS_RSA_WITH_NULL_SHA256", {"unencrypted", "static_keys"}),
        ("TLS_SHA256_SHA256", {"unencrypted"}),
        ("TLS_DH_anon_WITH_AES_128_GCM_SHA256", {"anonymous", "ffdhe"}),
        ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", {"export", "rc4", "static_keys"}),
        ("TLS_DHE_RSA_WITH_DES_CBC_SHA", {"des", "cbc", "ffdhe"}),
        ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", {"rc4"}),
        ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", {"small_block", "cbc"}),
        ("TLS_RSA_WITH_IDEA_CBC_SHA", {"small_block", "cbc", "static_keys"}),
        ("TLS_RSA_WITH_AES_256_GCM_SHA384", {"static_keys"}),
        (CBC, {"cbc"}),
        (DHE, {"ffdhe"}),
    ],
)
def test_each_weakness_is_told_by_itself(suite: str, weak: set[str]) -> None:
    found = derived(modern(GCM, suite))["weak"]
    assert {name for name, held in found.items() if held} == weak


def test_ciphers_of_ssl_2_count_too() -> None:
    seen = modern(GCM) | {"versions": {**REFUSED, "ssl2": True, "tls12": True, "tls13": True}}
    seen["suites"]["ssl2"] = ["SSL_CK_RC4_128_EXPORT40_WITH_MD5", "SSL_CK_DES_64_CBC_WITH_MD5"]
    found = derived(seen)["weak"]
    assert {name for name, held in found.items() if held} == {"rc4", "export", "des", "cbc", "static_keys"}


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("SSL_CK_RC4_128_WITH_MD5", 128),
        ("SSL_CK_RC4_128_EXPORT40_WITH_MD5", 40),
        ("SSL_CK_DES_192_EDE3_CBC_WITH_MD5", 112),
    ],
)
def test_the_length_of_their_keys_counts_as_well(name: str, bits: int) -> None:
    seen = modern(GCM) | {"versions": {**REFUSED, "ssl2": True, "tls12": True, "tls13": True}}
    seen["suites"]["ssl2"] = [name]
    assert derived(seen)["least_bits"] == bits


@pytest.mark.parametrize("version", ["ssl2", "ssl3", "tls10", "tls11"])
def test_a_version_that_nobody_asked_for_leaves_open_what_it_may_accept(version: str) -> None:
    seen = modern(GCM)
    del seen["versions"][version]
    facts = derived(seen)
    assert facts["weak"] == {"no_aead": False}
    assert "least_bits" not in facts


def test_a_list_that_is_not_whole_leaves_open_what_it_lacks_but_not_what_it_shows() -> None:
    seen = modern("TLS_RSA_WITH_RC4_128_SHA")
    del seen["suites"]["tls13"]
    facts = derived(seen)
    assert facts["weak"] == {"rc4": True, "static_keys": True, "no_aead": True}
    assert facts["seen_bits"] == 128
    assert "least_bits" not in facts


def test_a_suite_without_a_name_leaves_everything_open() -> None:
    facts = derived(modern(GCM, "0xfe01"))
    assert facts["weak"] == {"no_aead": False}
    assert "least_bits" not in facts


def test_a_refused_offer_of_forbidden_suites_proves_their_absence_and_nothing_more() -> None:
    versions = {"ssl2": False, "tls10": False, "tls11": False}
    facts = derived({"outcome": "inspected", "versions": versions, "forbidden_offered": False})
    assert facts["weak"] == dict.fromkeys(("anonymous", "export", "des", "rc4", "small_block"), False)
    assert "least_bits" not in facts


def test_ssl_2_has_ciphers_that_such_an_offer_does_not_ask_for() -> None:
    facts = derived({"outcome": "inspected", "versions": {"tls10": False, "tls11": False}, "forbidden_offered": False})
    assert facts["weak"] == {"anonymous": False}


def test_tls_1_3_has_suites_without_encryption_that_such_an_offer_does_not_ask_for() -> None:
    seen = {"outcome": "inspected", "versions": {"tls10": False, "tls11": False, "tls13": False}, "forbidden_offered": False}
    assert derived(seen)["weak"]["unencrypted"] is False
    assert "unencrypted" not in derived(seen | {"agreed": {"version": "TLSv1.3"}})["weak"]


@pytest.mark.parametrize("versions", [{}, {"tls10": False}, {"tls10": True, "tls11": False}, {"tls11": False}])
def test_it_proves_nothing_where_an_older_version_may_have_suites_of_its_own(versions: dict[str, bool]) -> None:
    assert "weak" not in derived({"outcome": "inspected", "versions": versions, "forbidden_offered": False})


def test_an_accepted_offer_of_forbidden_suites_names_the_fault_by_the_suite_that_was_chosen() -> None:
    seen = {"outcome": "inspected", "forbidden_offered": True, "glimpsed": ["TLS_RSA_WITH_RC4_128_MD5"]}
    assert derived(seen)["weak"] == {"rc4": True, "static_keys": True}


def test_a_handshake_shows_the_version_it_agreed_on() -> None:
    assert derived({"versions": {"tls10": False}, "agreed": {"version": "TLSv1.3"}})["versions"] == {"tls10": False, "tls13": True}
    assert "versions" not in derived({"agreed": {"version": "unknown"}})


def test_without_tls_1_3_there_is_no_hybrid_group() -> None:
    assert derived({"versions": {"tls13": False}})["hybrid_group"] is False
    assert "hybrid_group" not in derived({"versions": {"tls12": True}})


@pytest.mark.parametrize(
    ("outcome", "facts"),
    [
        ("inspected", {"plaintext": False, "offers_starttls": True}),
        ("alert", {"plaintext": False, "offers_starttls": True}),
        ("plaintext", {"plaintext": True}),
        ("no-starttls", {"offers_starttls": False}),
        *((outcome, {}) for outcome in ("refused", "reset", "closed", "silent", "dripping", "unreachable", "not-tls")),
    ],
)
def test_only_an_answer_tells_whether_a_port_speaks_in_the_clear(outcome: str, facts: dict[str, bool]) -> None:
    assert derived({"outcome": outcome}) == facts


_NAMES = st.sampled_from(sorted(name for name, suite in BY_NAME.items() if not suite.tls13))
_KEYS = ("ssl3", "tls10", "tls11", "tls12")


@st.composite
def seen(draw: st.DrawFn) -> dict[str, Any]:
    versions = {key: draw(st.booleans()) for key in ("ssl2", *_KEYS, "tls13")}
    suites = {key: draw(st.lists(_NAMES, min_size=1, max_size=4)) for key in _KEYS if versions[key]}
    if versions["tls13"]:
        suites["tls13"] = [T13]
    return {"outcome": "inspected", "versions": versions, "suites": suites}


@given(seen(), st.data())
def test_seeing_less_never_makes_another_fact_of_one(whole: dict[str, Any], data: st.DataObject) -> None:
    """Law 2: what is hidden leaves facts out, and turns none round."""
    less = {
        **whole,
        "versions": {key: held for key, held in whole["versions"].items() if data.draw(st.booleans())},
        "suites": {key: held for key, held in whole["suites"].items() if data.draw(st.booleans())},
    }
    full, partly = derived(whole), derived(less)
    assert all(full["weak"][name] == held for name, held in partly.get("weak", {}).items())
    assert partly.get("least_bits", full.get("least_bits")) == full.get("least_bits")
    assert partly.get("seen_bits", 256) >= full.get("seen_bits", 0)
