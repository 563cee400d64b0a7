"""Recorded answers, and what plays them below botocore, with faults and without a network.

tape = Tape()
with FaultProxy(moto, tape=tape) as proxy: ...          # record once
player = Player(tape, [Fault("s3", "GetBucketPolicy", "deny", match="shop-logs")])
session.register("before-send", player)                 # a botocore session, or client.meta.events
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from tests.world.faults import Fault, Faults, Kind
from tests.world.inflict import Pages, inflict
from tests.world.wire import Answer, Call, Cut, Request
from tests.world.wire_calls import recognise

# --- below botocore --------------------------------------------------------------------------------------------------


class Tape:
    """Recorded answers by `Call.key`: account, region, service, operation and canonical parameters."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.accounts: dict[str, str] = {}
        """Access key -> account, for the keys that AssumeRole handed out on the tape."""

    def record(self, call: Call, answer: Answer) -> None:
        self.answers[call.key] = answer

    def __len__(self) -> int:
        return len(self.answers)

    def save(self, path: Path) -> None:
        """Write the tape as JSON lines, in the order of the keys."""
        lines = [json.dumps({"accounts": self.accounts})]
        for key, answer in sorted(self.answers.items()):
            body = base64.b64encode(answer.body).decode()
            lines.append(json.dumps({"key": key, "status": answer.status, "headers": dict(answer.headers), "body": body}))
        path.write_text("\n".join(lines) + "\n")

    @classmethod
    def load(cls, path: Path) -> Tape:
        tape = cls()
        first, *lines = path.read_text().splitlines()
        tape.accounts = json.loads(first)["accounts"]
        for line in map(json.loads, lines):
            tape.answers[line["key"]] = Answer(line["status"], line["headers"], base64.b64decode(line["body"]))
        return tape


class Body(BytesIO):
    """A body as urllib3 gives it to botocore."""

    def stream(self, amt: int = 65536) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


@dataclass(eq=False)
class Player:
    """A handler of botocore's `before-send` that answers from a tape, with faults. Safe to share between threads.

    What the tape does not know is unreachable, and is listed in `missed`: a harness asserts that it is empty. A call
    that met a fault is listed in `struck`.
    """

    tape: Tape
    faults: Faults | Iterable[Fault] = ()
    pages: Pages = field(default_factory=Pages)
    calls: list[Call] = field(default_factory=list)
    struck: list[tuple[Call, Fault]] = field(default_factory=list)
    missed: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.faults, Faults):
            self.faults = Faults(self.faults)

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        call = recognise(received(request), self.tape.accounts)
        self.calls.append(call)
        assert isinstance(self.faults, Faults)
        fault = self.faults.strike(call)
        if fault is None:
            return _response(request.url, self._true_answer(call, request.url))
        self.struck.append((call, fault))
        if Kind(fault.kind).is_silence:
            raise _transport_error(Kind(fault.kind), request.url)
        answer = inflict(fault, call, lambda: self._true_answer(call, request.url), self.pages)
        return _response(request.url, answer)

    def _true_answer(self, call: Call, url: str) -> Answer:
        kept = self.pages.recall(call)
        if kept is not None:
            return kept
        answer = self.tape.answers.get(call.key)
        if answer is None:
            self.missed.append(call)
            raise EndpointConnectionError(endpoint_url=url)
        return self.pages.first(call, answer)


def received(request: AWSPreparedRequest) -> Request:
    """The request as a server would see it."""
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    body: Any = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    return Request(request.method, request.url, headers, body.encode() if isinstance(body, str) else bytes(body))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _response(url: str, answer: Answer) -> AWSResponse:
    headers: Any = {**answer.headers, "Content-Length": str(len(answer.body))}
    return AWSResponse(url, answer.status, headers, Body(answer.arriving if isinstance(answer, Cut) else answer.body))


def _transport_error(kind: Kind, url: str) -> Exception:
    """What botocore raises for it, as measured against the proxy."""
    if kind is Kind.TIMEOUT:
        return ReadTimeoutError(endpoint_url=url, error="timed out")
    if kind is Kind.UNREACHABLE:
        return EndpointConnectionError(endpoint_url=url)
    return ConnectionClosedError(endpoint_url=url, error="connection broken")
