"""The JSON Schemas of everything that is read or written, exported by `upheld schema`."""

from __future__ import annotations

from typing import Any


def schema(name: str) -> dict[str, Any]:
    """The schema of `findings`, `config`, `promises` or `rule`."""
    match name:
        case "findings":
            from agent.publish.json_report import json_schema

            return json_schema()
        case "config":
            from agent import config

            return config.schema()
        case "promises":
            from checks.promise import Promises

            return Promises.model_json_schema(by_alias=True)
    from checks.rule import RuleFile

    return RuleFile.model_json_schema(by_alias=True)
