"""A queue of SQS that EventBridge puts changes into.

Source: Amazon SQS API reference, ReceiveMessage (VisibilityTimeout; MessageSystemAttributeNames).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.collect.aws.errors import Failure
from agent.collect.aws.sqs import LONGEST_WAIT, Sqs
from agent.collect.changes.cloudtrail import changes
from agent.collect.changes.queue import HIDDEN, Message, NotAChange, QueueFailed


@dataclass(slots=True)
class SqsQueue(Sqs):
    """A queue that is told of changes."""

    @property
    def name(self) -> str:
        return self.url

    @property
    def pause(self) -> float:
        return 0

    def receive(self, wait: int = LONGEST_WAIT) -> list[Message]:
        """Raises QueueFailed."""
        return [self._message(one) for one in self.messages(wait, VisibilityTimeout=HIDDEN, AttributeNames=["SentTimestamp"])]

    def acknowledge(self, message: Message) -> None:
        """Raises QueueFailed."""
        self.delete(message.receipt)

    def failed(self, call: str, failure: Failure, action: str) -> QueueFailed:
        return QueueFailed(call, failure, action)

    @staticmethod
    def _message(one: Any) -> Message:
        stamp = str(one.get("Attributes", {}).get("SentTimestamp", ""))
        sent = int(stamp) / 1000 if stamp.isdigit() else None
        try:
            return Message(one["MessageId"], one["ReceiptHandle"], changes(one["Body"]), sent=sent)
        except NotAChange as error:
            return Message(one["MessageId"], one["ReceiptHandle"], problem=str(error), sent=sent)
