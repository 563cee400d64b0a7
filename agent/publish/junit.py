"""Promises as JUnit XML, a test case each, for whatever shows test results: Jenkins, GitLab, Azure Pipelines.

A broken promise is a failure, an unproven one an error: it was not found to be wrong, and it was not found to be right. What nobody
can verify, and what a person accepts, is skipped. Without promises each rule is a case. The format has no standard; this keeps to
what Jenkins' schema (junit-10.xsd of its xUnit plugin) has in common with others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from agent.publish.printable import printable
from agent.publish.result import Result
from agent.publish.text import coverage
from checks.summary import PromiseSummary, RuleSummary
from checks.verdict import Verdict

_ELEMENTS = {"broken": "failure", "unproven": "error", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Case:
    """A test case. `outcome` is None for one that passed; `lines` say why it did not."""

    suite: str
    name: str
    outcome: str | None
    lines: tuple[str, ...]
    file: str | None = None
    line: int | None = None


def chunks(result: Result) -> Iterator[str]:
    """The report's text, piece by piece."""
    cases = [*(_promise(promise, result) for promise in result.promises), *(_rule(rule, result) for rule in result.rules)]
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="upheld" {_counts(cases)}>\n'
    for name in dict.fromkeys(case.suite for case in cases):
        held = [case for case in cases if case.suite == name]
        stamp = result.manifest.finished.partition(".")[0].removesuffix("Z").removesuffix("+00:00")
        yield f'  <testsuite name={_attribute(name)} timestamp={_attribute(stamp)} time="0" {_counts(held)}>\n'
        for case in held:
            yield from _case(case)
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _counts(cases: Sequence[Case]) -> str:
    count = {outcome: sum(case.outcome == outcome for case in cases) for outcome in _ELEMENTS}
    return f'tests="{len(cases)}" failures="{count["broken"]}" errors="{count["unproven"]}" skipped="{count["skipped"]}"'


def _case(case: Case) -> Iterator[str]:
    place = f" file={_attribute(case.file)}" if case.file else ""
    place += f' line="{case.line}"' if case.file and case.line else ""
    opening = f'    <testcase classname={_attribute(case.suite)} name={_attribute(case.name)} time="0"{place}'
    if case.outcome is None:
        yield f"{opening}/>\n"
        return
    element, text = _ELEMENTS[case.outcome], "\n".join(case.lines)
    kind = "" if case.outcome == "skipped" else f' type="{case.outcome}"'
    yield f"{opening}>\n      <{element}{kind} message={_attribute(case.lines[0])}>{escape(text)}</{element}>\n    </testcase>\n"


def _promise(promise: PromiseSummary, result: Result) -> Case:
    name, suite = f"{promise.id}: {' '.join(promise.quote.split())}", promise.policy or "promises"
    rules = [rule for control in promise.controls for rule in control.rules]
    if promise.unverifiable is not None:
        outcome, lines = "skipped", [printable(promise.unverifiable)]
    elif promise.open is not promise.verdict and promise.open is Verdict.UPHELD:
        outcome, lines = "skipped", ["broken, and accepted", *_told(rules, result, promise.id)]
    else:
        outcome = str(promise.open)
        lines = [*_told(rules, result, promise.id), *(f"not seen: {printable(lack)}" for lack in promise.missing)]
    passed = outcome == Verdict.UPHELD
    return Case(suite, name, None if passed else outcome, tuple(lines or ["nothing that it speaks of exists"]), promise.file, promise.line)


def _rule(rule: RuleSummary, result: Result) -> Case:
    """A rule that no promise binds. One that applies to nothing is skipped."""
    lines = list(_told([rule], result, ""))
    if rule.verdict is None:
        return Case("rules", rule.rule, "skipped", ("not applicable: looked, and found nothing to judge",))
    if rule.open in {None, Verdict.UPHELD}:
        return Case("rules", rule.rule, None if rule.verdict is Verdict.UPHELD else "skipped", tuple(lines or ["accepted"]))
    return Case("rules", rule.rule, str(rule.open), tuple(lines or [coverage(rule)]))


def _told(rules: Sequence[RuleSummary], result: Result, promise: str) -> Iterator[str]:
    """Of each rule that does not hold, the finding that takes the fewest words to see, and what to do."""
    for verdict in (Verdict.BROKEN, Verdict.UNPROVEN):
        for rule in rules:
            finding = result.examples.get((promise, rule.rule), {}).get(verdict)
            if finding is None or rule.verdict in {None, Verdict.UPHELD}:
                continue
            yield printable(
                f"{verdict}: {finding.resource.id} in {finding.resource.account}/{finding.resource.region}: {finding.explanation}"
            )
            if finding.accepted:
                yield printable(f"  accepted by {finding.accepted}")
            if verdict is Verdict.BROKEN:
                yield printable(f"  do: {finding.remedy}")
            yield f"  {coverage(rule)} [{printable(rule.rule)}]"


def _attribute(text: str) -> str:
    return quoteattr(printable(text))
