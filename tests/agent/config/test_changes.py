"""`agent.changes`: which queues there are, and what their own permissions are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent import config
from agent.config import ConfigurationError
from tests.conftest import upheld

SQS = "{sqs: {queue: 'https://sqs.eu-central-1.amazonaws.com/111122223333/changes'}}"
LOCAL = "{sqs: {queue: 'http://127.0.0.1:5000/111122223333/changes', region: eu-west-1}}"
STORAGE = "{storage_queue: {queue: 'https://mb.queue.core.windows.net/changes', credential: managed-identity}}"


def written(folder: Path, changes: str) -> Path:
    file = folder / "upheld.yaml"
    file.write_text(f"schema: upheld.config/1\nagent:\n  changes: [{changes}]\n")
    return file


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("{}", "one of sqs and storage_queue, and this is none"),
        (f"{SQS[:-1]}, {STORAGE[1:]}", "sqs and storage_queue"),
        (f"{SQS}, {SQS}", "stands twice"),
        ("{sqs: {queue: 'arn:aws:sqs:eu-central-1:111122223333:changes'}}", "is not the URL of a queue"),
        ("{sqs: {queue: 'https://sqs.eu-central-1.amazonaws.com/111122223333/changes', role: admin}}", "is not the ARN of a role"),
        ("{storage_queue: {queue: 'http://mb.queue.core.windows.net/changes', credential: cli}}", "not the URL of a storage queue"),
        ("{storage_queue: {queue: 'https://mb.queue.core.windows.net/changes?sig=1', credential: cli}}", "without a signature"),
        ("{storage_queue: {queue: 'https://mb.queue.core.windows.net', credential: cli}}", "not the URL of a storage queue"),
        ("{storage_queue: {queue: 'https://mb.queue.core.windows.net/changes'}}", "credential"),
        ("{kafka: {}}", "unknown key 'agent.changes.0.kafka'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, changes: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as error:
        config.load(str(written(tmp_path, changes)), {})
    assert "upheld.yaml:3" in str(error.value)


def test_queues_have_a_policy_of_their_own(tmp_path: Path) -> None:
    ended = upheld("permissions", "aws-queue", "-c", written(tmp_path, f"{SQS}, {LOCAL}, {STORAGE}"))
    (statement,) = json.loads(ended.out)["Statement"]
    assert statement["Action"] == ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    assert statement["Resource"] == ["arn:aws:sqs:eu-central-1:111122223333:changes", "arn:aws:sqs:eu-west-1:111122223333:changes"]
    role = json.loads(upheld("permissions", "azure-queue", "-c", written(tmp_path, STORAGE)).out)
    assert role["Actions"] == []
    assert role["DataActions"] == ["Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action"]
    assert "mb.queue.core.windows.net/changes" in role["Description"]
    for provider in ("aws", "azure"):
        assert "queue" not in upheld("permissions", provider, "-c", written(tmp_path, f"{SQS}, {STORAGE}")).out.lower().replace(
            "sqs:getqueue", ""
        ).replace("sqs:listqueue", "")


@pytest.mark.parametrize(("provider", "changes"), [("aws-queue", STORAGE), ("azure-queue", SQS)])
def test_without_a_queue_there_is_nothing_to_permit(tmp_path: Path, provider: str, changes: str) -> None:
    ended = upheld("permissions", provider, "-c", written(tmp_path, changes))
    assert ended.code == 2
    assert "nothing to permit" in ended.err
