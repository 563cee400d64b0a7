"""`upheld logs scan`: what was read, hour by hour, and that nothing is passed over in silence."""

from __future__ import annotations

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.agent.collect.logs.test_reading import ALB_ROW, FLOW, FLOW_ROW
from tests.conftest import Ended, upheld
from tests.world.trails import HOUR, START, Trail


def sources(ended: Ended) -> dict[str, dict[str, Any]]:
    return {source["table"]: source for source in ended.report["coverage"]["logs"]}


def test_whole_files_are_counted_by_hour(tmp_path: Path) -> None:
    trail = Trail(tmp_path).hours(3)
    trail.log(START + timedelta(minutes=50), mark="empty", records=[])
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n")
    (tmp_path / "alb.log.gz").write_bytes(gzip.compress(f"{ALB_ROW}\n".encode()))
    ended = upheld("logs", "scan", "auto", tmp_path / "AWSLogs", tmp_path / "flow.log", tmp_path / "alb.log.gz", "--format", "json")
    assert ended.report["gaps"] == []
    assert {table: source["rows"] for table, source in sources(ended).items()} == {"log.alb": 1, "log.cloudtrail": 6, "log.vpc_flow": 1}
    hours = sources(ended)["log.cloudtrail"]["hours"]
    assert [(hour["from"], hour["rows"]) for hour in hours] == [
        ("2026-11-20T00:00:00Z", 2), ("2026-11-20T01:00:00Z", 2), ("2026-11-20T02:00:00Z", 2)
    ]  # fmt: skip


def test_rows_that_break_a_rule_are_told_and_set_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "alb.log").write_text(f"{ALB_ROW}\n{ALB_ROW.replace('TLSv1.2', 'TLSv1')}\n")
    ended = upheld("logs", "scan", "alb", tmp_path / "alb.log")
    assert ended.code == 1
    assert "alb: 2 rows in 1 file" in ended.out
    assert "1 of 1 row with listener app/shop/50dc6c495c0c9188:443, tls_version TLSv1" in " ".join(ended.out.split())


def test_nothing_is_upheld_unless_somebody_says_that_every_row_is_there(tmp_path: Path) -> None:
    (tmp_path / "alb.log").write_text(f"{ALB_ROW}\n")

    def verdict(*options: str) -> tuple[int, list[str]]:
        ended = upheld("logs", "scan", "alb", tmp_path / "alb.log", "--format", "json", *options)
        return ended.code, [one["verdict"] for one in ended.report["findings"] if one["rule"] == "log-alb-tls-version"]

    assert verdict() == (3, ["unproven"])
    code, found = verdict("--assert-complete", "ana@marktbruecke.example")
    assert found == ["upheld"]
    assert code in {0, 3}, "another rule may need what this line does not say"


def test_what_cannot_be_read_is_told_with_its_file_and_line_and_hour(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    keys = [trail.log(START + at * HOUR + timedelta(minutes=20)) for at in range(3)]
    cut = trail.path(keys[1])
    cut.write_bytes(cut.read_bytes()[:-9])
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\nshort line\n")
    ended = upheld("logs", "scan", "auto", tmp_path, "--format", "json", "--assert-complete", "me")
    assert ended.code == 3
    assert {(Path(gap["id"]).name, gap.get("field"), gap["reason"]) for gap in ended.report["gaps"]} == {
        (cut.name, None, "malformed"),
        ("flow.log", "line 3", "malformed"),
    }
    assert [hour["proof"] for hour in sources(ended)["log.cloudtrail"]["hours"]] == ["cannot-tell", "cannot-tell", "proven"]
    text = upheld("logs", "scan", "auto", tmp_path)
    assert f"not read: {tmp_path}/flow.log:3: 2 fields where the file has 14" in text.out


def test_the_format_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "flow.log").write_text(f"{FLOW}\n{FLOW_ROW}\n")
    for format_, rows in (("vpc_flow", 1), ("alb", 0), ("cloudtrail", 0)):
        ended = upheld("logs", "scan", format_, tmp_path / "flow.log", "--format", "json")
        assert sources(ended)[f"log.{format_}"]["rows"] == rows
        assert bool(ended.report["gaps"]) == (rows == 0)


def test_a_web_server_s_own_format_is_read(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text('203.0.113.7 [20/Nov/2026:14:00:00 +0000] "GET / HTTP/1.1" 200 TLSv1.3\n')
    declared = '$remote_addr [$time_local] "$request" $status $ssl_protocol'
    ended = upheld("logs", "scan", "web", tmp_path / "access.log", "--declared", declared, "--format", "json")
    assert sources(ended)["log.web"]["rows"] == 1
    assert ended.report["gaps"] == []
    assert upheld("logs", "scan", "web", tmp_path / "access.log", "--declared", "$status$request").code == 2


def test_nothing_to_read_is_not_success(tmp_path: Path) -> None:
    ended = upheld("logs", "scan", "auto", tmp_path)
    said = "not read: scan: no object of a known format was read\nnothing was read\n"
    assert (ended.code, ended.out) == (3, said)


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
    assert upheld("logs", "scan", "auto", tmp_path, "--format", "json").report["coverage"]["logs"][0]["rows"] == 1
