"""What stands between a call to Azure Resource Manager and the wire: who may be asked what, and how often.

The pipeline of the typed clients is not used: of a resource provider that is not registered they register it, which is a
write, and a Retry-After they wait out however long it is (both measured).
"""

from __future__ import annotations

import random
import re
import time
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy, SansIOHTTPPolicy

from agent.collect.aws.client import Deadline
from agent.collect.aws.errors import DeadlinePassed

GRAPH: Final = "/providers/Microsoft.ResourceGraph/resources"
_EFFECTIVE: Final = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/networkInterfaces/[^/]+"
    r"/(effectiveNetworkSecurityGroups|effectiveRouteTable)",
    re.IGNORECASE,
)
RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
ATTEMPTS: Final = 4
LONGEST_WAIT: Final = 60.0
"""Seconds. A service that wants to be left alone for longer is not asked again: the call is a gap."""
_FIRST_WAIT: Final = 0.4


class Forbidden(AzureError):
    """A call that this program never makes: it would change something, or carry the token elsewhere."""


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, the scheme's own port said. Raises ValueError for what is no URL."""
    split: SplitResult = urlsplit(url)
    return split.scheme.lower(), (split.hostname or "").lower(), split.port or 443


class Guard(SansIOHTTPPolicy[Any, Any]):
    """Lets out what reads, and that only to Resource Manager itself. Stands before the token is put on, and once more behind
    every redirection or polling of the typed client. Raises Forbidden."""

    def __init__(self, endpoint: str) -> None:
        self._origin = origin(endpoint)

    def on_request(self, request: PipelineRequest[Any]) -> None:
        method, url = request.http_request.method, request.http_request.url
        path = urlsplit(url).path
        if origin(url) != self._origin:
            raise Forbidden(f"{method} {urlsplit(url).hostname}: the token is not sent to another host than {self._origin[1]}")
        if method != "GET" and not (method == "POST" and (path == GRAPH or _EFFECTIVE.fullmatch(path))):
            raise Forbidden(f"{method} {path}: only what reads is sent")


class Patience(HTTPPolicy[Any, Any]):
    """Asks again what was throttled or failed on the way, within the deadline, and never waits longer than LONGEST_WAIT."""

    def __init__(self, deadline: Deadline, *, first_wait: float = _FIRST_WAIT) -> None:
        super().__init__()
        self._deadline, self._first_wait = deadline, first_wait

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Raises DeadlinePassed, and what azure-core raises."""
        for attempt in range(1, ATTEMPTS + 1):
            if self._deadline.left <= 0:
                raise DeadlinePassed
            try:
                response = self.next.send(request)
            except (ClientAuthenticationError, Forbidden):
                raise
            except (ServiceRequestError, ServiceResponseError) as error:
                if not self._again(attempt, None) or "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise
                continue
            if response.http_response.status_code not in RETRIED or not self._again(attempt, response.http_response.headers):
                return response
        raise AssertionError

    def _again(self, attempt: int, headers: Any) -> bool:
        """Wait for another attempt; whether there is one."""
        told = _seconds(headers.get("Retry-After")) if headers is not None else None
        wait = told if told is not None else self._first_wait * 2 ** (attempt - 1) * (1 + random.random() / 4)
        if attempt == ATTEMPTS or wait > LONGEST_WAIT or wait >= self._deadline.left:
            return False
        time.sleep(wait)
        return True


def _seconds(value: str | None) -> float | None:
    """A Retry-After in seconds; ARM writes no dates there (Azure Resource Manager documentation, "Throttling")."""
    return float(value) if value is not None and value.isascii() and value.isdigit() else None
