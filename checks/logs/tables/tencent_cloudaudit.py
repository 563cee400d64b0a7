"""Tencent Cloud's CloudAudit.

Source: CloudAudit documentation, "Viewing Event Details in Operation Record" (fields of an event and of its userIdentity). Whether MFA
was used is none of the fields it names. Of an eventTime as text it does not say in which zone: such a time is null.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

TENCENT_CLOUDAUDIT: Final = Table(
    "log.tencent_cloudaudit",
    columns("""
        time                time     eventTime, in seconds or milliseconds since 1970, or as text with an offset; null for text without one
        event_id            text     eventID
        event_name          text     eventName
        event_source        text     eventSource: cam.ap-guangzhou.api.tencentyun.com
        event_type          text     eventType: ConsoleCall, ApiCall, MiniProgramCall
        read_only           bool     actionType: true of Read, false of Write
        sensitive           bool     sensitiveAction: true of 1, false of 0
        by_platform         bool     eventPlatform: true of 1, false of 0
        service             text     resourceType: cam, cvm
        account             text     userIdentity.accountId: the root account
        region              text     eventRegion
        source              address  sourceIPAddress, where it is an address
        source_name         text     sourceIPAddress, where it is none
        user_agent          free     userAgent
        principal           text     userIdentity.userName, else principalId
        principal_type      text     userIdentity.type
        principal_id        text     userIdentity.principalId: the id of the root account, sub-user or role
        access_key          secret   userIdentity.secretId
        outcome             text     failure with an apiErrorCode or errorCode that is not 0, success where there is one and none is not 0
        error_code          text     apiErrorCode, else errorCode, where it is not 0
        error_message       free     apiErrorMessage, else errorMessage
        resource            text     resourceName
        request_id          text     requestID
        request             free     requestParameters, as JSON text
        response            free     responseElements, as JSON text
    """),
    provider="tencent",
    audit=True,
)
