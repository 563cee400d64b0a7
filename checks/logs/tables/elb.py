"""Requests and connections to classic load balancers.

Source: ELB user guide for classic load balancers, "Access logs for your Classic Load Balancer".
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

ELB: Final = Table(
    "log.elb",
    columns("""
        time                 time     timestamp: when the request was received
        account              text     the account in the object's key
        region               text     the region in the object's key
        balancer             text     elb
        scheme               text     the protocol in the URL of request: http, https; null for TCP and SSL listeners, which see no request
        listener             text     elb, a colon, and the port in the URL of request: shop:443; null where listener_port is
        listener_port        int      the port in the URL of request; null for TCP and SSL listeners
        source               address  client, the address
        source_port          int      client, the port
        target               address  backend, the address
        target_port          int      backend, the port
        status               int      elb_status_code
        target_status        int      backend_status_code
        received_bytes       int      received_bytes
        sent_bytes           int      sent_bytes
        method               text     the method of request
        host                 text     the host in the URL of request
        path                 free     the path and query in the URL of request, as it stands
        http_version         text     the version of request: HTTP/1.1
        user_agent           free     user_agent
        tls_version          text     ssl_protocol: TLSv1.2; null for `-`: no TLS, or no handshake that succeeded
        cipher               text     ssl_cipher, as OpenSSL names it
    """),
    provider="aws",
)
