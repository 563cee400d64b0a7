"""Requests to web servers, nginx or Apache: what a column holds depends on the format that is declared for the log.

A column is null where the format has nothing for it: the combined format says nothing about TLS.
Source: nginx documentation, ngx_http_log_module, ngx_http_core_module, ngx_http_ssl_module; Apache HTTP Server documentation,
mod_log_config, mod_logio, mod_ssl.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

WEB: Final = Table(
    "log.web",
    columns("""
        time                 time     $time_local, $time_iso8601, $msec; %t
        source               address  $remote_addr; %h, %a, where it is an address
        source_name          text     %h, where it is none: the name of a host
        source_port          int      $remote_port; %{remote}p
        principal            text     $remote_user; %u
        virtual_host         text     $server_name; %v
        listener             text     virtual_host, or `*` where the format does not have it, a colon and listener_port; null where that is
        listener_port        int      $server_port; %p, %{local}p
        scheme               text     $scheme: http, https; where the format has the TLS version and no scheme, https or, for `-`, http
        tls_version          text     $ssl_protocol; %{SSL_PROTOCOL}x: TLSv1.2; null for `-`: no TLS
        cipher               text     $ssl_cipher; %{SSL_CIPHER}x, as OpenSSL names it
        key_exchange         text     $ssl_curve
        server_name          text     $ssl_server_name; %{SSL_TLS_SNI}x: what SNI asked for
        client_verified      text     $ssl_client_verify; %{SSL_CLIENT_VERIFY}x: SUCCESS, NONE, FAILED:reason
        client_subject       free     $ssl_client_s_dn; %{SSL_CLIENT_S_DN}x
        host                 text     $host, $http_host; %{Host}i
        method               text     $request_method; %m; else the method of $request, %r
        path                 free     $request_uri, $uri; %U; else the path and query of $request, %r
        query                free     $args, $query_string; %q
        http_version         text     $server_protocol; %H; else the version of $request, %r
        status               int      $status; %s, %>s
        sent_bytes           int      $bytes_sent; %O
        body_bytes           int      $body_bytes_sent; %B, %b
        received_bytes       int      $request_length; %I
        referer              free     $http_referer; %{Referer}i
        user_agent           free     $http_user_agent; %{User-Agent}i
        forwarded_for        free     $http_x_forwarded_for; %{X-Forwarded-For}i
        request_id           text     $request_id; %{UNIQUE_ID}e
        connection           text     $connection
    """),
)
