"""Objects counted: what is read of them is what somebody asks for."""

from __future__ import annotations

import json
from pathlib import Path

from agent.collect.logs import parquet
from agent.collect.logs.counting import Counter
from checks.logs.formats import cloudtrail
from checks.logs.formats.faults import Faults
from checks.logs.object_read import ObjectRead
from checks.logs.personal.scan import Scanner, plain
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from checks.rule import Rule
from tests.agent.collect.logs.stage import questions
from tests.agent.collect.logs.test_stage import NOW, RULE, login
from tests.checks.logs.log_rules import make
from tests.world.trails import START

ODD = login(START, "ana", mfa="No") | {"eventSource": 7, "requestParameters": {"mail": "ana@shop.example"}}


def counted(*rules: Rule, key: bytes | None = None, raw: bytes = json.dumps({"Records": [ODD]}).encode()) -> ObjectRead:
    (found,) = Counter("trail", tuple(questions(rules, NOW)), NOW, key).count([("object", iter([raw]))], "auto")
    return found


def kinds(read: ObjectRead) -> list[str]:
    return [fault.what for fault, _ in read.faults]


def test_what_is_odd_in_a_column_is_told_where_a_question_asks_for_it() -> None:
    other = make("row.event_source == 's3.amazonaws.com'", group_by=["principal"])
    assert kinds(counted(RULE)) == []
    assert kinds(counted(RULE, other)) == ["eventSource is not a text"]


def test_a_question_counts_the_same_whatever_else_is_asked() -> None:
    alone, beside = counted(RULE).counts, counted(RULE, make("row.event_source == 's3.amazonaws.com'"), key=bytes(32)).counts
    assert [(key.group, list(cells)) for key, cells in alone.cells.items()] == [(("ana",), [(True, False)])]
    assert alone.cells.items() <= beside.cells.items()


def test_texts_that_no_question_asks_for_are_scanned_all_the_same() -> None:
    assert counted(RULE).personal is None
    found = json.dumps(counted(RULE, key=bytes(32)).personal)
    assert '"request"' in found
    assert "ana@shop.example" not in found


def test_the_scan_finds_what_it_finds_in_all_columns() -> None:
    raw = json.dumps({"Records": [ODD | {"sourceIPAddress": "203.0.113.7", "userAgent": "ben@shop.example"}]}).encode()
    (batch,) = cloudtrail.read([raw], "object", Faults())
    every = Scanner(bytes(32), client_ip=True, linked=True).scan(CLOUDTRAIL, batch)
    assert counted(RULE, key=bytes(32), raw=raw).personal == plain(every)
    assert len(every.hits) >= 4


def test_a_format_that_is_always_read_whole_is_counted_too() -> None:
    rule = make("row.tls_version == 'tlsv12'", rows="log.nlb_tls")
    raw = (
        b"tls 2.0 2026-11-20T01:01:02 net/shop/5 6 198.51.100.1:1 10.0.0.1:443 1 1 1 1 - arn:cert - ECDHE-RSA-AES128-SHA tlsv12 - "
        b"shop.example - - - 2026-11-20T01:01:01\n"
    )
    found = counted(rule, raw=raw)
    assert (found.format, found.count, [list(cells) for cells in found.counts.cells.values()]) == ("nlb_tls", 1, [[(True, True)]])


def test_rows_that_are_kept_for_others_hold_no_free_text_that_nobody_asks_about(tmp_path: Path) -> None:
    raw = json.dumps({"Records": [ODD | {"userAgent": "ben@shop.example", "errorMessage": "ana@shop.example"}]}).encode()
    rule = make("row.user_agent == 'a'", group_by=["event_name"])
    counter = Counter("trail", tuple(questions([rule], NOW)), NOW, bytes(32), keep=lambda _: tmp_path / "rows.parquet")
    (read,) = counter.count([("object", iter([raw]))], "cloudtrail")
    (batch,) = parquet.read(CLOUDTRAIL, [tmp_path / "rows.parquet"])
    (row,) = batch.to_pylist()
    assert (row["user_agent"], row["error_message"], row["request"], row["event_name"]) == (
        "ben@shop.example",
        None,
        None,
        ODD["eventName"],
    )
    assert '"error_message"' in json.dumps(read.personal), "it was scanned all the same"
