"""Each table has a reader, and may be asked for by name."""

from __future__ import annotations

from checks.logs.formats.detect import READERS
from checks.logs.tables import TABLES
from tests.conftest import upheld


def test_each_table_has_a_reader() -> None:
    assert sorted(READERS) == sorted(name.removeprefix("log.") for name in TABLES)


def test_a_format_that_is_not_known_is_one_clear_line_that_names_all() -> None:
    ended = upheld("logs", "scan", "morse", ".")
    assert ended.code == 2
    assert all(name in ended.err for name in READERS)
