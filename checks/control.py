"""The control catalogue: what a promise can commit to, and which kinds of resource bear on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from checks.document import Document, validate

Quantifier = Literal["all", "only", "never"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ControlParameter(_Strict):
    """`paths` is a list of paths that may be open, each with from, to, protocol and ports."""

    type: Literal["int", "string", "bool", "list", "paths"]
    description: str

    @property
    def value_type(self) -> Literal["int", "string", "bool", "list"]:
        return "list" if self.type == "paths" else self.type


class Control(_Strict):
    """`kinds` are the Config resource types that hold or carry what the control protects; `none` for controls about
    the account itself. One that exists and that no rule judges leaves a promise about *all* unproven."""

    title: str
    quantifiers: list[Quantifier] = Field(min_length=1)
    params: dict[str, ControlParameter] = {}
    allow_list: str | None = None
    """The parameter without which *only* says nothing."""
    kinds: Annotated[list[str], Field(min_length=1)] | Literal["none"]


class _File(_Strict):
    schema_: Literal["upheld.controls/1"] = Field(alias="schema")
    controls: dict[str, Control]


Controls = Mapping[str, Control]


def read(document: Document) -> Controls:
    return validate(document, _File.model_validate).controls
