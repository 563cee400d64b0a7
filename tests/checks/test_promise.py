"""Promises files: what they must say, quotes and where they stand, acceptances, scopes."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import document
from checks.document import DocumentError
from checks.model import Finding, Place, Resource
from checks.promise import Acceptance, PromiseScope, find_quote, normal, quote_digest, read_exceptions
from checks.summary import Text
from tests.checks.small import (
    ACCOUNT,
    BUCKET,
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

PROMISE = "promises:\n  - id: one\n    quote: All of it.\n"
ENCRYPTION = "    controls: [{id: encryption}]\n"
SHA = quote_digest("All of it.")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (PROMISE + ENCRYPTION + "    quantifier: some\n", 6, "cannot be decided by looking: mark it `unverifiable`"),
        (PROMISE + ENCRYPTION + "    quantifier: majority\n", 6, "cannot be decided by looking"),
        (PROMISE + ENCRYPTION + "    quantifier: most\n", 6, "'all', 'only' or 'never'"),
        (PROMISE + ENCRYPTION + "    quantifier: never\n", 5, "does not take the quantifier 'never', but all"),
        (PROMISE + "    controls: [{id: isolation}]\n    quantifier: only\n", 5, "give isolation the parameter 'allowed'"),
        (PROMISE + "    controls:\n      - {id: encryption}\n      - {id: secrecy}\n", 7, "there is no control 'secrecy'; there is encryption"),
        (PROMISE + "    controls:\n      - id: encryption\n        params: {cipher: x}\n", 7, "no parameter 'cipher'; it has algorithm, customer_key"),
        (PROMISE + "    controls:\n      - id: settings\n        params: {cipher: x}\n", 7, "no parameter 'cipher'; it has none"),
        (PROMISE + "    controls:\n      - id: encryption\n        params:\n          customer_key: maybe\n", 8, "customer_key must be of type bool"),
        (PROMISE + "    controls:\n      - id: encryption\n        params:\n          algorithm: 256\n", 8, "algorithm must be of type string"),
        (PROMISE, 3, "either `controls` or `unverifiable: <why>`"),
        (PROMISE + "    controls: []\n", 3, "either `controls` or `unverifiable: <why>`"),
        (PROMISE + ENCRYPTION + "    unverifiable: Nobody can see it.\n", 3, "either `controls` or `unverifiable: <why>`"),
        (PROMISE + ENCRYPTION + "    unverifiable: ''\n", 6, "at least 1 character"),
        (PROMISE + ENCRYPTION + f"    sha256: {'0' * 64}\n", 3, f"not that of the quote, which is {SHA}"),
        (PROMISE + ENCRYPTION + "    policy: privacy\n", 6, "there is no policy 'privacy' in this file"),
        (PROMISE + ENCRYPTION + "    scope: {accounts: [111122223333]}\n", 6, "12 digits in quotation marks, and 111122223333 is not"),
        (PROMISE + ENCRYPTION + "    scope: {accounts: ['1111']}\n", 6, "12 digits in quotation marks, and '1111' is not"),
        (PROMISE + ENCRYPTION + "    scope: {accounts: ['1111222233334']}\n", 6, "12 digits"),
        (PROMISE + ENCRYPTION + "    scope: {exclude: {tags: {}}}\n", 6, "at least 1 item"),
        (PROMISE + ENCRYPTION + "    scope: {exclude: {names: [a]}}\n", 6, "is missing"),
        (PROMISE + ENCRYPTION + "    scope: {include: {tags: {env: live}}}\n", 6, "unknown key 'promises.0.scope.include'"),
        (PROMISE + ENCRYPTION + "    confirmed: {by: me, date: yesterday}\n", 6, "date"),
        (PROMISE + ENCRYPTION + "    reading: generous\n", 6, "'literal' or 'substance'"),
        ("promises:\n  - id: One\n    quote: All.\n" + ENCRYPTION, 3, "should match pattern"),
        ("promises:\n  - id: one\n    quote: ''\n" + ENCRYPTION, 4, "at least 1 character"),
        ("promises:\n  - id: one\n    quote: ' \t '\n" + ENCRYPTION, 4, "a quote of nothing"),
        (PROMISE + ENCRYPTION + "  - id: one\n    quote: Q.\n" + ENCRYPTION, 6, "'one' stands twice"),
        ("policies: [{id: a, file: f}, {id: a, file: g}]\npromises: []\n", 2, "'a' stands twice"),
        ("promises: []\npromise: []\n", 3, "unknown key 'promise'"),
        ("policies: []\n", 1, "'promises' is missing"),
        ("promises: []\nassume:\n  - {what: all is well, owner: o, reason: r, expires: '2027-01-01'}\n", 4, "names no account id, region or kind"),
        ("promises: []\nassume:\n  - {what: account 444455556666, owner: o, reason: r}\n", 4, "'assume.0.expires' is missing"),
        ("promises: []\nassume:\n  - {what: w, owner: o, reason: r, expires: '2027-01-01', covers: {universe: [regions]}}\n", 4, "'accounts' or 'kinds'"),
        ("promises: []\nassume:\n  - {what: w, owner: o, reason: r, expires: '2027-01-01', covers: {accounts: [444455556666]}}\n", 4, "valid string"),
    ],
)  # fmt: skip
def test_a_promises_file_says_what_is_wrong_and_where(text: str, line: int, says: str) -> None:
    with pytest.raises(DocumentError) as error:
        make_promises(text)
    assert says in error.value.problem
    assert (error.value.file, error.value.line) == ("promises.yaml", line)


def test_another_schema_is_refused() -> None:
    from checks.promise import read
    from tests.checks.small import CONTROLS

    with pytest.raises(DocumentError, match=r"f\.yaml:1: schema"):
        read(document.parse("schema: upheld.promises/2\npromises: []\n", "f.yaml"), CONTROLS, [])


def test_a_parameter_must_be_what_the_rules_take() -> None:
    rule = make_rule("resource.Size >= params.allowed", control="isolation", extra="params:\n  allowed: {type: int, default: 1}")
    text = "promises: [{id: a, quote: Q., quantifier: only, controls: [{id: isolation, params: {allowed: [x]}}]}]"
    make_promises(text)
    with pytest.raises(DocumentError, match="allowed must be of type int"):
        make_promises(text, [rule])


# -- quotes -----------------------------------------------------------------------------------------------------------

POLICY = "# Security\n\nAll customer data is\n  encrypted at rest,   caf\u00e9\u00a0included.\n\nOur staff is trained.\n"


@pytest.mark.parametrize(
    ("quote", "line"),
    [
        ("All customer data is encrypted at rest", 3),
        ("All  customer\ndata is encrypted\tat rest, cafe\u0301 included.", 3),
        ("encrypted at rest", 4),
        ("Our staff is trained.", 6),
        ("# Security All customer data", 1),
        ("all customer data is encrypted at rest", None),
        ("All customer data is encrypted at rest.", None),
        ("All customer data is (encrypted) at rest", None),
        ("All customer data is encrypted at res", None),
        ("ll customer data", None),
        ("Our staff is .*", None),
        ("No such sentence.", None),
    ],
)
def test_a_quote_is_found_word_for_word_however_it_is_spaced_and_composed(quote: str, line: int | None) -> None:
    assert find_quote(quote, POLICY) == line


def test_nothing_is_found_nowhere() -> None:
    assert [find_quote(quote, POLICY) for quote in ("", "  ", "\n")] == [None, None, None]


words = st.lists(st.text("abc\u00e9e\u0301.(*\\", min_size=1, max_size=4), min_size=1, max_size=5)


@given(words, st.lists(st.sampled_from([" ", "\n", "\t ", "\u00a0", " \n\n "]), min_size=5, max_size=5))
def test_white_space_makes_no_difference(said: list[str], gaps: list[str]) -> None:
    policy = "Before.\n" + "".join(word + gap for word, gap in zip(said, gaps, strict=False)) + "\nAfter."
    assert find_quote(" ".join(said), policy) == 2
    assert quote_digest("\n".join(said)) == quote_digest(normal("  ".join(said)))


def quoting(policy: Text | None, quote: str = "All is encrypted.", **more: Any) -> Any:
    estate = Builder().universe(kinds={"Key": 1})
    estate.add(DISK, {"Encrypted": more.pop("encrypted", True)}, id="disk")
    held = make_promises(
        f"policies: [{{id: security, file: security.md}}]\npromises: [{{id: one, policy: security, quote: {quote}, line: 7, controls: [{{id: settings}}]}}]"
    )
    texts = {"security": policy} if policy else {}
    return ask(estate.build(), [make_rule("resource.Encrypted")], held, texts=texts).promises[0]


def test_a_quote_that_stands_in_its_policy_is_judged_and_its_line_is_told() -> None:
    promise = quoting(Text("A.\nAll is\nencrypted."))
    assert (str(promise.verdict), promise.file, promise.line, promise.missing) == ("upheld", "security.md", 2, ())
    assert str(quoting(Text("All is encrypted."), encrypted=False).verdict) == "broken"


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Text("All is encrypted, mostly."), "does not stand in security.md (any more)"),
        (Text(""), "does not stand in security.md (any more)"),
        (Text(None, "security.md: cannot be read"), "could not be read: security.md: cannot be read"),
    ],
)
def test_a_quote_that_does_not_makes_the_promise_unproven(policy: Text, says: str, encrypted: bool) -> None:
    promise = quoting(policy, encrypted=encrypted)
    assert str(promise.verdict) == str(promise.open) == "unproven"
    assert says in promise.missing[0]
    assert promise.line == 7


def test_a_promise_without_a_policy_needs_none() -> None:
    estate = Builder().universe(kinds={"Key": 1})
    estate.add(DISK, {"Encrypted": True}, id="disk")
    held = make_promises("promises: [{id: one, quote: We do., line: 7, controls: [{id: settings}]}]")
    promise = ask(estate.build(), [make_rule("resource.Encrypted")], held).promises[0]
    assert (str(promise.verdict), promise.line) == ("upheld", 7)


def test_what_nobody_can_verify_has_no_verdict_and_counts_only_if_strict() -> None:
    estate = Builder().universe(kinds={"Key": 1})
    estate.add(DISK, {"Encrypted": True}, id="disk")
    held = make_promises("promises: [{id: one, quote: Q., controls: [{id: settings}]}, {id: two, quote: Q., unverifiable: No.}]")
    answer = ask(estate.build(), [make_rule("resource.Encrypted")], held)
    assert [str(promise.verdict) for promise in answer.promises] == ["upheld", "None"]
    assert (str(answer.result.verdict()), str(answer.result.verdict(strict=True))) == ("upheld", "unproven")


# -- what a person accepts --------------------------------------------------------------------------------------------


def accepting(finding: Finding, **changes: Any) -> dict[str, Acceptance]:
    entry: dict[str, Any] = {
        "finding": finding.id, "owner": "ciso", "reason": "moving", "expires": "2026-11-20", "digest": finding.evidence.counterexample,
    }  # fmt: skip
    return {finding.id: Acceptance.model_validate(entry | changes)}


def disks(*encrypted: bool, **more: Any) -> Builder:
    estate = Builder().universe(kinds={"Key": 1})
    for number, value in enumerate(encrypted):
        estate.add(DISK, {"Encrypted": value, "Size": 1, **more}, id=f"disk-{number}")
    return estate


ONE = make_promises("promises: [{id: one, quote: Q., controls: [{id: settings}]}]")
RULE = "resource.Encrypted && resource.Size > 0"


def judged(estate: Builder, exceptions: dict[str, Acceptance] | None = None, rule: str = RULE, **options: str) -> Answer:
    return ask(estate.build(), [make_rule(rule, **options)], ONE, exceptions=exceptions)


def test_an_accepted_finding_stays_broken_but_is_not_open() -> None:
    broken = judged(disks(True, False)).findings[1]
    answer = judged(disks(True, False), accepting(broken))
    promise = answer.promises[0]
    assert (str(answer.findings[1].verdict), answer.findings[1].accepted) == ("broken", "ciso: moving (until 2026-11-20)")
    assert (str(promise.verdict), str(promise.open), promise.controls[0].rules[0].accepted) == ("broken", "upheld", 1)
    assert (str(answer.result.verdict()), str(answer.result.verdict(strict=True))) == ("upheld", "broken")


def test_one_that_nobody_accepted_stays_open_beside_it() -> None:
    first, _ = judged(disks(False, False)).findings
    promise = judged(disks(False, False), accepting(first)).promises[0]
    assert (str(promise.verdict), str(promise.open)) == ("broken", "broken")


def test_what_is_accepted_does_not_prove_what_is_unproven() -> None:
    estate = disks(False)
    estate.add(DISK, {}, id="silent")
    promise = judged(estate, accepting(judged(disks(False)).findings[0])).promises[0]
    assert (str(promise.verdict), str(promise.open)) == ("broken", "unproven")


@pytest.mark.parametrize("worse", [{"Size": 2}, {"Size": -1}])
def test_another_counterexample_is_not_the_one_that_was_accepted(worse: dict[str, Any]) -> None:
    accepted = accepting(judged(disks(False)).findings[0])
    assert judged(disks(False), accepted).findings[0].accepted
    assert judged(disks(False, Engine="what the rule does not read"), accepted).findings[0].accepted
    answer = judged(disks(False, **worse), accepted)
    assert answer.findings[0].accepted is None
    assert str(answer.promises[0].open) == "broken"


def test_a_counterexample_on_another_resource_is_part_of_it() -> None:
    rule = "lookup('aws.test.key', resource.KeyId).Manager == 'CUSTOMER'"

    def with_key(manager: str) -> Builder:
        estate = disks(True, KeyId="k")
        estate.add(KEY, {"Manager": manager, "Name": "n"}, id="k")
        return estate

    accepted = accepting(judged(with_key("AWS"), rule=rule).findings[0])
    assert judged(with_key("AWS"), accepted, rule).findings[0].accepted
    assert judged(with_key("NOBODY"), accepted, rule).findings[0].accepted is None


def test_one_more_of_what_is_bad_is_another_counterexample() -> None:
    rule, extra = "every('aws.test.disk').all(d, d.Encrypted)", "intended: [{any: aws.test.disk, because: there may be none}]"

    def region(*encrypted: bool) -> Builder:
        estate = disks(*encrypted)
        estate.add(REGION_TYPE, {}, id=HERE, looks=[listing_id(DISK, Place(ACCOUNT, HERE))])
        return estate

    def ask_region(estate: Builder, accepted: dict[str, Acceptance] | None = None) -> Finding:
        return judged(estate, accepted, rule, resource=REGION_TYPE, extra=extra).findings[0]

    accepted = accepting(ask_region(region(True, False)))
    assert ask_region(region(True, False), accepted).accepted
    assert ask_region(region(False, False), accepted).accepted is None


def test_an_acceptance_ends_with_its_last_day() -> None:
    broken = judged(disks(False)).findings[0]
    for expires, accepted in (("2026-11-20", True), ("2026-11-19", False)):
        answer = judged(disks(False), accepting(broken, expires=expires))
        assert (answer.findings[0].accepted is not None) is accepted


def test_only_what_is_broken_can_be_accepted() -> None:
    silent = Builder()
    silent.add(DISK, {}, id="disk-0")
    broken = judged(disks(False)).findings[0]
    answer = judged(silent, accepting(broken))
    assert (answer.findings[0].id, str(answer.findings[0].verdict), answer.findings[0].accepted) == (broken.id, "unproven", None)


ACCEPTED = "schema: upheld.exceptions/1\nexceptions:\n  - {finding: a, owner: o, reason: r, expires: '2027-01-01', digest: d}\n"


def test_an_exceptions_file_is_read_by_finding() -> None:
    assert read_exceptions(document.parse(ACCEPTED, "e.yaml"))["a"].expires == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("digest: d", "digest: ''"), 3, "at least 1 character"),
        ((", digest: d", ""), 3, "'exceptions.0.digest' is missing"),
        (("owner: o, ", ""), 3, "'exceptions.0.owner' is missing"),
        (("expires: '2027-01-01', ", ""), 3, "'exceptions.0.expires' is missing"),
        (("2027-01-01", "never"), 3, "expires"),
        (("exceptions/1", "exceptions/2"), 1, "upheld.exceptions/1"),
    ],
)
def test_an_acceptance_without_an_owner_an_end_or_a_counterexample_is_refused(change: tuple[str, str], line: int, says: str) -> None:
    with pytest.raises(DocumentError) as error:
        read_exceptions(document.parse(ACCEPTED.replace(*change), "e.yaml"))
    assert says in error.value.problem
    assert error.value.line == line


def test_two_acceptances_of_one_finding_are_refused() -> None:
    twice = ACCEPTED + ACCEPTED.splitlines()[-1] + "\n"
    with pytest.raises(DocumentError, match=r"e\.yaml:4: 'a' stands twice"):
        read_exceptions(document.parse(twice, "e.yaml"))


# -- scope ------------------------------------------------------------------------------------------------------------


def scoped(scope: str, estate: Builder, rule: str = "resource.Encrypted", **options: str) -> Answer:
    held = make_promises(f"promises: [{{id: one, quote: Q., controls: [{{id: settings}}], scope: {scope}}}]")
    return ask(estate.build(), [make_rule(rule, **options)], held)


def spread() -> Builder:
    estate = Builder({ACCOUNT: (HERE, THERE), OTHER_ACCOUNT: (HERE,)}).universe(HERE, THERE, kinds={"Key": 1})
    estate.resources = [one for one in estate.resources if not (one.account == OTHER_ACCOUNT and one.id == THERE)]
    for account, region, encrypted in ((ACCOUNT, HERE, True), (ACCOUNT, THERE, False), (OTHER_ACCOUNT, HERE, False)):
        estate.add(DISK, {"Encrypted": encrypted}, id=f"{account}-{region}", place=Place(account, region))
    return estate


@pytest.mark.parametrize(
    ("scope", "judged_places"),
    [
        ("{}", 3),
        (f"{{accounts: ['{ACCOUNT}']}}", 2),
        (f"{{regions: [{HERE}]}}", 2),
        (f"{{accounts: ['{ACCOUNT}'], regions: [{HERE}]}}", 1),
    ],
)
def test_a_scope_narrows_what_is_judged_and_what_it_leaves_out_is_listed(scope: str, judged_places: int) -> None:
    answer = scoped(scope, spread())
    assert len(answer.findings) == judged_places
    assert len(answer.promises[0].controls[0].rules[0].out_of_scope) == 3 - judged_places
    assert str(answer.promises[0].verdict) == ("upheld" if judged_places == 1 else "broken")


def test_a_global_listing_matters_to_a_promise_about_any_region() -> None:
    estate = spread()
    estate.add(BUCKET, {"Encrypted": False}, id="elsewhere", place=Place(ACCOUNT, THERE))
    estate.add(BUCKET, {"Encrypted": True}, id="here", place=Place(ACCOUNT, HERE))
    answer = scoped(f"{{regions: [{HERE}], accounts: ['{ACCOUNT}']}}", estate, resource=BUCKET)
    assert [finding.resource.id for finding in answer.findings] == ["here"]
    estate.gap(BUCKET)
    answer = scoped(f"{{regions: [{HERE}], accounts: ['{ACCOUNT}']}}", estate, resource=BUCKET)
    assert str(answer.promises[0].verdict) == "unproven"


SANDBOX = "{exclude: {tags: {env: sandbox}}}"


def tagged(*tags: Any, encrypted: bool = False) -> Builder:
    estate = Builder().universe(kinds={"Key": 1})
    for number, held in enumerate(tags):
        one = estate.add(DISK, {"Encrypted": encrypted}, id=f"disk-{number}", tags=held or {})
        estate.resources[-1] = dataclasses.replace(one, tags=held)
    return estate


def test_tags_leave_a_resource_out_and_it_is_listed() -> None:
    answer = scoped(SANDBOX, tagged({"env": "sandbox"}, {"env": "sandbox", "a": "b"}))
    assert answer.findings == []
    assert answer.promises[0].controls[0].rules[0].out_of_scope == ("disk-0", "disk-1")


@pytest.mark.parametrize("held", [{}, {"env": "Sandbox"}, {"Env": "sandbox"}, {"env": ""}, {"other": "sandbox"}])
def test_other_tags_do_not(held: dict[str, str]) -> None:
    assert scoped(SANDBOX, tagged(held)).verdict("disk-0") == "broken"


def test_all_the_tags_of_an_exclusion_must_fit() -> None:
    both = "{exclude: {tags: {env: sandbox, team: x}}}"
    assert scoped(both, tagged({"env": "sandbox"})).verdict("disk-0") == "broken"
    assert scoped(both, tagged({"env": "sandbox", "team": "x"})).findings == []


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_resource_whose_tags_are_unknown_is_unproven_and_not_out_of_scope(encrypted: bool) -> None:
    estate = tagged(None, encrypted=encrypted)
    gap = estate.gap(DISK, "disk-0", "(tags)")
    answer = scoped(SANDBOX, estate)
    assert answer.verdict("disk-0") == "unproven"
    assert "its tags could not be read, so whether one speaks of it is not known" in answer.findings[0].explanation
    assert answer.findings[0].evidence.gaps == (gap,)
    assert str(answer.promises[0].verdict) == "unproven"
    assert scoped("{}", estate).verdict("disk-0") == ("upheld" if encrypted else "broken")


@pytest.mark.parametrize("encrypted", [True, False])
def test_unknown_tags_are_no_doubt_about_a_promise_that_does_not_go_by_them(encrypted: bool) -> None:
    held = make_promises(
        f"promises: [{{id: all, quote: Q., controls: [{{id: settings}}]}}, {{id: live, quote: Q., controls: [{{id: settings}}], scope: {SANDBOX}}}]"
    )
    answer = ask(tagged(None, encrypted=encrypted).build(), [make_rule("resource.Encrypted")], held)
    verdict = "upheld" if encrypted else "broken"
    assert answer.verdict("disk-0") == verdict
    assert [str(promise.verdict) for promise in answer.promises] == [verdict, "unproven"]
    assert "whether live speaks of it is not known" in answer.findings[0].explanation


def test_a_scope_knows_its_places() -> None:
    scope = PromiseScope(accounts=[ACCOUNT], regions=[HERE])
    held = [Place(ACCOUNT, HERE), Place(ACCOUNT, "global"), Place(ACCOUNT, "*"), Place(ACCOUNT, THERE), Place(OTHER_ACCOUNT, HERE)]
    assert [scope.has_place(place) for place in held] == [True, True, True, False, False]
    assert PromiseScope().excludes(Resource("a", DISK, ACCOUNT, HERE, {})) is False
