"""What is counted, by what, and that counts can be put together in any order."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.rulebook import load
from checks import example
from checks.logs.compile import UnfitParameter
from checks.logs.engine import Asked, DuckDB, EngineFailed, prepare, run
from checks.logs.partial import GROUPS, REST, Key, Partial, Sample, Tally, merge, plain, restore, verdict
from checks.logs.rows import NoRow, check, to_arrow
from checks.logs.runtime import of_row
from checks.logs.tables import TABLES
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from checks.logs.tables.vpc_flow import VPC_FLOW
from checks.rule import Rule
from checks.verdict import Verdict
from tests.checks.logs.grammar import NOW
from tests.checks.logs.log_rules import asked, count, make, row_by_row

LOGIN = {"event_name": "ConsoleLogin", "time": "2026-02-01T10:05:00Z", "object": "a", "line": 1, "principal": "ana"}
MFA = make("row.mfa", applies_if="row.event_name == 'ConsoleLogin'", group_by=["principal"], show=["source", "principal", "access_key"])
TRUTHS = [True, False, None]


def cells(partial: Partial) -> dict[tuple[bool | None, bool | None], int]:
    found: Counter[tuple[bool | None, bool | None]] = Counter()
    for counted in partial.cells.values():
        found.update({cell: tally.count for cell, tally in counted.items()})
    return dict(found)


def test_rows_are_counted_by_what_both_conditions_are() -> None:
    events = {True: "ConsoleLogin", False: "RunInstances", None: None}
    rows = [{"event_name": events[applies], "mfa": upheld} for applies, upheld in itertools.product(TRUTHS, TRUTHS)]
    assert cells(count(asked(MFA), rows * 2)) == dict.fromkeys(itertools.product(TRUTHS, TRUTHS), 2)


def test_counts_are_kept_by_hour_and_group_with_the_first_and_last_time() -> None:
    rows = [
        {**LOGIN, "mfa": True},
        {**LOGIN, "mfa": True, "time": "2026-02-01T10:59:59.999999Z"},
        {**LOGIN, "mfa": True, "time": "2026-02-01T11:00:00Z"},
        {**LOGIN, "mfa": True, "principal": "bo"},
        {**LOGIN, "mfa": True, "principal": None, "time": None},
        {"event_name": "RunInstances", "principal": "cy", "time": "2026-02-01T10:00:00Z"},
    ]
    ten, eleven = datetime(2026, 2, 1, 10, tzinfo=UTC), datetime(2026, 2, 1, 11, tzinfo=UTC)
    first, last = datetime(2026, 2, 1, 10, 5, tzinfo=UTC), datetime(2026, 2, 1, 10, 59, 59, 999999, UTC)
    assert count(asked(MFA), rows).cells == {
        Key("trail", "a-rule-0", ten, ("ana",)): {(True, True): Tally(2, first, last)},
        Key("trail", "a-rule-0", eleven, ("ana",)): {(True, True): Tally(1, eleven, eleven)},
        Key("trail", "a-rule-0", ten, ("bo",)): {(True, True): Tally(1, first, first)},
        Key("trail", "a-rule-0", None, (None,)): {(True, True): Tally(1, None, None)},
        Key("trail", "a-rule-0", ten, ()): {(False, None): Tally(1, ten, ten)},
    }


def test_the_hour_is_that_of_utc_whatever_the_session_thinks() -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Kolkata'")  # half an hour off
        found = run(DuckDB(connection), prepare(CLOUDTRAIL, asked(MFA), NOW), "trail", [to_arrow(CLOUDTRAIL, [{**LOGIN, "mfa": True}])])
    assert [key.hour for key in found.cells] == [datetime(2026, 2, 1, 10, tzinfo=UTC)]


def test_the_first_three_rows_that_break_it_are_shown_masked() -> None:
    seen = {"source": "203.0.113.77", "principal": "ana@marktbruecke.example", "access_key": "AKIAIOSFODNN7EXAMPLE"}
    rows = [{**LOGIN, **seen, "mfa": False, "line": line} for line in (5, 2, 9, 1)]
    rows += [{**LOGIN, **seen, "mfa": truth, "line": 0} for truth in (True, None)]
    rows += [{**LOGIN, **seen, "event_name": name, "mfa": False, "line": 0} for name in ("RunInstances", None)]
    (shown,) = count(asked(MFA), rows).samples.values()
    assert [(one.object_, one.line) for one in shown] == [("a", 1), ("a", 2), ("a", 5)]
    assert dict(shown[0].shown) == {"source": "203.0.113.0/24", "principal": "...@marktbruecke.example", "access_key": "AKIA...MPLE"}


def test_a_rule_is_asked_only_of_its_own_table() -> None:
    flows = make("row.bytes > 0", rows="log.vpc_flow")
    assert [one.name for one in prepare(VPC_FLOW, asked(MFA, flows), NOW).prepared] == ["a-rule-1"]


def test_addresses_can_group() -> None:
    flows = make("row.bytes > 0", rows="log.vpc_flow", group_by=["source", "destination_port"])
    rows = [{"source": "2001:db8::1", "destination_port": 22, "bytes": 1}, {"source": None, "bytes": 1}]
    found = count(asked(flows), rows, table="log.vpc_flow")
    assert {key.group for key in found.cells} == {("2001:db8::1", 22), (None, None)}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.booleans()), max_size=40), st.integers(1, 6), st.randoms())
def test_groups_that_are_too_many_are_counted_as_one_in_whatever_order(
    rows: list[tuple[int, int, bool]], groups: int, chance: Random
) -> None:
    ten = datetime(2026, 2, 1, 10, tzinfo=UTC)
    each = []
    for line, (host, hour, upheld) in enumerate(rows):
        at, group = ten + timedelta(hours=hour), ("gw", REST if host == 9 else f"host-{host}")
        key, sample = Key("s", "r", at, group), Sample(at, "o", line, (("host", host),))
        each.append(Partial({key: {(True, upheld): Tally(1, at, at)}}, {} if upheld else {key: (sample,)}, {"s": 1}))
    found = merge(each, groups=groups)
    parts = list(each)
    chance.shuffle(parts)
    while len(parts) > 1:
        some = [parts.pop() for _ in range(min(len(parts), chance.randint(2, 4)))]
        parts.insert(chance.randint(0, len(parts)), merge(some, groups=groups))
    assert merge(parts, groups=groups) == found
    assert cells(found) == cells(merge(each))
    assert len({key.group for key in found.cells} - {(REST, REST)}) <= groups
    assert {key.group for key in found.cells if key.group != (REST, REST)} <= {key.group for key in merge(each).cells}
    assert all(len(shown) <= 3 for shown in found.samples.values())
    assert all((True, False) in found.cells[key] for key in found.samples)


def test_what_a_stranger_sends_makes_no_more_groups_than_a_machine_can_hold() -> None:
    rule = make("row.bytes > 0", rows="log.vpc_flow", group_by=["interface", "destination_port"])
    rows = [{"interface": f"eni-{number}", "destination_port": 22, "bytes": 1 if number else 0} for number in range(GROUPS + 50)]
    found = count(asked(rule), rows, table="log.vpc_flow")
    assert len(found.cells) == GROUPS + 1
    assert sum(tally.count for counted in found.cells.values() for tally in counted.values()) == len(rows)
    assert restore(plain(found)) == found


def test_a_text_is_compared_to_its_end_and_not_to_its_nul() -> None:
    rule = make("row.user_name == 'ana'")
    assert cells(count(asked(rule), [{"user_name": "ana\0eve"}])) == {(True, False): 1}


def test_rows_of_another_schema_are_refused() -> None:
    with duckdb.connect() as connection, pytest.raises(ValueError, match=r"not log\.cloudtrail's"):
        run(DuckDB(connection), prepare(CLOUDTRAIL, asked(MFA), NOW), "trail", [to_arrow(VPC_FLOW, [{"bytes": 1}])])


class Losing(DuckDB):
    """An engine whose rows become fewer from one look to the next."""

    def run(self, rows: Any, queries: Any) -> Iterator[list[dict[str, Any]]]:
        for query in queries:
            yield from super().run(rows, [query])
            rows = rows.slice(1)


def test_a_rule_that_was_not_asked_of_every_row_is_no_answer() -> None:
    with duckdb.connect() as connection, pytest.raises(EngineFailed, match="a-rule-1 was asked of 1 rows, and there are 2"):
        run(Losing(connection), prepare(CLOUDTRAIL, asked(MFA, MFA), NOW), "trail", [to_arrow(CLOUDTRAIL, [LOGIN, LOGIN])])


@pytest.mark.parametrize(
    ("condition", "given"),
    [
        ("cidrs_within([row.source], params.held)", ["10.0.0.0/8", "somewhere"]),
        ("cidrs_within([row.source], params.held)", [1]),
        ("row.user_name in params.held", ["ana", None]),
        ("row.user_name in params.held", ["ana", 1]),
        ("row.user_name in params.held", ["ana", ["bo"]]),
    ],
)
def test_a_list_with_what_the_column_cannot_be_is_refused(condition: str, given: Any) -> None:
    rule = make(condition, params={"held": {"type": "list", "default": ["10.0.0.0/8"]}})
    with pytest.raises(UnfitParameter):
        prepare(CLOUDTRAIL, [Asked("a", rule, {"held": given})], NOW)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ([(True, True)], Verdict.UPHELD),
        ([(True, True), (True, None)], Verdict.UNPROVEN),
        ([(True, True), (None, True)], Verdict.UNPROVEN),
        ([(None, False)], Verdict.UNPROVEN),
        ([(True, True), (True, None), (True, False)], Verdict.BROKEN),
        ([(False, True), (False, False), (False, None)], None),
        ([], None),
    ],
)
def test_rows_are_upheld_only_where_all_that_may_apply_are(held: list[Any], wanted: Verdict | None) -> None:
    assert verdict(dict.fromkeys(held, Tally(1, None, None))) is wanted


def _drawn(seed: int) -> dict[str, Any]:
    chance = Random(seed)
    return {
        "event_name": chance.choice(["ConsoleLogin", "RunInstances", None]), "mfa": chance.choice(TRUTHS), "line": seed,
        "principal": chance.choice(["ana", "bo", None]), "object": chance.choice(["a", "b", None]),
        "time": chance.choice([None, f"2026-02-01T1{chance.randrange(3)}:{chance.randrange(60):02}:00Z"]),
    }  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 10**6), unique=True, max_size=40), st.lists(st.integers(0, 3), min_size=40, max_size=40), st.randoms())
def test_parts_put_together_in_any_order_are_the_whole(seeds: list[int], split: list[int], chance: Random) -> None:
    rows = [_drawn(seed) for seed in seeds]
    parts = [count(asked(MFA), [row for row, at in zip(rows, split, strict=False) if at == part]) for part in range(4)]
    whole = plain(count(asked(MFA), rows))
    shuffled = chance.sample(parts, 4)
    assert plain(merge(shuffled)) == whole
    assert plain(merge([merge(shuffled[:1]), merge([shuffled[1], merge(shuffled[2:])]), Partial()])) == whole
    assert restore(whole) == restore(plain(merge(parts)))
    assert plain(restore(whole)) == whole


def _rows(rule: Rule) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every example and every mutant that the table can hold, with its parameters."""
    for group in ("upheld", "broken", "unproven", "excluded"):
        for held in getattr(rule.file.examples, group):
            given, params = example._row(held)
            for row in [dict(given), *(mutant for _, _, mutant in example.mutate(given))]:
                with contextlib.suppress(NoRow):
                    check(TABLES[rule.kind], row)
                    yield row, dict(params)


def test_every_example_of_every_rule_and_every_mutant_is_to_the_engine_what_it_is_to_the_runtime() -> None:
    compared = 0
    for rule in load().log_rules.values():
        held = sorted(_rows(rule), key=lambda one: str(one[1]))
        for _, together in itertools.groupby(held, key=lambda one: str(one[1])):
            drawn = list(together)
            params = drawn[0][1]
            for (row, _), found in zip(drawn, row_by_row(rule, [row for row, _ in drawn], rule.params(params)), strict=True):
                assert (rule.id, row, found) == (rule.id, row, of_row(rule, TABLES[rule.kind], row, params, example.NOW)[0])
                compared += 1
    assert compared > 300
