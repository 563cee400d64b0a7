"""Reading a queue of SQS for as long as the program runs, in a role's place too.

Source: Amazon SQS API reference, ReceiveMessage (ten messages at most, WaitTimeSeconds) and DeleteMessage: a message that is not
deleted comes again, with another receipt.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from agent.collect.aws.accounts import Admitted, AwsTarget, Shut, admit
from agent.collect.aws.client import Deadline, Page, WrongAccount
from agent.collect.aws.errors import Failure
from checks.model import Reason

RECEIVE, DELETE = "sqs:ReceiveMessage", "sqs:DeleteMessage"
LONGEST_WAIT: Final = 10
"""Seconds that an empty queue is listened to; a client gives up on an answer after 20."""
_MOST: Final = 10
_ATTEMPTS: Final = 4
_IDENTITY: Final = "sts:GetCallerIdentity"


@dataclass(slots=True)
class Sqs(ABC):
    """The queue at `url`, in a `region`, or where calls without one go. The account is entered when it is first asked, and again where
    that failed. May be asked from several threads."""

    target: AwsTarget
    url: str
    region: str | None
    deadline: Deadline
    now: Callable[[], datetime]
    _entered: Admitted | None = field(default=None, init=False)

    @abstractmethod
    def failed(self, call: str, failure: Failure, action: str) -> Exception:
        """What is raised where the queue did not do as it was asked. `action`: the permission that this takes."""

    def messages(self, wait: int, **more: Any) -> Sequence[Mapping[str, Any]]:
        """The next few messages as they are, waiting up to `wait` seconds for the first. Raises what `failed` gives."""
        asked = {"QueueUrl": self.url, "MaxNumberOfMessages": _MOST, "WaitTimeSeconds": min(wait, LONGEST_WAIT), **more}
        messages: Sequence[Mapping[str, Any]] = self._ask("ReceiveMessage", asked, RECEIVE).pages[0].get("Messages", ())
        return messages

    def delete(self, receipt: str) -> None:
        """Raises what `failed` gives; the message then comes again."""
        self._ask("DeleteMessage", {"QueueUrl": self.url, "ReceiptHandle": receipt}, DELETE)

    def _ask(self, call: str, params: Mapping[str, Any], action: str) -> Page:
        """Credentials of a role end after an hour: whoever fails enters anew."""
        for last in (False, True):
            door = self._entered or self._enter(call)
            self._entered = door
            answer = door.account.ask("sqs", self.region or door.start, call, params)
            if isinstance(answer, Page):
                return answer
            self._entered = None
            if last or answer.failure.reason is not Reason.EXPIRED_CREDENTIALS:
                raise self.failed(call, answer.failure, action)
        raise AssertionError

    def _enter(self, call: str) -> Admitted:
        try:
            admitted = admit(self.target, self.deadline, _ATTEMPTS, self.now)
        except WrongAccount as error:
            raise self.failed(call, Failure(Reason.DENIED, "WrongAccount", str(error)), _IDENTITY) from error
        if isinstance(admitted, Shut):
            raise self.failed(admitted.call, admitted.failure, f"sts:{admitted.call}")
        return admitted
