"""A part of the configuration is judged by one agent at a time, however many share the ledger: whoever judges it holds its row.

The database lets go of the row when the connection ends, however it ends. A ledger in a file is one machine's, whose state directory
one agent holds; there, nothing has to be claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from agent.ledger import LedgerError, tables
from agent.ledger.database import Database

PAUSE: Final = 1.0
"""Seconds between two tries."""


@contextmanager
def claimed(database: Database, part: str, wait: Callable[[float], bool]) -> Iterator[Callable[[], None]]:
    """Hold a part while the block runs; gives what raises LedgerError where it is not held any more, to be asked before anything is
    recorded. `wait`: passes so many seconds, and says whether to try again. Raises LedgerError where another one holds it for long."""
    if database.file is not None:
        yield lambda: None
        return
    with database.writing() as connection:  # where it is there, and held, to put it in again would wait for whoever holds it
        if connection.execute(select(tables.parts).where(tables.parts.c.name == part)).one_or_none() is None:
            connection.execute(insert(tables.parts).on_conflict_do_nothing(), {"name": part})  # another agent may begin now, too
    claim = _Claim(database, part, database.connection())
    try:
        while not claim.take():
            if not wait(PAUSE):
                raise LedgerError(f"{claim.name} is being judged by another agent, and two do not judge it at once")
        yield claim.hold
    finally:
        claim.end()


@dataclass(slots=True)
class _Claim:
    database: Database
    part: str
    connection: Connection
    newest: int = 0
    """The newest run of the part when it was taken."""

    @property
    def name(self) -> str:
        return f"the part {self.part}" if self.part else "the configuration"

    def take(self) -> bool:
        """Take the row, unless another has it. Raises LedgerError."""
        table = tables.parts
        with self.database.told("claimed"):
            free = select(table.c.name).where(table.c.name == self.part).with_for_update(skip_locked=True)
            if self.connection.execute(free).one_or_none() is None:
                self.connection.rollback()
                return False
            # An administrator's limit for transactions that wait is not meant for one that holds a row as long as a run takes.
            self.connection.execute(text("set local idle_in_transaction_session_timeout = 0"))
            self.newest = self._newest()
        return True

    def hold(self) -> None:
        """See that it is held still. A connection that broke, since the server was away, is made anew: where nobody recorded anything of
        the part meanwhile, and nobody is at it, it is as if it had been held. Raises LedgerError."""
        try:
            self._newest()
        except SQLAlchemyError:
            before = self.newest
            self.end()
            with self.database.told("claimed"):
                self.connection = self.database.connection()
            if not self.take() or self.newest != before:
                raise LedgerError(
                    f"the connection that held {self.name} broke while it was judged, and another agent judges it: nothing of this run is "
                    "recorded"
                ) from None

    def end(self) -> None:
        with suppress(SQLAlchemyError):  # what the block had to record is recorded elsewhere
            self.connection.commit()
        with suppress(SQLAlchemyError):
            self.connection.close()

    def _newest(self) -> int:
        of_part = select(func.coalesce(func.max(tables.runs.c.number), 0)).where(tables.runs.c.part == self.part)
        return int(self.connection.execute(of_part).scalar_one())
