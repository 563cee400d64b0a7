"""Requests to application load balancers. Source: ELB user guide, "Access logs for your Application Load Balancer"."""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

ALB: Final = Table(
    "log.alb",
    columns("""
        time                time     time: when the response was generated
        request_time        time     request_creation_time
        type                text     type: http, https, h2, grpcs, ws, wss
        account             text     the account in the object's key
        region              text     the region in the object's key
        balancer            text     elb
        listener            text     elb, a colon, and the port in the URL of request_line: app/shop/50dc6c495c0c9188:443
        listener_port       int      the port in the URL of request_line
        source              address  client, the address
        source_port         int      client, the port
        target              address  target, the address
        target_port         int      target, the port
        target_group        text     target_group_arn
        status              int      elb_status_code
        target_status       int      target_status_code
        received_bytes      int      received_bytes
        sent_bytes          int      sent_bytes
        method              text     the method of request_line
        host                text     the host in the URL of request_line
        path                free     the path and query in the URL of request_line, as it stands
        http_version        text     the version of request_line: HTTP/1.1
        user_agent          free     user_agent
        tls_version         text     ssl_protocol: TLSv1.2; null for `-`
        cipher              text     ssl_cipher, as OpenSSL names it; null for `-`
        server_name         text     domain_name: what SNI asked for
        certificate         text     chosen_cert_arn
        actions             text     actions_executed
        redirect_url        free     redirect_url
        error_reason        free     error_reason
        trace_id            text     trace_id
        connection          text     conn_trace_id
        classification      text     classification
    """),
    provider="aws",
)
