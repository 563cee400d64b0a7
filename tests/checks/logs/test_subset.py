"""What does not compile does not load, and says where."""

from __future__ import annotations

import pytest

from checks.document import DocumentError
from tests.checks.logs.log_rules import make

PARAMS = {"names": {"type": "list", "default": ["a"]}, "name": {"type": "string", "default": "a"}, "most": {"type": "int", "default": 1}}

REFUSED = {
    "a misspelt column": ("row.mfa_used", "no member 'mfa_used'"),
    "a column of where a row stands": ("row.line == 1", "no member 'line'"),
    "another subject": ("resource.mfa", "resource cannot be used"),
    "the place of a resource": ("row.account == account", "account cannot be used"),
    "another resource": ("lookup('aws.ec2.vpc', 'a') == null", "nobody collects"),
    "has": ("has(row.mfa)", "absence decide"),
    "a deny-list": ("row.event_name != 'StopLogging'", "every unknown value pass"),
    "a negated list": ("!(row.event_name in ['StopLogging'])", "lets every unknown value pass"),
    "null": ("row.mfa == null", "never null"),
    "arithmetic": ("size(row.user_name) + 1 == 2", "not part of what rules over rows may use"),
    "a distance between columns": ("timestamp(row.time) - timestamp(row.time) < duration('1h')", "arithmetic"),
    "a sum of times": ("timestamp(row.time) + duration('1h') < now", "not part"),
    "another type": ("row.user_name == 1", "is not"),
    "a floating number": ("row.mfa == true && params.most == 1.0", "a constant is a text"),
    "a text in a list of numbers": ("row.user_name in [1]", "is not"),
    "an order of texts": ("row.user_name < 'b'", "has no order"),
    "an address as text": ("row.source == '10.0.0.1'", "cidrs_within"),
    "an address in a list": ("row.source in ['10.0.0.1']", "a text or an integer can be looked for"),
    "a network that is none": ("cidrs_within([row.source], ['10.0.0.0/33'])", "not an IP address or CIDR"),
    "no address": ("cidrs_within([row.user_name], ['10.0.0.0/8'])", "a address is wanted"),
    "two addresses": ("cidrs_within([row.source, row.source], ['10.0.0.0/8'])", "with one column"),
    "a pattern that is none": ("row.user_name.matches('(')", "missing )"),
    "a pattern of a promise": ("row.user_name.matches(params.name)", "must stand in the rule"),
    "a column in a column": ("row.user_name.contains(row.account)", "holds where that is the empty text"),
    "a time without timestamp": ("row.time < now", "timestamp(time)"),
    "a moment finer than the table": ("timestamp(row.time) < timestamp('2026-03-01T12:00:00.0000005Z')", "finer than the microseconds"),
    "a distance finer than the table": ("now - timestamp(row.time) < duration('1ns')", "finer than the microseconds"),
    "a text read as a time": ("timestamp(row.user_name) < now", "a column that is a time"),
    "a text read as a number": ("int(row.user_name) == 1", "not part"),
    "a text built": ("row.user_name + 'x' == 'ax'", "not part"),
    "a list of columns": ("row.user_name in [row.account, 'a']", "only constants"),
    "a macro": ("[row.user_name].all(x, x == 'a')", "a row has no lists"),
    "an index": ("row['mfa'] == true", "not part"),
    "a helper for documents": ("policy_allows_everyone(row.request)", ""),
    "branches of two types": ("(row.mfa ? row.user_name : 1) == 'a'", "both branches are of one type"),
    "a text for a truth": ("row.user_name", "not a truth value"),
    "what decides unseen": ("true || row.mfa", "decides whatever is seen"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_outside_the_subset_does_not_load(name: str) -> None:
    condition, problem = REFUSED[name]
    with pytest.raises(DocumentError) as error:
        make(condition, params=PARAMS)
    assert problem in error.value.problem
    assert (error.value.file, error.value.line) == ("rule.yaml", 6)


LINES = {"rows": 5, "show": 16, "group_by": 16, "examples": 10}


@pytest.mark.parametrize(
    ("key", "more", "problem"),
    [
        ("rows", {"rows": "log.cloudtrial"}, "there is no table"),
        ("group_by", {"group_by": ["principle"]}, "no column 'principle'"),
        ("show", {"show": ["request"]}, "free text"),
        ("examples", {"examples": {"upheld": [{"mfa": "yes"}], "broken": [{}], "unproven": [{}]}}, "'yes' is not"),
        ("examples", {"examples": {"upheld": [{"mfaa": True}], "broken": [{}], "unproven": [{}]}}, "no column 'mfaa'"),
        ("examples", {"examples": {"upheld": [{"time": "2026-01-01T00:00:00"}], "broken": [{}], "unproven": [{}]}}, "without an offset"),
        ("examples", {"examples": {"upheld": [{"source": "10.0.0"}], "broken": [{}], "unproven": [{}]}}, "source"),
        ("resource", {"resource": "aws.ec2.vpc"}, "either a `resource` or `rows`"),
        ("literal_if", {"literal_if": "row.mfa"}, "beside `rows`"),
    ],
)
def test_what_a_rule_says_beside_its_condition_is_held_against_its_table(key: str, more: dict[str, object], problem: str) -> None:
    with pytest.raises(DocumentError) as error:
        make("row.mfa", **more)  # type: ignore[arg-type]
    assert problem in error.value.problem
    assert error.value.line == LINES.get(key, 1)


def test_what_applies_may_be_said_by_what_is_left_out() -> None:
    assert make("row.mfa", applies_if="row.event_type != 'AwsServiceEvent'").terms is not None
