"""One key under several certificates."""

from __future__ import annotations

from dataclasses import replace

from checks.model import GLOBAL, Resource
from checks.tls.reuse import with_shared_keys


def endpoint(name: str, *certificates: tuple[str, str]) -> Resource:
    addresses = [
        {"address": "203.0.113.7", "certificate": {"key_sha256": key, "sha256": held}, "other_certificates": []}
        for key, held in certificates
    ]
    return Resource(name, "tls.endpoint", "tls", GLOBAL, {"addresses": addresses or [{"address": "203.0.113.7", "outcome": "refused"}]})


def shared(*endpoints: Resource) -> list[bool | None]:
    return [one.data["addresses"][0].get("certificate", {}).get("key_shared") for one in with_shared_keys(endpoints)]


def test_a_key_under_two_certificates_is_shared() -> None:
    assert shared(endpoint("a", ("k", "1")), endpoint("b", ("k", "2")), endpoint("c", ("l", "3"))) == [True, True, False]


def test_one_certificate_on_two_servers_is_no_reuse() -> None:
    assert shared(endpoint("a", ("k", "1")), endpoint("b", ("k", "1"))) == [False, False]


def test_while_an_endpoint_shows_no_certificate_its_key_may_be_any_of_the_others() -> None:
    assert shared(endpoint("a"), endpoint("b", ("k", "1")), endpoint("c", ("l", "2")), endpoint("d", ("l", "3"))) == [
        None,
        None,
        True,
        True,
    ]


def test_what_speaks_in_the_clear_has_no_key_to_share() -> None:
    clear = replace(endpoint("a"), data={"addresses": [{"address": "203.0.113.7", "outcome": "plaintext"}]})
    assert shared(clear, endpoint("b", ("k", "1"))) == [None, False]


def test_with_more_endpoints_than_these_no_key_is_known_to_be_alone() -> None:
    (held,) = with_shared_keys([endpoint("a", ("k", "1"))], whole=False)
    assert "key_shared" not in held.data["addresses"][0]["certificate"]


def test_addresses_of_one_endpoint_count_as_well() -> None:
    assert shared(endpoint("a", ("k", "1"), ("k", "2"))) == [True]


def beside(held: Resource, **more: object) -> Resource:
    """The endpoint with more in its one address; None for what was not seen."""
    (address,) = held.data["addresses"]
    return replace(held, data={"addresses": [{name: value for name, value in {**address, **more}.items() if value is not None}]})


def test_a_certificate_of_another_type_of_key_counts_and_so_does_one_without_a_name() -> None:
    other = {"key_sha256": "k", "sha256": "2"}
    assert shared(endpoint("a", ("k", "1")), beside(endpoint("b", ("l", "3")), other_certificates=[other])) == [True, False]
    assert shared(endpoint("a", ("k", "1")), beside(endpoint("b", ("l", "3")), without_name=other)) == [True, False]
    assert shared(endpoint("a", ("k", "2")), beside(endpoint("b", ("l", "3")), without_name=other)) == [False, False]


def test_where_other_types_of_key_were_not_asked_for_no_key_is_known_to_be_alone() -> None:
    quick = beside(endpoint("a", ("k", "1")), other_certificates=None)
    assert shared(quick) == [None]
    assert shared(beside(quick, versions={"tls12": False})) == [False]
    assert shared(quick, endpoint("b", ("k", "2"))) == [True, True]
