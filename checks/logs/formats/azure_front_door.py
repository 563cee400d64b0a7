"""Access logs of Azure Front Door, also the classic one. Source: as in its table; members are spelt in camel case, and some in others."""

from __future__ import annotations

import re
from typing import Final

from checks.logs.formats.azure_resource import and_resource
from checks.logs.formats.json_format import JsonFormat, paths
from checks.logs.tables.azure_front_door import AZURE_FRONT_DOOR

FORMAT: Final = JsonFormat(
    AZURE_FRONT_DOOR,
    re.compile(rb'"category"\s*:\s*"Front[Dd]oorAccessLog"'),
    paths("""
        time           time
        resource       resourceId
        endpoint       properties.endpoint
        host           properties.hostName
        route          properties.routeName | properties.routingRuleName
        source         properties.clientIp | properties.clientIP
        source_port    properties.clientPort
        socket         properties.socketIp | properties.socketIP
        protocol       properties.requestProtocol
        tls_version    properties.securityProtocol
        cipher         properties.securityCipher
        server_name    properties.sni
        method         properties.httpMethod
        http_version   properties.httpVersion
        uri            properties.requestUri
        user_agent     properties.userAgent
        referrer       properties.referrer | properties.referer
        status         properties.httpStatusCode
        received_bytes properties.requestBytes
        sent_bytes     properties.responseBytes
        error_code     properties.errorInfo | properties.ErrorInfo
        rules          properties.matchedRulesSetName
        pop            properties.pop
        cache_status   properties.cacheStatus
        origin         properties.originName | properties.backendHostname
        origin_uri     properties.originUrl | properties.originURL
        request_id     properties.trackingReference
    """),
    and_resource(),
)
