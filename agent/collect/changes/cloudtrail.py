"""What AWS tells of changes: calls that CloudTrail recorded, and changes that AWS Config saw, as EventBridge delivers them.

Source: Amazon EventBridge User Guide, "AWS service events via AWS CloudTrail" and "Events reference" (version, id, detail-type, source,
account, time, region, resources, detail); AWS CloudTrail User Guide, "CloudTrail record contents" (eventSource, eventName, awsRegion,
recipientAccountId, readOnly, errorCode, requestParameters, responseElements, resources); AWS Config Developer Guide, "Example
configuration item change notifications"; Amazon SNS Developer Guide, "Message formats".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from agent.collect.changes.queue import NotAChange
from agent.collect.changes.texts import members, moment, text
from checks.change import Change

_CONFIG: Final = "aws.config"
_ITEM: Final = "configurationItem"
_DELETED: Final = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded"})
"""AWS Config API reference, ConfigurationItem, configurationItemStatus."""
_TOLD: Final = ("requestParameters", "responseElements", "resources", "serviceEventDetails")
_SIGN_IN: Final = "aws.signin"


def changes(body: str) -> tuple[Change, ...]:
    """The changes that a message tells of; none for a call that read only, or failed. Raises NotAChange."""
    try:
        return tuple(_changes(json.loads(body)))
    except NotAChange:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotAChange(f"not an event of EventBridge: {type(error).__name__} {error}") from error


def _changes(data: Any) -> Iterator[Change]:
    if data.get("Type") == "Notification":  # by way of SNS
        data = json.loads(data["Message"])
    source, detail = text(data, "source"), data["detail"]
    if not isinstance(detail, Mapping):
        raise NotAChange("an event whose detail is no object")
    if source == _CONFIG and (item := detail.get(_ITEM) or detail.get(f"{_ITEM}Summary")) is not None:
        yield _item(data, item)
    elif "eventName" in detail:
        if detail.get("readOnly") is not True and not detail.get("errorCode") and source != _SIGN_IN:  # who signs in changes nothing
            yield _call(data, detail)
    else:
        told = members({"resources": data.get("resources"), "detail": detail})
        yield Change(
            text(data, "id"), text(data, "detail-type"), source.removeprefix("aws."), moment(data["time"]), text(data, "account"),
            text(data, "region"), told,
        )  # fmt: skip


def _call(data: Mapping[str, Any], detail: Mapping[str, Any]) -> Change:
    """A call that CloudTrail recorded."""
    account = detail.get("recipientAccountId") or data["account"]
    source = text(detail, "eventSource").partition(".")[0]
    region = detail.get("awsRegion") or data["region"]
    told = members({name: detail.get(name) for name in _TOLD})
    at = moment(detail.get("eventTime") or data["time"])
    return Change(text(data, "id"), text(detail, "eventName"), source, at, text({"": account}, ""), text({"": region}, ""), told)


def _item(data: Mapping[str, Any], item: Mapping[str, Any]) -> Change:
    """A change that Config saw. Of a global resource the region is `global` there, and the type says so here."""
    about = ((text(item, "resourceType"), text(item, "resourceId")),)
    names = members({name: item.get(name) for name in ("resourceId", "resourceName", "ARN")})
    at = moment(item.get("configurationItemCaptureTime") or data["time"])
    deleted = item.get("configurationItemStatus") in _DELETED or item.get("changeType") == "DELETE"
    return Change(
        text(data, "id"),
        text(data, "detail-type"),
        "config",
        at,
        text(item, "awsAccountId"),
        text(item, "awsRegion"),
        names,
        about,
        deleted,
    )
