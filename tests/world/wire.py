"""What travels: requests, answers, and the AWS calls that they are."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Shape = Any
"""A shape of botocore's models, which tells its members by its kind."""
DEFAULT_ACCOUNT = "123456789012"
"""The account in which moto lets unknown access keys act."""
SHARED_SIGNING_NAMES: Mapping[str, tuple[str, ...]] = {
    "elasticloadbalancing": ("elbv2", "elb"),
    "rds": ("rds",),  # docdb and neptune speak rds's own protocol: on the wire they are rds
    "es": ("opensearch", "es"),
    "s3": ("s3control", "s3"),
    "apigateway": ("apigateway", "apigatewayv2"),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "monitoring": ("cloudwatch",),
    "access-analyzer": ("accessanalyzer",),
    "tagging": ("resourcegroupstaggingapi",),
    "states": ("stepfunctions",),
    "elasticmapreduce": ("emr",),
    "email": ("sesv2", "ses"),
    "ses": ("sesv2", "ses"),
    "events": ("events",),
    "bedrock": ("bedrock", "bedrock-agent"),
}
"""Signing name (in a request's credential scope) -> the services that sign so; any other signs with its own name."""


class Protocol(StrEnum):
    """How a request and its answer are written."""

    EC2 = "ec2"
    QUERY = "query"
    REST_XML = "rest-xml"
    REST_JSON = "rest-json"
    JSON = "json"
    CBOR = "smithy-rpc-v2-cbor"

    @property
    def is_xml(self) -> bool:
        return self in {Protocol.EC2, Protocol.QUERY, Protocol.REST_XML}


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; header names are lower-cased."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response. `headers` has no Content-Length and no Connection: the transport writes them."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Cut(Answer):
    """An answer of which only the first half of the body arrives, under the Content-Length of the whole."""

    @property
    def arriving(self) -> bytes:
        return self.body[: len(self.body) // 2]


class Drip(Answer):
    """An answer that does not come to an end: instead of its body come blanks, one at a time, for as long as the client listens."""


@dataclass(frozen=True, slots=True)
class Call:
    """One recognised AWS call.

    `params` are the request's members under their names on the wire: form fields (`GroupId.1`), the JSON document, or
    path labels and query fields together (`Bucket`, `prefix`). `text` is path, query and body, for substring matches.
    """

    service: str
    operation: str
    protocol: Protocol
    params: Mapping[str, Any]
    region: str
    account: str
    access_key: str
    method: str
    text: str
    has_page_token: bool
    at: float = field(default_factory=time.time, compare=False)

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def key(self) -> str:
        """What makes two calls the same question: the place of an answer on a tape."""
        params = {name: value for name, value in self.params.items() if name not in VOLATILE_PARAMETERS}
        canonical = json.dumps(params, sort_keys=True, default=str, separators=(",", ":"))
        region = "global" if self.service in GLOBAL_SERVICES else self.region
        return f"{self.account} {region} {self.service} {self.operation} {canonical}"


GLOBAL_SERVICES = frozenset({"account", "cloudfront", "iam", "organizations", "route53"})
"""Services without regions: which region signs a call depends on how the client was given its endpoint."""
VOLATILE_PARAMETERS = frozenset({"RoleSessionName", "Version", "x-id"})
"""Parameters that differ from run to run, or from SDK to SDK, without changing the question."""


class UnknownCallError(LookupError):
    """A request that is no AWS call this module can name; the message says why."""
