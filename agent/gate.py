"""From a result to the exit code: what a release pipeline acts on."""

from __future__ import annotations

import json
from pathlib import Path

from agent.cli import BROKEN, UNPROVEN, UPHELD
from agent.config import ConfigurationError
from agent.publish.json_report import SCHEMA
from agent.publish.result import Result
from checks.rule import SEVERITIES
from checks.verdict import Verdict, combine

Baseline = dict[str, str]
"""Finding id -> the verdict it had."""


def read_baseline(file: Path) -> Baseline:
    """The findings of an earlier JSON report. Raises ConfigurationError."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        if report["schema"] != SCHEMA:
            raise ConfigurationError(f"{file}: not a report of schema {SCHEMA}")
        return {finding["id"]: finding["verdict"] for finding in report["findings"]}
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{file}: not a JSON report of `upheld check --format json`") from error


def exit_code(result: Result, *, fail_on: str, severity: str, baseline: Baseline | None, strict: bool) -> int:
    """0, 1 or 3. Without narrowing options the answer is the promises' own; nothing judged is nothing proven."""
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
    held: list[Verdict | None] = [Verdict.UPHELD] if result.total else []
    held += [Verdict.UNPROVEN for promise in result.promises if promise.missing and baseline is None]
    for finding in result.findings.records():
        if finding["severity"] not in wanted or (finding.get("accepted") and not strict):
            continue
        if baseline is None or baseline.get(finding["id"]) != finding["verdict"]:
            held.append(Verdict(finding["verdict"]))
    return combine(held)
