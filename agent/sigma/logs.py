"""The logs that Sigma rules are imported for: their fields, as columns of our tables.

Source: CloudTrail user guide, "CloudTrail record contents" (errorCode and errorMessage: if the request returns an error), "CloudTrail
userIdentity element" and "AWS Management Console sign-in events"; Azure Monitor documentation, "Azure Activity Log event schema", and the
table AzureActivity of its reference (OperationNameValue, CategoryValue, ActivityStatusValue, Caller, CallerIpAddress, ResourceId); the columns
themselves are described in `checks/logs/tables/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sigma.types import SigmaType

from agent.sigma.fields import Condition, Log, Test, address, flag, joined, number, of_call, presence, test, text, where, words


def _fields(declared: str, make: Mapping[str, Test] | None = None, *, folded: frozenset[str] = frozenset()) -> dict[str, Test]:
    """Texts, one a line: the column, and the names it has with Sigma."""
    found = dict(make or {})
    for line in filter(None, map(str.strip, declared.splitlines())):
        column, *names = line.split()
        found |= dict.fromkeys(names, text(column, folded=column in folded))
    return found


_CONSOLE: Final = "row.event_name == 'ConsoleLogin'"
_FAILED: Final = test("row.outcome == 'failure'", outcome="failure")
_SERVICES: Final = (".amazonaws.com", ".amazonaws.com.cn")
_TOLD_BY_ERRORS: Final = "a sign-in that failed has an errorMessage and may have no errorCode"


def _source_name(values: Sequence[SigmaType]) -> Condition:
    """`by_service` says of an address that it is no name of a service; of any other name, an address leaves it open."""
    named = text("source_name")(values)
    wanted = [str(value).lower() for value in values]
    if all(one == "aws internal" or one.endswith(_SERVICES) for one in wanted):
        return joined([test("row.by_service", by_service=True), named], "&&")
    return named


def _console_login(values: Sequence[SigmaType]) -> Condition:
    return joined([test(_CONSOLE, event_name="ConsoleLogin"), words(("success", "failure"), text("outcome", folded=True))(values)], "&&")


_ERROR_CODE: Final = joined(
    [_FAILED, Condition(f"!({_CONSOLE}) || undecided('{_TOLD_BY_ERRORS}')", False, (("event_name", "ConsoleLogin"),))], "&&"
)
_NO_ERROR_CODE: Final = Condition(
    f"row.outcome == 'success' || {_CONSOLE} && undecided('{_TOLD_BY_ERRORS}')",
    False,
    (("outcome", "success"), ("outcome", "failure")),
)
_CLOUDTRAIL: Final = _fields(
    """
    event_name         eventName
    event_source       eventSource
    event_type         eventType
    event_category     eventCategory
    event_id           eventID
    account            recipientAccountId
    region             awsRegion
    user_agent         userAgent
    principal_type     userIdentity.type
    principal_account  userIdentity.accountId
    principal_id       userIdentity.principalId
    user_name          userIdentity.userName
    access_key         userIdentity.accessKeyId
    issuer             userIdentity.sessionContext.sessionIssuer.arn
    vpc_endpoint       vpcEndpointId
    request_id         requestID
    shared_event_id    sharedEventID
    tls_version        tlsDetails.tlsVersion
    cipher             tlsDetails.cipherSuite
    tls_host           tlsDetails.clientProvidedHostHeader
    """,
    {
        "readOnly": flag("read_only"),
        "managementEvent": flag("management"),
        "sessionCredentialFromConsole": flag("session_from_console"),
        "userIdentity.sessionContext.attributes.mfaAuthenticated": flag("session_mfa"),
        "additionalEventData.MFAUsed": flag("mfa", true="yes", false="no"),
        "responseElements.ConsoleLogin": _console_login,
        # Where there is no ARN, `principal` is the principalId.
        "userIdentity.arn": where(test("row.principal.startsWith('arn:')", principal="arn:"), text("principal")),
        "userIdentity.invokedBy": where(test("row.by_service", by_service=True), text("invoked_by")),
        "sourceIPAddress": address("source", _source_name),
        "errorCode": presence(_ERROR_CODE, _NO_ERROR_CODE, where(_FAILED, text("error_code"))),
        "errorMessage": where(
            Condition(f"row.outcome == 'failure' || !({_CONSOLE})", False, (("outcome", "failure"), ("event_name", "ConsoleLogin"))),
            text("error_message"),
        ),
        "requestParameters.bucketName": of_call("s3.amazonaws.com", (), text("target")),
        "requestParameters.keyId": of_call("kms.amazonaws.com", (), text("target")),
        "requestParameters.detectorId": of_call("guardduty.amazonaws.com", (), text("target")),
        "requestParameters.enable": of_call("guardduty.amazonaws.com", ("UpdateDetector",), flag("narrows", true="false", false="true")),
        "requestParameters.enableLogFileValidation": of_call(
            "cloudtrail.amazonaws.com", ("CreateTrail", "UpdateTrail"), flag("log_validation")
        ),
        "requestParameters.retentionInDays": of_call("logs.amazonaws.com", ("PutRetentionPolicy",), number("retention_days")),
        "requestParameters.VersioningConfiguration.Status": of_call(
            "s3.amazonaws.com", ("PutBucketVersioning",), flag("narrows", true="suspended", false="enabled")
        ),
        "responseElements.encrypted": of_call("ec2.amazonaws.com", ("CreateVolume",), flag("encrypted")),
    },
)

_CATEGORIES: Final = (
    "administrative", "policy", "security", "servicehealth", "resourcehealth", "alert", "autoscale", "recommendation",
)  # fmt: skip
_RESULTS: Final = (("success", "succeeded"), ("failure", "failed"), ("start", "started"), ("accept", "accepted"))
"""Exports, the REST API and Log Analytics have words of their own for how far an operation has come."""
# Log Analytics' OperationName and Category are none of these: the one is a name for display, the other was for something else.
_ACTIVITY: Final = _fields(
    """
    event_name      operationName OperationNameValue
    account         subscriptionId SubscriptionId
    resource        resourceId ResourceId
    resource_group  resourceGroupName ResourceGroup
    principal       caller Caller
    status_code     properties.statusCode
    correlation_id  correlationId CorrelationId
    event_id        eventDataId EventDataId
    """,
    {
        # An export has Write, Delete or Action in its category, and what others call the category in its properties.
        **dict.fromkeys(("category", "CategoryValue", "eventCategory"), words(_CATEGORIES, text("event_category"))),
        **dict.fromkeys(
            ("resultType", "ResultType", "status", "status.value", "ActivityStatus", "ActivityStatusValue"), text("result", also=_RESULTS)
        ),
        **dict.fromkeys(("callerIpAddress", "CallerIpAddress", "httpRequest.clientIpAddress"), address("source")),
    },
    folded=frozenset({"event_name", "resource", "resource_group"}),
)

LOGS: Final = (
    Log("aws", "cloudtrail", "log.cloudtrail", _CLOUDTRAIL, ("account",), ("time", "event_name", "principal", "source", "region")),
    Log("azure", "activitylogs", "log.azure_activity", _ACTIVITY, ("account",), ("time", "event_name", "principal", "resource", "outcome")),
)
