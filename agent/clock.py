"""The world's clocks, passed in so that tests can turn them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Clock:
    """What time it is, and how much of it has passed, in seconds from anywhere."""

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = field(default=time.monotonic)
