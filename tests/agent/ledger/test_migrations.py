"""The schema is what its migrations make of an empty database, and of every one that an earlier version wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from agent.ledger import database, tables
from tests.ledger.dump import SIGNER
from tests.ledger.runs import append, begin, gone, run, verified

SCHEMAS = Path(__file__).parent / "schemas"
"""A ledger of every revision of the schema; `tests.ledger.dump` writes one."""


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    return sorted(one.revision for one in ScriptDirectory.from_config(config).walk_revisions())


def test_the_tables_are_of_the_newest_revision_and_every_one_is_tested() -> None:
    assert revisions()[-1] == tables.HEAD
    assert revisions() == sorted(file.stem for file in SCHEMAS.iterdir())


def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    held = database.connect(None, tmp_path)
    with held.writing() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
    assert held.file is not None
    assert held.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("revision", revisions())
def test_a_ledger_of_every_revision_is_read_added_to_and_verified(tmp_path: Path, revision: str) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.executescript((SCHEMAS / f"{revision}.sql").read_text())
    ledger, _ = begin(tmp_path)
    ledger.ready(SIGNER)
    assert verified(ledger, SIGNER).problems == []
    assert append(ledger, SIGNER, run(9, {"vol-b": "upheld"}, gone)).number == 6
    assert verified(ledger, SIGNER).problems == []
    with ledger.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
