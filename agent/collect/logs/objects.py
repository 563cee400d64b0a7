"""Where log files are read from: the objects of a store, whichever kind of store that is.

A store says all that may hold rows of a window, or raises: a listing that is not complete is a gap, never a shorter list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from agent.collect.aws.errors import Failure
from agent.collect.gunzip import LIMITS, Limits
from checks.model import Reason

BEFORE: Final = timedelta(days=1)
"""How much older than the window an object may be that is looked at all the same. Of an object that was uploaded in parts, the
time is that of the upload's beginning (Amazon S3 User Guide, "Working with object metadata"), and clocks differ."""


@dataclass(frozen=True, slots=True)
class LogObject:
    """One object: `name` is a path, `s3://bucket/key` or a blob's URL; `size` is in bytes, as stored; `written` is in UTC.

    `version` tells these bytes from others that ever stood there: the ETag, or of a file its size and time in nanoseconds.
    """

    name: str
    version: str
    size: int
    written: datetime

    def may_hold(self, since: datetime | None) -> bool:
        """Whether rows from `since` on can be in it: an object that was written before cannot hold them."""
        return since is None or self.written >= since - BEFORE


class NotSeen(Exception):
    """Something that could not be looked at: what a gap is made of. `action` is the permission that is needed for it."""

    def __init__(self, name: str, call: str, failure: Failure, action: str | None = None) -> None:
        self.name, self.call, self.failure, self.action = name, call, failure, action
        super().__init__(f"{name}: {self.what}")

    @property
    def what(self) -> str:
        """Why, without the name: with the service's own code where there is one, and the permission where that is why."""
        failure = self.failure
        said = f"{self.call}: {failure.code}: {failure.message}" if failure.code else failure.message
        lacking = failure.reason in {Reason.DENIED, Reason.REFUSED_BY_SCP} and self.action
        return f"{said} (needs {self.action})" if lacking else said


class Unlisted(NotSeen):
    """A listing that failed, perhaps part way: there may be objects that nobody has seen."""


class Unreadable(NotSeen):
    """An object that could not be read, perhaps part way: nothing is known of the rest of it."""


class LogStore(Protocol):
    """A place with log files. Its methods may be called from several threads."""

    @property
    def name(self) -> str:
        """The place, as in the names of its objects."""

    def holds(self, name: str) -> bool:
        """Whether an object of this name would be among those listed, if it were there."""

    def objects(self, since: datetime | None, until: datetime) -> Iterator[LogObject]:
        """All that may hold rows from `since` (None: ever) to `until`. Raises Unlisted, also after some."""

    def raw(self, one: LogObject) -> Iterator[bytes]:
        """An object's bytes as they are stored: exactly those of its version. Raises Unreadable, also after some."""

    def pieces(self, one: LogObject, limits: Limits = LIMITS) -> Iterator[bytes]:
        """Its contents, uncompressed where they are gzip. Raises Unreadable, Damaged and TooLarge, also after some."""

    def metadata(self, one: LogObject) -> Mapping[str, str]:
        """What its owner wrote beside the object: names in lower case. Raises Unreadable."""
