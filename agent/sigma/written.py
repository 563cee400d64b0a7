"""A Sigma rule as a rule over rows: its file, with examples that were run, and with those named who wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from sigma.rule import SigmaRule

from agent.rulebook import Rulebook
from agent.sigma.detection import detection
from agent.sigma.examples import examples
from agent.sigma.fields import Log
from agent.sigma.logs import LOGS
from agent.sigma.values import NotImported
from checks import document, example, rule
from checks.document import DocumentError

_LICENCE: Final = (
    "the licence of those who published it (SigmaHQ: Detection Rule License 1.1, https://github.com/SigmaHQ/Detection-Rule-License)"
)
_TECHNIQUE: Final = re.compile(r"t\d{4}(\.\d{3})?")
_WIDTH: Final = 140


@dataclass(frozen=True, slots=True)
class Written:
    """A rule's id, the table it is about, and the text of its file."""

    id: str
    table: str
    text: str


def write(sigma: SigmaRule, control: str, book: Rulebook) -> Written:
    """The rule file; it loads, and its examples hold. Raises NotImported."""
    log = _log(sigma)
    found = detection(sigma, log)
    ignored = dict.fromkeys(book.controls[control].params, "what the detection describes must not happen, whatever this says")
    held: dict[str, Any] = {
        "id": f"sigma-{_slug(sigma.title)}",
        "title": f"Not in the log: {_line(sigma.title)} (Sigma rule by {_author(sigma)})",
        "control": control,
        "severity": sigma.level.name.lower() if sigma.level else "medium",
        "rows": log.table,
        "broken_if": found.text,
        "group_by": list(log.group_by),
        "show": list(log.show),
        "remedy": _remedy(sigma),
        "references": _references(sigma),
        "source": _source(sigma),
        **({"rationale": _line(sigma.description)} if sigma.description else {}),
        **({"ignores": ignored} if ignored else {}),
        "examples": {"upheld": [{}], "broken": [{}], "unproven": [{}]},
    }
    loaded = _load(held, book)
    del held["examples"]
    held["intended"] = [
        {"any": name, "because": "whether it is what the rule detects, the other columns may show"}
        for name in sorted({reference.path[0] for reference in loaded.references})
    ]
    held["examples"] = examples(loaded, found.tried)
    loaded = _load(held, book)
    if failure := next(example.run(loaded, book.catalogue), None):
        raise NotImported(f"an example of the written rule does not hold: {failure.problem}")
    return Written(loaded.id, log.table, _text(held))


def _log(sigma: SigmaRule) -> Log:
    """The log that a rule is about, if the rule is one to go by. Raises NotImported."""
    if sigma.status is not None and sigma.status.name in {"DEPRECATED", "UNSUPPORTED"}:
        raise NotImported(f"its status is {sigma.status.name.lower()}")
    if sigma.taxonomy != "sigma":
        raise NotImported(f"its fields are named after the taxonomy {sigma.taxonomy!r}")
    if "timeframe" in sigma.detection.detections:
        raise NotImported("how often something is there within a time is for a correlation: a rule over rows judges each row by itself")
    source = sigma.logsource
    log = next((one for one in LOGS if (one.product, one.service) == (source.product, source.service)), None)
    if log is None or source.category is not None:
        named = "/".join(filter(None, (source.product, source.category, source.service)))
        known = " and ".join(f"{one.product}/{one.service}" for one in LOGS)
        raise NotImported(f"it is about {named or 'no log that it names'}, and {known} are imported")
    return log


def _load(held: Mapping[str, Any], book: Rulebook) -> rule.Rule:
    try:
        return rule.read(document.parse(_text(held), "the written rule"), book.catalogue, book.shapes, book.controls)
    except DocumentError as error:
        raise NotImported(error.problem) from error


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower())) or "untitled"


def _line(text: str) -> str:
    return " ".join(text.split())


def _author(sigma: SigmaRule) -> str:
    return _line(sigma.author or "") or "an author it does not name"


def _remedy(sigma: SigmaRule) -> str:
    harmless = [_line(one).rstrip(".") for one in sigma.falsepositives if one.strip().lower() not in {"unknown", "unlikely", "none", "n/a"}]
    known = f" The rule knows as harmless: {'; '.join(harmless)}." if harmless else ""
    return f"Find out who did this and whether it was meant; if it was not, undo it, and take away what made it possible.{known}"


def _references(sigma: SigmaRule) -> list[dict[str, str]]:
    techniques = [tag.name for tag in sigma.tags if tag.namespace == "attack" and _TECHNIQUE.fullmatch(tag.name)]
    told = [{"framework": "sigma", "id": str(sigma.id)}] if sigma.id else []
    return [*told, *({"framework": "mitre-attack", "id": name.upper()} for name in techniques)]


def _source(sigma: SigmaRule) -> str:
    """What the licence asks to be kept: who wrote the rule, where it is from, and the licence itself."""
    dated = f", {sigma.modified or sigma.date}" if sigma.modified or sigma.date else ""
    behind = f" References: {', '.join(map(_line, sigma.references))}." if sigma.references else ""
    licence = _line(sigma.license) if sigma.license else _LICENCE
    return f"Sigma rule {_line(sigma.title)!r}, {sigma.id or 'without an id'}, by {_author(sigma)}{dated}, under {licence}; translated.{behind}"


class _Dumper(yaml.SafeDumper):
    """Writes every text so that it is one again by the rules of YAML 1.2, too, and repeats what is repeated."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _scalar(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if text[:1] in "+-.0123456789~" else None)


_Dumper.add_representer(str, _scalar)


def _text(held: Mapping[str, Any]) -> str:
    return yaml.dump(held, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
