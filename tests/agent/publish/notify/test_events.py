"""What somebody is told of, and of what not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from agent.config.notify import Occasion
from agent.publish.notify import events
from agent.publish.notify.events import Event, read
from checks.model import Gap, Reason, digest
from checks.promise import Acceptance
from checks.telling import is_settling, of_gap
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


CHANGING = "Not decided: this resource is changing (RunInstances at 2026-11-20T00:00:00Z, and no read is known to show what it did)."
DENIED = "Not decided: this resource was not seen (denied: this resource is changing (; needs ec2:DescribeVolumes)."


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ([(0.02, "upheld", "")], [""]),
        ([(0.02, "broken", "")], ["broken"]),
        ([(0.02, "unproven", CHANGING), (0.1, "upheld", "")], ["", ""]),
        ([(0.1, "unproven", CHANGING), (0.2, "unproven", CHANGING), (0.3, "unproven", CHANGING)], ["", "evidence-lost", "again"]),
        ([(0.02, "unproven", DENIED), (0.1, "unproven", DENIED)], ["evidence-lost", ""]),
        ([], []),
    ],
)
def test_what_was_changed_just_now_is_told_of_when_it_is_decided_or_is_not_for_long(
    tmp_path: Path, then: list[tuple[float, str, str]], told: list[str]
) -> None:
    ledger, signer = begin(tmp_path)
    known: set[str] = set()
    seen = []
    for hour, verdict, explanation in [(-1, "upheld", ""), (0, "unproven", CHANGING), *then]:
        held = record("vol-a", verdict, "c" if verdict == "broken" else "")
        fresh = [record("vol-new", "unproven" if hour >= 0 else "upheld")] if hour >= 0 else []
        for new in fresh:
            new["explanation"] = explanation or DENIED
        one = replace(
            run(hour, {}), findings=lambda found=[{**held, "explanation": explanation or held["explanation"]}, *fresh]: iter(found)
        )
        made = events.events(append(ledger, signer, one), result_of(one), {})
        seen.append(", ".join("again" if event.id in known else str(event.occasion) for event in made))
        known |= {event.id for event in made}
    assert seen == ["", "", *told]


def test_nothing_that_a_cloud_says_looks_like_a_change() -> None:
    gap = Gap("aws.ec2.volume", "1", "r", "vol-a", None, Reason.DENIED, "", "this resource is changing (", "is changing (")
    assert not is_settling(f"Not decided: {of_gap(gap)}.")
    for id_ in ("vol-a", None):
        assert is_settling(f"Not decided: {of_gap(replace(gap, id=id_, reason=Reason.CHANGING))}.")


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
