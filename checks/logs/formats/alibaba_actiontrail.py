"""Events of Alibaba Cloud's ActionTrail: as it delivers them, as its API lists them, and wrapped in `event` by Simple Log Service.

Source: as in its table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.json_format import JsonFormat, first, paths
from checks.logs.formats.json_records import Members
from checks.logs.formats.json_values import booleans
from checks.logs.tables.alibaba_actiontrail import ALIBABA_ACTIONTRAIL

_READS: Final[Mapping[str, bool]] = {"Read": True, "Write": False}
_CHECKED: Final = (("additionalEventData", "isMFAChecked"), ("addionalEventData", "isMFAChecked"))


def _event(record: dict[str, Any]) -> Any:
    """What is in `event`, an object or the text of one. A text that is none stays one, and so is told as no object."""
    held = record.get("event", record)
    if not isinstance(held, str):
        return held
    try:
        return orjson.loads(held)
    except orjson.JSONDecodeError:
        return held


def _derive(members: Members, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    signed_in = pc.equal(columns["event_name"], "ConsoleSignin")
    checked = booleans(first(members, _CHECKED), members.numbers, "additionalEventData.isMFAChecked", members.faults)
    return {
        "mfa": pc.if_else(signed_in, checked, pa.scalar(None, pa.bool_())),
        "read_only": pa.array([_READS.get(one) if isinstance(one, str) else None for one in members.values(("eventRW",))], pa.bool_()),
        "outcome": pc.if_else(pc.is_null(columns["error_code"]), "success", "failure"),
    }


FORMAT: Final = JsonFormat(
    ALIBABA_ACTIONTRAIL,
    re.compile(rb'"acsRegion"\s*:|"__topic__"\s*:\s*"actiontrail_'),
    paths("""
        time              eventTime
        event_id          eventId
        event_name        eventName
        event_source      eventSource
        service           serviceName
        event_type        eventType
        event_category    eventCategory
        account           recipientAccountId | userIdentity.accountId
        region            acsRegion
        vpc               vpcId
        source            sourceIpAddress
        user_agent        userAgent
        principal         userIdentity.userName | userIdentity.principalId
        principal_type    userIdentity.type
        principal_account userIdentity.accountId
        principal_id      userIdentity.principalId
        access_key        userIdentity.accessKeyId
        login_account     additionalEventData.loginAccount | addionalEventData.loginAccount
        session_mfa       userIdentity.sessionContext.attributes.mfaAuthenticated
        error_code        errorCode
        error_message     errorMessage
        resource          resourceName
        resource_type     resourceType
        global            isGlobal
        request_id        requestId
        request           requestParameters | requestParameterJson
        response          responseElements
        additional        additionalEventData | addionalEventData
        resources         referencedResources
    """),
    _derive,
    lists=("Events",),
    inner=_event,
)
