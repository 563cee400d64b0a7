"""What a filter or a rule says of one packet: yes, no, or that the estate does not tell.

A doubt is carried along rules and filters as in Kleene's logic: it decides nothing where what stands beside it
decides already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowed:
    """Let through; `by` are the rules that did."""

    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    why: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Cannot be told; `why` names what is missing or not modelled."""

    why: str


Answer = Allowed | Denied | Doubt
Match = bool | Doubt
"""Whether a condition holds of the packet."""


def every(conditions: Iterable[Match]) -> Match:
    """All hold: one that does not decides, else the first doubt."""
    doubt: Doubt | None = None
    for condition in conditions:
        if condition is False:
            return False
        if isinstance(condition, Doubt):
            doubt = doubt or condition
    return doubt or True


def either(conditions: Iterable[Match]) -> Match:
    """At least one holds: that one decides, else the first doubt."""
    doubt: Doubt | None = None
    for condition in conditions:
        if condition is True:
            return True
        if isinstance(condition, Doubt):
            doubt = doubt or condition
    return doubt or False


def agree(answers: Iterable[Answer], why: str) -> Answer:
    """The common answer of several readings of the same configuration, else the doubt `why`."""
    read = list(answers)
    for answer in read:
        if isinstance(answer, Doubt):
            return answer
    if len({type(answer) for answer in read}) > 1:
        return Doubt(why)
    return read[0]
