"""A short form of `make log-kills`: a reader and its counters are killed, and nothing is lost or counted twice."""

from __future__ import annotations

from tests.logs.kills import rounds


def test_what_is_killed_is_read_again_and_counted_once() -> None:
    told = list(rounds(1, seed=7))
    assert any(one.killed for one in told)
    assert all(one.same for one in told)
