"""Requests to blobs, files, queues and tables of Azure storage accounts.

Source: Azure Storage documentation, "Azure Blob Storage monitoring data reference" (resource logs: StorageRead, StorageWrite,
StorageDelete).
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_STORAGE: Final = Table(
    "log.azure_storage",
    columns("""
        time                time     time: when the request was received
        event_name          text     operationName: GetBlob, PutBlob
        event_category      text     category: StorageRead, StorageWrite, StorageDelete
        account             text     the subscription in resourceId
        region              text     location: where the storage account is
        resource            text     resourceId, in lower case
        storage_account     text     properties.accountName
        service             text     properties.serviceType: blob, table, files, queue
        protocol            text     protocol: HTTP, HTTPS, SMB, NFS
        tls_version         text     properties.tlsVersion: TLS 1.2
        source              address  callerIpAddress, the address
        source_port         int      callerIpAddress, the port
        authentication      text     identity.type: OAuth, Kerberos, SAS Key (which logs of 2025 call SAS), Account Key, Anonymous
        token_hash          secret   identity.tokenHash: hashes of the key and token that were used
        principal           text     identity.requester.upn; where it has none, identity.requester.objectId
        principal_id        text     identity.requester.objectId
        application         text     identity.requester.appId
        tenant              text     identity.requester.tenantId
        status              int      statusCode: of HTTP, or of SMB
        status_text         text     statusText: Success, or an error code
        outcome             text     success of an HTTP status below 400, failure of all other; null for SMB and NFS
        method_version      text     operationVersion: x-ms-version
        uri                 free     uri
        user_agent          free     properties.userAgentHeader
        referrer            free     properties.referrerHeader
        received_bytes      int      properties.requestBodySize
        sent_bytes          int      properties.responseBodySize
        request_id          text     correlationId
        authorization       free     identity.authorization: actions, roles and principals, as JSON text
    """),
    provider="azure",
)
