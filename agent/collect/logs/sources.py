"""The sources of logs that the configuration names, opened, and what is asked of them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from agent.collect.aws.client import Deadline
from agent.collect.gunzip import LIMITS, Limits
from agent.collect.logs import counting
from agent.collect.logs.cluster import Cluster
from agent.collect.logs.objects import LogObject, LogStore, Unlisted
from agent.collect.logs.queue import LogQueue
from agent.collect.logs.s3 import S3Logs
from agent.collect.logs.stage import Examine, LogSource
from agent.collect.logs.stores import bucket_target, open_store
from agent.collect.logs.trail_files import public_keys
from agent.collect.logs.trail_verify import Question, verify
from agent.config import Configuration, ConfigurationError
from agent.config.logs import LogSource as Configured
from checks.judge import Bound
from checks.judge_rows import ASSUME
from checks.logs.compile import UnfitParameter
from checks.logs.engine import fits
from checks.logs.source import ACCOUNT, question
from checks.logs.tables import TABLES
from checks.logs.trail import Held, TrailReport
from checks.model import GLOBAL, LISTING, provider

KEY: Final = "personal-data.key"
_KEY_SIZE: Final = 32


class Shut:
    """The store of a source that cannot be entered: it lists nothing, and says why."""

    def __init__(self, error: Unlisted) -> None:
        self._error = error

    @property
    def name(self) -> str:
        return self._error.name

    def holds(self, name: str) -> bool:  # noqa: ARG002 - as of every store
        return False

    def objects(self, since: datetime | None, until: datetime) -> Iterator[LogObject]:  # noqa: ARG002 - as of every store
        raise self._error
        yield LogObject("", "", 0, until)

    def raw(self, one: LogObject) -> Iterator[bytes]:
        raise KeyError(one.name)

    def pieces(self, one: LogObject, limits: Limits = LIMITS) -> Iterator[bytes]:  # noqa: ARG002 - as of every store
        raise KeyError(one.name)

    def metadata(self, one: LogObject) -> Mapping[str, str]:
        raise KeyError(one.name)


def opened(
    configuration: Configuration,
    regions: Mapping[str, Sequence[str]],
    deadline: Deadline,
    now: Callable[[], datetime],
    key: bytes | None,
    folder: Path,
) -> Iterator[LogSource]:
    """Each source of `collect.logs`. `regions`: those that each account of AWS that was read uses;
    `folder`: the state directory.

    Raises ConfigurationError and DocumentError for what the configuration does not say well.
    """
    for one in configuration.settings.collect.logs:
        store: LogStore
        try:
            store = open_store(one, configuration, deadline, now)
        except Unlisted as error:
            store = Shut(error)
        used = frozenset(regions.get(one.account or "", ())) - {GLOBAL, LISTING}  # without any, they are not known
        yield LogSource(
            one.id,
            account(one.account),
            one.format,
            store,
            timedelta(seconds=one.window),
            assume=one.completeness == ASSUME,
            examine=_examining(one, store, configuration) if one.verified else None,
            regions=used or None,
            key=key,
            declared=one.declared,
            cluster=Cluster(one.engine.spark, folder / "rows" / one.id, one.engine.host) if one.engine else None,
        )


def queues(configuration: Configuration, deadline: Deadline, now: Callable[[], datetime]) -> Iterator[LogQueue]:
    """The queues of one's own that are told of new objects. Nothing is asked yet. Raises ConfigurationError where a secret is not there."""
    for one in configuration.settings.collect.logs:
        if one.s3 is None or one.s3.queue is None:
            continue
        region = (one.s3.queue_arn or "").split(":")[3]
        target = bucket_target(one, one.s3, configuration)
        place = one.s3.region if region == "*" else region
        yield LogQueue(target, one.s3.queue, place, deadline, now, one.s3.bucket, one.s3.prefix)


def account(named: str | None) -> str:
    """The account of a source in an estate: that of a cloud, by its form, else that of all logs of one's own."""
    return named if named and provider(named) in {"aws", "azure"} else ACCOUNT


def _examining(one: Configured, store: LogStore, configuration: Configuration) -> Examine:
    """How a trail's digests are read and held against its log files, when those have been read."""
    given = public_keys([configuration.path(name) for name in one.public_keys])

    def examined(held: Sequence[Held] | None, start: datetime, until: datetime) -> TrailReport:
        asking = store.account if isinstance(store, S3Logs) and not given else None
        return verify([store], given, Question(start, until, logs=False, account=asking, hashed=held))[0]

    return examined


def questions(bound: Iterable[Bound], now: datetime) -> list[counting.Question]:
    """What is to be counted of rows: each rule under the parameters that promises give it. Raises ConfigurationError for one that it cannot
    use."""
    asked = {}
    for one in bound:
        try:
            fits(TABLES[one.rule.kind], one.rule, one.params, now)
        except UnfitParameter as error:
            who = ", ".join(f"promise {promise.id}" for promise in one.promises) or "the default"
            raise ConfigurationError(f"{who}: {one.rule.id} cannot use what is given to {one.rule.file.control}: {error}") from error
        name = question(one.rule, one.params, now)
        asked[name] = counting.Question(name, one.rule.kind, one.rule.file.control, one.rule.document, one.params)
    return [asked[name] for name in sorted(asked)]


def key(folder: Path | None) -> bytes:
    """The key under which personal data is told as hashes: kept, so that the same value is recognised in another run.

    Raises OSError.
    """
    if folder is None:
        return secrets.token_bytes(_KEY_SIZE)
    place = folder / KEY
    try:
        with open(place, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(secrets.token_bytes(_KEY_SIZE))
    except FileExistsError:
        pass
    return place.read_bytes()
