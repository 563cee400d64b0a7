"""Calling Azure Resource Manager: one thin client on azure-core's pipeline, and answers that say what they rest on.

A page of a list is a JSON object with `value`, a list, and `nextLink` where there is another page (Azure REST API guidelines,
"Collections"); every response carries the id of its request (Azure Resource Manager documentation, "Track operations").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from agent.collect.aws.client import Deadline
from agent.collect.aws.errors import Failure, NotAnAnswer
from agent.collect.azure.errors import of_exception, of_response
from agent.collect.azure.policies import GRAPH, Guard, Patience, origin
from agent.collect.serialized import from_json
from checks.model import Reason, digest

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

GRAPH_API: Final = "2021-03-01"
GRAPH_PAGE: Final = 1000
"""The most rows of a page (Azure Resource Graph documentation, "Working with large Azure resource data sets")."""
_REQUEST_IDS: Final = ("x-ms-request-id", "x-ms-correlation-request-id")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one completed call said: what was read of its pages, and what a look records of them."""

    items: tuple[Any, ...]
    pages: int = 1
    request_id: str | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Halt:
    """A call that failed, perhaps part way: what had come in by then, and why it went no further."""

    failure: Failure
    read: Answer = Answer((), 0)
    said: Answer | None = None
    """The service's own refusal, which may be its word that there is none."""

    @property
    def items(self) -> tuple[Any, ...]:
        return self.read.items


def joined(parts: Sequence[Answer], items: Iterable[Any]) -> Answer:
    """The answers of several calls as one, about `items`."""
    if len(parts) == 1:
        return replace(parts[0], items=tuple(items))
    hashes = digest(*(part.sha256 for part in parts)) if parts else ""
    request_id = next((part.request_id for part in reversed(parts) if part.request_id), None)
    return Answer(tuple(items), sum(part.pages for part in parts), request_id, hashes)


@dataclass(frozen=True, slots=True)
class _Body:
    """One response that is what it must be: a JSON object, its bytes, and the id of the request."""

    page: Mapping[str, Any]
    raw: bytes
    request_id: str


@dataclass(slots=True)
class _Reading:
    """The pages of one call, as they come in."""

    items: list[Any] = field(default_factory=list)
    pages: int = 0
    request_id: str | None = None
    sha256: Any = field(default_factory=hashlib.sha256)

    def add(self, body: _Body) -> None:
        self.pages, self.request_id = self.pages + 1, body.request_id
        self.sha256.update(body.raw)

    def answer(self) -> Answer:
        return Answer(tuple(self.items), self.pages, self.request_id, self.sha256.hexdigest() if self.pages else "")


@dataclass
class Arm:
    """Resource Manager, as one identity sees it. Shared between threads. `now` is the wall clock."""

    endpoint: str
    scope: str
    credential: TokenCredential
    deadline: Deadline
    now: Callable[[], datetime]
    first_wait: float = 0.4
    typed: dict[str, Any] = field(default_factory=dict)
    """Typed clients by subscription, kept for the next question."""
    transport: Any = field(init=False)
    _pipeline: Any = field(init=False)

    def __post_init__(self) -> None:
        from azure.core.pipeline import Pipeline
        from azure.core.pipeline.transport import RequestsTransport

        # No redirections, no logging of requests: a Location elsewhere would carry the token there.
        self.transport = RequestsTransport(connection_timeout=5, read_timeout=30)
        self._pipeline = Pipeline(self.transport, self.policies())

    def close(self) -> None:
        """Close its connections."""
        self.transport.close()

    def policies(self) -> list[Any]:
        """What a request goes through, from the outside in; the typed client's requests, too."""
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RequestIdPolicy, UserAgentPolicy

        return [
            RequestIdPolicy(),
            UserAgentPolicy("upheld"),
            Patience(self.deadline, first_wait=self.first_wait),
            Guard(self.endpoint),
            BearerTokenCredentialPolicy(self.credential, self.scope),
        ]

    def one(self, path: str, api: str, expand: str | None, read: Callable[[Mapping[str, Any]], Any]) -> Answer | Halt:
        """One object by its path. Whatever Azure or the network does comes back as a Halt; only a bug raises."""

        def call(reading: _Reading) -> None:
            answer = self._send("GET", self._url(path, api, expand))
            reading.items.append(read(answer.page))
            reading.add(answer)

        return self._answered(call)

    def pages(self, path: str, api: str, expand: str | None, read: Callable[[Any], Any]) -> Answer | Halt:
        """Every element of a list, over its pages, each as `read` gives it: what is not kept does not stay in memory."""

        def call(reading: _Reading) -> None:
            url: str | None = self._url(path, api, expand)
            seen: set[str] = set()
            hollow = False
            while url is not None:
                if url in seen:
                    raise NotAnAnswer("its nextLink leads back to a page that was read already")
                seen.add(url)
                answer = self._send("GET", url)
                if not isinstance(elements := answer.page.get("value"), list):
                    raise NotAnAnswer("a page without `value`, which every page of a list has")
                reading.items += map(read, elements)
                reading.add(answer)
                url = self._next(_continued(answer.page))
                hollow = hollow or (url is not None and not elements)
            if hollow:
                raise NotAnAnswer("an empty page that says there are more: what it was to show is not known")

        return self._answered(call)

    def graph(self, query: str, subscriptions: Sequence[str]) -> Answer | Halt:
        """The rows of a query of Resource Graph, held against the number that it says there are."""

        def call(reading: _Reading) -> None:
            options: dict[str, Any] = {"$top": GRAPH_PAGE, "resultFormat": "objectArray"}
            seen: set[str] = set()
            while True:
                question = {"subscriptions": list(subscriptions), "query": query, "options": options}
                answer = self._send("POST", self._url(GRAPH, GRAPH_API, None), question)
                page = answer.page
                rows, total = page.get("data"), page.get("totalRecords")
                if not isinstance(rows, list) or not isinstance(total, int):
                    raise NotAnAnswer("an answer of Resource Graph without `data` and `totalRecords`")
                reading.items += rows
                reading.add(answer)
                if not (token := page.get("$skipToken")):
                    break
                if token in seen or not rows:
                    raise NotAnAnswer("its skip token leads to no further rows")
                seen.add(token)
                options = {**options, "$skipToken": token}
            if len(reading.items) != total or str(page.get("resultTruncated")).lower() != "false":
                raise NotAnAnswer(f"it gives {len(reading.items)} of {total} rows (resultTruncated {page.get('resultTruncated')})")

        return self._answered(call)

    def _answered(self, call: Callable[[_Reading], None]) -> Answer | Halt:
        reading = _Reading()
        try:
            call(reading)
        except _Refused as refused:
            said = Answer((), 1, refused.request_id, hashlib.sha256(refused.body).hexdigest())
            return Halt(refused.failure, reading.answer(), said)
        except Exception as error:
            failure = of_exception(error)
            if failure is None:
                raise
            return Halt(failure, reading.answer())
        return reading.answer()

    def _send(self, method: str, url: str, body: Any = None) -> _Body:
        """Raises _Refused, NotAnAnswer, DeadlinePassed, and what azure-core raises."""
        from azure.core.rest import HttpRequest

        self.deadline.check()
        request = HttpRequest(method, url, headers={"Accept": "application/json"}, json=body)
        response = self._pipeline.run(request, stream=False).http_response
        raw, headers = response.content, response.headers
        request_id = next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None)
        kind = str(headers.get("Content-Type", "")).partition(";")[0].strip().lower()
        if response.status_code != 200:
            told = from_json(raw) if kind.endswith("json") else None
            raise _Refused(of_response(response.status_code, told, headers.get("Date"), self.now()), raw, request_id)
        if kind != "application/json":
            raise NotAnAnswer(f"the content type is {kind or 'not given'}, not JSON: something between here and Azure answered")
        if request_id is None:
            raise NotAnAnswer("the response carries no request id, so it is not from Azure")
        page = from_json(raw)
        if not isinstance(page, dict):
            raise NotAnAnswer("the body is not a JSON object, or is cut short")
        if page.get("error") is not None:
            raise NotAnAnswer("a success that holds an error")
        return _Body(page, raw, request_id)

    def _url(self, path: str, api: str, expand: str | None) -> str:
        more = f"&$expand={quote(expand, safe='')}" if expand else ""
        return f"{self.endpoint}{quote(path, safe='/:@!$&()*+,;=~-._')}?api-version={api}{more}"

    def _next(self, link: Any) -> str | None:
        """Where the next page is. Raises NotAnAnswer where that is no text, or on another host."""
        if link is None or link == "":
            return None
        try:
            same = isinstance(link, str) and origin(link) == origin(self.endpoint)
        except ValueError:
            same = False
        if not same:
            raise NotAnAnswer("its nextLink leads to another host, where the token is not sent")
        return str(link)


def _continued(page: Mapping[str, Any]) -> Any:
    """The link to another page: `nextLink`, which some providers spell otherwise (NextLink, odata.nextLink)."""
    return next((held for name, held in page.items() if name.lower().endswith("nextlink") and held), None)


class _Refused(Exception):
    """A response that is no success."""

    def __init__(self, failure: Failure, body: bytes, request_id: str | None) -> None:
        super().__init__(failure.message)
        self.failure, self.body, self.request_id = failure, body, request_id


LATE: Final = Halt(Failure(Reason.LATE, "DeadlinePassed", "the collection's deadline passed before this was answered"))
