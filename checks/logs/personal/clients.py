"""Which rows hold the address of a client."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final

from checks.logs.table import Table, address_columns, address_text

CLIENTS: Final = ("source", "destination", "packet_source", "packet_destination")
"""Columns in which the address of a client may stand; the `target` of a load balancer is one's own."""
EITHER_END: Final = "destination"
"""A table with this column tells of connections, of which one end is one's own: there, only addresses count that the whole
internet can reach (`is_global` of Python's ipaddress, after IANA's registries of special-purpose addresses)."""


def client_columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.kind == "address" and column.name in CLIENTS)


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
    for column in client_columns(table):
        yield column, addresses(table, column, batch)


def _client(parts: Any, *, everywhere: bool) -> bytes | None:
    family, high, low = parts
    if family is None or high is None or low is None:
        return None
    text = address_text(family, high, low)
    return text.encode() if not everywhere or ip_address(text).is_global else None
