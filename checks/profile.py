"""Profiles: what a published standard asks of TLS endpoints, as rules with their parameters and severities, dated.

A standard changes; which version of it a verdict goes by stands in the profile, and what it asks for that no rule judges
stands there too: a profile that is upheld says no more than its rules do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date as Date  # noqa: N812 - the member is called date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from checks.document import Document, validate
from checks.judge import Bound
from checks.rule import Rule, Severity

NonEmpty = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Strict):
    """One rule as a profile asks for it. Without a severity, the rule's own counts."""

    at: NonEmpty
    """Where the document says so."""
    severity: Severity | None = None
    params: dict[str, Any] = {}


class Profile(_Strict):
    """A profile as written. `beyond`: what the document asks for and no rule judges."""

    schema_: Literal["upheld.profile/1"] = Field(alias="schema")
    id: NonEmpty = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: NonEmpty
    version: NonEmpty
    date: Date
    source: NonEmpty
    rules: dict[str, Asked] = Field(min_length=1)
    beyond: list[NonEmpty] = []

    def bind(self, rules: Mapping[str, Rule]) -> list[Bound]:
        """Its rules, as `checks.judge.judge` takes them: under its parameters, and as severe as it takes them to be."""
        return [_bound(rules[name], asked) for name, asked in sorted(self.rules.items())]


def _bound(rule: Rule, asked: Asked) -> Bound:
    severe = replace(rule, file=rule.file.model_copy(update={"severity": asked.severity or rule.file.severity}))
    return Bound(severe, rule.params(asked.params), {}, ())


def read(document: Document, rules: Mapping[str, Rule]) -> Profile:
    """Load one profile. Raises DocumentError with the line for a rule or a parameter that does not exist."""
    profile = validate(document, Profile.model_validate)
    for name, asked in profile.rules.items():
        if name not in rules:
            document.fail(("rules", name), f"there is no rule {name!r}")
        declared = rules[name].file.params
        for parameter, value in asked.params.items():
            if parameter not in declared or not declared[parameter].takes(value):
                document.fail(("rules", name, "params", parameter), f"{name} declares no parameter {parameter!r} that could be {value!r}")
    return profile
