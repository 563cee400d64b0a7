"""What botocore's models say of a service's operations: shapes, pages, where the items are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel

from tests.world.wire import Shape, UnknownCallError

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


def normalised_names(params: Mapping[str, Any]) -> set[str]:
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
    prefix, shape = payload(shape)
    if not shape.members:
        return prefix.rstrip(".")
    kinds = ("list", "map", "structure")
    members = [(name, member) for name, member in shape.members.items() if not in_header(member)]
    if not members:
        message = f"{service}:{operation} answers in headers alone"
        raise UnknownCallError(message)
    order = sorted(members, key=lambda item: kinds.index(item[1].type_name) if item[1].type_name in kinds else 3)
    return f"{prefix}{order[0][0]}"


def payload(shape: Shape) -> tuple[str, Shape]:
    name = shape.serialization.get("payload")
    if name and shape.members[name].type_name == "structure":
        return f"{name}.", shape.members[name]
    return "", shape


def in_header(shape: Shape) -> bool:
    return shape.serialization.get("location") in {"header", "headers", "statusCode"}
