"""Findings as JSON, schema `upheld.findings/1`, written as a stream. `json_schema` is its published schema."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

from agent.publish import changes
from agent.publish.result import Result, gap_record
from checks.lifecycle import Change, Status
from checks.logs.hours import Proof
from checks.model import Reason
from checks.verdict import Verdict

SCHEMA = "upheld.findings/1"


def chunks(result: Result) -> Iterator[str]:
    """The report's text, piece by piece."""
    yield "{\n"
    yield f'"schema": "{SCHEMA}",\n'
    yield f'"run": {_text(run_record(result))},\n'
    yield from _array("promises", (dataclasses.asdict(promise) for promise in result.promises))
    yield from _array("findings", result.findings.records())
    yield from _array("gaps", map(gap_record, result.gaps))
    if result.recorded is not None:
        yield f'"ledger": {_text(changes.record(result.recorded))},\n'
    yield f'"coverage": {_text(coverage_record(result))}\n'
    yield "}\n"


def run_record(result: Result) -> dict[str, Any]:
    manifest = result.manifest
    return {
        "tool": result.tool,
        "estate": result.estate_digest,
        "collected_by": manifest.tool,
        "started": manifest.started,
        "finished": manifest.finished,
        "identity": dict(manifest.identity),
        "endpoint": manifest.endpoint,
        "source": manifest.source,
        "asserted_complete_by": manifest.asserted_complete_by,
        "verdict": result.verdict(),
        "notes": result.notes,
    }


def coverage_record(result: Result) -> dict[str, Any]:
    scope = result.manifest.scope
    return {
        "accounts": {account: list(regions) for account, regions in scope.accounts.items()},
        "types": list(scope.types),
        "calls": result.calls,
        "counts": result.counts,
        "accepted": result.accepted,
        "clouds": [dataclasses.asdict(cloud) for cloud in result.clouds],
        "rules": [dataclasses.asdict(rule) for rule in result.rules],
        **({"logs": list(result.logs)} if result.logs else {}),
    }


def _array(name: str, records: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield f'"{name}": ['
    separator = "\n"
    for record in records:
        yield separator + _text(record)
        separator = ",\n"
    yield "\n],\n"


def _text(record: Any) -> str:
    return json.dumps(record, sort_keys=True)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the report. Members may be added within version 1; none is taken away."""
    verdict = {"enum": [str(verdict) for verdict in Verdict]}
    maybe = {"enum": [*verdict["enum"], None]}
    reading = {"enum": ["literal", "substance"]}
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    counts = {"type": "object", "required": verdict["enum"], "additionalProperties": {"type": "integer", "minimum": 0}}
    unseen = _object({"reason": text, "count": {"type": "integer"}}, {"action": {"type": ["string", "null"]}})
    rule = _object(
        {"rule": text, "title": text, "type": text, "verdict": maybe, "open": maybe, "counts": counts, "accepted": {"type": "integer"}},
        {"excluded": texts, "out_of_scope": texts, "looks": texts, "unseen": {"type": "array", "items": unseen}},
    )
    control = _object(
        {"id": text, "params": {"type": "object"}, "verdict": maybe, "open": maybe, "rules": {"type": "array", "items": rule}}
    )
    gap = _object(
        {"type": text, "account": text, "region": text, "reason": {"enum": [str(reason) for reason in Reason]}, "call": text},
        {"id": text, "field": text, "code": text, "message": text, "action": text},
    )
    evidence = _object(
        {},
        {
            "looks": texts,
            "values": {"type": "object"},
            "seen": {"type": "object", "description": "when and from where, where that makes a difference"},
            "gaps": {"type": "array", "items": gap},
            "assumptions": texts,
            "affected": texts,
            "counterexample": text,
            "kind": {"enum": ["platform-guaranteed", "configured", "customer-key"]},
        },
    )
    finding = _object(
        {
            "id": text,
            "rule": text,
            "control": text,
            "verdict": verdict,
            "severity": {"enum": ["informational", "low", "medium", "high", "critical"]},
            "resource": _object({"type": text, "id": text, "account": text, "region": text}),
            "promises": texts,
            "evidence": evidence,
            "explanation": text,
            "remedy": text,
        },
        {"accepted": text, "other_reading": _object({"reading": reading, "verdict": verdict})},
    )
    promise = _object(
        {
            "id": text,
            "quote": text,
            "quantifier": {"enum": ["all", "only", "never"]},
            "reading": reading,
            "verdict": maybe,
            "open": maybe,
            "controls": {"type": "array", "items": control},
            "missing": texts,
            "assumptions": texts,
        },
        {
            "policy": {"type": ["string", "null"]},
            "file": {"type": ["string", "null"]},
            "line": {"type": ["integer", "null"]},
            "unverifiable": {"type": ["string", "null"]},
        },
    )
    run = _object(
        {"tool": text, "estate": text, "started": text, "finished": text, "endpoint": {"type": ["string", "null"]}, "verdict": maybe},
        {
            "collected_by": text,
            "identity": {"type": "object"},
            "source": text,
            "asserted_complete_by": {"type": ["string", "null"]},
            "notes": texts,
        },
    )
    number, known = {"type": "integer", "minimum": 0}, {"type": ["integer", "null"], "minimum": 0}
    cloud = _object({"cloud": text, "accounts_seen": number, "accounts_known": known, "resources_seen": number, "resources_known": known})
    coverage = _object(
        {
            "accounts": {"type": "object", "additionalProperties": texts},
            "types": texts,
            "calls": {"type": "integer", "minimum": 0},
            "counts": counts,
            "accepted": {"type": "integer"},
            "rules": {"type": "array", "items": rule},
        },
        {"logs": {"type": "array", "items": _log()}, "clouds": {"type": "array", "items": cloud}},
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        **_object(
            {
                "schema": {"const": SCHEMA},
                "run": run,
                "promises": {"type": "array", "items": promise},
                "findings": {"type": "array", "items": finding},
                "gaps": {"type": "array", "items": gap},
                "coverage": coverage,
            },
            {"ledger": _ledger()},
        ),
    }


def _log() -> dict[str, Any]:
    """A log source: what was read, and of which hours it is known to be whole."""
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    hour = _object(
        {"from": text, "until": text, "proof": {"enum": [str(proof) for proof in Proof]}, "rows": count},
        {"why": {"type": "array", "items": text}},
    )
    return _object(
        {"id": text, "account": text, "table": text, "rows": count, "objects": count, "hours": {"type": "array", "items": hour}},
        {"where": text, "from": text, "until": text, "rows_without_time": count, "completeness": {"enum": ["assume", "prove"]}},
    )


def _ledger() -> dict[str, Any]:
    """What the ledger says of a run that was recorded."""
    text, maybe = {"type": "string"}, {"enum": [None, *map(str, Status)]}
    transition = _object(
        {
            "finding": text,
            "before": maybe,
            "after": {"enum": list(map(str, Status))},
            "change": {"enum": list(map(str, Change))},
            "cause": text,
        }
    )
    head = _object(
        {"schema": text, "ledger": text, "size": {"type": "integer"}, "root": text, "time": text, "key": text, "signature": text}
    )
    return _object(
        {
            "run": {"type": "integer"},
            "previous": {"type": ["string", "null"], "description": "the time of the run before"},
            "again": {"type": "boolean", "description": "whether it was recorded already"},
            "head": head,
            "transitions": {"type": "array", "items": transition},
        }
    )


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }
