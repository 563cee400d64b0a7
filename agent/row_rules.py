"""Which rules over rows are asked of an estate: those whose logs were read, and those that nothing else can stand in for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.inputs import Inputs
from checks.logs.source import Sources
from checks.logs.tables import TABLES
from checks.model import Estate, provider
from checks.rule import Rule


@dataclass(frozen=True)
class Rows:
    """What an estate holds of logs settles which rules there are to ask.

    A setting shows what must happen, a log what did: where the rules of a control read settings, a log that nobody
    configured is no gap in them, and a note says that it was not read. A rule that is `required` is asked all the same.
    """

    estate: Estate
    inputs: Inputs

    @property
    def judged(self) -> list[Rule]:
        """Of the rules that the promises bind, those to ask."""
        return [rule for rule in self.inputs.judged_rows if rule.file.required or rule.kind in self._tables]

    @property
    def present(self) -> list[Rule]:
        """The rules about the logs that were read."""
        return [rule for rule in self.inputs.log_rules if rule.kind in self._tables]

    @property
    def notes(self) -> Iterator[str]:
        """Which logs could have told more."""
        here = {provider(account) for account in self.estate.manifest.scope.accounts}
        about = {rule.kind for rule in self.inputs.judged_rows if TABLES[rule.kind].provider in here}
        unasked = sorted(about - {rule.kind for rule in self.judged})
        if unasked:
            yield f"logs that could show more of these promises are not read: {', '.join(unasked)}; see collect.logs"

    @property
    def _tables(self) -> frozenset[str]:
        return Sources(self.estate).tables
