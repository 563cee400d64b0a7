"""The exported JSON Schemas: each is one, takes what the program takes, and refuses what nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent import schemas
from agent.rulebook import shipped as folder
from checks import document
from tests.agent.road import shipped

EXAMPLE = Path(__file__).parents[2] / "examples" / "marktbruecke"
CONFIG = {
    "schema": "upheld.config/1",
    "promises": ["promises.yaml"],
    "exceptions": "exceptions.yaml",
    "rules": ["our-rules/"],
    "output": [{"format": "json", "file": "findings.json"}],
    "collect": {"aws": [{"account": "111122223333", "role": "r", "external_id": {"env": "ID"}, "regions": ["eu-central-1"]}]},
}
PROMISES = {
    "schema": "upheld.promises/1",
    "policies": [{"id": "security", "file": "security.md"}],
    "promises": [{"id": "p", "policy": "security", "quote": "All.", "controls": [{"id": "mfa"}]}],
    "assume": [{"what": "111122223333 is empty", "owner": "o", "reason": "r", "expires": "2027-06-30"}],
}


def problems(name: str, data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(schemas.schema(name))
    return [f"{'/'.join(map(str, one.path))}: {one.message}" for one in validator.iter_errors(data)]


def read(file: Path) -> Any:
    return document.parse(file.read_text(encoding="utf-8"), file.name).data


@pytest.mark.parametrize("name", ["findings", "config", "promises", "rule", "profile", "tls-endpoint"])
def test_each_is_a_json_schema(name: str) -> None:
    schema = schemas.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False


def test_the_examples_promises_fit() -> None:
    assert problems("promises", read(EXAMPLE / "promises.yaml")) == []


def test_the_examples_configuration_fits() -> None:
    assert problems("config", read(EXAMPLE / "upheld.yaml")) == []
    assert problems("config", {**CONFIG, "collect": {"deadline": "15m", "aws": [{"account": "111122223333", "regions": "enabled"}]}}) == []


def test_every_shipped_rule_fits() -> None:
    assert [(rule.id, found) for rule in shipped().rules.values() if (found := problems("rule", rule.document.data))] == []


def test_every_shipped_profile_fits() -> None:
    files = sorted((folder() / "profiles").glob("*.yaml"))
    assert len(files) == 6
    assert [(file.name, found) for file in files if (found := problems("profile", read(file)))] == []


def test_what_the_program_takes_fits() -> None:
    assert problems("config", CONFIG) == []
    assert problems("promises", PROMISES) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("config", {**CONFIG, "region": "eu-central-1"}),
        ("config", {**CONFIG, "schema": "upheld.config/9"}),
        ("config", {**CONFIG, "output": [{"format": "xml"}]}),
        ("config", {**CONFIG, "collect": {"aws": [{"account": 111122223333}]}}),
        ("config", {**CONFIG, "collect": {"aws": [{"role": "r"}]}}),
        ("promises", {**PROMISES, "rules": []}),
        ("promises", {**PROMISES, "promises": [{"id": "p", "quote": "All.", "quantifier": "some", "controls": [{"id": "mfa"}]}]}),
        ("promises", {**PROMISES, "promises": [{"id": "Not An Id", "quote": "All.", "controls": [{"id": "mfa"}]}]}),
        ("promises", {"schema": "upheld.promises/1"}),
        ("rule", {"id": "r"}),
        ("findings", {"schema": "upheld.findings/1"}),
    ],
)
def test_what_the_program_refuses_does_not_fit(name: str, data: Any) -> None:
    assert problems(name, data) != []


@pytest.mark.parametrize("member", ["surprise", "upheld_unless"])
def test_a_rule_with_a_member_that_nobody_knows_does_not_fit(member: str) -> None:
    data = shipped().rules["aws-ebs-volume-encrypted"].document.data
    assert problems("rule", {**data, member: "x"}) != []
    assert problems("rule", {**data, "severity": "fatal"}) != []
