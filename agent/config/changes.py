"""`agent.changes` of upheld.yaml: the queues of one's own that are told of changes, and whose identity reads them."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from agent.config.logs import QueueUrl, Region, Role, queue_arn, role_account
from agent.config.values import Secret, Strict


def _storage_queue(value: str) -> str:
    split = urlsplit(value)
    path = split.path.strip("/")
    if split.scheme == "https" and split.hostname and path and not split.query and "/" not in path:
        return value.rstrip("/")
    raise ValueError(
        f"{value!r} is not the URL of a storage queue, https://NAME.queue.core.windows.net/QUEUE, without a signature behind it"
    )


class SqsChanges(Strict):
    """A queue of SQS that rules of EventBridge put changes into."""

    queue: QueueUrl
    region: Region | None = None
    """Where the queue is, if its URL does not tell."""
    role: Role | None = None
    external_id: Secret | str | None = None

    @property
    def arn(self) -> str:
        arn = queue_arn(self.queue)
        return arn.replace(":*:", f":{self.region}:", 1) if self.region else arn

    @property
    def place(self) -> str | None:
        """The region that the queue is in, as far as is known."""
        region = self.arn.split(":")[3]
        return None if region == "*" else region

    @property
    def role_account(self) -> str | None:
        return role_account(self.role)


class StorageChanges(Strict):
    """A queue of a storage account that Event Grid puts changes into."""

    queue: Annotated[str, AfterValidator(_storage_queue)]
    credential: Literal["managed-identity", "workload-identity", "service-principal", "cli"]


class Changes(Strict):
    """One queue: exactly one of `sqs` and `storage_queue`."""

    sqs: SqsChanges | None = None
    storage_queue: StorageChanges | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        named = [name for name in ("sqs", "storage_queue") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"a queue of changes is one of sqs and storage_queue, and this is {' and '.join(named) or 'none'}")
        return self

    @property
    def url(self) -> str:
        one = self.sqs or self.storage_queue
        assert one is not None
        return one.queue


def once(changes: list[Changes]) -> list[Changes]:
    """Raises ValueError where a queue stands twice: each of its messages would come to only one of both."""
    urls = [one.url for one in changes]
    if again := next((url for index, url in enumerate(urls) if url in urls[:index]), None):
        raise ValueError(f"the queue {again} stands twice")
    return changes
