"""Runs that are recorded and told: the ledger's own short runs, with the report that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent import config
from agent.clock import Clock
from agent.config import Configuration
from agent.ledger.ledger import Recorded
from agent.ledger.run_record import Run
from agent.publish.notify.delivery import Delivery
from agent.publish.notify.events import Event, events
from agent.publish.notify.outbox import Message, Outbox
from agent.publish.notify.sinks import senders
from agent.publish.result import Findings, Result
from checks.model import Manifest, Scope
from checks.promise import Acceptance
from checks.summary import PromiseSummary
from checks.verdict import Verdict
from tests.ledger.runs import begin, gone, run

QUOTE = "All customer data is encrypted at rest."
SECRET = "a secret of more than 24 bytes"
START = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())


@dataclass
class Time:
    """A clock that goes only when it is turned."""

    seconds: int = START

    @property
    def clock(self) -> Clock:
        return Clock(lambda: datetime.fromtimestamp(self.seconds, UTC))


def result_of(one: Run) -> Result:
    """The report of a run."""
    import json

    findings = Findings()
    for record in one.findings():
        findings._spool.write(json.dumps(record) + "\n")
        findings.counts[record["verdict"]] += 1
    manifest = Manifest("upheld.estate/1", one.finished, one.finished, "test", {}, None, Scope({}, ()))
    promise = PromiseSummary(
        "at-rest", QUOTE, "security", "security.md", 14, "all", "substance", Verdict(one.verdict or "unproven"),
        Verdict(one.verdict or "unproven"), (), (), (), None,
    )  # fmt: skip
    return Result(manifest, findings, [promise], [], [], "upheld 1.0", "digest", 0)


@dataclass
class Told:
    """A ledger in a folder, and its outbox, as a configuration has it."""

    folder: Path
    configuration: Configuration
    time: Time = field(default_factory=Time)
    delivery: Delivery = field(init=False)

    def __post_init__(self) -> None:
        self.ledger, self.signer = begin(self.folder)
        self.delivery = Delivery(Outbox(self.ledger.database), senders(self.configuration), self.time.clock)

    def record(self, hour: float, verdicts: Mapping[str, str], exceptions: Mapping[str, Acceptance] | None = None) -> Recorded:
        one = run(hour, verdicts, gone)
        return self.ledger.append(one, self.signer, one.finished, {}, self.delivery.put(result_of(one), exceptions or {}))

    def deliver(self, after: int = 0) -> None:
        self.time.seconds += after
        self.delivery.once()


def configured(folder: Path, *sinks: str) -> Configuration:
    """An upheld.yaml with these entries of `agent.notify`."""
    file = folder / "upheld.yaml"
    entries = "".join(f"\n    - {one}" for one in sinks)
    file.write_text(f"schema: upheld.config/1\nagent:\n  notify:{entries}\n")
    return config.load(str(file), {})


def told(folder: Path, *sinks: str) -> Told:
    return Told(folder, configured(folder, *sinks))


def made(*steps: Mapping[str, str], folder: Path, exceptions: Mapping[str, Acceptance] | None = None) -> list[Event]:
    """The events of the last of some runs, an hour apart."""
    ledger, signer = begin(folder)
    held: list[Event] = []
    for hour, verdicts in enumerate(steps):
        one = run(hour, verdicts, gone)
        held = events(ledger.append(one, signer, one.finished, {}), result_of(one), exceptions or {})
    return held


def message(told_: Iterable[Event], **changes: Any) -> Message:
    return Message(**{"number": 1, "id": "f" * 32, "made": START, "attempts": 1, "events": tuple(told_), **changes})
