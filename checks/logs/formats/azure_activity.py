"""Azure's activity log, as diagnostic settings export it and as the REST API and the command line list it. Source: as in its table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.azure_resource import CLAIMS, and_resource, resource_group
from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.formats.json_records import Members
from checks.logs.tables.azure_activity import AZURE_ACTIVITY

_OUTCOMES: Final[Mapping[str, str]] = {"Success": "success", "Succeeded": "success", "Failure": "failure", "Failed": "failure"}


def _exported(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the REST API with the members of an export ("Schema from storage account and event hubs": which are which)."""
    if "eventTimestamp" not in record:
        return record
    request = record.get("httpRequest")
    return {
        **record,
        "time": record["eventTimestamp"],
        "callerIpAddress": request.get("clientIpAddress") if isinstance(request, dict) else None,
        "resultDescription": record.get("description"),
        "identity": {name: record.get(name) for name in ("claims", "authorization")},
        **{ours: _value(record.get(theirs)) for ours, theirs in _VALUES.items()},
    }


_VALUES: Final[Mapping[str, str]] = {
    "operationName": "operationName", "resultType": "status", "resultSignature": "subStatus", "eventCategory": "category",
    "eventName": "eventName",
}  # fmt: skip
"""Members that the REST API writes as `{"value": ..., "localizedValue": ...}`."""


def _value(held: Any) -> Any:
    return held.get("value") if isinstance(held, dict) else held


def _derive(members: Members, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    exported = pa.array(["eventTimestamp" not in record for record in members.objects(())], pa.bool_())
    named = pc.if_else(pc.and_(exported, pc.is_null(columns["event_category"])), "Administrative", columns["event_category"])
    operations = pc.utf8_lower(columns["event_name"])
    methods = members.values(("identity", "claims", CLAIMS["<amr>"]))
    return {
        "event_name": operations,
        "event_category": named,
        "operation_type": pc.struct_field(pc.extract_regex(operations, pattern="/(?P<type>[^/]*)$"), "type"),
        "resource_group": resource_group(columns["resource"]),
        "session_mfa": pa.array(
            ["mfa" in map(str.strip, one.split(",")) if isinstance(one, str) and one else None for one in methods], pa.bool_()
        ),
        "outcome": pa.array([_OUTCOMES.get(one) for one in columns["result"].to_pylist()], pa.string()),
    }


FORMAT: Final = JsonFormat(
    AZURE_ACTIVITY,
    re.compile(
        rb'"eventTimestamp"\s*:|"category"\s*:\s*"(Administrative|Write|Delete|Action|Policy|Security|ServiceHealth|ResourceHealth|Alert|'
        rb'Autoscale|Recommendation)"'
    ),
    paths(
        """
        time             time
        event_id         eventDataId
        event_name       operationName
        event_category   properties.eventCategory | eventCategory
        event_phase      properties.eventName | eventName
        account          subscriptionId
        resource         resourceId
        source           callerIpAddress
        principal        caller | identity.claims.<upn> | identity.claims.<name> | identity.claims.<objectid>
        principal_type   identity.authorization.evidence.principalType
        principal_id     identity.claims.<objectid>
        application      identity.claims.appid
        tenant           identity.claims.<tenantid>
        role             identity.authorization.evidence.role | identity.authorization.role
        result           resultType
        result_signature resultSignature
        status_code      properties.statusCode
        level            level | Level
        request_id       properties.serviceRequestId
        correlation_id   correlationId
        description      resultDescription
        identity         identity
        properties       properties
        """,
        CLAIMS,
    ),
    and_resource(_derive),
    lists=("records", "value"),
    inner=_exported,
)
