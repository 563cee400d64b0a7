"""Recognising which AWS call a request is, by what its service's protocol puts on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from botocore.model import OperationModel

from tests.world.wire import DEFAULT_ACCOUNT, SHARED_SIGNING_NAMES, Call, Protocol, Request, Shape, UnknownCallError
from tests.world.wire_documents import read_cbor
from tests.world.wire_models import model, normalised_names, page_tokens

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
        has_page_token=bool(normalised_names(params) & page_tokens(service, operation)),
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
