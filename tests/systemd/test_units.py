"""The units: systemd takes them, and finds little that a service could do with them but its work."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config.agent import Agent

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
LEAST = 12
"""Tenths: the exposure that is admitted. What is left of it is the network, which the agent is there to look at."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def settings(unit: Path) -> dict[str, list[str]]:
    """Each setting of a unit, with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), flags=re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_is_exposed_no_more_than_is_admitted(unit: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={LEAST}", unit)
    assert done.returncode == 0, done.stdout + done.stderr
    assert run("systemd-analyze", "security", "--offline=true", "--threshold=5", unit).returncode != 0


def test_systemd_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    """On copies that begin the installed command: verifying looks whether it is there."""
    command = Path(sys.executable).parent / "upheld"
    copies = []
    for unit in UNITS:
        copies.append(tmp_path / unit.name)
        copies[-1].write_text(unit.read_text(encoding="utf-8").replace("/opt/upheld/bin/upheld", str(command)))
    done = run("systemd-analyze", "verify", *copies)
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, [])


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_can_do_its_work(unit: Path) -> None:
    held = settings(unit)
    assert "MemoryDenyWriteExecute" not in held  # pyOpenSSL's callbacks
    assert held["PrivateMounts"] == ["yes"]
    assert "IPAddressDeny" not in held  # 169.254.169.254 gives out the credentials of an instance's role
    assert "AF_INET6" in held["RestrictAddressFamilies"][0]
    assert held["User"] == ["upheld"]
    assert held["StateDirectory"] == ["upheld"]


def test_the_agent_is_stopped_later_than_it_gives_up_and_started_again_with_patience() -> None:
    held = settings(ROOT / "systemd" / "upheld.service")
    assert int(held["TimeoutStopSec"][0]) > Agent().stop_within
    assert held["Type"] == ["notify"]
    assert "WatchdogSec" in held
    assert "StartLimitBurst" in held


def test_the_timer_starts_the_check() -> None:
    timer = configparser.ConfigParser()
    timer.read(ROOT / "systemd" / "upheld-check.timer")
    assert "Unit" not in timer["Timer"]  # the service of the same name
    assert (ROOT / "systemd" / "upheld-check.service").exists()
    assert timer["Timer"]["Persistent"] == "yes"
