"""What a `paths:` rule asks: from where, to where, which packets, and whether none of them or only some may get there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from checks.network.wanted import ANY, Unclear, wanted

EVERYTHING, OUTSIDE, OTHER_NETWORKS, PROMISED = "everything", "outside", "other-networks", "promised"
PARAM = "params."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kinds(_Strict):
    """Interfaces by the type of what they serve."""

    type: list[str] = Field(min_length=1)


Selector = str | Kinds | list[str | Kinds]
"""A name as `upheld paths` takes it, `everything` (every interface), `outside` (the internet and all networks that no
estate holds), `other-networks` (those without the internet), `promised` (what the allowed paths lead to), `params.NAME`,
several of these, or types."""


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Allowed(_Strict):
    """Paths that may be open."""

    from_: Selector = Field(alias="from")
    to: Selector = EVERYTHING
    protocol: Annotated[str, BeforeValidator(_text)] = ANY
    ports: Annotated[str, BeforeValidator(_text)] = ANY


class Body(_Strict):
    """The `paths:` of a rule file."""

    from_: Selector = Field(alias="from")
    to: Selector = EVERYTHING
    protocol: Annotated[str, BeforeValidator(_text)] = ANY
    ports: Annotated[str, BeforeValidator(_text)] = ANY
    expect: Literal["never", "only"]
    allowed: str | list[Allowed] = Field(default=[])

    def parameters(self) -> list[str]:
        """The parameters that it names."""
        return list(_named(self.model_dump(by_alias=True)))

    def given(self, params: Mapping[str, Any]) -> Body:
        """With the values of the parameters in the place of `params.NAME`. Raises Unclear."""
        values = {name: _with(value, params) for name, value in self.model_dump(by_alias=True).items()}
        try:
            given = Body.model_validate(values)
        except ValidationError as error:
            raise Unclear(_problem(error)) from error
        if given.to == PROMISED:
            ends = [one.to for one in given.allowed if not isinstance(one, str)]
            given = given.model_copy(update={"to": [end for end in ends if end != EVERYTHING]})
        parts: list[Body | Allowed] = [given, *(given.allowed if isinstance(given.allowed, list) else [])]
        for one in parts:
            wanted(one.protocol, one.ports)
        return given


def read_allowed(value: Any) -> list[Allowed]:
    """The entries of a promise's `allowed:`. Raises Unclear."""
    if not isinstance(value, list):
        raise Unclear("allowed is a list of paths, each with from, to, protocol and ports")
    body = Body.model_validate({"from": "internet", "expect": "only", "allowed": "params.allowed"})
    allowed = body.given({"allowed": value}).allowed
    assert isinstance(allowed, list)
    return allowed


def _problem(error: ValidationError) -> str:
    """The error about the form that was meant: of those that pydantic tried, the one that got furthest."""
    first = max(error.errors(include_url=False), key=lambda one: len(one["loc"]))
    place = ".".join(str(step) for step in first["loc"] if step not in {"list[Allowed]", "Allowed", "str", "list[str]", "Kinds"})
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"


def _with(value: Any, params: Mapping[str, Any]) -> Any:
    match value:
        case str() if value.startswith(PARAM):
            return params[value.removeprefix(PARAM)]
        case dict():
            return {name: _with(held, params) for name, held in value.items()}
        case list():
            return [_with(held, params) for held in value]
    return value


def _named(value: Any) -> Iterator[str]:
    match value:
        case str() if value.startswith(PARAM):
            yield value.removeprefix(PARAM)
        case dict():
            for held in value.values():
                yield from _named(held)
        case list():
            for held in value:
                yield from _named(held)
