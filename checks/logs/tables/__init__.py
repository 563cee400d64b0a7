"""The tables that log rules judge, by the name that a rule's `rows` gives: `log.` and the format."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from checks.logs.table import Table
from checks.logs.tables.alb import ALB
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from checks.logs.tables.vpc_flow import VPC_FLOW
from checks.shape import Shape

TABLES: Final[Mapping[str, Table]] = {table.name: table for table in (CLOUDTRAIL, VPC_FLOW, ALB)}


@functools.cache
def shapes() -> Mapping[str, Shape]:
    """The shape of each table's rows, by its name."""
    return {name: table.shape for name, table in TABLES.items()}
