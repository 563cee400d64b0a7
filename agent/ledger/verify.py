"""`upheld ledger verify`: holds the ledger against its seal, without asking anybody.

Every run is hashed again, every head's signature checked, and every row of the tables made again from the records. What that
cannot show is that the ledger was replaced by an older copy of itself, or by another one that was sealed with the same key: this
takes a head that was kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Table, func, select

from agent.ledger import rows, tables
from agent.ledger.evidence import Evidence, keeping
from agent.ledger.ledger import signed_head
from agent.ledger.run_record import told, unpack
from agent.ledger.signing import SignedHead, Verifier
from checks.lifecycle import Known, fold
from checks.seal import Tree

_MANY = 20
"""How many rows of a table that differ are told one by one."""


@dataclass(slots=True)
class Verification:
    """What was found; `problems` where anything is not as it was sealed."""

    runs: int = 0
    problems: list[str] = field(default_factory=list)
    head: SignedHead | None = None
    archives: int = 0


def verify(connection: Connection, verifier: Verifier, heads: Mapping[str, SignedHead], evidence: Evidence | None) -> Verification:
    """Verify everything. `heads`: those known from elsewhere, by where they are from. `evidence`: where archives are to be, None
    where they are on another machine."""
    return _Verifier(connection, verifier, heads, evidence).run()


@dataclass(slots=True)
class _Verifier:
    connection: Connection
    verifier: Verifier
    heads: Mapping[str, SignedHead]
    evidence: Evidence | None
    found: Verification = field(default_factory=Verification)
    known: dict[int, Known] = field(default_factory=dict)
    last_seen: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    whole: bool = True
    """Whether every record so far could be read: else the tables cannot be made again."""

    def run(self) -> Verification:
        origin = self._origin()
        tree, roots = Tree(), dict[int, bytes]()
        for row in self.connection.execute(select(tables.runs).order_by(tables.runs.c.number)):
            tree.add(self._record(row, tree.size + 1, origin))
            roots[tree.size] = tree.root
        self.found.runs = tree.size
        self._checkpoints(roots, origin)
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
        sealed = self.connection.execute(select(func.count()).select_from(tables.runs)).scalar_one()
        if held and held[0].key != (self.verifier.id if sealed else None):
            self._say(f"the ledger names the key {str(held[0].key)[:16]}, and is verified with {self.verifier.id[:16]}")
        return str(held[0].origin) if held else ""

    # -- records -------------------------------------------------------------------------------------------------

    def _record(self, row: Any, number: int, origin: str) -> bytes:
        """The leaf of a run, as its record makes it."""
        what = f"run {row.number}"
        if row.number != number:
            self._say(f"{what} stands where run {number} is to be: runs were taken out or put in")
        try:
            record, leaf = unpack(rows.blob(row.record))
            if leaf != rows.blob(row.leaf):
                self._say(f"{what}: its record was changed after it was sealed")
            said = (record["number"], record["id"], record["finished"], record["verdict"], record["ledger"])
            if said != (row.number, row.id, row.finished, row.verdict, origin):
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
        new, at, number = told(record), record["finished"], record["number"]
        changed, made = fold(self.known, new, at)
        self.known.update(changed)
        self.last_seen += [at] * (len(self.known) - len(self.last_seen))
        for first, last in new.seen:
            if not 0 < first <= last <= len(self.last_seen):
                raise ValueError(f"it saw findings {first} to {last}, of {len(self.last_seen)}")
            self.last_seen[first - 1 : last] = [at] * (last - first + 1)
        self.kept = keeping(self.kept, record["evidence"])
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
        expected = [
            rows.of_finding(replace(one, last_seen=last)) for (_, one), last in zip(sorted(self.known.items()), self.last_seen, strict=True)
        ]
        self._compare(tables.findings, expected, select(tables.findings).order_by(tables.findings.c.number), "findings")
        for table in (tables.observations, tables.transitions, tables.promises, tables.coverage):
            there = self.connection.execute(select(func.count()).select_from(table)).scalar_one()
            if there != self.counts.get(table.name, 0):
                self._say(f"{table.name}: {there} rows, where the runs made {self.counts.get(table.name, 0)}")

    # -- heads ---------------------------------------------------------------------------------------------------

    def _checkpoints(self, roots: Mapping[int, bytes], origin: str) -> None:
        sizes = set()
        for row in self.connection.execute(select(tables.checkpoints).order_by(tables.checkpoints.c.size)):
            sizes.add(row.size)
            try:
                held = signed_head(row, origin)
                held.head.message  # noqa: B018 - raises where it is no head
            except (TypeError, ValueError) as error:
                self._say(f"the signed head of {row.size} runs cannot be read: {error}")
                continue
            self._head("the ledger", held, roots, origin)
            self.found.head = held
        for size in sorted(roots.keys() - sizes):
            self._say(f"there is no signed head of {size} runs")

    def _head(self, name: str, held: SignedHead, roots: Mapping[int, bytes], origin: str) -> None:
        head = held.head
        if not held.signed_by(self.verifier):
            self._say(f"{name}: the head of {head.size} runs is not signed with the key {self.verifier.id[:16]}")
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
            for held in self.kept.values():
                self.found.archives += 1
                if (problem := self.evidence.problem(held)) is not None:
                    yield problem
