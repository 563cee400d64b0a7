"""`upheld ledger`: what the memory holds, whether it is as it was sealed, and what leaves it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.clock import Clock
from agent.config import Configuration, ConfigurationError
from agent.config.values import seconds
from agent.exits import BROKEN, UPHELD
from agent.ledger import LedgerError, export
from agent.ledger.history import History, PromiseHistory, Turn
from agent.ledger.opening import Place, place
from agent.ledger.run_record import moment
from agent.ledger.verify import Verification
from agent.publish.changes import short
from agent.publish.printable import printable
from checks.lifecycle import Known


def history(
    configuration: Configuration, clock: Clock, *, promise: str | None, finding: str | None, since: str | None, as_json: bool
) -> int:
    """Print the timelines of promises, a finding's, or what changed since a time."""
    opened, now = place(configuration, os.environ), moment(clock.now().isoformat())
    start = None if since is None else _since(since, clock)
    with opened.database.reading() as connection:
        told = History(connection, now)
        known = None if finding is None else told.finding(finding)
        asked = known is not None or start is not None or promise is not None
        turns = list(told.turns(since=start, finding=known.number if known else None, promise=promise)) if asked else []
        promises = told.promises(promise) if known is None and start is None else []
        stale = known is not None and told.stale(known)
        counts = told.counts()
    if as_json:
        record = {
            "schema": "upheld.history/1",
            "promises": list(map(_promise_record, promises)),
            "finding": None if known is None else {**dataclasses.asdict(known), "stale": stale},
            "transitions": list(map(dataclasses.asdict, turns)),
            "counts": counts,
        }
        print(json.dumps(record, indent=2, sort_keys=True))
        return UPHELD
    for one in promises:
        _print(_promise_lines(one))
    if known is not None:
        _print(_finding_lines(known, stale=stale))
    _print(_turn_lines(turns, named=known is None))
    if not asked:
        held = ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
        print(f"{sum(counts.values())} findings: {held}" if counts else "no findings")
    return UPHELD


def _since(text: str, clock: Clock) -> str:
    """A time as text, or how long ago. Raises ConfigurationError."""
    try:
        return moment((clock.now() - timedelta(seconds=seconds(text))).isoformat())
    except ValueError:
        pass
    try:
        return moment(text)
    except ValueError as error:
        raise ConfigurationError(f"--since: {text!r} is neither a time (2026-11-20T06:00:00Z) nor a duration (7d)") from error


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(printable(line))


def _promise_lines(one: PromiseHistory) -> Iterator[str]:
    last = one.spans[-1]
    word = f"{last.verdict} (stale)" if last.stale else str(last.verdict)
    yield f"{one.id}  {word} since {_stamp(last.start)}"
    if one.shares is not None:
        parts = ", ".join(f"{verdict} {share:.1%}" for verdict, share in one.shares.items() if share)
        yield f"  {parts} of the last 90 days, in {many(one.runs, 'run')}"
    if one.repairs:
        mean = sum(one.repairs, timedelta()) / len(one.repairs)
        yield f"  repaired {many(len(one.repairs), 'time')}, after {_duration(mean)}{' on average' if len(one.repairs) > 1 else ''}"
    for span in one.spans[-12:]:
        yield f"  {_stamp(span.start)}  {span.verdict}{' (stale: nobody looked)' if span.stale else ''}"


def _promise_record(one: PromiseHistory) -> dict[str, Any]:
    return {
        "id": one.id,
        "runs": one.runs,
        "shares": one.shares and {str(verdict): round(share, 6) for verdict, share in one.shares.items()},
        "repairs": [repair.total_seconds() for repair in one.repairs],
        "spans": [
            {"from": _stamp(span.start), "until": _stamp(span.end), "verdict": span.verdict, "stale": span.stale} for span in one.spans
        ],
    }


def _finding_lines(known: Known, *, stale: bool) -> Iterator[str]:
    subject = known.resource
    yield f"{known.id}  {known.rule}  {subject.id} in {subject.account}/{subject.region}"
    status = f"unproven (stale; it was {known.status})" if stale else str(known.status)
    yield f"  {status} since {short(known.since)}, first seen {short(known.first_seen)}, last seen {short(known.last_seen)}"
    yield f"  {known.cause}"
    if known.accepted:
        yield f"  accepted by {known.accepted}"
    if known.opened:
        yield f"  open since {short(known.opened)}"
    if known.openings > 1:
        yield f"  opened {known.openings} times"


def _turn_lines(turns: Sequence[Turn], *, named: bool) -> Iterator[str]:
    for turn in turns:
        about = f"  {turn.rule}  {turn.resource['id']} in {turn.resource['account']}/{turn.resource['region']}" if named else ""
        yield f"  {short(turn.at)}  {turn.before or 'none'} -> {turn.after}  {turn.change}{about}"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _duration(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"


def many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def verify(configuration: Configuration, *, heads: Sequence[Path], public: Path | None, proofs: Sequence[Path], as_json: bool) -> int:
    """Verify exported proofs, or the ledger. Exit code 1 where anything is not as it was sealed."""
    opened = place(configuration, os.environ)
    verifier = opened.verifier(public)
    if proofs:
        return max(_verify_proof(file, opened, public) for file in proofs)
    from agent.ledger.verify import verify as verify_all

    known = {str(file): export.read_signed_head(file) for file in heads}
    if (anchor := opened.ledger.anchor()) is not None:
        known["the state directory"] = anchor
    with opened.database.reading() as connection:
        found = verify_all(connection, verifier, known, opened.evidence, alone=opened.database.file is not None)
    if as_json:
        head = None if found.head is None else found.head.record
        told = {"runs": found.runs, "problems": found.problems, "notes": found.notes, "head": head}
        print(json.dumps({"schema": "upheld.verification/1", **told}, indent=2))
    else:
        _print(_verified(found, len(known)))
    return BROKEN if found.problems else UPHELD


def _verified(found: Verification, heads: int) -> Iterator[str]:
    yield from [*found.problems, *found.notes]
    if found.problems:
        yield f"NOT as it was sealed: {many(len(found.problems), 'problem')} in {many(found.runs, 'run')}"
        return
    yield f"{many(found.runs, 'run')}, each as it was sealed; {many(found.archives, 'archive')} of evidence; held against {many(heads, 'head')} kept elsewhere"
    if found.head is not None:
        yield f"head {found.head.head.root.hex()} of {short(found.head.head.time)}, key {found.head.key[:16]}"


def _verify_proof(file: Path, opened: Place, public: Path | None) -> int:
    try:
        problem = export.check_proof(export.read_json(file), opened.verifier(public))
    except ValueError as error:
        if isinstance(error, LedgerError):
            raise
        raise LedgerError(f"{file}: not a proof of `upheld ledger export`: {error}") from error
    print(printable(f"{file}: {problem or 'it proves what it says'}"))
    return BROKEN if problem else UPHELD


def accept(
    configuration: Configuration, clock: Clock, finding: str, *, owner: str, reason: str, until: str, standing: bool = False
) -> int:  # fmt: skip
    """Put an exception for a finding into the exceptions file; `standing`: also for rows of a log that come later."""
    from agent.ledger.accept import acceptance, write

    if configuration.settings.exceptions is None:
        raise ConfigurationError("the configuration names no exceptions file: add `exceptions: exceptions.yaml`")
    try:
        expires = date.fromisoformat(until)
    except ValueError as error:
        raise ConfigurationError(f"--until: {until!r} is not a date such as 2027-06-30") from error
    opened, now = place(configuration, os.environ), clock.now()
    with opened.database.reading() as connection:
        told = History(connection, moment(now.isoformat()))
        known = told.finding(finding)
        if told.stale(known):
            raise LedgerError(f"nobody looked at the finding {known.id} since {short(known.last_seen)}: run `upheld check --record` first")
    accepted = acceptance(known, owner, reason, expires, now.date(), standing=standing)
    file = configuration.path(configuration.settings.exceptions)
    replaced = write(accepted, file)
    print(printable(f"{file}: {'renewed' if replaced else 'accepted'} {known.rule} on {known.resource.id} until {expires}"))
    return UPHELD


def export_(
    configuration: Configuration,
    *,
    run: int | None,
    proof: int | None,
    statement: int | None,
    evidence: int | None,
    since: Path | None,
    output: Path | None,
) -> int:
    """Write one thing that others can check: by default the newest signed head."""
    opened = place(configuration, os.environ)
    first = None if since is None else export.read_signed_head(since)
    with opened.database.reading() as connection:
        if evidence is not None:
            return _export_evidence(opened, export.run(connection, evidence)["evidence"].get("archive"), evidence, output)
        if run is not None:
            record = export.run(connection, run)
        elif proof is not None:
            record = export.inclusion(connection, proof)
        elif first is not None:
            record = export.consistency(connection, first)
        elif statement is not None:
            if (signer := opened.signer(make=False)) is None:
                raise LedgerError(f"there is no key in {opened.state} to sign a statement with")
            record = export.statement(connection, statement, signer)
        else:
            record = export.head(connection).record
    if output is None:
        print(json.dumps(record, indent=2, sort_keys=True))
        return UPHELD
    from agent.ledger.ledger import write_json

    try:
        write_json(output.resolve(), record)
    except OSError as error:
        raise LedgerError(f"{output}: cannot be written: {error.strerror}") from error
    return UPHELD


def _export_evidence(opened: Place, archive: dict[str, Any] | None, number: int, output: Path | None) -> int:
    if output is None:
        raise ConfigurationError("--evidence needs -o DIR, the folder for the estate")
    if archive is None:
        raise LedgerError(f"no evidence of run {number} was kept")
    opened.evidence.unpack(archive, output)
    print(printable(f"{output}: the estate of run {number}, as it was sealed"))
    return UPHELD
