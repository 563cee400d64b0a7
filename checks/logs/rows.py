"""A row as a rule sees it, and as it stands in Arrow: an address is a text in the one, three integers in the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checks.logs.table import PROVENANCE, Column, Table, address_columns, address_parts, address_text

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]
"""By column; a time is text after RFC 3339 in UTC, an address is text; what is null is left out."""


class NoRow(ValueError):
    """A row that its table cannot hold: which column, and why."""


def check(table: Table, row: Row) -> None:
    """Raises NoRow for a column that is not there, or a value of another type."""
    for name, value in row.items():
        if name not in table and name not in dict(PROVENANCE):
            raise NoRow(f"{table.name} has no column {name!r}")
        if value is not None:
            physical(table, {name: value})


def to_arrow(table: Table, rows: Iterable[Row]) -> pa.Table:
    """Rows in the table's schema; what a row lacks is null. Raises NoRow."""
    import pyarrow as pa

    schema = table.schema()
    held = [physical(table, row) for row in rows]
    return pa.table({name: pa.array([row.get(name) for row in held], schema.field(name).type) for name in schema.names}, schema)


def physical(table: Table, row: Row) -> dict[str, Any]:
    """A row's values by Arrow column. Raises NoRow."""
    held: dict[str, Any] = {name: row[name] for name, _ in PROVENANCE if name in row}
    for name, value in row.items():
        if value is None or name in held:
            continue
        if name not in table:
            raise NoRow(f"{table.name} has no column {name!r}")
        held.update(_stored(table[name], value))
    return held


def _stored(column: Column, value: Any) -> dict[str, Any]:
    try:
        match column.kind:
            case "address" if isinstance(value, str):
                return dict(zip(address_columns(column.name), address_parts(value), strict=True))
            case "timestamp" if isinstance(value, str):
                moment = datetime.fromisoformat(value)
                if moment.utcoffset() is None:
                    raise NoRow(f"{column.name}: a time without an offset: {value!r}")
                return {column.name: moment.astimezone(UTC)}
            case "string" if isinstance(value, str):
                return {column.name: value}
            case "integer" if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
                return {column.name: value}
            case "boolean" if isinstance(value, bool):
                return {column.name: value}
    except NoRow:
        raise
    except ValueError as error:
        raise NoRow(f"{column.name}: {error}") from error
    raise NoRow(f"{column.name} is of the kind {column.kind}, and {value!r} is not")


def logical(table: Table, held: Mapping[str, Any]) -> dict[str, Any]:
    """The row that Arrow's values make, as a rule sees it; the inverse of `physical`. Columns that are not held are left out."""
    row: dict[str, Any] = {name: held[name] for name, _ in PROVENANCE if held.get(name) is not None}
    row |= {column.name: found for column in table.columns if (found := value(column, held)) is not None}
    return row


def value(column: Column, held: Mapping[str, Any], prefix: str = "") -> Any:
    """What Arrow's values, each under its column's name with a prefix, make of a column; None for null and what is not held."""
    if column.kind == "address":
        family, high, low = (held.get(prefix + name) for name in address_columns(column.name))
        return None if family is None or high is None or low is None else address_text(family, high, low)
    found = held.get(prefix + column.name)
    return rfc3339(found) if isinstance(found, datetime) else found


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, to the microsecond where it has any; one without a zone is in UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")
