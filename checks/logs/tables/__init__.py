"""The tables that log rules judge, by the name that a rule's `rows` gives: `log.` and the format."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from checks.logs.table import Table
from checks.logs.tables.alb import ALB
from checks.logs.tables.alb_connection import ALB_CONNECTION
from checks.logs.tables.cloudfront import CLOUDFRONT
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from checks.logs.tables.elb import ELB
from checks.logs.tables.nlb_tls import NLB_TLS
from checks.logs.tables.route53_resolver import ROUTE53_RESOLVER
from checks.logs.tables.s3_access import S3_ACCESS
from checks.logs.tables.vpc_flow import VPC_FLOW
from checks.logs.tables.web import WEB
from checks.shape import Shape

_ALL: Final = (
    ALB,
    ALB_CONNECTION,
    CLOUDFRONT,
    CLOUDTRAIL,
    ELB,
    NLB_TLS,
    ROUTE53_RESOLVER,
    S3_ACCESS,
    VPC_FLOW,
    WEB,
)
TABLES: Final[Mapping[str, Table]] = {table.name: table for table in _ALL}


@functools.cache
def shapes() -> Mapping[str, Shape]:
    """The shape of each table's rows, by its name."""
    return {name: table.shape for name, table in TABLES.items()}
