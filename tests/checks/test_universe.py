"""What *all* means: the accounts, regions and kinds of resource that are known to exist, and who read them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.model import Estate, Place
from checks.plan import ACCOUNTS, KINDS, RECORDER, REGIONS, TAGGED
from checks.summary import PromiseSummary
from tests.checks import small
from tests.checks.small import ACCOUNT, BUCKET, DISK, HERE, OTHER_ACCOUNT, THERE, Builder, ask, make_promises, make_rule

ENCRYPTION = "controls: [{id: encryption}]"


def promise(estate: Builder | Estate, more: str = "", assume: str = "") -> PromiseSummary:
    """The promise that all disks and buckets are encrypted, with the rules that judge it."""
    held = [make_rule("resource.Encrypted", id=name, control="encryption", resource=kind) for name, kind in (("a", DISK), ("b", BUCKET))]
    one = make_promises(f"promises: [{{id: one, quote: Q., {ENCRYPTION}{more}}}]\nassume: [{assume}]", held)
    return ask(estate if isinstance(estate, Estate) else estate.build(), held, one).promises[0]


def read(*, regions: tuple[str, ...] = (HERE,), **universe: Any) -> Builder:
    """An estate in which all that was read is encrypted."""
    estate = Builder({ACCOUNT: (HERE,)}).universe(*regions, **universe)
    estate.add(DISK, {"Encrypted": True}, id="disk")
    return estate


def assumption(what: str, *, expires: str = "2026-11-20", covers: str = "") -> str:
    return f"{{what: {what}, owner: ciso, reason: known, expires: '{expires}'{', covers: ' + covers if covers else ''}}}"


def test_where_all_that_exists_was_read_a_promise_about_all_is_upheld() -> None:
    found = promise(read(kinds={"Disk": 1, "Bucket": 0, "Unprotected": 3}))
    assert (str(found.verdict), found.missing, found.assumptions) == ("upheld", (), ())


# -- accounts ---------------------------------------------------------------------------------------------------------


def test_an_account_of_the_organization_that_nobody_read_makes_it_unproven() -> None:
    found = promise(read(accounts=(ACCOUNT, OTHER_ACCOUNT)))
    assert str(found.verdict) == "unproven"
    assert found.missing == (f"account {OTHER_ACCOUNT} (account-{OTHER_ACCOUNT}): nobody looked",)


def test_what_is_broken_stays_broken_however_much_was_not_read() -> None:
    estate = read(accounts=(ACCOUNT, OTHER_ACCOUNT))
    estate.add(DISK, {"Encrypted": False}, id="bad")
    found = promise(estate)
    assert str(found.verdict) == "broken"
    assert found.missing


@pytest.mark.parametrize("scope", [f", scope: {{accounts: ['{ACCOUNT}']}}", ""])
def test_a_promise_about_named_accounts_needs_no_organization(scope: str) -> None:
    estate = read(accounts=())
    estate.gap(ACCOUNTS)
    found = promise(estate, scope)
    assert str(found.verdict) == ("upheld" if scope else "unproven")
    if not scope:
        assert found.missing == ("which accounts exist is not known: the organization's list of accounts was not read (denied)",)


def test_a_named_account_that_nobody_read_makes_it_unproven() -> None:
    found = promise(read(), f", scope: {{accounts: ['{ACCOUNT}', '{OTHER_ACCOUNT}']}}")
    assert found.missing == (f"account {OTHER_ACCOUNT}: nobody looked",)


def test_an_account_that_no_list_names_may_be_of_another_organization() -> None:
    estate = Builder({ACCOUNT: (HERE,), OTHER_ACCOUNT: (HERE,)}).universe(accounts=(ACCOUNT,))
    assert "which accounts exist is not known" in promise(estate).missing[0]
    estate = Builder({ACCOUNT: (HERE,), OTHER_ACCOUNT: (HERE,)}).universe()
    assert promise(estate).missing == ()


def test_an_account_that_is_known_by_a_gap_alone_was_not_read() -> None:
    estate = read()
    estate.gap(ACCOUNTS, OTHER_ACCOUNT)
    assert promise(estate).missing == (f"account {OTHER_ACCOUNT} (not seen): nobody looked",)


# -- regions ----------------------------------------------------------------------------------------------------------


def test_an_enabled_region_that_nobody_read_makes_it_unproven() -> None:
    found = promise(read(regions=(HERE, THERE)))
    assert str(found.verdict) == "unproven"
    assert found.missing == (f"region {THERE} of account {ACCOUNT}: nobody looked",)


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ({"OptInStatus": "not-opted-in"}, "upheld"),
        ({"OptInStatus": "opt-in-not-required"}, "unproven"),
        ({"OptInStatus": "opted-in"}, "unproven"),
        ({"OptInStatus": "opting-in"}, "unproven"),
        ({"OptInStatus": None}, "unproven"),
        ({}, "unproven"),
    ],
)
def test_only_a_region_that_is_known_to_be_off_needs_no_look(data: dict[str, Any], verdict: str) -> None:
    estate = read()
    estate.add(REGIONS, data, id=THERE)
    assert str(promise(estate).verdict) == verdict


def test_a_region_that_is_known_by_a_gap_alone_was_not_read() -> None:
    estate = read()
    estate.gap(REGIONS, THERE)
    assert promise(estate).missing == (f"region {THERE} of account {ACCOUNT}: nobody looked",)


def test_without_the_list_of_regions_nothing_is_known_of_them() -> None:
    estate = read()
    estate.gap(REGIONS)
    assert promise(estate).missing == (f"account {ACCOUNT}: which regions are enabled is not known",)


def test_a_promise_about_named_regions_speaks_of_no_other() -> None:
    estate = read(regions=(HERE, THERE))
    assert str(promise(estate, f", scope: {{regions: [{HERE}]}}").verdict) == "upheld"
    assert promise(estate, f", scope: {{regions: [{HERE}, {THERE}]}}").missing == (f"region {THERE} of account {ACCOUNT}: nobody looked",)


# -- kinds ------------------------------------------------------------------------------------------------------------


def test_a_kind_that_exists_and_that_no_rule_judges_makes_it_unproven() -> None:
    found = promise(read(kinds={"Disk": 1, "Tape": 7}))
    assert str(found.verdict) == "unproven"
    assert found.missing == ("7 of kind AWS::Test::Tape: no rule of encryption judges it",)


def test_a_kind_is_judged_for_each_control_that_it_bears_on(monkeypatch: pytest.MonkeyPatch) -> None:
    secrecy = small.CONTROLS["encryption"].model_copy(update={"title": "Secrecy", "kinds": ["AWS::Test::Disk"]})
    monkeypatch.setattr(small, "CONTROLS", {**small.CONTROLS, "secrecy": secrecy})
    held = [
        make_rule("resource.Encrypted", id="disk", control="encryption"),
        make_rule("resource.Encrypted", id="bucket", control="secrecy", resource=BUCKET),
    ]
    one = make_promises("promises: [{id: one, quote: Q., controls: [{id: encryption}, {id: secrecy}]}]", held)
    estate = read(kinds={"Disk": 1})
    estate.add(BUCKET, {"Encrypted": True}, id="bucket")
    found = ask(estate.build(), held, one).promises[0]
    assert found.missing == ("1 of kind AWS::Test::Disk: no rule of secrecy judges it",)


def test_a_kind_that_bears_on_another_control_does_not_matter() -> None:
    assert str(promise(read(kinds={"Disk": 1, "Key": 7})).verdict) == "upheld"


@pytest.mark.parametrize("count", [None, "7", "many", 7.0])
def test_a_kind_that_is_counted_oddly_exists(count: object) -> None:
    estate = read()
    estate.add(KINDS, {"resourceType": "AWS::Test::Tape", "count": count})
    assert "of kind AWS::Test::Tape" in promise(estate).missing[0]


def test_none_of_a_kind_is_none() -> None:
    assert promise(read(kinds={"Disk": 1, "Tape": 0})).missing == ()


@pytest.mark.parametrize(
    "recorder",
    [
        {"recordingGroup": {"allSupported": False}, "Status": [{"recording": True}]},
        {"recordingGroup": {"allSupported": True}, "Status": [{"recording": False}]},
        {"recordingGroup": {"allSupported": True}, "Status": []},
        {"recordingGroup": {"allSupported": True}},
        {"recordingGroup": {}, "Status": [{"recording": True}]},
        {"recordingGroup": "all", "Status": [{"recording": True}]},
        {"recordingGroup": {"allSupported": "true"}, "Status": [{"recording": True}]},
        {"recordingGroup": {"allSupported": True}, "Status": ["recording"]},
        {},
    ],
)
def test_what_a_recorder_does_not_record_may_exist(recorder: dict[str, Any]) -> None:
    estate = read()
    estate.resources = [one for one in estate.resources if one.type != RECORDER]
    estate.add(RECORDER, recorder, id="some")
    found = promise(estate)
    assert str(found.verdict) == "unproven"
    assert "which kinds of resource exist is not known in 111122223333/eu-central-1" in found.missing[0]


@pytest.mark.parametrize("type_", [KINDS, RECORDER])
@pytest.mark.parametrize("how", ["gap", "no look", "nothing listed", "gap of one"])
def test_without_counts_or_a_recorder_the_kinds_are_unknown(type_: str, how: str) -> None:
    estate = read()
    match how:
        case "gap":
            estate.gap(type_)
        case "no look":
            estate.unlisted = {(type_, Place(ACCOUNT, HERE))}
        case _:
            estate.resources = [one for one in estate.resources if one.type != type_]
            if how == "gap of one":
                estate.gap(type_, "AWS::Test::Tape")
                estate.add(KINDS, {"resourceType": "AWS::Test::Disk", "count": 1})
    assert "which kinds of resource exist is not known" in promise(estate).missing[0]


def test_a_region_without_a_recorder_is_named() -> None:
    estate = Builder({ACCOUNT: (HERE, THERE)}).universe()
    estate.add(DISK, {"Encrypted": True}, id="disk")
    estate.resources = [one for one in estate.resources if not (one.type == RECORDER and one.region == THERE)]
    assert f"in {ACCOUNT}/{THERE}:" in promise(estate).missing[0]


def test_a_control_about_the_account_itself_asks_for_no_kinds() -> None:
    estate = read()
    estate.gap(KINDS)
    held = make_promises("promises: [{id: one, quote: Q., controls: [{id: settings}]}]")
    assert str(ask(estate.build(), [make_rule("resource.Encrypted")], held).promises[0].verdict) == "upheld"


# -- kinds that the tagging API shows ---------------------------------------------------------------------------------


def tagged(estate: Builder, *resources: str) -> Builder:
    for resource in resources:
        estate.add(TAGGED, {"ResourceARN": f"arn:aws:test:{HERE}:{ACCOUNT}:{resource}"})
    return estate


def test_a_tagged_resource_of_a_kind_that_no_rule_judges_makes_it_unproven() -> None:
    found = promise(tagged(read(), "tape/a", "tape/b", "disk/c"))
    assert str(found.verdict) == "unproven"
    assert found.missing == ("2 of kind AWS::Test::Tape, which have or had tags: no rule of encryption judges it",)


def test_what_config_counts_and_the_tagging_api_shows_is_said_once() -> None:
    found = promise(tagged(read(kinds={"Disk": 1, "Tape": 7}), "tape/a"))
    assert found.missing == ("7 of kind AWS::Test::Tape: no rule of encryption judges it",)


@pytest.mark.parametrize("resource", ["disk/a", "disk:a", "key/a", "spaceship/a", "tape", ""])
def test_tagged_resources_of_kinds_that_are_judged_or_bear_on_nothing_do_not_matter(resource: str) -> None:
    assert str(promise(tagged(read(), resource)).verdict) == "upheld"


def test_what_is_broken_stays_broken_whatever_is_tagged() -> None:
    estate = tagged(read(), "tape/a")
    estate.add(DISK, {"Encrypted": False}, id="bad")
    assert str(promise(estate).verdict) == "broken"


@pytest.mark.parametrize("how", ["gap", "no look"])
def test_where_the_tagging_api_was_not_read_a_kind_may_be_hidden(how: str) -> None:
    estate = read()
    if how == "gap":
        estate.gap(TAGGED)
    else:
        estate.unlisted = {(TAGGED, Place(ACCOUNT, HERE))}
    found = promise(estate)
    reason = "denied" if how == "gap" else "not-collected"
    assert str(found.verdict) == "unproven"
    assert found.missing == (f"which kinds of resource exist is not known in {ACCOUNT}/{HERE}: the tagging API was not read ({reason})",)
    assume = assumption("there is no more", covers="{universe: [kinds]}")
    assert str(promise(estate, assume=assume).verdict) == "upheld"


def test_a_tagged_resource_that_is_known_by_a_gap_alone_exists() -> None:
    estate = read()
    estate.gap(TAGGED, f"arn:aws:test:{HERE}:{ACCOUNT}:tape/a")
    assert "of kind AWS::Test::Tape" in promise(estate).missing[0]


def test_that_nothing_is_tagged_does_not_make_up_for_what_config_does_not_record() -> None:
    estate = read()
    estate.gap(KINDS)
    assert "AWS Config does not record everything there" in promise(estate).missing[0]


def test_an_assumption_about_the_kind_covers_what_is_tagged() -> None:
    found = promise(tagged(read(), "tape/a"), assume=assumption("'AWS::Test::Tape holds nothing'"))
    assert (str(found.verdict), found.missing, len(found.assumptions)) == ("upheld", (), 1)


# -- assumptions ------------------------------------------------------------------------------------------------------

ACCOUNT_UNREAD, REGION_UNREAD = {"accounts": (ACCOUNT, OTHER_ACCOUNT)}, {"regions": (HERE, THERE)}
TAPES = {"kinds": {"Disk": 1, "Tape": 7}}


@pytest.mark.parametrize(
    ("universe", "assume"),
    [
        (ACCOUNT_UNREAD, assumption(f"account {OTHER_ACCOUNT} is closed")),
        (ACCOUNT_UNREAD, assumption("the archive is closed", covers=f"{{accounts: ['{OTHER_ACCOUNT}']}}")),
        (REGION_UNREAD, assumption(f"nothing runs in {THERE}")),
        (TAPES, assumption("'AWS::Test::Tape holds nothing'")),
    ],
)
def test_a_dated_assumption_stands_in_for_what_nobody_read_and_is_printed(universe: dict[str, Any], assume: str) -> None:
    found = promise(read(**universe), assume=assume)
    assert (str(found.verdict), found.missing) == ("upheld", ())
    assert len(found.assumptions) == 1
    assert "(ciso: known; until 2026-11-20)" in found.assumptions[0]


@pytest.mark.parametrize(
    ("universe", "assume"),
    [
        (ACCOUNT_UNREAD, assumption(f"nothing runs in {THERE}")),
        (REGION_UNREAD, assumption(f"account {OTHER_ACCOUNT} is closed")),
        (TAPES, assumption("'AWS::Test::Disk holds nothing'")),
        (ACCOUNT_UNREAD, assumption("all accounts are read", covers="{universe: [accounts]}")),
        (TAPES, assumption("all kinds are judged", covers="{universe: [kinds]}")),
        (ACCOUNT_UNREAD, assumption("nothing", covers="{}")),
    ],
)
def test_an_assumption_about_something_else_does_not(universe: dict[str, Any], assume: str) -> None:
    found = promise(read(**universe), assume=assume)
    assert str(found.verdict) == "unproven"
    assert found.assumptions == ()


def test_an_assumption_ends_with_its_last_day_and_says_whose_it_was() -> None:
    found = promise(read(**ACCOUNT_UNREAD), assume=assumption(f"account {OTHER_ACCOUNT} is closed", expires="2026-11-19"))
    assert str(found.verdict) == "unproven"
    assert found.missing[0].endswith("nobody looked; the assumption of ciso expired on 2026-11-19")


def test_of_two_assumptions_the_one_that_still_holds_counts() -> None:
    both = f"{assumption(f'account {OTHER_ACCOUNT} is closed', expires='2025-01-01')}, {assumption(f'account {OTHER_ACCOUNT} is empty')}"
    found = promise(read(**ACCOUNT_UNREAD), assume=both)
    assert (str(found.verdict), len(found.assumptions)) == ("upheld", 1)


@pytest.mark.parametrize(("type_", "axis"), [(ACCOUNTS, "accounts"), (KINDS, "kinds")])
def test_the_list_itself_can_be_assumed_where_nobody_can_read_it(type_: str, axis: str) -> None:
    estate = read(accounts=()) if type_ == ACCOUNTS else read()
    estate.gap(type_)
    found = promise(estate, assume=assumption("there is no more", covers=f"{{universe: [{axis}]}}"))
    assert (str(found.verdict), found.missing) == ("upheld", ())


def test_whoever_imports_files_may_assert_that_they_are_complete_and_is_named() -> None:
    estate = Builder(asserted_by="import by ops")
    estate.add(DISK, {"Encrypted": True}, id="disk")
    built = estate.build()
    found = promise(built)
    assert (str(found.verdict), found.missing) == ("upheld", ())
    assert found.assumptions == ("import by ops asserts that the imported files hold all there is",)
    without_looks = promise(dataclasses.replace(built, looks=()))
    assert str(without_looks.verdict) == "unproven"
