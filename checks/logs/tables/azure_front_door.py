"""Requests to Azure Front Door.

Source: Azure Front Door documentation, "Azure Front Door logs" (access log) and "Monitor metrics and logs in Azure Front Door" (classic).
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_FRONT_DOOR: Final = Table(
    "log.azure_front_door",
    columns("""
        time                time     time: when the edge delivered the contents
        account             text     the subscription in resourceId
        resource            text     resourceId, in lower case: the profile
        endpoint            text     properties.endpoint: the domain of the endpoint
        host                text     properties.hostName: the host in the request
        route               text     properties.routeName, or routingRuleName
        source              address  properties.clientIp: the client, as X-Forwarded-For has it where there is one
        source_port         int      properties.clientPort
        socket              address  properties.socketIp: who connected to the edge
        protocol            text     properties.requestProtocol: HTTP, HTTPS
        tls_version         text     properties.securityProtocol: TLSv1.2, or TLS 1.2; null without encryption
        cipher              text     properties.securityCipher
        server_name         text     properties.sni: what SNI asked for
        method              text     properties.httpMethod
        http_version        text     properties.httpVersion
        uri                 free     properties.requestUri, with scheme, port and query
        user_agent          free     properties.userAgent
        referrer            free     properties.referrer, or referer
        status              int      properties.httpStatusCode; 0 where the origin did not answer in time
        received_bytes      int      properties.requestBytes
        sent_bytes          int      properties.responseBytes
        error_code          text     properties.errorInfo: NoError, OriginTimeout, SSLHandshakeError, ...
        rules               text     properties.matchedRulesSetName
        pop                 text     properties.pop: the edge that answered
        cache_status        text     properties.cacheStatus
        origin              text     properties.originName, or backendHostname
        origin_uri          free     properties.originUrl
        request_id          text     properties.trackingReference
    """),
    provider="azure",
)
