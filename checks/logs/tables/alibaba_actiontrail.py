"""Alibaba Cloud's ActionTrail.

Source: ActionTrail documentation, "Management event structure", "Data event structure", "Logon events by using an Alibaba Cloud
account"; Simple Log Service documentation, "ActionTrail" (fields of operation logs), where additionalEventData is spelt addionalEventData.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

ALIBABA_ACTIONTRAIL: Final = Table(
    "log.alibaba_actiontrail",
    columns("""
        time                time     eventTime
        event_id            text     eventId
        event_name          text     eventName
        event_source        text     eventSource: actiontrail.cn-hangzhou.aliyuncs.com
        service             text     serviceName: Ecs, Oss, Ram
        event_type          text     eventType: ApiCall, ConsoleOperation, ConsoleSignin, ConsoleSignout, AliyunServiceEvent
        event_category      text     eventCategory: Management, Data
        read_only           bool     eventRW: true of Read, false of Write
        account             text     recipientAccountId, else userIdentity.accountId
        region              text     acsRegion
        vpc                 text     vpcId
        source              address  sourceIpAddress, where it is an address
        source_name         text     sourceIpAddress, where it is none: Internal, or the name of a service
        user_agent          free     userAgent
        principal           text     userIdentity.userName, else principalId
        principal_type      text     userIdentity.type: root-account, ram-user, assumed-role, cloudsso-user, ...
        principal_account   text     userIdentity.accountId
        principal_id        text     userIdentity.principalId
        access_key          secret   userIdentity.accessKeyId
        login_account       free     additionalEventData.loginAccount: a name, or a telephone number
        session_mfa         bool     userIdentity.sessionContext.attributes.mfaAuthenticated, "true" or "false"
        mfa                 bool     additionalEventData.isMFAChecked of a ConsoleSignin, "true" or "false"; null for all else
        outcome             text     failure with an errorCode, else success
        error_code          text     errorCode
        error_message       free     errorMessage
        resource            text     resourceName
        resource_type       text     resourceType
        global              bool     isGlobal
        request_id          text     requestId
        request             free     requestParameters, else requestParameterJson, as JSON text
        response            free     responseElements, as JSON text
        additional          free     additionalEventData, as JSON text
        resources           free     referencedResources, as JSON text
    """),
    provider="alibaba",
    audit=True,
)
