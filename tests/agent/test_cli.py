"""The command line: what ends with which exit code, and what a person reads when a file is wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import upheld
from tests.world.servers import environment

CONFIG = "schema: upheld.config/1\n"
PROMISE = """schema: upheld.promises/1
promises:
  - id: at-rest
    quote: Everything is encrypted.
    controls: [{id: encryption-at-rest}]
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("schema: upheld.config/1\nregion: eu\n", "upheld.yaml:2: unknown key 'region'"),
        ("schema: upheld.config/1\ncollect: {aws: [{account: 111122223333}]}\n", "upheld.yaml:2: collect.aws.0.account: an AWS account id"),
        ("schema: upheld.config/1\ncollect: {deadline: soon}\n", "upheld.yaml:2: collect.deadline: 'soon' is not a duration"),
        ("schema: upheld.config/1\ncollect: {aws: [{account: '111122223333', regions: [mars]}]}\n", "regions is `enabled` or a list"),
        ("schema: upheld.config/9\n", "upheld.yaml:1: schema"),
        ("a: &x 1\nb: *x\n", "upheld.yaml:1: anchors and aliases are not allowed"),
        ("schema: [\n", "upheld.yaml:2:"),
        ("schema: upheld.config/1\nschema: upheld.config/1\n", "upheld.yaml:2: the key 'schema' stands twice"),
        ("schema: upheld.config/1\npromises: [nowhere.yaml]\n", "nowhere.yaml: cannot be read: No such file"),
        ("schema: upheld.config/1\nrules: [nowhere/]\n", "there is no such folder of rules"),
        ("schema: upheld.config/1\nexceptions: nowhere.yaml\n", "nowhere.yaml: cannot be read"),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    write(tmp_path, upheld=text)
    ended = upheld("check", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("upheld: ")
    assert line in ended.err
    assert ended.err.count("\n") == 1


def test_fifty_megabytes_of_yaml_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "upheld.yaml").write_text("schema: upheld.config/1\n" + "# padding\n" * 5_500_000)
    ended = upheld("check", cwd=tmp_path)
    assert ended.code == 2
    assert "larger than 5 MB" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--promise", "nothing"], "there is no promise 'nothing'; there is at-rest"),
        (["check", "--format", "xml"], "there is no format 'xml'"),
        (["check", "--format", "json", "--format", "text"], "two formats on stdout"),
        (["check", "--format", "json=nowhere/x.json"], "there is no folder nowhere"),
        (["check", "--max-age", "soon"], "'soon' is not a duration"),
        (["check", "--max-age", "loggs=2h"], "--max-age: 'loggs' is no kind of facts: it is settings, network, tls, logs"),
        (["check", "--max-age", "logs=2"], "'2' is not a duration"),
        (["check", "--fail-on", "new"], "--fail-on new needs --baseline"),
        (["check", "--baseline", "upheld.yaml"], "not a JSON report"),
        (["check", "--estate", "nowhere"], "nowhere is not an estate"),
        (["rules", "show", "nothing"], "there is no rule 'nothing'"),
        (["diff", "nowhere", "neither"], "nowhere is not an estate"),
    ],
)
def test_a_wrong_option_is_one_clear_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    write(tmp_path, upheld=CONFIG + "promises: [promises.yaml]\n", promises=PROMISE)
    ended = upheld(*arguments, cwd=tmp_path)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_without_credentials_nothing_is_asked(tmp_path: Path) -> None:
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    ended = upheld("check", "--all-rules", cwd=tmp_path, env=nothing)
    assert ended.code == 2
    assert "Unable to locate credentials; set AWS_PROFILE" in ended.err


def test_an_escape_sequence_in_a_file_reaches_no_terminal(tmp_path: Path) -> None:
    write(tmp_path, upheld='schema: upheld.config/1\n"\\e[2Jgone": 1\n')
    ended = upheld("check", cwd=tmp_path)
    assert ended.code == 2
    assert "\x1b" not in ended.err
    assert "\\x1b[2Jgone" in ended.err


def test_a_rule_of_ones_own_may_not_bear_a_shipped_id(tmp_path: Path) -> None:
    shown = upheld("rules", "show", "aws-ebs-volume-encrypted")
    assert shown.code == 0
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.yaml").write_text(shown.out)
    write(tmp_path, upheld=CONFIG + "rules: [own/]\n")
    ended = upheld("check", cwd=tmp_path)
    assert ended.code == 2
    assert "mine.yaml:1: the rule 'aws-ebs-volume-encrypted' stands in" in ended.err


def test_rules_are_listed_one_a_line_when_piped() -> None:
    listed = upheld("rules", "list").out.splitlines()
    assert len(listed) >= 60
    assert "aws-ebs-volume-encrypted" in listed
    assert listed == sorted(listed)


def test_functions_are_listed_with_what_they_do() -> None:
    out = upheld("rules", "functions").out
    assert "policy_denies_plain_http(policy: string|map, actions: string) -> bool" in out
    assert "lookup(type: string, id: string)" in out


def test_help_and_version_need_no_configuration() -> None:
    assert upheld("--help").code == 0
    assert upheld("--version").out.startswith("upheld 0.")
    assert upheld().code == 2


def test_a_folder_named_like_one_of_ours_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "__init__.py").write_text("raise SystemExit('imported from the current folder')")
    installed = Path(sys.executable).parent / "upheld"
    done = subprocess.run([installed, "rules", "list"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_ends_at_once_with_130(tmp_path: Path) -> None:
    (tmp_path / "upheld.yaml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        process = subprocess.Popen(
            [Path(sys.executable).parent / "upheld", "check", "--all-rules"],
            cwd=tmp_path,
            env={**os.environ, **environment(f"http://127.0.0.1:{port}")},
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
        connection.close()
    assert process.returncode == 130
    assert "Traceback" not in err
