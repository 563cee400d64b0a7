"""Rows of logs, scanned: what is counted, what is shown, and what makes a scan unproven."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from checks.logs.formats import alb
from checks.logs.formats.faults import Faults
from checks.logs.personal.found import Found, Hit, Key, Place, merge, plain, restore, unproven, verdict
from checks.logs.personal.parameter import USER_ID
from checks.logs.personal.pattern import CLIENT_ADDRESS, CLIENT_AND_USER, Candidate
from checks.logs.personal.patterns import PATTERNS
from checks.logs.personal.scan import Scanner, _values
from checks.logs.rows import to_arrow
from checks.logs.tables import TABLES
from checks.verdict import Verdict
from tests.checks.logs.personal.corpus import NEGATIVES, POSITIVES, drawn

KEY = b"a key of nobody's, 32 bytes long"
SCANNER = Scanner(KEY, client_ip=True, linked=True)
PLAIN = Scanner(KEY)


def scan(rows: list[dict[str, Any]], table: str = "log.alb", scanner: Scanner = PLAIN) -> Found:
    (batch,) = to_arrow(TABLES[table], [{"object": "a.log.gz", "line": line, **row} for line, row in enumerate(rows, 1)]).to_batches()
    return scanner.scan(TABLES[table], batch)


def hits(found: Found) -> dict[tuple[str, str], tuple[int, int, int | None]]:
    return {(key.column, key.pattern): (hit.count, hit.rows, hit.first.line) for key, hit in found.hits.items()}


def test_hits_are_counted_by_pattern_and_column_with_their_first_place() -> None:
    found = scan([
        {"path": "/"},
        {"path": "/?a=jane@shop.example&b=joe@shop.example", "user_agent": "bot (bot@shop.example)"},
        {"path": "/?a=jane%40shop.example&b=jane@shop.example"},
        {"path": None},
    ])  # fmt: skip
    assert hits(found) == {("path", "email"): (3, 2, 2), ("user_agent", "email"): (1, 1, 2)}
    assert found.rows == {"log.alb": 4}
    assert found.looks["log.alb", "path"].values == 3
    assert verdict(found) is Verdict.BROKEN


def test_a_mailbox_with_a_tag_is_one_and_not_also_what_a_form_leaves_of_it() -> None:
    assert hits(scan([{"path": "/?a=jane+tag@shop.example"}])) == {("path", "email"): (1, 1, 1)}


def test_clean_rows_are_upheld_and_say_what_was_looked_at() -> None:
    found = scan([{"path": text, "user_agent": text} for text in drawn(300)])
    assert (found.hits, verdict(found)) == ({}, Verdict.UPHELD)
    assert {column for _, column in found.looks} == {"path", "user_agent", "redirect_url", "error_reason", "host", "server_name"}
    assert set(found.looks["log.alb", "path"].patterns) == {pattern.id for pattern in PATTERNS}
    assert all(found.looks["log.alb", "path"].patterns.values())


def test_without_a_look_there_is_no_verdict() -> None:
    found = scan([{"bytes": 1}], "log.vpc_flow")
    assert (found.looks, verdict(found)) == ({}, None)
    assert verdict(Found()) is None


def test_an_empty_batch_is_looked_at() -> None:
    found = PLAIN.scan(TABLES["log.alb"], to_arrow(TABLES["log.alb"], []))
    assert (found.rows, found.hits) == ({"log.alb": 0}, {})


def test_what_has_a_type_is_never_read() -> None:
    number = 4111111111111111
    assert scan([{"received_bytes": number, "sent_bytes": 378282246310005, "status": 200, "trace_id": "4111111111111111"}]).hits == {}


@pytest.mark.parametrize("column", ["principal", "user_name"])
def test_names_are_read_for_mailboxes_only_and_only_where_wanted(column: str) -> None:
    row = {column: "arn:aws:sts::111122223333:assumed-role/admin/jane@corp.example 4111111111111111"}
    assert hits(scan([row], "log.cloudtrail")) == {(column, "email"): (1, 1, 1)}
    assert scan([row], "log.cloudtrail", Scanner(KEY, names=False)).hits == {}


def test_members_of_json_are_read() -> None:
    row = {"request": json.dumps({"policy": json.dumps({"owner": "jane@corp.example"}), "masterUserPassword": "invented-8"})}
    assert hits(scan([row], "log.cloudtrail")) == {("request", "email"): (1, 1, 1), ("request", "password"): (1, 1, 1)}


def test_a_line_of_an_access_log_as_it_is_read() -> None:
    line = (
        b"https 2026-11-20T12:00:00.123456Z app/shop/50dc6c495c0c9188 203.0.113.77:2817 10.0.0.7:443 0.086 0.048 0.037 200 200 1234 57"
        b' "GET https://shop.example:443/u?mail=jane%40shop.example HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2'
        b' arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259"'
        b' "shop.example" "arn:aws:acm:eu-central-1:111122223333:certificate/12345678-1234-1234-1234-123456789012" 1'
        b' 2026-11-20T12:00:00.022000Z "forward" "-" "-" "10.0.0.7:443" "200" "-" "-" TID_dd1cf9f8ec9d3e4abf6e1d6e5b8d3b21\n'
    )
    batches = list(alb.read([line], "a.log.gz", Faults()))
    found = merge(SCANNER.scan(TABLES["log.alb"], batch) for batch in batches)
    assert hits(found) == {
        ("path", "email"): (1, 1, 1), ("source", CLIENT_ADDRESS): (1, 1, 1), ("source", CLIENT_AND_USER): (1, 1, 1),
    }  # fmt: skip


def test_addresses_of_clients_count_only_where_the_policy_says_so() -> None:
    rows = [{"source": "203.0.113.7", "target": "10.0.0.1"}, {"source": "203.0.113.7"}, {"source": None}, {"source": "2001:db8::7"}]
    assert scan(rows).hits == {}
    found = scan(rows, scanner=Scanner(KEY, client_ip=True))
    assert hits(found) == {("source", CLIENT_ADDRESS): (3, 3, 1)}
    assert len(next(iter(found.hits.values())).hashes) == 2
    assert found.looks["log.alb", "source"].values == 3
    assert verdict(found, ["contact"]) is Verdict.UPHELD


def test_of_a_connection_only_the_end_that_everybody_reaches_is_a_client() -> None:
    rows = [{"source": "10.0.0.7", "destination": "8.8.4.4"}, {"source": "10.0.0.7", "destination": "10.0.0.8"}]
    found = scan(rows, "log.vpc_flow", Scanner(KEY, client_ip=True))
    assert hits(found) == {("destination", CLIENT_ADDRESS): (1, 1, 1)}


@pytest.mark.parametrize("path", ["/cart?user_id=4711", "/cart;jsessionid=B6A1F3C8D9E2A7B4", "/u?mail=jane@shop.example"])
def test_an_address_beside_a_user_links_them(path: str) -> None:
    linking = Scanner(KEY, linked=True)
    rows = [{"source": "203.0.113.7", "path": "/"}, {"source": "203.0.113.7", "path": path}, {"path": path}]
    found = hits(scan(rows, scanner=linking))
    assert found["source", CLIENT_AND_USER] == (1, 1, 2)
    assert ("path", USER_ID.id) not in found
    assert ("source", CLIENT_AND_USER) not in hits(scan(rows))


def test_the_name_of_a_user_beside_an_address_links_them() -> None:
    found = scan(
        [{"source": "203.0.113.7", "user_name": "jane"}, {"user_name": "jane"}], "log.cloudtrail", Scanner(KEY, linked=True, names=False)
    )
    assert hits(found) == {("source", CLIENT_AND_USER): (1, 1, 1)}


def test_the_same_value_is_recognised_across_files_with_the_same_key_only() -> None:
    def hashes(row: dict[str, Any], key: bytes = KEY) -> set[str]:
        return {text for hit in scan([row], scanner=Scanner(key)).hits.values() for text in hit.hashes}

    one = hashes({"path": "/?m=Jane@shop.example"})
    assert one == hashes({"user_agent": "by jane%40shop.example"})
    assert one != hashes({"path": "/?m=joe@shop.example"})
    assert one != hashes({"path": "/?m=jane@shop.example"}, b"another key that is long enough")
    assert all(len(text) == 16 for text in one)


def strings(held: Any) -> Iterator[str]:
    """Every text in JSON, names of members too."""
    if isinstance(held, dict):
        for name, value in held.items():
            yield name
            yield from strings(value)
    elif isinstance(held, list):
        for value in held:
            yield from strings(value)
    elif isinstance(held, str):
        yield held


def test_no_value_and_no_part_of_one_is_in_anything_that_comes_out() -> None:
    known = {*strings(plain(scan([{"path": "jane@shop.example", "source": "203.0.113.7"}], scanner=SCANNER)))}
    known |= {text for pattern in PATTERNS for text in (pattern.id, pattern.kind)}
    for name, text in POSITIVES:
        found = scan([{"path": text, "source": "203.0.113.7"}], scanner=SCANNER)
        assert name in {key.pattern for key in found.hits}
        assert not [one for one in strings(plain(found)) if one not in known and not re.fullmatch("[0-9a-f]{16}", one)]
        values, _ = _values(SCANNER._free, pa.array([text]))
        told = json.dumps(plain(found)) + repr(found) + repr(SCANNER)
        for value in (value.decode() for rows in values.values() for held in rows.values() for value in held):
            assert not [part for at in range(len(value) - 5) if (part := value[at : at + 6]) in told and not part.isalpha()], name


def test_nothing_that_is_matched_shows_itself() -> None:
    (match,) = SCANNER._free.matches(b"\njane@shop.example", set())
    assert "jane" not in repr(match)
    assert "jane" not in repr(Candidate(b"jane", 0, 4))


def test_errors_do_not_show_values() -> None:
    wrong = to_arrow(TABLES["log.cloudtrail"], [{"request": "jane@shop.example"}])
    with pytest.raises(ValueError, match=r"not log\.alb's") as raised:
        PLAIN.scan(TABLES["log.alb"], wrong)
    assert "jane" not in str(raised.value)
    with pytest.raises(ValueError, match="16 or more") as short:
        Scanner(b"short secret")
    assert "secret" not in str(short.value)
    assert "secret" not in repr(Scanner(b"a secret that is long enough"))


def test_a_scan_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no patterns"):
        Scanner(KEY, patterns=())
    found = scan([{"host": "jane@shop.example"}], scanner=Scanner(KEY, patterns=PATTERNS[1:]))
    assert ("log.alb", "host") not in found.looks


def test_every_pattern_finds_its_marker() -> None:
    names = [pattern.id for pattern in PATTERNS]
    assert PLAIN.marker() == dict.fromkeys(names, True)
    assert SCANNER.marker() == dict.fromkeys([*names, USER_ID.id, CLIENT_ADDRESS, CLIENT_AND_USER], True)


def test_a_pattern_that_does_not_find_its_marker_makes_the_scan_unproven() -> None:
    blind = dataclasses.replace(PATTERNS[0], regex=rb"(?P<value>what is nowhere)")
    found = scan([{"path": "/"}], scanner=Scanner(KEY, patterns=(blind, *PATTERNS[1:])))
    assert verdict(found) is Verdict.UNPROVEN
    assert ("log.alb", "path", "email") in unproven(found)


def test_a_marker_that_is_seen_only_when_it_is_encoded_is_not_found() -> None:
    raw = dataclasses.replace(PATTERNS[0], regex=rb"(?P<value>jane%(?:25)*40shop)", markers=("jane@shop",), accept=lambda one: one.value)
    assert Scanner(KEY, patterns=[raw]).marker() == {"email": False}


def test_a_check_that_fails_on_a_value_makes_the_column_unproven_and_no_other() -> None:
    def accept(candidate: Any) -> bytes | None:
        if candidate.value.startswith(b"odd"):
            raise RuntimeError(candidate.value)
        return PATTERNS[0].accept(candidate)

    odd = dataclasses.replace(PATTERNS[0], accept=accept)
    found = scan([{"path": "/?a=odd@shop.example", "user_agent": "curl"}], scanner=Scanner(KEY, patterns=[odd]))
    assert unproven(found) == (("log.alb", "path", "email"),)
    assert (found.hits, verdict(found)) == ({}, Verdict.UNPROVEN)


def test_broken_is_over_unproven() -> None:
    blind = dataclasses.replace(PATTERNS[1], regex=rb"(?P<value>what is nowhere)")
    assert verdict(scan([{"path": "jane@shop.example"}], scanner=Scanner(KEY, patterns=(PATTERNS[0], blind)))) is Verdict.BROKEN


def test_values_of_megabytes_and_odd_bytes_are_read() -> None:
    long = "\x00\ufffd%00" * 300_000 + " jane@shop.example " + "%zz\\" * 300_000
    found = scan([{"path": text} for text in (long, *NEGATIVES, "/?a=joe@shop.example")])
    assert hits(found) == {("path", "email"): (2, 2, 1)}


def test_batches_in_any_cut_come_to_the_same() -> None:
    rows = [{"object": f"{at % 3}", "line": at, "path": text, "source": f"203.0.113.{at % 7}"} for at, (_, text) in enumerate(POSITIVES)]
    table = TABLES["log.alb"]
    whole = SCANNER.scan(table, to_arrow(table, rows))
    parts = [SCANNER.scan(table, to_arrow(table, rows[at : at + 7])) for at in range(0, len(rows), 7)]
    assert plain(merge(reversed(parts))) == plain(whole)
    assert restore(json.loads(json.dumps(plain(whole)))) == whole


def test_rows_that_do_not_say_where_they_stand_have_no_place() -> None:
    found = PLAIN.scan(TABLES["log.alb"], to_arrow(TABLES["log.alb"], [{"path": "jane@shop.example"}]))
    assert found.hits[Key("log.alb", "path", "email", "contact")] == Hit(
        1, 1, Place(None, None), found.hits[Key("log.alb", "path", "email", "contact")].hashes
    )
