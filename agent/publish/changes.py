"""What changed since the run before, as the ledger saw it: told below a report, and in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agent.publish.printable import printable
from checks.lifecycle import Change

if TYPE_CHECKING:
    from agent.ledger.ledger import Recorded

MOST = 20
_QUIET = frozenset({Change.FOUND, Change.PROVEN, Change.RETURNED})
"""What is counted, and not told one by one."""


def lines(recorded: Recorded) -> Iterator[str]:
    """Which run of the ledger it is, and what changed: counted, and those that somebody should look at by name."""
    counts = Counter(one.change for one, _ in recorded.turns)
    told = ", ".join(f"{counts[change]} {change}" for change in Change if counts[change]) or "nothing changed"
    after = f"since {short(recorded.previous)}: {told}" if recorded.previous else f"its first: {told}"
    again = " (recorded already)" if recorded.again else ""
    yield f"run {recorded.number} of the ledger{again}, {after}"
    if recorded.previous is None:
        return
    loud = [(one, known) for one, known in recorded.turns if one.change not in _QUIET]
    for one, known in loud[:MOST]:
        subject = known.resource
        yield printable(f"  {one.change}  {known.rule}  {subject.id} in {subject.account}/{subject.region}")
        if one.after not in {"broken", "upheld"}:
            yield printable(f"      {one.cause}")
    if len(loud) > MOST:
        yield f"  and {len(loud) - MOST} more: `upheld ledger history --since {short(loud[0][0].at)}`"


def record(recorded: Recorded) -> dict[str, Any]:
    """The same for programs."""
    return {
        "run": recorded.number,
        "previous": recorded.previous,
        "again": recorded.again,
        "head": recorded.head.record,
        "transitions": [
            {"finding": one.id, "before": one.before, "after": one.after, "change": one.change, "cause": one.cause}
            for one, _ in recorded.turns
        ],
    }


def short(moment: str) -> str:
    """A time without its fractions of a second."""
    return moment.partition(".")[0].removesuffix("Z") + "Z"
