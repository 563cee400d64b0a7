"""From where endpoints are looked at: it is part of the evidence, since other places may be shown other things."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_RESOLVERS = Path("/etc/resolv.conf")
"""Where resolvers stand (resolv.conf(5))."""
Found = Literal["resolver", "given", "address"]
"""How addresses are come by: from the system's resolver, given by whoever asks, or the host is one."""


@dataclass(frozen=True, slots=True)
class Vantage:
    """The machine that looks, and whom it asks for addresses."""

    host: str
    resolvers: tuple[str, ...] = ()

    def facts(self, found: Found) -> dict[str, Any]:
        """What stands in an endpoint's data. The resolvers count only where they were asked."""
        return {"host": self.host, "found": found, **({"resolvers": list(self.resolvers)} if found == "resolver" else {})}


def here(file: Path = _RESOLVERS) -> Vantage:
    """This machine. Where it does not say whom it asks for addresses, none are told."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    return Vantage(socket.gethostname(), tuple(held[1] for held in words if len(held) > 1 and held[0] == "nameserver"))
