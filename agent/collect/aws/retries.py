"""How long to insist on an action that AWS does not answer, so that one throttled action costs seconds and not minutes.

botocore's adaptive mode keeps one send rate for a whole client. Measured on an estate of 31 buckets with 4 of S3's 7
actions throttled: 33 calls to S3 in two minutes, the healthy actions' among them. AWS throttles each action on its own
(EC2 API reference, Request throttling for the Amazon EC2 API: the buckets are per action, account and region), so here
patience is kept for each action of a region.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.collect.aws.errors import THROTTLED, Failure

if TYPE_CHECKING:
    from botocore.client import BaseClient

WHILE_ANSWERED = 10
"""Attempts of a throttled call while other calls of its action get through: then waiting helps."""
ANSWERED_WITHIN = 10.0
UNANSWERED = 3
"""After so many calls in a row that all attempts were spent on, each further call gets one attempt."""
SPENT = 20
"""After so many in a row nothing more is sent, but for one call each REST seconds that shows whether it is over."""
REST = 30.0
LONGEST_WAIT = 20.0
_TRANSIENT_STATUS = frozenset({500, 502, 503, 504})
_TRANSIENT = frozenset({"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete", "TransactionInProgressException"})
_JITTER = random.Random()
"""Of its own: calls that wait in threads draw nothing out of what others have seeded."""
Action = tuple[str, str, str]
"""Service, region, operation."""


@dataclass(slots=True)
class _Standing:
    """How an action has fared lately."""

    in_a_row: int = 0
    answered_at: float | None = None
    last_sent: float = 0.0
    last: Failure | None = None


@dataclass
class Patience:
    """Decides how often the calls of one account are tried again. Shared between threads. `attempts` of 1: never."""

    attempts: int
    monotonic: Callable[[], float] = time.monotonic
    _standings: dict[Action, _Standing] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, client: BaseClient, service: str, region: str) -> None:
        """Decide in the client's place, whose own retries are to be off."""
        event = f"needs-retry.{client.meta.service_model.service_id.hyphenize()}"
        client.meta.events.register(event, partial(self._needs_retry, service, region))  # type: ignore[arg-type] # the stubs forget the delay

    def refuses(self, action: Action) -> Failure | None:
        """Why nothing is sent any more for the action: what its last call met."""
        with self._lock:
            standing = self._standings.setdefault(action, _Standing())
            if self.attempts > 1 and standing.in_a_row >= SPENT and standing.last and self.monotonic() - standing.last_sent < REST:
                reason, code, message = standing.last.reason, standing.last.code, standing.last.message
                return Failure(reason, code, f"{message} (so {standing.in_a_row} times in a row; not asked again)")
            standing.last_sent = self.monotonic()
        return None

    def failed(self, action: Action, failure: Failure) -> None:
        """Keep what a call met that is not tried again."""
        with self._lock:
            self._standings.setdefault(action, _Standing()).last = failure

    def _needs_retry(
        self, service: str, region: str, attempts: int, operation: Any, response: Any, caught_exception: Any, **_: Any
    ) -> float | None:
        """A botocore `needs-retry` handler: the seconds to wait before the next attempt, None to let it be."""
        throttled = _is_throttled(response)
        with self._lock:
            standing = self._standings.setdefault((service, region, operation.name), _Standing())
            if not throttled and not _is_transient(response, caught_exception):
                standing.in_a_row, standing.answered_at = 0, self.monotonic()
                return None
            if attempts >= self._allowed(standing, throttled=throttled):
                standing.in_a_row += 1
                return None
        # As botocore's standard mode waits: exponentially, with full jitter, from 1 s where throttled, else from 50 ms.
        return _JITTER.random() * min((1.0 if throttled else 0.05) * 2.0 ** (attempts - 1), LONGEST_WAIT)

    def _allowed(self, standing: _Standing, *, throttled: bool) -> int:
        if self.attempts == 1 or standing.in_a_row >= UNANSWERED:
            return 1
        answered = standing.answered_at is not None and self.monotonic() - standing.answered_at <= ANSWERED_WITHIN
        return WHILE_ANSWERED if throttled and answered else self.attempts


def _code_and_status(response: Any) -> tuple[str, int]:
    if response is None:
        return "", 0
    raw, parsed = response
    error = parsed.get("Error") if isinstance(parsed, dict) else None
    return str(error.get("Code", "")) if isinstance(error, dict) else "", raw.status_code


def _is_throttled(response: Any) -> bool:
    code, status = _code_and_status(response)
    return code in THROTTLED or status == 429


def _is_transient(response: Any, caught_exception: Any) -> bool:
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    if caught_exception is not None:
        return isinstance(caught_exception, NoConnection | HTTPClientError)
    code, status = _code_and_status(response)
    return code in _TRANSIENT or status in _TRANSIENT_STATUS
