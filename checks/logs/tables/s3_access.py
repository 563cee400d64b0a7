"""Requests to S3 buckets.

Source: S3 user guide, "Amazon S3 server access log format" and "PartitionedPrefix" in the S3 API reference.
"""

from __future__ import annotations

from typing import Final

from checks.logs.table import Table, columns

S3_ACCESS: Final = Table(
    "log.s3_access",
    columns("""
        time                 time     time: when the request was received
        owner                text     bucket owner, its canonical user id
        bucket               text     bucket
        account              text     the account in the object's key, where the log is partitioned by date
        region               text     source region, which newer logs have; else the region in the object's key, where the log is partitioned by date
        source               address  remote IP
        principal            text     requester: a canonical user id or the ARN of an IAM principal; null for requests without credentials
        authentication       text     authentication type: AuthHeader, QueryString; null for requests without credentials
        signature            text     signature version: SigV2, SigV4; null for requests without credentials
        operation            text     operation: REST.GET.OBJECT, WEBSITE.GET.OBJECT, BATCH.DELETE.OBJECT, S3.EXPIRE.OBJECT, ...
        key                  free     key, URL-encoded
        method               text     the method of request-URI
        path                 free     the path and query of request-URI
        http_version         text     the version of request-URI: HTTP/1.1
        status               int      HTTP status
        error_code           text     error code: AccessDenied, NoSuchKey, ...
        sent_bytes           int      bytes sent; null for none
        object_bytes         int      object size
        referer              free     referer
        user_agent           free     user agent
        version_id           text     version id
        scheme               text     https where there is a cipher suite; http where there is a request-URI and `-` for the cipher suite; else null
        tls_version          text     TLS version: TLSv1.2, in some logs TLSV1.2; null where TLS was not used
        cipher               text     cipher suite, as OpenSSL names it; null for HTTP
        host                 text     host header: the endpoint
        access_point         text     access point ARN
        acl_required         text     aclRequired: Yes; null where no ACL was needed
        request_id           text     request id
    """),
    provider="aws",
)
