"""What a finding may show of a row: samples are evidence, and evidence is read by many."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any, Final

from checks.logs.table import Column

_MAILBOX: Final = re.compile(r"[^\s@/:<>,;\"']+@")
_ENDS: Final = 4


def masked(column: Column, value: Any) -> Any:
    """A value as a sample shows it: addresses as their /24 or /48, of a credential its ends, of a mailbox its domain."""
    if value is None or column.care == "free":
        return None
    if column.kind == "address":
        return str(ip_network(f"{value}/{48 if ':' in value else 24}", strict=False))
    if not isinstance(value, str):
        return value
    if column.care == "secret":
        return f"{value[:_ENDS]}...{value[-_ENDS:]}" if len(value) > 3 * _ENDS else "..."
    return _MAILBOX.sub("...@", value)
