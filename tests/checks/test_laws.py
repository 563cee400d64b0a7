"""The laws of the design, over estates, rules and promises that are made up."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.judge import Bound, Population, judge, key
from checks.model import GLOBAL, LISTING, Estate, Evidence, Finding, Gap, Look, NoEvidence, Place, Reason, Resource, Subject
from checks.plan import ACCOUNTS, KINDS, RECORDER, REGIONS, TAGGED
from checks.promise import Promises
from checks.rule import Rule
from checks.summary import PromiseSummary, Text
from checks.verdict import Verdict, combine, proven
from tests.checks.small import (
    ACCOUNT,
    ACCOUNT_TYPE,
    BUCKET,
    CATALOGUE,
    DISK,
    HERE,
    KEY,
    OTHER_ACCOUNT,
    REGION_TYPE,
    THERE,
    Answer,
    Builder,
    ask,
    listing_id,
    make_promises,
    make_rule,
)

INTENDED = "intended:\n  - {{any: {}, because: there may be none}}"


@cache
def rules() -> tuple[Rule, ...]:
    """Rules that look at one resource, at another, and at all of a type."""
    customer = ".Manager == 'CUSTOMER'"
    looked_up = "lookup('aws.test.key', resource.KeyId)"
    return (
        make_rule("resource.Encrypted", id="encrypted", control="encryption"),
        make_rule("resource.Encrypted", id="live", control="encryption", extra="applies_if: resource.State != 'deleted'"),
        make_rule("resource.Encrypted", id="bucket", control="encryption", resource=BUCKET),
        make_rule(f"{looked_up}{customer}", id="key", control="encryption", extra="applies_if: resource.Encrypted"),
        make_rule(f"{looked_up} == null || {looked_up}{customer}", id="no-key", control="settings"),
        make_rule("lookup('aws.test.bucket', resource.Engine) != null", id="bucket-there", control="settings"),
        make_rule("resource.PublicIp == null", id="no-address", control="isolation"),
        make_rule("resource.Attachments.all(a, !a.Public)", id="unattached", control="isolation", extra=INTENDED.format("Attachments")),
        make_rule("resource.Policy == null || !policy_public(resource.Policy)", id="policy", control="isolation"),
        make_rule("!lookup('aws.test.disk', resource.Name).Encrypted || resource.Manager == 'CUSTOMER'", id="of-disk", resource=KEY),
        make_rule(
            "every('aws.test.disk').all(d, d.Encrypted)", id="disks", resource=REGION_TYPE, extra=INTENDED.format("aws.test.disk")
        ),
        make_rule(f"every('aws.test.key').exists(k, k{customer}) && resource.Default.Encrypted", id="keys", resource=REGION_TYPE),
        make_rule("size(every('aws.test.disk')) == 0 || resource.Summary.Keys == 0", id="nothing", resource=ACCOUNT_TYPE),
        make_rule(
            "every('aws.test.bucket').all(b, b.Encrypted)", id="buckets", resource=ACCOUNT_TYPE, extra=INTENDED.format("aws.test.bucket")
        ),
    )  # fmt: skip


@cache
def promises() -> Promises:
    return make_promises(
        """
        policies: [{id: security, file: security.md}]
        promises:
          - {id: everything, quote: All is encrypted., policy: security, controls: [{id: encryption}]}
          - {id: with-our-keys, quote: And with our keys., controls: [{id: encryption, params: {customer_key: true}}, {id: settings}]}
          - {id: not-the-sandbox, quote: All., controls: [{id: encryption}], scope: {exclude: {tags: {env: sandbox}}}}
          - {id: nobody, quantifier: never, quote: Nobody., controls: [{id: isolation}], scope: {regions: [eu-central-1]}}
          - {id: this-account, quote: This., controls: [{id: settings}], scope: {accounts: ["111122223333"]}}
          - {id: trained, quote: Trained., unverifiable: No machine can see it.}
        """,
        rules(),
    )


TEXTS = {"security": Text("# Security\n\nAll is\nencrypted.\n")}


def run(estate: Estate, **options: Any) -> Answer:
    return ask(estate, rules(), promises(), texts=TEXTS, **options)


# -- estates ----------------------------------------------------------------------------------------------------------

flags, names = st.booleans(), st.sampled_from(["a", "b", "c"])
disks = st.fixed_dictionaries(
    {},
    optional={
        "Encrypted": flags,
        "State": st.sampled_from(["available", "deleted", "new"]),
        "KeyId": names,
        "Engine": names,
        "PublicIp": st.none() | st.just("198.51.100.1"),
        "Attachments": st.lists(st.fixed_dictionaries({}, optional={"Public": flags}), max_size=2),
        "Policy": st.none() | st.just('{"Statement": []}') | st.just("{"),
    },
)
keys = st.fixed_dictionaries({}, optional={"Manager": st.sampled_from(["AWS", "CUSTOMER"]), "Name": st.just("b")})
tags = st.sampled_from([{}, {"env": "sandbox"}, {"env": "live"}])


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    accounts: dict[str, tuple[str, ...]] = {ACCOUNT: (HERE, THERE)}
    if draw(flags):
        accounts[OTHER_ACCOUNT] = (HERE,)
    estate = Builder(accounts)
    for account, regions in accounts.items():
        for region in regions:
            place = Place(account, region)
            for name in draw(st.sets(names, max_size=2)):
                estate.add(DISK, draw(disks), id=name, place=place, tags=draw(tags))
            for name in draw(st.sets(st.sampled_from(["a", "c"]), max_size=2)):
                data = draw(keys)
                estate.add(KEY, data | {"Name": f"alias-{name}"} if name == "c" else data, id=name, place=place)
            for word in draw(st.sets(st.sampled_from(["disk", "tape"]), max_size=1)):
                estate.add(TAGGED, {"ResourceARN": f"arn:aws:test:{region}:{account}:{word}/a"}, place=place)
            estate.add(REGION_TYPE, draw(st.just({}) | st.just({"Default": {"Encrypted": True}})), id=region, place=place, looks=["x"])
        for name in draw(st.sets(names, max_size=1)):
            estate.add(BUCKET, {"Encrypted": draw(flags)}, id=name, place=Place(account, HERE), tags=draw(tags))
        estate.add(ACCOUNT_TYPE, {"Summary": {"Keys": draw(st.integers(0, 1))}}, id=account, place=Place(account, GLOBAL), looks=["x"])
    if draw(flags):
        estate.universe(HERE, THERE, kinds=draw(st.just({"Disk": 1}) | st.just({"Disk": 1, "Tape": 2})))
    built = estate.build()
    pseudo = tuple(
        dataclasses.replace(one, evidence=(listing_id(one.type, Place(ACCOUNT, HERE)),))
        for one in built.of(REGION_TYPE) + built.of(ACCOUNT_TYPE)
    )
    by_type = {type_: tuple(one for one in pseudo if one.type == type_) for type_ in (REGION_TYPE, ACCOUNT_TYPE)}
    return dataclasses.replace(built, resources={**built.resources, **by_type})


Loss = tuple[str, Estate, Gap | None]


def everything_known(estate: Estate) -> Iterator[Loss]:
    """The estate without one of the facts it holds, for each: what was lost, what is left, the gap in its place."""
    for resource in (one for held in estate.resources.values() for one in held):
        others = tuple(one for one in estate.of(resource.type) if one is not resource)
        gap = Gap(resource.type, resource.account, resource.region, resource.id, None, Reason.VANISHED, "Get")
        yield f"{resource.type} {resource.id}", _with(estate, resource.type, others, gap), gap
        yield f"whatever {resource.id} is", _with(estate, resource.type, estate.of(resource.type), gap), gap
        for member in resource.data:
            data = {name: value for name, value in resource.data.items() if name != member}
            less = dataclasses.replace(resource, data=data)
            gap = Gap(resource.type, resource.account, resource.region, resource.id, member, Reason.DENIED, "Get")
            yield f"{resource.id}.{member}", _with(estate, resource.type, (*others, less), gap), gap
        gap = Gap(resource.type, resource.account, resource.region, resource.id, "(tags)", Reason.DENIED, "GetTags")
        yield f"tags of {resource.id}", _with(estate, resource.type, (*others, dataclasses.replace(resource, tags=None)), gap), gap
    for look in estate.looks:
        if look.target is None:
            place = Place(look.account, look.region)
            gap = Gap(look.type, look.account, look.region, None, None, Reason.DENIED, "List")
            left = tuple(one for one in estate.of(look.type) if listed_in(one) != place)
            looks = tuple(one for one in estate.looks if one is not look)
            yield f"listing of {look.type}", dataclasses.replace(_with(estate, look.type, left, gap), looks=looks), gap
            yield f"look at {look.type}", dataclasses.replace(estate, looks=looks), None


def listed_in(resource: Resource) -> Place:
    return Place(resource.account, GLOBAL if CATALOGUE[resource.type].is_global else resource.region)


def _with(estate: Estate, type_: str, held: tuple[Resource, ...], gap: Gap) -> Estate:
    return dataclasses.replace(estate, resources={**estate.resources, type_: held}, gaps=(*estate.gaps, gap))


small = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


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


def only_to_unproven(before: Answer, after: Answer, lost: str) -> None:
    old, new = (dict(said(answer)) for answer in (before, after))
    for what, verdict in new.items():
        assert verdict in {old.get(what, Verdict.UNPROVEN), Verdict.UNPROVEN}, (lost, what, old.get(what))


def said(answer: Answer) -> Iterator[tuple[tuple[str, ...], Verdict | None]]:
    """Every verdict of an answer: of findings, and of the rules, controls and promises they roll up to."""
    for finding in answer.findings:
        yield ("finding", finding.id), finding.verdict
    for promise in answer.promises:
        yield ("promise", promise.id), promise.verdict
        yield ("open promise", promise.id), promise.open
        for control in promise.controls:
            yield ("control", promise.id, control.id), control.verdict
            for rule in control.rules:
                yield ("rule", promise.id, rule.rule), rule.verdict


def no_finding_goes_quietly(before: Answer, after: Answer, lost: str) -> None:
    there = {finding.id for finding in after.findings}
    open_listings = {
        (finding.rule, finding.resource.type, finding.resource.account, finding.resource.region)
        for finding in after.findings
        if finding.resource.id == LISTING and finding.verdict is Verdict.UNPROVEN
    }
    for finding in before.findings:
        one = finding.resource
        region = GLOBAL if CATALOGUE[one.type].is_global else one.region
        assert finding.id in there or (finding.rule, one.type, one.account, region) in open_listings, (lost, finding)


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
