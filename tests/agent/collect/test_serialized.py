"""An object that is held as JSON is the same object, and is written as it would be without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.estate import EstateWriter, read_estate
from agent.collect.serialized import Serialized, from_json, to_json
from checks.model import Manifest, Resource, Scope

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=5)


@given(OBJECTS)
def test_it_is_the_object_that_it_was_made_of(data: dict[str, Any]) -> None:
    held = Serialized(data)
    assert (dict(held), held.plain(), len(held)) == (data, data, len(data))
    assert json.loads(held.json) == data


@given(OBJECTS)
def test_inside_another_it_is_written_as_the_object_would_be(data: dict[str, Any]) -> None:
    assert from_json(to_json({"a": Serialized(data), "b": 1})) == {"a": data, "b": 1}


def test_what_no_json_holds_is_refused() -> None:
    with pytest.raises(TypeError):
        to_json({"a": object()})


@pytest.mark.parametrize("value", ["plain", "Köln", "\ud800", 2**70, {"b": 1, "a": [None, "ü"]}])
def test_an_estate_holds_the_same_bytes_either_way(tmp_path: Path, value: Any) -> None:
    files = []
    for name, data in (("plain", {"value": value}), ("serialized", Serialized({"value": value}))):
        with EstateWriter(tmp_path / name, ("azure.web.sites",)) as writer:
            writer.add_resources([Resource("x", "azure.web.sites", "s", "global", data, {}, ())])
            writer.finish(
                Manifest("upheld.estate/1", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z", "t", {}, None, Scope({"s": ("*",)}, ()))
            )
            assert writer.remembered[0].data == {"value": value}
        files.append(next((tmp_path / name).rglob("azure.web.sites.jsonl")).read_bytes())
        (read,) = read_estate(tmp_path / name).of("azure.web.sites")
        assert read.data == {"value": value}
    assert files[0] == files[1]
    assert files[0].isascii()
