"""Connections to application load balancers: what became of each TLS handshake, also of those that failed.

Source: ELB user guide, "Connection logs for your Application Load Balancer".
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

ALB_CONNECTION: Final = Table(
    "log.alb_connection",
    columns("""
        time                 time     timestamp: when the connection was, or was not, established
        account              text     the account in the object's key
        region               text     the region in the object's key
        balancer             text     the load balancer in the object's key, as access logs write it: app/shop/50dc6c495c0c9188
        listener             text     balancer, a colon and listener_port: app/shop/50dc6c495c0c9188:443
        listener_port        int      listener_port
        source               address  client_ip
        source_port          int      client_port
        tls_version          text     tls_protocol: TLSv1.2; null for `-`: no TLS, or no handshake that got so far
        cipher               text     tls_cipher, as OpenSSL names it
        key_exchange         text     tls_keyexchange, which newer logs have
        outcome              text     success or failure, of tls_verify_status; null for `-`, which a listener without TLS writes
        error_code           text     what follows `Failed:` in tls_verify_status: ClientCertUntrusted, UnmappedConnectionError, ...
        client_subject       free     leaf_client_cert_subject
        client_serial        text     leaf_client_cert_serial_number
        client_not_before    time     NotBefore of leaf_client_cert_validity
        client_not_after     time     NotAfter of leaf_client_cert_validity
        connection           text     conn_trace_id: what `connection` is in log.alb
    """),
    provider="aws",
)
