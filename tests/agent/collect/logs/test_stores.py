"""Opening a source: which credentials read it, and that nothing is read with another account's."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent import config
from agent.collect.aws.client import Deadline
from agent.collect.aws.models import confine, loader
from agent.collect.logs.files import LocalFiles
from agent.collect.logs.objects import LogStore, Unlisted
from agent.collect.logs.s3 import S3Logs
from agent.collect.logs.stores import open_store
from checks.model import Reason
from tests.agent.road import shipped
from tests.world.faults import Fault
from tests.world.log_bucket import ACCOUNT, LogBucket, names

ROLE = "arn:aws:iam::777788889999:role/log-reader"
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


def opened(folder: Path, place: str, *, account: str = ACCOUNT, aws: str = "") -> LogStore:
    file = folder / "upheld.yaml"
    file.write_text(
        f'schema: upheld.config/1\ncollect:\n  aws: [{aws}]\n  logs: [{{id: logs, format: auto, {place}, account: "{account}"}}]\n'
    )
    configuration = config.load(str(file), {})
    return open_store(configuration.settings.collect.logs[0], configuration, Deadline(math.inf), lambda: datetime.now(UTC))


def roles(bucket: LogBucket) -> list[Any]:
    return [params["RoleArn"] for params in bucket.asked("AssumeRole")]


def test_files_are_beside_the_configuration(tmp_path: Path) -> None:
    assert opened(tmp_path, "files: [logs, /var/log]") == LocalFiles((tmp_path / "logs", Path("/var/log")))


def test_a_bucket_is_read_with_ones_own_credentials_where_nothing_else_is_said(bucket: LogBucket, tmp_path: Path) -> None:
    bucket.put("a/x.log")
    store = opened(tmp_path, "s3: {bucket: mb-trail, prefix: a/}")
    assert names(store.objects(None, NOW)) == ["s3://mb-trail/a/x.log"]
    assert roles(bucket) == []
    assert "DescribeRegions" not in {call.operation for call in bucket.proxy.calls}


def test_a_bucket_is_read_in_the_role_that_it_names(bucket: LogBucket, tmp_path: Path) -> None:
    store = opened(tmp_path, f"s3: {{bucket: mb-trail, region: eu-west-1, role: '{ROLE}', external_id: x1}}")
    assert isinstance(store, S3Logs)
    assert (store.account.id, store.region) == ("777788889999", "eu-west-1")
    (asked,) = bucket.asked("AssumeRole")
    assert asked["ExternalId"] == "x1"


def test_a_bucket_is_read_in_the_role_that_reads_its_account(bucket: LogBucket, tmp_path: Path) -> None:
    aws = f'{{account: "777788889999", role: "{ROLE}"}}'
    store = opened(tmp_path, "s3: {bucket: mb-trail}", account="777788889999", aws=aws)
    assert isinstance(store, S3Logs)
    assert store.account.id == "777788889999"
    assert roles(bucket) == [ROLE]


def test_credentials_of_another_account_than_the_configured_one_read_nothing(bucket: LogBucket, tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match=f"says account 777788889999, but .* are of account {ACCOUNT}"):
        opened(tmp_path, "s3: {bucket: mb-trail}", account="777788889999", aws='{account: "777788889999"}')
    assert bucket.asked("ListObjectsV2") == []


def test_a_role_that_cannot_be_entered_is_a_gap(bucket: LogBucket, tmp_path: Path) -> None:
    bucket.proxy.inject(Fault("sts", "AssumeRole", "deny"))
    with pytest.raises(Unlisted) as caught:
        opened(tmp_path, f"s3: {{bucket: mb-trail, role: '{ROLE}'}}")
    assert (caught.value.failure.reason, caught.value.action) == (Reason.DENIED, "sts:AssumeRole")


def test_a_secret_that_is_not_there_is_a_mistake_of_the_configuration(bucket: LogBucket, tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match="the source logs: the environment variable NOT_SET is not set"):
        opened(tmp_path, f"s3: {{bucket: mb-trail, role: '{ROLE}', external_id: {{env: NOT_SET}}}}")


def test_a_container_is_opened_with_the_identity_that_is_named(tmp_path: Path) -> None:
    place = "azure_blob: {account_url: 'https://mblogs.blob.core.windows.net', container: logs-a, prefix: x/, credential: cli}"
    assert opened(tmp_path, place).name == "https://mblogs.blob.core.windows.net/logs-a/x/"


def test_what_reads_logs_can_call_nothing_that_changes_anything_but_its_own_queue() -> None:
    confine(shipped().catalogue)
    calls = loader().operations
    assert {"ListObjectsV2", "GetObject", "HeadObject"} <= calls["s3"]
    assert "ListPublicKeys" in calls["cloudtrail"]
    assert {"ReceiveMessage", "DeleteMessage"} <= calls["sqs"]
    changing = ("Put", "Delete", "Create", "Restore", "Send", "Purge", "Stop", "Start", "Update", "Set")
    assert {call for service in ("s3", "sqs", "cloudtrail") for call in calls[service] if call.startswith(changing)} == {
        "CreateSession",  # botocore's own, for directory buckets
        "DeleteMessage",
    }
