"""Where reports go: several at once, each whole or not at all, and nothing that is no file replaced."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from agent.config import Configuration, ConfigurationError, Output, Settings
from agent.publish.outputs import Target, targets, write
from agent.publish.result import Findings, Result
from tests.checks.small import DISK, Builder, ask, make_rule

NO_FILE = Configuration(Settings(schema="upheld.config/1"), None)


@pytest.fixture(scope="module")
def result() -> Result:
    builder = Builder()
    builder.add(DISK, {"DiskId": "Z\u00fcrich \u65e5", "Encrypted": False})
    return ask(builder.build(), [make_rule("resource.Encrypted")]).result


@pytest.fixture
def broken_off(result: Result) -> Result:
    """A result whose findings cannot be read to their end."""
    findings = Findings()
    findings._spool.write("".join(json.dumps(record) + "\n" for record in result.findings.records()) + '{"id": ')
    return replace(result, findings=findings)


def test_every_format_goes_to_its_own_place(tmp_path: Path, result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    found = targets([f"json={tmp_path / 'f.json'}", "text", f"ocsf={tmp_path / 'f.ocsf'}"], NO_FILE)
    write(result, found)
    assert json.loads((tmp_path / "f.json").read_text())["schema"] == "upheld.findings/1"
    assert json.loads((tmp_path / "f.ocsf").read_text())[0]["class_uid"] == 2003
    assert capsys.readouterr().out.startswith("upheld: ")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["f.json", "f.ocsf"]


def test_text_in_a_file_has_no_colour(tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    write(result, targets([f"text={tmp_path / 'f.txt'}"], NO_FILE))
    said = (tmp_path / "f.txt").read_text(encoding="utf-8")
    assert "\x1b" not in said
    assert "Z\u00fcrich \u65e5" in said


def test_the_configuration_names_outputs_and_text_stays_on_stdout(tmp_path: Path) -> None:
    outputs = [Output(format="json", file="f.json")]
    configuration = Configuration(Settings(schema="upheld.config/1", output=outputs), tmp_path / "upheld.yaml")
    assert targets([], configuration) == [Target("json", tmp_path / "f.json"), Target("text", None)]
    assert targets(["ocsf"], configuration) == [Target("ocsf", None)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["xml"], "there is no format 'xml'; there is text, json, ocsf, prometheus, sarif, junit"),
        (["text", "json"], "two formats on stdout"),
        (["json=nowhere/f.json"], "there is no folder nowhere"),
        (["json=."], "a folder, where a file is to be written"),
        (["json=f", "ocsf=./f"], "two formats in one file"),
    ],
)
def test_an_output_that_cannot_be_is_told_before_anything_is_done(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=said):
        targets(options, NO_FILE)


@pytest.mark.parametrize("format_", ["json", "ocsf"])
def test_a_report_that_breaks_off_leaves_the_old_file(tmp_path: Path, broken_off: Result, format_: str) -> None:
    file = tmp_path / "findings.json"
    file.write_text("the old one")
    with pytest.raises(ValueError, match="Expecting value"):
        write(broken_off, [Target(format_, file)])
    assert file.read_text() == "the old one"
    assert [one.name for one in tmp_path.iterdir()] == ["findings.json"]


def test_a_report_that_breaks_off_leaves_no_new_file(tmp_path: Path, broken_off: Result) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        write(broken_off, [Target("json", tmp_path / "findings.json")])
    assert list(tmp_path.iterdir()) == []


def test_a_reader_never_sees_half_a_report(tmp_path: Path, result: Result) -> None:
    file, ended = tmp_path / "findings.json", threading.Event()
    write(result, [Target("json", file)])
    seen: list[str] = []

    def watch() -> None:
        while not ended.is_set():
            seen.append(file.read_text())

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        for _ in range(30):
            write(result, [Target("json", file)])
    finally:
        ended.set()
        reader.join()
    assert {json.loads(text)["schema"] for text in seen} == {"upheld.findings/1"}


def test_a_new_file_is_as_open_as_the_umask_leaves_it_and_an_old_one_stays_as_it_is(tmp_path: Path, result: Result) -> None:
    mask = os.umask(0o027)
    try:
        write(result, [Target("json", tmp_path / "new")])
        (tmp_path / "old").write_text("")
        (tmp_path / "old").chmod(0o600)
        write(result, [Target("json", tmp_path / "old")])
    finally:
        os.umask(mask)
    assert ((tmp_path / "new").stat().st_mode & 0o777, (tmp_path / "old").stat().st_mode & 0o777) == (0o640, 0o600)


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path, result: Result) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/findings.json")
    write(result, [Target("json", tmp_path / "link")])
    assert (tmp_path / "link").is_symlink()
    assert [one.name for one in (tmp_path / "there").iterdir()] == ["findings.json"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path, result: Result) -> None:
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write(result, [Target("json", pipe)])
    reader.join()
    assert pipe.is_fifo()
    assert json.loads(read[0])["schema"] == "upheld.findings/1"


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, result: Result) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written: File name too long"):
        write(result, [Target("json", tmp_path / ("x" * 300))])


def test_a_terminal_without_quotation_marks_gets_escapes(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    write(result, [Target("text", None)])
    plain.seek(0)
    assert "Z\\xfcrich \\u65e5" in plain.read()
