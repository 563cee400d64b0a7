"""What can go wrong between a reader of AWS and AWS, as answers that real SDKs receive.

One table of faults serves two places: the proxy in front of a running server (`tests.world.proxy`), and `Player`, which
answers below botocore from a `Tape` of recorded answers, without a network. The bodies are those of the service's
protocol, so that the SDK's own parsing and retrying run.

    tape = Tape()
    with FaultProxy(moto, tape=tape) as proxy: ...          # record once
    player = Player(tape, [Fault("s3", "GetBucketPolicy", "deny", match="shop-logs")])
    session.register("before-send", player)                 # a botocore session, or client.meta.events
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from tests.world.wire import (
    PAGE_TOKEN,
    REQUEST_ID,
    Answer,
    Call,
    Cut,
    Document,
    Protocol,
    Request,
    UnknownCallError,
    content_type,
    halves,
    items_path,
    operation_model,
    pages,
    paging,
    recognise,
    write_cbor,
)


class Kind(StrEnum):
    """The ways in which a call goes wrong."""

    DENY = "deny"
    DENY_SCP = "deny_scp"
    THROTTLE = "throttle"
    EXPIRED = "expired"
    SKEWED = "skewed"
    REGION_OFF = "region_off"
    """The region is not enabled for the account."""
    ERROR_500 = "error_500"
    VANISH = "vanish"
    """The thing asked for is gone: the service's own not-found error."""
    ERROR = "error"
    """Any other error: the fault's `code`, `status` and `message`."""
    TIMEOUT = "timeout"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    """No connection. Below botocore only: a proxy cannot refuse one call."""
    TRUNCATE = "truncate"
    """Half the body, under the Content-Length of the whole: botocore does not notice."""
    TRUNCATE_QUIET = "truncate_quiet"
    """Half the body, under its own Content-Length."""
    EMPTY_200 = "empty_200"
    HTML_200 = "html_200"
    MISSING_MEMBER = "missing_member"
    """The answer without the member that holds the items."""
    LOST_PAGE = "lost_page"
    """The second page is an error. A listing of one page is cut in two first."""
    PAGE_CUT = "page_cut"
    """The second page is an empty 200."""
    PAGE_LOOP = "page_loop"
    """Every page is the first one again, with its token."""

    @property
    def about_pages(self) -> bool:
        return self in {Kind.LOST_PAGE, Kind.PAGE_CUT, Kind.PAGE_LOOP}

    @property
    def is_silence(self) -> bool:
        """Whether there is no answer at all."""
        return self in {Kind.TIMEOUT, Kind.RESET, Kind.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class Fault:
    """Which calls go wrong, and how.

    `service` and `operation` are botocore's names (`elbv2`, `DescribeListeners`), `*` is any. `match` is a part of the
    request's path, query or body: the name of a bucket, the id of a volume. Of the calls that fit, only the `nth` (from
    1) or only the first `times` go wrong; by default all do. Retries are calls too. `code`, `status` and `message`
    replace those of the kind; `member` (a dotted path) that of `missing_member`.
    """

    service: str
    operation: str
    kind: Kind | str
    match: str | None = None
    times: int | None = None
    nth: int | None = None
    region: str | None = None
    account: str | None = None
    code: str | None = None
    status: int | None = None
    message: str | None = None
    member: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        if self.kind is Kind.ERROR and not self.code:
            message = "a fault of kind error needs a code"
            raise ValueError(message)

    def fits(self, call: Call) -> bool:
        """Whether the fault is about this call; how often it has fitted before is `Faults`' business."""
        return (
            self.service in {"*", call.service}
            and self.operation in {"*", call.operation}
            and self.region in {None, call.region}
            and self.account in {None, call.account}
            and (self.match is None or self.match in call.text)
        )


class Faults:
    """The faults in force, with how often each has fitted. Safe to share between threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._fitted: Counter[Fault] = Counter()
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults = (*self._faults, fault)

    def clear(self) -> None:
        with self._lock:
            self._faults = ()
            self._fitted.clear()

    def strike(self, call: Call) -> Fault | None:
        """The fault that this call meets, the one added last first."""
        for fault in reversed(self._faults):
            if fault.fits(call) and self._is_due(fault, call):
                return fault
        return None

    def _is_due(self, fault: Fault, call: Call) -> bool:
        if Kind(fault.kind).about_pages and not call.has_page_token:
            return True
        with self._lock:
            self._fitted[fault] += 1
            count = self._fitted[fault]
        if fault.nth is not None:
            return count == fault.nth
        return fault.times is None or count <= fault.times


# --- the errors, by protocol -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """A service's error: HTTP status, code, message."""

    status: int
    code: str
    message: str


def refusal(call: Call, fault: Fault) -> Refusal:
    """The error with which this service answers."""
    usual = _usual_refusal(Kind(fault.kind), call)
    return Refusal(fault.status or usual.status, fault.code or usual.code, fault.message or usual.message)


READER = "arn:aws:sts::{account}:assumed-role/upheld-reader/upheld"
NO_POLICY = "because no identity-based policy allows the {action} action"
SCP = "with an explicit deny in a service control policy"
CLOCK = "20261122T045600Z is now earlier than 20261122T050000Z (20261122T051500Z - 15 min.)"


def _usual_refusal(kind: Kind, call: Call) -> Refusal:
    if kind in {Kind.DENY, Kind.DENY_SCP}:
        return _denial(call, SCP if kind is Kind.DENY_SCP else NO_POLICY.format(action=iam_action(call)))
    if kind is Kind.VANISH:
        return _not_found(call)
    table = {
        Kind.THROTTLE: _throttling,
        Kind.EXPIRED: _expired,
        Kind.SKEWED: _skewed,
        Kind.REGION_OFF: _region_off,
    }
    return table.get(kind, _internal)(call)


def iam_action(call: Call) -> str:
    """The IAM action of a call, as messages name it."""
    prefix = {"elbv2": "elasticloadbalancing", "elb": "elasticloadbalancing", "efs": "elasticfilesystem"}
    operation = {"ListBuckets": "ListAllMyBuckets", "GetBucketEncryption": "GetEncryptionConfiguration"}
    name = operation.get(call.operation, call.operation) if call.service == "s3" else call.operation
    return f"{prefix.get(call.service, call.service)}:{name}"


def _denial(call: Call, why: str) -> Refusal:
    reader = READER.format(account=call.account)
    message = f"User: {reader} is not authorized to perform: {iam_action(call)} on resource: * {why}"
    if call.protocol is Protocol.EC2:
        return Refusal(403, "UnauthorizedOperation", f"You are not authorized to perform this operation. {message}")
    if call.service == "sns":
        return Refusal(403, "AuthorizationError", message)
    if call.protocol.is_xml:
        return Refusal(403, "AccessDenied", message)
    return Refusal(403 if call.protocol is Protocol.REST_JSON else 400, "AccessDeniedException", message)


def _throttling(call: Call) -> Refusal:
    if call.protocol is Protocol.EC2:
        return Refusal(503, "RequestLimitExceeded", "Request limit exceeded.")
    if call.service == "s3":
        return Refusal(503, "SlowDown", "Please reduce your request rate.")
    if call.protocol.is_xml:
        return Refusal(400, "Throttling", "Rate exceeded")
    if call.service in {"lambda", "apigateway", "apigatewayv2"}:
        return Refusal(429, "TooManyRequestsException", "Rate exceeded")
    return Refusal(429 if call.protocol is Protocol.REST_JSON else 400, "ThrottlingException", "Rate exceeded")


def _expired(call: Call) -> Refusal:
    if call.protocol is Protocol.EC2:
        return Refusal(400, "RequestExpired", "Request has expired.")
    if call.service == "s3":
        return Refusal(400, "ExpiredToken", "The provided token has expired.")
    message = "The security token included in the request is expired"
    if call.protocol.is_xml:
        return Refusal(403, "ExpiredToken", message)
    return Refusal(403 if call.protocol is Protocol.REST_JSON else 400, "ExpiredTokenException", message)


def _skewed(call: Call) -> Refusal:
    """EC2 does not tell a wrong clock from a wrong key (aws-sdk-java#519)."""
    if call.protocol is Protocol.EC2:
        return Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    if call.service == "s3":
        message = "The difference between the request time and the current time is too large."
        return Refusal(403, "RequestTimeTooSkewed", message)
    if call.protocol.is_xml:
        return Refusal(403, "SignatureDoesNotMatch", f"Signature expired: {CLOCK}")
    status = 403 if call.protocol is Protocol.REST_JSON else 400
    return Refusal(status, "InvalidSignatureException", f"Signature expired: {CLOCK}")


def _region_off(call: Call) -> Refusal:
    if call.protocol is Protocol.EC2:
        return Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    message = "The security token included in the request is invalid"
    if call.service == "s3":
        return Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
    if call.protocol.is_xml:
        return Refusal(403, "InvalidClientTokenId", message)
    status = 403 if call.protocol is Protocol.REST_JSON else 400
    return Refusal(status, "UnrecognizedClientException", f"{message}.")


def _internal(call: Call) -> Refusal:
    message = "We encountered an internal error. Please try again."
    if call.service == "s3" or call.protocol is Protocol.EC2:
        return Refusal(500, "InternalError", message)
    return Refusal(500, "InternalFailure" if call.protocol.is_xml else "InternalServerError", message)


EC2_NOT_FOUND = {
    "AllocationId": "InvalidAllocationID.NotFound",
    "GroupId": "InvalidGroup.NotFound",
    "ImageId": "InvalidAMIID.NotFound",
    "InstanceId": "InvalidInstanceID.NotFound",
    "NetworkAclId": "InvalidNetworkAclID.NotFound",
    "NetworkInterfaceId": "InvalidNetworkInterfaceID.NotFound",
    "PrefixListId": "InvalidPrefixListID.NotFound",
    "RouteTableId": "InvalidRouteTableID.NotFound",
    "SnapshotId": "InvalidSnapshot.NotFound",
    "SubnetId": "InvalidSubnetID.NotFound",
    "VolumeId": "InvalidVolume.NotFound",
    "VpcId": "InvalidVpcID.NotFound",
}
NOT_FOUND = {
    "iam": Refusal(404, "NoSuchEntity", "The entity cannot be found."),
    "s3": Refusal(404, "NoSuchBucket", "The specified bucket does not exist"),
    "sns": Refusal(404, "NotFound", "Topic does not exist"),
    "sqs": Refusal(400, "QueueDoesNotExist", "The specified queue does not exist."),
}
QUERY_ERROR_CODES = {"sqs": {"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue"}}


def _not_found(call: Call) -> Refusal:
    if call.service in NOT_FOUND:
        return NOT_FOUND[call.service]
    message = "The requested resource does not exist."
    if call.protocol is Protocol.EC2:
        named = (name.split(".")[0] for name in call.params)
        code = next((EC2_NOT_FOUND[name] for name in named if name in EC2_NOT_FOUND), "InvalidParameterValue")
        return Refusal(400, code, message)
    status, code = _modelled_not_found(call.service, call.operation)
    if status is None:
        status = 400 if call.protocol in {Protocol.JSON, Protocol.CBOR} else 404
    return Refusal(status, code, message)


@cache
def _modelled_not_found(service: str, operation: str) -> tuple[int | None, str]:
    """The not-found error in the operation's own model, as (status, code)."""
    shapes = operation_model(service, operation).error_shapes
    wanted = [shape for shape in shapes if re.search("NotFound|NoSuch|DoesNotExist|NonExistent", shape.name)]
    if not wanted:
        return None, "ResourceNotFoundException"
    error = wanted[0].metadata.get("error", {})
    return error.get("httpStatusCode"), error.get("code", wanted[0].name)


def refuse(call: Call, why: Refusal) -> Answer:
    """The refusal as the service's protocol writes it."""
    headers = {"Content-Type": content_type(call.protocol), "x-amzn-requestid": REQUEST_ID}
    if call.method == "HEAD":
        return Answer(why.status, headers | {"x-amz-request-id": REQUEST_ID}, b"")
    if call.protocol.is_xml:
        return Answer(why.status, headers | {"x-amz-request-id": REQUEST_ID}, _xml_error(call, why).encode())
    if call.protocol is Protocol.REST_JSON:
        headers["x-amzn-errortype"] = why.code
        return Answer(why.status, headers, json.dumps({"Message": why.message, "Code": why.code}).encode())
    if operation_model(call.service, call.operation).service_model.is_query_compatible:
        code = QUERY_ERROR_CODES.get(call.service, {}).get(why.code, why.code.removesuffix("Exception"))
        headers["x-amzn-query-error"] = f"{code};{'Sender' if why.status < 500 else 'Receiver'}"
    body = {"__type": f"com.amazon.coral.service#{why.code}", "message": why.message}
    return Answer(why.status, headers, write_cbor(body) if call.protocol is Protocol.CBOR else json.dumps(body).encode())


def _xml_error(call: Call, why: Refusal) -> str:
    error = f"<Code>{why.code}</Code><Message>{why.message}</Message>"
    if call.protocol is Protocol.EC2:
        return f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
    if call.service == "s3":
        return f"<Error>{error}<RequestId>{REQUEST_ID}</RequestId><HostId>host</HostId></Error>"
    kind = "Sender" if why.status < 500 else "Receiver"
    return f"<ErrorResponse><Error><Type>{kind}</Type>{error}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"


PORTAL = b"""<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Sign in to continue</title></head>
<body><h1>Guest network</h1><form action="/login" method="post"><input name="user"/><input name="password"/></form>
</body></html>
"""
"""A captive portal's page. It is well-formed XML, so that an XML parser does not save a careless reader."""


# --- doing it --------------------------------------------------------------------------------------------------------


class Pages:
    """Cuts listings into pages and keeps the later ones until they are asked for."""

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        self.sizes: dict[str, int] = dict(sizes or {})
        self._kept: dict[str, Answer] = {}

    def recall(self, call: Call) -> Answer | None:
        """The page that a request asks for by a token that was given out here."""
        if not call.has_page_token:
            return None
        found = PAGE_TOKEN.search(call.text)
        return self._kept.get(found.group()) if found else None

    def first(self, call: Call, answer: Answer) -> Answer:
        """The answer itself, or the first of its pages where the operation is to be paged."""
        size = self.sizes.get(call.action, 0)
        return self.keep(pages(call, answer, size)) if size else answer

    def keep(self, cut: Sequence[Answer]) -> Answer:
        for page, following in pairwise(cut):
            token = PAGE_TOKEN.search(page.body.decode("latin-1"))
            if token:
                self._kept[token.group()] = following
        return cut[0]


def inflict(fault: Fault, call: Call, fetch: Callable[[], Answer], paged: Pages) -> Answer:
    """The answer that the fault makes of the call; `fetch` gets the true one, where that is needed.

    Silence (`Kind.is_silence`) is the caller's, as it is no answer.
    """
    kind = Kind(fault.kind)
    if kind is Kind.EMPTY_200:
        return Answer(200, {}, b"")
    if kind is Kind.HTML_200:
        return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, PORTAL)
    if kind in {Kind.TRUNCATE, Kind.TRUNCATE_QUIET}:
        whole = fetch()
        cut = Cut(whole.status, whole.headers, whole.body)
        return cut if kind is Kind.TRUNCATE else Answer(whole.status, whole.headers, cut.arriving)
    if kind is Kind.MISSING_MEMBER:
        return _without_member(fault, call, fetch())
    if kind.about_pages:
        return _spoil_pages(fault, call, fetch, paged)
    return refuse(call, refusal(call, fault))


def _without_member(fault: Fault, call: Call, whole: Answer) -> Answer:
    if whole.status >= 300:
        return whole
    shape = operation_model(call.service, call.operation).output_shape
    payload = shape.serialization.get("payload") if shape else None
    if shape is not None and payload and shape.members[payload].type_name != "structure":
        return Answer(whole.status, whole.headers, b"")
    document = Document(call, whole)
    document.remove(fault.member or items_path(call.service, call.operation))
    return document.answer()


def _spoil_pages(fault: Fault, call: Call, fetch: Callable[[], Answer], paged: Pages) -> Answer:
    if not call.has_page_token:
        whole = fetch()
        if _has_token(call, whole):
            return whole
        cut = halves(call, whole)
        return paged.keep([cut[0], cut[0]] if fault.kind is Kind.PAGE_LOOP and len(cut) > 1 else cut)
    if fault.kind is Kind.LOST_PAGE:
        return refuse(call, _internal(call))
    if fault.kind is Kind.PAGE_LOOP:
        return paged.recall(call) or fetch()
    return Answer(200, {}, b"")


def _has_token(call: Call, answer: Answer) -> bool:
    """Whether the answer itself says that there is another page."""
    known = paging(call.service, call.operation)
    return known is not None and answer.status < 300 and bool(Document(call, answer).read(known.output_token))


def applicable(kind: Kind, service: str, operation: str) -> bool:
    """Whether the fault can happen to the operation at all: pages are lost only where there are pages."""
    if Kind(kind).about_pages:
        known = paging(service, operation)
        return known is not None and bool(known.items)
    if kind is Kind.MISSING_MEMBER:
        with suppress(UnknownCallError):
            return bool(items_path(service, operation))
        return False
    return kind is not Kind.ERROR


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


__all__ = ["Answer", "Call", "Fault", "Faults", "Kind", "Pages", "Player", "Tape", "UnknownCallError", "applicable"]
