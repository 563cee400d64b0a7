"""What somebody is told of, and of what not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from agent.config.notify import Occasion
from agent.publish.notify import events
from agent.publish.notify.events import Event, read
from checks.model import digest
from checks.promise import Acceptance
from tests.agent.publish.notify.told import QUOTE, made, result_of
from tests.ledger.runs import append, begin, gone, record, run


def occasions(told: list[Event]) -> dict[str, str]:
    return {event.resource: str(event.occasion) for event in told}


HISTORIES: dict[str, tuple[list[str], list[str]]] = {
    "stays": (["broken", "broken", "broken"], ["broken", "", ""]),
    "changes": (["broken", "broken:other", "broken:other"], ["broken", "broken", ""]),
    "mended": (["broken", "upheld", "broken"], ["broken", "repaired", "broken"]),
    "unseen": (["upheld", "unproven", "unproven"], ["", "evidence-lost", ""]),
    "unseen and mended": (["broken", "unproven", "upheld"], ["broken", "evidence-lost", "repaired"]),
    "seen": (["unproven", "upheld", "upheld"], ["", "", ""]),
    "removed": (["broken", "", "broken"], ["broken", "ended", "broken"]),
    "unseen and removed": (["broken", "unproven", ""], ["broken", "evidence-lost", "ended"]),
    "upheld and removed": (["upheld", "", "upheld"], ["", "", ""]),
}
"""Of each resource, what three runs found, where they found it; and what is told after each."""


def test_transitions_are_told_and_nothing_else(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    told: dict[str, list[str]] = {name: [] for name in HISTORIES}
    for hour in range(3):
        one = run(hour, {name: found[hour] for name, (found, _) in HISTORIES.items() if found[hour]}, gone)
        seen = occasions(events.events(append(ledger, signer, one), result_of(one), {}))
        for name, held in told.items():
            held.append(seen.get(name, ""))
    assert told == {name: wanted for name, (_, wanted) in HISTORIES.items()}


def test_an_event_says_promise_sentence_what_broke_counterexample_and_remedy(tmp_path: Path) -> None:
    (event,) = made({"vol-a": "broken:c7"}, folder=tmp_path)
    assert [(one.id, one.quote, one.policy) for one in event.promises] == [("at-rest", QUOTE, "security")]
    assert event.what == "EBS volume is encrypted at rest: broken c7."
    assert (event.counterexample, event.remedy, event.finding) == ("c7", "Turn it on.", digest("vol-a"))
    assert (event.before, event.after, event.run, event.at) == (None, "broken", 1, "2026-11-20T00:00:00.000000Z")


def test_an_event_is_the_same_after_a_journey_as_json(tmp_path: Path) -> None:
    for event in made({"a": "broken", "b": "broken"}, folder=tmp_path):
        assert read(json.loads(json.dumps(event.record))) == event


def test_what_a_person_accepts_is_told_to_nobody_until_the_exception_ends(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    seen = []
    for hour, accepted in enumerate(["cto: old (until 2027)", "cto: old (until 2027)", None]):
        from dataclasses import replace

        one = replace(run(hour, {}), findings=lambda held=accepted: iter([record("a", "broken", "c", held)]))
        seen.append(occasions(events.events(append(ledger, signer, one), result_of(one), {})))
    assert seen == [{}, {}, {"a": "broken"}]


@pytest.mark.parametrize(
    ("expires", "accepted", "told"),
    [
        ("2026-11-20", True, True),
        ("2026-12-04", True, True),
        ("2026-12-05", True, False),
        ("2026-11-19", True, False),
        ("2026-11-25", False, False),
    ],
)
def test_an_exception_is_told_of_two_weeks_before_its_end_while_something_needs_it(
    expires: str, accepted: bool, told: bool, tmp_path: Path
) -> None:
    from dataclasses import replace

    held = Acceptance(finding=digest("a"), owner="cto", reason="old", expires=date.fromisoformat(expires), digest="c")
    ledger, signer = begin(tmp_path)
    one = replace(run(0, {}), findings=lambda: iter([record("a", "broken", "c", str(held) if accepted else None)]))
    found = [
        event
        for event in events.events(append(ledger, signer, one), result_of(one), {digest("a"): held})
        if event.occasion is Occasion.EXCEPTION_EXPIRING
    ]
    assert len(found) == told
    for event in found:
        assert event.what.startswith(f"the exception of cto (old) ends on {expires}; from then on this breaks its promise: ")
        assert event.counterexample == "c"


def test_no_name_forges_a_line_or_moves_a_cursor(tmp_path: Path) -> None:
    bad = "x\r\nrepaired  \x1b[31m\u202e\u2028\x00\ud800</script>"
    (event,) = made({bad: "broken"}, folder=tmp_path)
    text = json.dumps(event.record, ensure_ascii=False)
    assert [one for one in "\r\n\x1b\u202e\u2028\x00\ud800" if one in text] == []
    assert event.resource.startswith("x\\r\\nrepaired")


def test_a_text_of_any_length_fits_into_a_message(tmp_path: Path) -> None:
    (event,) = made({"v" * 50_000: "broken"}, folder=tmp_path)
    assert len(event.resource) == 1000
    assert event.resource.endswith("...")
