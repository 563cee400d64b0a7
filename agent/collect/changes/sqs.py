"""A queue of SQS that EventBridge puts changes into.

Source: Amazon SQS API reference, ReceiveMessage (ten messages at most; VisibilityTimeout; MessageSystemAttributeNames) and DeleteMessage:
a message that is not deleted comes again, with another receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent.collect.aws.accounts import Admitted, AwsTarget, Shut, admit
from agent.collect.aws.client import Account, Deadline, Page, WrongAccount
from agent.collect.aws.errors import Failure
from agent.collect.changes.cloudtrail import changes
from agent.collect.changes.queue import HIDDEN, Message, NotAChange, QueueFailed
from agent.collect.logs.queue import DELETE, LONGEST_WAIT, RECEIVE
from checks.model import Reason

_MOST: Final = 10
_ATTEMPTS: Final = 4
_IDENTITY: Final = "sts:GetCallerIdentity"


@dataclass(slots=True)
class SqsQueue:
    """The queue at `url`, in a `region`, or where calls without one go. The account is entered when it is first asked, and again where
    that failed."""

    target: AwsTarget
    url: str
    region: str | None
    deadline: Deadline
    now: Callable[[], datetime]
    _entered: Admitted | None = None

    @property
    def name(self) -> str:
        return self.url

    @property
    def pause(self) -> float:
        return 0

    def receive(self, wait: int = LONGEST_WAIT) -> list[Message]:
        """Raises QueueFailed."""
        asked = {
            "QueueUrl": self.url, "MaxNumberOfMessages": _MOST, "WaitTimeSeconds": min(wait, LONGEST_WAIT), "VisibilityTimeout": HIDDEN,
            "AttributeNames": ["SentTimestamp"],
        }  # fmt: skip
        answer = self._ask("ReceiveMessage", asked, RECEIVE)
        return [self._message(one) for one in answer.pages[0].get("Messages", ())]

    def acknowledge(self, message: Message) -> None:
        """Raises QueueFailed."""
        self._ask("DeleteMessage", {"QueueUrl": self.url, "ReceiptHandle": message.receipt}, DELETE)

    def _ask(self, call: str, params: Mapping[str, Any], action: str) -> Page:
        """Raises QueueFailed. Credentials of a role end after an hour: whoever fails enters anew."""
        for last in (False, True):
            account, region = self._place(call)
            answer = account.ask("sqs", region, call, params)
            if isinstance(answer, Page):
                return answer
            self._entered = None
            if last or answer.failure.reason is not Reason.EXPIRED_CREDENTIALS:
                raise QueueFailed(call, answer.failure, action)
        raise AssertionError

    def _place(self, call: str) -> tuple[Account, str]:
        """Raises QueueFailed."""
        if self._entered is None:
            try:
                admitted = admit(self.target, self.deadline, _ATTEMPTS, self.now)
            except WrongAccount as error:
                raise QueueFailed(call, Failure(Reason.DENIED, "WrongAccount", str(error)), _IDENTITY) from error
            if isinstance(admitted, Shut):
                raise QueueFailed(admitted.call, admitted.failure, f"sts:{admitted.call}")
            self._entered = admitted
        return self._entered.account, self.region or self._entered.start

    @staticmethod
    def _message(one: Any) -> Message:
        stamp = str(one.get("Attributes", {}).get("SentTimestamp", ""))
        sent = int(stamp) / 1000 if stamp.isdigit() else None
        try:
            return Message(one["MessageId"], one["ReceiptHandle"], changes(one["Body"]), sent=sent)
        except NotAChange as error:
            return Message(one["MessageId"], one["ReceiptHandle"], problem=str(error), sent=sent)
