"""What *all* means where there are two clouds: each tells of itself, and rules for one say nothing of the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.model import GLOBAL, Estate, Look, Place, Resource
from checks.plan import AZURE_KINDS, AZURE_SUBSCRIPTIONS
from checks.population import CloudPopulation, cloud_populations
from checks.summary import PromiseSummary
from tests.checks.small import ACCOUNT, DISK, HERE, Builder, ask, make_promises, make_rule

ONE, TWO = "7b0c2c4e-0000-4000-8000-000000000001", "7b0c2c4e-0000-4000-8000-000000000002"


def both(*, listed: bool = True, counted: bool = True, known: tuple[str, ...] = (ONE,)) -> Estate:
    """An account of AWS in which all is encrypted, and a subscription of Azure with what it tells of itself."""
    builder = Builder({ACCOUNT: (HERE,)}).universe()
    builder.add(DISK, {"Encrypted": True}, id="disk")
    estate = builder.build()
    looks = [
        Look(f"{type_}-{ONE}", ONE, GLOBAL, type_, "call", None, 1, 1, "2026-11-20T12:00:00Z", None, "0")
        for type_, wanted in ((AZURE_SUBSCRIPTIONS, listed), (AZURE_KINDS, counted))
        if wanted
    ]
    resources = {
        **estate.resources,
        AZURE_SUBSCRIPTIONS: tuple(Resource(id_, AZURE_SUBSCRIPTIONS, ONE, GLOBAL, {"displayName": "Shop"}, {}) for id_ in known),
        AZURE_KINDS: (Resource("microsoft.storage/storageaccounts", AZURE_KINDS, ONE, GLOBAL, {"count": 3}, {}),),
    }
    scope = replace(estate.manifest.scope, accounts={**estate.manifest.scope.accounts, ONE: ("westeurope",)})
    return replace(estate, manifest=replace(estate.manifest, scope=scope), resources=resources, looks=(*estate.looks, *looks))


def promise(estate: Estate, scope: str = "") -> PromiseSummary:
    held = [make_rule("resource.Encrypted", control="encryption", resource=DISK)]
    one = make_promises(f"promises: [{{id: one, quote: Q., controls: [{{id: encryption}}]{scope}}}]", held)
    return ask(estate, held, one).promises[0]


def test_a_cloud_that_no_rule_judges_leaves_all_unproven() -> None:
    found = promise(both())
    assert (str(found.verdict), found.missing) == ("unproven", ("encryption in Azure: no rule judges it there",))


def test_a_promise_that_speaks_of_one_cloud_does_not_need_the_other() -> None:
    found = promise(both(), f", scope: {{accounts: ['{ACCOUNT}']}}")
    assert (str(found.verdict), found.missing) == ("upheld", ())


def test_a_subscription_that_a_promise_names_is_one_that_was_read() -> None:
    missing = promise(both(), f", scope: {{accounts: ['{ONE}', '{TWO}']}}").missing
    assert f"account {TWO}: nobody looked" in missing
    assert not any(ONE in one for one in missing)


@pytest.mark.parametrize(
    ("estate", "told"),
    [
        (both(known=(ONE, TWO)), f"subscription {TWO} (Shop): nobody looked"),
        (both(listed=False), "which subscriptions exist is not known: what is below the tenant's root management group was not read (not-collected)"),
        (both(known=()), "which subscriptions exist is not known: what is below the tenant's root management group was not read"),
        (both(counted=False), f"which kinds of resource exist is not known in {ONE}: Resource Graph did not count them all"),
    ],
)  # fmt: skip
def test_what_azure_does_not_tell_of_itself_is_missing(estate: Estate, told: str) -> None:
    assert told in promise(estate).missing


def test_how_much_of_each_cloud_was_seen() -> None:
    aws, azure = cloud_populations(both(known=(ONE, TWO)))
    assert aws == CloudPopulation("aws", 1, 1, 1, 1)
    assert azure == CloudPopulation("azure", 1, 2, 0, 3)
    (_, unknown) = cloud_populations(both(listed=False, counted=False))
    assert (unknown.accounts_known, unknown.resources_known) == (None, None)


def test_a_listing_of_azure_is_that_of_the_subscription() -> None:
    assert isinstance(both().listing(AZURE_KINDS, Place(ONE, GLOBAL)), Look)


@pytest.mark.parametrize(
    ("what", "accounts", "kinds"),
    [
        (f"subscription {TWO.upper()} is an archive", [TWO], []),
        (f"account {ACCOUNT} and subscription {ONE} are empty", [ACCOUNT, ONE], []),
        ("what Microsoft.Search/searchServices holds is public", [], ["Microsoft.Search/searchServices"]),
    ],
)
def test_an_assumption_covers_what_it_names_in_either_cloud(what: str, accounts: list[str], kinds: list[str]) -> None:
    held = make_promises(f"promises: []\nassume: [{{what: '{what}', owner: o, reason: r, expires: '2099-01-01'}}]", []).assume[0]
    assert (held.covers.accounts, held.covers.kinds) == (accounts, kinds)
