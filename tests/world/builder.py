"""Makes things on the emulator, and remembers the ids that it gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.world.servers import client


@dataclass
class Builder:
    """Clients for one region, and the ids of what is made."""

    endpoint: str
    account: str
    region: str
    ids: dict[tuple[str, str], tuple[str, ...]]
    _clients: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, service: str) -> Any:
        """The boto3 client of a service; `lambda` is spelt `lambda_`."""
        if service.startswith("__"):
            raise AttributeError(service)
        if service not in self._clients:
            name = service.rstrip("_")
            self._clients[service] = client(name, self.endpoint, self.region, account=self.account)
        return self._clients[service]

    def note(self, kind: str, name: str, *ids: str) -> str:
        """Remember the ids of a thing; returns the first."""
        self.ids[kind, name] = ids or (name,)
        return self.ids[kind, name][0]

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"
