"""The ledger in PostgreSQL: a real server of its own, which also goes away."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from getpass import getuser
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from agent.ledger import LedgerError, tables
from checks.lifecycle import Ending, Known
from tests.ledger.runs import append, begin, fill, run, verified
from tests.world.tls_servers import port, postgres


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres(None, None) as number:
        user = "postgres" if os.geteuid() == 0 else getuser()
        place = f"postgresql://{user}@127.0.0.1:{number}/"
        _wait(place)
        yield place


def _wait(place: str) -> None:
    """Until it takes connections: it listens before that."""
    admin, end = create_engine(place.replace("postgresql:", "postgresql+psycopg:") + "postgres"), time.monotonic() + 30
    while True:
        try:
            admin.connect().close()
        except OperationalError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            admin.dispose()
            return


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """A database of its own."""
    admin = create_engine(server.replace("postgresql:", "postgresql+psycopg:") + "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("create database held"))
    yield server + "held"
    with admin.connect() as connection:
        connection.execute(text("drop database held with (force)"))
    admin.dispose()


def test_runs_are_recorded_and_verified(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    fill(ledger, signer)
    assert verified(ledger, signer).problems == []
    with ledger.database.writing() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        connection.execute(tables.findings.update().where(tables.findings.c.resource == "vol-b").values(status="upheld"))
    assert verified(ledger, signer).problems == ["findings: the row 2 of findings was changed"]


def test_agents_take_turns_from_the_first_run_on(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda name: append(ledger, signer, run(1, {name: "upheld"})), "abcdefgh"))
    assert sorted(one.number for one in told) == list(range(1, 9))
    assert verified(ledger, signer).problems == []


def test_a_server_that_goes_away_in_the_middle_loses_nothing(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    append(ledger, signer, run(0, {"vol-a": "upheld"}))

    def cut(_: Known) -> Ending | None:
        admin = create_engine(url.replace("postgresql:", "postgresql+psycopg:").removesuffix("held") + "postgres")
        with admin.connect() as connection:
            connection.execute(text("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'held'"))
        admin.dispose()
        return None

    with pytest.raises(LedgerError, match=r"cannot be recorded: .*; nothing was half done") as told:
        append(ledger, signer, run(1, {"vol-b": "upheld"}, cut))
    assert "\n" not in str(told.value)
    again = append(ledger, signer, run(1, {"vol-b": "upheld"}))
    assert again.number == 2
    assert verified(ledger, signer).problems == []


def test_a_server_that_is_not_there_is_one_line_without_a_password(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path, f"postgresql://me:secret@127.0.0.1:{port()}/held")
    with pytest.raises(LedgerError, match=r"cannot be recorded: .*refused") as told:
        append(ledger, signer, run(0, {"vol-a": "upheld"}))
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)
