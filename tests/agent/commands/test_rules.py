"""`upheld rules`: the list, one rule as it is written, examples run, helpers explained."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.commands import rules as rule_commands
from agent.config import ConfigurationError
from checks.document import DocumentError
from checks.functions import FUNCTIONS
from tests.agent.road import shipped

NAME = "aws-ebs-volume-encrypted"


@pytest.fixture(scope="module")
def written() -> str:
    """A shipped rule's file."""
    return Path(shipped().rules[NAME].document.file).read_text(encoding="utf-8")


def test_the_list_is_one_a_line_when_piped_and_told_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rule_commands.run("list", None) == 0
    assert capsys.readouterr().out.splitlines() == sorted([*shipped().rules, *shipped().log_rules])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert rule_commands.run("list", None) == 0
    assert f"{NAME}\n    EBS volume is encrypted at rest  [encryption-at-rest, high, aws.ec2.volume]\n" in capsys.readouterr().out


def test_a_rule_is_shown_as_it_is_written(capsys: pytest.CaptureFixture[str], written: str) -> None:
    assert rule_commands.run("show", NAME) == 0
    assert capsys.readouterr().out == written


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, "there is no rule None; see `upheld rules list`"),
        ("nothing", "there is no rule 'nothing'; see `upheld rules list`"),
        ("aws-ebs-volume", "there is no rule 'aws-ebs-volume'; aws-ebs-volume-customer-managed-key, aws-ebs-volume-encrypted"),
    ],
)
def test_a_rule_that_is_not_there_is_one_clear_line_with_what_is_alike(name: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        rule_commands.run("show", name)


def test_a_rule_of_ones_own_is_tested_beside_the_shipped_ones(capsys: pytest.CaptureFixture[str], tmp_path: Path, written: str) -> None:
    (tmp_path / "mine.yaml").write_text(written.replace(NAME, "my-volumes"))
    assert rule_commands.run("test", str(tmp_path)) == 0
    examples = shipped().rules[NAME].file.examples
    count = sum(map(len, (examples.upheld, examples.broken, examples.unproven, examples.excluded)))
    assert capsys.readouterr().out == f"1 rules, {count} examples, 0 failures\n"


def test_an_example_that_comes_out_otherwise_is_told_with_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, written: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(written.replace("  broken:\n", "  broken:\n    - {Encrypted: true, VolumeId: '\\x1b[2J'}\n"))
    assert rule_commands.run("test", str(file)) == 1
    said = capsys.readouterr().out
    line = file.read_text().splitlines().index("    - {Encrypted: true, VolumeId: '\\x1b[2J'}") + 1
    assert f"{file}:{line}: example broken[0] came out upheld: EBS volume is encrypted at rest." in said
    assert said.endswith(" 1 failures\n")


def test_a_hole_that_a_mutant_shows_is_a_failure(capsys: pytest.CaptureFixture[str], tmp_path: Path, written: str) -> None:
    (tmp_path / "mine.yaml").write_text(written.replace("resource.Encrypted\n", "(resource.Encrypted || resource.State == 'in-use')\n")
                                        .replace("    - {Encrypted: true}\n", "    - {Encrypted: true, State: in-use}\n"))  # fmt: skip
    assert rule_commands.run("test", str(tmp_path / "mine.yaml")) == 1
    assert "stays upheld with Encrypted changed (delete)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("resource.Encrypted\n", "has(resource.Encrypted)\n", "upheld_if: has"),
        ("resource.Encrypted\n", "resource.Encryptid\n", "Encryptid"),
        ("severity: high", "severity: fatal", "severity"),
        ("control: encryption-at-rest", "control: nothing", "there is no control 'nothing'"),
    ],
)
def test_a_rule_that_may_not_judge_does_not_load(tmp_path: Path, written: str, old: str, new: str, said: str) -> None:
    assert old in written
    (tmp_path / "mine.yaml").write_text(written.replace(old, new, 1))
    with pytest.raises(DocumentError, match=rf"mine\.yaml:\d+: .*{said}"):
        rule_commands.run("test", str(tmp_path / "mine.yaml"))


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="nowhere: there is no such folder of rules"):
        rule_commands.run("test", str(tmp_path / "nowhere"))


def test_every_helper_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert rule_commands.run("functions", None) == 0
    said = capsys.readouterr().out
    for function in FUNCTIONS.values():
        assert f"{function.signature}\n    {function.documentation}\n" in said
    assert "every(type: string) -> list" in said
