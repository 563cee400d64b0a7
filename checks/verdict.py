"""The three verdicts and how they combine: Kleene's strong logic with a neutral element.

Upheld is true, broken is false, unproven is unknown. `None` stands for *not applicable*: a population that completed
looks show to be empty. It is neutral, and a combination of nothing but neutrals is itself neutral, never upheld: a
promise about nothing has not been kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    UPHELD = "upheld"
    BROKEN = "broken"
    UNPROVEN = "unproven"


_WEIGHT = {Verdict.UPHELD: 0, Verdict.UNPROVEN: 1, Verdict.BROKEN: 2}


def combine(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """Broken over unproven over upheld; None where there is no verdict at all."""
    return max((verdict for verdict in verdicts if verdict is not None), key=_WEIGHT.__getitem__, default=None)


def proven(verdict: Verdict | None) -> Verdict:
    """What a promise says where nothing applied: not applicable to anything is unproven."""
    return Verdict.UNPROVEN if verdict is None else verdict
