"""Opening what the configuration, or a command line, says logs are in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from agent.collect.aws.accounts import Admitted, AwsTarget, Shut, admit
from agent.collect.aws.client import Deadline, WrongAccount
from agent.collect.logs.files import LocalFiles
from agent.collect.logs.objects import LogStore, Unlisted
from agent.collect.logs.s3 import S3Logs
from agent.config import Configuration, ConfigurationError
from agent.config.logs import LogSource, S3Place
from agent.config.values import plain

ATTEMPTS: Final = 4
CONNECTIONS: Final = 32
_S3: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


def open_store(source: LogSource, configuration: Configuration, deadline: Deadline, now: Callable[[], datetime]) -> LogStore:
    """The store of a source, entered. Raises ConfigurationError where it may not begin, and Unlisted where it cannot be entered."""
    if source.s3:
        return _bucket(source, source.s3, configuration, deadline, now)
    if source.azure_blob:
        from agent.collect.logs.blob import open_container

        return open_container(source.azure_blob, deadline)
    return LocalFiles(tuple(configuration.path(name) for name in source.files or ()))


def s3_place(text: str) -> S3Place | None:
    """What `s3://bucket/prefix` says; None for anything else. Raises ConfigurationError for a bucket that cannot be."""
    if not text.startswith("s3://"):
        return None
    if (found := _S3.fullmatch(text)) is None:
        raise ConfigurationError(f"{text} is not s3://BUCKET/PREFIX")
    return S3Place(bucket=found[1], prefix=found[2] or "")


def enter(target: AwsTarget, deadline: Deadline, now: Callable[[], datetime]) -> Admitted | Shut:
    """An account of AWS for reading logs. Raises ConfigurationError where the credentials are another's, or there are none."""
    try:
        return admit(target, deadline, ATTEMPTS, now, connections=CONNECTIONS)
    except WrongAccount as error:
        raise ConfigurationError(str(error)) from error


def s3_logs(place: S3Place, admitted: Admitted) -> S3Logs:
    """A place in the account that was entered; without a region, S3 itself says where the bucket is."""
    return S3Logs(admitted.account, place.region or admitted.start, place.bucket, place.prefix, place.owner)


def _bucket(source: LogSource, place: S3Place, configuration: Configuration, deadline: Deadline, now: Callable[[], datetime]) -> LogStore:
    admitted = enter(bucket_target(source, place, configuration), deadline, now)
    if isinstance(admitted, Shut):
        action = "sts:AssumeRole" if admitted.call == "AssumeRole" else None
        raise Unlisted(f"s3://{place.bucket}/{place.prefix}", admitted.call, admitted.failure, action)
    return s3_logs(place, admitted)


def bucket_target(source: LogSource, place: S3Place, configuration: Configuration) -> AwsTarget:
    """With whose eyes a bucket is read: those of its own role, else of the role that reads the source's account, else one's own.

    Raises ConfigurationError where a secret is not there.
    """
    try:
        return _target(source, place, configuration)
    except ValueError as error:
        raise ConfigurationError(f"the source {source.id}: {error}") from error


def _target(source: LogSource, place: S3Place, configuration: Configuration) -> AwsTarget:
    if place.role:
        return AwsTarget(place.role_account, place.role, plain(place.external_id))
    for one in configuration.settings.collect.aws:
        if one.account == source.account:
            return AwsTarget(one.account, one.role, plain(one.external_id))
    return AwsTarget()
