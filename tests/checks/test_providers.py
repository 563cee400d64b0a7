"""Accounts of several providers in one estate: none is expected to hold what is another's."""

from __future__ import annotations

import pytest

from checks.model import GLOBAL, Asserted, Estate, Manifest, Place, Scope, can_hold, provider
from checks.promise import PromiseScope
from tests.checks.small import ACCOUNT, DISK, HERE, Builder, ask, make_promises, make_rule

SUBSCRIPTION = "7b0c2c4e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("account", "of"),
    [
        (ACCOUNT, "aws"),
        (SUBSCRIPTION, "azure"),
        (SUBSCRIPTION.upper(), "azure"),
        ("tls", "tls"),
        ("security", None),
        ("1111", None),
        ("tls-1", None),
    ],
)
def test_an_account_tells_its_provider_by_its_form(account: str, of: str | None) -> None:
    assert provider(account) == of


@pytest.mark.parametrize(
    ("account", "type_", "can"),
    [
        (ACCOUNT, "aws.ec2.volume", True),
        (ACCOUNT, "tls.endpoint", False),
        (ACCOUNT, "azure.sql.servers", False),
        (SUBSCRIPTION, "aws.ec2.volume", False),
        (SUBSCRIPTION, "azure.sql.servers", True),
        ("tls", "tls.endpoint", True),
        ("tls", "aws.ec2.volume", False),
        ("security", "policy.sentence", True),
        ("tls", "policy.sentence", True),
        ("unknown", "aws.ec2.volume", True),
    ],
)
def test_what_is_one_providers_is_in_no_account_of_another(account: str, type_: str, can: bool) -> None:
    assert can_hold(account, type_) is can


def test_other_accounts_are_not_asked_for_what_they_cannot_hold() -> None:
    builder = Builder({ACCOUNT: (HERE,), SUBSCRIPTION: (GLOBAL,), "tls": (GLOBAL,)})
    for place in (Place(SUBSCRIPTION, GLOBAL), Place("tls", GLOBAL)):
        builder.unlisted.add((DISK, place))
    builder.add(DISK, {"DiskId": "d", "Encrypted": True})
    assert [(one.resource.account, str(one.verdict)) for one in ask(builder.build(), [make_rule("resource.Encrypted")]).findings] == [
        (ACCOUNT, "upheld")
    ]


def test_an_account_of_ones_own_that_was_not_read_still_shows() -> None:
    builder = Builder({ACCOUNT: (HERE,)})
    builder.unlisted.add((DISK, Place(ACCOUNT, HERE)))
    assert ask(builder.build(), [make_rule("resource.Encrypted")]).verdict() == "unproven"


def test_a_choice_of_accounts_leaves_no_endpoint_out() -> None:
    scope = PromiseScope(accounts=[ACCOUNT], regions=[HERE])
    assert scope.has_place(Place("tls", GLOBAL))
    assert not scope.has_account(SUBSCRIPTION)


def test_the_universe_of_aws_is_that_of_its_accounts() -> None:
    """Endpoints have no organization, no regions and no recorder that would have to be read."""
    rules = [make_rule("resource.Encrypted", control="encryption")]
    promises = make_promises("promises: [{id: p, quote: All., controls: [{id: encryption}]}]", rules)
    builder = Builder({ACCOUNT: (HERE,)}).universe()
    builder.add(DISK, {"DiskId": "d", "Encrypted": True})
    alone = ask(builder.build(), rules, promises).promises[0]
    builder.accounts = {ACCOUNT: (HERE,), "tls": (GLOBAL,)}
    beside = ask(builder.build(), rules, promises).promises[0]
    assert alone.missing == beside.missing == ()
    assert beside.verdict == "upheld"


def test_endpoints_alone_show_no_universe() -> None:
    rules = [make_rule("resource.Encrypted", control="encryption")]
    promises = make_promises("promises: [{id: p, quote: All., controls: [{id: encryption}]}]", rules)
    found = ask(Builder({"tls": (GLOBAL,)}).build(), rules, promises).promises[0]
    assert found.verdict == "unproven"
    assert any("which accounts exist is not known" in lack for lack in found.missing)


def test_who_asserts_that_files_are_complete_says_nothing_of_endpoints() -> None:
    manifest = Manifest(
        "upheld.estate/1",
        "2026-11-20T06:00:00Z",
        "2026-11-20T06:00:00Z",
        "t",
        {},
        None,
        Scope({"111122223333": ("eu-central-1",)}, ()),
        "ops@shop.example",
    )
    estate = Estate(manifest, {}, (), ())
    assert isinstance(estate.listing("aws.ec2.volume", Place("111122223333", "eu-central-1")), Asserted)
    assert isinstance(estate.listing("tls.endpoint", Place("tls", GLOBAL)), tuple)
