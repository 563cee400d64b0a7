"""Calling AWS: sessions for accounts, one client per service and region, and answers that say what they rest on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, field
from datetime import datetime
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agent.collect.aws.errors import DeadlinePassed, Failure, of_exception
from agent.collect.aws.retries import Patience
from agent.collect.aws.witness import Witness
from agent.collect.threads import Threads
from checks import paths
from checks.model import GLOBAL

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient

T = TypeVar("T")
HOME_REGION = "us-east-1"
"""Where calls of global services go (IAM, CloudFront and Organizations sign for it in the aws partition)."""
_HOMES = {"globalaccelerator": "us-west-2", "networkmanager": "us-west-2"}
"""Global services that answer in another region only (AWS General Reference, service endpoints of both)."""
_MORE = ("NextToken", "nextToken", "NextMarker", "Marker", "ContinuationToken", "nextPageToken", "position")


_CUT = ("IsTruncated", "AdditionalRoutesAvailable", "HasMoreDeliveryStreams", "HasMoreStreams", "HasMoreTags", "Truncated")


class WrongAccount(ValueError):
    """The credentials are not those of the configured account, or cannot be had: nothing may be collected with them."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one completed call said: its pages in order, and what a look records of them."""

    pages: tuple[Mapping[str, Any], ...]
    request_id: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Halt:
    """A call that failed, perhaps part way: what had come in by then, and why it went no further."""

    failure: Failure
    read: Page = Page((), None, "")

    @property
    def pages(self) -> tuple[Mapping[str, Any], ...]:
        return self.read.pages


class Caller(Protocol):
    """What answers the calls of one account: AWS, or files that were recorded of it."""

    @property
    def id(self) -> str: ...

    @property
    def partition(self) -> str: ...

    @property
    def in_bulk(self) -> bool:
        """Whether one call about all resources is cheaper than one about each."""

    def call(self, service: str, region: str, operation: str, params: Mapping[str, Any]) -> Page | Halt: ...


@dataclass
class Deadline:
    """When collecting must end, on the monotonic clock."""

    at: float
    monotonic: Callable[[], float] = time.monotonic

    @property
    def left(self) -> float:
        return self.at - self.monotonic()

    def check(self, **_: Any) -> None:
        """Also a botocore `before-send` handler: stops retries, too."""
        if self.left <= 0:
            raise DeadlinePassed

    def within(self, call: Callable[[], T]) -> T:
        """What a call gives by then. Raises DeadlinePassed where it has not, and nobody waits for it any more; and what the call raises."""
        self.check()
        thread = Threads(1, "in-time")
        asked = thread.submit(call)
        done, _ = wait([asked], timeout=min(self.left, TIMEOUT_MAX))
        thread.close()
        if not done:
            raise DeadlinePassed
        return asked.result()


@dataclass
class Account:
    """One account's session, its clients made when they are first needed and shared between threads."""

    id: str
    session: boto3.Session
    deadline: Deadline
    attempts: int
    now: Callable[[], datetime]
    partition: str = "aws"
    in_bulk: bool = True
    connections: int = 16
    """To each service of a region, kept open."""
    _clients: dict[tuple[str, str], BaseClient] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _witness: Witness = field(default_factory=Witness)
    _patience: Patience = field(init=False)

    def __post_init__(self) -> None:
        self._patience = Patience(self.attempts, self.deadline.monotonic)

    def client(self, service: str, region: str) -> BaseClient:
        place = _HOMES.get(service, HOME_REGION) if region == GLOBAL else region
        with self._lock:
            if (service, place) not in self._clients:
                self._clients[service, place] = self._make(service, place)
            return self._clients[service, place]

    def _make(self, service: str, region: str) -> BaseClient:
        from botocore.config import Config

        settings = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=self.connections,
            user_agent_appid="upheld",  # type: ignore[call-arg] # newer than the stubs
        )
        client = self.session.client(service, region_name=region, config=settings)  # type: ignore[call-overload]
        client.meta.events.register_first("before-send", self.deadline.check)
        self._witness.watch(client.meta.events)
        self._patience.watch(client, service, region)
        return client  # type: ignore[no-any-return]

    def call(self, service: str, region: str, operation: str, params: Mapping[str, Any]) -> Page | Halt:
        """Every page of one operation. Whatever AWS or the network does comes back as a Halt; only a bug raises."""
        return self._answer(service, region, operation, params, _pages)

    def ask(self, service: str, region: str, operation: str, params: Mapping[str, Any]) -> Page | Halt:
        """The same of one request: one page of a listing, or an object whose body is still to be read."""
        return self._answer(service, region, operation, params, _page)

    def _answer(
        self, service: str, region: str, operation: str, params: Mapping[str, Any], read: Callable[..., Iterator[Mapping[str, Any]]]
    ) -> Page | Halt:
        action = (service, HOME_REGION if region == GLOBAL else region, operation)
        if (spent := self._patience.refuses(action)) is not None:
            return Halt(spent)
        pages: list[Mapping[str, Any]] = []
        self._witness.begin()
        try:
            client = self.client(service, region)
            for page in read(client, operation, params):
                pages.append(page)
        except Exception as error:
            failure = of_exception(error, self.now())
            if failure is None:
                raise
            self._patience.failed(action, failure)
            return Halt(failure, self._read(pages))
        return self._read(pages)

    def _read(self, pages: list[Mapping[str, Any]]) -> Page:
        sha256, request_id = self._witness.result() if pages else self._witness.refused()
        return Page(tuple(pages), request_id, sha256)


def _page(client: BaseClient, operation: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    from botocore import xform_name

    yield getattr(client, xform_name(operation))(**params)


def _pages(client: BaseClient, operation: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    from botocore import xform_name

    method = xform_name(operation)
    if client.can_paginate(method):
        page: Mapping[str, Any] = {}
        for page in client.get_paginator(method).paginate(**params):
            yield page
        _end(operation, any(page.get(name) is True for name in _CUT))
        return
    accepted = client.meta.service_model.operation_model(operation).input_shape
    seen: set[str] = set()
    while True:
        page = getattr(client, method)(**params)
        yield page
        token = next((name for name in _MORE if page.get(name) and accepted is not None and name in accepted.members), None)
        if token is None or page[token] in seen:
            break
        seen.add(page[token])
        params = {**params, token: page[token]}
    _end(operation, any(_cut(held) for held in (page, *page.values())))


def _end(operation: str, more: bool) -> None:  # noqa: FBT001 - what the last page says
    """Raises PaginationError where the last page that could be asked for is not the last one that there is.

    SearchTransitGatewayRoutes answers with 1000 routes at most, and says whether there are more (EC2 API reference). Where no
    token comes with that, botocore's paginator ends as if there were none.
    """
    if more:
        from botocore.exceptions import PaginationError

        raise PaginationError(message=f"{operation} has more pages, and there is no way to ask for them, or they go round in a circle")


def _cut(value: Any) -> bool:
    """Whether a structure of an answer says that there is more of it."""
    return isinstance(value, dict) and (any(value.get(name) for name in _MORE) or any(value.get(name) is True for name in _CUT))


def endpoint_override() -> str | None:
    """The endpoint that the standard variable sets for every service; shown wherever results are."""
    import os

    return os.environ.get("AWS_ENDPOINT_URL") or None


def merged(pages: tuple[Mapping[str, Any], ...], take: paths.Path) -> tuple[bool, Any]:
    """What a detail call said at `take`, over its pages: (whether it is there, the value).

    Raises ValueError where several pages hold something that is not a list, and so cannot be put together.
    """
    found = [value for page in pages for value in paths.values({**page, "ResponseMetadata": None}, take)]
    if not found:
        return False, None
    if len(found) == 1:
        value = found[0]
        return True, {name: held for name, held in value.items() if name != "ResponseMetadata"} if not take else value
    if not all(isinstance(value, list) for value in found):
        raise ValueError("several pages, and what is taken from them is not a list")
    return True, [item for value in found for item in value]
