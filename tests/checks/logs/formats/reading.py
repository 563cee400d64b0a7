"""Readers run on bytes, and what they made of them as a test can look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checks.logs.formats.declared import Reader
from checks.logs.formats.detect import READERS, detect
from checks.logs.formats.faults import Faults
from checks.logs.table import address_text
from checks.logs.tables import TABLES

AT = datetime(2026, 11, 20, 14, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    rows: list[dict[str, Any]]
    faults: Faults

    @property
    def lost(self) -> dict[str, list[int | None]]:
        """The lines of faults for which rows are missing, by their kind."""
        lost = {kind: [fault.line for fault in held if fault.lost] for kind, held in self.faults.first.items()}
        return {kind: lines for kind, lines in lost.items() if lines}

    @property
    def lost_lines(self) -> list[int]:
        return sorted(line or 0 for lines in self.lost.values() for line in lines)

    def values(self, *names: str) -> list[tuple[Any, ...]]:
        return [tuple(value(row, name) for name in names) for row in self.rows]


def value(row: dict[str, Any], name: str) -> Any:
    """What a rule sees as `row.name`."""
    if name in row:
        return row[name]
    parts = [row[f"{name}_{part}"] for part in ("family", "high", "low")]
    return None if None in parts else address_text(*parts)


def run(reader: Reader, table: str, pieces: Sequence[bytes], object_: str = "object") -> Found:
    faults = Faults()
    batches = list(reader(pieces, object_, faults))
    wanted = TABLES[table].schema()
    for batch in batches:
        batch.validate(full=True)
        assert batch.schema.equals(wanted)
    return Found([row for batch in batches for row in batch.to_pylist()], faults)


def read(format_: str, *lines: str | bytes, object_: str = "object") -> Found:
    """The lines of a file whose format is told by what is in it."""
    raw = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
    assert detect(raw) == format_
    return run(READERS[format_], f"log.{format_}", [raw], object_)
