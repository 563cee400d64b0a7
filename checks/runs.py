"""The agent's own runs as resources: whether what is promised was looked at when it was due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from checks.model import GLOBAL, Look, Resource, canonical, digest

RUN: Final = "run"
ACCOUNT: Final = "run"
"""The account of the runs, which are in no account of a cloud."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the schedule says of the runs of one kind. Times are RFC 3339 in UTC; `every` is in seconds."""

    kind: str
    every: int
    ended: str | None
    """When the last one ended; None where none did."""
    failure: str | None
    """Why the last one gave no verdicts; None where it did."""
    missed: int
    """How many intervals passed in which none began, since the last one that gave verdicts."""
    overlapped: int
    """How often one was due while the one before had not ended, or waited for another, since the last one that gave verdicts."""


def resources(told: Iterable[Told], at: str) -> tuple[list[Resource], list[Look]]:
    """The runs of each kind, each with its look at the schedule."""
    held: list[Resource] = []
    looks: list[Look] = []
    for one in told:
        data: dict[str, Any] = {"Kind": one.kind, "Every": one.every, "Missed": one.missed, "Overlapped": one.overlapped}
        if one.ended is not None:
            data |= {"Ended": one.ended, "Succeeded": one.failure is None}
        if one.failure is not None:
            data["Failure"] = one.failure
        id_, sha256 = digest(RUN, one.kind, at), digest(canonical(data))
        looks.append(Look(id_, ACCOUNT, GLOBAL, RUN, "schedule", one.kind, 1, 1, at, None, sha256))
        held.append(Resource(one.kind, RUN, ACCOUNT, GLOBAL, data, {}, (id_,)))
    return held, looks
