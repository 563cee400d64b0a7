"""Whichever call to Azure goes wrong, what it would have shown is a gap, and nothing else differs from what a whole run sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checks.model import GLOBAL, Estate, Look, Place
from checks.plan import AZURE_KINDS, AZURE_SUBSCRIPTIONS
from tests.agent.collect.azure.eyes import ACCOUNTS, DATABASES, GATEWAYS, ONE, SUBSCRIPTION, Eyes, shop
from tests.world.arm_double import PORTAL, ArmDouble, Asked, Reply, error

TYPES = (ACCOUNTS, DATABASES, GATEWAYS, SUBSCRIPTION, AZURE_KINDS, AZURE_SUBSCRIPTIONS)
WRONG: dict[str, Callable[[], Reply]] = {
    "denied": lambda: error(403, "AuthorizationFailed", "no"),
    "HTML": lambda: Reply(200, PORTAL, {"Content-Type": "text/html"}),
    "gone": lambda: error(404, "ResourceNotFound", "no"),
}


def collected(eyes: Eyes) -> Estate:
    return eyes.collect(*TYPES, settings=eyes.settings(resource_graph=True))


def holds(whole: Estate, estate: Estate) -> None:
    """Every difference has its gap."""
    for type_ in whole.resources:
        seen = {one.id: one for one in estate.of(type_)}
        lost = {(gap.id, (gap.field or "").partition(".")[0]) for gap in estate.gaps if gap.type == type_}
        complete = isinstance(estate.listing(type_, Place(ONE, GLOBAL)), Look) or (type_ == SUBSCRIPTION and bool(seen))
        for one in whole.of(type_):
            if one.id not in seen:
                assert not complete or (one.id, "") in lost, (type_, one.id)
                continue
            for member, value in one.data.items():
                held = seen[one.id].data
                unknown = (one.id, member) in lost or (member not in held and not complete)
                assert held.get(member) == value or unknown, (type_, one.id, member)
        assert set(seen) <= {one.id for one in whole.of(type_)}


@pytest.mark.parametrize("what", WRONG)
def test_whichever_call_goes_wrong(azure: ArmDouble, tmp_path: Path, what: str) -> None:
    shop(azure)
    eyes = Eyes(azure, tmp_path)
    whole = collected(eyes)
    assert whole.gaps == ()
    entering = {f"/subscriptions/{ONE}", "/msi/token"}
    calls = sorted({(one.path, one.body) for one in azure.asked if one.path not in entering})
    assert len(calls) > 15
    for path, body in calls:

        def fault(asked: Asked, _: Reply, path: str = path, body: bytes = body) -> Reply | None:
            return WRONG[what]() if (asked.path, asked.body) == (path, body) else None

        azure.fault = fault
        estate = collected(eyes)
        assert estate.gaps != (), path
        holds(whole, estate)
