"""The road from files to a result, without starting the command: estates on disk, and inputs over the small catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from agent import rulebook
from agent.collect.estate import EstateWriter
from agent.config import Configuration, Settings
from agent.rulebook import Rulebook
from agent.run import Inputs
from checks.model import Estate
from checks.promise import Acceptance, Promises
from checks.rule import Rule
from checks.summary import Text
from tests.checks.small import CATALOGUE, CONTROLS, SHAPES, make_promises

UNCONFIGURED = Configuration(Settings(schema="upheld.config/1"), None)


@cache
def shipped() -> Rulebook:
    """The rules that come with the program, loaded once."""
    return rulebook.load()


def seal(estate: Estate, place: Path) -> Path:
    """An estate written to disk as a collection writes it."""
    with EstateWriter(place) as writer:
        for look in estate.looks:
            writer.add_look(look)
        for gap in estate.gaps:
            writer.add_gap(gap)
        for held in estate.resources.values():
            writer.add_resources(held)
        writer.finish(estate.manifest)
    return place


def small_inputs(
    rules: Iterable[Rule],
    promises: Promises | None = None,
    *,
    texts: Mapping[str, Text] | None = None,
    exceptions: Mapping[str, Acceptance] | None = None,
) -> Inputs:
    """What a run goes by, over the small catalogue of the judge's own tests."""
    book = Rulebook(CONTROLS, CATALOGUE, SHAPES, {rule.id: rule for rule in rules})
    return Inputs(UNCONFIGURED, book, promises or make_promises("promises: []"), texts or {}, exceptions or {})
