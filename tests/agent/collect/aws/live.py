"""Collecting and judging a live world in this process."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from agent import run
from agent.collect.estate import read_estate
from agent.config import Aws, Collect, Configuration, Settings
from agent.publish.result import Result
from agent.rulebook import Rulebook
from checks.model import Estate as Recorded
from checks.plan import Plan, plan
from tests.conftest import Estate
from tests.world import shop
from tests.world.servers import ACCOUNT


class Road:
    """Collecting and judging by a few rules, in this process, with the real clients."""

    def __init__(self, world: Estate, book: Rulebook, folder: Path) -> None:
        self.world, self._book, self.folder = world, book, folder
        self._runs = 0

    def inputs(self, *rules: str, deadline: int = 300, accounts: tuple[Aws, ...] = ()) -> run.Inputs:
        settings = Settings(
            schema="upheld.config/1",
            collect=Collect(deadline=f"{deadline}s", aws=list(accounts) or [Aws(account=ACCOUNT, regions=[shop.HOME])]),
        )
        known = {name: self._book.rules[name] for name in rules}
        return replace(run.prepare(Configuration(settings, None)), book=replace(self._book, rules=known))

    def collect(self, *rules: str, types: Plan | None = None, **options: Any) -> Recorded:
        """What the rules need, and `types` beside."""
        inputs = self.inputs(*rules, **options)
        self._runs += 1
        place = self.folder / f"estate-{self._runs}"
        with mock.patch.dict(os.environ, self.world.environment):
            wanted = {**plan(inputs.book.rules.values(), universe=False), **(types or {})}
            run.collect(inputs, place, wanted, run.Clock())
        return read_estate(place)

    def judge(self, *rules: str, **options: Any) -> Result:
        return run.assess(self.inputs(*rules), self.collect(*rules, **options), every=True, max_age=0, clock=run.Clock())


def verdicts(result: Result, rule: str) -> dict[str, str]:
    """Resource id -> verdict, of one rule."""
    return {one["resource"]["id"]: one["verdict"] for one in result.findings.records() if one["rule"] == rule}
