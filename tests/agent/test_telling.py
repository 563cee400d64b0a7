"""From the command to those who are told: a recorded check, and the agent with its metrics."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.agent.publish.notify.receivers import hook
from tests.agent.publish.notify.told import SECRET
from tests.conftest import upheld

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "marktbruecke"


def test_a_recorded_check_tells_what_it_found_once(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder)
    with hook() as receiver:
        file = folder / "upheld.yaml"
        file.write_text(
            f"{file.read_text()}\nstate: state\nagent: {{notify: [{{webhook: '{receiver.url}', secret: {{env: HOOK}}, transitions: [broken]}}]}}\n"
        )
        command = ("check", "-c", file, "--estate", folder / "estate", "--max-age", "0", "--record", "--format", "json")
        ended = upheld(*command, env={"HOOK": SECRET})
        first = len(receiver.requests)
        assert upheld(*command, env={"HOOK": SECRET}).code == ended.code == 1
        assert upheld(*command).err.count("the environment variable HOOK is not set") == 1
    told = {event["finding"] for request in receiver.requests for event in json.loads(request.body)["data"]["events"]}
    broken = {one["id"] for one in ended.report["findings"] if one["verdict"] == "broken" and "accepted" not in one}
    assert told == broken
    assert len(receiver.requests) == first == -(-len(broken) // 25)


def test_a_receiver_that_is_away_changes_no_answer(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder)
    file = folder / "upheld.yaml"
    file.write_text(f"{file.read_text()}\nstate: state\nagent: {{notify: [{{syslog: 'tcp://127.0.0.1:1'}}]}}\n")
    ended = upheld("check", "-c", file, "--estate", folder / "estate", "--max-age", "0", "--record", "--format", "json")
    assert ended.code == 1
    assert ended.report["schema"] == "upheld.findings/1"


@pytest.mark.enable_socket
def test_the_agent_tells_of_its_runs_and_can_be_watched(tmp_path: Path) -> None:
    (tmp_path / "promises.yaml").write_text(
        "schema: upheld.promises/1\npolicies: [{id: security, title: Security, file: security.md}]\npromises:\n"
        "  - {id: moving, policy: security, quote: All is encrypted on its way., controls: [{id: tls-strength}]}\n"
    )
    (tmp_path / "security.md").write_text("All is encrypted on its way.\n")
    with hook() as receiver:
        (tmp_path / "upheld.yaml").write_text(
            "schema: upheld.config/1\nstate: state\npromises: [promises.yaml]\ncollect: {aws: []}\n"
            f"agent: {{splay: 0, every: {{policy: 1h}}, metrics: '127.0.0.1:0', notify: [{{slack: '{receiver.url}'}}]}}\n"
        )
        kept = {name: held for name, held in os.environ.items() if not name.startswith(("AWS_", "UPHELD_"))}
        command = [sys.executable, "-m", "agent.cli", "agent", "-c", str(tmp_path / "upheld.yaml")]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=kept) as process:
            try:
                watched(process, tmp_path / "security.md")
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            assert "agent-stopped" in process.stderr.read()
    assert process.returncode == 0
    assert "“All is encrypted on its way.” (moving)" in json.loads(receiver.requests[0].body)["blocks"][1]["text"]["text"]


def watched(process: subprocess.Popen[str], policy: Path) -> None:
    """Wait for a run, take the sentence out of the policy, ask for another run, and wait until that was told."""
    assert process.stderr is not None
    port = 0
    for line in process.stderr:
        held = json.loads(line)
        match held["event"]:
            case "agent-ready":
                port = int(held["metrics"].rpartition(":")[2])
            case "run-ended" if policy.read_text():
                policy.write_text("")
                process.send_signal(signal.SIGUSR1)
            case "notified":
                break
    for page, wanted in (("metrics", 'upheld_promise_status{promise="moving",upheld_promise_status="unproven"} 1.0'), ("healthz", "ok")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as answer:
            assert wanted in answer.read().decode()
