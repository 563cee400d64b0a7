"""Events that Alibaba Cloud's own staff and systems initiated. Source: as in its table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.formats.json_records import Members
from checks.logs.tables.alibaba_inner_actiontrail import ALIBABA_INNER_ACTIONTRAIL


def _derive(members: Members, _columns: Mapping[str, Any]) -> Mapping[str, Any]:
    employees = members.values(("EmployeeID",))
    return {"by_employee": pa.array([one != "" if isinstance(one, str) else None for one in employees], pa.bool_())}


FORMAT: Final = JsonFormat(
    ALIBABA_INNER_ACTIONTRAIL,
    re.compile(rb'"(EventProduct|ResourceOwnerID)"\s*:'),
    paths("""
        time          EventTime
        event_id      EventID
        event_name    EventName
        event_source  EventProduct
        event_type    EventType
        event_level   EventLevel
        method        EventMethod
        location      EventLocation
        account       ResourceOwnerID
        region        ResourceRegionID
        resource      ResourceID
        resource_type ResourceType
        employee      EmployeeID
        ticket        EventDescription
        additional    EventAdditionalDetail
    """),
    _derive,
    lists=("Events",),
)
