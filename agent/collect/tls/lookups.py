"""What is asked about endpoints beside them, where somebody wants to know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.config import ConfigurationError

Caa = Callable[[str], Awaitable[Mapping[str, Any]]]


def caa(*, asked: bool) -> Caa | None:
    """Looks up the CAA records of a host; None where they are not asked for. Raises ConfigurationError where that is not installed."""
    if not asked:
        return None
    try:
        from agent.collect.tls import caa as tls_caa
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "dns":
            raise
        raise ConfigurationError("CAA records are looked up with dnspython, which is not installed: pip install 'upheld[dns]'") from error
    return tls_caa.records
