"""Each table has a reader."""

from __future__ import annotations

from checks.logs.formats.detect import READERS
from checks.logs.tables import TABLES


def test_each_table_has_a_reader() -> None:
    assert sorted(READERS) == sorted(name.removeprefix("log.") for name in TABLES)
