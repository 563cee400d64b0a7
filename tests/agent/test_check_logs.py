"""`upheld check` with log sources: promises that only logs can show, from the configuration to the exit code."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ended, upheld
from tests.logs.cluster import QUICK
from tests.world.trails import HOUR, Trail, key_list

PROMISES = """
schema: upheld.promises/1
promises:
  - {id: mfa, quote: Every login to the console uses a second factor., controls: [{id: mfa}]}
  - {id: pii, quote: Our log files hold no personal data., controls: [{id: log-pii-free}]}
  - {id: complete, quote: All actions are logged., controls: [{id: log-completeness}]}
"""
MAILBOX = "jane.doe@customer.example"


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A trail of eight hours up to now, and a configuration that reads it."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    trail = Trail(tmp_path / "trail", now=now - 8 * HOUR).hours(8)
    (tmp_path / "keys.json").write_text(json.dumps(key_list(0, start=now - 48 * HOUR, end=now + 48 * HOUR)))
    (tmp_path / "promises.yaml").write_text(PROMISES)
    configure(tmp_path)
    assert trail.delivered
    return tmp_path


def configure(office: Path, **more: Any) -> None:
    source = {
        "id": "trail", "format": "cloudtrail", "account": "111122223333", "window": "6h", "files": ["trail"],
        "public_keys": ["keys.json"], **more,
    }  # fmt: skip
    logs = {"aws": [], "logs": [source]}
    text = {"schema": "upheld.config/1", "state": "state", "promises": ["promises.yaml"], "collect": logs}
    (office / "upheld.yaml").write_text(json.dumps(text))


def check(office: Path, *options: str) -> Ended:
    return upheld("check", "-c", office / "upheld.yaml", "--format", "json", *options)


def add(office: Path, *records: dict[str, Any], ago: timedelta = timedelta(hours=4)) -> None:
    """Log files that no digest names, with records of some hours ago."""
    at = datetime.now(UTC) - ago
    folder = office / "trail/AWSLogs/111122223333/CloudTrail/eu-central-1" / at.strftime("%Y/%m/%d")
    folder.mkdir(parents=True, exist_ok=True)
    held = [{"eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": "signin.amazonaws.com", **record} for record in records]
    name = f"111122223333_CloudTrail_eu-central-1_{at.strftime('%Y%m%dT%H%MZ')}_added0123456789.json.gz"
    (folder / name).write_bytes(gzip.compress(json.dumps({"Records": held}).encode()))


def login(mfa: str) -> dict[str, Any]:
    return {
        "eventName": "ConsoleLogin", "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/eve"},
        "additionalEventData": {"MFAUsed": mfa}, "responseElements": {"ConsoleLogin": "Success"}, "eventType": "AwsConsoleSignIn",
    }  # fmt: skip


def verdicts(ended: Ended) -> dict[str, str]:
    return {promise["id"]: promise["verdict"] for promise in ended.report["promises"]}


def findings(ended: Ended, rule: str) -> list[dict[str, Any]]:
    return [one for one in ended.report["findings"] if one["rule"] == rule]


def test_a_login_without_a_second_factor_breaks_the_promise_and_is_shown(office: Path) -> None:
    add(office, login("No"))
    ended = check(office)
    assert ended.code == 1
    assert verdicts(ended)["mfa"] == "broken"
    (found,) = [one for one in findings(ended, "log-console-login-mfa") if one["verdict"] == "broken"]
    assert found["resource"]["id"].startswith("trail/arn:aws:iam::111122223333:user/eve")
    assert found["evidence"]["values"]["rows"] == 1
    assert "1 of 1 row with principal arn:aws:iam::111122223333:user/eve" in found["explanation"]


def test_free_text_with_a_mailbox_breaks_the_promise_and_the_mailbox_is_nowhere(office: Path) -> None:
    assert findings(check(office), "log-source-no-personal-data")[0]["verdict"] == "upheld"
    add(office, {"eventName": "GetObject", "userAgent": f"reader/1 ({MAILBOX})"})
    ended = check(office)
    (found,) = findings(ended, "log-source-no-personal-data")
    assert (found["verdict"], verdicts(ended)["pii"]) == ("broken", "broken")
    assert found["evidence"]["values"]["Personal.Told"][0].startswith("email in user_agent of 1 row, first in line 1 of ")
    assert MAILBOX not in ended.out + ended.err
    assert b"jane" not in b"".join(path.read_bytes() for path in (office / "state").rglob("*") if path.is_file())


def test_regions_that_nobody_knows_leave_completeness_unproven(office: Path) -> None:
    (found,) = findings(check(office), "log-source-complete")
    assert found["verdict"] == "unproven"
    assert "which regions the account uses is not known" in found["explanation"]


def test_a_file_that_was_altered_breaks_completeness(office: Path) -> None:
    path = sorted((office / "trail").rglob("CloudTrail/**/*.json.gz"))[-8]
    path.write_bytes(gzip.compress(b'{"Records": []}'))
    (found,) = findings(check(office), "log-source-complete")
    assert found["verdict"] == "broken"


def test_the_second_run_says_the_same(office: Path) -> None:
    add(office, login("No"))
    first, second = check(office), check(office)
    assert [one["id"] for one in first.report["findings"]] == [one["id"] for one in second.report["findings"]]
    assert (office / "state/logs.db").stat().st_mode & 0o777 == 0o600


def test_a_sealed_estate_gives_the_same_findings_again(office: Path, tmp_path: Path) -> None:
    add(office, login("No"), {"eventName": "GetObject", "userAgent": f"reader/1 ({MAILBOX})"})
    assert upheld("collect", "-c", office / "upheld.yaml", "-o", tmp_path / "estate").code == 0
    once, again = (check(office, "--estate", str(tmp_path / "estate")) for _ in range(2))
    assert once.out == again.out
    assert verdicts(once)["mfa"] == "broken"


def test_a_folder_that_cannot_be_read_is_unproven_and_not_empty(office: Path) -> None:
    configure(office, files=["nowhere"])
    ended = check(office)
    assert ended.code == 3
    assert set(verdicts(ended).values()) == {"unproven"}
    assert any(gap["type"] == "log.source" for gap in ended.report["gaps"])


def test_a_cluster_of_spark_counts_what_this_machine_counts(office: Path) -> None:
    add(office, login("No"))
    here = check(office, "--promise", "mfa")
    configure(office, engine={"spark": "local[1]", "host": "127.0.0.1"})
    command = [Path(sys.executable).parent / "upheld", "check", "-c", office / "upheld.yaml", "--promise", "mfa", "--format", "json"]
    quick = {**os.environ, "JAVA_TOOL_OPTIONS": QUICK}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=quick)  # a process has one session of Spark
    there = Ended(done.returncode, done.stdout, done.stderr)
    assert [gap["message"] for gap in there.report["gaps"]] == []
    assert told(there) == told(here)
    assert "broken" in {verdict for _, _, verdict in told(there)}
    assert list((office / "state/rows/trail").glob("*.parquet"))


def test_a_cluster_that_is_not_there_leaves_rules_over_rows_unproven_and_says_so(office: Path) -> None:
    add(office, login("No"))
    configure(office, engine={"spark": "spark://127.0.0.1:9"})
    ended = check(office)
    assert {one["verdict"] for one in findings(ended, "log-console-login-mfa")} == {"unproven"}
    assert any("its rows were not counted" in gap.get("message", "") for gap in ended.report["gaps"])


def told(ended: Ended) -> set[tuple[str, str, str]]:
    return {(one["rule"], one["resource"]["id"], one["verdict"]) for one in ended.report["findings"]}


@pytest.mark.parametrize(
    ("control", "params", "what"),
    [
        ("management-access", {"sources": ["the office"]}, "not an IP address or CIDR: 'the office'"),
        ("access-control", {"authorised": ["ana", 7]}, "params.authorised holds 7, which is no string"),
        ("retention", {"retention_days": 10**30}, "which is over 64 bits"),
    ],
)
def test_a_parameter_that_no_rule_over_rows_can_use_is_one_clear_line(
    office: Path, control: str, params: dict[str, Any], what: str
) -> None:
    promise = {"id": "p", "quote": "We promise.", "controls": [{"id": control, "params": params}]}
    (office / "promises.yaml").write_text(json.dumps({"schema": "upheld.promises/1", "promises": [promise]}))
    ended = check(office)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("upheld: promise p: log-")
    assert what in ended.err
