"""Findings as SARIF 2.1.0 (OASIS standard): what is broken or unproven stands at the sentence of the policy that it is about.

A result's `kind` is `fail` for what is broken and `open` for what was looked at and could not be decided; all but `fail` have the level
`none`. What a person accepts is suppressed, externally. What is upheld is counted in the run's properties, and has no results.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from agent.publish.printable import printable
from agent.publish.result import Result
from checks.summary import PromiseSummary

VERSION: Final = "2.1.0"
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
UNSEEN: Final = "promise-not-seen-whole"
"""The rule of what keeps a promise from being proven beside its findings."""
UNVERIFIABLE: Final = "promise-unverifiable"
_LEVELS: Final = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "informational": "note"}
_OWN: Final = {
    UNSEEN: "A promise about everything needs everything to be seen",
    UNVERIFIABLE: "A promise of which no machine can see whether it is kept",
}


def chunks(result: Result) -> Iterator[str]:
    """The report's text, piece by piece."""
    promises = {promise.id: promise for promise in result.promises}
    name, _, version = result.tool.partition(" ")
    driver = {"name": name, "version": version, "rules": list(_rules(result))}
    manifest = result.manifest
    invocation = {"executionSuccessful": True, "startTimeUtc": manifest.started, "endTimeUtc": manifest.finished}
    told = {"verdict": result.verdict(), "counts": result.counts, "notes": [printable(note) for note in result.notes]}
    yield f'{{"$schema": "{SCHEMA}", "version": "{VERSION}", "runs": [{{'
    yield f'"tool": {_text({"driver": driver})}, "invocations": {_text([invocation])}, "properties": {_text(told)},\n"results": ['
    separator = "\n"
    for held in _results(result, promises):
        yield separator + _text(held)
        separator = ",\n"
    yield "\n]}]}\n"


def _rules(result: Result) -> Iterator[dict[str, Any]]:
    """The rules that were gone by, each once, and those of the promises themselves."""
    titles = {
        rule.rule: rule.title
        for rule in (*result.rules, *(one for promise in result.promises for control in promise.controls for one in control.rules))
    }
    titles |= {record["rule"]: titles.get(record["rule"], record["rule"]) for record in result.findings.records()}
    for id_, title in sorted({**titles, **_OWN}.items()):
        yield {"id": id_, "shortDescription": {"text": printable(title)}}


def _results(result: Result, promises: Mapping[str, PromiseSummary]) -> Iterator[dict[str, Any]]:
    for record in result.findings.records():
        if record["verdict"] != "upheld":
            yield _finding(record, [promises[name] for name in record["promises"] if name in promises])
    for promise in result.promises:
        if promise.unverifiable is not None:
            yield _of_promise(promise, UNVERIFIABLE, "review", promise.unverifiable)
        for lack in promise.missing:
            yield _of_promise(promise, UNSEEN, "open", lack)


def _finding(record: Mapping[str, Any], promises: Iterable[PromiseSummary]) -> dict[str, Any]:
    broken, subject = record["verdict"] == "broken", record["resource"]
    said = f"{subject['id']} in {subject['account']}/{subject['region']}: {record['explanation']} Do: {record['remedy']}"
    resource = {"fullyQualifiedName": printable(f"{subject['type']}/{subject['id']}"), "kind": "resource"}
    places = [_location(promise, [resource]) for promise in promises] or [{"logicalLocations": [resource]}]
    held = {
        "ruleId": record["rule"],
        "kind": "fail" if broken else "open",
        "level": _LEVELS[record["severity"]] if broken else "none",
        "message": {"text": printable(said)},
        "locations": places,
        "partialFingerprints": {"upheld/finding/v1": record["id"]},
        "properties": {"promises": record["promises"], "severity": record["severity"], "control": record["control"]},
    }
    if record.get("accepted") is not None:
        held["suppressions"] = [{"kind": "external", "status": "accepted", "justification": printable(record["accepted"])}]
    return held


def _of_promise(promise: PromiseSummary, rule: str, kind: str, said: str) -> dict[str, Any]:
    from checks.model import digest

    return {
        "ruleId": rule,
        "kind": kind,
        "level": "none",
        "message": {"text": printable(said)},
        "locations": [_location(promise, [])],
        "partialFingerprints": {"upheld/finding/v1": digest(rule, promise.id, said)},
        "properties": {"promises": [promise.id]},
    }


def _location(promise: PromiseSummary, more: list[dict[str, Any]]) -> dict[str, Any]:
    """The sentence, where it stands in a file that is known; and by name in any case."""
    named = {"fullyQualifiedName": printable(promise.id), "kind": "promise"}
    held: dict[str, Any] = {"logicalLocations": [named, *more]}
    if promise.file is not None:
        region = {"startLine": max(promise.line or 1, 1), "snippet": {"text": printable(" ".join(promise.quote.split()))}}
        held["physicalLocation"] = {"artifactLocation": {"uri": quote(promise.file, errors="replace")}, "region": region}
    return held


def _text(held: Any) -> str:
    return json.dumps(held, sort_keys=True)
