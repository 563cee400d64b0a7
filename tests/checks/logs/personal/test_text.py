"""Values as lines, and lines decoded."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.personal.text import decoded, joined, layers


def read(*values: str | None) -> list[tuple[list[bytes], list[int]]]:
    return [(text.split(b"\n")[1:], list(rows)) for text, rows in layers(pa.array(values, pa.string()))]


def test_each_value_is_a_line_and_a_null_an_empty_one() -> None:
    assert joined(pa.array(["a", None, "b\nc", ""])) == b"\na\n\nb c\n"
    assert joined(pa.array([], pa.string())) == b""


def test_a_clean_column_has_one_layer() -> None:
    assert read("/cart", None) == [([b"/cart", b""], [0, 1])]


def test_only_what_is_encoded_is_decoded_and_keeps_its_row() -> None:
    assert read("/a", "b%2540c", "d+e", None) == [
        ([b"/a", b"b%2540c", b"d+e", b""], [0, 1, 2, 3]),
        ([b"b%40c", b"d e"], [1, 2]),
        ([b"b@c", b"d e"], [1, 2]),
    ]


def test_batches_of_several_pieces_are_one_text() -> None:
    assert [text for text, _ in layers(pa.chunked_array([["a"], ["%41"]]))] == [b"\na\n%41", b"\nA"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"%41%6a%6A", b"Ajj"),
        (b"a%0Ab%0d%0ac", b"a b  c"),
        (b"100%", b"100%"),
        (b"%zz%4", b"%zz%4"),
        (b"%%34", b"%4"),
        (b"a+b%2Bc", b"a b+c"),
        (rb"\"mail\":\"a\u0040b\"", b'"mail":"a@b"'),
        (rb"\\u0040", rb"\u0040"),
        (rb"\\\u0040", rb"\@"),
        (rb"a\nb\tc\/d", b"a b c/d"),
        (rb"\u000a\ud83d\u00e9", "  ?é".encode().replace(b"  ", b" ")),
        (rb"\x", rb"\x"),
        (b"\x00\xff%ff", b"\x00\xff\xff"),
    ],
)
def test_one_round_of_decoding(text: bytes, wanted: bytes) -> None:
    assert decoded(text) == wanted


@given(st.text(st.characters(exclude_characters="\\\n\r", exclude_categories=["Cs"])))
def test_what_was_encoded_is_decoded(text: str) -> None:
    assert decoded(quote(text).encode()) == text.encode()
    assert decoded(quote_plus(text).encode()) == text.encode()


@given(st.lists(st.one_of(st.none(), st.text(st.sampled_from("a%+\\nu04\n\r25"), max_size=30)), max_size=8))
def test_no_decoding_adds_or_takes_a_line(values: list[str | None]) -> None:
    for text, rows in layers(pa.array(values, pa.string())):
        assert text.count(b"\n") == len(rows)
        assert not text or text.startswith(b"\n")


def test_a_plus_sign_that_nobody_encoded_is_one_too() -> None:
    assert ([b"?p=+49 30"], [1]) in read("/a", "?p=+49%2030")


@pytest.mark.parametrize(
    ("value", "inner"),
    [
        ("?d=bWFya2VyLnBlcnNvbkB1cGhlbGQ=", "marker.person@upheld"), ("?d=bWFya2VyLnBlcnNvbkB1cGhlbGQ%3D&x", "marker.person@upheld"),
        ("/u/bWFya2VyLnBlcnNvbkB1cGhlbGQ/x", "marker.person@upheld?"), ('{"d":"eyJuYW1lIjoiSsO8cmdlbj8_In0"}', '{"name":"Jürgen??"}'),
        ("bWFya2VyIG9mCnVwaGVsZA==", "marker of upheld"),
    ],
)  # fmt: skip
def test_what_stands_in_base64_is_read_with_its_row(value: str, inner: str) -> None:
    assert ([inner.encode()], [1]) in read("/a", value)


@pytest.mark.parametrize(
    "value", ["/static/javascript/application/main.js", "/u/550e8400-e29b-41d4-a716-446655440000", "?d=" + "A" * 41, "?d=c2hvcnQ="]
)
def test_what_is_no_text_in_base64_is_not_read(value: str) -> None:
    assert len(read(value)) == 1
