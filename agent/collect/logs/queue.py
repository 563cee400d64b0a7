"""S3's notifications in a queue of one's own: hints of new log files, which a listing confirms sooner or later.

Notifications come at least once, in any order, and may be missed; so they never say that there is nothing. A message is deleted
only when its hints have been dealt with, and one that cannot be read stays for somebody to look at.
Source: Amazon S3 User Guide, "Event message structure" (keys are URL-encoded, s3:TestEvent comes first) and "EventBridge event
message structure" (of keys it does not say so: they are taken as they are); Amazon SNS Developer Guide, "Message formats".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from agent.collect.aws.errors import Failure
from agent.collect.aws.sqs import LONGEST_WAIT, Sqs
from agent.collect.logs.objects import LogObject, NotSeen


class QueueFailed(NotSeen):
    """The queue could not be asked, or a message not deleted: the listing is all there is."""


class NotANotification(ValueError):
    """A message that is none of those that S3 sends."""


@dataclass(frozen=True, slots=True)
class Hint:
    """An object that was written: `version` is its ETag, as in a listing; `written` when S3 had finished."""

    bucket: str
    key: str
    version: str
    size: int
    written: datetime

    @property
    def object(self) -> LogObject:
        """What a store reads, and finds out where it is not there any more."""
        return LogObject(f"s3://{self.bucket}/{self.key}", self.version, self.size, self.written)


@dataclass(frozen=True, slots=True)
class Message:
    """What one message announces, perhaps nothing of interest; the receipt deletes it."""

    receipt: str
    hints: tuple[Hint, ...]


@dataclass(slots=True)
class LogQueue(Sqs):
    """A queue that is told of a bucket's new objects. `malformed` are the ids of messages that were left in it."""

    bucket: str
    prefix: str = ""
    malformed: set[str] = field(default_factory=set)

    def receive(self, wait: int = LONGEST_WAIT) -> list[Message]:
        """The next few messages, waiting up to `wait` seconds for the first. Raises QueueFailed."""
        messages = []
        for one in self.messages(wait):
            try:
                hints = tuple(hint for hint in notified(one["Body"]) if self._meant(hint))
            except NotANotification:
                self.malformed.add(one["MessageId"])
                continue
            messages.append(Message(one["ReceiptHandle"], hints))
        return messages

    def done(self, receipt: str) -> None:
        """Delete a message whose hints have been dealt with. Raises QueueFailed; it then comes again."""
        self.delete(receipt)

    def failed(self, call: str, failure: Failure, action: str) -> QueueFailed:
        return QueueFailed(self.url, call, failure, action)

    def _meant(self, hint: Hint) -> bool:
        return hint.bucket == self.bucket and hint.key.startswith(self.prefix)


def notified(body: str) -> list[Hint]:
    """The new objects that a message announces, whether it comes from S3, through SNS or from EventBridge. Raises NotANotification."""
    try:
        return list(_hints(json.loads(body)))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotANotification(f"not a notification of S3: {type(error).__name__} {error}") from error


def _hints(data: Any) -> Iterator[Hint]:
    if data.get("Type") == "Notification":
        data = json.loads(data["Message"])
    if data.get("Event") == "s3:TestEvent":
        return
    if data.get("source") == "aws.s3":
        detail = data["detail"]
        if data["detail-type"] == "Object Created":
            yield _hint(detail["bucket"]["name"], detail["object"]["key"], detail["object"], "etag", data["time"])
        return
    for record in data["Records"]:
        if record["eventSource"] != "aws:s3":
            raise NotANotification(f"an event of {record['eventSource']}")
        if record["eventName"].startswith("ObjectCreated:"):
            held = record["s3"]["object"]
            yield _hint(record["s3"]["bucket"]["name"], unquote_plus(held["key"]), held, "eTag", record["eventTime"])


def _hint(bucket: str, key: str, held: Mapping[str, Any], etag: str, at: str) -> Hint:
    written = datetime.fromisoformat(at)
    return Hint(_text(bucket), _text(key), _text(held[etag]).strip('"'), int(held["size"]), written.astimezone(UTC))


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise NotANotification(f"{value!r} in the place of a name")
