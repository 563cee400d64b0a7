"""The arithmetic under the helpers: ranges of integers, and patterns within patterns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.functions.globs import covers, covers_resource
from checks.functions.ranges import Ranges, intersect, merge, size, subtract

ranges = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (min(pair), max(pair))), max_size=6)


def members(of: Ranges) -> set[int]:
    return {number for first, last in of for number in range(first, last + 1)}


@given(ranges, ranges)
def test_range_arithmetic_is_set_arithmetic(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    one, other = merge(left), merge(right)
    assert members(one) == members(tuple(left))
    assert members(intersect(one, other)) == members(one) & members(other)
    assert members(subtract(one, other)) == members(one) - members(other)
    assert size(one) == len(members(one))


@given(ranges, ranges)
def test_ranges_stay_merged(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    for result in (merge(left), intersect(merge(left), merge(right)), subtract(merge(left), merge(right))):
        assert result == merge(result)


def as_regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern), re.DOTALL)


patterns = st.text("ab*?", max_size=6)


@given(patterns, patterns, st.text("abc", max_size=6))
def test_what_the_inner_pattern_matches_the_covering_one_matches_too(outer: str, inner: str, text: str) -> None:
    if covers(outer, inner) and as_regex(inner).fullmatch(text):
        assert as_regex(outer).fullmatch(text)


@given(patterns, st.text("abc", max_size=6))
def test_a_text_without_wildcards_is_covered_when_it_is_matched(outer: str, text: str) -> None:
    assert covers(outer, text) == bool(as_regex(outer).fullmatch(text))


@given(patterns)
def test_a_pattern_covers_itself(pattern: str) -> None:
    assert covers(pattern, pattern)


def test_a_question_mark_does_not_cover_a_star() -> None:
    assert covers("s3:?*", "s3:?")
    assert not covers("s3:?*", "s3:*")


def test_a_policy_variable_covers_nothing() -> None:
    assert not covers("home/${aws:username}", "home/${aws:username}")


def test_hostile_patterns_take_no_time() -> None:
    assert not covers("*a" * 2000 + "b", "a" * 4000)


@pytest.mark.parametrize(
    ("outer", "inner", "covered"),
    [
        ("*", "arn:aws:s3:::b/*", True),
        ("arn:aws:s3:::b*", "arn:aws:s3:::b/*", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:*", "arn:aws:s3:::b", False),  # too few parts to be a resource of IAM's grammar
        ("arn:aws:sqs:*:111122223333:q", "arn:aws:sqs:eu-west-1:999999999999:x:111122223333:q", False),
    ],
)
def test_wildcards_in_resources_stay_within_their_part(outer: str, inner: str, covered: bool) -> None:
    assert covers_resource(outer, inner) is covered
