"""What the logs of load balancers have in common: the names of their files, `address:port`, and request lines.

Source: ELB user guides, "Access logs for your Application Load Balancer", "... Network Load Balancer", "... Classic Load
Balancer" and "Connection logs for your Application Load Balancer" (file names; fields).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import request_line
from checks.logs.formats.columns import addresses, integers
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Fields, usual

_OBJECT: Final = re.compile(r"(?P<account>[0-9]{12})_elasticloadbalancing_(?P<region>[a-z0-9-]+)_(?P<balancer>[A-Za-z0-9.-]+)_")


def names(data: bytes, fields: tuple[str, ...], oldest: int, faults: Faults) -> tuple[tuple[str, ...], int]:
    """The names of the fields of a file that begins so, and how many quotes its lines have.

    AWS appends fields: a file has as many as most of its first lines; `oldest` is how many the oldest logs have.
    """
    count, quotes = usual(data)
    if count < oldest:
        return fields[:oldest], quotes  # so that every line is counted as a short one
    if count > len(fields):
        faults.add("unknown-column", 1, f"{count - len(fields)} columns that are not known here", lost=False)
    return fields[:count] + tuple(f"unknown_{index}" for index in range(len(fields), count)), quotes


def texts(fields: Fields, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The columns that hold a field as it stands."""
    return {column: fields.table[name] for name, column in wanted.items() if name in fields.table.column_names}


def numbers(fields: Fields, wanted: Mapping[str, str], faults: Faults) -> dict[str, Any]:
    """The columns that hold whole numbers."""
    held = fields.table
    return {column: integers(held[name], fields.lines, name, faults) for name, column in wanted.items() if name in held.column_names}


def told_by_name(object_: str, count: int) -> dict[str, Any]:
    """`account`, `region` and `balancer`, as the object's key has them; in it, the slashes of a load balancer's id are dots."""
    found = _OBJECT.search(object_)
    if found is None:
        return {}
    told = found.groupdict() | {"balancer": found["balancer"].replace(".", "/")}
    return {part: pa.repeat(pa.scalar(text, pa.string()), count) for part, text in told.items()}


def endpoint(array: Any, name: str, lines: Any, faults: Faults) -> dict[str, Any]:
    """An address, in brackets or not, a colon and a port."""
    coded = array.combine_chunks().dictionary_encode()  # a load balancer has few targets
    halves = pc.split_pattern(coded.dictionary, ":", max_splits=1, reverse=True)
    two = pc.equal(pc.list_value_length(halves), 2)
    both = pc.filter(halves, two)
    nothing = pa.nulls(len(halves), pa.string())
    address = pc.take(pc.replace_with_mask(nothing, two, pc.utf8_trim(pc.list_element(both, 0), "[]")), coded.indices)
    port = pc.take(pc.replace_with_mask(nothing, two, pc.list_element(both, 1)), coded.indices)
    unread(array, port, name, lines, faults)
    return {**addresses(address, name, lines, faults), f"{name}_port": integers(port, lines, f"{name} port", faults)}


def request(array: Any, balancer: Any | None, lines: Any, faults: Faults) -> dict[str, Any]:
    """The parts of the request line, and where the balancer is told the listener. A request that could not be parsed has `-` for what
    there is none of."""
    parts = request_line.parts(array.combine_chunks())
    unread(array, parts["port"], "request", lines, faults)
    version = pc.utf8_trim_whitespace(parts["version"])
    return {
        "method": or_null(parts["method"], "-"),
        "scheme": parts["scheme"],
        "host": parts["host"],
        "path": parts["path"],
        "http_version": or_null(or_null(version, "-"), ""),
        "listener_port": integers(parts["port"], lines, "port", faults),
    } | ({} if balancer is None else {"listener": pc.binary_join_element_wise(balancer.combine_chunks(), parts["port"], ":")})


def unread(array: Any, parts: Any, name: str, lines: Any, faults: Faults) -> None:
    """Counts the values that were none of what they must be, and became null."""
    bad = pc.and_(pc.is_null(parts), pc.is_valid(array.combine_chunks()))
    count = pc.sum(bad).as_py() or 0
    if count:
        what = f"{name} does not have the form it must"
        faults.add("value", lines[pc.index(bad, value=True).as_py()].as_py(), what, lost=False, count=count)


def or_null(array: Any, text: str) -> Any:
    """Null for one text."""
    return pc.if_else(pc.equal(array, text), pa.scalar(None, pa.string()), array)
