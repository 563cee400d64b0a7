"""CAA records: which authorities may issue certificates for a name (RFC 8659). Asked for only where somebody wants to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

SECONDS = 5.0
"""For one name, with all those above it."""


async def records(host: str, nameservers: Sequence[str] = (), port: int = 53, seconds: float = SECONDS) -> dict[str, Any] | None:
    """`{at, records}` of the nearest name that has any, from the host up to its top-level domain (RFC 8659, 3).

    Each record is as zone files write it. No records where no name has any; None where the resolver could not tell, which is
    no permission. `nameservers` are addresses; the system's are asked where none are given.
    """
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
        except (dns.exception.DNSException, OSError):
            return None
        else:
            return {"at": name.to_text(omit_final_dot=True), "records": sorted(one.to_text() for one in answer)}
    return {"at": "", "records": []}
