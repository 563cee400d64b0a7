"""The tables that log rules judge, by the name that a rule's `rows` gives: `log.` and the format."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from checks.logs.table import Table
from checks.logs.tables.alb import ALB
from checks.logs.tables.alb_connection import ALB_CONNECTION
from checks.logs.tables.alibaba_actiontrail import ALIBABA_ACTIONTRAIL
from checks.logs.tables.alibaba_inner_actiontrail import ALIBABA_INNER_ACTIONTRAIL
from checks.logs.tables.azure_activity import AZURE_ACTIVITY
from checks.logs.tables.azure_application_gateway import AZURE_APPLICATION_GATEWAY
from checks.logs.tables.azure_front_door import AZURE_FRONT_DOOR
from checks.logs.tables.azure_key_vault import AZURE_KEY_VAULT
from checks.logs.tables.azure_nsg_flow import AZURE_NSG_FLOW
from checks.logs.tables.azure_signin import AZURE_SIGNIN
from checks.logs.tables.azure_storage import AZURE_STORAGE
from checks.logs.tables.azure_vnet_flow import AZURE_VNET_FLOW
from checks.logs.tables.cloudfront import CLOUDFRONT
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from checks.logs.tables.elb import ELB
from checks.logs.tables.gcp_audit import GCP_AUDIT
from checks.logs.tables.nlb_tls import NLB_TLS
from checks.logs.tables.route53_resolver import ROUTE53_RESOLVER
from checks.logs.tables.s3_access import S3_ACCESS
from checks.logs.tables.tencent_cloudaudit import TENCENT_CLOUDAUDIT
from checks.logs.tables.vpc_flow import VPC_FLOW
from checks.logs.tables.web import WEB
from checks.shape import Shape

_ALL: Final = (
    ALB,
    ALB_CONNECTION,
    ALIBABA_ACTIONTRAIL,
    ALIBABA_INNER_ACTIONTRAIL,
    AZURE_ACTIVITY,
    AZURE_APPLICATION_GATEWAY,
    AZURE_FRONT_DOOR,
    AZURE_KEY_VAULT,
    AZURE_NSG_FLOW,
    AZURE_SIGNIN,
    AZURE_STORAGE,
    AZURE_VNET_FLOW,
    CLOUDFRONT,
    CLOUDTRAIL,
    ELB,
    GCP_AUDIT,
    NLB_TLS,
    ROUTE53_RESOLVER,
    S3_ACCESS,
    TENCENT_CLOUDAUDIT,
    VPC_FLOW,
    WEB,
)
TABLES: Final[Mapping[str, Table]] = {table.name: table for table in _ALL}


@functools.cache
def shapes() -> Mapping[str, Shape]:
    """The shape of each table's rows, by its name."""
    return {name: table.shape for name, table in TABLES.items()}
