"""CloudTrail's records.

Source: CloudTrail user guide, "CloudTrail record contents", "CloudTrail userIdentity element" and "AWS Management Console sign-in events".
What is said of requests and responses is read from them by `checks/logs/formats/cloudtrail_derived.py`, which knows the calls.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

CLOUDTRAIL: Final = Table(
    "log.cloudtrail",
    columns(
        """
        time                time     eventTime
        event_id            text     eventID
        event_name          text     eventName
        event_source        text     eventSource: s3.amazonaws.com
        event_type          text     eventType: AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, ...
        event_category      text     eventCategory: Management, Data, Insight, NetworkActivity
        read_only           bool     readOnly
        management          bool     managementEvent
        account             text     recipientAccountId
        region              text     awsRegion
        source              address  sourceIPAddress, where it is an address
        source_name         text     sourceIPAddress, where it is none: the name of a service, or `AWS Internal`
        user_agent          free     userAgent
        principal           text     userIdentity.arn; where it has none, userIdentity.principalId
        principal_type      text     userIdentity.type: Root, IAMUser, AssumedRole, AWSService, ...
        principal_account   text     userIdentity.accountId
        principal_id        secret   userIdentity.principalId
        user_name           text     userIdentity.userName
        access_key          secret   userIdentity.accessKeyId
        issuer              text     userIdentity.sessionContext.sessionIssuer.arn: the role of a session
        invoked_by          text     userIdentity.invokedBy: the service that calls on behalf of the principal
        session_mfa         bool     userIdentity.sessionContext.attributes.mfaAuthenticated, "true" or "false"
        session_from_console bool    sessionCredentialFromConsole
        mfa                 bool     additionalEventData.MFAUsed of a ConsoleLogin: Yes or No in any case, null for all else
        outcome             text     success or failure: of a ConsoleLogin what responseElements.ConsoleLogin says; of all else, failure with an errorCode
        error_code          text     errorCode
        error_message       free     errorMessage
        resource            text     resources[0].ARN, where there is exactly one resource
        tls_version         text     tlsDetails.tlsVersion: TLSv1.2
        cipher              text     tlsDetails.cipherSuite
        tls_host            text     tlsDetails.clientProvidedHostHeader
        vpc_endpoint        text     vpcEndpointId
        request_id          text     requestID
        shared_event_id     text     sharedEventID
        request             free     requestParameters, as JSON text
        response            free     responseElements, as JSON text
        additional          free     additionalEventData, as JSON text
        service_details     free     serviceEventDetails, as JSON text
        by_service          bool     whether a service called on the principal's behalf, or on its own: userIdentity.invokedBy or sourceIPAddress names one
        target              text     what a call is about, of requestParameters: the trail, bucket, log group, key, detector, snapshot, image or group
        narrows             bool     whether requestParameters ask a log, a recorder or a guard for less than everything; null where they do not tell
        log_validation      bool     requestParameters.enableLogFileValidation of CreateTrail and UpdateTrail
        retention_days      int      requestParameters.retentionInDays of PutRetentionPolicy, retentionPeriod of UpdateEventDataStore
        public              bool     whether requestParameters admit everyone: of ACLs, bucket policies, shared snapshots and images, and security groups beyond HTTP and HTTPS
        stores              bool     whether the call puts data, or a place for it, into its region; false of calls that only take away, null where it is not known
        encrypted           bool     responseElements.encrypted of CreateVolume
    """
    ),
    provider="aws",
    audit=True,
)
