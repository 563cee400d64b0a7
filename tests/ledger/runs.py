"""Runs for the ledger, made of a few words: finding -> verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.ledger.database import connect
from agent.ledger.evidence import Evidence
from agent.ledger.ledger import Ledger, Recorded
from agent.ledger.run_record import Run, moment
from agent.ledger.signing import Signer, own_signer
from agent.ledger.verify import Verification, verify
from checks.lifecycle import Ending, Known, Status
from checks.model import digest

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def at(hour: float) -> str:
    return moment((BEGIN + timedelta(hours=hour)).isoformat())


def record(name: str, verdict: str, counterexample: str = "", accepted: str | None = None) -> dict[str, Any]:
    """A finding as the JSON report has it; `name` is its resource."""
    held: dict[str, Any] = {
        "id": digest(name),
        "rule": "aws-ebs-volume-encrypted",
        "control": "encryption-at-rest",
        "verdict": verdict,
        "severity": "high",
        "resource": {"type": "aws.ec2.volume", "id": name, "account": "111122223333", "region": "eu-central-1"},
        "promises": ["at-rest"],
        "evidence": {"values": {"Encrypted": verdict == "upheld"}, **({"counterexample": counterexample} if counterexample else {})},
        "explanation": f"EBS volume is encrypted at rest: {verdict} {counterexample}.",
        "remedy": "Turn it on.",
    }
    return held if accepted is None else {**held, "accepted": accepted}


def unlooked(_: Known) -> Ending | None:
    return None


def gone(_: Known) -> Ending | None:
    return Ending(Status.GONE, "DescribeVolumes listed all there is, and it is not there")


def run(
    hour: float, verdicts: Mapping[str, str], absent: Callable[[Known], Ending | None] = unlooked, *, partial: bool = False,
    age: timedelta = 2 * DAY, part: str = "", **told: Any,
) -> Run:  # fmt: skip
    """A run of an hour: what it found of each resource. What is broken is so by `verdict:counterexample`."""
    findings = []
    for name, verdict in verdicts.items():
        word, _, counterexample = verdict.partition(":")
        findings.append(record(name, word, counterexample or ("c1" if word == "broken" else "")))
    words = {one["verdict"] for one in findings}
    worst = next((word for word in ("broken", "unproven", "upheld") if word in words), None)
    policies = told.pop("policies", {"security": "a" * 64})
    return Run(
        digest(hour, [canonical["id"] + canonical["explanation"] for canonical in findings], partial, *([part] if part else [])),
        at(hour),
        worst,
        [{"id": "at-rest", "verdict": worst, "open": worst, "lacks": [], "until": at(hour + age / HOUR)}],
        [
            {
                "promise": "at-rest",
                "control": 0,
                "rule": "aws-ebs-volume-encrypted",
                "known": len(findings),
                "seen": len(findings),
                "gaps": 0,
            }
        ],
        {"tool": "upheld", "estate": "e" * 32, "rules": "b" * 64, "policies": policies, **told},
        lambda: iter(findings),
        absent,
        partial,
        age=lambda _: int(age.total_seconds()),
        part=part,
    )


def begin(folder: Path, url: str | None = None) -> tuple[Ledger, Signer]:
    """A ledger in a folder, and its key."""
    signer = own_signer(folder, make=True)
    assert signer is not None
    return Ledger(connect(url, folder), folder), signer


def append(ledger: Ledger, signer: Signer, one: Run, evidence: Mapping[str, Any] | None = None) -> Recorded:
    return ledger.append(one, signer, one.finished, evidence or {})


def verified(ledger: Ledger, signer: Signer, *, evidence: Evidence | None = None) -> Verification:
    anchor = ledger.anchor()
    with ledger.database.reading() as connection:
        return verify(connection, signer.verifier, {"the state directory": anchor} if anchor else {}, evidence)


HISTORY: list[tuple[float, dict[str, str]]] = [
    (0, {"vol-a": "broken", "vol-b": "upheld", "vol-c": "unproven"}),
    (1, {"vol-a": "upheld", "vol-b": "upheld", "vol-c": "upheld"}),
    (2, {"vol-a": "upheld", "vol-b": "broken:c2"}),
    (3, {"vol-a": "broken", "vol-b": "broken:c3", "vol-d": "upheld"}),
    (4, {"vol-a": "unproven", "vol-b": "broken:c3", "vol-d": "upheld"}),
]
"""Five runs in which everything happens; what a run has no word of is gone."""


def fill(ledger: Ledger, signer: Signer) -> None:
    for hour, verdicts in HISTORY:
        append(ledger, signer, run(hour, verdicts, gone))
