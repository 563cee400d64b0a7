"""From a result to the exit code: what a release pipeline acts on."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config import ConfigurationError
from agent.exits import BROKEN, UNPROVEN, UPHELD
from agent.publish.json_report import SCHEMA
from agent.publish.result import Result
from checks.lifecycle import ENDED
from checks.rule import SEVERITIES
from checks.summary import PromiseSummary
from checks.verdict import Verdict, combine

if TYPE_CHECKING:
    from agent.ledger.ledger import Recorded

_COUNT = re.compile(r"^[0-9]+ (?=of kind )")
_NO_SUBJECT, _UNVERIFIABLE = "nothing that it speaks of exists", "unverifiable"


@dataclass(frozen=True, slots=True)
class Known:
    """A finding as an earlier report has it: its verdict, what broke it, whether a person accepted it."""

    verdict: Verdict
    counterexample: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an earlier report knew: findings by id, and by promise what kept it from being proven apart from them."""

    findings: Mapping[str, Known]
    lacks: Mapping[str, frozenset[str]]


def recorded_baseline(recorded: Recorded) -> Baseline:
    """What the ledger knew before a run. What ended, or was never there, is new when it comes."""
    live = (one for one in recorded.before.values() if one.status not in ENDED)
    known = {one.id: Known(Verdict(one.status), one.counterexample, one.accepted is not None) for one in live}
    return Baseline(known, {name: frozenset(lacks) for name, lacks in recorded.lacks.items()})


def read_baseline(file: Path) -> Baseline:
    """The findings of an earlier JSON report. Raises ConfigurationError."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        if report["schema"] != SCHEMA:
            raise ConfigurationError(f"{file}: not a report of schema {SCHEMA}")
        return Baseline(
            {one["id"]: _known(one) for one in report["findings"]}, {promise["id"]: lacks_of(promise) for promise in report["promises"]}
        )
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{file}: not a JSON report of `upheld check --format json`") from error


def exit_code(result: Result, *, fail_on: str, severity: str, baseline: Baseline | None, strict: bool) -> int:
    """0, 1 or 3. Without narrowing options the answer is the promises' own; nothing judged is nothing proven, whatever fails."""
    if result.verdict() is None:
        return UNPROVEN
    if severity == SEVERITIES[0] and baseline is None:
        verdict = result.verdict(strict=strict)
    else:
        verdict = _narrowed(result, severity, baseline, strict=strict)
    if verdict is Verdict.BROKEN:
        return BROKEN
    if verdict is Verdict.UPHELD or fail_on == "broken":
        return UPHELD
    return UNPROVEN


def _narrowed(result: Result, severity: str, baseline: Baseline | None, *, strict: bool) -> Verdict | None:
    """Over the findings that count: severe enough, and with a baseline those that were not as bad in it."""
    wanted = SEVERITIES[SEVERITIES.index(severity) :]
    promises = {promise.id: promise for promise in result.promises}
    held: list[Verdict | None] = [Verdict.UPHELD]
    for promise in result.promises:
        lacks = lacks_of(dataclasses.asdict(promise)) - (baseline.lacks.get(promise.id, frozenset()) if baseline else frozenset())
        if lacks and (promise.verdict is not None or strict):
            held.append(Verdict.UNPROVEN)
    for finding in result.findings.records():
        if finding["severity"] not in wanted or (finding.get("accepted") and not strict):
            continue
        if baseline is None or _is_new(finding, baseline):
            held.append(_counted(finding, [promises[name] for name in finding["promises"]], strict=strict))
    return combine(held)


def _counted(finding: Mapping[str, Any], readers: list[PromiseSummary], *, strict: bool) -> Verdict | None:
    """What a finding says to its promises. It breaks none that is not broken: that one no longer says so, or not of this."""
    verdict = Verdict(finding["verdict"])
    if not readers:
        return verdict
    counting = [promise for promise in readers if strict or promise.verdict is not None]
    broken = [Verdict.BROKEN if promise.verdict is Verdict.BROKEN else Verdict.UNPROVEN for promise in counting]
    return combine(broken if verdict is Verdict.BROKEN else [verdict for _ in counting])


def _known(finding: Mapping[str, Any]) -> Known:
    return Known(Verdict(finding["verdict"]), _counterexample(finding), bool(finding.get("accepted")))


def _counterexample(finding: Mapping[str, Any]) -> str:
    return str(finding["evidence"].get("counterexample", ""))


def _is_new(finding: Mapping[str, Any], baseline: Baseline) -> bool:
    """Whether it is worse than in the baseline: a worse verdict, broken by something else, or no longer accepted."""
    known, verdict = baseline.findings.get(finding["id"]), Verdict(finding["verdict"])
    if known is None or combine([known.verdict, verdict]) is not known.verdict:
        return True
    if verdict is not Verdict.BROKEN:
        return known.accepted and verdict is Verdict.UNPROVEN
    return known.counterexample != _counterexample(finding) or (known.accepted and not finding.get("accepted"))


def lacks_of(promise: Mapping[str, Any]) -> frozenset[str]:
    """What keeps a promise from being proven, apart from its findings. Counts are left out: they change from day to day."""
    if promise["verdict"] is None:
        return frozenset({_UNVERIFIABLE})
    lacks = {_COUNT.sub("", lack) for lack in promise["missing"]}
    if all(control["verdict"] is None for control in promise["controls"]):
        lacks.add(_NO_SUBJECT)
    return frozenset(lacks)
