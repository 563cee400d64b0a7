"""Every block of the README is run, and says what the README shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from checks.document import parse

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- not run: (?P<why>[^>]+) -->\n)?```(?P<kind>\w*)\n(?P<body>.*?)```", re.DOTALL)
BLOCKS = list(BLOCK.finditer((ROOT / "README.md").read_text(encoding="utf-8")))
ANSWERS = {0, 1, 3}


def sessions() -> list[str]:
    return [block["body"] for block in BLOCKS if block["kind"] == "console" and not block["why"]]


def turns(body: str) -> list[tuple[str, str]]:
    """Each command of a console block, with what it is said to print."""
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def pattern(expected: str) -> str:
    """A line of three dots stands for any lines."""
    pieces = [re.escape(piece) for piece in re.split(r"^\.\.\.\n", expected, flags=re.MULTILINE)]
    return r"(?:.*\n)*?".join(pieces)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


@pytest.mark.parametrize("body", sessions(), ids=lambda body: turns(body)[0][0].split(" ", 2)[1])
def test_a_console_block_says_what_is_printed(place: Path, body: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command, expected in turns(body):
        assert command.split(" ", 1)[0] in {"upheld", "sed"}
        done = subprocess.run(
            shlex.split(command), cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode in ANSWERS, done.stderr
        assert re.fullmatch(pattern(expected), done.stdout), done.stdout if len(done.stdout) < 4000 else done.stdout[:4000]


def test_yaml_blocks_are_what_they_say() -> None:
    from agent.config import Settings
    from checks.promise import Promises

    bodies = [parse(block["body"], "README.md").data for block in BLOCKS if block["kind"] == "yaml"]
    assert [body["schema"] for body in bodies] == ["upheld.promises/1", *["upheld.config/1"] * (len(bodies) - 1)]
    assert Promises.model_validate(bodies[0]).promises
    *collecting, agent, changing, told = (Settings.model_validate(body) for body in bodies[1:])
    assert [bool(one.collect.azure or one.collect.tls or one.collect.logs) for one in collecting] == [True] * len(collecting)
    assert agent.agent == Settings(schema="upheld.config/1").agent  # what it says is usual
    assert [one.sqs is None for one in changing.agent.changes] == [False, True]
    assert len(told.agent.notify) == 5


def programs() -> dict[str, Any]:
    """What the blocks of Python define."""
    named: dict[str, Any] = {}
    for block in BLOCKS:
        if block["kind"] == "python":
            exec(block["body"], named)
    return named


@pytest.mark.parametrize("runs", [1, 2, 5, 8, 11])
def test_a_proof_is_verified_by_the_program_that_the_readme_has_for_it_and_a_forged_one_is_not(tmp_path: Path, runs: int) -> None:
    from agent.ledger import export
    from tests.ledger.runs import append, begin, run

    ledger, signer = begin(tmp_path)
    for hour in range(runs):
        append(ledger, signer, run(hour, {"vol-a": "upheld"}))
    pem, proven = (tmp_path / "signing-key.pub.pem").read_bytes(), programs()["proven"]
    for number in range(1, runs + 1):
        with ledger.database.reading() as connection:
            proof = json.loads(json.dumps(export.inclusion(connection, number)))
        assert proven(proof, pem)
        record, path = proof["record"], proof["path"]
        for forged in (
            {"record": {**record, "verdict": "broken"}}, {"record": {**record, "number": number + 1}}, {"path": [*path, "00" * 32]},
            {"record": {**record, "ledger": "another"}}, *([{"path": path[:-1]}] if path else []),
        ):  # fmt: skip
            assert not proven({**proof, **forged}, pem)
        with pytest.raises(InvalidSignature):
            proven({**proof, "head": {**proof["head"], "size": runs + 1}}, pem)


def test_a_receiver_as_the_readme_has_it_takes_what_is_signed_and_nothing_else() -> None:
    from agent.publish.notify import webhook
    from agent.publish.notify.outbox import Message

    named = programs()
    headers = webhook.headers(Message(1, "f" * 32, 0, 1, ()), b"{}", b"a key", 1000)
    assert named["genuine"](headers, b"{}", b"a key", 1000 + webhook.TOLERANCE)
    assert not named["genuine"](headers, b"{} ", b"a key", 1000)
    assert not named["genuine"](headers, b"{}", b"another", 1000)
    assert not named["genuine"](headers, b"{}", b"a key", 1001 + webhook.TOLERANCE)


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    commands = next(block["body"] for block in BLOCKS if block["kind"] == "")
    targets = re.findall(r"^make (\w+)", commands, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets == ["demo", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)


def test_only_blocks_that_need_a_cloud_are_not_run() -> None:
    assert {block["why"] for block in BLOCKS if block["why"]} == {
        "needs AWS credentials",
        "needs Azure",
        "needs the internet",
        "needs systemd",
    }
