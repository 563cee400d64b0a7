"""`broken_if`: a rule over rows that says what must not stand in the log."""

from __future__ import annotations

from typing import Any

import pytest

from checks.document import DocumentError
from checks.logs.runtime import of_row
from checks.logs.source import question
from checks.logs.tables import TABLES
from tests.checks.logs.grammar import NOW
from tests.checks.logs.log_rules import make, row_by_row
from tests.checks.small import load

STOPPED = "row.event_source == 'cloudtrail.amazonaws.com' && row.event_name.matches(r'(?i)\\Astoplogging\\z')"
LINE = 14
"""Where `make` writes it: behind the examples."""
ROWS: list[tuple[dict[str, Any], str]] = [
    ({"event_source": "cloudtrail.amazonaws.com", "event_name": "StopLogging"}, "broken"),
    ({"event_source": "cloudtrail.amazonaws.com", "event_name": "StartLogging"}, "upheld"),
    ({"event_source": "s3.amazonaws.com"}, "upheld"),
    ({"event_source": "cloudtrail.amazonaws.com"}, "unproven"),
    ({"event_name": "StopLogging"}, "unproven"),
    ({}, "unproven"),
]


def test_what_it_describes_is_broken_what_it_does_not_is_upheld_and_what_cannot_be_told_is_unproven() -> None:
    rule = make(None, broken_if=STOPPED)
    rows, wanted = [row for row, _ in ROWS], [verdict for _, verdict in ROWS]
    assert [of_row(rule, TABLES["log.cloudtrail"], row, {}, NOW.isoformat())[0] for row in rows] == wanted
    assert row_by_row(rule, rows, {}) == wanted


def test_it_may_be_narrowed_to_a_population() -> None:
    rule = make(None, broken_if="row.event_name != 'ConsoleLogin'", applies_if="row.principal_type == 'Root'")
    rows = [{"principal_type": "Root", "event_name": "CreateUser"}, {"principal_type": "IAMUser", "event_name": "CreateUser"}]
    assert row_by_row(rule, rows, {}) == ["broken", "excluded"]


@pytest.mark.parametrize(
    ("broken_if", "problem"),
    [
        ("row.event_nam == 'StopLogging'", "no member 'event_nam'"),
        ("has(row.event_name)", "absent"),
        ("row.mfa) || (row.mfa", "Syntax error"),
        ("true", "decides whatever is seen"),
        ("row.event_name.matches(r'\\bStop')", "engines do not read alike"),
    ],
)
def test_every_other_trap_stays_closed(broken_if: str, problem: str) -> None:
    with pytest.raises(DocumentError) as error:
        make(None, broken_if=broken_if)
    assert problem in error.value.problem
    assert error.value.line == LINE


def test_a_comment_at_its_end_hides_nothing() -> None:
    assert row_by_row(make(None, broken_if="row.mfa // seen"), [{"mfa": True}, {"mfa": False}], {}) == ["broken", "upheld"]


def test_a_rule_says_what_is_good_or_what_is_bad() -> None:
    with pytest.raises(DocumentError, match="either `upheld_if` or `paths`"):
        make("row.mfa", broken_if="row.mfa")


def test_of_a_resource_a_rule_says_what_is_good() -> None:
    text = (
        "id: a-rule\ntitle: Title\ncontrol: mfa\nseverity: low\nresource: small.thing\nbroken_if: resource.Open\nremedy: None.\n"
        "examples: {upheld: [{}], broken: [{}], unproven: [{}]}\n"
    )
    with pytest.raises(DocumentError, match="`broken_if` is for rules with `rows`"):
        load(text)


def test_another_wording_is_another_question() -> None:
    asked = {question(make(None, broken_if=text), {}, NOW) for text in ("row.mfa", "row.read_only")}
    assert len(asked) == 2
