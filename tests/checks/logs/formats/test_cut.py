"""What is read many at once is what is read one by one: texts cut at places, endpoints of balancers, JSON as it stands."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.formats import cut, raw_json, vpc_flow
from checks.logs.formats.balancers import endpoint
from checks.logs.formats.faults import Faults
from checks.logs.table import address_parts

_ENDPOINTS = st.one_of(
    st.none(),
    st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(0, 70000)),
    st.builds("[{}]:{}".format, st.ip_addresses(v=6), st.integers(0, 70000)),
    st.builds("{}{}{}".format, st.ip_addresses() | st.just("shop"), st.sampled_from([":", "", "::", "]:"]), st.sampled_from(["", "-1", "8x", "0x1F", "é", "1" * 18, "1" * 19, "+1", " 1"])),
    st.text(st.sampled_from("01:.[]é"), max_size=12),
)  # fmt: skip


def one_by_one(text: str | None) -> tuple[Any, ...]:
    """Family, high, low and port, after what the columns are said to hold."""
    address, colon, port = (text or "").rpartition(":")
    if not colon:
        return (None,) * 4
    digits = port.removeprefix("-")
    number = int(port) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None
    try:
        return *address_parts(address.strip("[]")), number
    except ValueError:
        return None, None, None, number


@given(st.lists(_ENDPOINTS, max_size=12))
def test_endpoints_are_read_as_one_by_one(texts: list[str | None]) -> None:
    faults, array = Faults(), pa.chunked_array([pa.array(["0:0", *texts], pa.string())[1:]])
    found = endpoint(array, "source", pa.array(range(1, len(texts) + 1), pa.int64()), faults)
    assert list(zip(*(column.to_pylist() for column in found.values()), strict=True)) == list(map(one_by_one, texts))
    odd = sum(text is not None and ":" not in text for text in texts)
    unread = [text is not None and ":" in text and one is None for text in texts for one in (one_by_one(text)[0], one_by_one(text)[3])]
    assert faults.counts.get("value", 0) == odd + sum(unread)


@given(st.lists(st.tuples(st.text("ab", max_size=3), st.text("é/", max_size=3), st.text(max_size=3)), max_size=8))
def test_pieces_are_what_was_put_together(parts: list[tuple[str, str, str]]) -> None:
    whole = pa.array(["x", *map("".join, parts)])[1:]
    _, ends = cut.letters(whole)
    firsts = [end + len(one[0].encode()) for end, one in zip(ends, parts, strict=False)]
    seconds = [end + len(one[1].encode()) for end, one in zip(firsts, parts, strict=True)]
    found = cut.pieces(whole, (firsts, seconds))
    assert list(zip(*(piece.to_pylist() for piece in found), strict=True)) == parts


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**66), 2**66) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
    | st.sampled_from([0.1, 1e16, 0.0001, 0.00001, -0.0, 1234567890.1234, 10**18, 10**17, "\x7f", "a b", "\\"]),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(st.text(max_size=3), held, max_size=3), max_leaves=12,
)  # fmt: skip
_LAYOUTS = st.sampled_from([{"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False, "separators": (",", ":")}, {}])


def _again(raw: Any) -> str | None:
    """Parsed, and written again."""
    value = orjson.loads(raw)
    return None if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()


@given(st.lists(_VALUES, max_size=8), _LAYOUTS)
def test_json_as_it_stands_is_json_as_it_is_written_again(values: list[Any], layout: dict[str, Any]) -> None:
    raws = [msgspec.Raw(json.dumps(value, **layout).encode()) for value in values]
    asked: list[int] = []

    def parsed(places: Any) -> Any:
        asked.extend(places)
        return pa.array([_again(bytes(raws[place])) for place in places], pa.string())

    assert raw_json.texts(raws, parsed).to_pylist() == [_again(bytes(raw)) for raw in raws]


@pytest.mark.parametrize(
    "raw",
    [
        "0", '"x"', "[1.50]", "[1e5]", "[-0]", "[-0.0]", "[1.0]", "[0.00001]", "[123456789012345678901]", "[12345678901.1]", "[ 1]", '["\\u0061"]',
        '["\\/"]', '{"a":1.25,"b":[{}],"c":null}', '{"a":"b c"}', "[" * 250 + "]" * 250, '["' + "x" * 600 + '"]', "[01]", "[1,]",
    ],
)  # fmt: skip
def test_json_that_is_written_in_another_way_is_parsed(raw: str) -> None:
    """Where it stands as it is, parsing and writing give the same."""
    asked: list[int] = []

    def parsed(places: Any) -> Any:
        asked.extend(places)
        return pa.array(["parsed"] * len(places), pa.string())

    (found,) = raw_json.texts([msgspec.Raw(raw.encode())], parsed).to_pylist()
    if asked:
        assert found == "parsed"
    elif raw != "[1,]":  # which is no JSON, and is not handed in
        assert found == raw == _again(raw.encode())


def test_what_is_usual_is_not_parsed() -> None:
    usual = [b'{"bucketName":"mb","n":[1,-2,0.5,317.0,true,null,{}]}', b"null", b"[]", b'["' + b"x" * 600 + b'"]']

    def refuse(places: Any) -> Any:
        raise AssertionError(places)

    assert raw_json.texts([*map(msgspec.Raw, usual)], refuse).to_pylist() == [None if one == b"null" else one.decode() for one in usual]


_FLOW = b"version account-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr start action\n"


@given(st.lists(st.tuples(*[st.sampled_from(["10.0.0.1", "::1", "-", "x", "::ffff:1.2.3.4"])] * 4), min_size=1, max_size=5))
def test_addresses_of_packets_are_read_whether_they_differ_or_not(rows: list[tuple[str, ...]]) -> None:
    faults = Faults()
    raw = _FLOW + "\n".join(f"2 1 {' '.join(row)} 1795183205 ACCEPT" for row in rows).encode()
    found = [row for batch in vpc_flow.read([raw], "o", faults) for row in batch.to_pylist()]
    for place, name in enumerate(("source", "destination", "packet_source", "packet_destination")):
        wanted = [{"x": None, "-": None, "10.0.0.1": 4, "::1": 6}.get(row[place], 4) for row in rows]
        assert [row[f"{name}_family"] for row in found] == wanted
        assert [row[f"{name}_low"] for row in found] == [
            None if one is None else address_parts(row[place])[2] for row, one in zip(rows, wanted, strict=True)
        ]
    assert faults.counts.get("value", 0) == sum(row.count("x") for row in rows)
