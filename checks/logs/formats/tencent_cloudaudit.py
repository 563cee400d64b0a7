"""Events of Tencent Cloud's CloudAudit. Source: as in its table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.formats.json_records import Members
from checks.logs.formats.json_values import texts, times
from checks.logs.tables.tencent_cloudaudit import TENCENT_CLOUDAUDIT

_READS: Final[Mapping[str, bool]] = {"Read": True, "Write": False}
_CODES: Final = ("apiErrorCode", "errorCode")
_NO_ERROR: Final = "0"
_ZONED: Final = re.compile(r"[0-9]+|.*:.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)", re.DOTALL)


def _derive(members: Members, _columns: Mapping[str, Any]) -> Mapping[str, Any]:
    numbers, faults = members.numbers, members.faults
    when = members.values(("eventTime",))
    codes = [*zip(*(texts(members.values((name,)), numbers, name, faults).to_pylist() for name in _CODES), strict=True)]
    errors = [next((one for one in held if one not in {None, _NO_ERROR}), None) for held in codes]
    outcomes = ["failure" if error else "success" if _NO_ERROR in held else None for error, held in zip(errors, codes, strict=True)]
    return {
        "time": times([_zoned(value) for value in when], numbers, "eventTime, with a zone,", faults, required=True),
        "read_only": pa.array([_READS.get(one) if isinstance(one, str) else None for one in members.values(("actionType",))], pa.bool_()),
        "error_code": pa.array(errors, pa.string()),
        "outcome": pa.array(outcomes, pa.string()),
    }


def _zoned(value: Any) -> Any:
    """Of a time without a zone nobody documents in which it is, and eight hours beside the truth it proves nothing."""
    return None if isinstance(value, str) and not _ZONED.fullmatch(value) else value


FORMAT: Final = JsonFormat(
    TENCENT_CLOUDAUDIT,
    re.compile(rb'"(eventRegion|sensitiveAction|eventPlatform)"\s*:'),
    paths("""
        event_id       eventID
        event_name     eventName
        event_source   eventSource
        event_type     eventType
        sensitive      sensitiveAction
        by_platform    eventPlatform
        service        resourceType
        account        userIdentity.accountId
        region         eventRegion
        source         sourceIPAddress
        user_agent     userAgent
        principal      userIdentity.userName | userIdentity.principalId
        principal_type userIdentity.type
        principal_id   userIdentity.principalId
        access_key     userIdentity.secretId
        error_message  apiErrorMessage | errorMessage
        resource       resourceName
        request_id     requestID
        request        requestParameters
        response       responseElements
    """),
    _derive,
)
