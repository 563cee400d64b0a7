"""Sigma rules of our own, and their import."""

from __future__ import annotations

from typing import Any

import yaml
from sigma.rule import SigmaRule

from agent.sigma.reading import read
from agent.sigma.written import write
from checks import document, rule
from checks.rule import Rule
from tests.agent.road import shipped

AWS = {"product": "aws", "service": "cloudtrail"}
AZURE = {"product": "azure", "service": "activitylogs"}


def sigma(detection: str, *, logsource: dict[str, str] = AWS, **more: Any) -> SigmaRule:
    """A Sigma rule with a detection, written as YAML."""
    return read({"title": "A rule", "logsource": logsource, "detection": yaml.safe_load(detection), **more})


def imported(detection: str, *, logsource: dict[str, str] = AWS, control: str = "monitoring", **more: Any) -> Rule:
    """The rule that is written of it, loaded as any other. Raises NotImported."""
    book = shipped()
    written = write(sigma(detection, logsource=logsource, **more), control, book)
    return rule.read(document.parse(written.text, "sigma.yaml"), book.catalogue, book.shapes, book.controls)
