"""Requests to CloudFront distributions.

Source: CloudFront developer guide, "Standard logging reference" and "Configure standard logging (v2)".
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

CLOUDFRONT: Final = Table(
    "log.cloudfront",
    columns("""
        time                 time     date and time, or timestamp(ms): when the response was finished
        distribution         text     DistributionId, or the distribution in the object's key: EDFDVBD6EXAMPLE
        edge                 text     x-edge-location: DFW3
        source               address  c-ip
        source_port          int      c-port
        scheme               text     cs-protocol: http, https, ws, wss, grpcs
        tls_version          text     ssl-protocol: SSLv3 to TLSv1.3; null for `-`: no TLS
        cipher               text     ssl-cipher, as OpenSSL names it
        host                 text     x-host-header: what the Host header asked for
        listener             text     cs(Host): the name of the distribution, d111111abcdef8.cloudfront.net
        method               text     cs-method
        path                 free     cs-uri-stem, URL-encoded
        query                free     cs-uri-query, URL-encoded
        http_version         text     cs-protocol-version: HTTP/2.0
        status               int      sc-status; 0 where the viewer closed the connection, 000 in the log
        result               text     x-edge-result-type: Hit, RefreshHit, Miss, LimitExceeded, CapacityExceeded, Error, Redirect
        response_result      text     x-edge-response-result-type
        detailed_result      text     x-edge-detailed-result-type
        sent_bytes           int      sc-bytes
        received_bytes       int      cs-bytes
        content_type         text     sc-content-type
        referer              free     cs(Referer), URL-encoded
        user_agent           free     cs(User-Agent), URL-encoded
        cookie               free     cs(Cookie), URL-encoded; null unless cookies are logged
        forwarded_for        free     x-forwarded-for
        field_encryption     text     fle-status: of field-level encryption, Processed, ForwardedByContentType, ...
        encrypted_fields     int      fle-encrypted-fields: how many fields were encrypted
        request_id           text     x-edge-request-id
    """),
    provider="aws",
)
