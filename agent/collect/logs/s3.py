"""A bucket of S3 as a store of log files.

Every page of a listing is checked against itself, and a body that breaks off is asked for again from where it broke, of the
same version: an object that was replaced meanwhile is never half one and half the other. Reading needs s3:ListBucket and
s3:GetObject, and kms:Decrypt where the bucket is encrypted with a key of the customer's.
Source: Amazon S3 API reference, ListObjectsV2 (KeyCount, IsTruncated, NextContinuationToken) and GetObject (If-Match, Range).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from agent.collect.aws.asking import in_time
from agent.collect.aws.client import Account, Halt, Page
from agent.collect.aws.errors import DeadlinePassed, Failure, of_exception
from agent.collect.gunzip import LIMITS, PIECE, Limits, uncompressed
from agent.collect.logs.listing import DELIMITER, Listed, listed
from agent.collect.logs.objects import LogObject, Unlisted, Unreadable
from checks.model import Reason

LIST, GET, DECRYPT = "s3:ListBucket", "s3:GetObject", "kms:Decrypt"
RESUMES: Final = 3
"""How often a body may break off without a byte before it is given up."""
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_REPLACED: Final = frozenset({"PreconditionFailed", "412"})
_PASSING: Final = frozenset({Reason.TIMED_OUT, Reason.UNREACHABLE, Reason.MALFORMED})


@dataclass(frozen=True, slots=True)
class S3Logs:
    """What is below a prefix of a bucket. `owner` is the account that the bucket must be of: names of buckets can be taken over."""

    account: Account
    region: str
    bucket: str
    prefix: str = ""
    owner: str | None = None

    @property
    def name(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def holds(self, name: str) -> bool:
        return name.startswith(self.name)

    @property
    def call(self) -> str:
        return "ListObjectsV2"

    def objects(self, since: datetime | None, until: datetime) -> Iterator[LogObject]:
        """Raises Unlisted."""
        return listed(self, self.prefix, since, until)

    def page(self, prefix: str, token: str | None, *, folded: bool) -> Listed:
        """Raises Unlisted."""
        params = {"Bucket": self.bucket, "Prefix": prefix, **self._owned()}
        if folded:
            params["Delimiter"] = DELIMITER
        if token is not None:
            params["ContinuationToken"] = token
        answer = self._ask(self.call, params)
        if isinstance(answer, Halt):
            raise Unlisted(self.name, self.call, answer.failure, LIST)
        (page,) = answer.pages
        if (what := _contradiction(page, prefix)) is not None:
            raise Unlisted(self.name, self.call, Failure(Reason.MALFORMED, "Contradiction", what))
        objects = tuple(self._object(one) for one in page.get("Contents", ()))
        return Listed(objects, tuple(one["Prefix"] for one in page.get("CommonPrefixes", ())), page.get("NextContinuationToken"))

    def raw(self, one: LogObject) -> Iterator[bytes]:
        """Raises Unreadable."""
        given = broken = 0
        while given < one.size:
            try:
                for piece in self._from(one, given):
                    given, broken = given + len(piece), 0
                    yield piece
            except _Broken as error:
                broken += 1
                if broken == RESUMES or error.failure.reason not in _PASSING:
                    raise self._unreadable(one, "GetObject", error.failure) from error

    def pieces(self, one: LogObject, limits: Limits = LIMITS) -> Iterator[bytes]:
        """Raises Unreadable, Damaged and TooLarge."""
        return uncompressed(self.raw(one), one.name, limits)

    def metadata(self, one: LogObject) -> Mapping[str, str]:
        """Raises Unreadable."""
        answer = self._ask("HeadObject", self._of(one))
        if isinstance(answer, Halt):
            raise self._unreadable(one, "HeadObject", answer.failure)
        return {name.lower(): value for name, value in answer.pages[0].get("Metadata", {}).items()}

    def _from(self, one: LogObject, start: int) -> Iterator[bytes]:
        """An object's bytes from `start` on. Raises Unreadable, and _Broken where they stop before the end."""
        params = {**self._of(one), **({"Range": f"bytes={start}-"} if start else {})}
        answer = self._ask("GetObject", params)
        if isinstance(answer, Halt):
            raise self._unreadable(one, "GetObject", answer.failure)
        (page,) = answer.pages
        body, late = page["Body"], False
        try:
            if (what := _another(page, one, start)) is not None:
                raise self._unreadable(one, "GetObject", what)
            while piece := self.account.deadline.within(partial(body.read, PIECE)):
                yield piece
        except Unreadable:
            raise
        except Exception as error:
            late = isinstance(error, DeadlinePassed)
            failure = of_exception(error, self.account.now())
            if failure is None:
                raise
            raise _Broken(failure) from error
        finally:
            if not late:  # closing waits for whoever reads
                body.close()

    def _ask(self, operation: str, params: Mapping[str, Any]) -> Page | Halt:
        return in_time(self.account, partial(self.account.ask, "s3", self.region, operation, params))

    def _of(self, one: LogObject) -> dict[str, Any]:
        key = one.name.removeprefix(f"s3://{self.bucket}/")
        return {"Bucket": self.bucket, "Key": key, "IfMatch": f'"{one.version}"', **self._owned()}

    def _owned(self) -> dict[str, Any]:
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}

    def _object(self, item: Mapping[str, Any]) -> LogObject:
        name = f"s3://{self.bucket}/{item['Key']}"
        return LogObject(name, item["ETag"].strip('"'), item["Size"], item["LastModified"].astimezone(UTC))

    @staticmethod
    def _unreadable(one: LogObject, call: str, failure: Failure) -> Unreadable:
        action = DECRYPT if DECRYPT in failure.message else GET
        if failure.code in _GONE:
            failure = replace(failure, reason=Reason.VANISHED)
        elif failure.code in _REPLACED:
            failure = Failure(Reason.VANISHED, failure.code, "it was replaced after it was listed")
        return Unreadable(one.name, call, failure, action)


class _Broken(Exception):
    """A body that stopped before its end."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


def _contradiction(page: Mapping[str, Any], prefix: str) -> str | None:
    """What shows that a page is not all that it should be; None where nothing does."""
    items, folders = page.get("Contents", ()), page.get("CommonPrefixes", ())
    count, more, token = page.get("KeyCount"), page.get("IsTruncated"), page.get("NextContinuationToken")
    if count is None or more is None:
        return "a page without KeyCount or IsTruncated"
    if count != len(items) + len(folders):
        return f"a page that says that it holds {count} keys and holds {len(items) + len(folders)}"
    if more != bool(token):
        return "a page that says that there are more and not where" if more else "the last page says where more are"
    if not all({"Key", "ETag", "Size", "LastModified"} <= set(item) for item in items):
        return "an object without key, ETag, size or time"
    names = [item["Key"] for item in items] + [folder.get("Prefix", "") for folder in folders]
    if not all(name.startswith(prefix) for name in names):
        return f"a page with keys that do not begin with {prefix!r}"
    return None


def _another(page: Mapping[str, Any], one: LogObject, start: int) -> Failure | None:
    """Why an answer is not the rest of the object that was listed; None where it is."""
    if page.get("ETag", "").strip('"') != one.version:
        return Failure(Reason.VANISHED, "ETag", "it was replaced after it was listed")
    if page.get("ContentLength") != one.size - start:
        return Failure(Reason.MALFORMED, "ContentLength", f"{page.get('ContentLength')} bytes where {one.size - start} are left of it")
    if start and page.get("ContentRange") != f"bytes {start}-{one.size - 1}/{one.size}":
        return Failure(Reason.MALFORMED, "ContentRange", f"{page.get('ContentRange')} was given for what begins at {start}")
    return None
