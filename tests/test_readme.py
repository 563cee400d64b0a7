"""Every block of the README is run, and says what the README shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    *collecting, agent = (Settings.model_validate(body) for body in bodies[1:])
    assert [bool(one.collect.azure or one.collect.tls or one.collect.logs) for one in collecting] == [True] * len(collecting)
    assert agent.agent == Settings(schema="upheld.config/1").agent  # what it says is usual


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
