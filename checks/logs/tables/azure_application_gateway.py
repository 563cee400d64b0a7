"""Requests to application gateways of Azure.

Source: Azure Application Gateway documentation, "Diagnostic logs for Application Gateway" (access log, SKUs v1 and v2).
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

AZURE_APPLICATION_GATEWAY: Final = Table(
    "log.azure_application_gateway",
    columns("""
        time                time     time, or timeStamp
        account             text     the subscription in resourceId
        resource            text     resourceId, in lower case: the gateway
        instance            text     properties.instanceId
        listener            text     listenerName
        rule                text     ruleName
        backend_pool        text     backendPoolName
        backend_setting     text     backendSettingName
        source              address  properties.clientIP: the client itself, or a proxy before the gateway
        source_port         int      properties.clientPort
        method              text     properties.httpMethod
        host                text     properties.originalHost: the host that the client asked for
        backend_host        text     properties.host: the host header, as it may have been rewritten
        path                free     properties.originalRequestUriWithArgs, else requestUri
        query               free     properties.requestQuery
        http_version        text     properties.httpVersion
        user_agent          free     properties.userAgent
        status              int      properties.httpStatus
        received_bytes      int      properties.receivedBytes
        sent_bytes          int      properties.sentBytes
        ssl_enabled         bool     properties.sslEnabled, on or off; the documentation says it is about the backend pools
        tls_version         text     properties.sslProtocol: TLSv1.2; null where it is empty, as for plain HTTP, and in SKU v1
        cipher              text     properties.sslCipher, as OpenSSL names it
        client_certificate  text     properties.sslClientVerify: SUCCESS, NONE, FAILED and why
        client_certificate_issuer text properties.sslClientCertificateIssuerName
        target              address  properties.serverRouted, the address
        target_port         int      properties.serverRouted, the port
        target_status       int      properties.serverStatus
        error_code          text     properties.error_info: ERRORINFO_NO_ERROR, ERRORINFO_HTTP_TO_HTTPS_PORT, ...
        waf_mode            text     properties.WAFMode: Detection, Prevention
        trace_id            text     properties.transactionId
    """),
    provider="azure",
)
