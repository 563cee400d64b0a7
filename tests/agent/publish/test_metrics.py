"""How things stand, as Prometheus reads it: parsed again by its own library."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.clock import Clock
from agent.publish import metrics
from agent.publish.metrics import Metrics
from agent.publish.notify.outbox import Waiting
from agent.publish.outputs import targets, write
from agent.publish.result import Result
from agent.run_event import RunEvent
from tests.agent.publish.test_outputs import NO_FILE
from tests.checks.small import BUCKET, DISK, Builder, ask, make_promises, make_rule

QUOTES = make_promises(
    """
promises:
  - {id: at-rest, quote: All customer data is encrypted at rest., controls: [{id: encryption}]}
  - {id: trained, quote: Our staff are trained., unverifiable: Training leaves no trace.}
"""
)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""The time of the small estates."""


class Turned:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = START

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now)


def result(*encrypted: bool | None, promises: bool = True) -> Result:
    builder = Builder().universe(kinds={"Disk": len(encrypted)})
    for one, held in enumerate(encrypted):
        builder.add(DISK, {"DiskId": f"d{one}"} if held is None else {"DiskId": f"d{one}", "Encrypted": held})
    builder.gap(BUCKET)
    rules = [make_rule("resource.Encrypted", control="encryption")]
    return ask(builder.build(), rules, QUOTES if promises else None).result


def samples(text: bytes | str) -> dict[tuple[str, ...], float]:
    """(name, label values in the order of their names) -> value."""
    held = text if isinstance(text, str) else text.decode()
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(held)
        for sample in family.samples
    }


def event(found: Result | None, *, kind: str = "settings", seconds: float = 4, failure: str | None = None) -> RunEvent:
    return RunEvent("1", kind, START, START + timedelta(seconds=seconds), found, failure)


def states(held: dict[tuple[str, ...], float], promise: str) -> list[str]:
    return [key[2] for key, value in held.items() if key[:2] == ("upheld_promise_status", promise) and value]


@pytest.mark.parametrize(("encrypted", "state"), [((True, False), "broken"), ((None, True), "unproven")])
def test_a_promise_is_in_one_of_four_states(encrypted: tuple[bool | None, ...], state: str) -> None:
    held = Metrics(Turned().clock)
    held.ran(event(result(*encrypted)))
    found = samples(held.text())
    assert states(found, "at-rest") == [state]
    assert states(found, "trained") == ["unverifiable"]
    assert sum(key[:2] == ("upheld_promise_status", "at-rest") for key in found) == 4


def test_a_promise_that_nobody_looked_at_for_long_shows_as_unproven() -> None:
    turned = Turned()
    held, found = Metrics(turned.clock), result(True, False)
    found.until = {"at-rest": found.manifest.now + timedelta(hours=2)}
    held.ran(event(found))
    shown = []
    for hours in (0, 2, 2.1, -3):
        turned.now = START + timedelta(hours=hours)
        shown.append(states(samples(held.text()), "at-rest"))
    assert shown == [["broken"], ["broken"], ["unproven"], ["unproven"]]  # the last one after the clock was set back
    assert states(samples(held.text()), "trained") == ["unverifiable"]


def test_a_promise_that_is_withdrawn_is_shown_no_more() -> None:
    held = Metrics(Turned().clock)
    held.ran(event(result(True)))
    held.ran(event(result(True, promises=False)))
    assert [key for key in samples(held.text()) if key[0] == "upheld_promise_status"] == []


def test_findings_and_gaps_are_those_of_the_newest_run_of_each_kind() -> None:
    held = Metrics(Turned().clock)
    held.ran(event(result(False, False, True)))
    held.ran(event(result(False, None), kind="network"))
    held.ran(event(result(False)))
    found = samples(held.text())
    assert found["upheld_findings", "settings", "high", "broken"] == 1
    assert found["upheld_findings", "settings", "high", "upheld"] == 0
    assert found["upheld_findings", "network", "high", "unproven"] == 1
    assert found["upheld_gaps", "settings", "denied"] == 1
    assert found["upheld_gaps", "settings", "throttled"] == 0
    assert found["upheld_findings_accepted", "settings"] == 0


@pytest.mark.parametrize("told", [None, result()], ids=["nothing was recorded", "the failure was recorded"])
def test_a_failed_run_leaves_what_was_seen_as_old_as_it_is(told: Result | None) -> None:
    held = Metrics(Turned().clock)
    held.ran(event(result(False)))
    held.ran(event(told, seconds=9, failure="no credentials"))
    found = samples(held.text())
    assert found["upheld_runs_total", "settings", "succeeded"] == 1
    assert found["upheld_runs_total", "settings", "failed"] == 1
    assert found["upheld_run_duration_seconds", "settings"] == 9
    assert found["upheld_run_last_success_timestamp_seconds", "settings"] == START.timestamp() + 4
    assert found["upheld_evidence_timestamp_seconds", "settings"] == START.timestamp()
    assert found["upheld_findings", "settings", "high", "broken"] == 1


def test_a_failure_that_is_in_the_ledger_is_no_success_and_what_it_makes_of_promises_shows() -> None:
    held = Metrics(Turned().clock)
    held.ran(event(result(False)))
    held.ran(event(result(None, True), kind="network", failure="no credentials"))
    found = samples(held.text())
    assert states(found, "at-rest") == ["unproven"]
    assert found["upheld_runs_total", "network", "failed"] == 1
    assert ("upheld_run_last_success_timestamp_seconds", "network") not in found
    assert ("upheld_findings", "network", "high", "unproven") not in found
    assert held.ailing({"network": 3600}, "whole") == ["network: its newest run failed"]


def test_a_kind_that_only_ever_failed_has_no_success_and_no_evidence() -> None:
    held = Metrics(Turned().clock)
    held.ran(event(None, failure="no credentials"))
    assert {key[0] for key in samples(held.text()) if "settings" in key} == {"upheld_runs_total", "upheld_run_duration_seconds"}


def test_runs_ail_that_fail_or_give_no_verdicts_for_twice_their_interval() -> None:
    turned = Turned()
    held = Metrics(turned.clock)
    every = {"settings": 3600, "network": 7200}

    def after(hours: float) -> list[str]:
        turned.now = START + timedelta(hours=hours)
        return held.ailing(every, "whole")

    assert after(2) == []
    assert after(2.1) == ["settings: no verdicts for twice its interval"]
    held.ran(replace(event(result(True), kind="whole"), finished=turned.now))
    assert after(4) == []
    held.ran(event(None, kind="network", failure="no credentials"))
    assert after(4.2) == ["network: its newest run failed", "settings: no verdicts for twice its interval"]
    held.ran(replace(event(result(True)), finished=turned.now))
    held.ran(replace(event(result(True), kind="network"), finished=turned.now))
    assert after(6) == []
    assert after(9) == ["network: no verdicts for twice its interval", "settings: no verdicts for twice its interval"]


def test_notifications_that_wait_or_are_lost_show() -> None:
    held = Metrics(Turned().clock, waiting=lambda: {"slack-1": Waiting(2, 100, 7, 1), "syslog-2": Waiting(0, None, 0, 0)})
    found = samples(held.text())
    assert found["upheld_notifications_waiting", "slack-1"] == 2
    assert found["upheld_notifications_oldest_timestamp_seconds", "slack-1"] == 100
    assert ("upheld_notifications_oldest_timestamp_seconds", "syslog-2") not in found
    assert (found["upheld_notifications_sent", "slack-1"], found["upheld_notifications_lost", "slack-1"]) == (7, 1)


def test_a_ledger_that_is_away_takes_only_its_own_numbers_with_it() -> None:
    def away() -> dict[str, Waiting]:
        from agent.ledger import LedgerError

        raise LedgerError("away")

    held = Metrics(Turned().clock, waiting=away)
    held.ran(event(result(False)))
    assert ("upheld_runs_total", "settings", "succeeded") in samples(held.text())


def test_a_file_for_node_exporter_has_no_timestamps_and_is_there_whole(tmp_path: Path) -> None:
    file = tmp_path / "upheld.prom"
    write(result(True, False), targets([f"prometheus={file}"], NO_FILE))
    text = file.read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["upheld.prom"]
    assert all(sample.timestamp is None for family in text_string_to_metric_families(text) for sample in family.samples)
    found = samples(text)
    assert states(found, "at-rest") == ["broken"]
    assert found["upheld_findings", "check", "high", "broken"] == 1
    assert found["upheld_run_last_success_timestamp_seconds", "check"] == START.timestamp()


def test_the_same_estate_gives_the_same_file() -> None:
    first, again = ("".join(metrics.chunks(result(True, False))) for _ in range(2))
    assert first == again


def test_a_name_cannot_forge_a_line() -> None:
    held = Metrics(Turned().clock, waiting=lambda: {'x"} 1\nupheld_runs_total 9\n': Waiting(1, 2, 3, 4)})
    assert "\nupheld_runs_total 9" not in held.text().decode()
