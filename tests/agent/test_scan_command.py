"""`upheld logs scan`: what was read, hour by hour, and that nothing is passed over in silence."""

from __future__ import annotations

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path

from tests.agent.collect.test_logs import ALB_ROW, FLOW, FLOW_ROW
from tests.conftest import upheld
from tests.world.trails import HOUR, START, Trail


def test_whole_files_are_counted_by_hour(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(3)
    trail.log(START + timedelta(minutes=50), mark="empty", records=[])
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n")
    (tmp_path / "alb.log.gz").write_bytes(gzip.compress(f"{ALB_ROW}\n".encode()))
    ended = upheld("logs", "scan", "auto", tmp_path / "AWSLogs", tmp_path / "flow.log", tmp_path / "alb.log.gz", "--format", "json")
    report = ended.report
    assert (ended.code, report["gaps"]) == (0, [])
    assert {source["format"]: source["rows"] for source in report["sources"] if source["rows"]} == {
        "alb": 1,
        "cloudtrail": 6,
        "vpc_flow": 1,
    }
    trail_hours = next(source for source in report["sources"] if source["format"] == "cloudtrail")["hours"]
    assert [(hour["from"], hour["rows"]) for hour in trail_hours][:3] == [
        ("2026-11-20T00:00:00Z", 2), ("2026-11-20T01:00:00Z", 2), ("2026-11-20T02:00:00Z", 2)
    ]  # fmt: skip


def test_what_cannot_be_read_is_told_with_its_file_and_line_and_hour(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    keys = [trail.log(START + at * HOUR + timedelta(minutes=20)) for at in range(3)]
    cut = trail.path(keys[1])
    cut.write_bytes(cut.read_bytes()[:-9])
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\nshort line\n")
    ended = upheld("logs", "scan", "auto", tmp_path, "--format", "json")
    assert ended.code == 3
    assert {(Path(gap["file"]).name, gap["line"], gap["kind"]) for gap in ended.report["gaps"]} == {
        (cut.name, None, "unread"),
        ("flow.log", 3, "short-line"),
    }
    hours = next(source for source in ended.report["sources"] if source["format"] == "cloudtrail")["hours"]
    assert [hour["all_read"] for hour in hours] == [False, False, True]
    text = upheld("logs", "scan", "auto", tmp_path)
    assert f"not read: {tmp_path}/flow.log:3: 2 fields where the file has 14" in text.out


def test_the_format_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n")
    assert upheld("logs", "scan", "vpc_flow", tmp_path / "flow.log").code == 0
    assert upheld("logs", "scan", "alb", tmp_path / "flow.log").code == 3
    assert upheld("logs", "scan", "cloudtrail", tmp_path / "flow.log").code == 3


def test_nothing_to_read_is_not_success(tmp_path: Path) -> None:
    ended = upheld("logs", "scan", "auto", tmp_path)
    assert (ended.code, ended.out) == (3, "nothing was read\n")


def test_names_that_move_the_cursor_are_written_as_escapes(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2Jflow.log").write_text("Dear diary")
    assert "\x1b" not in upheld("logs", "scan", "auto", tmp_path).out


def test_a_path_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    ended = upheld("logs", "scan", "auto", tmp_path / "nowhere")
    assert (ended.code, ended.out) == (2, "")
    assert json.dumps(ended.err).count("\\n") == 1


def test_a_name_that_is_no_text_is_read_like_any_other(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"flow\xff.log")).write_text(f"{FLOW}\n{FLOW_ROW}\nshort\n")
    assert "flow" in upheld("logs", "scan", "auto", tmp_path).out
    assert upheld("logs", "scan", "auto", tmp_path, "--format", "json").report["sources"][0]["rows"] == 1
