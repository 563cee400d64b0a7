"""Requests to key vaults of Azure.

Source: Azure Key Vault documentation, "Azure Key Vault logging" (AuditEvent). That page does not name properties.tlsVersion, which
logs of 2025 hold as `TLS1_3`; it is the TlsVersion of Azure Monitor's table AZKVAuditLogs.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_KEY_VAULT: Final = Table(
    "log.azure_key_vault",
    columns("""
        time                time     time
        event_name          text     operationName: SecretGet, KeySign, VaultPut
        event_category      text     category: AuditEvent
        account             text     the subscription in resourceId
        resource            text     resourceId, in lower case: the vault
        target_uri          text     properties.id: the URI of the vault, key, secret or certificate
        source              address  callerIpAddress
        user_agent          free     properties.clientInfo
        principal           text     the claim upn, else objectidentifier or oid, else appid
        principal_id        text     the claim objectidentifier or oid
        application         text     the claim appid
        result              text     resultType
        status              int      properties.httpStatusCode
        status_text         text     resultSignature
        outcome             text     success of an httpStatusCode below 400, failure of all other
        tls_version         text     properties.tlsVersion, with a point for its underscore: TLS1.3
        request_id          text     correlationId
        uri                 free     properties.requestUri
        description         free     resultDescription
        identity            free     identity, as JSON text
        properties          free     properties, as JSON text
    """),
    provider="azure",
)
