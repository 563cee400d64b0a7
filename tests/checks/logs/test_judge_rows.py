"""Counts of rows become verdicts, joined with what is known of completeness."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.counterexample import what
from checks.judge import Population, bind, judge
from checks.logs.hours import Proof
from checks.logs.source import COUNT, SOURCE
from checks.model import GLOBAL, Estate, Finding, Gap, Reason
from checks.promise import Acceptance, Promise
from checks.rule import Rule
from checks.verdict import Verdict
from tests.checks.logs.log_rules import make
from tests.checks.logs.sources import ACCOUNT, estate, told

RULE = make("row.mfa", applies_if="row.event_name == 'ConsoleLogin'", group_by=["principal"], show=["time", "account", "source"])
WHOLE = (Proof.PROVEN, Proof.PROVEN)


def login(principal: str | None, *, mfa: bool | None, at: str = "10:15:00") -> dict[str, Any]:
    row = {"event_name": "ConsoleLogin", "principal": principal, "mfa": mfa, "time": f"2026-11-25T{at}Z", "source": "203.0.113.77"}
    return {"object": "a.json.gz", "line": 1, **row}


def findings(held: Estate, rule: Rule = RULE, promises: tuple[Promise, ...] = (), **more: Any) -> list[Finding]:
    populations: dict[tuple[str, str], Population] = {}
    return list(judge(held, {}, bind([rule], promises, every=not promises), populations, **more))


def verdicts(held: Estate, **more: Any) -> Mapping[str, str]:
    return {one.resource.id: str(one.verdict) for one in findings(held, **more)}


def promise(**scope: Any) -> Promise:
    return Promise.model_validate({"id": "p", "quote": "q", "controls": [{"id": "mfa"}], "scope": scope})


def test_rows_that_keep_a_promise_uphold_it_over_hours_that_are_proven() -> None:
    (found,) = findings(estate(told([RULE], [login("ana", mfa=True), login("bo", mfa=True)], WHOLE)))
    assert (found.verdict, found.resource.id, found.resource.type) == (Verdict.UPHELD, "trail", "log.cloudtrail")
    assert found.evidence.values == {"rows": 2, "hours": {"proven": 2, "not_proven": 0}}
    assert found.evidence.looks == ("look-trail",)
    assert "2 rows that it applies to, and each of 2 hours is proven" in found.explanation


def test_a_row_that_breaks_a_promise_breaks_it_whatever_is_known_of_completeness() -> None:
    rows = [login("ana", mfa=True), login("eve", mfa=False), login("eve", mfa=False, at="10:45:00"), login("eve", mfa=True)]
    held = estate(told([RULE], rows, (Proof.CANNOT_TELL, Proof.PROVEN)))
    assert verdicts(held) == {"trail/eve": "broken", "trail": "unproven"}
    broken = next(one for one in findings(held) if one.verdict is Verdict.BROKEN)
    assert broken.explanation == (
        "Not so: Title (2 of 3 rows with principal eve, from 2026-11-25T10:15:00Z to 2026-11-25T10:45:00Z, such as line 1 of a.json.gz)."
    )
    assert broken.evidence.values["group"] == {"principal": "eve"}
    assert (broken.evidence.values["rows"], broken.evidence.values["of"]) == (2, 3)
    assert broken.evidence.values["samples"][0] == {
        "time": "2026-11-25T10:15:00Z", "object": "a.json.gz", "line": 1, "account": None, "source": "203.0.113.0/24"
    }  # fmt: skip


def test_rows_that_leave_it_open_are_unproven_and_named() -> None:
    held = estate(told([RULE], [login("ana", mfa=True), login("bo", mfa=None), login(None, mfa=None)], WHOLE))
    assert verdicts(held) == {"trail/bo": "unproven", "trail/-": "unproven", "trail": "upheld"}


@pytest.mark.parametrize("proof", [Proof.CANNOT_TELL, Proof.BROKEN])
def test_an_hour_that_is_not_proven_upholds_nothing(proof: Proof) -> None:
    (found,) = findings(estate(told([RULE], [login("ana", mfa=True)], (Proof.PROVEN, proof))))
    assert found.verdict is Verdict.UNPROVEN
    assert "no counterexample in 1 row that it applies to, but an hour is not proven to be complete" in found.explanation
    assert f"it is {proof}" in found.explanation


def test_an_hour_that_is_not_due_yet_stands_in_nobodys_way_but_proves_nothing_alone() -> None:
    assert verdicts(estate(told([RULE], [login("ana", mfa=True)], (Proof.PROVEN, Proof.NOT_YET_DUE)))) == {"trail": "upheld"}
    assert verdicts(estate(told([RULE], [login("ana", mfa=True)], (Proof.NOT_YET_DUE,)))) == {"trail": "unproven"}


def test_what_is_assumed_stands_in_the_evidence() -> None:
    (found,) = findings(estate(told([RULE], [login("ana", mfa=True)], WHOLE, Completeness="assume")))
    assert found.verdict is Verdict.UPHELD
    assert found.evidence.assumptions == ("the configuration says that the log source trail is to be taken for complete",)
    assert "is assumed" in found.explanation


def test_a_complete_log_without_such_rows_is_neutral_and_an_incomplete_one_is_not() -> None:
    other = {"event_name": "RunInstances", "time": "2026-11-25T10:00:00Z"}
    populations: dict[tuple[str, str], Population] = {}
    bound = bind([RULE], [], every=True)
    assert list(judge(estate(told([RULE], [other], WHOLE)), {}, bound, populations)) == []
    assert [one.looks for one in populations.values()] == [["look-trail"]]
    assert verdicts(estate(told([RULE], [other], (Proof.CANNOT_TELL,)))) == {"trail": "unproven"}


def test_counts_under_other_parameters_answer_nothing() -> None:
    rule = make("row.principal in params.who", params={"who": {"type": "list", "default": ["ana"]}})
    held = estate(told([rule], [{"principal": "ana"}], WHOLE, params={"who": ["ana", "bo"]}))
    (found,) = findings(held, rule=rule)
    assert found.verdict is Verdict.UNPROVEN
    assert found.evidence.gaps[0].reason is Reason.NOT_COLLECTED


def test_without_a_look_nothing_is_upheld() -> None:
    assert verdicts(estate(told([RULE], [login("ana", mfa=True)], WHOLE), looked=False)) == {"trail": "unproven"}


def test_an_old_estate_decides_nothing() -> None:
    held = estate(told([RULE], [login("eve", mfa=False)], WHOLE))
    assert verdicts(held) == {"trail/eve": "broken"}
    assert verdicts(held, stale=lambda _: True) == {"trail/eve": "unproven"}


def test_an_account_without_a_source_is_a_gap_for_a_rule_that_nothing_stands_in_for() -> None:
    rule = make("row.mfa", required=True)
    held = estate(told([rule], [login("ana", mfa=True)], WHOLE), accounts=["444455556666", "tls", "log"])
    found = {one.resource.account: one for one in findings(held, rule=rule)}
    assert {account: str(one.verdict) for account, one in found.items()} == {ACCOUNT: "upheld", "444455556666": "unproven"}
    assert "no log source of log.cloudtrail is configured" in found["444455556666"].explanation
    assert set(verdicts(held, rule=RULE)) == {"trail"}


def test_a_scope_that_rows_cannot_be_told_by_decides_nothing_for_its_promise() -> None:
    held = estate(told([RULE], [login("eve", mfa=False), login("ana", mfa=True)], WHOLE))
    narrow = promise(regions=["eu-central-1"])
    assert verdicts(held, promises=(narrow,)) == {"trail/eve": "unproven", "trail": "unproven"}
    assert verdicts(held, promises=(promise(),)) == {"trail/eve": "broken", "trail": "upheld"}
    assert verdicts(held, promises=(promise(accounts=["444455556666"]),)) == {}


def test_a_gap_of_the_source_leaves_what_breaks_a_promise_and_upholds_nothing() -> None:
    gap = Gap(SOURCE, ACCOUNT, GLOBAL, "trail", None, Reason.DENIED, "ListObjectsV2", message="not all objects could be listed")
    held = estate(told([RULE], [login("eve", mfa=False), login("ana", mfa=True)], WHOLE), gaps=[gap])
    assert verdicts(held) == {"trail/eve": "broken", "trail": "unproven"}


@given(
    rows=st.lists(st.tuples(st.sampled_from(["ana", "bo", None]), st.sampled_from([True, False, None])), max_size=6),
    proofs=st.lists(st.sampled_from(list(Proof)), min_size=1, max_size=4),
    lost=st.integers(0, 3),
)
def test_less_that_is_known_moves_verdicts_to_unproven_and_nowhere_else(
    rows: list[tuple[str | None, bool | None]], proofs: list[Proof], lost: int
) -> None:
    held = estate(told([RULE], [login(who, mfa=mfa) for who, mfa in rows], proofs))
    poorer_hours = [Proof.CANNOT_TELL if place == lost else proof for place, proof in enumerate(proofs)]
    poorer = estate(told([RULE], [login(who, mfa=None if place == lost else mfa) for place, (who, mfa) in enumerate(rows)], poorer_hours))
    before, after = overall(held), overall(poorer)
    assert after in {before, "unproven"}


def overall(held: Estate) -> str | None:
    found = set(verdicts(held).values())
    return next((one for one in ("broken", "unproven", "upheld") if one in found), None)


def test_an_estate_that_lost_its_counts_is_not_a_complete_log_without_rows() -> None:
    held = estate(told([RULE], [login("eve", mfa=False)], WHOLE))
    without = dataclasses.replace(held, resources={name: members for name, members in held.resources.items() if name != COUNT})
    assert verdicts(without) == {"trail": "unproven"}


def accepted(found: Finding, digest: str | None = None, *, standing: bool = False) -> dict[str, Acceptance]:
    given = digest or str(found.evidence.counterexample)
    return {found.id: Acceptance(finding=found.id, owner="o", reason="r", expires=date(2099, 1, 1), digest=given, standing=standing)}


def of_eve(*times: str, exceptions: Mapping[str, Acceptance] | None = None) -> Finding:
    held = estate(told([RULE], [login("eve", mfa=False, at=at) for at in times], WHOLE))
    return next(one for one in findings(held, exceptions=exceptions or {}) if one.verdict is Verdict.BROKEN)


def test_an_exception_covers_the_rows_that_were_seen_and_none_that_come_after() -> None:
    exceptions = accepted(of_eve("08:15:00", "10:15:00"))
    assert of_eve("08:15:00", "10:15:00", exceptions=exceptions).accepted
    assert of_eve("10:15:00", exceptions=exceptions).accepted, "the first hour has left the window"
    assert not of_eve("10:15:00", "11:15:00", exceptions=exceptions).accepted
    assert not of_eve("10:15:00", "10:20:00", exceptions=exceptions).accepted, "nor one that was delivered late"


def test_a_standing_exception_covers_rows_that_come_after_and_no_other_group() -> None:
    first = of_eve("08:15:00")
    exceptions = accepted(first, what(str(first.evidence.counterexample)), standing=True)
    assert of_eve("10:15:00", "11:15:00", exceptions=exceptions).accepted == "o: r (until 2099-01-01, whatever rows come)"
    assert not of_eve("10:15:00", exceptions=accepted(first, "0" * 32, standing=True)).accepted
    assert not of_eve("10:15:00", exceptions=accepted(first, what(str(first.evidence.counterexample)))).accepted, (
        "it does not say that it is"
    )


def test_groups_with_one_readable_id_are_findings_of_their_own() -> None:
    rule = make("row.mfa", group_by=["principal", "user_name"])
    pairs = [("a/b", "c"), ("a", "b/c"), (None, "x"), ("-", "x")]
    rows = [{**login(one, mfa=False), "user_name": other} for one, other in pairs]
    found = findings(estate(told([rule], rows, WHOLE)), rule)
    assert len({one.id for one in found}) == len({one.resource.id for one in found}) == 4
    assert all(one.resource.id.startswith("trail/") for one in found)
    alone = [findings(estate(told([rule], [row], WHOLE)), rule)[0].resource.id for row in rows]
    assert set(alone) == {one.resource.id for one in found}, "whichever others there are"


def test_rows_that_are_not_grouped_are_told_beside_what_nobody_knows_of_the_log() -> None:
    rule = make("row.mfa", group_by=[])
    found = findings(estate(told([rule], [login("eve", mfa=False)], (Proof.CANNOT_TELL,))), rule)
    assert {one.resource.id: str(one.verdict) for one in found} == {"trail/*": "broken", "trail": "unproven"}
