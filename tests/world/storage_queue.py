"""A double of a storage account's queue: as much of the REST API as receiving and deleting takes, beside the double of Azure.

Source: Azure Storage REST API reference, "Get Messages", "Delete Message", "Queue Storage error codes".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from tests.world.arm_double import ArmDouble, Asked, Reply


@dataclass
class Held:
    id: str
    text: str
    receipt: str = ""
    hidden: bool = False


@dataclass
class QueueDouble:
    """A queue called `changes`; what was received is hidden until `show`."""

    arm: ArmDouble
    messages: list[Held] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.arm.beside = self.answer

    @property
    def url(self) -> str:
        return f"{self.arm.url}/changes"

    def put(self, text: str) -> str:
        self.messages.append(Held(f"m-{next(self.numbers)}", text))
        return self.messages[-1].id

    def show(self) -> None:
        """The time for which messages are hidden is over."""
        for one in self.messages:
            one.hidden = False

    def answer(self, asked: Asked) -> Reply | None:
        if not asked.path.startswith("/changes/messages"):
            return None
        if asked.headers.get("x-ms-version") is None:
            return refused(400, "MissingRequiredHeader")
        if asked.method == "GET":
            return self._given(int(asked.query["numofmessages"]), int(asked.query["visibilitytimeout"]))
        (held,) = [one for one in self.messages if one.id == asked.path.rpartition("/")[2]] or [None]
        if held is None:
            return refused(404, "MessageNotFound")
        if held.receipt != asked.query.get("popreceipt"):
            return refused(400, "PopReceiptMismatch")
        self.messages.remove(held)
        return Reply(204, b"")

    def _given(self, most: int, hidden: int) -> Reply:
        assert 1 <= most <= 32
        assert hidden >= 1
        found = [one for one in self.messages if not one.hidden][:most]
        stamp = format_datetime(datetime.now(UTC), usegmt=True)
        parts = []
        for one in found:
            one.hidden, one.receipt = True, f"AgAAAAMAAAA{next(self.numbers)}=="
            parts.append(
                f"<QueueMessage><MessageId>{one.id}</MessageId><InsertionTime>{stamp}</InsertionTime><ExpirationTime>{stamp}</ExpirationTime>"
                f"<PopReceipt>{one.receipt}</PopReceipt><TimeNextVisible>{stamp}</TimeNextVisible><DequeueCount>1</DequeueCount>"
                f"<MessageText>{escape(one.text)}</MessageText></QueueMessage>"
            )
        body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><QueueMessagesList>{"".join(parts)}</QueueMessagesList>'
        return Reply(200, body.encode(), {"Content-Type": "application/xml"})


def refused(status: int, code: str) -> Reply:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}, says the queue.</Message></Error>'
    return Reply(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})
