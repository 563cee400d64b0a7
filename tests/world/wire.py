"""AWS as bytes: which call a request is, and how an answer of a service is taken apart and put together.

Everything is read off botocore's service models, so a service needs an entry here only where its signing name is not its
name, or is shared. Nothing here opens a socket.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, lru_cache
from io import BufferedReader, BytesIO
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import RpcV2CBORParser

Shape = Any
"""A shape of botocore's models, which tells its members by its kind."""
DEFAULT_ACCOUNT = "123456789012"
"""The account in which moto lets unknown access keys act."""

SHARED_SIGNING_NAMES: Mapping[str, tuple[str, ...]] = {
    "elasticloadbalancing": ("elbv2", "elb"),
    "rds": ("rds",),  # docdb and neptune speak rds's own protocol: on the wire they are rds
    "es": ("opensearch", "es"),
    "s3": ("s3control", "s3"),
    "apigateway": ("apigateway", "apigatewayv2"),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "monitoring": ("cloudwatch",),
    "access-analyzer": ("accessanalyzer",),
    "tagging": ("resourcegroupstaggingapi",),
    "states": ("stepfunctions",),
    "elasticmapreduce": ("emr",),
    "email": ("sesv2", "ses"),
    "ses": ("sesv2", "ses"),
    "events": ("events",),
    "bedrock": ("bedrock", "bedrock-agent"),
}
"""Signing name (in a request's credential scope) -> the services that sign so; any other signs with its own name."""


class Protocol(StrEnum):
    """How a request and its answer are written."""

    EC2 = "ec2"
    QUERY = "query"
    REST_XML = "rest-xml"
    REST_JSON = "rest-json"
    JSON = "json"
    CBOR = "smithy-rpc-v2-cbor"

    @property
    def is_xml(self) -> bool:
        return self in {Protocol.EC2, Protocol.QUERY, Protocol.REST_XML}


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; header names are lower-cased."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response. `headers` has no Content-Length and no Connection: the transport writes them."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Cut(Answer):
    """An answer of which only the first half of the body arrives, under the Content-Length of the whole."""

    @property
    def arriving(self) -> bytes:
        return self.body[: len(self.body) // 2]


@dataclass(frozen=True, slots=True)
class Call:
    """One recognised AWS call.

    `params` are the request's members under their names on the wire: form fields (`GroupId.1`), the JSON document, or
    path labels and query fields together (`Bucket`, `prefix`). `text` is path, query and body, for substring matches.
    """

    service: str
    operation: str
    protocol: Protocol
    params: Mapping[str, Any]
    region: str
    account: str
    access_key: str
    method: str
    text: str
    has_page_token: bool
    at: float = field(default_factory=time.time, compare=False)

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def key(self) -> str:
        """What makes two calls the same question: the place of an answer on a tape."""
        params = {name: value for name, value in self.params.items() if name not in VOLATILE_PARAMETERS}
        canonical = json.dumps(params, sort_keys=True, default=str, separators=(",", ":"))
        region = "global" if self.service in GLOBAL_SERVICES else self.region
        return f"{self.account} {region} {self.service} {self.operation} {canonical}"


GLOBAL_SERVICES = frozenset({"account", "cloudfront", "iam", "organizations", "route53"})
"""Services without regions: which region signs a call depends on how the client was given its endpoint."""
VOLATILE_PARAMETERS = frozenset({"RoleSessionName", "Version", "x-id"})
"""Parameters that differ from run to run, or from SDK to SDK, without changing the question."""


class UnknownCallError(LookupError):
    """A request that is no AWS call this module can name; the message says why."""


# --- recognising a call ---------------------------------------------------------------------------------------------


CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
VIRTUAL_BUCKET = re.compile(r"^(?P<bucket>.+)\.s3[.-][a-z0-9.-]*amazonaws\.com")
VIRTUAL_ACCOUNT = re.compile(r"^(?P<account>\d{12})\.s3-control\.")


def recognise(request: Request, accounts: Mapping[str, str] | None = None) -> Call:
    """Name the AWS call that `request` is.

    `accounts` maps access keys to the accounts they act in; any other acts in moto's default account.

    Raises UnknownCallError where the request is unsigned or matches no operation of its service.
    """
    found = CREDENTIAL.search(request.headers.get("authorization", ""))
    if found is None:
        message = f"{request.method} {request.url} is not signed"
        raise UnknownCallError(message)
    access_key, region, signing_name = found.groups()
    account = (accounts or {}).get(access_key, DEFAULT_ACCOUNT)
    target = request.headers.get("x-amz-target", "")
    smithy = request.headers.get("smithy-protocol", "")
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    own_headers = frozenset(name for name in request.headers if name.startswith("x-amz-"))
    service, operation, protocol, params, text = _identify(
        signing_name, request.method, request.url, (target, smithy, is_form, own_headers), request.body
    )
    return Call(
        service=service,
        operation=operation,
        protocol=protocol,
        params=params,
        region=region,
        account=account,
        access_key=access_key,
        method=request.method,
        text=text,
        has_page_token=bool(_normalised_names(params) & page_tokens(service, operation)),
    )


Identity = tuple[str, str, Protocol, Mapping[str, Any], str]
Style = tuple[str, str, bool, frozenset[str]]
"""X-Amz-Target, smithy-protocol, whether the body is a form, and the names of the x-amz- headers."""


@lru_cache(maxsize=65536)
def _identify(signing_name: str, method: str, url: str, style: Style, body: bytes) -> Identity:
    """Service, operation, protocol, parameters and text of a request; kept, as harnesses repeat their requests."""
    target, smithy, is_form, headers = style
    services = SHARED_SIGNING_NAMES.get(signing_name, (signing_name,))
    split = urlsplit(url)
    text = f"{unquote(split.path)}?{unquote(split.query)} {body.decode('utf-8', 'replace')}"
    if smithy:
        *_, prefix, _, operation = split.path.split("/")
        params = read_cbor(body) if body else {}
        return _by_target(services, prefix), operation, Protocol.CBOR, params, text
    if target:
        prefix, _, operation = target.rpartition(".")
        params = json.loads(body) if body else {}
        return _by_target(services, prefix), operation, Protocol.JSON, params, text
    form = dict(parse_qsl(body.decode("utf-8", "replace") if is_form else split.query, keep_blank_values=True))
    if "Action" in form:
        operation = form.pop("Action")
        service = _by_version(services, form.pop("Version", ""))
        return service, operation, Protocol.EC2 if service == "ec2" else Protocol.QUERY, form, text
    path = _full_path(split.netloc, split.path)
    service, operation, labels = _by_route(services, method, path, split.query, headers)
    query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
    protocol = Protocol(model(service).protocol)
    params = {**query, **labels}
    if body:
        params |= _json_members(body) if protocol is Protocol.REST_JSON else {"Body": body.decode("utf-8", "replace")}
    return service, operation, protocol, params, text


def _json_members(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {"Body": body.decode("utf-8", "replace")}
    return document if isinstance(document, dict) else {"Body": document}


def _by_target(services: tuple[str, ...], prefix: str) -> str:
    if len(services) == 1:
        return services[0]
    for service in services:
        if model(service).metadata.get("targetPrefix") == prefix:
            return service
    message = f"target {prefix} is none of {', '.join(services)}"
    raise UnknownCallError(message)


def _by_version(services: tuple[str, ...], version: str) -> str:
    for service in services if len(services) > 1 else ():
        if model(service).api_version == version:
            return service
    return services[-1]


def _full_path(host: str, path: str) -> str:
    """The path with what the SDK moved from it into the host name put back."""
    if bucket := VIRTUAL_BUCKET.match(host):
        return f"/{bucket['bucket']}{path}"
    return path


@dataclass(frozen=True, slots=True)
class Route:
    """The HTTP binding of one REST operation."""

    service: str
    operation: str
    method: str
    path: re.Pattern[str]
    labels: Mapping[str, str]
    query: Mapping[str, str | None]
    headers: frozenset[str]
    rank: tuple[int, ...]

    def fits(self, method: str, path: str, query: Mapping[str, list[str]], headers: frozenset[str]) -> re.Match[str] | None:
        if method != self.method or not self.headers <= headers:
            return None
        if any(name not in query or (value and value not in query[name]) for name, value in self.query.items()):
            return None
        return self.path.match(path)


def _by_route(services: tuple[str, ...], method: str, path: str, query: str, headers: frozenset[str]) -> tuple[str, str, Mapping[str, str]]:
    fields = parse_qs(query, keep_blank_values=True)
    for route in routes(services):
        if found := route.fits(method, path, fields, headers):
            labels = {route.labels[group]: unquote(value) for group, value in found.groupdict().items()}
            return route.service, route.operation, labels
    message = f"{method} {path}?{query} is no operation of {', '.join(services)}"
    raise UnknownCallError(message)


@cache
def routes(services: tuple[str, ...]) -> tuple[Route, ...]:
    """Every REST operation of these services, the most particular binding first."""
    found = [route for service in services for route in _routes_of(service)]
    return tuple(sorted(found, key=lambda route: (route.rank, route.operation)))


def _routes_of(service: str) -> Iterator[Route]:
    service_model = model(service)
    for operation in service_model.operation_names:
        operation_model = service_model.operation_model(operation)
        binding = operation_model.http
        path, _, literal_query = binding["requestUri"].partition("?")
        query: dict[str, str | None] = {
            name: value or None for name, _, value in (item.partition("=") for item in literal_query.split("&") if item)
        }
        query.pop("x-id", None)
        query |= dict.fromkeys(_required_names(operation_model, "querystring"))
        headers = frozenset(name.lower() for name in _required_names(operation_model, "header"))
        headers = frozenset(name for name in headers if name.startswith("x-amz-"))
        pattern, labels = _path_pattern(path)
        literal_parts = sum(1 for part in path.split("/") if part and "{" not in part)
        rank = (int(operation_model.deprecated), -literal_parts, -len(query), -len(headers), len(labels))
        yield Route(service, operation, binding["method"], pattern, labels, query, headers, rank)


def _required_names(operation_model: OperationModel, location: str) -> Iterator[str]:
    shape: Shape = operation_model.input_shape
    for name in shape.required_members if shape else ():
        serialization = shape.members[name].serialization
        if serialization.get("location") == location:
            yield serialization["name"]


def _path_pattern(path: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """A path template as a pattern; labels may hold characters that group names may not, so the groups are numbered."""
    pattern, labels = "", {}
    for index, part in enumerate(re.split(r"(\{[^}]+\})", path.rstrip("/"))):
        if part.startswith("{"):
            name = part[1:-1]
            labels[f"label{index}"] = name.rstrip("+")
            pattern += f"(?P<label{index}>{'.+' if name.endswith('+') else '[^/]+'})"
        else:
            pattern += re.escape(part)
    return re.compile(pattern + "/?$"), labels


# --- what botocore's models say --------------------------------------------------------------------------------------


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@cache
def model(service: str) -> ServiceModel:
    """botocore's model of a service. Raises UnknownCallError for a service that botocore does not know."""
    try:
        return _session().get_service_model(service)
    except UnknownServiceError as error:
        raise UnknownCallError(str(error)) from error


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    return model(service).operation_model(operation)


@dataclass(frozen=True, slots=True)
class Paging:
    """How an operation pages: dotted paths of the items, of the next token and of the flag that there is more."""

    items: tuple[str, ...]
    input_tokens: tuple[str, ...]
    output_token: str
    more: str | None


COMMON_TOKENS = ("NextToken", "nextToken", "Marker", "marker", "ContinuationToken", "NextMarker", "position")


@cache
def paging(service: str, operation: str) -> Paging | None:
    """How the operation pages, or None where botocore knows of no pages."""
    try:
        paginators = _session().get_paginator_model(service)
        raw = paginators.get_paginator(operation)
    except (UnknownServiceError, ValueError):
        return None
    output = _texts(raw["output_token"])[-1].split("||")[0].strip()
    if "[" in output or "(" in output:
        return None
    return Paging(
        items=tuple(path for path in _texts(raw["result_key"]) if "[" not in path),
        input_tokens=tuple(_texts(raw["input_token"])),
        output_token=output,
        more=raw.get("more_results"),
    )


@cache
def page_tokens(service: str, operation: str) -> frozenset[str]:
    """The normalised names of the parameters that ask for a later page."""
    known = paging(service, operation)
    return frozenset(map(_normalised, known.input_tokens if known else COMMON_TOKENS))


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _normalised(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _normalised_names(params: Mapping[str, Any]) -> set[str]:
    return {_normalised(name) for name, value in params.items() if value}


@cache
def items_path(service: str, operation: str) -> str:
    """Where an answer holds what was asked for: the listed items, else the likeliest member. Dotted member names."""
    if (known := paging(service, operation)) and known.items:
        return known.items[0]
    shape: Shape = operation_model(service, operation).output_shape
    if shape is None or not shape.members:
        message = f"{service}:{operation} answers with nothing"
        raise UnknownCallError(message)
    prefix, shape = _payload(shape)
    if not shape.members:
        return prefix.rstrip(".")
    kinds = ("list", "map", "structure")
    members = [(name, member) for name, member in shape.members.items() if not _in_header(member)]
    if not members:
        message = f"{service}:{operation} answers in headers alone"
        raise UnknownCallError(message)
    order = sorted(members, key=lambda item: kinds.index(item[1].type_name) if item[1].type_name in kinds else 3)
    return f"{prefix}{order[0][0]}"


def _payload(shape: Shape) -> tuple[str, Shape]:
    name = shape.serialization.get("payload")
    if name and shape.members[name].type_name == "structure":
        return f"{name}.", shape.members[name]
    return "", shape


def _in_header(shape: Shape) -> bool:
    return shape.serialization.get("location") in {"header", "headers", "statusCode"}


# --- taking an answer apart ------------------------------------------------------------------------------------------


class Document:
    """The body of a successful answer, open for changes by member name; `answer()` writes it again."""

    def __init__(self, call: Call, answer: Answer) -> None:
        self._call = call
        self._answer = answer
        self._shape: Shape = operation_model(call.service, call.operation).output_shape
        self.tree: Any
        """The root element, with plain tag names, or what the JSON or CBOR holds."""
        if call.protocol.is_xml:
            self.tree, self._namespace = read_xml(answer.body)
        elif call.protocol is Protocol.CBOR:
            self.tree = read_cbor(answer.body) if answer.body else {}
        else:
            self.tree = json.loads(answer.body) if answer.body else {}

    def answer(self) -> Answer:
        if self._call.protocol.is_xml:
            body = write_xml(self.tree, self._namespace)
        elif self._call.protocol is Protocol.CBOR:
            body = write_cbor(self.tree)
        else:
            body = json.dumps(self.tree).encode()
        return Answer(self._answer.status, self._answer.headers, body)

    def remove(self, path: str) -> None:
        """Take the member out, as if the service had not sent it."""
        parent, name, _ = self._locate(path)
        if parent is None:
            return
        if isinstance(parent, ET.Element):
            for child in [child for child in parent if child.tag == name]:
                parent.remove(child)
        else:
            parent.pop(name, None)

    def count(self, path: str) -> int:
        return len(self._items(path))

    def keep(self, path: str, start: int, stop: int | None) -> None:
        """Keep only these items of a listing."""
        items = self._items(path)
        parent, name, shape = self._locate(path)
        if parent is None or not items:
            return
        if not isinstance(parent, ET.Element):
            parent[name] = dict(items[start:stop]) if shape.type_name == "map" else items[start:stop]
            return
        holder: Any = parent if _flattened(shape) else parent.find(name)
        for item in [*items[:start], *(items[stop:] if stop is not None else [])]:
            holder.remove(item)

    def read(self, path: str) -> Any:
        """A scalar member, or None."""
        parent, name, _ = self._locate(path)
        if isinstance(parent, ET.Element):
            return parent.findtext(name)
        return None if parent is None else parent.get(name)

    def write(self, path: str, value: str | bool) -> None:
        """Set a scalar member."""
        parent, name, _ = self._locate(path)
        if isinstance(parent, ET.Element):
            child = parent.find(name)
            child = ET.SubElement(parent, name) if child is None else child
            child.text = str(value).lower() if isinstance(value, bool) else value
        elif parent is not None:
            parent[name] = value

    def _items(self, path: str) -> list[Any]:
        parent, name, shape = self._locate(path)
        if parent is None:
            return []
        if not isinstance(parent, ET.Element):
            held = parent.get(name) or []
            return list(held.items()) if isinstance(held, dict) else list(held)
        if _flattened(shape):
            return parent.findall(name)
        holder = parent.find(name)
        return [] if holder is None else list(holder)

    def _locate(self, path: str) -> tuple[Any, str, Shape]:
        """The node that holds the member, the member's name on the wire, and its shape."""
        node, shape = self._start(), self._shape
        *way, last = path.split(".")
        payload = shape.serialization.get("payload")
        if payload and way and way[0] == payload:
            way, shape = way[1:], shape.members[payload]
        for step in way:
            member = shape.members[step]
            name = wire_name(step, member)
            if node is not None:
                node = node.find(name) if isinstance(node, ET.Element) else node.get(name)
            shape = member
        member = shape.members[last]
        return node, wire_name(last, member), member

    def _start(self) -> Any:
        wrapper = self._shape.serialization.get("resultWrapper")
        if wrapper and isinstance(self.tree, ET.Element):
            return self.tree.find(wrapper)
        return self.tree


def wire_name(member_name: str, shape: Shape) -> str:
    """The name under which an answer carries a member."""
    if _flattened(shape) and shape.type_name == "list" and shape.member.serialization.get("name"):
        return str(shape.member.serialization["name"])
    return str(shape.serialization.get("name", member_name))


def _flattened(shape: Shape) -> bool:
    return bool(shape.serialization.get("flattened"))


def pages(call: Call, answer: Answer, size: int) -> list[Answer]:
    """Split a listing into pages of `size` items, each but the last with a token for the next.

    Where the answer already carries a token, the last page keeps it. A listing that fits, or an operation that does not
    page, comes back as one page.
    """
    known = paging(call.service, call.operation)
    if known is None or answer.status >= 300 or not known.items:
        return [answer]
    total = max(Document(call, answer).count(path) for path in known.items)
    starts = range(0, max(total, 1), size) if size else range(1)
    return [answer] if len(starts) == 1 else [_page(call, answer, known, i, size, len(starts)) for i in range(len(starts))]


def halves(call: Call, answer: Answer) -> list[Answer]:
    """Split a listing into two pages, the first with half of the items (of none or one: none)."""
    known = paging(call.service, call.operation)
    if known is None or answer.status >= 300 or not known.items:
        return [answer]
    total = max(Document(call, answer).count(path) for path in known.items)
    first, second = Document(call, answer), Document(call, answer)
    for path in known.items:
        first.keep(path, 0, total // 2)
        second.keep(path, total // 2, None)
    _write_token(first, known, page_token(call, 1))
    return [first.answer(), second.answer()]


def _page(call: Call, answer: Answer, known: Paging, index: int, size: int, count: int) -> Answer:
    document = Document(call, answer)
    for path in known.items:
        document.keep(path, index * size, (index + 1) * size)
    if index + 1 < count:
        _write_token(document, known, page_token(call, index + 1))
    return document.answer()


def _write_token(document: Document, known: Paging, token: str) -> None:
    document.write(known.output_token, token)
    if known.more:
        document.write(known.more, value=True)


def page_token(call: Call, index: int) -> str:
    """The token of a page that was cut here; PAGE_TOKEN finds it in a request."""
    return f"page-{hashlib.sha256(call.key.encode()).hexdigest()[:16]}-{index}"


PAGE_TOKEN = re.compile(r"page-[0-9a-f]{16}-(\d+)")


# --- putting an answer together --------------------------------------------------------------------------------------


REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8e00000000"


def render(call: Call, result: Mapping[str, Any], status: int = 200) -> Answer:
    """A successful answer that holds `result`, given as the SDK would return it (datetimes, bytes, plain values)."""
    found = operation_model(call.service, call.operation)
    shape = found.output_shape
    headers = {"x-amzn-requestid": REQUEST_ID}
    if call.protocol is Protocol.REST_XML:
        headers |= {"x-amz-request-id": REQUEST_ID}
    if shape is None:
        return Answer(status, headers | {"Content-Type": content_type(call.protocol)}, _hollow(call))
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in {"blob", "string"}:
        body = result.get(payload, b"")
        return Answer(status, headers, body.encode() if isinstance(body, str) else body)
    if call.protocol.is_xml:
        body = _render_xml(call, found, shape, result)
    else:
        plain = _to_json(shape.members[payload], result[payload]) if payload else _to_json(shape, result)
        body = write_cbor(plain) if call.protocol is Protocol.CBOR else json.dumps(plain).encode()
    return Answer(status, headers | {"Content-Type": content_type(call.protocol)}, body)


def content_type(protocol: Protocol) -> str:
    return {
        Protocol.EC2: "text/xml;charset=UTF-8",
        Protocol.QUERY: "text/xml",
        Protocol.REST_XML: "application/xml",
        Protocol.REST_JSON: "application/json",
        Protocol.JSON: "application/x-amz-json-1.1",
        Protocol.CBOR: "application/cbor",
    }[protocol]


def _hollow(call: Call) -> bytes:
    if call.protocol.is_xml:
        return f"<{call.operation}Response/>".encode()
    return write_cbor({}) if call.protocol is Protocol.CBOR else b"{}"


def _render_xml(call: Call, found: OperationModel, shape: Shape, result: Mapping[str, Any]) -> bytes:
    namespace = found.metadata.get("xmlNamespace", "") or found.service_model.metadata.get("xmlNamespace", "")
    root = ET.Element(f"{call.operation}Response")
    if call.protocol is Protocol.EC2:
        namespace = f"http://ec2.amazonaws.com/doc/{found.service_model.api_version}/"
        ET.SubElement(root, "requestId").text = REQUEST_ID
        _fill(root, shape, result)
    elif call.protocol is Protocol.QUERY:
        _fill(ET.SubElement(root, shape.serialization.get("resultWrapper", f"{call.operation}Result")), shape, result)
        ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = REQUEST_ID
    else:
        payload = shape.serialization.get("payload")
        inner = shape.members[payload] if payload else shape
        root = ET.Element(inner.serialization.get("name") or inner.name.removesuffix("Output") + ("" if payload else "Result"))
        _fill(root, inner, result[payload] if payload else result)
    return write_xml(root, namespace)


def _fill(node: ET.Element, shape: Shape, value: Mapping[str, Any]) -> None:
    for name, member in shape.members.items():
        if value.get(name) is not None and not _in_header(member):
            _append(node, wire_name(name, member), member, value[name])


def _append(parent: ET.Element, name: str, shape: Shape, value: Any) -> None:
    if shape.type_name == "list":
        holder = parent if _flattened(shape) else ET.SubElement(parent, name)
        item = name if _flattened(shape) else shape.member.serialization.get("name", "member")
        for entry in value:
            _append(holder, item, shape.member, entry)
        return
    node = ET.SubElement(parent, name)
    if shape.type_name == "structure":
        _fill(node, shape, value)
    elif shape.type_name == "map":
        for key, entry in value.items():
            pair = ET.SubElement(node, "entry")
            ET.SubElement(pair, shape.key.serialization.get("name", "key")).text = key
            _append(pair, shape.value.serialization.get("name", "value"), shape.value, entry)
    else:
        node.text = _scalar_text(value)


def _scalar_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _to_json(shape: Shape, value: Any) -> Any:
    if shape.type_name == "structure":
        known = ((name, shape.members[name]) for name in value if name in shape.members)
        return {wire_name(name, member): _to_json(member, value[name]) for name, member in known if not _in_header(member)}
    if shape.type_name == "list":
        return [_to_json(shape.member, entry) for entry in value]
    if shape.type_name == "map":
        return {key: _to_json(shape.value, entry) for key, entry in value.items()}
    if isinstance(value, datetime):
        iso = shape.serialization.get("timestampFormat") == "iso8601"
        return _scalar_text(value) if iso else value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


# --- XML and CBOR ----------------------------------------------------------------------------------------------------


ET.register_namespace("xsi", "http://www.w3.org/2001/XMLSchema-instance")


def read_xml(body: bytes) -> tuple[ET.Element, str]:
    """The root with plain tag names, and the namespace that they had."""
    root = ET.fromstring(body)
    namespace = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else ""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root, namespace


def write_xml(root: ET.Element, namespace: str) -> bytes:
    if namespace:
        root.set("xmlns", namespace)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def read_cbor(body: bytes) -> Any:
    """The document in a CBOR body; times come back as datetimes."""
    return RpcV2CBORParser().parse_data_item(BufferedReader(BytesIO(body)))


def write_cbor(value: Any) -> bytes:
    """CBOR (RFC 8949) of plain values, of the kinds that AWS answers hold."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _cbor_head(0, value) if value >= 0 else _cbor_head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, datetime):
        return b"\xc1" + write_cbor(value.timestamp())
    if isinstance(value, bytes):
        return _cbor_head(2, len(value)) + value
    if isinstance(value, str):
        return _cbor_head(3, len(value.encode())) + value.encode()
    if isinstance(value, Mapping):
        return _cbor_head(5, len(value)) + _cbor_items(part for pair in value.items() for part in pair)
    return _cbor_head(4, len(value)) + _cbor_items(value)


def _cbor_items(values: Iterable[Any]) -> bytes:
    return b"".join(write_cbor(value) for value in values)


def _cbor_head(major: int, size: int) -> bytes:
    if size < 24:
        return bytes([major << 5 | size])
    for extra, layout, limit in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32)):
        if size < limit:
            return bytes([major << 5 | extra]) + struct.pack(layout, size)
    return bytes([major << 5 | 27]) + struct.pack(">Q", size)
