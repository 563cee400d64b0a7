"""What the logs of load balancers have in common: the names of their files, `address:port`, and request lines.

Source: ELB user guides, "Access logs for your Application Load Balancer", "... Network Load Balancer", "... Classic Load
Balancer" and "Connection logs for your Application Load Balancer" (file names; fields).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import cut, request_line
from checks.logs.formats.columns import addresses, are_digits, integers, parsed_addresses
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Fields, usual
from checks.logs.table import address_columns

_COLON, _OPENS, _CLOSES = b":[]"
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
    two, address, port = _halves(coded.dictionary)
    known = parsed_addresses(address, name)
    if two and are_digits(port) and not known[address_columns(name)[0]].null_count:
        known[f"{name}_port"] = port.cast(pa.int64())
        return {column: pc.take(held, coded.indices) for column, held in known.items()}
    address, port = (pc.take(half, coded.indices) for half in (address, port))
    unread(array, port, name, lines, faults)
    return {**addresses(address, name, lines, faults), f"{name}_port": integers(port, lines, f"{name} port", faults)}


def _halves(texts: Any) -> tuple[bool, Any, Any]:
    """Whether all texts have a colon, what stands before the last one, without brackets, and what behind it; null where there is none."""
    letters, ends = cut.letters(texts)
    colons = np.flatnonzero(letters == _COLON)
    before = np.searchsorted(colons, ends)
    two = np.diff(before) > 0
    last = np.where(two, np.append(colons, 0)[before[1:] - 1], ends[1:])
    address, _, port = cut.pieces(texts, (last, np.minimum(last + 1, ends[1:])))
    if not two.all():
        address, port = (pc.if_else(pa.array(two), half, pa.scalar(None, pa.string())) for half in (address, port))
    if np.any((letters == _OPENS) | (letters == _CLOSES)):
        address = pc.utf8_trim(address, "[]")
    return bool(two.all()), address, port


def request(array: Any, balancer: Any | None, lines: Any, faults: Faults) -> dict[str, Any]:
    """The parts of the request line, and where the balancer is told the listener. A request that could not be parsed has `-` for what
    there is none of."""
    parts = request_line.parts(array.combine_chunks())
    unread(array, parts["port"], "request", lines, faults)
    method, version = (parts[part].dictionary_encode() for part in ("method", "version"))  # there are few
    versions = pc.utf8_trim_whitespace(version.dictionary)
    return {
        "method": pc.take(or_null(method.dictionary, "-"), method.indices),
        "scheme": parts["scheme"],
        "host": parts["host"],
        "path": parts["path"],
        "http_version": pc.take(or_null(or_null(versions, "-"), ""), version.indices),
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
