"""Each table has a reader, and the command line names them all."""

from __future__ import annotations

from agent.options import LOG_FORMATS
from checks.logs.formats.detect import READERS
from checks.logs.tables import TABLES


def test_each_table_has_a_reader_and_can_be_asked_for() -> None:
    assert sorted(LOG_FORMATS) == sorted(READERS) == sorted(name.removeprefix("log.") for name in TABLES)
