"""What a message says to people: the sentence that was promised first, then what became of it, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from agent.config.notify import Occasion
from agent.publish.notify.events import Event
from checks.rule import SEVERITIES

WORDS: Final = {
    Occasion.BROKEN: "broken",
    Occasion.REPAIRED: "repaired",
    Occasion.ENDED: "no longer there",
    Occasion.EVIDENCE_LOST: "evidence lost",
    Occasion.EXCEPTION_EXPIRING: "exception expires soon",
}


def head(events: Sequence[Event]) -> str:
    """`upheld: 2 broken, 1 repaired`."""
    counts = Counter(event.occasion for event in events)
    return "upheld: " + ", ".join(f"{counts[one]} {WORDS[one]}" for one in Occasion if counts[one])


def ordered(events: Sequence[Event]) -> list[Event]:
    """What somebody should see first comes first."""
    order = list(Occasion)
    return sorted(events, key=lambda event: (order.index(event.occasion), -SEVERITIES.index(event.severity)))


def title(event: Event) -> str:
    return f"{WORDS[event.occasion].upper()}  {event.resource} in {event.account}/{event.region}"


def body(event: Event) -> Iterator[str]:
    """The lines below the title."""
    for promise in event.promises:
        yield f"\u201c{promise.quote}\u201d ({promise.id})" if promise.quote else f"promise {promise.id}"
    yield event.what
    yield f"rule {event.rule}, severity {event.severity}, seen {event.at}"
    if event.remedy and event.occasion in {Occasion.BROKEN, Occasion.EXCEPTION_EXPIRING}:
        yield f"do: {event.remedy}"
    yield f"finding {event.finding}" + (f", counterexample {event.counterexample}" if event.counterexample else "")


def rest(events: Sequence[Event]) -> Iterator[str]:
    """What is counted and not told one by one."""
    counts = Counter((event.occasion, event.rule) for event in events)
    for (occasion, rule), count in counts.items():
        yield f"and {count} more {WORDS[occasion]} under {rule}"
