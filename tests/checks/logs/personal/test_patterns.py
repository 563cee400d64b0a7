"""What is found in the corpus, and what is not taken for anything."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pyarrow as pa
import pytest
import re2

from checks.logs.personal import identity
from checks.logs.personal.parameter import USER_ID
from checks.logs.personal.pattern import KINDS, Candidate, Pattern
from checks.logs.personal.patterns import IN_NAMES, PATTERNS
from checks.logs.personal.scan import _values
from checks.logs.personal.search import _END, Search
from tests.checks.logs.personal.corpus import NEGATIVES, NUMBERS, POSITIVES, drawn

SEARCH = Search(PATTERNS)


def found(texts: Iterable[str]) -> dict[int, set[str]]:
    """The ids of the patterns that found something, by text."""
    by_pattern, failed = _values(SEARCH, pa.array(list(texts), pa.string()))
    assert not failed
    hits: dict[int, set[str]] = {}
    for pattern, rows in by_pattern.items():
        for row in rows:
            hits.setdefault(row, set()).add(pattern.id)
    return hits


def test_recall_and_precision_are_whole_on_the_corpus() -> None:
    positives, negatives = found(text for _, text in POSITIVES), found(NEGATIVES)
    missed = [one for row, one in enumerate(POSITIVES) if one[0] not in positives.get(row, set())]
    false = [(NEGATIVES[row], ids) for row, ids in negatives.items()]
    recall, precision = 1 - len(missed) / len(POSITIVES), len(positives) / (len(positives) + len(false))
    assert (recall, precision, missed, false) == (1, 1, [], [])


def test_clean_logs_hold_nothing() -> None:
    texts = drawn(5000)
    assert [(texts[row], ids) for row, ids in found(texts).items()] == []


def test_every_pattern_is_in_the_corpus() -> None:
    assert {name for name, _ in POSITIVES} == {pattern.id for pattern in PATTERNS}


@pytest.mark.parametrize("pattern", [*PATTERNS, USER_ID], ids=lambda one: one.id)
def test_a_pattern_says_what_it_is_and_where_its_form_comes_from(pattern: Pattern) -> None:
    assert pattern.kind in KINDS
    assert pattern.what
    assert pattern.source
    assert pattern.markers
    assert b"value" in re2.compile(pattern.regex, SEARCH._compiled[0].options).groupindex


def test_every_name_of_a_national_number_is_in_the_corpus() -> None:
    assert set(NUMBERS) == set(identity._BY_NAME)


def test_ids_are_unique_and_names_are_searched_with_known_patterns() -> None:
    assert len({pattern.id for pattern in (*PATTERNS, USER_ID)}) == len(PATTERNS) + 1
    assert set(IN_NAMES) <= set(PATTERNS)


def test_the_gate_lets_pass_what_a_pattern_finds() -> None:
    for _, text in POSITIVES:
        piece = b"\n" + text.encode().replace(b"\n", b" ")
        passed = set(SEARCH._passed(piece))
        assert {index for index, compiled in enumerate(SEARCH._compiled) if compiled.search(piece)} == passed
        assert SEARCH._end not in passed


def test_a_gate_that_did_not_see_the_end_is_not_believed() -> None:
    search = Search(PATTERNS)
    search._gate = re2.Set.SearchSet()
    search._gate.Add("what is nowhere")
    search._gate.Compile()
    assert search._passed(b"\nclean") == range(len(PATTERNS))
    assert [match.pattern.id for match in search.matches(b"\nto jane@shop.example", set())] == ["email"]


def test_the_end_in_a_text_is_only_text() -> None:
    assert [match.pattern.id for match in SEARCH.matches(b"\n" + _END + b"jane@shop.example" + _END, set())] == ["email"]


def test_lines_are_counted_over_pieces() -> None:
    lines = [b"x" * 40_000] * 20
    lines[3] = lines[3] + b" jane@shop.example"
    lines[19] = b"y" * 100_000 + b" joe@shop.example"
    assert [(match.line, match.value) for match in SEARCH.matches(b"".join(b"\n" + line for line in lines), set())] == [
        (3, b"jane@shop.example"),
        (19, b"joe@shop.example"),
    ]


def test_a_check_that_raises_makes_its_pattern_unreliable_and_tells_nobody_the_value() -> None:
    def fails(candidate: Candidate) -> bytes | None:
        raise ValueError(candidate.value)

    broken = Pattern("broken", "fails", "contact", rb"(?P<value>secret[0-9])", fails, ("secret1",), "none")
    failed: set[str] = set()
    assert list(Search([broken]).matches(b"\nsecret7 secret8", failed)) == []
    assert failed == {"broken"}


@pytest.mark.parametrize(("pattern", "length"), [(identity.CN, 18), (identity.FR, 15)], ids=["cn", "fr"])
def test_fewer_than_one_number_in_a_thousand_is_taken_for_a_persons(pattern: Pattern, length: int) -> None:
    chance = Random(4711)
    drawn_ = [str(chance.randrange(10 ** (length - 1), 10**length)) for _ in range(50_000)]
    by_pattern, _ = _values(Search([pattern]), pa.array(drawn_))
    assert len(by_pattern.get(pattern, {})) < len(drawn_) / 1000


def test_one_value_has_one_form() -> None:
    def forms(*texts: str) -> set[bytes]:
        by_pattern, _ = _values(SEARCH, pa.array(texts))
        return {value for rows in by_pattern.values() for values in rows.values() for value in values}

    assert forms("?to=+4930901820", "tel +49 30 901820", "+49 (0)30/901820", "?to=%2B49-30-901820") == {b"+4930901820"}
    assert forms("?m=Jane@Shop.example", "?m=jane%40SHOP.example") == {b"jane@shop.example"}
    assert forms("?c=4111111111111111", "?c=4111-1111-1111-1111") == {b"4111111111111111"}
    assert forms("GB29 NWBK 6016 1331 9268 19", "?iban=gb29nwbk60161331926819") == {b"GB29NWBK60161331926819"}
