"""Typed terms: a rule's condition over rows, once `subset` has shown that every engine can run it."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

Kind = typing.Literal["boolean", "string", "integer", "timestamp", "duration", "address", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    kind: Kind
    value: bool | int | str


@dataclass(frozen=True, slots=True)
class Parameter:
    kind: Kind
    name: str


Constant = Literal | Parameter


@dataclass(frozen=True, slots=True)
class Now:
    kind: ClassVar[Kind] = "timestamp"


@dataclass(frozen=True, slots=True)
class Undecided:
    """Never a truth value."""

    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class And:
    left: Term
    right: Term
    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class Or:
    left: Term
    right: Term
    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class Not:
    operand: Term
    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? left : right`, both of `kind`."""

    kind: Kind
    condition: Term
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Compare:
    """`operator` as CEL names it (`_<=_`); both sides are of one kind."""

    operator: str
    left: Term
    right: Term
    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class Member:
    """Whether `item` is one of the constants, or of what a parameter lists."""

    item: Term
    holder: Parameter | tuple[Constant, ...]
    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class Words:
    """`function` is startsWith, endsWith, contains or matches."""

    function: str
    text: Term
    wanted: Constant
    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class Within:
    """Whether an address lies in one of the networks."""

    column: Column
    holder: Parameter | tuple[Constant, ...]
    kind: ClassVar[Kind] = "boolean"


@dataclass(frozen=True, slots=True)
class Moment:
    """`timestamp()` of a constant text."""

    text: Constant
    kind: ClassVar[Kind] = "timestamp"


@dataclass(frozen=True, slots=True)
class Span:
    """`duration()` of a constant text."""

    text: Constant
    kind: ClassVar[Kind] = "duration"


@dataclass(frozen=True, slots=True)
class Since:
    """`later - earlier`, one of which is known before the rows are; it stands only in a comparison with a Span."""

    later: Column | Now | Moment
    earlier: Column | Now | Moment
    kind: ClassVar[Kind] = "duration"


@dataclass(frozen=True, slots=True)
class Version:
    """`tls_version()` of a text."""

    text: Column | Constant
    kind: ClassVar[Kind] = "integer"


@dataclass(frozen=True, slots=True)
class Count:
    """How many entries a parameter lists."""

    parameter: Parameter
    kind: ClassVar[Kind] = "integer"


Term = (
    Column | Literal | Parameter | Now | Undecided | And | Or | Not | Choice | Compare | Member | Words | Within | Moment | Span | Since
    | Version | Count
)  # fmt: skip


def walk(term: Term) -> Iterator[Term]:
    """This term and all below it."""
    yield term
    for field in fields(term):
        below = getattr(term, field.name)
        for part in below if isinstance(below, tuple) else (below,):
            if isinstance(part, Term):
                yield from walk(part)


def columns(term: Term) -> frozenset[str]:
    """The names of the columns that a term reads."""
    return frozenset(part.name for part in walk(term) if isinstance(part, Column))
