"""Sign-ins to Microsoft Entra ID, as diagnostic settings export them and as the Graph lists them. Source: as in its table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.formats.json_records import Members
from checks.logs.tables.azure_signin import AZURE_SIGNIN

_FACTORS: Final[Mapping[str, bool]] = {"multifactorauthentication": True, "singlefactorauthentication": False}


def _exported(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the Graph as the `properties` of an export, which they are."""
    if "properties" in record or "createdDateTime" not in record:
        return record
    return {"time": record["createdDateTime"], "correlationId": record.get("correlationId"), "properties": record}


def _derive(_members: Members, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    outcomes = pc.if_else(pc.equal(columns["error_code"], "0"), "success", "failure")
    asked = zip(outcomes.to_pylist(), columns["authentication_requirement"].to_pylist(), strict=True)
    return {
        "outcome": outcomes,
        # What was required for the sign-in to succeed was given where it did; of a failure nothing is known.
        "mfa": pa.array([_FACTORS.get((needed or "").lower()) if told == "success" else None for told, needed in asked], pa.bool_()),
        "user_type": pc.utf8_lower(columns["user_type"]),
    }


FORMAT: Final = JsonFormat(
    AZURE_SIGNIN,
    re.compile(rb'"category"\s*:\s*"(NonInteractiveUser|ServicePrincipal|ManagedIdentity|)SignInLogs"|"authenticationRequirement"\s*:'),
    paths("""
        time                       time
        event_id                   properties.id
        event_name                 operationName
        event_category             category
        tenant                     tenantId | properties.resourceTenantId
        home_tenant                properties.homeTenantId
        source                     properties.ipAddress | callerIpAddress
        country                    properties.location.countryOrRegion
        principal                  properties.userPrincipalName | properties.servicePrincipalId
        principal_id               properties.userId | properties.servicePrincipalId
        user_type                  properties.userType
        application                properties.appDisplayName
        application_id             properties.appId
        resource                   properties.resourceDisplayName
        interactive                properties.isInteractive
        client                     properties.clientAppUsed
        user_agent                 properties.userAgent
        error_code                 resultType | properties.status.errorCode
        error_message              resultDescription | properties.status.failureReason
        authentication_requirement properties.authenticationRequirement
        conditional_access         properties.conditionalAccessStatus
        managed_device             properties.deviceDetail.isManaged
        compliant_device           properties.deviceDetail.isCompliant
        risk_level                 properties.riskLevelDuringSignIn
        risk_state                 properties.riskState
        correlation_id             correlationId
        authentication_details     properties.authenticationDetails
        policies                   properties.appliedConditionalAccessPolicies
    """),
    _derive,
    lists=("records", "value"),
    inner=_exported,
)
