"""Patterns written anew: RE2 finds the same in what is written, and what engines would read differently is refused."""

from __future__ import annotations

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from checks.expression import pattern_error
from checks.logs.pattern import UnfitPattern, portable
from checks.terms import Trap
from tests.checks.logs.grammar import PARAMS, PATTERNS, patterns, quoted
from tests.checks.logs.runtime_rows import by_runtime
from tests.checks.logs.test_compiled import by_engine

TEXTS = ["", "a", "A", "k", "K", "\u212a", "s", "\u017f", "İ", "\u0131", "é", "É", "a\n", "\na", "a\r", "a\u0085", "a\u2028", "ab", "a&b", "a]", "a-b", "1",
         "٣", "_", "🙂", "\ud7ff\ue000", "\U0010ffff", "a\x0b", "a{2", ".a\\b", "word.", "a.b\\"]  # fmt: skip


@settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # to shrink is slow, and shows less
@given(st.lists(patterns, min_size=20, max_size=20))
@example(PATTERNS)
def test_what_is_written_matches_what_the_pattern_matches(held: list[str]) -> None:
    asked = [f"row.text.matches({quoted(one)})" for one in held]
    rows = [{"text": text} for text in TEXTS]
    for text, found in zip(asked, by_engine(asked, rows, PARAMS), strict=True):
        assert (text, found) == (text, by_runtime(text, rows, PARAMS))


@given(patterns)
def test_what_is_written_is_written_the_same_again(pattern: str) -> None:
    assert portable(portable(pattern)) == portable(pattern)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("^a.$", r"\Aa[\x{0}-\x{9}\x{b}-\x{10ffff}]\z"),
        ("(?i)sk", r"[Ss\x{17f}][Kk\x{212a}]"),
        ("(?i:a)a", "(?:(?:A|a))a"),
        ("[a-c&&b[]", r"[\x{26}\x{5b}a-c]"),
        (r"\d+?\x{e9}", r"[0-9]+\x{e9}"),
        ("(?P<name>a)|b{2,}", "(?:a)|b{2,}"),
        (r"[^\x00-\x{10FFFF}]", r"[^\x{0}-\x{10ffff}]"),
        ("a()(?i)(b(|)){0}", "a"),
    ],
)
def test_a_pattern_is_written_in_code_points(pattern: str, written: str) -> None:
    assert portable(pattern) == written


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"\bword", "what may stand there"),
        (r"a\B", "what may stand there"),
        ("(?m)^a", r"`(\A|\n)a` for `^a`"),
        ("(?m:a$)", r"`a(\n|\z)` for `a$`"),
        (r"\pL", "another version"),
        (r"[\p{Greek}a]", "another version"),
        ("(?i)é", "both its forms"),
        ("(?i)[à-ü]", "both its forms"),
        (r"\C", "read alike"),
        ("(" * 60 + ")" * 60, "more than 50 groups"),
    ],
)
def test_what_engines_read_differently_does_not_load(pattern: str, said: str) -> None:
    assert pattern_error(pattern) == ""
    with pytest.raises(UnfitPattern) as refused:
        portable(pattern)
    assert said in str(refused.value)
    with pytest.raises(Trap):
        by_engine([f"row.text.matches({quoted(pattern)})"], [{}], PARAMS)
