"""A short form of `make kills`: a reader and its counters are killed, and nothing is lost or counted twice."""

from __future__ import annotations

from tests.logs.kills import points


def test_what_is_killed_is_read_again_and_counted_once() -> None:
    told = list(points(1, seed=7))
    assert len(told) == 1
    assert [line for line in told if "NOT" in line] == []
