"""What the service manager is told, and that nobody has to listen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.daemon.service_manager import ServiceManager
from tests.agent.daemon.agents import manager


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({"WATCHDOG_USEC": "2000000"}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(environment: dict[str, str], watchdog: float | None) -> None:
    assert ServiceManager.of(environment) == ServiceManager(None, watchdog)


@pytest.mark.enable_socket  # Unix sockets
@pytest.mark.parametrize("abstract", [True, False])
def test_all_of_a_message_is_in_one_datagram(tmp_path: Path, abstract: bool) -> None:
    address = f"@upheld-{os.getpid()}-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with manager(address) as told:
        ServiceManager.of(told.environment).reloading(12.5)
        assert told.hear("RELOADING=1") == {"RELOADING": "1", "MONOTONIC_USEC": "12500000"}


@pytest.mark.enable_socket  # Unix sockets
def test_a_manager_that_does_not_hear_stops_nobody(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "nobody")).tell("READY=1")
    with manager(str(tmp_path / "deaf")) as told:
        for _ in range(600):  # more than its queue holds
            ServiceManager(told.address).tell("WATCHDOG=1")
    ServiceManager().tell("READY=1")
