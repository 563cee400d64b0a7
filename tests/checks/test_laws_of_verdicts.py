"""The laws as properties: Kleene logic, silence, absence, sameness, age, and the ids of findings."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.judge import Bound, Population, judge, key
from checks.model import LISTING, Estate, Finding, Gap, Look, Place
from checks.plan import ACCOUNTS, KINDS, RECORDER, REGIONS, TAGGED
from checks.summary import PromiseSummary
from checks.verdict import Verdict, combine, proven
from tests.checks.lawful import TEXTS, estates, everything_known, only_to_unproven, promises, rules, run, small
from tests.checks.small import (
    ACCOUNT,
    ACCOUNT_TYPE,
    BUCKET,
    CATALOGUE,
    DISK,
    HERE,
    KEY,
    REGION_TYPE,
    THERE,
    Answer,
    Builder,
    ask,
    listing_id,
    make_promises,
    make_rule,
)

# -- law 3: Kleene logic throughout -----------------------------------------------------------------------------------


@small
@given(estates())
def test_every_verdict_is_what_its_parts_say(estate: Estate) -> None:
    answer = run(estate)
    for promise in answer.promises:
        for control in promise.controls:
            for rule in control.rules:
                of_rule = [one.verdict for one in answer.findings if one.rule == rule.rule and promise.id in one.promises]
                unsure = Verdict.UNPROVEN if rule.counts["unproven"] > of_rule.count(Verdict.UNPROVEN) else None
                assert sum(rule.counts.values()) == len(of_rule)
                assert rule.verdict in {combine(of_rule), combine([unsure])}
            assert control.verdict is combine(rule.verdict for rule in control.rules)
        if promise.unverifiable:
            assert promise.verdict is None
        else:
            outside = [Verdict.UNPROVEN] if promise.missing else []
            assert promise.verdict is proven(combine([*(control.verdict for control in promise.controls), *outside]))


def empty(**changes: Any) -> Answer:
    estate = Builder().universe(kinds={"Key": 1}).build()
    one = make_promises("promises: [{id: empty, quote: Q., controls: [{id: settings}]}]")
    return ask(dataclasses.replace(estate, **changes), [make_rule("resource.Encrypted")], one)


def test_an_empty_population_that_was_looked_at_is_not_applicable_and_has_its_looks() -> None:
    answer = empty()
    rule = answer.promises[0].controls[0].rules[0]
    assert (rule.verdict, rule.looks) == (None, (listing_id(DISK, Place(ACCOUNT, HERE)),))
    assert answer.findings == []


def test_a_promise_for_which_everything_is_not_applicable_is_unproven() -> None:
    promise = empty().promises[0]
    assert promise.missing == ()
    assert promise.controls[0].verdict is None
    assert promise.verdict is promise.open is Verdict.UNPROVEN


def test_an_empty_population_that_nobody_looked_at_is_unproven() -> None:
    answer = empty(looks=())
    assert answer.verdict(LISTING) == "unproven"
    assert "nobody looked" in answer.findings[0].explanation


def test_not_applicable_is_neutral_beside_what_is_upheld() -> None:
    estate = Builder().universe(kinds={"Key": 1})
    estate.add(KEY, {"Manager": "CUSTOMER"}, id="key")
    one = make_promises("promises: [{id: both, quote: Q., controls: [{id: settings}]}]")
    both = [make_rule("resource.Encrypted", id="a"), make_rule("resource.Manager == 'CUSTOMER'", id="b", resource=KEY)]
    promise = ask(estate.build(), both, one).promises[0]
    assert [rule.verdict for rule in promise.controls[0].rules] == [None, Verdict.UPHELD]
    assert promise.verdict is Verdict.UPHELD


def test_a_control_that_no_rule_judges_is_unproven() -> None:
    promise = ask(
        Builder().universe(kinds={"Key": 1}).build(), [], make_promises("promises: [{id: none, quote: Q., controls: [{id: settings}]}]")
    ).promises[0]
    assert promise.verdict is Verdict.UNPROVEN
    assert "no rule judges settings" in promise.missing


# -- law 4: no error is silence ---------------------------------------------------------------------------------------


@small
@given(estates(), st.data())
def test_every_gap_is_in_the_report_and_where_it_matters_in_a_finding(estate: Estate, data: st.DataObject) -> None:
    _, less, gap = data.draw(st.sampled_from([loss for loss in everything_known(estate) if loss[2]]))
    assert gap is not None
    answer = run(less)
    assert _without_none(gap) in json.loads(answer.json())["gaps"]
    judged = {rule.kind for rule in rules()}
    if gap.type in judged and gap.field is None and not (gap.type in {REGION_TYPE, ACCOUNT_TYPE} and gap.id is None):
        assert any(gap in finding.evidence.gaps and finding.verdict is Verdict.UNPROVEN for finding in answer.findings)


def _without_none(gap: Gap) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(gap).items() if value is not None}


def test_a_type_that_nobody_was_to_collect_is_a_gap_in_each_place() -> None:
    estate = Builder({ACCOUNT: (HERE, THERE)})
    estate.unlisted = {(DISK, Place(ACCOUNT, region)) for region in (HERE, THERE)}
    answer = ask(estate.build(), [make_rule("resource.Encrypted")])
    assert [(one.resource.id, one.resource.region, str(one.evidence.gaps[0].reason)) for one in answer.findings] == [
        (LISTING, HERE, "not-collected"), (LISTING, THERE, "not-collected"),
    ]  # fmt: skip


# -- law 6: absent is not good ----------------------------------------------------------------------------------------


@small
@given(estates())
def test_an_absent_member_is_unproven(estate: Estate) -> None:
    before = run(estate)
    for lost, less, gap in everything_known(estate):
        if gap is not None and gap.field not in {None, "(tags)"} and gap.type not in {REGIONS, ACCOUNTS, KINDS, RECORDER, TAGGED}:
            only_to_unproven(before, run(dataclasses.replace(less, gaps=estate.gaps)), lost)


# -- law 7: reproducible ----------------------------------------------------------------------------------------------


@small
@given(estates(), st.integers(0, 1000))
def test_the_same_inputs_in_another_order_give_the_same_bytes(estate: Estate, seed: int) -> None:
    gaps = tuple(gap for _, _, gap in everything_known(estate) if gap is not None)[::3]
    estate = dataclasses.replace(estate, gaps=gaps)
    shuffled = _shuffler(seed)
    other = Estate(
        dataclasses.replace(
            estate.manifest, scope=dataclasses.replace(estate.manifest.scope, accounts=shuffled(estate.manifest.scope.accounts))
        ),
        {type_: tuple(shuffled(list(held))) for type_, held in shuffled(estate.resources).items()},
        tuple(shuffled(list(estate.looks))),
        tuple(shuffled(list(estate.gaps))),
    )
    there = ask(other, shuffled(list(rules())), promises(), texts=TEXTS)
    assert there.json() == run(estate).json()


def _shuffler(seed: int) -> Callable[[Any], Any]:
    generator = random.Random(seed)

    def shuffled(held: Any) -> Any:
        if isinstance(held, Mapping):
            return dict(shuffled(list(held.items())))
        return generator.sample(held, len(held))

    return shuffled


def test_judging_asks_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    def forbidden() -> float:
        raise AssertionError("the clock was asked")

    estate = Builder()
    estate.add(DISK, {"Created": "2026-11-01T00:00:00Z"}, id="disk")
    built, rule = estate.build(), make_rule("days_between(resource.Created, now) < 20.0")
    for name in ("time", "time_ns", "localtime", "gmtime"):
        monkeypatch.setattr(time, name, forbidden)
    assert ask(built, [rule]).verdict("disk") == "upheld"


# -- law 9: evidence ages ---------------------------------------------------------------------------------------------


@small
@given(estates())
def test_what_is_too_old_proves_nothing(estate: Estate) -> None:
    answer = run(estate, stale=True)
    assert {finding.verdict for finding in answer.findings} == {Verdict.UNPROVEN}
    assert {rule.verdict for promise in answer.promises for control in promise.controls for rule in control.rules} <= {
        Verdict.UNPROVEN,
        None,
    }
    assert {promise.verdict for promise in answer.promises} == {Verdict.UNPROVEN, None}


def test_an_old_look_at_nothing_does_not_show_that_there_is_nothing() -> None:
    estate = Builder()
    answer = ask(estate.build(), [make_rule("resource.Encrypted")], stale=True)
    assert answer.verdict(LISTING) == "unproven"
    assert [str(gap.reason) for gap in answer.findings[0].evidence.gaps] == ["stale"]


def test_what_was_left_out_long_ago_may_have_to_be_judged_by_now() -> None:
    estate = Builder()
    estate.add(DISK, {"State": "deleted"}, id="disk")
    rule = make_rule("resource.Encrypted", extra="applies_if: resource.State != 'deleted'")
    assert ask(estate.build(), [rule]).findings == []
    assert ask(estate.build(), [rule], stale=True).verdict("disk") == "unproven"


# -- what a finding is ------------------------------------------------------------------------------------------------


@small
@given(estates())
def test_no_two_findings_have_the_same_id(estate: Estate) -> None:
    ids = [finding.id for finding in run(estate).findings]
    assert len(set(ids)) == len(ids)


def test_promises_that_ask_for_the_same_share_a_finding_and_others_do_not() -> None:
    ignores = "params:\n  algorithm: {type: string, default: AES-256}\nignores: {customer_key: makes no difference here}"
    several = [
        make_rule("resource.Encrypted && params.algorithm == 'AES-256'", id="ignoring", control="encryption", extra=ignores),
        make_rule("resource.Encrypted", id="plain", control="encryption"),
    ]
    text = """
        promises:
          - {id: first, quote: Q., controls: [{id: encryption}, {id: encryption}]}
          - {id: second, quote: Q., controls: [{id: encryption, params: {algorithm: AES-256, customer_key: true}}]}
          - {id: third, quote: Q., controls: [{id: encryption, params: {algorithm: AES-128}}]}
    """
    estate = Builder()
    estate.add(DISK, {"Encrypted": True}, id="disk")
    answer = ask(estate.build(), several, make_promises(text, several))
    assert [(one.rule, one.promises, str(one.verdict)) for one in answer.findings] == [
        ("ignoring", ("first", "second"), "upheld"),
        ("ignoring", ("third",), "broken"),
        ("plain", ("first",), "upheld"),
        ("plain", ("second",), "unproven"),
        ("plain", ("third",), "unproven"),
    ]
    assert len({one.id for one in answer.findings}) == 5
    assert "does not judge algorithm, customer_key" in answer.findings[3].explanation
    first = answer.promises[0].controls
    assert [rule.counts["upheld"] for control in first for rule in control.rules] == [1, 1, 1, 1]


def test_a_finding_keeps_its_id_from_run_to_run_and_another_resource_has_another() -> None:
    def ids(*names: str, region: str = HERE) -> list[str]:
        estate = Builder({ACCOUNT: (HERE, THERE)})
        for name in names:
            estate.add(DISK, {}, id=name, place=Place(ACCOUNT, region))
        return [finding.id for finding in ask(estate.build(), [make_rule("resource.Encrypted")]).findings]

    assert ids("a", "b") == [*ids("a"), *ids("b")]
    assert len({*ids("a"), *ids("b"), *ids("a", region=THERE)}) == 3


def test_the_rule_is_judged_once_for_all_its_promises() -> None:
    bound = Bound(make_rule("resource.Encrypted"), {}, {}, ())
    populations: dict[tuple[str, str], Population] = {}
    estate = Builder()
    estate.add(DISK, {"Encrypted": True}, id="disk")
    findings = list(judge(estate.build(), CATALOGUE, [bound], populations))
    assert len(findings) == populations["", key(bound)].counts[Verdict.UPHELD] == 1


def promise_of(answer: Answer, id_: str) -> PromiseSummary:
    return next(promise for promise in answer.promises if promise.id == id_)


def test_promises_that_are_made_up_are_upheld_broken_and_unproven_now_and_then() -> None:
    """Else the properties above would say nothing."""
    estate = Builder().universe(kinds={"Disk": 1})
    estate.add(DISK, {"Encrypted": True, "State": "available", "KeyId": "a"}, id="disk")
    estate.add(KEY, {"Manager": "CUSTOMER", "Name": "n"}, id="a")
    answer = run(estate.build())
    assert str(promise_of(answer, "everything").verdict) == "upheld"
    estate.add(BUCKET, {"Encrypted": False}, id="bucket")
    answer = run(estate.build())
    assert str(promise_of(answer, "everything").verdict) == "broken"
    assert str(promise_of(answer, "with-our-keys").verdict) == "broken"
    assert str(promise_of(answer, "nobody").verdict) == "unproven"
    assert isinstance(answer.findings[0], Finding)
    assert isinstance(estate.build().looks[0], Look)
