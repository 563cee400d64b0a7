"""`upheld ledger verify`: holds the ledger against its seal, without asking anybody.

Every run is hashed again, every head's signature checked, and every row of the tables made again from the records. What that
cannot show is that the ledger was replaced by an older copy of itself, or by another one that was sealed with the same key: this
takes a head that was kept elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, func, select

from agent.ledger import LedgerError, keys, prune, rows, tables
from agent.ledger.evidence import Evidence
from agent.ledger.keys import Keyring
from agent.ledger.ledger import signed_head
from agent.ledger.prune import Pruning
from agent.ledger.replay import Replay
from agent.ledger.run_record import unpack
from agent.ledger.signing import SignedHead, Verifier
from checks.seal import Tree

_MANY = 20
"""How many rows of a table that differ are told one by one."""


@dataclass(slots=True)
class Verification:
    """What was found; `problems` where anything is not as it was sealed, `notes` on what somebody ought to know all the same."""

    runs: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    head: SignedHead | None = None
    archives: int = 0


def verify(
    connection: Connection, verifier: Verifier, heads: Mapping[str, SignedHead], evidence: Evidence | None, *, alone: bool = True
) -> Verification:
    """Verify everything. `verifier`: a key of the ledger that is known from elsewhere. `heads`: those known from elsewhere, by where they
    are from. `evidence`: where archives are to be, unless other machines keep theirs, too, and this one is not `alone`."""
    return _Verifier(connection, Keyring(verifier), heads, evidence, alone).run()


@dataclass(slots=True)
class _Verifier:
    connection: Connection
    keyring: Keyring
    heads: Mapping[str, SignedHead]
    evidence: Evidence | None
    alone: bool
    found: Verification = field(default_factory=Verification)
    replay: Replay = field(default_factory=Replay)
    pruned: int = 0
    """Up to which run there are leaves alone."""
    state: str | None = None
    """How findings stand after the run before, as its record says."""
    counts: dict[str, int] = field(default_factory=dict)
    whole: bool = True
    """Whether every record so far could be read: else the tables cannot be made again."""

    def run(self) -> Verification:
        origin = self._origin()
        self._pruned(origin)
        tree, roots = Tree(), dict[int, bytes]()
        for row in self.connection.execute(select(tables.runs).order_by(tables.runs.c.number)):
            tree.add(self._leaf(row, tree.size + 1, origin))
            roots[tree.size] = tree.root
        self.found.runs = tree.size
        if tree.size and not self.heads:
            self.found.notes.append("no head is known from elsewhere: it would not show if the newest runs had been cut off")
        self._introductions(self._checkpoints(roots, origin), roots, origin)
        for name, head in self.heads.items():
            self._head(name, head, roots, origin)
        if self.whole:
            self._tables()
        self._evidence()
        return self.found

    def _say(self, problem: str) -> None:
        self.found.problems.append(problem)

    def _origin(self) -> str:
        held = self.connection.execute(select(tables.ledger)).all()
        if [row.id for row in held] != [1]:
            self._say("the row that says which ledger it is was taken out, changed, or is not alone")
        try:
            self.keyring = Keyring(self.keyring.trusted, keys.stored(self.connection))
        except LedgerError as error:
            self._say(str(error))
        self.found.problems += self.keyring.problems()
        self.found.notes += self.keyring.notes()
        sealed = self.connection.execute(select(func.count()).select_from(tables.runs)).scalar_one()
        if held and held[0].key != (self.keyring.last if sealed else None):
            self._say(f"the ledger names the key {str(held[0].key)[:16]}, and is sealed with {self.keyring.last[:16]}")
        return str(held[0].origin) if held else ""

    # -- what was pruned -----------------------------------------------------------------------------------------

    def _pruned(self, origin: str) -> None:
        """What went on purpose, and what findings stood at then: from there, the others are told."""
        try:
            held = prune.stored(self.connection)
            if held is None:
                return
            pruning, packed = held
            self.replay = Replay.unpacked(packed)
            self.state = rows.state(map(rows.values, self.replay.findings()))
            self.pruned = pruning.through
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._say(f"the statement of what was pruned, or what it left, cannot be read: {type(error).__name__}: {error}")
            self.whole = False
            return
        self._say_pruned(pruning, hashlib.sha256(packed).hexdigest(), origin)

    def _say_pruned(self, pruning: Pruning, state: str, origin: str) -> None:
        left = select(tables.runs).where(tables.runs.c.number <= pruning.through).order_by(tables.runs.c.number)
        runs = self.connection.execute(left).all()
        if (problem := pruning.problem(origin, self.keyring)) is not None:
            self._say(problem)
        try:
            digest = prune.runs_digest(runs)
        except TypeError:
            digest = ""
        if digest != pruning.runs or [row.number for row in runs] != list(range(1, pruning.through + 1)):
            self._say(f"what is left of the {pruning.through} runs that were pruned was changed")
        if state != pruning.state:
            self._say(f"how findings stood after the {pruning.through} runs that were pruned was changed")
        if runs:
            what = f"runs 1 to {pruning.through}, up to {runs[-1].finished[:19]}Z"
            self.found.notes.append(f"{what}, are leaves alone: their records were pruned on {pruning.time[:19]}Z")

    # -- records -------------------------------------------------------------------------------------------------

    def _leaf(self, row: Any, number: int, origin: str) -> bytes:
        """The leaf of a run: as its record makes it, or as it was left."""
        if row.number != number:
            self._say(f"run {row.number} stands where run {number} is to be: runs were taken out or put in")
        if isinstance(row.number, int) and row.number <= self.pruned:
            if row.record != b"":
                self._say(f"run {row.number} was pruned, and has a record")
            return row.leaf if isinstance(row.leaf, bytes) else b""
        return self._record(row, origin)

    def _record(self, row: Any, origin: str) -> bytes:
        what = f"run {row.number}"
        try:
            record, leaf = unpack(rows.blob(row.record))
            if leaf != rows.blob(row.leaf):
                self._say(f"{what}: its record was changed after it was sealed")
            said = (record["number"], record["id"], record["finished"], record["verdict"], record.get("part", ""), record["ledger"])
            if said != (row.number, row.id, row.finished, row.verdict, row.part, origin):
                self._say(f"{what}: its row does not say what its record says")
            if self.whole:
                self._replay(record)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            self._say(f"{what}: its record cannot be read: {type(error).__name__}: {error}")
            self.whole = False
            return row.leaf if isinstance(row.leaf, bytes) else b""
        return leaf

    def _replay(self, record: Mapping[str, Any]) -> None:
        """Make the tables' rows of a run again, and hold them against those that are there."""
        number, state = record["number"], record.get("state")
        if state is not None and self.state not in {None, state["before"]}:
            self._say(f"run {number} was held against findings that are not as the run before it left them")
        self.state = None if state is None else state["after"]
        new, made = self.replay.take(record)
        for table, expected in (
            (tables.observations, rows.observations(number, new)),
            (tables.transitions, rows.transitions(number, made)),
            (tables.promises, rows.promises(record)),
            (tables.coverage, rows.coverage(record)),
        ):
            self.counts[table.name] = self.counts.get(table.name, 0) + len(expected)
            self._compare(table, expected, select(table).where(table.c.run == number), f"run {number}")

    # -- tables --------------------------------------------------------------------------------------------------

    def _compare(self, table: Table, expected: Sequence[Mapping[str, Any]], statement: Any, where: str) -> None:
        names = [column.name for column in table.primary_key]
        found = [dict(row) for row in self.connection.execute(statement).mappings()]
        if found == expected:
            return
        by_key = [{tuple(row[name] for name in names): row for row in held} for held in (expected, found)]
        differing = sorted((key for key in by_key[0].keys() | by_key[1].keys() if by_key[0].get(key) != by_key[1].get(key)), key=repr)
        for key in differing[:_MANY]:
            how = "is missing" if key not in by_key[1] else "was put in" if key not in by_key[0] else "was changed"
            self._say(f"{where}: the row {', '.join(map(str, key))} of {table.name} {how}")
        if len(differing) > _MANY:
            self._say(f"{where}: {len(differing) - _MANY} more rows of {table.name} are not as they were sealed")

    def _tables(self) -> None:
        held = list(self.replay.findings())
        if self.state is not None and rows.state(map(rows.values, held)) != self.state:
            self._say("the newest run left findings otherwise than the records come to")
        expected = list(map(rows.of_finding, held))
        self._compare(tables.findings, expected, select(tables.findings).order_by(tables.findings.c.number), "findings")
        for table in prune.OF_RUNS:
            there = self.connection.execute(select(func.count()).select_from(table)).scalar_one()
            if there != self.counts.get(table.name, 0):
                self._say(f"{table.name}: {there} rows, where the runs made {self.counts.get(table.name, 0)}")

    # -- heads ---------------------------------------------------------------------------------------------------

    def _checkpoints(self, roots: Mapping[int, bytes], origin: str) -> list[SignedHead]:
        """The ledger's own heads, as far as they can be read."""
        held: list[SignedHead] = []
        for row in self.connection.execute(select(tables.checkpoints).order_by(tables.checkpoints.c.size)):
            try:
                one = signed_head(row, origin)
                one.head.message  # noqa: B018 - raises where it is no head
            except (TypeError, ValueError) as error:
                self._say(f"the signed head of {row.size} runs cannot be read: {error}")
                continue
            self._head("the ledger", one, roots, origin)
            held.append(one)
        for size in sorted(roots.keys() - {one.head.size for one in held}):
            self._say(f"there is no signed head of {size} runs")
        self.found.head = held[-1] if held else None
        return held

    def _introductions(self, held: Sequence[SignedHead], roots: Mapping[int, bytes], origin: str) -> None:
        """Each key begins where the tree was then."""
        for one in self.keyring.chain:
            what = f"the key {one.new.id[:16]} began after {one.size} runs"
            if one.ledger != origin:
                self._say(f"{what} of another ledger")
            elif one.size not in roots or roots[one.size].hex() != one.root:
                self._say(f"{what} that are not those of this ledger")
            elif keys.heads_digest(head for head in held if head.head.size <= one.size) != one.heads:
                self._say(f"{what}, and the signed heads up to there were changed since")

    def _head(self, name: str, held: SignedHead, roots: Mapping[int, bytes], origin: str) -> None:
        head = held.head
        if self.keyring.signed(held) is False:
            self._say(f"{name}: the head of {head.size} runs is not signed with the key {self.keyring.id_of(head.size)[:16]}")
        elif head.ledger != origin:
            self._say(f"{name}: the head of {head.size} runs is that of another ledger")
        elif head.size not in roots:
            self._say(f"{name}: there was a signed head of {head.size} runs, and the ledger holds {len(roots)}: it was cut off")
        elif roots[head.size] != head.root:
            self._say(f"{name}: the first {head.size} runs are not those that the signed head is of: they were changed, or this is a fork")

    # -- evidence ------------------------------------------------------------------------------------------------

    def _evidence(self) -> None:
        for problem in self._archive_problems():
            self._say(problem)

    def _archive_problems(self) -> Iterator[str]:
        if self.evidence is not None and self.whole:
            for held in self.replay.kept.values():
                if not self.alone and not self.evidence.holds(held):
                    continue
                self.found.archives += 1
                if (problem := self.evidence.problem(held)) is not None:
                    yield problem
