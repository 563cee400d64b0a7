"""Resource logs of Azure storage accounts. Source: as in its table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.azure_resource import and_resource, outcome
from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.formats.json_records import Members
from checks.logs.tables.azure_storage import AZURE_STORAGE

_HTTP: Final = pa.array(["HTTP", "HTTPS"])


def _derive(_members: Members, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    told = pc.is_in(columns["protocol"], _HTTP)  # the codes of SMB are others
    return {"outcome": pc.if_else(told, outcome(columns["status"]), pa.scalar(None, pa.string()))}


FORMAT: Final = JsonFormat(
    AZURE_STORAGE,
    re.compile(rb'"category"\s*:\s*"Storage(Read|Write|Delete)"'),
    paths("""
        time            time
        event_name      operationName
        event_category  category
        region          location
        resource        resourceId
        storage_account properties.accountName
        service         properties.serviceType
        protocol        protocol
        tls_version     properties.tlsVersion
        source          callerIpAddress
        authentication  identity.type
        token_hash      identity.tokenHash
        principal       identity.requester.upn | identity.requester.objectId
        principal_id    identity.requester.objectId
        application     identity.requester.appId
        tenant          identity.requester.tenantId
        status          statusCode
        status_text     statusText
        method_version  operationVersion
        uri             uri
        user_agent      properties.userAgentHeader
        referrer        properties.referrerHeader
        received_bytes  properties.requestBodySize
        sent_bytes      properties.responseBodySize
        request_id      correlationId
        authorization   identity.authorization
    """),
    and_resource(_derive),
)
