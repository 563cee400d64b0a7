"""One run's answer, as every format needs it: findings spooled to disk, all else counted as they pass."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from checks.age import Ages
from checks.model import Finding, Gap, Manifest
from checks.population import CloudPopulation
from checks.summary import PromiseSummary, RuleSummary
from checks.verdict import Verdict, combine
from checks.whereabouts import Whereabouts

if TYPE_CHECKING:
    from agent.ledger.ledger import Recorded


@dataclass(slots=True, weakref_slot=True)
class Findings:
    """Findings on their way out: each is written to a spool, so that memory does not grow with the estate."""

    counts: dict[str, int] = field(default_factory=lambda: {str(verdict): 0 for verdict in Verdict})
    accepted: int = 0
    examples: dict[tuple[str, str], dict[Verdict, Finding]] = field(default_factory=dict)
    """(promise id or "", rule id) -> of each verdict but upheld, the finding that takes the fewest words to see."""
    _spool: IO[str] = field(default_factory=lambda: tempfile.TemporaryFile("w+", encoding="ascii"))  # noqa: SIM115 - closed below

    def __post_init__(self) -> None:
        weakref.finalize(self, self._spool.close)

    def add(self, finding: Finding) -> None:
        self.counts[str(finding.verdict)] += 1
        self.accepted += finding.accepted is not None
        self._spool.write(json.dumps(finding_record(finding), sort_keys=True) + "\n")
        if finding.verdict is not Verdict.UPHELD:
            for reader in finding.promises or ("",):
                held = self.examples.setdefault((reader, finding.rule), {})
                held[finding.verdict] = min(held.get(finding.verdict, finding), finding, key=_size)

    def records(self) -> Iterator[dict[str, Any]]:
        self._spool.seek(0)
        for line in self._spool:
            yield json.loads(line)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(slots=True)
class Result:
    """Everything a report may say."""

    manifest: Manifest
    findings: Findings
    promises: Sequence[PromiseSummary]
    rules: Sequence[RuleSummary]
    gaps: Sequence[Gap]
    tool: str
    estate_digest: str
    calls: int
    """How many calls the estate's looks took: each page of a listing, and one for each resource and detail."""
    notes: list[str] = field(default_factory=list)
    logs: Sequence[Mapping[str, Any]] = ()
    """Of each log source, what was read, and of which hours it is known to be whole."""
    clouds: Sequence[CloudPopulation] = ()
    whereabouts: Whereabouts | None = None
    """What tells where findings of earlier runs went."""
    ages: Ages = field(default_factory=lambda: Ages({}))
    """How long what was looked at counts, from then on."""
    until: Mapping[str, datetime] = field(default_factory=dict)
    """Of each promise, up to when its verdict counts where nobody looks again."""
    recorded: Recorded | None = None
    """What the ledger says of the run, where it was recorded."""
    changes: Sequence[Mapping[str, str]] = ()
    """The events that the run has dealt with."""
    looked: Mapping[str, str] = field(default_factory=dict)
    """Finding -> of when the oldest look is that it rests on, where the run did not look at all of it; empty where there is none."""

    @property
    def examples(self) -> dict[tuple[str, str], dict[Verdict, Finding]]:
        return self.findings.examples

    @property
    def counts(self) -> dict[str, int]:
        return self.findings.counts

    @property
    def total(self) -> int:
        return self.findings.total

    @property
    def accepted(self) -> int:
        return self.findings.accepted

    @property
    def gap_count(self) -> int:
        return len(self.gaps)

    @property
    def idle(self) -> int:
        """Rules that looks show to apply to nothing."""
        return sum(rule.verdict is None for rule in self.rules)

    def verdict(self, *, strict: bool = False) -> Verdict | None:
        """The whole run's verdict: over the promises, and over the rules that were asked for beside them."""
        held: list[PromiseSummary | RuleSummary] = [*self.promises, *self.rules]
        found = combine((one.verdict if strict else one.open) for one in held)
        if found is None and any(one.verdict is not None for one in held):
            found = Verdict.UPHELD  # every finding is accepted
        if strict and any(promise.verdict is None for promise in self.promises):
            found = combine([found, Verdict.UNPROVEN])
        return found


def _size(finding: Finding) -> tuple[bool, int, str]:
    """How long a finding takes to read; one that a person accepts comes last."""
    return finding.accepted is not None, len(finding.explanation), finding.id


def gap_record(gap: Gap) -> dict[str, Any]:
    """A gap without the members that say nothing."""
    return {name: held for name, held in dataclasses.asdict(gap).items() if held is not None}


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding as it stands in the JSON report. Written out by hand: `dataclasses.asdict` copies every value read."""
    subject, evidence = finding.resource, finding.evidence
    held: dict[str, Any] = {
        "looks": evidence.looks,
        "values": evidence.values,
        "seen": evidence.seen,
        "gaps": [gap_record(gap) for gap in evidence.gaps],
        "assumptions": evidence.assumptions,
        "affected": evidence.affected,
        "counterexample": evidence.counterexample,
        "kind": evidence.kind,
    }
    record = {
        "id": finding.id,
        "rule": finding.rule,
        "control": finding.control,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "resource": {"type": subject.type, "id": subject.id, "account": subject.account, "region": subject.region},
        "promises": finding.promises,
        "evidence": {name: value for name, value in held.items() if value},
        "explanation": finding.explanation,
        "remedy": finding.remedy,
    }
    if finding.other_reading is not None:
        record["other_reading"] = {"reading": finding.other_reading.reading, "verdict": finding.other_reading.verdict}
    return record if finding.accepted is None else {**record, "accepted": finding.accepted}
