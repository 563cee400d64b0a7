"""Sigma's values as patterns: any case, wildcards, and nothing in a text that means something to a regular expression."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from sigma.conditions import ConditionFieldEqualsValueExpression

from agent.sigma.values import NotImported, pattern, samples
from checks.logs.pattern import portable
from tests.agent.sigma.detections import sigma

ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)


def values(item: str) -> list:
    """The values of one item of a detection, as YAML."""
    tree = sigma(f"{{s: {{{item}}}, condition: s}}").detection.parsed_condition[0].parsed
    leaves = [tree] if isinstance(tree, ConditionFieldEqualsValueExpression) else tree.args
    return [leaf.value for leaf in leaves]


@pytest.mark.parametrize(
    ("item", "written"),
    [
        ("a: DeleteTrail", r"(?i)\ADeleteTrail\z"),
        ("a: [StopLogging, DeleteTrail]", r"(?i)\A(?:StopLogging|DeleteTrail)\z"),
        ("a|contains: S3 Browser", r"(?i)S3 Browser"),
        ("a|startswith: s3.", r"(?i)\As3\."),
        ("a|endswith: [/WRITE, /DELETE]", r"(?i)(?:/WRITE|/DELETE)\z"),
        ("a: 'Put*Policy'", r"(?is)\APut.*Policy\z"),
        ("a: 'v?'", r"(?is)\Av.\z"),
        (r"a: 'v\?'", r"(?i)\Av\?\z"),
        ("a: [Get*, Put]", r"(?i)\AGet|\APut\z"),
        ("a: '*'", r"(?i)\A"),
        ("a: ''", r"(?i)\A\z"),
        ("a: 4625", r"(?i)\A4625\z"),
        ("a|cased: Root", r"\ARoot\z"),
        (r"a|re: 'ab+\.c$'", r"ab+\.c$"),
        ("a|re|i: abc", r"(?i)abc"),
        (r"a: 'C:\Device'", r"(?i)\AC:\x{5c}Device\z"),
        ("a: [it's, 'x']", r"(?i)\A(?:it\x{27}s|x)\z"),
    ],
)
def test_a_value_is_a_pattern(item: str, written: str) -> None:
    assert pattern(values(item)) == written
    assert portable(written)


@given(ASCII)
def test_a_text_matches_itself_in_any_case_and_nothing_else(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("*", r"\*").replace("?", r"\?")
    written = pattern(values(f"a: {yaml_text(escaped)}"))
    for pattern_ in (written, portable(written)):
        assert re2.search(pattern_, text.swapcase())
        assert not re2.search(pattern_, f"{text}.")
        assert not re2.search(pattern_, f"x{text}")


def yaml_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("a|expand: '%admins%'", "a placeholder"),
        ("a|fieldref: b", "like another field"),
        ("a|gt: 3", "less or more"),
        ("a|cidr: 10.0.0.0/8", "in a network"),
    ],
)
def test_what_is_no_pattern_says_what_it_is(item: str, reason: str) -> None:
    with pytest.raises(NotImported, match=reason):
        pattern(values(item))


def test_a_case_that_the_table_does_not_keep_cannot_be_asked_for() -> None:
    with pytest.raises(NotImported, match="in lower case"):
        pattern(values("a|cased: Write"), folded=True)
    assert pattern(values("a|re: WRITE"), folded=True) == "(?i)WRITE"


@pytest.mark.parametrize(
    "expression",
    [
        ".+:assumed-role/aws:.+", "^(Create|Delete)User$", r"^i-[0-9a-f]{8}", r"\d+\.\d+", "(?i)root", r"a\\b", "x{2,3}y?",
    ],
)  # fmt: skip
def test_a_regular_expression_has_a_text_that_it_matches(expression: str) -> None:
    wanted = values(f"a|re: {yaml_text(expression)}")
    ((sample),) = samples(wanted)
    if expression not in {r"^i-[0-9a-f]{8}", "x{2,3}y?"}:  # how often is not counted: the examples would not hold, and it says so
        assert re2.search(expression, sample)
