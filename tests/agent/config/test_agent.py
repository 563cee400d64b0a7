"""The `agent:` section of upheld.yaml."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agent.config.agent import Agent, Every
from agent.kind import Kind
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
