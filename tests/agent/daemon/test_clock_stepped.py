"""The clock of a whole agent is set, by an hour and a day and both ways, below everything that asks for the time (libfaketime)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.agent.daemon.agents import PATIENCE, settle
from tests.conftest import upheld

LIBRARY = "libfaketimeMT.so.1"


def library() -> Path:
    """Of the distribution's package `faketime`."""
    found = next(iter(sorted(Path("/usr/lib").glob(f"*/faketime/{LIBRARY}"))), None)
    assert found is not None, "faketime is not installed; `make .venv/programs` installs it"
    return found


def test_runs_go_on_whatever_is_done_to_the_clock_and_nothing_is_recorded_twice(tmp_path: Path) -> None:
    file, clock = settle(tmp_path, every="{policy: 1s}", more=", metrics: null"), tmp_path / "clock"
    clock.write_text("+0")
    faked = {
        "LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    command = [Path(sys.executable).parent / "upheld", "agent", "-c", file]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **faked}) as process:
        try:
            lines = _lines(process)
            _until(lines, "run-ended")
            for step in ("+86400", "+82800", "-3600", "+0"):  # a day on, an hour back, a day and more back, an hour on
                clock.write_text(step)
                _until(lines, "clock-set")
                whole = _until(lines, "run-ended", kind="whole")  # what was seen is of another age now: everything is looked at
                assert whole["findings"]["unproven"] < sum(whole["findings"].values())
                _until(lines, "run-ended", kind="policy")
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert upheld("ledger", "verify", "-c", file).code == 0


def _lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stderr is not None
    for line in process.stderr:
        yield json.loads(line)


def _until(lines: Iterator[dict[str, Any]], event: str, **of: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    for line in lines:
        if line["event"] == event and of.items() <= line.items():
            return line
        assert time.monotonic() < end, f"no {event}"
    raise AssertionError(f"it ended before {event}")
