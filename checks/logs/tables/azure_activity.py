"""Azure's activity log: what was changed in a subscription, and by whom. Reads are not in it.

Source: Azure Monitor documentation, "Azure Activity Log event schema": the members as a diagnostic setting exports them ("Schema
from storage account and event hubs"), behind them those of the REST API and the command line where they differ. Names of operations
and ids of resources are written in any case, and mean the same in every case: here they are in lower case.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_ACTIVITY: Final = Table(
    "log.azure_activity",
    columns("""
        time                time     time; eventTimestamp
        event_id            text     eventDataId, which only the REST API gives
        event_name          text     operationName, in lower case: microsoft.network/networksecuritygroups/write
        event_category      text     properties.eventCategory, and Administrative where an export has none; category.value
        event_phase         text     properties.eventName; eventName.value: BeginRequest, EndRequest
        operation_type      text     the last part of operationName, in lower case: write, delete, action
        account             text     the subscription in resourceId; subscriptionId
        resource            text     resourceId, in lower case
        resource_group      text     the resource group in resourceId, in lower case
        source              address  callerIpAddress; httpRequest.clientIpAddress
        principal           text     the claim upn, else name, else objectidentifier; of the REST API, caller
        principal_type      text     identity.authorization.evidence.principalType: User, Group, ServicePrincipal
        principal_id        text     the claim objectidentifier
        application         text     the claim appid
        tenant              text     the claim tenantid
        role                text     identity.authorization.evidence.role
        session_mfa         bool     whether mfa is among the claim authnmethodsreferences (`rsa,mfa`); null without that claim
        result              text     resultType; status.value: Start, Started, Accepted, Success, Succeeded, Failure, Failed, Active, ...
        outcome             text     success of Success and Succeeded, failure of Failure and Failed; null while it goes on
        result_signature    text     resultSignature; subStatus.value
        status_code         text     properties.statusCode: Created, Forbidden
        level               text     level: Critical, Error, Warning, Informational
        request_id          text     properties.serviceRequestId
        correlation_id      text     correlationId
        description         free     resultDescription; description
        identity            free     identity; claims and authorization as JSON text
        properties          free     properties, as JSON text
    """),
    provider="azure",
    audit=True,
)
