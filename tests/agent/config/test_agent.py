"""The `agent:` section of upheld.yaml."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from agent.config.agent import Agent, Every
from agent.kind import Kind
from checks.document import parse
from checks.target import Target


def test_where_nothing_is_said_all_kinds_have_runs() -> None:
    assert Agent().every.intervals == {
        Kind.SETTINGS: 3600,
        Kind.NETWORK: 3600,
        Kind.TLS_QUICK: 3600,
        Kind.TLS_FULL: 7 * 86400,
        Kind.LOGS: 900,
        Kind.POLICY: 86400,
    }


def test_a_kind_that_is_left_out_has_none() -> None:
    assert Every.model_validate({"logs": "15m", "tls-full": "7d"}).intervals == {Kind.LOGS: 900, Kind.TLS_FULL: 604800}


@pytest.mark.parametrize(
    ("every", "said"),
    [
        ({}, "no run would ever be due"),
        ({"logs": 0}, "leave the line out"),
        ({"logs": "0s"}, "leave the line out"),
        ({"logs": "often"}, "not a duration"),
        ({"log": "1h"}, "Extra inputs"),
        ({"tls_quick": "1h"}, "Extra inputs"),
    ],
)
def test_what_is_no_schedule_is_said(every: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Agent.model_validate({"every": every})


def test_both_kinds_of_runs_about_endpoints_are_about_the_same_target() -> None:
    assert {kind: kind.target for kind in Kind if kind.target is Target.TLS} == dict.fromkeys((Kind.TLS_QUICK, Kind.TLS_FULL), Target.TLS)


def yaml(text: str) -> object:
    return parse(text, "upheld.yaml").data


def ages(text: str, *, scheduled: bool = True) -> dict[str, float]:
    """Hours that looks count, by what they are at."""
    held = Agent.model_validate(yaml(text)).ages(scheduled=scheduled)
    return {str(target): most.total_seconds() / 3600 for target, most in held.by.items() if target is not Target.RUN}


def test_a_look_counts_until_a_second_one_was_due_or_the_longest_run_has_passed() -> None:
    assert ages("{}") == {"settings": 2, "network": 2, "tls": 2, "logs": 1.25, "policy": 48}
    assert ages("{every: {settings: 6h, tls-full: 7d}, run_limit: 2h}") == {
        "settings": 12, "network": 48, "tls": 336, "logs": 48, "policy": 48,
    }  # fmt: skip


def test_a_look_that_nobody_repeats_counts_for_two_days() -> None:
    assert set(ages("{}", scheduled=False).values()) == {48}


def test_how_long_a_look_counts_is_said_for_all_or_for_each_kind() -> None:
    assert set(ages("{ledger: {max_age: 8d}}").values()) == {192}
    told = ages("{ledger: {max_age: {logs: 30m, settings: 1d}}}")
    assert (told["logs"], told["settings"], told["network"]) == (0.5, 24, 2)


def test_what_the_schedule_says_of_itself_counts_no_longer_than_anything_else() -> None:
    assert Agent.model_validate(yaml("{ledger: {max_age: {logs: 30m}}}")).ages(scheduled=True).by[Target.RUN] == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ledger: {max_age: {log: 1h}}}", "log"),
        ("{ledger: {max_age: {logs: soon}}}", "'soon' is not a duration"),
        ("{ledger: {max_age: 0}}", "has to be 1 s at least"),
        ("{ledger: {part: 'a b'}}", "part"),
        ("{ledger: {keep: 0s}}", "has to be 1 s at least"),
    ],
)
def test_what_is_no_age_is_not_taken_for_one(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Agent.model_validate(yaml(text))
