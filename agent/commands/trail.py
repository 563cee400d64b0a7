"""`upheld logs verify-trail`: what the digests of a trail prove, asked directly."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from agent.clock import Clock
from agent.collect.aws.accounts import Admitted, AwsTarget
from agent.collect.aws.client import Account, Deadline
from agent.collect.logs.files import LocalFiles
from agent.collect.logs.objects import LogStore
from agent.collect.logs.stores import enter, s3_logs, s3_place
from agent.collect.logs.trail_files import REQUESTS, THREADS, TrailFiles, public_keys
from agent.collect.logs.trail_verify import Question, verify
from agent.config import ConfigurationError
from agent.exits import BROKEN, UNPROVEN, UPHELD
from agent.publish.printable import printable
from agent.terminal import Step
from checks.document import DocumentError
from checks.logs.hours import Proof, Row
from checks.logs.trail import ChainReport, Problem, TrailReport

_MOST: Final = 20
_CODES: Final = {Proof.PROVEN: UPHELD, Proof.BROKEN: BROKEN}


@dataclass(frozen=True, slots=True)
class TrailQuestion:
    """What is asked of which files of a trail, in folders and as s3://bucket/prefix; times as people write them."""

    paths: Sequence[str]
    public_keys: Sequence[Path] = ()
    since: str | None = None
    until: str | None = None
    digests_only: bool = False


def verify_trail(question: TrailQuestion, clock: Clock, *, as_json: bool, progress: Step | None = None) -> int:
    """Verify the chain of digests and print what it proves. Raises ConfigurationError and DocumentError."""
    since = _time("--from", question.since) if question.since else None
    until = _time("--until", question.until) if question.until else clock.now()
    if since and since >= until:
        raise ConfigurationError("--from is not before --until")
    keys = public_keys(question.public_keys)
    folders, buckets, account = _stores(question.paths, clock)
    asked = Question(since, until, not question.digests_only, None if question.public_keys else account, trusted=not folders)
    report, files = verify([*folders, *buckets], keys, asked, threads=REQUESTS if buckets else THREADS, progress=progress)
    if as_json:
        print(json.dumps(_record(report, files, until), indent=2))
    else:
        for line in _lines(report, files):
            print(printable(line))
    return _CODES.get(report.proof, UNPROVEN)


def _stores(paths: Sequence[str], clock: Clock) -> tuple[list[LogStore], list[LogStore], Account | None]:
    """The folders, the buckets, and the account of the credentials, which is entered only where there are buckets."""
    places = [place for path in paths if (place := s3_place(path))]
    folders = tuple(Path(path) for path in paths if not s3_place(path))
    for folder in folders:
        if not folder.exists():
            raise DocumentError(str(folder), None, "there is no such file or folder")
    local: list[LogStore] = [LocalFiles(folders)] if folders else []
    if not places:
        return local, [], None
    admitted = enter(AwsTarget(), Deadline(math.inf, clock.monotonic), clock.now)
    assert isinstance(admitted, Admitted)  # without a role and an account that it must be, it is entered or it raises
    return local, [s3_logs(place, admitted) for place in places], admitted.account


def _time(option: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{option}: {text!r} is not a time such as 2026-11-20T14:00:00Z") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _stamp(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _record(report: TrailReport, files: TrailFiles, until: datetime) -> dict[str, Any]:
    return {
        "schema": "upheld.trail/1",
        "proof": str(report.proof),
        "until": _stamp(until),
        "chains": [_chain_record(chain) for chain in report.chains],
        "problems": [_problem_record(problem) for problem in report.problems],
        "files": {"digests": len(files.digests), "logs": None if files.logs is None else len(files.logs), "others": files.others},
    }


def _chain_record(chain: ChainReport) -> dict[str, Any]:
    return {
        "account": chain.chain.account,
        "region": chain.chain.region,
        "trail": chain.chain.trail,
        "home": chain.chain.home,
        "from": _stamp(chain.start),
        "until": _stamp(chain.until),
        "earlier_digests": chain.earlier,
        "digests": chain.digests,
        "backfill_digests": chain.backfills,
        "log_files": chain.logs,
        "keys": chain.keys,
        "hours": [
            {"from": _stamp(row.start), "until": _stamp(row.end), "proof": str(row.proof), "why": list(row.why)} for row in chain.hours
        ],
    }


def _problem_record(problem: Problem) -> dict[str, Any]:
    return {
        "chain": str(problem.chain) if problem.chain else None,
        "proof": str(problem.proof),
        "kind": problem.kind,
        "file": problem.file,
        "what": problem.what,
        "from": _stamp(problem.start),
        "until": _stamp(problem.end),
    }


def _lines(report: TrailReport, files: TrailFiles) -> Iterator[str]:
    if not files.digests and not files.unlisted:
        yield "cannot-tell: there is no digest file of CloudTrail among what was given"
    for chain in report.chains:
        yield from _chain_lines(chain)
    for (kind, proof), held in _by_kind(report.problems):
        yield f"{proof}: {kind.replace('-', ' ')}" + (f" ({len(held)})" if len(held) > 1 else "")
        for problem in held[:_MOST]:
            when = f"{_stamp(problem.start)} to {_stamp(problem.end)}: " if problem.start else ""
            yield f"  {when}{problem.what}"
            if problem.file:
                yield f"    {problem.file}"
        if len(held) > _MOST:
            yield f"  and {len(held) - _MOST} more (--format json lists them all)"
    logs = "log files not read" if files.logs is None else f"{len(files.logs)} log files"
    yield f"{report.proof}: {len(files.digests)} digest files, {logs}" + (f", {files.others} other files" if files.others else "")


def _chain_lines(chain: ChainReport) -> Iterator[str]:
    counts = Counter(str(row.proof) for row in chain.hours)
    told = ", ".join(f"{counts[proof]} {proof}" for proof in Proof if counts[proof])
    yield f"{chain.chain}: {len(chain.hours)} hours of delivery: {told or 'none'}"
    if chain.earlier:
        yield f"  what was delivered before {_stamp(chain.start)} is not looked at: its first digest names an earlier one that was not given"
    for _, held in groupby(chain.hours, key=lambda row: (row.proof, row.why)):
        yield _run_line(list(held))


def _run_line(rows: Sequence[Row]) -> str:
    first = rows[0]
    why = f"  {first.why[0]}" + (f" and {len(first.why) - 1} more" if len(first.why) > 1 else "") if first.why else ""
    return f"  {_stamp(first.start)} to {_stamp(rows[-1].end)}  {first.proof}{why}"


def _by_kind(problems: Sequence[Problem]) -> Iterator[tuple[tuple[str, Proof], list[Problem]]]:
    found: dict[tuple[str, Proof], list[Problem]] = {}
    for problem in problems:
        found.setdefault((problem.kind, problem.proof), []).append(problem)
    order = (Proof.BROKEN, Proof.CANNOT_TELL, Proof.NOT_YET_DUE)
    yield from sorted(found.items(), key=lambda item: order.index(item[0][1]))
