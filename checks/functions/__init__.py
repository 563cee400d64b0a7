"""What rules may call beside plain CEL: each module declares its helpers when it is imported."""

from __future__ import annotations

from checks.functions import (
    addresses,
    attributes,
    dates,
    locations,
    network_acls,
    policy_access,
    policy_coverage,
    security_groups,
    tls,
    undecided,
)
from checks.functions.declare import FUNCTIONS, DataError

__all__ = [
    "FUNCTIONS",
    "DataError",
    "addresses",
    "attributes",
    "dates",
    "locations",
    "network_acls",
    "policy_access",
    "policy_coverage",
    "security_groups",
    "tls",
    "undecided",
]
