"""The short form of the fault harness; `make faults` runs the long one."""

from __future__ import annotations

import pytest

from agent import rulebook
from tests.conftest import Estate
from tests.faults.soundness import World, live, record, replayed, violations
from tests.world.faults import Kind


@pytest.fixture(scope="module")
def recorded(populated: Estate) -> World:
    populated.proxy.clear()
    return World(rulebook.load(), record(populated.proxy))


def test_no_fault_makes_a_verdict_up_or_a_finding_vanish(recorded: World) -> None:
    tally = replayed(recorded, 500, seed=20261120)
    assert tally.cases >= 500
    assert tally.violations == []
    assert tally.became["upheld -> unproven"] > 0
    assert tally.became["broken -> unproven"] > 0


def test_nor_does_one_that_the_clients_retry(recorded: World, populated: Estate) -> None:
    tally = live(recorded, populated.proxy, 12, seed=7, without=[Kind.TIMEOUT, Kind.THROTTLE, Kind.ERROR_500])
    assert tally.cases >= 12
    assert tally.violations == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"a": ("upheld", "r", "eu", "x")}, "r on x: broken became upheld"),
        ({"a": ("broken", "r", "eu", "x"), "b": ("broken", "r", "eu", "y")}, "r on y: nothing became broken"),
        ({}, "r on x: broken vanished"),
        ({"l": ("unproven", "other", "eu", "*")}, "r on x: broken vanished"),
    ],
)
def test_the_harness_sees_a_violation(after: dict[str, tuple[str, str, str, str]], said: str) -> None:
    assert list(violations({"a": ("broken", "r", "eu", "x")}, after)) == [said]


def test_a_listing_that_is_unproven_stands_for_its_resources() -> None:
    assert list(violations({"a": ("broken", "r", "eu", "x")}, {"l": ("unproven", "r", "eu", "*")})) == []
