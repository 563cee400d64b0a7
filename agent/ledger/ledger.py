"""Adding a run to the ledger: one transaction, in which it is recorded, sealed, and held against all that is known."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from agent.ledger import LedgerError, keys, rows, tables
from agent.ledger.database import Database
from agent.ledger.run_record import Entry, Run, compose, pack, read, sealable, seen, unpacked
from agent.ledger.signing import Head, SignedHead, Signer, read_head
from checks.lifecycle import Ending, Known, Seen, Told, Transition, fold, tell, within
from checks.seal import Tree

HEAD_FILE: Final = "ledger-head.json"
_AHEAD: Final = timedelta(hours=1)
"""By how much the clock of whoever collected may be ahead."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run that is in the ledger, whole and sealed."""

    number: int
    head: SignedHead
    previous: str | None
    """The time of the run before; None for the first one."""
    turns: Sequence[tuple[Transition, Known]]
    """What changed, with the findings as they are now."""
    before: Mapping[str, Known]
    """The findings as they were before, by id."""
    lacks: Mapping[str, Sequence[str]]
    """What kept promises from being proven before, by promise."""
    again: bool = False
    """Whether it was there already."""


Also = Callable[[Connection, Recorded], None]
"""What is to be there with a run, or not at all."""


def nothing_else(_: Connection, __: Recorded) -> None:
    """A run that is told to nobody."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger, and the state directory in which its newest head is kept."""

    database: Database
    state: Path
    _last: dict[bytes, Mapping[str, Any]] = field(default_factory=dict, repr=False, compare=False)
    """By its leaf, what the next run is held against of the one that was recorded last."""

    def append(self, run: Run, signer: Signer, now: str, evidence: Mapping[str, Any], also: Also = nothing_else) -> Recorded:
        """Record a run, which is then on the disk, or raise LedgerError, and it is not. A run that is there already stays as it is.

        `now`: when it is recorded. `evidence`: what is kept of what was collected. `also`: what else goes into the
        same transaction.
        """
        with self.database.writing() as connection:
            ledger = connection.execute(select(tables.ledger).with_for_update()).one()
            self.fits(ledger.key, signer)
            tree = self.tree(connection, ledger.origin, signer)
            if (again := self._recorded(connection, run.id, tree.size)) is not None:
                return again
            newest = _record(connection, tree.size, self._last)
            previous = self._previous(connection, run, now)
            held = connection.execute(select(tables.findings).order_by(tables.findings.c.number)).all()
            before = _as_sealed(held, newest)
            known = {one.id: one for one in map(rows.finding, held)}
            told = tell(known, _seen(run, known), _absent(run), run.finished, run.part)
            changed, made = fold({one.number: one for one in known.values()}, told, run.finished)
            number, after = tree.size + 1, rows.state(_after(held, changed, told, run.finished))
            record = compose(run, Entry(ledger.origin, number, now, evidence), told, before, after)
            stored, leaf = pack(record)
            connection.execute(insert(tables.runs), rows.run(record, stored, leaf))
            _write(connection, record, told, changed, made, len(known))
            tree.add(leaf)
            head = _sign(Head(ledger.origin, tree.size, tree.root, now), signer)
            connection.execute(insert(tables.checkpoints), _checkpoint(head))
            if ledger.key is None:
                connection.execute(update(tables.ledger).values(key=signer.verifier.id))
            lacks = _lacks(connection, run.part, number - 1, newest)
            recorded = Recorded(number, head, previous, [(one, changed[one.number]) for one in made], known, lacks)
            also(connection, recorded)
        self._last.clear()
        self._last[leaf] = {name: record[name] for name in ("state", "promises")}
        self._remember(head)
        return recorded

    def ready(self, signer: Signer) -> None:
        """See before anything is collected that a run can be recorded. Raises LedgerError."""
        with self.database.writing() as connection:
            ledger = connection.execute(select(tables.ledger)).one()
            self.fits(ledger.key, signer)
            self.tree(connection, ledger.origin, signer)

    def key(self) -> str | None:
        """The id of the key that seals it; None before the first run. Raises LedgerError."""
        with self.database.reading() as connection:
            key: str | None = connection.execute(select(tables.ledger.c.key)).scalar_one()
            return key

    @staticmethod
    def fits(key: str | None, signer: Signer) -> None:
        """Raises LedgerError where it is another key that seals the ledger."""
        if key is not None and key != signer.verifier.id:
            raise LedgerError(
                f"the ledger is sealed with the key {key[:16]}, and the signing key is {signer.verifier.id[:16]}: configure that one "
                "(agent.ledger.signing_key); `upheld ledger rotate` changes it, and says with --lost that it is lost"
            )

    def tree(self, connection: Connection, origin: str, signer: Signer | None) -> Tree:
        """The tree so far. Nothing is recorded on top of what does not fit its seal, or is shorter than was seen before. `signer`: whose
        key seals it; None where that was lost, and nobody can tell."""
        anchor = self.anchor()
        tree = Tree()
        for leaf in leaves(connection):
            tree.add(leaf)
            if anchor and tree.size == anchor.head.size and tree.root != anchor.head.root:
                raise LedgerError(
                    f"the ledger is not the one whose head {self.state / HEAD_FILE} is: `upheld ledger verify` says what is wrong"
                )
        if anchor and (anchor.head.ledger != origin or anchor.head.size > tree.size):
            raise LedgerError(
                f"the ledger holds {tree.size} runs, and {self.state / HEAD_FILE} knows of {anchor.head.size}: it was cut off, or restored "
                "from an older copy; bring the newer one back, or remove that file to go on from here"
            )
        newest = connection.execute(select(tables.checkpoints).order_by(tables.checkpoints.c.size.desc()).limit(1)).one_or_none()
        head = None if newest is None else signed_head(newest, origin)
        if (head is None) != (tree.size == 0) or (
            head is not None
            and (head.head.size != tree.size or head.head.root != tree.root or not (signer is None or _sealed(connection, head, signer)))
        ):
            raise _unfit("the ledger does not fit its seal")
        return tree

    def anchor(self) -> SignedHead | None:
        """The newest head that this state directory knows of. Raises LedgerError where it cannot be read."""
        file = self.state / HEAD_FILE
        try:
            return read_head(json.loads(file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise LedgerError(f"{file} cannot be read ({error}): it shows whether the ledger was cut off") from error

    def _previous(self, connection: Connection, run: Run, now: str) -> str | None:
        """When the run before was. Raises LedgerError for an estate that is older, which says nothing of how things are, or of the
        future, after which nothing else could be recorded."""
        of_part = select(tables.runs.c.finished).where(tables.runs.c.part == run.part).order_by(tables.runs.c.number.desc()).limit(1)
        found = connection.execute(of_part).scalar_one_or_none()
        if run.live:
            return found
        if found is not None and found > run.finished:
            raise LedgerError(
                f"the estate is of {run.finished}, and the newest run in the ledger of {found}: only what is newer is recorded"
            )
        if datetime.fromisoformat(run.finished) > datetime.fromisoformat(now) + _AHEAD:
            raise LedgerError(f"the estate is of {run.finished}, and it is {now}: what is of the future is not recorded")
        return found

    def _recorded(self, connection: Connection, id_: str, newest: int) -> Recorded | None:
        """A run that is there already, as it was told the first time. Once others came after it, what it was held against is not
        told any more: then everything is new."""
        number = connection.execute(select(tables.runs.c.number).where(tables.runs.c.id == id_)).scalar_one_or_none()
        if number is None:
            return None
        origin = connection.execute(select(tables.ledger.c.origin)).scalar_one()
        head = connection.execute(select(tables.checkpoints).where(tables.checkpoints.c.size == number)).one()
        previous = connection.execute(select(tables.runs.c.finished).where(tables.runs.c.number == number - 1)).scalar_one_or_none()
        known = {one.number: one for one in map(rows.finding, connection.execute(select(tables.findings)))}
        moved = connection.execute(
            select(tables.transitions).where(tables.transitions.c.run == number).order_by(tables.transitions.c.finding)
        )
        turns = [(rows.transition(row, known[row.finding].id), known[row.finding]) for row in moved]
        before = {one.id: one for one in known.values()} if number == newest else {}
        for turn, one in turns:
            before.pop(one.id, None)
            if number == newest and turn.before is not None and turn.before is not turn.after:
                before[one.id] = replace(one, status=turn.before)
        part = connection.execute(select(tables.runs.c.part).where(tables.runs.c.number == number)).scalar_one()
        lacks = _lacks(connection, part, number - 1)
        return Recorded(number, signed_head(head, origin), previous, turns, before, lacks, again=True)

    def _remember(self, head: SignedHead) -> None:
        """Keep the newest head outside of the ledger. The run is recorded already: should this fail, the file is only older."""
        try:
            write_json(self.state / HEAD_FILE, head.record)
        except OSError as error:
            from agent import log

            log.logger().warning("ledger-head", detail=f"{self.state / HEAD_FILE} cannot be written: {error.strerror}")


def _sealed(connection: Connection, head: SignedHead, signer: Signer) -> bool:
    """Whether a key speaks for a head: it signed that, or began where that ends."""
    introduced = keys.stored(connection)[-1:]
    if introduced and introduced[0].size == head.head.size:
        one = introduced[0]
        said = (one.ledger, one.root, one.new.id) == (head.head.ledger, head.head.root.hex(), signer.verifier.id)
        return said and one.problem() is None
    return head.signed_by(signer.verifier)


def _sign(head: Head, signer: Signer) -> SignedHead:
    return SignedHead(head, signer.verifier.id, signer.sign(head.message))


def signed_head(row: Any, origin: str) -> SignedHead:
    """A checkpoint's row."""
    return SignedHead(Head(origin, row.size, rows.blob(row.root), row.time), row.key, rows.blob(row.signature))


def leaves(connection: Connection) -> list[bytes]:
    """The leaves as they are stored, in their order. Raises LedgerError where one is none."""
    try:
        return [rows.blob(one) for one in connection.execute(select(tables.runs.c.leaf).order_by(tables.runs.c.number)).scalars()]
    except TypeError as error:
        raise LedgerError("the ledger does not fit its seal: `upheld ledger verify` says what is wrong") from error


def _checkpoint(signed: SignedHead) -> dict[str, Any]:
    head = signed.head
    return {"size": head.size, "root": head.root, "time": head.time, "key": signed.key, "signature": signed.signature}


def _write(
    connection: Connection, record: Mapping[str, Any], told: Told, changed: Mapping[int, Known], made: Sequence[Transition], known: int
) -> None:
    """What the tables say of the record; `known`: how many findings there were before."""
    findings, number = tables.findings, record["number"]
    new = [rows.of_finding(one) for one in changed.values() if one.number > known]
    old = [rows.of_finding(one) for one in changed.values() if one.number <= known]
    if new:
        connection.execute(insert(findings), new)
    if old:
        columns: dict[str, Any] = {column.name: bindparam(f"new_{column.name}") for column in findings.c if column.name != "number"}
        statement = update(findings).where(findings.c.number == bindparam("of")).values(columns)
        connection.execute(statement, [{"of": row["number"], **{f"new_{name}": held for name, held in row.items()}} for row in old])
    for first, last in told.seen:
        connection.execute(update(findings).where(findings.c.number.between(first, last)).values(last_seen=record["finished"]))
    for table, held in (
        (tables.observations, rows.observations(number, told)),
        (tables.transitions, rows.transitions(number, made)),
        (tables.promises, rows.promises(record)),
        (tables.coverage, rows.coverage(record)),
    ):
        if held:
            connection.execute(insert(table), held)


def _record(connection: Connection, number: int, known: Mapping[bytes, Mapping[str, Any]] = MappingProxyType({})) -> Mapping[str, Any]:
    """The record of a run, or what is `known` of it by its leaf; empty where there is none, or it was pruned. Raises LedgerError where it is
    not the one that was sealed."""
    row = connection.execute(select(tables.runs).where(tables.runs.c.number == number)).one_or_none()
    if row is None or not row.record:
        return {}
    try:
        text, leaf = unpacked(rows.blob(row.record))
        record = known.get(leaf) or read(text)
    except (ValueError, TypeError) as error:
        raise _unfit(f"the record of run {number} cannot be read") from error
    if leaf != rows.blob(row.leaf):
        raise _unfit(f"the record of run {number} is not the one that was sealed")
    return record


def _lacks(connection: Connection, part: str, last: int, record: Mapping[str, Any] | None = None) -> dict[str, list[str]]:
    """What kept promises from being proven in the newest run of a part, up to the run `last`, by promise; `record` is of that, where
    it was read already."""
    of_part = (tables.runs.c.part == part) & (tables.runs.c.number <= last)
    number = connection.execute(select(func.max(tables.runs.c.number)).where(of_part)).scalar_one() or 0
    held = record if record is not None and number == last else _record(connection, number)
    return {one["id"]: one["lacks"] for one in held.get("promises", ())}


def _unfit(why: str) -> LedgerError:
    return LedgerError(f"{why}, and nothing is recorded on top of it: `upheld ledger verify` says what is wrong")


def _as_sealed(held: Sequence[Sequence[Any]], newest: Mapping[str, Any]) -> str:
    """The digest of how findings stand. Raises LedgerError where the run before left them otherwise: somebody who changes the table for as
    long as a run takes would else keep what it finds from being told, and no trace of it."""
    try:
        found = rows.state(held)
    except TypeError as error:  # what JSON does not hold, this program did not put there
        raise _unfit("the table of findings holds what no run can have put there") from error
    if "state" in newest and newest["state"]["after"] != found:
        raise _unfit("the table of findings is not as the newest run left it")
    return found


def _after(held: Sequence[Sequence[Any]], changed: Mapping[int, Known], told: Told, at: str) -> Iterator[Sequence[Any]]:
    """How all findings stand after a run, in their order."""
    seen_now = within(told.seen)
    for number in range(1, max(len(held), max(changed, default=0)) + 1):
        values = rows.values(changed[number]) if number in changed else held[number - 1]
        yield [*values[: rows.LAST_SEEN], at, *values[rows.LAST_SEEN + 1 :]] if number in seen_now else values


def _seen(run: Run, known: Mapping[str, Known]) -> Iterator[Seen]:
    for record in run.findings():
        yield seen(record, known, run.age(record["rule"]), partial=run.partial, looked=run.looked.get(record["id"]))


def _absent(run: Run) -> Callable[[Known], Ending | None]:
    """What became of findings, in words that can be sealed."""

    def absent(known: Known) -> Ending | None:
        ending = run.absent(known)
        return None if ending is None else replace(ending, cause=sealable(ending.cause))

    return absent


def write_json(file: Path, record: Any) -> None:
    """Write a file that is there whole or not at all, and stays. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(json.dumps(record, indent=2, sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
