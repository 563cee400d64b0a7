"""OCSF 1.8 Compliance Finding (class 2003), a JSON array written as a stream.

Times are epoch milliseconds (OCSF `timestamp_t`). An unproven finding is compliance status 2, "Warning: did not yield
a result due to missing information". https://schema.ocsf.io/1.8.0/classes/compliance_finding
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from agent.publish.result import Result

VERSION: Final = "1.8.0"
_CLASS, _CATEGORY, _CREATE = 2003, 2, 1
_STATUS: Final = {"upheld": (1, "Pass"), "unproven": (2, "Warning"), "broken": (3, "Fail")}
_SEVERITY: Final = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_NEW, _SUPPRESSED = 1, 3


def chunks(result: Result) -> Iterator[str]:
    """The report's text, piece by piece."""
    moment = milliseconds(result.manifest.now)
    titles = {
        rule.rule: rule.title
        for rule in (*result.rules, *(one for promise in result.promises for control in promise.controls for one in control.rules))
    }
    quotes = {promise.id: promise.quote for promise in result.promises}
    separator = "[\n"
    for record in result.findings.records():
        yield separator + json.dumps(event(record, titles, quotes, moment, result.tool), sort_keys=True)
        separator = ",\n"
    yield "\n]\n" if separator == ",\n" else "[]\n"


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def event(finding: Mapping[str, Any], titles: Mapping[str, str], quotes: Mapping[str, str], moment: int, tool: str) -> dict[str, Any]:
    """One finding as an OCSF event. The remedy is given by reference to the rule; the report in JSON has its text."""
    resource, verdict = finding["resource"], finding["verdict"]
    status_id, status = _STATUS[verdict]
    severity = "informational" if verdict == "upheld" else finding["severity"]
    name, _, version = tool.partition(" ")
    return {
        "activity_id": _CREATE,
        "category_uid": _CATEGORY,
        "class_uid": _CLASS,
        "type_uid": _CLASS * 100 + _CREATE,
        "time": moment,
        "severity_id": _SEVERITY[severity],
        "status_id": _SUPPRESSED if finding.get("accepted") else _NEW,
        "message": finding["explanation"],
        "metadata": {"version": VERSION, "profiles": ["cloud"], "product": {"name": name, "vendor_name": name, "version": version}, "uid": finding["id"]},
        "cloud": {"provider": resource["type"].partition(".")[0].upper(), "account": {"uid": resource["account"]}, "region": resource["region"]},
        "finding_info": {"uid": finding["id"], "title": titles.get(finding["rule"], finding["rule"]), "types": [finding["control"]], "created_time": moment},
        "compliance": {
            "control": finding["control"],
            "checks": [{"uid": finding["rule"], "name": finding["rule"], "status_id": status_id}],
            "requirements": [quotes[promise] for promise in finding["promises"]],
            "status_id": status_id,
            "status": status,
            "status_detail": finding["explanation"],
        },
        "resources": [{"uid": resource["id"], "type": resource["type"], "region": resource["region"], "data": finding["evidence"].get("values", {})}],
        "remediation": {"desc": f"upheld rules show {finding['rule']}", "references": [f"urn:upheld:rule:{finding['rule']}"]},
        "evidences": [{"data": {key: held for key, held in finding["evidence"].items() if key != "values"}}],
        "unmapped": {"promises": finding["promises"], **({"accepted": finding["accepted"]} if finding.get("accepted") else {})},
    }  # fmt: skip
