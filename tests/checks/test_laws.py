"""The laws as properties: never upheld without looking, and what is lost moves a verdict to unproven and nowhere else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import GLOBAL, LISTING, Estate, Evidence, Finding, NoEvidence, Place, Resource, Subject
from checks.rule import Rule
from checks.verdict import Verdict
from tests.checks.lawful import INTENDED, estates, everything_known, no_finding_goes_quietly, only_to_unproven, rules, run, small
from tests.checks.small import (
    ACCOUNT,
    ACCOUNT_TYPE,
    BUCKET,
    DISK,
    HERE,
    KEY,
    OTHER_ACCOUNT,
    REGION_TYPE,
    THERE,
    Builder,
    ask,
    listing_id,
    make_promises,
    make_rule,
)

# -- law 1: never upheld without looking ------------------------------------------------------------------------------


@pytest.mark.parametrize("evidence", [Evidence(), Evidence(values={"Encrypted": True}), Evidence(assumptions=("trust me",))])
def test_an_upheld_finding_without_a_look_cannot_be_made(evidence: Evidence) -> None:
    def made(verdict: Verdict) -> Finding:
        return Finding("id", "rule", "settings", verdict, "high", Subject(DISK, "a", ACCOUNT, HERE), (), evidence, "", "")

    with pytest.raises(NoEvidence):
        made(Verdict.UPHELD)
    assert made(Verdict.UNPROVEN).verdict is Verdict.UNPROVEN


@small
@given(estates())
def test_an_upheld_finding_names_looks_that_are_in_the_estate(estate: Estate) -> None:
    for finding in run(estate).findings:
        if finding.verdict is Verdict.UPHELD:
            assert finding.evidence.looks
            assert set(finding.evidence.looks) <= set(estate.looks_by_id)


@small
@given(estates())
def test_without_looks_nothing_is_upheld(estate: Estate) -> None:
    answer = run(dataclasses.replace(estate, looks=()))
    assert Verdict.UPHELD not in {finding.verdict for finding in answer.findings}
    assert Verdict.UPHELD not in {promise.verdict for promise in answer.promises}


# -- law 2: gaps are monotone -----------------------------------------------------------------------------------------


@small
@given(estates(), st.data())
def test_what_is_lost_moves_a_verdict_to_unproven_and_nowhere_else(estate: Estate, data: st.DataObject) -> None:
    before = run(estate)
    losses = list(everything_known(estate))
    for lost, less, _ in data.draw(st.lists(st.sampled_from(losses), min_size=10, max_size=10, unique_by=id)):
        after = run(less)
        only_to_unproven(before, after, lost)
        no_finding_goes_quietly(before, after, lost)


@cache
def kept() -> Builder:
    """An estate in which every promise that can be kept is."""
    estate = Builder({ACCOUNT: (HERE, THERE)}).universe(kinds={"Disk": 2})
    for region in (HERE, THERE):
        place = Place(ACCOUNT, region)
        data = {"Encrypted": True, "State": "available", "KeyId": "k", "Engine": "b", "PublicIp": None, "Attachments": [], "Policy": None}
        estate.add(DISK, data, id=f"disk-{region}", place=place, tags={"env": "live"})
        estate.add(DISK, data | {"Encrypted": False}, id=f"sandbox-{region}", place=place, tags={"env": "sandbox"})
        estate.add(KEY, {"Manager": "CUSTOMER", "Name": "mine"}, id="k", place=place)
    estate.add(BUCKET, {"Encrypted": True}, id="b", place=Place(ACCOUNT, HERE))
    return estate


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_each_fact_that_a_kept_promise_rests_on_can_be_lost(rule: Rule) -> None:
    """One after the other, for a rule on its own: so none of them can hide behind another."""
    one = make_promises(
        f"promises: [{{id: one, quote: Q., quantifier: {'never' if rule.file.control == 'isolation' else 'all'}, controls: [{{id: {rule.file.control}}}]}}]"
    )
    estate = kept().build()
    pseudo: dict[str, list[tuple[str, Place, Mapping[str, Any]]]] = {
        REGION_TYPE: [(region, Place(ACCOUNT, region), {"Default": {"Encrypted": True}}) for region in (HERE, THERE)],
        ACCOUNT_TYPE: [(ACCOUNT, Place(ACCOUNT, GLOBAL), {"Summary": {"Keys": 0}})],
    }
    held = {
        type_: tuple(Resource(name, type_, place.account, place.region, data, {}, (listing_id(KEY, place), listing_id(BUCKET, place))) for name, place, data in of)
        for type_, of in pseudo.items()
    }  # fmt: skip
    estate = dataclasses.replace(estate, resources={**estate.resources, **held})
    before = ask(estate, [rule], one)
    for lost, less, _ in everything_known(estate):
        after = ask(less, [rule], one)
        only_to_unproven(before, after, lost)
        no_finding_goes_quietly(before, after, lost)


def test_a_resource_known_only_by_its_gap_is_in_the_way_of_whoever_asks_for_all_or_for_it() -> None:
    estate = Builder()
    estate.add(DISK, {"Encrypted": True, "KeyId": "k"}, id="disk")
    estate.add(KEY, {"Manager": "CUSTOMER", "Name": "mine"}, id="seen")
    estate.add(REGION_TYPE, {}, id=HERE, looks=[listing_id(KEY, Place(ACCOUNT, HERE))])
    asked = [
        make_rule("lookup('aws.test.key', resource.KeyId) == null", id="a-no-such-key"),
        make_rule("every('aws.test.key').exists(k, k.Manager == 'AWS')", id="b-any", resource=REGION_TYPE),
        make_rule("every('aws.test.key').all(k, k.Manager == 'CUSTOMER')", id="c-all", resource=REGION_TYPE, extra=INTENDED.format(KEY)),
    ]
    assert [str(finding.verdict) for finding in ask(estate.build(), asked).findings] == ["upheld", "broken", "upheld"]
    estate.gap(KEY, "unseen")
    assert [str(finding.verdict) for finding in ask(estate.build(), asked).findings] == ["unproven"] * 3


@pytest.mark.parametrize(("gone", "verdict"), [(False, "unproven"), (True, "broken")])
def test_a_name_that_was_not_seen_may_be_the_one_that_is_looked_for(gone: bool, verdict: str) -> None:
    rule = make_rule("lookup('aws.test.key', resource.KeyId) != null")
    estate = Builder()
    estate.add(DISK, {"KeyId": "alias/mine"}, id="disk")
    estate.add(KEY, {"Manager": "AWS"} | ({"Name": None} if gone else {}), id="nameless")
    if gone:
        estate.resources[-1] = dataclasses.replace(estate.resources[-1], data={"Manager": "AWS", "Name": "alias/other"})
    assert ask(estate.build(), [rule]).verdict("disk") == verdict


def test_a_plain_name_is_looked_for_in_the_region_of_the_resource_that_has_it() -> None:
    rule = make_rule("lookup('aws.test.key', resource.KeyId).Manager == 'CUSTOMER'")
    estate = Builder({ACCOUNT: (HERE, THERE)})
    for region in (HERE, THERE):
        estate.add(DISK, {"KeyId": "k"}, id=f"disk-{region}", place=Place(ACCOUNT, region))
    estate.add(DISK, {"KeyId": f"arn:aws:test:{THERE}:{ACCOUNT}:key/k"}, id="by-arn")
    estate.add(KEY, {"KeyId": "k", "Manager": "CUSTOMER", "Name": "n"}, place=Place(ACCOUNT, THERE))
    answer = ask(estate.build(), [rule])
    assert {finding.resource.id: str(finding.verdict) for finding in answer.findings} == {
        f"disk-{HERE}": "unproven", f"disk-{THERE}": "upheld", "by-arn": "upheld",
    }  # fmt: skip


def test_an_account_of_which_no_region_was_read_has_not_shown_that_it_has_nothing() -> None:
    rule = make_rule("every('aws.test.disk').all(d, d.Encrypted)", resource=ACCOUNT_TYPE, extra=INTENDED.format(DISK))
    estate = Builder({ACCOUNT: ()})
    estate.add(ACCOUNT_TYPE, {}, id=ACCOUNT, place=Place(ACCOUNT, GLOBAL), looks=["x"])
    assert ask(estate.build(), [rule]).verdict(ACCOUNT) == "unproven"


def test_a_resource_of_another_account_that_nobody_read_is_not_missing_but_unseen() -> None:
    estate = Builder()
    estate.add(DISK, {"KeyId": f"arn:aws:test:{HERE}:{OTHER_ACCOUNT}:key/k"}, id="disk")
    assert ask(estate.build(), [make_rule("lookup('aws.test.key', resource.KeyId) == null")]).verdict("disk") == "unproven"


def test_the_gap_of_one_resource_is_not_that_of_its_namesake_elsewhere() -> None:
    estate = Builder({ACCOUNT: (HERE, THERE)})
    for region in (HERE, THERE):
        estate.add(DISK, {"Encrypted": True}, id="twin", place=Place(ACCOUNT, region))
    estate.gap(DISK, "twin", "Encrypted", place=Place(ACCOUNT, THERE))
    answer = ask(estate.build(), [make_rule("resource.Encrypted")])
    assert {finding.resource.region: str(finding.verdict) for finding in answer.findings} == {HERE: "upheld", THERE: "unproven"}


def test_a_resource_that_is_a_gap_as_a_whole_proves_nothing_about_itself_or_others() -> None:
    estate = Builder()
    estate.add(DISK, {"Encrypted": True, "KeyId": "k"}, id="disk")
    estate.add(KEY, {"Manager": "CUSTOMER", "Name": "n"}, id="k")
    asked = [make_rule("resource.Encrypted", id="a"), make_rule("lookup('aws.test.key', resource.KeyId).Manager == 'CUSTOMER'", id="b")]
    assert [str(finding.verdict) for finding in ask(estate.build(), asked).findings] == ["upheld", "upheld"]
    gap = estate.gap(KEY, "k")
    found = ask(estate.build(), asked).findings
    assert [(str(finding.verdict), finding.evidence.gaps) for finding in found] == [("upheld", ()), ("unproven", (gap,))]
    gap = estate.gap(DISK, "disk")
    found = ask(estate.build(), asked).findings
    assert [(str(finding.verdict), finding.evidence.gaps) for finding in found] == [("unproven", (gap,))] * 2


@pytest.mark.parametrize("applies", [True, False])
def test_a_value_of_another_type_on_another_resource_is_no_value(applies: bool) -> None:
    customer = "lookup('aws.test.key', resource.KeyId).Manager == 'CUSTOMER'"
    rule = make_rule("resource.Encrypted", extra=f"applies_if: {customer}") if applies else make_rule(customer)
    estate = Builder()
    estate.add(DISK, {"Encrypted": True, "KeyId": "k"}, id="disk")
    estate.add(KEY, {"Manager": 5, "Name": "n"}, id="k")
    answer = ask(estate.build(), [rule])
    assert answer.verdict("disk") == "unproven"
    assert [(gap.type, gap.field, str(gap.reason)) for gap in answer.findings[0].evidence.gaps] == [(KEY, "Manager", "malformed")]


def test_a_listing_that_failed_where_nobody_expected_it_is_not_passed_over() -> None:
    estate = Builder()
    estate.gap(DISK, place=Place(ACCOUNT, "*"))
    estate.gap(DISK, place=Place(OTHER_ACCOUNT, HERE))
    answer = ask(estate.build(), [make_rule("resource.Encrypted")])
    assert [(one.resource.id, one.resource.account, one.resource.region) for one in answer.findings] == [
        (LISTING, ACCOUNT, "*"), (LISTING, OTHER_ACCOUNT, HERE),
    ]  # fmt: skip
