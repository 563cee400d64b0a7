"""Where a finding went that a run did not make: gone only where a complete listing shows it, and never without a cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.judge import Population, bind, judge
from checks.lifecycle import Ending, Known, Status
from checks.logs.hours import Proof
from checks.model import Estate, Finding, Place
from checks.promise import Promises
from checks.rule import Rule
from checks.whereabouts import Whereabouts
from tests.checks.logs.log_rules import make
from tests.checks.logs.sources import estate as logs
from tests.checks.logs.sources import told
from tests.checks.small import ACCOUNT, ACCOUNT_TYPE, BUCKET, CATALOGUE, DISK, HERE, OTHER_ACCOUNT, Builder, make_promises, make_rule


@cache
def disks() -> Rule:
    return make_rule("resource.Encrypted", id="disk", control="encryption")


@cache
def buckets() -> Rule:
    return make_rule("resource.Encrypted", id="bucket", control="encryption", resource=BUCKET)


@cache
def accounts() -> Rule:
    return make_rule("resource.Summary.Keys == 0", id="keys", resource=ACCOUNT_TYPE)


def known(finding: Finding) -> Known:
    return Known(
        1, finding.id, finding.rule, finding.severity, finding.resource, finding.promises, Status(finding.verdict), "", "", None, "", "t",
        "t", "t",
    )  # fmt: skip


def judged(
    held: Estate, rules: Iterable[Rule], promises: Promises | None = None, catalogue: Mapping[str, Any] = CATALOGUE, **more: Any
) -> tuple[list[Finding], Whereabouts]:
    """A run: its findings, and what it says of others."""
    asked = promises.promises if promises else []
    kept = list(rules)
    bound = bind(kept, asked, every=promises is None)
    populations: dict[tuple[str, str], Population] = {}
    stale = more.get("stale", False)
    findings = list(judge(held, catalogue, bound, populations, stale=lambda _: stale))
    said = {"narrowed": False, "every": promises is None, **more, "stale": lambda _: stale}
    return findings, Whereabouts(held, catalogue, {rule.id: rule for rule in kept}, bound, populations, asked, **said)


def went(before: Estate, after: Estate, rule: Rule, promises: Promises | None = None, name: str = "d", **more: Any) -> Ending | None:
    """What became of the finding about a resource."""
    findings, _ = judged(before, [rule], promises)
    finding = next(one for one in findings if one.resource.id == name)
    later, where = judged(after, [rule], more.pop("later", promises), **more)
    assert finding.id not in {one.id for one in later}
    return where.of(known(finding))


def holding(*names: str, **data: Any) -> Builder:
    builder = Builder()
    for name in names:
        builder.add(DISK, {"DiskId": name, "Encrypted": False, **data})
    return builder


def test_a_listing_that_shows_everything_shows_what_is_gone() -> None:
    assert went(holding("d", "e").build(), holding("e").build(), disks()) == Ending(
        Status.GONE, "List listed all there is at 2026-11-20T12:00:00Z, and it is not there"
    )


def test_a_listing_that_nobody_made_shows_nothing() -> None:
    after = Builder(unlisted={(DISK, Place(ACCOUNT, HERE))})
    ending = went(holding("d").build(), after.build(), disks())
    assert ending is not None
    assert (ending.status, "nobody looked" in ending.cause) == (Status.UNPROVEN, True)


def test_a_person_who_asserts_that_there_is_nothing_else_is_named() -> None:
    after = Builder(unlisted={(DISK, Place(ACCOUNT, HERE))}, asserted_by="ops@shop.example")
    assert went(holding("d").build(), after.build(), disks()) == Ending(
        Status.GONE, "ops@shop.example asserts that the imported files hold all there is"
    )


def test_a_bucket_is_looked_for_where_buckets_are_listed() -> None:
    before = Builder()
    before.add(BUCKET, {"Name": "d", "Region": HERE, "Encrypted": False}, place=Place(ACCOUNT, HERE))
    ending = went(before.build(), Builder().build(), buckets())
    assert ending is not None
    assert ending.status is Status.GONE


def test_an_account_is_never_gone_because_nobody_read_it() -> None:
    before = Builder()
    before.add(ACCOUNT_TYPE, {"Account": ACCOUNT, "Summary": {"Keys": 1}}, id="d")
    ending = went(before.build(), Builder(accounts={OTHER_ACCOUNT: (HERE,)}).build(), accounts())
    assert ending is not None
    assert (ending.status, "was not collected" in ending.cause) == (Status.UNPROVEN, True)


def test_a_rule_that_does_not_apply_any_more_leaves_it_out_of_scope() -> None:
    rule = make_rule("resource.Encrypted", id="disk", control="encryption", extra="applies_if: resource.State == 'in-use'")
    ending = went(holding("d", State="in-use").build(), holding("d", State="deleted").build(), rule)
    assert ending == Ending(Status.OUT_OF_SCOPE, "disk does not apply to it any more")


def test_a_rule_that_is_there_no_more_retires_it() -> None:
    findings, _ = judged(holding("d").build(), [disks()])
    _, where = judged(holding("d").build(), [buckets()])
    finding = next(one for one in findings if one.resource.id == "d")
    assert where.of(known(finding)) == Ending(Status.RETIRED, "there is no rule disk any more")


def test_other_parameters_retire_it() -> None:
    rule = make_rule("resource.Encrypted", id="disk", control="encryption")
    before = make_promises("promises: [{id: p, quote: q, controls: [{id: encryption}]}]")
    after = make_promises("promises: [{id: p, quote: q, controls: [{id: encryption, params: {algorithm: AES}}]}]")
    held = holding("d").build()
    ending = went(held, held, rule, before, later=after)
    assert ending is not None
    assert ending.status is Status.RETIRED


@pytest.mark.parametrize("every", [False, True])
def test_what_all_rules_were_asked_for_stays_as_it_is_where_they_are_not(every: bool) -> None:
    held = holding("d").build()
    nothing = make_promises("promises: []")
    ending = went(held, held, disks(), None, later=nothing, every=every)
    assert ending == (Ending(Status.UNPROVEN, f"nothing of {DISK} was collected") if every else None)


def test_a_run_of_other_promises_does_not_tell() -> None:
    promises = make_promises("promises: [{id: p, quote: q, controls: [{id: encryption}]}, {id: o, quote: q, controls: [{id: settings}]}]")
    asked = promises.model_copy(update={"promises": promises.promises[1:]})
    held = holding("d").build()
    assert went(held, held, disks(), promises, later=asked, narrowed=True) is None


def test_an_estate_that_is_too_old_does_not_show_that_anything_is_gone() -> None:
    ending = went(holding("d").build(), Builder().build(), disks(), stale=True)
    assert ending == Ending(Status.UNPROVEN, "the estate is older than its maximum age")


# -- logs ------------------------------------------------------------------------------------------------------------

MFA = make("row.mfa", applies_if="row.event_name == 'ConsoleLogin'", group_by=["principal"])
EVE = {"event_name": "ConsoleLogin", "principal": "eve", "mfa": False, "time": "2026-11-25T10:15:00Z"}


def rows_went(after: Estate) -> Ending | None:
    findings, _ = judged(logs(told([MFA], [EVE], (Proof.PROVEN,))), [MFA], catalogue={})
    finding = next(one for one in findings if one.resource.id == "trail/eve")
    _, where = judged(after, [MFA], catalogue={})
    return where.of(known(finding))


def test_rows_that_break_a_rule_are_gone_where_the_log_is_complete() -> None:
    assert rows_went(logs(told([MFA], [], (Proof.PROVEN, Proof.PROVEN)))) == Ending(
        Status.GONE, "no row is so from 2026-11-25T10:00:00Z to 2026-11-25T12:00:00Z, and each hour is proven to be complete"
    )


@pytest.mark.parametrize("proof", [Proof.CANNOT_TELL, Proof.BROKEN])
def test_and_are_unproven_where_it_may_not_be(proof: Proof) -> None:
    ending = rows_went(logs(told([MFA], [], (Proof.PROVEN, proof))))
    assert ending is not None
    assert (ending.status, "not proven to be complete" in ending.cause) == (Status.UNPROVEN, True)


def test_and_where_the_log_is_not_read_any_more() -> None:
    assert rows_went(logs(told([MFA], [], (Proof.PROVEN,), id_="other"))) == Ending(
        Status.UNPROVEN, "the log it stood in is not read any more"
    )


# -- laws ------------------------------------------------------------------------------------------------------------

names = st.sets(st.sampled_from("abc"))
scopes = st.sampled_from(["", f', scope: {{accounts: ["{OTHER_ACCOUNT}"]}}', ", scope: {exclude: {tags: {env: test}}}"])


@given(
    names,
    names,
    st.sets(st.sampled_from(["listing", "resource", "unlisted"])),
    scopes,
    st.sampled_from([{}, {"env": "test"}]),
    st.booleans(),
)
def test_whatever_happens_a_finding_has_an_end_with_a_cause_and_gone_has_a_listing(
    before: set[str], after: set[str], lost: set[str], scope: str, tags: dict[str, str], stale: bool
) -> None:
    promises = make_promises("promises: [{id: p, quote: q, controls: [{id: encryption}]}]")
    later = make_promises(f"promises: [{{id: p, quote: q, controls: [{{id: encryption}}]{scope}}}]")
    builder = Builder(unlisted={(DISK, Place(ACCOUNT, HERE))} if "unlisted" in lost else set())
    for name in sorted(after):
        builder.add(DISK, {"DiskId": name, "Encrypted": True}, tags=tags)
    if "listing" in lost:
        builder.gap(DISK)
    if "resource" in lost:
        builder.gap(DISK, "a")
    held = builder.build()
    findings, _ = judged(holding(*sorted(before)).build(), [disks()], promises)
    again, where = judged(held, [disks()], later, stale=stale)
    made = {one.id for one in again}
    for finding in findings:
        if finding.id in made:
            continue
        ending = where.of(known(finding))
        assert ending is not None
        assert ending.cause
        assert ending.status not in {Status.UPHELD, Status.BROKEN}
        if ending.status is Status.GONE:
            assert not isinstance(held.listing(DISK, Place(ACCOUNT, HERE)), tuple)
            assert finding.resource.id not in after
            assert not stale
        if ending.status is Status.OUT_OF_SCOPE:
            assert scope
