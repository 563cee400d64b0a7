"""Access logs of Azure application gateways. Source: as in its table."""

from __future__ import annotations

import re
from typing import Final

from checks.logs.formats.azure_resource import and_resource
from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.tables.azure_application_gateway import AZURE_APPLICATION_GATEWAY

FORMAT: Final = JsonFormat(
    AZURE_APPLICATION_GATEWAY,
    re.compile(rb'"category"\s*:\s*"ApplicationGatewayAccessLog"'),
    paths("""
        time                      time | timeStamp
        resource                  resourceId
        instance                  properties.instanceId
        listener                  listenerName
        rule                      ruleName
        backend_pool              backendPoolName
        backend_setting           backendSettingName
        source                    properties.clientIP
        source_port               properties.clientPort
        method                    properties.httpMethod
        host                      properties.originalHost
        backend_host              properties.host
        path                      properties.originalRequestUriWithArgs | properties.requestUri
        query                     properties.requestQuery
        http_version              properties.httpVersion
        user_agent                properties.userAgent
        status                    properties.httpStatus
        received_bytes            properties.receivedBytes
        sent_bytes                properties.sentBytes
        ssl_enabled               properties.sslEnabled
        tls_version               properties.sslProtocol
        cipher                    properties.sslCipher
        client_certificate        properties.sslClientVerify
        client_certificate_issuer properties.sslClientCertificateIssuerName
        target                    properties.serverRouted
        target_status             properties.serverStatus
        error_code                properties.error_info
        waf_mode                  properties.WAFMode
        trace_id                  properties.transactionId
    """),
    and_resource(),
)
