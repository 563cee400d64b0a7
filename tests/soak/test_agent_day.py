"""The short form of the agent's day; `make soak` runs the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.agent_day import soak


@pytest.mark.enable_socket  # Unix sockets
def test_runs_leave_neither_descriptors_nor_failures_behind(tmp_path: Path) -> None:
    done = soak(tmp_path, 10)
    assert (done.runs, done.failed, done.fell_over, done.code) == (10, 0, 0, 0)
    assert done.last.descriptors <= done.first.descriptors
    assert done.growth < 40  # caches are filling still; the long form holds it to 5
