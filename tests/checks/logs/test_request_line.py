"""The quick way of taking request lines apart says what the slow one says."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.formats import request_line

_LINES = st.one_of(
    st.none(),
    st.text(st.sampled_from("GET htps:/.[]?#- 0189é"), max_size=40),
    st.builds(
        "{} {}{}{}{}{}".format,
        st.sampled_from(["GET", "-", "", "PO ST"]),
        st.sampled_from(["https://", "http:/", "wss://", "h3://", "https:x/"]),
        st.sampled_from(["shop.example:443", "[2001:db8::1]:80", ":80", "shop.example", "shop:123456", "a b:80"]),
        st.sampled_from(["/", "/cart?q=a b", "", "-", "//x/é", "?q=/"]),
        st.sampled_from(["", " ", "  "]),
        st.sampled_from(["HTTP/1.1", "HTTP/2.0", "HTTP/3", "- ", "-", "", "HTTP/2.0 "]),
    ),
)


@given(st.lists(_LINES, max_size=12))
def test_quick_and_slow_say_the_same(lines: list[str | None]) -> None:
    array = pa.array(lines, pa.string())
    quick, slow = request_line.parts(array), request_line._whole(array)
    assert {part: held.to_pylist() for part, held in quick.items()} == {part: held.to_pylist() for part, held in slow.items()}


def test_the_parts_of_a_request_line() -> None:
    found = request_line.parts(pa.array(["GET https://shop.example:443/a/b?c=/ HTTP/2.0", "- http://shop.example:80- ", "nonsense", None]))
    assert {part: held.to_pylist() for part, held in found.items()} == {
        "method": ["GET", "-", None, None],
        "scheme": ["https", "http", None, None],
        "host": ["shop.example", "shop.example", None, None],
        "port": ["443", "80", None, None],
        "path": ["/a/b?c=/", "", None, None],
        "version": ["HTTP/2.0", "- ", None, None],
    }
