"""What Azure tells of changes: writes, deletions and actions of Resource Manager, as Event Grid delivers them.

Source: Azure Event Grid documentation, "Azure subscription as an Event Grid source" (eventType Microsoft.Resources.Resource{Write,
Delete,Action}{Success,Failure,Cancel}; data.resourceUri, operationName, subscriptionId), "Event Grid event schema" (id, eventType,
eventTime) and "CloudEvents v1.0 schema" (specversion, id, type, time). Storage queues are given the event as base64, one or a list.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from agent.collect.azure.ids import GUID, ArmId, parse
from agent.collect.changes.queue import NotAChange
from agent.collect.changes.texts import moment, text
from checks.change import Change
from checks.model import GLOBAL

_RESOURCE: Final = "Microsoft.Resources.Resource"
_DELETED: Final = "Microsoft.Resources.ResourceDeleteSuccess"
_VALIDATION: Final = "Microsoft.EventGrid.SubscriptionValidationEvent"


def changes(body: str) -> tuple[Change, ...]:
    """The changes that a message tells of. An operation that failed may have changed something on its way. Raises NotAChange."""
    try:
        data = json.loads(_plain(body))
        return tuple(change for one in (data if isinstance(data, list) else [data]) for change in _changes(one))
    except NotAChange:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotAChange(f"not an event of Event Grid: {type(error).__name__} {error}") from error


def _plain(body: str) -> str | bytes:
    """The text of a message, which may be in base64."""
    if body.lstrip().startswith(("{", "[")):
        return body
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAChange("neither JSON nor base64") from error


def _changes(event: Mapping[str, Any]) -> Iterator[Change]:
    bridged = "specversion" in event
    type_ = text(event, "type" if bridged else "eventType")
    if type_ == _VALIDATION:
        return
    if not type_.startswith(_RESOURCE):
        raise NotAChange(f"an event of the type {type_}: subscribe to those of Resource Manager alone")
    data = event["data"]
    uri = text(data, "resourceUri") if data.get("resourceUri") else text(event, "subject")
    subscription = str(data.get("subscriptionId") or _subscription(uri)).lower()
    if not GUID.fullmatch(subscription):
        raise NotAChange(f"{subscription!r} in the place of a subscription")
    at = moment(event["time" if bridged else "eventTime"])
    name = data.get("operationName") or type_
    about = tuple(_chain(parse(uri)))
    yield Change(text(event, "id"), str(name), _provider(uri), at, subscription, GLOBAL, {}, about, type_ == _DELETED)


def _subscription(uri: str) -> str:
    parts = uri.split("/")
    return parts[2] if len(parts) > 2 else ""


def _provider(uri: str) -> str:
    """The namespace of the resource provider, in lower case; that of the resource group's where there is none."""
    parts = uri.lower().split("/")
    found = [parts[place + 1] for place, part in enumerate(parts[:-1]) if part == "providers"]
    return found[-1] if found else "microsoft.resources"


def _chain(named: ArmId | None) -> Iterator[tuple[str, str]]:
    """A resource, and those that it is part of: of a setting of diagnostics, also the resource that it is about."""
    while named is not None:
        yield named.kind, named.key
        named = named.parent or parse(named.scope)
