"""Estates, rules and promises that Hypothesis makes up, and what is left of them when one fact is lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from checks.model import GLOBAL, LISTING, Estate, Gap, Place, Reason, Resource
from checks.plan import TAGGED
from checks.promise import Promises
from checks.rule import Rule
from checks.summary import Text
from checks.verdict import Verdict
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
