"""What a release pipeline acts on: the exit code, and what narrows it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agent import gate
from agent.config import ConfigurationError
from checks.promise import Acceptance
from checks.rule import Rule
from checks.summary import Text
from checks.verdict import Verdict
from tests.checks.small import BUCKET, DISK, KEY, Answer, Builder, ask, make_promises, make_rule

QUOTE = "All customer data is encrypted at rest."
VERIFIABLE = f"{{id: at-rest, policy: security, quote: {QUOTE}, controls: [{{id: encryption}}]}}"
SETTINGS = "{id: settings, quote: Our settings are sound., controls: [{id: settings}]}"
UNVERIFIABLE = "{id: trained-staff, quote: Our staff are trained., unverifiable: Training leaves no trace.}"
FAIL_ON = ("broken", "unproven")
UPHELD, BROKEN, UNPROVEN = 0, 1, 3


@cache
def rules() -> tuple[Rule, ...]:
    return (
        make_rule("resource.Encrypted", id="disk-encrypted", control="encryption", extra="show: [State]"),
        make_rule("resource.Manager == 'us'", id="key-ours", resource=KEY),
    )


def promised(*promises: str) -> Any:
    text = "\n".join(f"  - {promise}" for promise in promises)
    return make_promises(f"policies: [{{id: security, file: security.md}}]\npromises:\n{text}\n")


def shop(*, encrypted: bool | None = True, manager: str | None = None, kinds: Iterable[str] = ("Disk",)) -> Builder:
    """A disk that is encrypted, or is not, or does not tell; and a key with a manager, if one is given."""
    builder = Builder().universe(kinds=dict.fromkeys(kinds, 1))
    builder.add(DISK, {"DiskId": "disk", "State": "in-use", **({} if encrypted is None else {"Encrypted": encrypted})})
    if manager:
        builder.add(KEY, {"KeyId": "key", "Manager": manager})
    return builder


def run(builder: Builder, *promises: str, accept: bool = False, expires: str = "2027-05-01", text: str | None = QUOTE) -> Answer:
    """A run; with `accept`, a person accepts whatever is broken."""
    held = promised(*promises) if promises else None
    texts = {"security": Text(text, "no such file")}
    answer = ask(builder.build(), rules(), held, texts=texts)
    if not accept:
        return answer
    broken = [one for one in answer.findings if one.verdict is Verdict.BROKEN]
    exceptions = {
        one.id: Acceptance(finding=one.id, owner="cto", reason="r", expires=expires, digest=one.evidence.counterexample) for one in broken
    }
    return ask(builder.build(), rules(), held, texts=texts, exceptions=exceptions)


def code(answer: Answer, **options: Any) -> int:
    return gate.exit_code(
        answer.result, **{"fail_on": "unproven", "severity": "informational", "baseline": None, "strict": False, **options}
    )


def baseline(folder: Path, answer: Answer) -> gate.Baseline:
    """What is read back of the report of a run."""
    file = folder / "baseline.json"
    file.write_text(answer.json())
    return gate.read_baseline(file)


@pytest.mark.parametrize(
    ("builder", "promises", "accept", "codes"),
    [
        # codes: --fail-on broken, --fail-on unproven; then both with --strict
        pytest.param(shop(), [VERIFIABLE], False, (0, 0, 0, 0), id="upheld"),
        pytest.param(shop(encrypted=False), [VERIFIABLE], False, (1, 1, 1, 1), id="broken"),
        pytest.param(shop(encrypted=None), [VERIFIABLE], False, (0, 3, 0, 3), id="unproven"),
        pytest.param(shop(encrypted=False), [VERIFIABLE], True, (0, 0, 1, 1), id="accepted"),
        pytest.param(shop(encrypted=None, manager="them"), [VERIFIABLE, SETTINGS], False, (1, 1, 1, 1), id="broken-beside-unproven"),
        pytest.param(shop(encrypted=None, manager="them"), [VERIFIABLE, SETTINGS], True, (0, 3, 1, 1), id="accepted-beside-unproven"),
        pytest.param(shop(), [VERIFIABLE, UNVERIFIABLE], False, (0, 0, 0, 3), id="unverifiable-beside-upheld"),
        pytest.param(shop(encrypted=False), [VERIFIABLE, UNVERIFIABLE], False, (1, 1, 1, 1), id="unverifiable-beside-broken"),
        pytest.param(shop(encrypted=False), [VERIFIABLE, UNVERIFIABLE], True, (0, 0, 1, 1), id="unverifiable-beside-accepted"),
        pytest.param(shop(), [UNVERIFIABLE], False, (3, 3, 3, 3), id="nothing-but-unverifiable"),
        pytest.param(shop(), [SETTINGS], False, (0, 3, 0, 3), id="nothing-to-judge-it-by"),
        pytest.param(shop(kinds=["Disk", "Tape"]), [VERIFIABLE], False, (0, 3, 0, 3), id="a-kind-nobody-judges"),
        pytest.param(shop(), [], False, (0, 0, 0, 0), id="all-rules-upheld"),
        pytest.param(shop(encrypted=False), [], False, (1, 1, 1, 1), id="all-rules-broken"),
        pytest.param(shop(encrypted=None), [], False, (0, 3, 0, 3), id="all-rules-unproven"),
        pytest.param(shop(encrypted=False), [], True, (0, 0, 1, 1), id="all-rules-accepted"),
        pytest.param(Builder(), [], False, (3, 3, 3, 3), id="nothing-judged-at-all"),
    ],
)
def test_the_exit_code_of_a_run(builder: Builder, promises: list[str], accept: bool, codes: tuple[int, ...]) -> None:
    answer = run(builder, *promises, accept=accept)
    assert tuple(code(answer, fail_on=fail_on, strict=strict) for strict in (False, True) for fail_on in FAIL_ON) == codes


@pytest.mark.parametrize("narrowest", ["informational", "high", "critical"])
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("accept", [False, True])
def test_narrowing_never_makes_it_worse(narrowest: str, strict: bool, accept: bool, tmp_path: Path) -> None:
    worse = {UPHELD: 0, UNPROVEN: 1, BROKEN: 2}
    for encrypted, manager, text in itertools.product((True, False, None), ("us", "them", None), (QUOTE, "Something else.", None)):
        answer = run(shop(encrypted=encrypted, manager=manager), VERIFIABLE, SETTINGS, UNVERIFIABLE, accept=accept, text=text)
        whole = code(answer, strict=strict)
        known = baseline(tmp_path, run(shop(manager="us"), VERIFIABLE, SETTINGS, UNVERIFIABLE))
        for narrow in (code(answer, strict=strict, severity=narrowest), code(answer, strict=strict, severity=narrowest, baseline=known)):
            assert worse[narrow] <= worse[whole], (encrypted, manager, text)


@pytest.mark.parametrize(("narrowest", "expected"), [("low", 1), ("high", 1), ("critical", 0)])
def test_only_what_is_severe_enough_counts(narrowest: str, expected: int) -> None:
    assert code(run(shop(encrypted=False), VERIFIABLE), severity=narrowest) == expected
    assert code(run(shop(encrypted=False)), severity=narrowest) == expected


@pytest.mark.parametrize("narrowest", ["low", "critical"])
def test_severity_hides_no_part_of_the_universe_no_lost_sentence_and_no_promise_about_nothing(narrowest: str) -> None:
    unread = run(shop(kinds=["Tape"]), VERIFIABLE)
    changed = run(shop(), VERIFIABLE, text="Nothing is promised.")
    nothing = run(shop(), VERIFIABLE, SETTINGS)
    assert [code(one, severity=narrowest) for one in (unread, changed, nothing)] == [UNPROVEN] * 3
    assert code(run(shop(), VERIFIABLE, UNVERIFIABLE), severity=narrowest) == UPHELD
    assert code(run(shop(), VERIFIABLE, UNVERIFIABLE), severity=narrowest, strict=True) == UNPROVEN


def test_accepted_findings_count_when_strict_however_narrow_the_gate() -> None:
    answer = run(shop(encrypted=False), VERIFIABLE, accept=True)
    assert (code(answer, severity="high"), code(answer, severity="high", strict=True)) == (UPHELD, BROKEN)


def test_a_sentence_that_is_no_longer_published_cannot_be_broken() -> None:
    answer = run(shop(encrypted=False), VERIFIABLE, text="Nothing is promised.")
    assert (code(answer), code(answer, severity="high"), code(answer, fail_on="broken")) == (UNPROVEN, UNPROVEN, UPHELD)


@pytest.mark.parametrize("fail_on", ["new", "unproven"])
def test_what_stands_in_the_baseline_is_not_new(tmp_path: Path, fail_on: str) -> None:
    for builder in (shop(encrypted=False), shop(encrypted=None), shop(kinds=["Tape"])):
        answer = run(builder, VERIFIABLE, SETTINGS, UNVERIFIABLE)
        assert code(answer) != UPHELD
        assert code(answer, fail_on=fail_on, baseline=baseline(tmp_path, answer)) == UPHELD
        assert code(answer, fail_on=fail_on, baseline=baseline(tmp_path, answer), strict=True) == UPHELD


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (shop(), shop(encrypted=False), BROKEN),
        (shop(), shop(encrypted=None), UNPROVEN),
        (shop(encrypted=None), shop(encrypted=False), BROKEN),
        (shop(encrypted=False), shop(encrypted=None), UPHELD),
        (shop(encrypted=False), shop(encrypted=False, manager="them"), UPHELD),
        (shop(), shop(kinds=["Disk", "Tape"]), UNPROVEN),
        (shop(kinds=["Disk", "Tape"]), shop(kinds=["Disk", "Tape", "Bucket"]), UNPROVEN),
    ],
)
def test_what_is_worse_than_the_baseline_counts(before: Builder, after: Builder, expected: int, tmp_path: Path) -> None:
    known = baseline(tmp_path, run(before, VERIFIABLE))
    assert code(run(after, VERIFIABLE), fail_on="new", baseline=known) == expected


def test_a_count_that_changes_is_nothing_new(tmp_path: Path) -> None:
    def tapes(count: int) -> Builder:
        builder = Builder().universe(kinds={"Disk": 1, "Tape": count})
        builder.add(DISK, {"DiskId": "disk", "Encrypted": True, "State": "in-use"})
        return builder

    known = baseline(tmp_path, run(tapes(17), VERIFIABLE))
    assert code(run(tapes(18), VERIFIABLE), fail_on="new", baseline=known) == UPHELD


def test_another_fault_on_the_same_resource_is_new(tmp_path: Path) -> None:
    known = baseline(tmp_path, run(shop(manager="them"), SETTINGS))
    assert code(run(shop(manager="them"), SETTINGS), fail_on="new", baseline=known) == UPHELD
    assert code(run(shop(manager="nobody"), SETTINGS), fail_on="new", baseline=known) == BROKEN


def test_a_finding_that_nobody_accepts_any_more_is_new(tmp_path: Path) -> None:
    builder = shop(encrypted=False)
    known = baseline(tmp_path, run(builder, VERIFIABLE, accept=True))
    assert code(run(builder, VERIFIABLE, accept=True), fail_on="new", baseline=known) == UPHELD
    assert code(run(builder, VERIFIABLE, accept=True), fail_on="new", baseline=known, strict=True) == UPHELD
    assert code(run(builder, VERIFIABLE, accept=True, expires="2026-11-19"), fail_on="new", baseline=known) == BROKEN


def test_a_promise_that_the_baseline_does_not_know_is_new(tmp_path: Path) -> None:
    known = baseline(tmp_path, run(shop(kinds=["Tape"]), SETTINGS))
    assert code(run(shop(kinds=["Tape"]), VERIFIABLE, SETTINGS), fail_on="new", baseline=known) == UNPROVEN
    assert code(run(shop(), SETTINGS, UNVERIFIABLE), fail_on="new", baseline=known, strict=True) == UNPROVEN


def test_a_baseline_narrows_findings_without_promises_too(tmp_path: Path) -> None:
    known = baseline(tmp_path, run(shop(encrypted=False)))
    assert code(run(shop(encrypted=False)), fail_on="new", baseline=known) == UPHELD
    assert code(run(shop(encrypted=False, manager="them")), fail_on="new", baseline=known) == BROKEN
    assert code(ask(Builder().build(), []), fail_on="new", baseline=known) == UNPROVEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "7",
        '{"schema": "upheld.findings/2", "findings": [], "promises": []}',
        '{"schema": "upheld.findings/1"}',
        '{"schema": "upheld.findings/1", "findings": [{}], "promises": []}',
        '{"schema": "upheld.findings/1", "findings": [{"id": "1", "verdict": "fine", "evidence": {}}], "promises": []}',
        '{"schema": "upheld.findings/1", "findings": [{"id": "1", "verdict": "broken", "evidence": []}], "promises": []}',
        '{"schema": "upheld.findings/1", "findings": [], "promises": [7]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_report_is_one_clear_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"baseline\.json: not a (JSON )?report of"):
        gate.read_baseline(file)


def test_a_baseline_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.json: cannot be read: No such file"):
        gate.read_baseline(tmp_path / "nowhere.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ConfigurationError, match="not a JSON report"):
        gate.read_baseline(tmp_path / "bytes.json")


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    answer = run(shop(encrypted=False), VERIFIABLE, UNVERIFIABLE, accept=True)
    held = baseline(tmp_path, answer)
    written = json.loads(answer.json())
    assert set(held.findings) == {one["id"] for one in written["findings"]}
    assert [(known.verdict, known.accepted) for known in held.findings.values()] == [(Verdict.BROKEN, True)]
    assert held.lacks == {"at-rest": frozenset(), "trained-staff": frozenset({"unverifiable"})}
    assert BUCKET not in {one["resource"]["type"] for one in written["findings"]}
