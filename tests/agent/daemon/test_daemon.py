"""`upheld agent` as a process: it starts, hears signals, reloads, stops, dies and comes back."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

from agent.daemon.instance_lock import LOCK
from tests.agent.daemon.agents import Agent, agent, manager, settle
from tests.conftest import upheld

CANARY = "canary-6f1e0d"
pytestmark = pytest.mark.enable_socket  # Unix sockets: agents are begun over one, and tell the service manager over one


def numbers(folder: Path) -> list[int]:
    """The runs in the ledger."""
    with sqlite3.connect(folder / "state" / "ledger.db") as ledger:
        return [row[0] for row in ledger.execute("select number from runs order by number")]


def test_it_tells_the_service_manager_runs_each_kind_and_stops_whole(tmp_path: Path) -> None:
    with manager(f"@upheld-{os.getpid()}-{tmp_path.name}") as told, agent(settle(tmp_path), environment=told.environment) as running:
        assert told.hear("READY=1")["STATUS"] == "before the first run"
        running.until("run-ended", kind="whole")
        running.until("run-ended", kind="settings")
        policy = running.until("run-ended", kind="policy")
        assert {"run", "level"} <= policy.keys()
        running.signal(signal.SIGTERM)
        told.hear("STOPPING=1")
        assert running.ended() == 0
        assert running.other == []
    assert running.lines[-1]["event"] == "agent-stopped"
    recorded = [line["ledger_run"] for line in running.lines if line["event"] == "run-ended"]
    assert recorded == numbers(tmp_path) == list(range(1, len(recorded) + 1))
    assert upheld("ledger", "verify", "-c", tmp_path / "upheld.yaml").code == 0


def test_the_watchdog_is_fed_through_a_socket_in_the_file_system(tmp_path: Path) -> None:
    with manager(str(tmp_path / "notify")) as told:
        watched = {**told.environment, "WATCHDOG_USEC": "600000"}
        with agent(settle(tmp_path, every="{policy: 1h}"), environment=watched) as running:
            for _ in range(3):
                told.hear("WATCHDOG=1")
            running.signal(signal.SIGINT)
            assert running.ended() == 130


def test_a_run_is_made_at_once_when_asked_for(tmp_path: Path) -> None:
    with agent(settle(tmp_path, every="{policy: 1h}")) as running:
        running.until("run-ended", kind="whole")
        running.signal(signal.SIGUSR1)
        running.until("run-ended", kind="whole", times=2)


def test_a_good_file_is_gone_by_after_a_reload_and_a_bad_one_is_not(tmp_path: Path) -> None:
    file = settle(tmp_path, every="{policy: 1h}")
    with manager(f"@upheld-{os.getpid()}-{tmp_path.name}") as told, agent(file, environment=told.environment) as running:
        running.until("run-ended", kind="whole")
        good = file.read_text()
        file.write_text(good + "nonsense: yes\n")
        running.signal(signal.SIGHUP)
        refused = running.until("reload-refused")
        assert f"{file}:6: unknown key 'nonsense'" in refused["detail"]
        assert refused["level"] == "error"
        reloading = told.hear("RELOADING=1")
        assert int(reloading["MONOTONIC_USEC"]) > 0
        assert "refused" in told.hear("READY=1")["STATUS"]
        file.write_text(good.replace("policy: 1h", "policy: 1s, settings: 1h").replace("state: state", "state: other"))
        running.signal(signal.SIGHUP)
        assert "restart it" in running.until("reload-refused", times=2)["detail"]
        file.write_text(good.replace("policy: 1h", "policy: 1s"))
        (tmp_path / "security.md").write_text("We changed our mind.")
        running.signal(signal.SIGHUP)
        running.until("reloaded")
        again = running.until("run-ended", kind="whole", times=2)
        assert again["findings"]["broken"] >= 2  # on a busy machine a third: looks that are due every second come late
        running.until("run-ended", kind="policy")


def test_a_published_text_that_changes_shows_without_a_reload(tmp_path: Path) -> None:
    with agent(settle(tmp_path)) as running:
        running.until("run-ended", kind="policy")
        (tmp_path / "security.md").unlink()
        while running.until("run-ended", kind="policy", times=2)["findings"]["unproven"] == 0:
            running.lines.clear()


def test_one_agent_for_a_state_directory_and_the_next_after_it_was_killed(tmp_path: Path) -> None:
    file = settle(tmp_path)
    with agent(file) as first:
        first.until("run-ended", kind="whole")
        with agent(file) as second:
            assert second.ended() == 2
        assert second.other == [f"upheld: an agent is running in {tmp_path / 'state'} already: its process id is {first.process.pid}"]
        first.until("run-begun", times=3)
        first.signal(signal.SIGKILL)
        first.ended()
    with agent(file) as third:
        whole = third.until("run-ended", kind="whole")
        assert whole["ledger_run"] == numbers(tmp_path)[-1]
        third.stop()
    assert upheld("ledger", "verify", "-c", file).code == 0


def test_what_was_missed_while_no_agent_ran_is_a_finding_and_repaired_afterwards(tmp_path: Path) -> None:
    file = settle(tmp_path, every="{policy: 1h, settings: 7d}")
    with agent(file) as running:
        running.until("run-ended", kind="whole")
        running.stop()
    kept = tmp_path / "state" / "agent-runs.json"
    record = json.loads(kept.read_text())
    record["kinds"]["policy"]["begun"] = "2026-01-01T00:00:00+00:00"
    kept.write_text(json.dumps(record))
    with agent(file) as running:
        assert running.until("run-ended", kind="whole")["findings"]["broken"] == 1
        running.signal(signal.SIGUSR1)
        assert running.until("run-ended", kind="whole", times=2)["findings"]["broken"] == 0
    history = upheld("ledger", "history", "-c", file, "--promise", "watched").out
    assert history.startswith("watched  upheld since")
    assert "broken" in history
    assert "unproven" in upheld("check", "-c", file, "--promise", "watched").out.lower()  # a single check shows nothing of the sort


def test_a_run_that_fails_is_a_finding_and_the_agent_goes_on(tmp_path: Path) -> None:
    file = settle(tmp_path, collect="{aws: [], tls: {endpoints: ['127.0.0.1:1'], from_estate: false, private_roots: [roots.pem]}}")
    file.write_text(file.read_text().replace("policy: 1s, settings: 2s", "tls-quick: 1s"))
    with agent(file) as running:
        failed = running.until("run-failed", kind="whole")
        assert "roots.pem" in failed["detail"]
        running.until("run-failed", kind="whole", times=2)
        assert running.stop() == 0
    told = upheld("ledger", "history", "-c", file, "--format", "json")
    assert told.code in {0, 1, 3}
    with sqlite3.connect(tmp_path / "state" / "ledger.db") as ledger:
        rows = dict(ledger.execute("select rule, status from findings").fetchall())
        promised = ledger.execute("select count(*) from promises").fetchone()
    assert rows["run-succeeds"] == "broken"
    assert promised == (0,)  # of promises, nothing is known


@pytest.fixture
def silent() -> int:
    """The port of a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for one in held:
            one.close()


def test_a_run_that_takes_longer_than_its_interval_overlaps_and_shows(tmp_path: Path, silent: int) -> None:
    collect = f"{{aws: [], tls: {{endpoints: ['127.0.0.1:{silent}'], from_estate: false}}}}"
    with agent(settle(tmp_path, every="{tls-quick: 1s, policy: 1h}", collect=collect)) as running:
        assert running.until("run-overlapped")["kind"] == "tls-quick"
        running.until("run-ended", times=2)
        assert running.stop() == 0
    with sqlite3.connect(tmp_path / "state" / "ledger.db") as ledger:
        opened = dict(ledger.execute("select rule, openings from findings where rule = 'run-no-overlap' and openings > 0").fetchall())
    assert opened["run-no-overlap"] >= 1


@pytest.mark.parametrize("stop", ["1s", "20s"])
def test_it_stops_within_its_time_in_the_midst_of_a_run_and_the_ledger_is_whole(tmp_path: Path, silent: int, stop: str) -> None:
    collect = f"{{aws: [], tls: {{endpoints: ['127.0.0.1:{silent}'], from_estate: false}}}}"
    file = settle(tmp_path, every="{tls-quick: 1h}", collect=collect, stop=stop)
    with agent(file) as running:
        running.until("run-begun")
        assert running.stop() == 0
    assert running.lines[-1]["event"] in {"run-given-up", "agent-stopped"}
    assert not any(line["event"] == "run-ended" for line in running.lines)
    assert numbers(tmp_path) == []
    assert upheld("ledger", "verify", "-c", file).code in {0, 3}


def test_it_is_taken_to_hang_where_a_run_does_not_end(tmp_path: Path, silent: int) -> None:
    collect = f"{{aws: [], tls: {{endpoints: ['127.0.0.1:{silent}'], from_estate: false}}}}"
    file = settle(tmp_path, every="{tls-quick: 1h}", collect=collect, more=", run_limit: 1s")
    with manager(str(tmp_path / "notify")) as told, agent(file, environment={**told.environment, "WATCHDOG_USEC": "300000"}) as running:
        told.hear("WATCHDOG=1")
        assert "has been on its way" in running.until("agent-hangs")["detail"]
        running.until("run-ended", kind="whole")
        told.hear("WATCHDOG=1")


def test_a_state_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with agent(settle(tmp_path)) as running:
        assert running.ended() == 2
    assert len(running.other) == 1
    assert "name another with `state`" in running.other[0]


def test_no_line_holds_a_secret(tmp_path: Path) -> None:
    collect = (
        '{aws: [{account: "111122223333", role: "arn:aws:iam::111122223333:role/reader", external_id: {env: SECRET_ID}}], deadline: 1s}'
    )
    file = settle(tmp_path, collect=collect)
    secrets = {
        "SECRET_ID": CANARY, "AWS_ACCESS_KEY_ID": f"AKIA{CANARY}", "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    with agent(file, environment=secrets) as running:
        running.until("run-begun")
        _ended(running)
        running.stop()
    assert CANARY not in json.dumps(running.lines) + "".join(running.other)
    assert all(CANARY.encode() not in held.read_bytes() for held in (tmp_path / "state").rglob("*") if held.is_file() and held.name != LOCK)


def _ended(running: Agent) -> None:
    """A run ended, however it did."""
    while not any(line["event"] in {"run-ended", "run-failed"} for line in running.lines):
        running.until("run-begun", times=sum(line["event"] == "run-begun" for line in running.lines) + 1)
