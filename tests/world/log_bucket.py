"""A bucket with log files in an account of its own, so that no other test finds it in the shop's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import boto3

from agent.collect.aws.client import Account, Deadline
from agent.collect.aws.models import session as own_session
from agent.collect.logs.s3 import S3Logs
from tests.world.proxy import FaultProxy
from tests.world.servers import environment, session

ACCOUNT, REGION, NAME = "666677778888", "eu-central-1", "mb-trail"


@dataclass
class LogBucket:
    """Bucket `name`, reached through a proxy. The reader's clients are kept, for making one takes long."""

    proxy: FaultProxy
    own: boto3.Session
    name: str = NAME
    reader: Account | None = None
    clients: dict[str, Any] = field(default_factory=dict)

    def forget(self) -> None:
        """Whatever the reader has learnt of how its calls fared."""
        if self.reader:
            self.reader._patience._standings.clear()

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to act in the bucket's account."""
        given: Any = self.own.get_credentials()
        keys = {"AWS_ACCESS_KEY_ID": given.access_key, "AWS_SECRET_ACCESS_KEY": given.secret_key, "AWS_SESSION_TOKEN": given.token}
        return {**environment(self.proxy.endpoint), **keys}

    def client(self, service: str = "s3") -> Any:
        if service not in self.clients:
            own: Any = self.own
            self.clients[service] = own.client(service, endpoint_url=self.proxy.endpoint, region_name=REGION)
        return self.clients[service]

    def put(self, key: str, raw: bytes = b"x", metadata: Mapping[str, str] | None = None) -> str:
        """Give the object's ETag, without quotes."""
        return str(self.client().put_object(Bucket=self.name, Key=key, Body=raw, Metadata=metadata or {})["ETag"]).strip('"')

    def empty(self) -> None:
        s3 = self.client()
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            for one in page.get("Contents", ()):
                s3.delete_object(Bucket=self.name, Key=one["Key"])

    def account(self) -> Account:
        """Inside `entered()` only."""
        self.reader = self.reader or self.enter()
        return self.reader

    @staticmethod
    def enter(*, attempts: int = 2, monotonic: Callable[[], float] = lambda: 0.0) -> Account:
        return Account(ACCOUNT, own_session(region_name=REGION), Deadline(1e6, monotonic), attempts, lambda: datetime.now(UTC))

    def store(self, prefix: str = "", reader: Account | None = None) -> S3Logs:
        """Inside `entered()` only."""
        return S3Logs(reader or self.account(), REGION, self.name, prefix)

    def entered(self) -> AbstractContextManager[Any]:
        return mock.patch.dict("os.environ", self.environment)

    def asked(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of every call of an operation, in order."""
        return [call.params for call in self.proxy.calls if call.operation == operation]


def make(endpoint: str, proxy: FaultProxy, *more: str) -> LogBucket:
    """The bucket, and more of them, in a moto server."""
    bucket = LogBucket(proxy, session(endpoint, ACCOUNT))
    for name in (NAME, *more):
        bucket.client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return bucket


def names(objects: Iterable[Any]) -> list[str]:
    return [one.name for one in objects]
