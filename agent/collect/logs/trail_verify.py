"""A trail verified wherever it is: its files read, the keys had, and what could not be looked at told as a problem of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agent.collect.aws.client import Account
from agent.collect.logs.objects import LogStore, NotSeen, Unlisted
from agent.collect.logs.trail_files import THREADS, Progress, TrailFiles, read_trail
from agent.collect.logs.trail_keys import KeysNotListed, list_keys
from checks.logs.digest import Key
from checks.logs.hours import Proof
from checks.logs.trail import Held, Problem, TrailReport, examine


@dataclass(frozen=True, slots=True)
class Question:
    """Which window, and whether log files are read; `account` is asked for CloudTrail's keys where there is one."""

    since: datetime | None
    until: datetime
    logs: bool = True
    account: Account | None = None
    hashed: Sequence[Held] | None = None
    """The log files, where they were read and hashed already."""
    trusted: bool = True
    """Whether the stores' times are to be trusted: those of files on this machine, anybody may have written."""


def verify(
    stores: Sequence[LogStore], keys: Sequence[Key], question: Question, *, threads: int = THREADS, progress: Progress | None = None
) -> tuple[TrailReport, TrailFiles]:
    """What the digests in the stores prove. Where a listing failed, nothing: what is missing among the files may be there.

    Raises DocumentError for a bad `.head.json`.
    """
    since = question.since if question.trusted else None
    logs = question.logs and question.hashed is None
    files = read_trail(stores, since=since, until=question.until, logs=logs, threads=threads, progress=progress)
    if files.unlisted:
        return TrailReport((), tuple(map(_problem, files.unlisted))), files
    unseen: list[NotSeen] = list(files.unsigned)
    if question.account:
        listed, failed = list_keys(question.account, [one.digest for one in files.digests if one.digest])
        keys, unseen = [*keys, *listed], [*unseen, *failed]
    report = examine(
        files.digests, question.hashed if question.hashed is not None else files.logs, keys, since=question.since, until=question.until
    )
    return replace(report, problems=(*report.problems, *map(_problem, unseen))), files


def _problem(error: NotSeen) -> Problem:
    kind = "not-listed" if isinstance(error, Unlisted) else "keys-not-listed" if isinstance(error, KeysNotListed) else "metadata-not-read"
    return Problem(None, Proof.CANNOT_TELL, kind, error.name, error.what, None, None)
