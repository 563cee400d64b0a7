"""Which rows hold the address of a client."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final

from checks.logs.rows import to_arrow
from checks.logs.table import Column, Table, address_columns, address_text

CLIENTS: Final = ("source", "destination", "packet_source", "packet_destination")
"""Columns in which the address of a client may stand; the `target` of a load balancer is one's own."""
EITHER_END: Final = "destination"
"""A table with this column tells of connections, of which one end is one's own: there, only addresses count that the whole
internet can reach (`is_global` of Python's ipaddress, after IANA's registries of special-purpose addresses)."""


_MARKER: Final = Table("marker", (Column("source", "address", "invented, RFC 5737 and RFC 3849"),))
_MARKERS: Final = ("203.0.113.77", None, "2001:db8::77")


def addresses(table: Table, column: str, batch: Any) -> dict[int, bytes]:
    """The address of a client in each row that has one, by the number of the row."""
    names: dict[Any, bytes | None] = {}
    found = {}
    for row, parts in enumerate(zip(*(batch[part].to_pylist() for part in address_columns(column)), strict=True)):
        if parts not in names:
            names[parts] = _client(parts, everywhere=EITHER_END in table)
        if (name := names[parts]) is not None:
            found[row] = name
    return found


def client_rows(table: Table, batch: Any) -> Iterator[tuple[str, dict[int, bytes]]]:
    """Each column in which a client may stand, with what `addresses` finds there."""
    for column in table.columns:
        if column.kind == "address" and column.name in CLIENTS:
            yield column.name, addresses(table, column.name, batch)


def marker() -> bool:
    """Whether invented addresses are found in their rows, and nowhere else."""
    batch = to_arrow(_MARKER, [{"source": text} for text in _MARKERS])
    return dict(client_rows(_MARKER, batch)) == {"source": {row: text.encode() for row, text in enumerate(_MARKERS) if text}}


def _client(parts: Any, *, everywhere: bool) -> bytes | None:
    family, high, low = parts
    if family is None or high is None or low is None:
        return None
    text = address_text(family, high, low)
    return text.encode() if not everywhere or ip_address(text).is_global else None
