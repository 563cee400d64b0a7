"""The account of each kind of runs: when one began last, what became of it, which were missed. It outlives the process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from agent.clock import Clock
from agent.kind import Kind
from agent.ledger.ledger import write_json
from checks.runs import Told

FILE: Final = "agent-runs.json"
SCHEMA: Final = "upheld.agent-runs/1"
TOLERANCE: Final = 0.05
"""Of an interval: so much later than it was due a run may begin, and the one before it is not yet missed."""


@dataclass(slots=True)
class Account:
    """Of one kind. `begun` is monotonic; the times that are kept are RFC 3339 in UTC."""

    begun: float | None = None
    ended: str | None = None
    failure: str | None = None
    missed: int = 0
    overlapped: int = 0
    telling: tuple[int, int] = (0, 0)
    """How much of both is in the run that is on its way."""


@dataclass(slots=True)
class Accounts:
    """Of all kinds that are scheduled; `every` in seconds. Held in the state directory, for what is missed while no agent runs."""

    clock: Clock
    file: Path
    every: Mapping[Kind, int]
    held: dict[Kind, Account] = field(default_factory=dict)
    part: str = ""
    """Of the configuration, where several agents share a ledger: each has runs of its own."""

    @classmethod
    def read(cls, clock: Clock, state: Path, every: Mapping[Kind, int], part: str = "") -> Accounts:
        """What the agent before left. What cannot be read is not known, and a log line says so."""
        accounts = cls(clock, state / FILE, every, part=part)
        try:
            record = json.loads(accounts.file.read_bytes())
            if record["schema"] != SCHEMA:
                raise ValueError(f"its schema is {record['schema']!r}")
            for kind in every.keys() & record["kinds"].keys():
                accounts.held[kind] = accounts._restored(record["kinds"][kind])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            from agent import log

            log.logger().warning("agent-runs", detail=f"{accounts.file} is not read: {error}; runs missed before now are not told")
            accounts.held.clear()
        return accounts

    def _restored(self, record: Mapping[str, Any]) -> Account:
        ago = (self.clock.now() - datetime.fromisoformat(record["begun"])).total_seconds()
        ended, failure = record["ended"], record["failure"]
        if not all(held is None or isinstance(held, str) for held in (ended, failure)):
            raise ValueError("it is not what was written")
        return Account(self.clock.monotonic() - max(ago, 0), ended, failure, int(record["missed"]), int(record["overlapped"]))

    def change(self, every: Mapping[Kind, int], part: str) -> None:
        """Other intervals, from now on: what passed under the old one is not missed under the new one."""
        for kind, account in self.held.items():
            if every.get(kind) != self.every.get(kind):
                account.begun = None
        self.every, self.part = every, part

    def begin(self, kind: Kind) -> None:
        """A run of the kind begins."""
        account, now = self._of(kind), self.clock.monotonic()
        if account.begun is not None and kind in self.every:  # a reload may have taken it off while it waited
            account.missed += max(int((now - account.begun) / self.every[kind] + TOLERANCE) - 1, 0)
        account.begun = now

    def overlap(self, kind: Kind) -> None:
        """A run of the kind was due, and the one before had not ended."""
        self._of(kind).overlapped += 1

    def end(self, kind: Kind, failure: str | None) -> None:
        """A run of the kind ended. What it told of is told; what came up while it ran is for the next one."""
        account = self._of(kind)
        account.ended, account.failure = self.clock.now().isoformat(), failure
        if failure is None:
            missed, overlapped = account.telling
            account.missed, account.overlapped = account.missed - missed, account.overlapped - overlapped

    def told(self, succeeding: frozenset[Kind] = frozenset()) -> list[Told]:
        """What the schedule says now. Of kinds that are `succeeding`, a run is about to be recorded that has a part in saying so."""
        found = []
        for kind, every in self.every.items():
            account = self._of(kind)
            if now := kind in succeeding:
                account.telling = (account.missed, account.overlapped)
            ended, failure = (self.clock.now().isoformat(), None) if now else (account.ended, account.failure)
            found.append(Told(f"{self.part}/{kind}" if self.part else str(kind), every, ended, failure, account.missed, account.overlapped))
        return found

    def write(self) -> None:
        """Keep it. Raises OSError."""
        wall, monotonic = self.clock.now(), self.clock.monotonic()
        names = ("ended", "failure", "missed", "overlapped")
        kinds = {
            str(kind): {
                **{name: getattr(one, name) for name in names},
                "begun": (wall - timedelta(seconds=monotonic - one.begun)).isoformat(),
            }
            for kind, one in self.held.items()
            if one.begun is not None
        }
        write_json(self.file, {"schema": SCHEMA, "kinds": kinds})

    def _of(self, kind: Kind) -> Account:
        return self.held.setdefault(kind, Account())
