"""`upheld doctor` against a real server: who we are, what is missing, whether the clocks agree, and how it ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest

from agent import cli, run
from agent.commands import doctor
from agent.config import Aws, Collect, Configuration, ConfigurationError, Settings
from agent.run import Clock
from checks.promise import Promises
from tests.agent.road import shipped
from tests.conftest import Estate
from tests.world import shop
from tests.world.faults import Fault
from tests.world.servers import ACCOUNT

OTHER = "444455556666"
RULES = ("aws-ebs-volume-encrypted", "aws-s3-bucket-denies-plain-http", "aws-sqs-queue-encrypted")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def aws(world: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estate]:
    """The shop, this process' environment pointing at it; whatever is written for the time being goes to its own folder."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "UPHELD_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with mock.patch.dict(os.environ, world.environment):
        yield world


def examine(capsys: pytest.CaptureFixture[str], *accounts: Aws) -> tuple[int, dict[str, list[str]], str]:
    """The exit code, what stands behind each word at the beginning of a line, and the last line."""
    settings = Settings(schema="upheld.config/1", collect=Collect(deadline="60s", **({"aws": list(accounts)} if accounts else {})))
    known = {name: shipped().rules[name] for name in RULES}
    inputs = run.Inputs(Configuration(settings, None), replace(shipped(), rules=known), shop_promises(), {}, {})
    code = doctor.examine(inputs, Clock(now=lambda: NOW))
    lines = capsys.readouterr().out.splitlines()
    said: dict[str, list[str]] = {}
    for line in lines[:-1]:
        said.setdefault(line[:15].strip(), []).append(line[15:])
    return code, said, lines[-1]


def shop_promises() -> Promises:
    return Promises.model_validate({"schema": "upheld.promises/1", "promises": []})


def test_where_everything_answers_it_is_ready(aws: Estate, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said, last = examine(capsys, Aws(account=ACCOUNT, regions=[shop.HOME]))
    assert (code, last) == (0, "ready")
    assert said["identity"][0].startswith(f"{ACCOUNT}: arn:aws:")
    assert said["regions"] == [f"1: {shop.HOME}"]
    assert said["endpoint"] == [aws.proxy.endpoint]
    assert said["promises"] == [f"none: all {len(RULES)} rules"]
    assert said["clock"] == ["2026-11-20T12:00:00+00:00: within 5 minutes of AWS's, or it would have been refused"]
    answered, _, needed = said["permissions"][0].removesuffix(" actions answered").partition(" of ")
    assert int(answered) == int(needed) >= len(RULES) + 2
    assert "gap" not in said
    assert list(tmp_path.iterdir()) == []


def test_every_enabled_region_is_read_where_none_is_named(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = examine(capsys)
    assert (code, said["regions"]) == (0, [f"2: {shop.HOME}, {shop.SECOND}"])
    assert said["configuration"] == ["none: defaults, the account of the credentials, every enabled region"]


def test_a_permission_that_is_missing_is_named(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    aws.proxy.inject(Fault("s3", "GetBucketPolicy", "deny"), Fault("ec2", "DescribeVolumes", "deny"))
    code, said, last = examine(capsys, Aws(account=ACCOUNT, regions=[shop.HOME]))
    assert code == 3
    assert last.endswith("gaps: what they hide will be unproven")
    told = said["permissions"][0]
    assert told.endswith(
        "; 1 not tried, for want of anything to ask about or of an answer before; add ec2:DescribeVolumes, s3:GetBucketPolicy"
    )
    answered, _, needed = told.partition(" actions")[0].partition(" of ")
    assert int(needed) - int(answered) == 3, "both, and kms:DescribeKey, as no volume names a key"


def test_what_nobody_could_ask_is_not_said_to_answer(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    aws.proxy.inject(Fault("s3", "ListBuckets", "deny"))
    code, said, _ = examine(capsys, Aws(account=ACCOUNT, regions=[shop.HOME]))
    assert code == 3
    assert "; 1 not tried, for want of anything to ask about or of an answer before; add s3:ListAllMyBuckets" in said["permissions"][0]


def test_a_clock_that_aws_refuses_is_told(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    aws.proxy.inject(Fault("sqs", "ListQueues", "skewed"))
    code, said, _ = examine(capsys, Aws(account=ACCOUNT, regions=[shop.HOME]))
    assert code == 3
    assert said["clock"] == ["2026-11-20T12:00:00+00:00: AWS refuses this machine's time: set the clock"]
    assert "clock-skew" in said["gap"][0]


def test_a_clock_that_keeps_everything_shut_is_told(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    aws.proxy.inject(Fault("sts", "GetCallerIdentity", "skewed"))
    code, said, _ = examine(capsys, Aws(account=ACCOUNT, regions=[shop.HOME]))
    assert code == 3
    assert said["clock"][0].endswith("AWS refuses this machine's time: set the clock")
    assert said["identity"][0].startswith(f"{ACCOUNT}: cannot be entered: clock-skew")


def test_another_gap_than_a_permission_has_a_line_of_its_own(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    aws.proxy.inject(Fault("ec2", "DescribeVolumes", "html_200"))
    code, said, last = examine(capsys, Aws(account=ACCOUNT, regions=[shop.HOME]))
    assert (code, last) == (3, "1 gaps: what they hide will be unproven")
    assert said["gap"][0].startswith(f"aws.ec2.volume in {ACCOUNT}/{shop.HOME}: malformed")
    assert "add" not in said["permissions"][0]


def test_regions_that_cannot_be_told_are_not_counted(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    aws.proxy.inject(Fault("ec2", "DescribeRegions", "deny"))
    code, said, _ = examine(capsys, Aws(account=ACCOUNT))
    assert (code, said["regions"]) == (3, ["which are enabled could not be told"])
    assert "ec2:DescribeRegions" in said["permissions"][0].partition("add ")[2]


def test_an_account_that_cannot_be_entered_is_told_beside_one_that_can(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    aws.proxy.inject(Fault("sts", "AssumeRole", "deny"))
    other = Aws(account=OTHER, role=f"arn:aws:iam::{OTHER}:role/upheld-reader", regions=[shop.HOME])
    code, said, _ = examine(capsys, Aws(account=ACCOUNT, regions=[shop.HOME]), other)
    assert code == 3
    assert said["identity"][0].startswith(f"{ACCOUNT}: arn:aws:")
    assert said["identity"][1].startswith(f"{OTHER}: cannot be entered: denied AccessDenied")
    alone = examine(capsys, other)[1]
    assert alone["clock"][0].endswith("not compared, for nothing was answered")
    assert alone["permissions"][0].startswith("0 of ")


def test_credentials_of_another_account_are_one_clear_line(aws: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match=f"says account {OTHER}, but these credentials .* are of account {ACCOUNT}"):
        examine(capsys, Aws(account=OTHER))


def test_the_command_asks_for_no_more_than_the_promises_need(aws: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "upheld.yaml").write_text(
        f'schema: upheld.config/1\npromises: [promises.yaml]\ncollect: {{aws: [{{account: "{ACCOUNT}", regions: [{shop.HOME}]}}]}}\n'
    )
    (tmp_path / "promises.yaml").write_text(
        "schema: upheld.promises/1\npromises: [{id: mfa, quote: Everyone has a second factor., controls: [{id: mfa}]}]\n"
    )
    aws.proxy.answer("organizations", "ListAccounts", {"Accounts": []})
    aws.proxy.answer("config", "GetDiscoveredResourceCounts", {"totalDiscoveredResources": 0, "resourceCounts": []})
    assert cli.main(["doctor", "-c", str(tmp_path / "upheld.yaml")]) == 0
    said = capsys.readouterr().out
    mfa = [rule for rule in shipped().rules.values() if rule.file.control == "mfa"]
    assert f"configuration  {tmp_path / 'upheld.yaml'}\n" in said
    assert f"promises       1, judged by {len(mfa)} rules\n" in said
    assert "DescribeVolumes" not in {call.operation for call in aws.proxy.calls}
    assert {"ListAccounts", "GetDiscoveredResourceCounts"} <= {call.operation for call in aws.proxy.calls}
