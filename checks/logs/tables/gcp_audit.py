"""Google Cloud's audit logs.

Source: Cloud Logging documentation, "LogEntry" and "AuditLog"; "Understand audit logs" (names of the logs).
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

GCP_AUDIT: Final = Table(
    "log.gcp_audit",
    columns("""
        time                time     timestamp
        received            time     receiveTimestamp
        event_id            text     insertId
        event_name          text     protoPayload.methodName: google.iam.admin.v1.CreateServiceAccountKey, storage.buckets.delete
        event_source        text     protoPayload.serviceName: storage.googleapis.com
        log                 text     logName
        log_type            text     what logName ends with: activity, data_access, system_event, policy, access_transparency
        severity            text     severity
        account             text     the project, folder, organization or billing account in logName: mb-prod
        resource            text     protoPayload.resourceName
        resource_type       text     resource.type: gce_instance, gcs_bucket
        region              text     protoPayload.resourceLocation.currentLocations where there is one, else resource.labels.location or region
        zone                text     resource.labels.zone
        source              address  protoPayload.requestMetadata.callerIp, where it is an address
        source_name         text     protoPayload.requestMetadata.callerIp, where it is none: private, gce-internal-ip
        user_agent          free     protoPayload.requestMetadata.callerSuppliedUserAgent
        principal           text     protoPayload.authenticationInfo.principalEmail, else principalSubject
        principal_subject   text     protoPayload.authenticationInfo.principalSubject
        access_key          secret   protoPayload.authenticationInfo.serviceAccountKeyName
        delegation          free     protoPayload.authenticationInfo.serviceAccountDelegationInfo, as JSON text
        permission          text     protoPayload.authorizationInfo[0].permission, where there is exactly one
        permission_type     text     permissionType of that one: ADMIN_READ, ADMIN_WRITE, DATA_READ, DATA_WRITE
        granted             bool     false with a false among protoPayload.authorizationInfo[].granted, true where all are true, else null
        outcome             text     failure with a protoPayload.status.code that is not 0, success with a status without one; null without a status
        error_code          text     protoPayload.status.code, a google.rpc.Code: 7 is PERMISSION_DENIED
        error_message       free     protoPayload.status.message
        operation           text     operation.id
        operation_first     bool     operation.first
        operation_last      bool     operation.last
        violation           free     protoPayload.policyViolationInfo, as JSON text
        request             free     protoPayload.request, as JSON text
        response            free     protoPayload.response, as JSON text
        metadata            free     protoPayload.metadata, as JSON text
        service_data        free     protoPayload.serviceData, as JSON text
        labels              free     resource.labels, as JSON text
    """),
    provider="gcp",
    audit=True,
)
