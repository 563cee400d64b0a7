"""The ledger's database: opened, brought to the newest schema, and its failures told in one line.

SQLite runs with a write-ahead log that is synced with every commit (sqlite.org, Write-Ahead Logging, and PRAGMA synchronous): a run
that was acknowledged survives the power. Any other database by its URL, as SQLAlchemy takes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from agent.ledger import LedgerAway, LedgerError
from agent.ledger.tables import HEAD

FILE: Final = "ledger.db"
_WAIT: Final = 60
"""How long to wait for another process that writes, in seconds."""
_REMOTE: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "afs", "ceph", "fuse.sshfs", "glusterfs", "fuse.glusterfs"})
"""File systems of other machines, on which a write-ahead log does not work (sqlite.org, Write-Ahead Logging, 2.1)."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where a ledger is; opened for each transaction anew, so that a server that was away is found again."""

    engine: Engine
    name: str
    """For people, without a password."""

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, after which everything or nothing is there. Raises LedgerError."""
        if (file := self.file) is not None and not os.access(file.parent, os.W_OK):
            raise LedgerError(f"the state directory {file.parent} cannot be written (read-only?): name another with `state`")
        with self.told("recorded"), self.engine.execution_options(upheld_write=True).begin() as connection:
            _prepare(connection, self.name)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view. Raises LedgerError, also where nothing was recorded yet."""
        if (file := self.file) is not None and not file.exists():
            raise LedgerError(f"there is no ledger at {file}: `upheld check --record` begins one")
        with self.told("read"), self._readable().connect() as connection, connection.begin():
            if _revision(connection, self.name) != HEAD:
                raise LedgerError(f"the ledger {self.name} holds no runs, or those of an older schema: `upheld check --record` updates it")
            yield connection

    def connection(self) -> Connection:
        """One that is the caller's to close, for what outlives a transaction. Raises LedgerError."""
        with self.told("read"):
            return self.engine.connect()

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database."""
        url = self.engine.url
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    def _readable(self) -> Engine:
        """A file on a read-only disk is read as one that does not change: SQLite would have to write beside it otherwise
        (sqlite.org, Write-Ahead Logging, 5). What is still in its write-ahead log would not be seen then."""
        file = self.file
        if file is None or os.access(file.parent, os.W_OK):
            return self.engine
        log = file.with_name(f"{file.name}-wal")
        if log.exists() and log.stat().st_size:
            raise LedgerError(f"{file} was not closed, and {file.parent} cannot be written: copy the folder, and read the copy")
        return create_engine(f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&immutable=1&uri=true", poolclass=NullPool)

    @contextmanager
    def told(self, what: str) -> Iterator[None]:
        """What the database complains of becomes a LedgerError."""
        try:
            yield
        except SQLAlchemyError as error:
            away = self.file is None and isinstance(error, OperationalError)
            raise (LedgerAway if away else LedgerError)(
                f"the ledger {self.name} cannot be {what}: {_reason(error)}; nothing was half done"
            ) from error


def _reason(error: SQLAlchemyError) -> str:
    """The database's own words, on one line."""
    said = str(error.orig) if isinstance(error, DBAPIError) and error.orig else str(error)
    return " ".join(said.split())


def connect(url: str | None, state: Path) -> Database:
    """The database of a URL, else `ledger.db` in the state directory, to which a relative path of SQLite belongs, too.

    Raises LedgerError.
    """
    try:
        where = make_url(url) if url else URL.create("sqlite", database=FILE)
        if where.get_backend_name() == "sqlite":
            where = where.set(database=str(_local(state / (where.database or FILE))))
        elif where.drivername == "postgresql":
            where = where.set(drivername="postgresql+psycopg")
        options: dict[str, Any] = {"timeout": _WAIT} if where.get_backend_name() == "sqlite" else {"connect_timeout": _WAIT}
        engine = create_engine(where, poolclass=NullPool, connect_args=options)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        needs = "; pip install 'upheld[postgresql]'" if isinstance(error, ImportError) else ""
        raise LedgerError(f"the ledger's URL cannot be used: {' '.join(str(error).split())}{needs}") from error
    if where.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _pragmas)
        event.listen(engine, "begin", _begin)
        return Database(engine, str(where.database))
    return Database(engine, where.render_as_string(hide_password=True))


def _local(file: Path) -> Path:
    """Raises LedgerError for a file on another machine."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return file
    folder, kinds = file.absolute().parent.resolve(), dict[str, str]()
    for line in mounts:
        mounted, _, kind = line.partition(" - ")
        kinds[mounted.split()[4]] = kind.split()[0]
    for place in (folder, *folder.parents):
        if (kind := kinds.get(str(place), "")) != "":
            if kind in _REMOTE:
                raise LedgerError(
                    f"{folder} is on a network file system ({kind}), on which SQLite loses data: use a local `state`, or PostgreSQL"
                )
            return file
    return file


def _pragmas(connection: Any, _: Any) -> None:
    """Transactions begin where this program says, and end on the disk."""
    connection.isolation_level = None
    connection.execute(f"pragma busy_timeout = {_WAIT * 1000}")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma journal_size_limit = 67108864")


def _begin(connection: Connection) -> None:
    """A writer takes its turn at the beginning: what it reads is then what it writes after."""
    write = connection.get_execution_options().get("upheld_write")
    if write:
        connection.exec_driver_sql("pragma journal_mode = wal")
    connection.exec_driver_sql("begin immediate" if write else "begin")


def _prepare(connection: Connection, name: str) -> None:
    """Bring the schema up to date, in the transaction that is under way. Raises LedgerError for one of the future."""
    if connection.dialect.name == "postgresql":  # two agents may begin at once; SQLite has but one writer
        connection.execute(text("select pg_advisory_xact_lock(hashtext('upheld.ledger'))"))
    if _revision(connection, name) == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
    if (file := _file(connection)) is not None:
        os.chmod(file, 0o600)


def _file(connection: Connection) -> str | None:
    return connection.engine.url.database if connection.dialect.name == "sqlite" else None


def _revision(connection: Connection, name: str) -> str | None:
    """The schema's revision, None in an empty database. Raises LedgerError where this version does not know it."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if "runs" in tables or "ledger" in tables:
            raise LedgerError(f"{name} holds tables of something else: name another database for the ledger")
        return None
    found = connection.execute(text("select version_num from alembic_version")).scalar()
    if found is not None and found > HEAD:
        raise LedgerError(
            f"the ledger {name} was written by a later version of upheld (schema {found}, this one knows {HEAD}): update upheld"
        )
    return found
