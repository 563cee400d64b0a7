"""`upheld import sigma`: what is written, what is left and why, and that the written rules judge logs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import upheld

STOPPED: dict[str, Any] = {
    "title": "Trail Stopped",
    "id": "0f6f0f53-53b9-4e45-bb46-5a9a8f2a7c10",
    "description": "Somebody stopped\n  a trail.",
    "author": "A. N. Author",
    "date": "2026-01-31",
    "references": ["https://rules.example/trail"],
    "tags": ["attack.defense-evasion", "attack.t1562.008"],
    "logsource": {"product": "aws", "service": "cloudtrail"},
    "detection": {"s": {"eventSource": "cloudtrail.amazonaws.com", "eventName": ["StopLogging", "DeleteTrail"]}, "condition": "s"},
    "falsepositives": ["A trail that is replaced.", "Unknown"],
    "level": "high",
}


def put(folder: Path, name: str, text: str | None = None, **changes: Any) -> Path:
    """A file with a Sigma rule, or with any text."""
    file = folder / "sigma" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({**STOPPED, **changes}, sort_keys=False) if text is None else text)
    return file


def import_sigma(folder: Path, *more: str | Path, control: str = "audit-logging"):
    return upheld("import", "sigma", folder / "sigma", "-o", folder / "ours", "--control", control, *more)


def test_a_rule_is_written_with_who_wrote_it_and_examples_that_hold(tmp_path: Path) -> None:
    put(tmp_path, "trail.yml")
    ended = import_sigma(tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{tmp_path}/ours: 1 of 1 imported (1 over log.cloudtrail)\n"
    (file,) = (tmp_path / "ours").iterdir()
    written = yaml.safe_load(file.read_text())
    assert (file.name, written["id"]) == ("sigma-trail-stopped.yaml", "sigma-trail-stopped")
    assert (written["control"], written["severity"], written["rows"]) == ("audit-logging", "high", "log.cloudtrail")
    assert written["title"] == "Not in the log: Trail Stopped (Sigma rule by A. N. Author)"
    assert written["references"] == [{"framework": "sigma", "id": STOPPED["id"]}, {"framework": "mitre-attack", "id": "T1562.008"}]
    for told in ("Trail Stopped", STOPPED["id"], "A. N. Author", "2026-01-31", "https://rules.example/trail", "Detection Rule License 1.1"):
        assert told in written["source"]
    assert written["rationale"] == "Somebody stopped a trail."
    assert "harmless: A trail that is replaced." in written["remedy"]
    assert set(written["ignores"]) == {"retention_days"}
    assert written["examples"]["broken"] == [{"event_name": "StopLogging", "event_source": "cloudtrail.amazonaws.com"}]
    tested = upheld("rules", "test", tmp_path / "ours")
    assert (tested.code, tested.out.endswith(" 0 failures\n")) == (0, True)


@pytest.mark.parametrize("level", ["informational", "low", "medium", "high", "critical"])
def test_a_level_is_a_severity(tmp_path: Path, level: str) -> None:
    put(tmp_path, "trail.yml", level=level)
    assert import_sigma(tmp_path).code == 0
    assert f"severity: {level}\n" in (tmp_path / "ours/sigma-trail-stopped.yaml").read_text()


def test_a_licence_that_a_rule_names_is_the_one_that_is_told(tmp_path: Path) -> None:
    put(tmp_path, "trail.yml", license="CC0-1.0", author=None, level=None)
    assert import_sigma(tmp_path).code == 0
    written = yaml.safe_load((tmp_path / "ours/sigma-trail-stopped.yaml").read_text())
    assert "under CC0-1.0" in written["source"]
    assert "Detection Rule License" not in written["source"]
    assert "an author it does not name" in written["title"]
    assert written["severity"] == "medium"


def test_what_is_not_imported_is_listed_with_its_line_and_reason(tmp_path: Path) -> None:
    put(tmp_path, "a.yml")
    put(
        tmp_path,
        "b.yml",
        detection={"s": {"eventName": "RunTask"}, "t": {"requestParameters.command|contains": "x"}, "condition": "s and t"},
    )
    put(tmp_path, "c/c.yaml", detection={"words": ["DeleteTrail"], "condition": "words"}, title="Keywords")
    put(tmp_path, "d.yml", CORRELATION)
    put(tmp_path, "e.yml", title="Trail  stopped!")
    put(tmp_path, "f.yml", "title: [")
    put(tmp_path, "g.yml", "settings: {}\n")
    put(tmp_path, "h.yml", title="Broken", detection={"s": {"eventName|re": "a(?=b)"}, "condition": "s"})
    put(tmp_path, "i.yml", title="Odd", id=["a"])
    put(tmp_path, "notes.txt", "no rule at all")
    ended = import_sigma(tmp_path)
    assert (ended.code, ended.err) == (3, "")
    first, *rest = ended.out.splitlines()
    assert first == f"{tmp_path}/ours: 1 of 9 imported (1 over log.cloudtrail)"
    told = [line.removeprefix(f"  not imported: {tmp_path}/sigma/") for line in rest]
    assert told[0].startswith("b.yml:18: Trail Stopped: requestParameters.command stands in no column of log.cloudtrail")
    assert told[1].startswith("c/c.yaml:14: Keywords: keywords are searched for in the whole record")
    assert told[2].startswith("d.yml:2: Many: a correlation is about several rules")
    assert told[3].startswith("e.yml: sigma-trail-stopped: another of these rules has the same title")
    assert told[4].startswith("f.yml:2: ")
    assert told[5] == "g.yml: no Sigma rule: it has no `detection`"
    assert told[6].startswith("h.yml:14: Broken: pySigma does not take it")
    assert told[7].startswith("i.yml:15: Odd: pySigma does not take it")
    assert len(told) == 8


CORRELATION = "title: Many\ncorrelation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 3}}\n"


def test_nothing_readable_is_a_usage_error(tmp_path: Path) -> None:
    put(tmp_path, "notes.yml", "settings: {}\n")
    ended = import_sigma(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "no Sigma rule in" in ended.err
    assert not (tmp_path / "ours").exists()


def test_rules_that_are_all_left_are_told_and_none_is_written(tmp_path: Path) -> None:
    put(tmp_path, "a.yml", logsource={"product": "windows", "category": "process_creation"})
    ended = import_sigma(tmp_path)
    assert ended.code == 3
    assert "0 of 1 imported\n" in ended.out
    assert "it is about windows/process_creation" in ended.out
    assert list((tmp_path / "ours").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sigma", "absent.yml", "-o", "out", "--control", "mfa"], "there is no such file or folder of Sigma rules"),
        (["sigma", "sigma", "-o", "out"], "--control names what the rules are to decide"),
        (["sigma", "sigma", "-o", "out", "--control", "nothing"], "--control names what the rules are to decide, one of access-control"),
        (["sigma", "sigma", "-o", "sigma", "--control", "mfa"], "sigma is there already"),
        (["sigma", "sigma", "-o", "out", "--control", "mfa", "--account", "111122223333"], "about the files of an estate"),
        (["aws-cli", "sigma", "sigma", "-o", "out"], "aws-cli takes one folder"),
        (["az-cli", "sigma", "-o", "out", "--control", "mfa"], "az-cli takes one folder, and no --control"),
    ],
)
def test_what_is_asked_wrongly_is_one_clear_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    put(tmp_path, "a.yml")
    ended = upheld("import", *arguments, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_pysigma_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.yml")
    monkeypatch.setitem(sys.modules, "sigma.rule", None)
    ended = import_sigma(tmp_path)
    assert ended.code == 2
    assert "pip install 'upheld[sigma]'" in ended.err


def test_the_written_rules_judge_a_log(tmp_path: Path) -> None:
    put(tmp_path, "trail.yml")
    put(
        tmp_path,
        "quiet.yml",
        title="Quiet",
        detection={"s": {"eventName": "PutBucketAcl", "eventSource": "s3.amazonaws.com"}, "condition": "s"},
    )
    assert import_sigma(tmp_path).code == 0
    at = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    record = {"eventTime": at, "eventSource": "cloudtrail.amazonaws.com"}
    held = [
        {**record, "eventName": "StopLogging", "recipientAccountId": "111122223333"},
        {**record, "eventName": "StartLogging", "recipientAccountId": "222233334444"},
        {**record, "recipientAccountId": "333344445555"},
    ]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.json").write_text(json.dumps({"Records": held}))
    source = {
        "id": "trail", "format": "cloudtrail", "account": "111122223333", "files": ["logs"],
        "window": "6h", "completeness": "assume", "digests": False,
    }  # fmt: skip
    configuration = {"schema": "upheld.config/1", "rules": ["ours"], "collect": {"aws": [], "logs": [source]}}
    (tmp_path / "upheld.yaml").write_text(json.dumps(configuration))
    report = upheld("check", "-c", tmp_path / "upheld.yaml", "--all-rules", "--max-age", "0", "--format", "json").report
    found = {(one["rule"], one["resource"]["id"]): one["verdict"] for one in report["findings"] if one["rule"].startswith("sigma-")}
    assert found == {
        ("sigma-trail-stopped", "trail/111122223333"): "broken",
        ("sigma-trail-stopped", "trail/333344445555"): "unproven",
        ("sigma-trail-stopped", "trail"): "upheld",  # what the other accounts did
        ("sigma-quiet", "trail"): "upheld",
    }
