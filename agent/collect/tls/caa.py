"""CAA records: which authorities may issue certificates for a name (RFC 8659). Asked for only where somebody wants to know.

This is the one module that needs dnspython, which is installed with `upheld[dns]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from checks.tls.caa import Property, facts

SECONDS = 5.0
"""For one name, with all those above it."""


async def records(host: str, nameservers: Sequence[str] = (), port: int = 53, seconds: float = SECONDS) -> dict[str, Any]:
    """The facts of the nearest name that has any records, from the host up to its top-level domain (RFC 8659, 3).

    Where the resolver could not tell there is only `detail`: that is no permission. `nameservers` are addresses; the system's are
    asked where none are given.
    """
    try:
        resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        if nameservers:
            resolver.nameservers, resolver.port = list(nameservers), port
        resolver.lifetime = seconds
        name = dns.name.from_text(host)
        while len(name) > 1:
            try:
                answer = await resolver.resolve(name, "CAA", search=False)
            except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
                name = name.parent()
            else:
                return facts(name.to_text(omit_final_dot=True), [_property(one) for one in answer])
    except (dns.exception.DNSException, OSError) as error:
        return {"detail": f"CAA of {host}: {' '.join(str(error).split()) or type(error).__name__}"}
    return facts("", [])


def _property(record: Any) -> Property:
    return Property(record.flags, record.tag.decode("ascii", "replace"), record.value.decode("utf-8", "replace"))
