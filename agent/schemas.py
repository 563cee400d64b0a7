"""The JSON Schemas of everything that is read or written, exported by `upheld schema`."""

from __future__ import annotations

from typing import Any


def schema(name: str) -> dict[str, Any]:
    """The schema of `findings`, `config`, `promises`, `rule`, `profile`, `notification` (what a webhook gets) or `tls-endpoint`
    (the data of a resource of that type)."""
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
        case "notification":
            from agent.publish.notify import webhook

            return webhook.json_schema()
        case "profile":
            from checks.profile import Profile

            return Profile.model_json_schema(by_alias=True)
        case "tls-endpoint":
            from agent.rulebook import load_catalogue

            return load_catalogue("tls")["tls.endpoint"].json_schema()
    from checks.rule import RuleFile

    return RuleFile.model_json_schema(by_alias=True)
