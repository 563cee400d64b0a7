"""Connections to TLS listeners of network load balancers; there are no logs of other listeners.

Source: ELB user guide, "Access logs for your Network Load Balancer".
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

NLB_TLS: Final = Table(
    "log.nlb_tls",
    columns("""
        time                 time     time: when the connection ended
        start                time     tls_connection_creation_time
        type                 text     type: tls
        account              text     the account in the object's key
        region               text     the region in the object's key
        balancer             text     elb: net/shop/c6e77e28c25b2234
        listener             text     listener, the id of its resource: g3d4b5e8bb8464cd
        source               address  client, the address
        source_port          int      client, the port
        destination          address  destination, the address: the listener, or the VPC endpoint the client came through
        destination_port     int      destination, the port
        received_bytes       int      received_bytes
        sent_bytes           int      sent_bytes
        connection_ms        int      connection_time, milliseconds
        handshake_ms         int      tls_handshake_time, milliseconds; null where there was no handshake, or none that succeeded
        alert                int      incoming_tls_alert, the number of the TLS alert
        certificate          text     chosen_cert_arn
        tls_version          text     tls_protocol_version: tlsv10 to tlsv13; null where the handshake did not complete
        cipher               text     tls_cipher, as OpenSSL names it
        key_exchange         text     tls_keyexchange, which older logs call tls_named_group
        server_name          text     domain_name: what SNI asked for, URL-encoded
        application          text     alpn_fe_protocol: h2, http/1.1, http/1.0
        target_application   text     alpn_be_protocol
    """),
    provider="aws",
)
