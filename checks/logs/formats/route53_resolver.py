"""Query logs of Route 53's resolver: a JSON object in each line.

Source: Route 53 developer guide, "Values that appear in VPC Resolver query logs" and "Route 53 VPC Resolver query log example".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson
import pyarrow as pa

from checks.logs.formats.columns import addresses, batch, integers, times, written
from checks.logs.formats.faults import Faults
from checks.logs.formats.objects import Objects, objects
from checks.logs.tables.route53_resolver import ROUTE53_RESOLVER

_TEXTS: Final = {
    "version": ("version",), "account": ("account_id",), "region": ("region",), "vpc": ("vpc_id",), "transport": ("transport",),
    "query_name": ("query_name",), "query_type": ("query_type",), "query_class": ("query_class",), "response_code": ("rcode",),
    "instance": ("srcids", "instance"), "resolver_endpoint": ("srcids", "resolver_endpoint"),
    "firewall_action": ("firewall_rule_action",), "firewall_rule_group": ("firewall_rule_group_id",),
    "firewall_domain_list": ("firewall_domain_list_id",),
}  # fmt: skip
_MEMBER: Final = re.compile(rb'"(query_timestamp|query_name|query_type|rcode|srcaddr)"')


def is_record(line: bytes) -> bool:
    return line.startswith(b"{") and len(set(_MEMBER.findall(line))) >= 3


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of ROUTE53_RESOLVER."""
    for found in objects(pieces, faults):
        yield _batch(found, object_, faults)


def _batch(found: Objects, object_: str, faults: Faults) -> Any:
    lines = pa.array(found.lines, pa.int64())

    def text(*path: str) -> Any:
        return written(found.values(*path), found.lines, ".".join(path), faults)

    columns = {column: text(*path) for column, path in _TEXTS.items()}
    columns["time"] = times(text("query_timestamp"), lines, "query_timestamp", faults)
    columns |= addresses(text("srcaddr"), "source", lines, faults)
    columns["source_port"] = integers(text("srcport"), lines, "srcport", faults)
    answers = [None if value is None else orjson.dumps(value).decode() for value in found.values("answers")]
    columns["answers"] = pa.array(answers, pa.string())
    return batch(ROUTE53_RESOLVER, columns, object_, lines)
