"""Audit events of Azure key vaults. Source: as in its table; the claims are those of the token, by their short or long names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow.compute as pc

from checks.logs.formats.azure_resource import CLAIMS, and_resource, outcome
from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.formats.json_records import Members
from checks.logs.tables.azure_key_vault import AZURE_KEY_VAULT


def _derive(_members: Members, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "outcome": outcome(columns["status"]),
        "tls_version": pc.replace_substring(columns["tls_version"], pattern="_", replacement="."),
    }


FORMAT: Final = JsonFormat(
    AZURE_KEY_VAULT,
    re.compile(rb'"category"\s*:\s*"AuditEvent"'),
    paths(
        """
        time           time
        event_name     operationName
        event_category category
        resource       resourceId
        target_uri     properties.id
        source         callerIpAddress
        user_agent     properties.clientInfo
        principal      identity.claim.<upn> | identity.claim.upn | identity.claim.<objectid> | identity.claim.oid | identity.claim.appid
        principal_id   identity.claim.<objectid> | identity.claim.oid
        application    identity.claim.appid
        result         resultType
        status         properties.httpStatusCode
        status_text    resultSignature
        tls_version    properties.tlsVersion
        request_id     correlationId
        uri            properties.requestUri
        description    resultDescription
        identity       identity
        properties     properties
        """,
        CLAIMS,
    ),
    and_resource(_derive),
)
