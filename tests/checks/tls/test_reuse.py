"""One key under several certificates."""

from __future__ import annotations

from checks.model import GLOBAL, Resource
from checks.tls.reuse import with_shared_keys


def endpoint(name: str, *certificates: tuple[str, str]) -> Resource:
    addresses = [{"address": "203.0.113.7", "certificate": {"key_sha256": key, "sha256": held}} for key, held in certificates]
    return Resource(name, "tls.endpoint", "tls", GLOBAL, {"addresses": addresses or [{"address": "203.0.113.7", "outcome": "refused"}]})


def shared(*endpoints: Resource) -> list[bool | None]:
    return [one.data["addresses"][0].get("certificate", {}).get("key_shared") for one in with_shared_keys(endpoints)]


def test_a_key_under_two_certificates_is_shared() -> None:
    assert shared(endpoint("a", ("k", "1")), endpoint("b", ("k", "2")), endpoint("c", ("l", "3"))) == [True, True, False]


def test_one_certificate_on_two_servers_is_no_reuse() -> None:
    assert shared(endpoint("a", ("k", "1")), endpoint("b", ("k", "1"))) == [False, False]


def test_of_an_endpoint_that_showed_no_certificate_nothing_is_said() -> None:
    assert shared(endpoint("a"), endpoint("b", ("k", "1"))) == [None, False]


def test_addresses_of_one_endpoint_count_as_well() -> None:
    assert shared(endpoint("a", ("k", "1"), ("k", "2"))) == [True]
