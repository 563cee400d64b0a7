"""What can go wrong between a reader of AWS and AWS: which calls, and in which way.

One table of faults serves two places: the proxy in front of a running server (`tests.world.proxy`), and the player that
answers below botocore (`tests.world.player`). The bodies are those of the service's protocol, so that the SDK's own
parsing and retrying run.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tests.world.wire import (
    Call,
)


class Kind(StrEnum):
    """The ways in which a call goes wrong."""

    DENY = "deny"
    DENY_SCP = "deny_scp"
    THROTTLE = "throttle"
    EXPIRED = "expired"
    SKEWED = "skewed"
    REGION_OFF = "region_off"
    """The region is not enabled for the account."""
    ERROR_500 = "error_500"
    VANISH = "vanish"
    """The thing asked for is gone: the service's own not-found error."""
    ERROR = "error"
    """Any other error: the fault's `code`, `status` and `message`."""
    TIMEOUT = "timeout"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    """No connection. Below botocore only: a proxy cannot refuse one call."""
    TRUNCATE = "truncate"
    """Half the body, under the Content-Length of the whole: botocore does not notice."""
    TRUNCATE_QUIET = "truncate_quiet"
    """Half the body, under its own Content-Length."""
    EMPTY_200 = "empty_200"
    HTML_200 = "html_200"
    MISSING_MEMBER = "missing_member"
    """The answer without the member that holds the items."""
    LOST_PAGE = "lost_page"
    """The second page is an error. A listing of one page is cut in two first."""
    PAGE_CUT = "page_cut"
    """The second page is an empty 200."""
    PAGE_LOOP = "page_loop"
    """Every page is the first one again, with its token."""

    @property
    def about_pages(self) -> bool:
        return self in {Kind.LOST_PAGE, Kind.PAGE_CUT, Kind.PAGE_LOOP}

    @property
    def is_silence(self) -> bool:
        """Whether there is no answer at all."""
        return self in {Kind.TIMEOUT, Kind.RESET, Kind.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class Fault:
    """Which calls go wrong, and how.

    `service` and `operation` are botocore's names (`elbv2`, `DescribeListeners`), `*` is any. `match` is a part of the
    request's path, query or body: the name of a bucket, the id of a volume. Of the calls that fit, only the `nth` (from
    1) or only the first `times` go wrong; by default all do. Retries are calls too. `code`, `status` and `message`
    replace those of the kind; `member` (a dotted path) that of `missing_member`.
    """

    service: str
    operation: str
    kind: Kind | str
    match: str | None = None
    times: int | None = None
    nth: int | None = None
    region: str | None = None
    account: str | None = None
    code: str | None = None
    status: int | None = None
    message: str | None = None
    member: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        if self.kind is Kind.ERROR and not self.code:
            message = "a fault of kind error needs a code"
            raise ValueError(message)

    def fits(self, call: Call) -> bool:
        """Whether the fault is about this call; how often it has fitted before is `Faults`' business."""
        return (
            self.service in {"*", call.service}
            and self.operation in {"*", call.operation}
            and self.region in {None, call.region}
            and self.account in {None, call.account}
            and (self.match is None or self.match in call.text)
        )


class Faults:
    """The faults in force, with how often each has fitted. Safe to share between threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._fitted: Counter[Fault] = Counter()
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults = (*self._faults, fault)

    def clear(self) -> None:
        with self._lock:
            self._faults = ()
            self._fitted.clear()

    def strike(self, call: Call) -> Fault | None:
        """The fault that this call meets, the one added last first."""
        for fault in reversed(self._faults):
            if fault.fits(call) and self._is_due(fault, call):
                return fault
        return None

    def _is_due(self, fault: Fault, call: Call) -> bool:
        if Kind(fault.kind).about_pages and not call.has_page_token:
            return True
        with self._lock:
            self._fitted[fault] += 1
            count = self._fitted[fault]
        if fault.nth is not None:
            return count == fault.nth
        return fault.times is None or count <= fault.times
