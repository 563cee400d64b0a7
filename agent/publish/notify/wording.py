"""What a message says to people: the sentence that was promised first, then what became of it, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from agent.config_notify import Kind
from agent.publish.notify.events import Event
from checks.rule import SEVERITIES

WORDS: Final = {
    Kind.BROKEN: "broken",
    Kind.REPAIRED: "repaired",
    Kind.ENDED: "no longer there",
    Kind.EVIDENCE_LOST: "evidence lost",
    Kind.EXCEPTION_EXPIRING: "exception expires soon",
}


def head(events: Sequence[Event]) -> str:
    """`upheld: 2 broken, 1 repaired`."""
    counts = Counter(event.kind for event in events)
    return "upheld: " + ", ".join(f"{counts[kind]} {WORDS[kind]}" for kind in Kind if counts[kind])


def ordered(events: Sequence[Event]) -> list[Event]:
    """What somebody should see first comes first."""
    kinds = list(Kind)
    return sorted(events, key=lambda event: (kinds.index(event.kind), -SEVERITIES.index(event.severity)))


def title(event: Event) -> str:
    return f"{WORDS[event.kind].upper()}  {event.resource} in {event.account}/{event.region}"


def body(event: Event) -> Iterator[str]:
    """The lines below the title."""
    for promise in event.promises:
        yield f"\u201c{promise.quote}\u201d ({promise.id})" if promise.quote else f"promise {promise.id}"
    yield event.what
    yield f"rule {event.rule}, severity {event.severity}, seen {event.at}"
    if event.remedy and event.kind in {Kind.BROKEN, Kind.EXCEPTION_EXPIRING}:
        yield f"do: {event.remedy}"
    yield f"finding {event.finding}" + (f", counterexample {event.counterexample}" if event.counterexample else "")


def rest(events: Sequence[Event]) -> Iterator[str]:
    """What is counted and not told one by one."""
    counts = Counter((event.kind, event.rule) for event in events)
    for (kind, rule), count in counts.items():
        yield f"and {count} more {WORDS[kind]} under {rule}"
