"""Cloud Audit Logs of Google Cloud. Source: as in its table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.formats.json_records import Members
from checks.logs.tables.gcp_audit import GCP_AUDIT

_LOG: Final = (
    r"^(?:projects|folders|organizations|billingAccounts)/(?P<account>[^/]+)/logs/cloudaudit\.googleapis\.com(?:%2F|/)(?P<type>[a-z_]+)$"
)


def _derive(members: Members, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    log = pc.extract_regex(columns["log"], pattern=_LOG)
    places = members.values(("protoPayload", "resourceLocation", "currentLocations"))
    asked = members.values(("protoPayload", "authorizationInfo"))
    return {
        "account": pc.struct_field(log, "account"),
        "log_type": pc.struct_field(log, "type"),
        "region": pc.coalesce(pa.array([_only(place) for place in places], pa.string()), columns["region"]),
        "permission": pa.array([_of_only(one, "permission") for one in asked], pa.string()),
        "permission_type": pa.array([_of_only(one, "permissionType") for one in asked], pa.string()),
        "granted": pa.array([_granted(one) for one in asked], pa.bool_()),
        "outcome": pa.array([_outcome(one) for one in members.values(("protoPayload", "status"))], pa.string()),
    }


def _only(listed: Any) -> str | None:
    return listed[0] if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], str) else None


def _of_only(listed: Any, member: str) -> str | None:
    one = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    return _only([one.get(member)]) if isinstance(one, dict) else None


def _granted(listed: Any) -> bool | None:
    """`granted` may be missing where it is false, as all of protocol buffers' defaults may: that is not known."""
    if not isinstance(listed, list) or not listed:
        return None
    told = [one.get("granted") if isinstance(one, dict) else None for one in listed]
    return False if False in told else True if all(one is True for one in told) else None


def _outcome(status: Any) -> str | None:
    """Code 0 is OK, and is left out as protocol buffers' defaults are. Source: google.rpc.Status, google.rpc.Code."""
    if not isinstance(status, dict):
        return None
    code = status.get("code", 0)
    return None if isinstance(code, bool) or not isinstance(code, int) else "failure" if code else "success"


FORMAT: Final = JsonFormat(
    GCP_AUDIT,
    re.compile(rb'"protoPayload"\s*:|"logName"\s*:\s*"[^"]*/logs/cloudaudit\.googleapis\.com'),
    paths("""
        time              timestamp
        received          receiveTimestamp
        event_id          insertId
        event_name        protoPayload.methodName
        event_source      protoPayload.serviceName
        log               logName
        severity          severity
        resource          protoPayload.resourceName
        resource_type     resource.type
        region            resource.labels.location | resource.labels.region
        zone              resource.labels.zone
        source            protoPayload.requestMetadata.callerIp
        user_agent        protoPayload.requestMetadata.callerSuppliedUserAgent
        principal         protoPayload.authenticationInfo.principalEmail | protoPayload.authenticationInfo.principalSubject
        principal_subject protoPayload.authenticationInfo.principalSubject
        access_key        protoPayload.authenticationInfo.serviceAccountKeyName
        delegation        protoPayload.authenticationInfo.serviceAccountDelegationInfo
        error_code        protoPayload.status.code
        error_message     protoPayload.status.message
        operation         operation.id
        operation_first   operation.first
        operation_last    operation.last
        violation         protoPayload.policyViolationInfo
        request           protoPayload.request
        response          protoPayload.response
        metadata          protoPayload.metadata
        service_data      protoPayload.serviceData
        labels            resource.labels
    """),
    _derive,
    lists=("entries",),
)
