"""`collect.logs`: what a source may say, what is refused with its line, and the permissions that follow from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent import config
from agent.config.logs import LogSource
from tests.agent.commands.test_permissions import access_levels
from tests.agent.test_schemas import CONFIG, problems
from tests.conftest import upheld

S3 = "{bucket: mb-trail, prefix: AWSLogs/}"
TRAIL = f'{{id: trail, format: cloudtrail, s3: {S3}, account: "111122223333"}}'
BLOB = "{account_url: 'https://mblogs.blob.core.windows.net', container: insights-activity-logs, credential: managed-identity}"


def written(folder: Path, *sources: str) -> Path:
    file = folder / "upheld.yaml"
    lines = "".join(f"    - {source}\n" for source in sources)
    file.write_text(f"schema: upheld.config/1\ncollect:\n  logs:\n{lines}")
    return file


def sources(folder: Path, *texts: str) -> list[LogSource]:
    return config.load(str(written(folder, *texts)), {}).settings.collect.logs


def complaint(folder: Path, *texts: str) -> str:
    with pytest.raises(config.ConfigurationError) as caught:
        sources(folder, *texts)
    return str(caught.value).removeprefix(f"{folder}/")


def test_a_source_says_where_its_logs_are_and_of_which_window(tmp_path: Path) -> None:
    trail, edge, web = sources(
        tmp_path,
        TRAIL,
        f"{{id: edge, format: auto, azure_blob: {BLOB}, account: 7b0c2c4e-0000-4000-8000-000000000001, window: 2d, completeness: assume}}",
        "{id: web, format: alb, files: [logs/], account: the office}",
    )
    assert (trail.s3 and trail.s3.bucket, trail.window, trail.verified, trail.completeness) == ("mb-trail", 604800, True, None)
    assert (edge.azure_blob and edge.azure_blob.container, edge.window, edge.verified) == ("insights-activity-logs", 172800, False)
    assert (web.files, web.account, web.completeness) == (["logs/"], "the office", None)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("{id: a, format: cloudtrail, account: x}", "a source has one of files, s3 and azure_blob, and this has none"),
        (f"{{id: a, format: alb, account: x, files: [l], s3: {S3}}}", "and this has files and s3"),
        (f"{{id: a, format: apache, account: x, s3: {S3}}}", "'apache' is not a format that is known here; known are auto, alb,"),
        (f"{{id: a, format: alb, account: 111122223333, s3: {S3}}}", "put the 12 digits of an AWS account in quotation marks"),
        (f"{{id: a, format: alb, account: x, s3: {S3}, window: 0s}}", "a window is longer than nothing"),
        (f"{{id: a, format: alb, account: x, s3: {S3}, window: 7}}", "7 is not a duration"),
        (f"{{id: a, format: alb, account: x, s3: {S3}, digests: true}}", "digests and public_keys are CloudTrail's"),
        (f"{{id: a, format: auto, account: x, s3: {S3}, declared: '$x'}}", "declared is the format of a web server's log"),
        (f"{{id: a, format: alb, account: x, s3: {S3}, completeness: yes}}", "Input should be 'assume'"),
        (f"{{id: A_, format: alb, account: x, s3: {S3}}}", "String should match pattern"),
        ("{id: a, format: alb, account: x, files: []}", "files"),
        ("{id: a, format: alb, account: x, s3: {bucket: 's3://mb'}}", "String should match pattern"),
        ("{id: a, format: alb, account: x, s3: {bucket: mb-alb, role: reader}}", "is not the ARN of a role"),
        ("{id: a, format: alb, account: x, s3: {bucket: mb-alb, region: mars}}", "is not a region"),
        ("{id: a, format: alb, account: x, s3: {bucket: mb-alb, owner: 111122223333}}", "12 digits in quotation marks"),
        ("{id: a, format: alb, account: x, s3: {bucket: mb-alb, queue: upheld-logs}}", "is not the URL of a queue"),
        (f"{{id: a, format: alb, account: x, azure_blob: {BLOB.replace('https', 'http')}}}", "is not a storage account's URL"),
        (f"{{id: a, format: alb, account: x, azure_blob: {BLOB.replace('managed-identity', 'my own')}}}", "Input should be 'managed-identity'"),
    ],
)  # fmt: skip
def test_what_a_source_may_not_say_is_refused_with_its_line(tmp_path: Path, source: str, what: str) -> None:
    said = complaint(tmp_path, TRAIL, source)
    assert said.startswith("upheld.yaml:5: ")
    assert what in said


def test_an_id_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    assert complaint(tmp_path, TRAIL, TRAIL.replace("trail,", "edge,", 1), TRAIL) == "upheld.yaml:6: the source trail stands twice"


def test_the_json_schema_takes_and_refuses_the_same() -> None:
    source: dict[str, Any] = {
        "id": "trail",
        "format": "cloudtrail",
        "account": "111122223333",
        "s3": {"bucket": "mb-trail"},
        "window": "7d",
    }
    assert problems("config", {**CONFIG, "collect": {"logs": [source]}}) == []
    for change in ({"format": "apache"}, {"account": 1}, {"id": "A"}, {"s3": {"bucket": "b", "key": "k"}}, {"surprise": 1}):
        assert problems("config", {**CONFIG, "collect": {"logs": [{**source, **change}]}}) != []


# --- permissions


def policy(folder: Path, what: str, *texts: str) -> Any:
    ended = upheld("permissions", what, "-c", written(folder, *texts))
    assert ended.code == 0, ended.err
    return {statement["Sid"]: statement for statement in ended.report["Statement"]}


def test_reading_logs_is_permitted_in_the_named_buckets_only(tmp_path: Path) -> None:
    other = '{id: alb, format: alb, s3: {bucket: mb-alb, region: eu-central-1}, account: "111122223333"}'
    held = policy(tmp_path, "aws", TRAIL, other)
    assert held["UpheldListsLogs"]["Action"] == ["s3:ListBucket"]
    assert held["UpheldListsLogs"]["Resource"] == ["arn:aws:s3:::mb-alb", "arn:aws:s3:::mb-trail"]
    assert held["UpheldReadsLogs"]["Action"] == ["s3:GetObject"]
    assert held["UpheldReadsLogs"]["Resource"] == ["arn:aws:s3:::mb-alb/*", "arn:aws:s3:::mb-trail/AWSLogs/*"]
    assert held["UpheldDecryptsLogs"]["Condition"] == {
        "StringLike": {"kms:ViaService": ["s3.*.amazonaws.com", "s3.eu-central-1.amazonaws.com"]}
    }
    assert held["UpheldVerifiesTrails"]["Action"] == ["cloudtrail:ListPublicKeys"]
    actions = {action for sid, one in held.items() if sid != "UpheldReadsConfiguration" for action in one["Action"]}
    assert all(access_levels(action) for action in actions)
    assert {action for action in actions if not access_levels(action) <= {"Read", "List"}} == {"kms:Decrypt"}  # it changes nothing
    assert "sqs:ReceiveMessage" not in json.dumps(list(held.values()))


def test_keys_are_not_asked_for_where_they_are_given_or_digests_are_not_verified(tmp_path: Path) -> None:
    for more in ("digests: false", "public_keys: [keys.json]"):
        assert "UpheldVerifiesTrails" not in policy(tmp_path, "aws", TRAIL.replace("account:", f"{more}, account:"))


def test_other_partitions_have_their_own_names(tmp_path: Path) -> None:
    held = policy(tmp_path, "aws", TRAIL.replace("prefix:", "region: cn-north-1, prefix:"))
    assert held["UpheldReadsLogs"]["Resource"] == ["arn:aws-cn:s3:::mb-trail/AWSLogs/*"]
    assert held["UpheldDecryptsLogs"]["Condition"] == {"StringLike": {"kms:ViaService": ["s3.cn-north-1.amazonaws.com*"]}}


def test_without_logs_nothing_of_them_is_permitted(tmp_path: Path) -> None:
    assert set(policy(tmp_path, "aws", "{id: a, format: alb, files: [l], account: x}")) == {"UpheldReadsConfiguration"}


def test_a_queue_has_a_policy_of_its_own(tmp_path: Path) -> None:
    queue = "queue: 'https://sqs.eu-central-1.amazonaws.com/111122223333/upheld-logs'"
    (statement,) = policy(tmp_path, "aws-queue", TRAIL.replace("prefix:", f"{queue}, prefix:")).values()
    assert statement["Action"] == ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    assert statement["Resource"] == ["arn:aws:sqs:eu-central-1:111122223333:upheld-logs"]
    ended = upheld("permissions", "aws-queue", "-c", written(tmp_path, TRAIL))
    assert (ended.code, ended.out) == (2, "")
    assert "names a queue" in ended.err
