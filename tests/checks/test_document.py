"""The files people write are read strictly, and what is wrong with them has its line."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from checks.document import MAXIMUM_BYTES, MAXIMUM_DEPTH, Document, DocumentError, parse, validate


def read(text: str) -> Document:
    return parse(textwrap.dedent(text).lstrip("\n"), "file.yaml")


def refused(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as error:
        read(text)
    return error.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("null", None), ("~", None), ("", None), ("Null", None),
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("NO", "NO"), ("y", "y"), ("tRUE", "tRUE"),
        ("0", 0), ("-7", -7), ("+7", 7), ("443", 443), ("22:22", "22:22"), ("1_000", "1_000"), ("0x1f", "0x1f"), ("0o17", "0o17"),
        ("012345670123", "012345670123"), ("111122223333", 111122223333), ("007", "007"), ("00", "00"), ("-0", 0),
        ("123456789012345678901", 123456789012345678901),
        ("1.5", 1.5), ("-1e3", -1000.0), ("1.", "1."), (".5", ".5"), ("1e999", "1e999"), (".inf", ".inf"), (".nan", ".nan"), ("01.5", "01.5"),
        ("2026-11-20", "2026-11-20"), ("12:30:00", "12:30:00"), ("=", "="), ("<<", "<<"),
        ("'true'", "true"), ('"443"', "443"), ("'~'", "~"), ("''", ""),
        ("|\n  443\n", "443\n"), ("[443, '443']", [443, "443"]), ("{}", {}), ("[]", []),
    ],
)  # fmt: skip
def test_scalars_are_what_they_look_like_to_most_people(text: str, value: object) -> None:
    found = read(f"key: {text}").data["key"]
    assert (found, type(found)) == (value, type(value))


@given(st.from_regex(r"[-+]?[0-9]{1,45}", fullmatch=True))
def test_no_number_is_rounded_in_silence(text: str) -> None:
    found = parse(f"key: {text}", "file.yaml").data["key"]
    assert isinstance(found, int | str)
    assert str(found) == text or (isinstance(found, int) and found == int(text))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: &x 1\nb: 2", 1, "anchors and aliases"),
        ("a: 1\nb: [*x]", 2, "alias"),
        ("a: 1\nb: *x", 2, "alias"),
        ("a: 1\nb: {*x : 1}", 2, "must be a plain word"),
        ("a: 1\n&x b: 2", 2, "no anchor"),
        ("a: 1\nb: !!str 2", 2, "the tag tag:yaml.org,2002:str is not allowed"),
        ("a: 1\nb: !!python/object:os.system []", 2, "is not allowed"),
        ("a: 1\nb: !secret 2", 2, "the tag !secret is not allowed"),
        ("a: 1\n!!str b: 2", 2, "no anchor and no tag"),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' stands twice"),
        ("a: 1\n'a': 3", 2, "the key 'a' stands twice"),
        ("a:\n  b: 1\n  b: 2", 3, "the key 'b' stands twice"),
        ("a: 1\n? [x]\n: 2", 2, "must be a plain word"),
        ("a: 1\n---\nb: 2", 2, "a second document"),
        ("a: [1, 2", 2, "expected"),
        ("a: 1\n\tb: 2", 2, "found"),
        ("a: 1\nb: 'x", 2, "found unexpected end of stream"),
        ("a: b: c", 1, "mapping values are not allowed"),
        ('a: "\\ud800"', 1, "Unicode"),
        ("a: \x01", None, "allowed"),
    ],
)  # fmt: skip
def test_what_could_mean_something_else_is_refused_with_its_line(text: str, line: int | None, says: str) -> None:
    error = refused(text)
    assert says in error.problem
    assert error.file == "file.yaml"
    assert line is None or error.line == line


def test_a_file_that_grows_while_it_is_read_is_refused() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    assert "anchors and aliases" in refused(bomb).problem


def test_size_and_depth_have_limits() -> None:
    with pytest.raises(DocumentError, match="larger than 5 MB"):
        parse("a" * (MAXIMUM_BYTES + 1), "file.yaml")
    assert "nested deeper" in refused("a: " + "[" * (MAXIMUM_DEPTH + 1) + "]" * (MAXIMUM_DEPTH + 1)).problem
    assert "nested deeper" in refused("[" * 20_000).problem
    assert read("a: " + "[" * (MAXIMUM_DEPTH - 1) + "]" * (MAXIMUM_DEPTH - 1)).data


def test_an_empty_file_is_nothing() -> None:
    assert (read("").data, read("# only a comment\n").data) == (None, None)


def test_every_value_knows_its_line_and_what_is_absent_the_nearest_one_above() -> None:
    document = read("""
        schema: x
        promises:
          - id: first
            quote: >
              On two
              lines.
          - id: second
            controls: [{id: a}, {id: b}]
    """)
    lines = {
        ("schema",): 1, ("promises",): 2, ("promises", 0): 3, ("promises", 0, "quote"): 4, ("promises", 1, "id"): 7,
        ("promises", 1, "controls", 1, "id"): 8, ("promises", 1, "quote"): 7, ("promises", 7): 2, ("nothing", 1): 1,
    }  # fmt: skip
    assert {path: document.line(path) for path in lines} == lines


def test_a_part_keeps_the_lines_of_the_whole() -> None:
    part = read("a:\n  - b: 1\n  - b: 2\n").part(("a", 1))
    assert part.data == {"b": 2}
    with pytest.raises(DocumentError, match=r"file\.yaml:3: wrong"):
        part.fail(("b",), "wrong")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    days: int
    names: list[str] = []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("days: 1\nday: 2", "file.yaml:2: unknown key 'day'"),
        ("names: []", "file.yaml:1: 'days' is missing"),
        ("days: x", "file.yaml:1: days: Input should be a valid integer, unable to parse string as an integer"),
        ("days: 1\nnames:\n  - a\n  - 2", "file.yaml:4: names.1: Input should be a valid string"),
        ("[]", "file.yaml:1: expected a mapping: lines of `key: value`"),
        ("", "file.yaml: expected a mapping: lines of `key: value`"),
    ],
)
def test_a_complaint_about_the_content_has_its_line_too(text: str, complaint: str) -> None:
    with pytest.raises(DocumentError) as error:
        validate(read(text), _Model.model_validate)
    assert str(error.value) == complaint


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text("abc:#-'\"\\\n {}[]&*!|>%@`\u00e9\U0001f600", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:- ", max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(plain)
def test_what_is_written_in_the_json_style_comes_back(value: Any) -> None:
    import json

    assert parse("key: " + json.dumps(value, ensure_ascii=False), "file.yaml").data == {"key": value}
