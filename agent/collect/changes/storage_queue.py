"""A queue of an Azure storage account that Event Grid puts changes into.

Source: Azure Storage REST API reference, "Get Messages" (32 messages at most; visibilitytimeout; QueueMessagesList) and "Delete Message"
(the pop receipt of the newest Get Messages; 204), "Authorize with Microsoft Entra ID" (x-ms-version from 2017-11-09 on), "Queue Storage
error codes". There is no waiting for a message: the queue is asked again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from agent.collect.aws.client import Deadline
from agent.collect.aws.errors import Failure, NotAnAnswer
from agent.collect.azure.errors import of_exception, of_response
from agent.collect.changes.event_grid import changes
from agent.collect.changes.queue import HIDDEN, Message, NotAChange, QueueFailed

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SCOPE: Final = "https://storage.azure.com/.default"
PROCESS: Final = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action"
"""What both calls need ("Authorize with Microsoft Entra ID", Permissions for Queue service operations)."""
VERSION: Final = "2021-12-02"
EVERY: Final = 2.0
"""Seconds between two looks at an empty queue."""
_MOST: Final = 32
_LARGEST: Final = 32 * 2 * 65536
"""Bytes of an answer: a message holds 64 KiB at most, as base64 in XML."""


@dataclass(slots=True)
class StorageQueue:
    """The queue at `url`, without a signature: the identity of `credential` reads it."""

    url: str
    credential: TokenCredential
    deadline: Deadline
    now: Callable[[], datetime]
    pause: float = EVERY
    _pipeline: Any = field(init=False)

    def __post_init__(self) -> None:
        from azure.core.pipeline import Pipeline
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RequestIdPolicy, UserAgentPolicy
        from azure.core.pipeline.transport import RequestsTransport

        from agent.collect.azure.policies import Patience

        # No redirections: a Location elsewhere would carry the token there.
        policies: list[Any] = [
            RequestIdPolicy(), UserAgentPolicy("upheld"), Patience(self.deadline), BearerTokenCredentialPolicy(self.credential, SCOPE),
        ]  # fmt: skip
        self._pipeline = Pipeline(RequestsTransport(connection_timeout=5, read_timeout=20), policies)

    @property
    def name(self) -> str:
        return self.url

    def receive(self, wait: int) -> list[Message]:  # noqa: ARG002 - nothing is waited for
        """Raises QueueFailed."""
        query = urlencode({"numofmessages": _MOST, "visibilitytimeout": HIDDEN})
        return self._asked("GetMessages", "GET", f"{self.url}/messages?{query}", 200, _messages)

    def acknowledge(self, message: Message) -> None:
        """Raises QueueFailed."""
        url = f"{self.url}/messages/{quote(message.id, safe='')}?{urlencode({'popreceipt': message.receipt})}"
        self._asked("DeleteMessage", "DELETE", url, 204, lambda _: [])

    def _asked(self, call: str, method: str, url: str, wanted: int, read: Callable[[bytes], list[Message]]) -> list[Message]:
        from azure.core.rest import HttpRequest

        try:
            request = HttpRequest(method, url, headers={"x-ms-version": VERSION, "Accept": "application/xml"})
            response = self._pipeline.run(request, stream=False).http_response
            raw, headers = response.content, response.headers
            if response.status_code != wanted and response.status_code >= 300:
                raise QueueFailed(call, self._refused(response.status_code, raw, headers), PROCESS)
            if not headers.get("x-ms-request-id"):
                raise NotAnAnswer("the response carries no request id, so it is not from Azure")
            if response.status_code != wanted:
                raise NotAnAnswer(f"the status {response.status_code} in the place of {wanted}")
            return read(raw)
        except QueueFailed:
            raise
        except Exception as error:
            failure = of_exception(error)
            if failure is None:
                raise
            raise QueueFailed(call, failure, PROCESS) from error

    def _refused(self, status: int, raw: bytes, headers: Mapping[str, str]) -> Failure:
        """An error's code stands in a header, and in an XML body beside its message."""
        told = {"code": headers.get("x-ms-error-code") or "", "message": _message(raw)}
        return of_response(status, {"error": told}, headers.get("Date"), self.now())


def _messages(raw: bytes) -> list[Message]:
    """Raises NotAnAnswer for what is no list of messages."""
    if len(raw) > _LARGEST or b"<!DOCTYPE" in raw:
        raise NotAnAnswer("no list of messages: a document type, or too large")
    try:
        root = ET.fromstring(raw)  # noqa: S314 - no document type, so no entities
    except ET.ParseError as error:
        raise NotAnAnswer(f"the XML is cut short or malformed ({error})") from error
    if root.tag != "QueueMessagesList":
        raise NotAnAnswer(f"the root element is {root.tag}, not QueueMessagesList")
    return [_one(element) for element in root.iterfind("QueueMessage")]


def _one(element: ET.Element) -> Message:
    id_, receipt = element.findtext("MessageId"), element.findtext("PopReceipt")
    if not id_ or not receipt:
        raise NotAnAnswer("a message without its id and receipt")
    try:
        sent: float | None = parsedate_to_datetime(element.findtext("InsertionTime") or "").timestamp()
    except ValueError:
        sent = None
    try:
        return Message(id_, receipt, changes(element.findtext("MessageText") or ""), sent=sent)
    except NotAChange as error:
        return Message(id_, receipt, problem=str(error), sent=sent)


def _message(raw: bytes) -> str:
    try:
        return "" if b"<!DOCTYPE" in raw else ET.fromstring(raw).findtext("Message") or ""  # noqa: S314 - no document type, so no entities
    except ET.ParseError:
        return ""
