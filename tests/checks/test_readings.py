"""One sentence, two readings: the promise picks the one that counts, and the other is shown where it differs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.document import DocumentError
from checks.model import OtherReading
from checks.verdict import Verdict
from tests.checks.small import DISK, Answer, Builder, ask, load, make_promises, rule_text

RULE = """
id: size
title: The disk has the size that is promised
control: settings
severity: low
resource: aws.test.disk
upheld_if: resource.Size >= 100
literal_if: resource.Size == 100
show: [Size]
remedy: Mend it.
examples:
  upheld: [{Size: 100}]
  differing: [{Size: 200}]
  broken: [{Size: 50}]
  unproven: [{}]
"""
PROMISES = """
promises:
  - {id: plain, quote: Disks of 100 GB., controls: [{id: settings}]}
  - {id: exact, quote: Disks of exactly 100 GB., reading: literal, controls: [{id: settings}]}
"""


def answer(data: dict[str, Any], promises: str | None = PROMISES) -> Answer:
    builder = Builder().universe()
    builder.add(DISK, data)
    rules = [load(RULE)]
    return ask(builder.build(), rules, make_promises(promises, rules) if promises else None)


def told(found: Answer) -> dict[tuple[str, ...], tuple[str, OtherReading | None]]:
    return {finding.promises: (str(finding.verdict), finding.other_reading) for finding in found.findings}


def test_the_reading_of_the_promise_is_the_one_that_counts() -> None:
    found = answer({"DiskId": "d", "Size": 200})
    assert told(found) == {
        ("plain",): ("upheld", OtherReading("literal", Verdict.BROKEN)),
        ("exact",): ("broken", OtherReading("substance", Verdict.UPHELD)),
    }
    assert {promise.id: str(promise.controls[0].verdict) for promise in found.promises} == {"plain": "upheld", "exact": "broken"}


@pytest.mark.parametrize(("size", "verdict"), [(100, "upheld"), (50, "broken")])
def test_where_both_agree_nothing_is_said_of_another(size: int, verdict: str) -> None:
    assert set(told(answer({"DiskId": "d", "Size": size})).values()) == {(verdict, None)}


def test_what_is_unproven_is_so_in_either() -> None:
    assert set(told(answer({"DiskId": "d"})).values()) == {("unproven", None)}


def test_without_promises_the_substance_counts() -> None:
    assert told(answer({"DiskId": "d", "Size": 200}, None)) == {(): ("upheld", OtherReading("literal", Verdict.BROKEN))}


def test_findings_of_two_readings_are_two_findings_and_each_says_what_the_other_would_be() -> None:
    found = answer({"DiskId": "d", "Size": 200})
    assert len({finding.id for finding in found.findings}) == 2
    said = [finding.explanation for finding in found.findings]
    assert "The disk has the size that is promised. Read word for word, the promise is broken." in said
    records = {tuple(one["promises"]): one["other_reading"] for one in json.loads(found.json())["findings"]}
    assert records[("plain",)] == {"reading": "literal", "verdict": "broken"}


def test_a_promise_read_literally_is_the_same_finding_where_the_rule_has_one_reading() -> None:
    rules = [load(RULE.replace("literal_if: resource.Size == 100\n", "").replace("  differing: [{Size: 200}]\n", ""))]
    builder = Builder().universe()
    builder.add(DISK, {"DiskId": "d", "Size": 200})
    found = ask(builder.build(), rules, make_promises(PROMISES, rules))
    assert told(found) == {("plain", "exact"): ("upheld", None)}


@pytest.mark.parametrize(
    "text",
    [
        RULE.replace("  differing: [{Size: 200}]\n", ""),
        RULE.replace("literal_if: resource.Size == 100\n", ""),
        RULE.replace("literal_if: resource.Size == 100", "literal_if: resource.Size != 100"),
        RULE.replace("literal_if: resource.Size == 100", "literal_if: resource.Bulk == 100"),
    ],
)
def test_a_reading_without_an_example_where_it_differs_or_that_lets_the_unknown_pass_does_not_load(text: str) -> None:
    with pytest.raises(DocumentError):
        load(text)


def test_a_rule_has_one_reading_unless_it_says_otherwise() -> None:
    assert load(rule_text("resource.Encrypted")).literal_if is None
