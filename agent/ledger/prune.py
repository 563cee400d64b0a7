"""`upheld ledger prune`: records of runs go when they are old, and what seals them stays.

Their leaves stay in the tree, so that every head still fits; how findings stood after the last of them is kept, and is what the run
after it says it was. A signed statement names the runs that went: what is missing without one was taken.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import rfc8785
from sqlalchemy import Connection, delete, func, insert, select, update

from agent.ledger import LedgerError, rows, tables
from agent.ledger.database import Database
from agent.ledger.evidence import Evidence
from agent.ledger.keys import Keyring
from agent.ledger.ledger import Ledger
from agent.ledger.replay import Replay
from agent.ledger.run_record import unpack
from agent.ledger.signing import Signer

SCHEMA: Final = "upheld.pruning/1"
OF_RUNS: Final = (tables.observations, tables.transitions, tables.promises, tables.coverage)


@dataclass(frozen=True, slots=True)
class Pruning:
    """What went: the records up to the run `through`. `runs`: digest of their rows, `state`: of how findings stood then."""

    through: int
    time: str
    runs: str
    state: str
    key: str
    signature: bytes = b""

    def message(self, origin: str) -> bytes:
        told = {name: getattr(self, name) for name in ("through", "time", "runs", "state", "key")}
        return rfc8785.dumps({"schema": SCHEMA, "ledger": origin, **told})

    def problem(self, origin: str, keyring: Keyring) -> str | None:
        key = keyring.find(self.key)
        if key is None or not key.accepts(self.signature, self.message(origin)):
            return f"the statement that runs up to {self.through} were pruned is not signed with a key of the ledger"
        return None


def stored(connection: Connection) -> tuple[Pruning, bytes] | None:
    """The last pruning, and the findings packed. Raises ValueError where it cannot be read."""
    held = connection.execute(select(tables.prunings)).all()
    if not held:
        return None
    if len(held) > 1:
        raise ValueError("there are several")
    try:
        told = orjson.loads(rows.blob(held[0].statement))
        signature = base64.b64decode(told.pop("signature"), validate=True)
        found = Pruning(**told, signature=signature)
        if found.through != held[0].through:
            raise ValueError("its row is of other runs than it")
        return found, rows.blob(held[0].state)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is none") from error


def runs_digest(held: Iterable[Any]) -> str:
    """Over what is left of runs, in their order."""
    found = hashlib.sha256()
    for row in held:
        found.update(orjson.dumps([row.number, row.id, row.finished, row.verdict, row.part, rows.blob(row.leaf).hex()]))
    return found.hexdigest()


def prune(ledger: Ledger, signer: Signer, evidence: Evidence, before: str, now: str) -> Pruning | None:
    """Let the records of runs go that are older than `before`, and the archives that only they name. The newest run always stays. None
    where there is nothing to do. Raises LedgerError, and everything is as it was."""
    with ledger.database.writing() as connection:
        held = connection.execute(select(tables.ledger).with_for_update()).one()
        ledger.fits(held.key, signer)
        size = ledger.tree(connection, held.origin, signer).size
        try:
            earlier = stored(connection)
            since = earlier[0].through if earlier else 0
            through = _through(connection, since, size, before)
            if through <= since:
                return None
            replay = Replay() if earlier is None else Replay.unpacked(earlier[1])
            named, kept = _replayed(connection, replay, since, through)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerError(f"a record cannot be read ({error}), and nothing is pruned: see `upheld ledger verify`") from error
        following = unpack(rows.blob(connection.execute(_record(through + 1)).scalar_one()))[0]
        if following["state"]["before"] != rows.state(map(rows.values, replay.findings())):
            raise LedgerError("the records do not come to what the ledger holds, and nothing is pruned: see `upheld ledger verify`")
        gone = connection.execute(select(tables.runs).where(tables.runs.c.number <= through).order_by(tables.runs.c.number)).all()
        packed = replay.packed()
        made = Pruning(through, now, runs_digest(gone), hashlib.sha256(packed).hexdigest(), signer.verifier.id)
        made = Pruning(made.through, made.time, made.runs, made.state, made.key, signer.sign(made.message(held.origin)))
        _write(connection, made, packed)
    evidence.forget(sorted(named - kept))
    return made


def oldest(database: Database) -> str:
    """The time of the oldest record that is there. Raises LedgerError."""
    with database.reading() as connection:
        through = connection.execute(select(func.coalesce(func.max(tables.prunings.c.through), 0))).scalar_one()
        found: str = connection.execute(select(tables.runs.c.finished).where(tables.runs.c.number == through + 1)).scalar_one()
        return found


def _record(number: int) -> Any:
    return select(tables.runs.c.record).where(tables.runs.c.number == number)


def _through(connection: Connection, since: int, size: int, before: str) -> int:
    """The last run up to which all are older. What comes after it has to say how findings stood before it."""
    rows_ = connection.execute(
        select(tables.runs.c.number, tables.runs.c.finished).where(tables.runs.c.number > since).order_by(tables.runs.c.number)
    )
    through = since
    for number, finished in rows_:
        if finished >= before or number == size:
            break
        through = number
    while through > since:
        record, _ = unpack(rows.blob(connection.execute(_record(through + 1)).scalar_one()))
        if "state" in record:
            break
        through -= 1  # it was recorded by a version that did not seal that
    return through


def _replayed(connection: Connection, replay: Replay, since: int, through: int) -> tuple[set[str], set[str]]:
    """Take the records that go; gives the archives that they name, and those that later ones do."""
    named, kept = set[str](), set[str]()
    for number, record in connection.execute(
        select(tables.runs.c.number, tables.runs.c.record).where(tables.runs.c.number > since).order_by(tables.runs.c.number)
    ):
        told = unpack(rows.blob(record))[0]
        if number <= through:
            replay.take(told)
        archive: Mapping[str, Any] | None = told["evidence"].get("archive")
        if archive:
            (named if number <= through else kept).add(archive["name"])
    return named, kept


def _write(connection: Connection, made: Pruning, packed: bytes) -> None:
    for table in OF_RUNS:
        connection.execute(delete(table).where(table.c.run <= made.through))
    connection.execute(update(tables.runs).where(tables.runs.c.number <= made.through).values(record=b""))
    told = {name: getattr(made, name) for name in ("through", "time", "runs", "state", "key")}
    statement = orjson.dumps({**told, "signature": base64.b64encode(made.signature).decode("ascii")})
    connection.execute(delete(tables.prunings))
    connection.execute(insert(tables.prunings), {"through": made.through, "statement": statement, "state": packed})
