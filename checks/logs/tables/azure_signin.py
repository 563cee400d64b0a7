"""Sign-ins to Microsoft Entra ID.

Source: Microsoft Entra documentation, "Interpret the Microsoft Entra sign-in logs schema in Azure Monitor"; Microsoft Graph
reference, signIn resource type (authenticationRequirement: what was needed for the sign-in to succeed). The members as a diagnostic
setting exports them; what is in `properties` there is what the Graph gives.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_SIGNIN: Final = Table(
    "log.azure_signin",
    columns("""
        time                time     time; createdDateTime
        event_id            text     properties.id
        event_name          text     operationName: Sign-in activity
        event_category      text     category: SignInLogs, NonInteractiveUserSignInLogs, ServicePrincipalSignInLogs, ManagedIdentitySignInLogs
        tenant              text     tenantId; resourceTenantId
        home_tenant         text     properties.homeTenantId: the tenant of the user
        source              address  properties.ipAddress, or callerIpAddress
        country             text     properties.location.countryOrRegion
        principal           text     properties.userPrincipalName, else servicePrincipalId
        principal_id        text     properties.userId, else servicePrincipalId
        user_type           text     properties.userType: member, guest; in lower case
        application         text     properties.appDisplayName
        application_id      text     properties.appId
        resource            text     properties.resourceDisplayName: what was signed in to
        interactive         bool     properties.isInteractive
        client              text     properties.clientAppUsed: Browser, Mobile Apps and Desktop clients, IMAP4, ...
        user_agent          free     properties.userAgent
        error_code          text     resultType, or properties.status.errorCode: 0 for success
        outcome             text     success of the error code 0, failure of all other
        error_message       free     resultDescription, or properties.status.failureReason
        authentication_requirement text properties.authenticationRequirement: singleFactorAuthentication, multiFactorAuthentication
        mfa                 bool     of a success: true of multiFactorAuthentication, false of singleFactorAuthentication; null for all else
        conditional_access  text     properties.conditionalAccessStatus: success, failure, notApplied
        managed_device      bool     properties.deviceDetail.isManaged
        compliant_device    bool     properties.deviceDetail.isCompliant
        risk_level          text     properties.riskLevelDuringSignIn
        risk_state          text     properties.riskState
        correlation_id      text     correlationId
        authentication_details free  properties.authenticationDetails, as JSON text
        policies            free     properties.appliedConditionalAccessPolicies, as JSON text
    """),
    provider="azure",
)
