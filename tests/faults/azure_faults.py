"""What can go wrong with a call to Azure Resource Manager: an answer that is another, or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError, ServiceResponseTimeoutError

from tests.world.arm_double import PORTAL, Asked, Reply, error, json_reply

JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
Wrong = Callable[[Asked, Reply], Reply | Exception | None]
"""What arrives in the place of an answer; None where it cannot happen to that one."""


def _told(reply: Reply) -> dict[str, Any]:
    held = json.loads(reply.body)
    assert isinstance(held, dict)
    return held


def _cut(_: Asked, reply: Reply) -> Reply:
    return Reply(200, reply.body[: len(reply.body) // 2], JSON)


def _list(change: Callable[[Asked, dict[str, Any]], dict[str, Any] | None]) -> Wrong:
    """Of an answer that is a page of a list, or of rows."""

    def wrong(asked: Asked, reply: Reply) -> Reply | None:
        told = _told(reply)
        changed = change(asked, told) if isinstance(told.get("value"), list) else None
        return None if changed is None else json_reply(changed)

    return wrong


def _lost_element(asked: Asked, told: dict[str, Any]) -> dict[str, Any] | None:
    """A shorter list that looks whole. Resource Graph tells, of the types that it knows."""
    top_level = "/providers/" in asked.path and asked.path.count("/") == 5
    return {**told, "value": told["value"][1:]} if top_level and told["value"] and "Authorization" not in asked.path else None


def _where(asked: Asked, more: str = "") -> str:
    query = "&".join(f"{name}={value}" for name, value in asked.query.items())
    return f"https://{asked.headers['host']}{asked.path}?{query}{more}"


def _another_type(asked: Asked, told: dict[str, Any]) -> dict[str, Any] | None:
    others = [{**one, "type": "Microsoft.Else/where"} for one in told["value"] if isinstance(one, dict) and "type" in one]
    return {**told, "value": others} if others and asked.path.count("/") == 5 else None


def _as_text(value: Any) -> Any:
    """Every member's value of another type than it has."""
    match value:
        case dict():
            return {name: held if name in {"id", "type", "name"} else _as_text(held) for name, held in value.items()}
        case list():
            return {"items": value}
        case str():
            return [value]
    return "2"


def _other_values(_: Asked, reply: Reply) -> Reply | None:
    told = _told(reply)
    if isinstance(told.get("value"), list):
        return json_reply({**told, "value": [_as_text(one) for one in told["value"]]}) if told["value"] else None
    return json_reply(_as_text(told)) if "totalRecords" not in told else None


def _fewer_rows(_: Asked, reply: Reply) -> Reply | None:
    told = _told(reply)
    return json_reply({**told, "data": told["data"][1:]}) if told.get("data") else None


def _truncated(_: Asked, reply: Reply) -> Reply | None:
    told = _told(reply)
    return json_reply({**told, "resultTruncated": "true"}) if "totalRecords" in told else None


def _skewed() -> Reply:
    ahead = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    return error(401, "InvalidAuthenticationToken", "The access token is not yet valid.", Date=ahead)


def _always(make: Callable[[], Reply | Exception]) -> Wrong:
    return lambda _asked, _reply: make()


WRONG: Final[Mapping[str, Wrong]] = {
    "401": _always(lambda: error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now.")),
    "401 of a clock": _always(_skewed),
    "403": _always(lambda: error(403, "AuthorizationFailed", "The client does not have authorization to perform action.")),
    "404 type": _always(lambda: error(404, "InvalidResourceType", "The resource type could not be found in the namespace.")),
    "404 resource": _always(lambda: error(404, "ResourceNotFound", "The Resource was not found.")),
    "409": _always(lambda: error(409, "MissingSubscriptionRegistration", "The subscription is not registered.")),
    "429 for long": _always(lambda: error(429, "TooManyRequests", **{"Retry-After": "3600"})),
    "429 for ever": _always(lambda: error(429, "TooManyRequests", **{"Retry-After": "0"})),
    "500": _always(lambda: error(500, "InternalServerError")),
    "503": _always(lambda: error(503, "ServerBusy")),
    "302": _always(lambda: Reply(302, b"", {"Location": "https://login.example/"})),
    "204": _always(lambda: Reply(204, b"")),
    "206": lambda _asked, reply: Reply(206, reply.body, JSON),
    "silence": _always(lambda: ServiceResponseTimeoutError("The read operation timed out")),
    "reset": _always(lambda: ServiceResponseError("Connection aborted.")),
    "no connection": _always(lambda: ServiceRequestError("Failed to establish a new connection")),
    "cut on the way": _always(lambda: IncompleteReadError("IncompleteRead(20 bytes read, 900 more expected)")),
    "cut JSON": _cut,
    "an empty 200": _always(lambda: Reply(200, b"", JSON)),
    "an empty object": _always(lambda: json_reply({})),
    "a list for an object": _always(lambda: json_reply([])),
    "an HTML 200": _always(lambda: Reply(200, PORTAL, {"Content-Type": "text/html"})),
    "HTML that says it is JSON": _always(lambda: Reply(200, PORTAL, JSON)),
    "an error in a 200": _always(lambda: json_reply({"error": {"code": "Teapot", "message": "no"}})),
    "no request id": lambda _asked, reply: Reply(200, reply.body, {**JSON, "x-ms-request-id": ""}),
    "values of other types": _other_values,
    "a list that is null": _list(lambda _, told: {**told, "value": None}),
    "an error beside the list": _list(lambda _, told: {**told, "error": {"code": "PartialFailure", "message": "a region did not answer"}}),
    "an empty page that leads on": _list(lambda asked, _: {"value": [], "nextLink": _where(asked, "&$skiptoken=9999")}),
    "a page that leads to itself": _list(lambda asked, told: {**told, "nextLink": _where(asked)}),
    "a page that leads elsewhere": _list(lambda _, told: {**told, "nextLink": "https://management.evil.example/x?api-version=1"}),
    "elements of another type": _list(_another_type),
    "an element that is missing": _list(_lost_element),
    "fewer rows than it says": _fewer_rows,
    "rows that are cut off": _truncated,
}  # fmt: skip
