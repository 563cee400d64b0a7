"""How findings stand after a run, told again from the records alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from agent.ledger import rows, tables
from agent.ledger.evidence import keeping
from agent.ledger.run_record import told
from checks.lifecycle import Known, Told, Transition, fold


@dataclass(slots=True)
class Replay:
    """Takes the records of runs in their order. `kept`: the archives of evidence that are to be there, by name."""

    known: dict[int, Known] = field(default_factory=dict)
    last_seen: list[str] = field(default_factory=list)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, record: Mapping[str, Any]) -> tuple[Told, Sequence[Transition]]:
        """What is new in a record, and the transitions that it makes. Raises KeyError, TypeError and ValueError for what is none."""
        new, at = told(record), record["finished"]
        now = {one: replace(self.known[one], last_seen=self.last_seen[one - 1]) for one in new.observed if one in self.known}
        changed, made = fold({**self.known, **now}, new, at)
        self.known.update(changed)
        self.last_seen += [at] * (len(self.known) - len(self.last_seen))
        for one in new.observed:
            self.last_seen[one - 1] = changed[one].last_seen
        for first, last in new.seen:
            if not 0 < first <= last <= len(self.last_seen):
                raise ValueError(f"it saw findings {first} to {last}, of {len(self.last_seen)}")
            self.last_seen[first - 1 : last] = [at] * (last - first + 1)
        self.kept = keeping(self.kept, record["evidence"])
        return new, made

    def findings(self) -> Iterator[Known]:
        """In their order."""
        for (_, one), last in zip(sorted(self.known.items()), self.last_seen, strict=True):
            yield replace(one, last_seen=last)

    def packed(self) -> bytes:
        """The findings, to go on from without the records that made them."""
        return zlib.compress(orjson.dumps([rows.of_finding(one) for one in self.findings()]), 6)

    @classmethod
    def unpacked(cls, stored: bytes) -> Replay:
        """The opposite. Raises ValueError, KeyError and TypeError for what is none."""
        try:
            held = [rows.finding([row[column.name] for column in tables.findings.columns]) for row in orjson.loads(zlib.decompress(stored))]
        except zlib.error as error:
            raise ValueError("it is damaged") from error
        return cls({one.number: one for one in held}, [one.last_seen for one in held])
