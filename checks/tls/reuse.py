"""One key under several certificates: what no endpoint shows by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from checks.model import Resource


def with_shared_keys(endpoints: Sequence[Resource], *, whole: bool = True) -> list[Resource]:
    """The endpoints with `key_shared` in each of their certificates: whether another certificate among them has the same key.

    One certificate on many servers is no reuse. A renewal that keeps the key shows while the old certificate is still in use. Those
    for other types of key, and for clients that give no name, count with the others. Where one was not seen, or not `whole`: where there are more endpoints than these, a key that no other has may be
    shared all the same, and the member is absent.
    """
    whole = whole and all(map(_shown, endpoints))
    certificates: dict[str, set[str]] = {}
    for endpoint in endpoints:
        for certificate in _certificates(endpoint.data):
            certificates.setdefault(certificate["key_sha256"], set()).add(certificate["sha256"])
    shared = {key for key, held in certificates.items() if len(held) > 1}
    return [replace(endpoint, data=_marked(endpoint.data, shared, whole=whole)) for endpoint in endpoints]


def _certificates(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for address in data["addresses"]:
        held = (address.get("certificate", {}), *address.get("other_certificates", ()), address.get("without_name", {}))
        yield from (certificate for certificate in held if "key_sha256" in certificate)


def _shown(endpoint: Resource) -> bool:
    """Whether the endpoint showed its certificates at each address, those for other types of key included (TLS 1.3 alone hides them, and
    nobody sees those), or there spoke in the clear, where none is in use."""
    return all(
        ("key_sha256" in address.get("certificate", {}) and ("other_certificates" in address or not _speaks_tls12(address)))
        or address.get("outcome") in {"plaintext", "no-starttls"}
        for address in endpoint.data["addresses"]
    )


def _speaks_tls12(address: Mapping[str, Any]) -> bool:
    """Whether it does, or may."""
    return address.get("versions", {}).get("tls12") is not False


def _marked(data: Mapping[str, Any], shared: set[str], *, whole: bool) -> dict[str, Any]:
    addresses = [
        {**address, "certificate": {**certificate, "key_shared": certificate["key_sha256"] in shared}}
        if "key_sha256" in (certificate := address.get("certificate", {})) and (whole or certificate["key_sha256"] in shared)
        else address
        for address in data["addresses"]
    ]
    return {**data, "addresses": addresses}
