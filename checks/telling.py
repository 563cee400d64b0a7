"""What is said about a verdict: sentences for people, the same for the same evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from checks import paths
from checks.catalogue import Kind
from checks.expression import Outcome
from checks.model import GLOBAL, Evidence, Gap, OtherReading, Reason
from checks.rule import Rule
from checks.verdict import Verdict

_FEW = 3
_KINDS = {
    "platform-guaranteed": " The platform guarantees it.",
    "configured": " It is configured so.",
    "customer-key": " The key is the customer's own.",
}
_TOLD = "Told"
"""How members are named that hold sentences."""


def of_gap(gap: Gap) -> str:
    what = f"{gap.field} of this resource" if gap.field else "this resource" if gap.id else f"what there is of {gap.type}"
    if gap.reason is Reason.CHANGING:
        return f"{what} is {gap.reason} ({gap.message})"
    where = "" if gap.id else f" in {gap.account}/{gap.region if gap.region != GLOBAL else 'all regions'}"
    said = f": {gap.code or gap.message}" if gap.code or gap.message else ""
    needs = f"; needs {gap.action}" if gap.action else ""
    return f"{what}{where} was not seen ({gap.reason}{said}{needs})"


def is_settling(explanation: str) -> bool:
    """Whether a finding is not decided because what it is about was changed just now, before anything else."""
    return _SETTLING.match(explanation) is not None


_SETTLING: Final = re.compile(rf"Not decided: (?:this resource|what there is of [a-z0-9_.]+) is {Reason.CHANGING} \(")
"""As `of_gap` begins, to which no cloud can add anything."""


def because(kind: Kind, data: Any) -> str:
    """What the type's own members say about what is absent: a sentence as it stands, all else with the member's name."""
    said = {path: held for path in kind.explains if (held := list(paths.values(data, paths.parse(path))))}
    sentences = [held[0] for path, held in said.items() if paths.ELEMENT not in paths.parse(path) and " " in str(held[0])]
    named = {path: held for path, held in said.items() if held[0] not in sentences}
    told = [*sentences, *([shown(named)] if named else [])]
    return f" ({'; '.join(told)})" if told else ""


def explanation(rule: Rule, outcome: Outcome, evidence: Evidence, other: OtherReading | None) -> str:
    sentence = _sentence(rule, outcome, evidence)
    if other is None:
        return sentence
    return f"{sentence} Read {'word for word' if other.reading == 'literal' else 'for what it is about'}, the promise is {other.verdict}."


def _sentence(rule: Rule, outcome: Outcome, evidence: Evidence) -> str:
    match outcome.verdict:
        case Verdict.UPHELD:
            return f"{rule.file.title}.{_KINDS.get(evidence.kind, '')}"
        case Verdict.BROKEN if outcome.error:
            return f"Not so: {rule.file.title} ({outcome.error})."
        case Verdict.BROKEN:
            return f"Not so: {rule.file.title}" + (f" ({shown(evidence.values)})." if evidence.values else ".")
    return f"Not decided: {outcome.error or 'the condition has no value'}."


def shown(values: Mapping[str, Any]) -> str:
    """Values as a person reads them: `Encrypted is false, State is in-use`."""
    return ", ".join(f"{name} is {sentences(value) if name.endswith(_TOLD) else _short(value)}" for name, value in values.items())


def sentences(told: Any) -> str:
    """What is told in sentences already, the first of them."""
    if not isinstance(told, list):
        return str(told)
    return "; ".join(told[:_FEW]) + (f"; and {len(told) - _FEW} more" if len(told) > _FEW else "")


def _short(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case list() if not value:
            return "empty"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
