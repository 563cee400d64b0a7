"""`upheld import az-cli`, and what is judged, compared and told of its estates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agent.collect.files.azure_files import (
    AT,
    EXPORTED,
    NSG,
    NSG_ID,
    NSGS,
    PLACED,
    SUBSCRIPTION,
    WAREHOUSE,
    envelope,
    put,
)
from tests.conftest import Ended, upheld

RULE_FILE = """
id: azure-storage-https-only
title: Storage account takes HTTPS only
control: encryption-in-transit
severity: high
resource: azure.storage.storageaccounts
upheld_if: resource.properties.supportsHttpsTrafficOnly
remedy: Require secure transfer.
source: "Azure Storage documentation, Require secure transfer"
examples:
  upheld:   [ {properties: {supportsHttpsTrafficOnly: true}} ]
  broken:   [ {properties: {supportsHttpsTrafficOnly: false}} ]
  unproven: [ {properties: {}} ]
"""


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A folder with a rule of one's own on an Azure type."""
    put(tmp_path, {"own/azure-storage-https-only.yaml": RULE_FILE.encode(), "upheld.yaml": b"schema: upheld.config/1\nrules: [own/]\n"})
    return tmp_path


def storage(name: str, **properties: Any) -> dict[str, Any]:
    return envelope("Microsoft.Storage", "storageAccounts", name, properties)


def command(folder: Path, held: Any, *options: str) -> Ended:
    put(folder / "src", {"storage.json": held})
    done = upheld("import", "az-cli", "src", "-o", "estate", "--collected-at", AT, *options, cwd=folder)
    assert (done.code, done.err) == (0, "")
    return upheld("check", "--estate", "estate", "--max-age", "0", "--all-rules", "--format", "json", cwd=folder)


def own(done: Ended) -> list[dict[str, Any]]:
    """What the rule of one's own found, beside those that come with the program."""
    return [one for one in done.report["findings"] if one["rule"] == "azure-storage-https-only"]


def test_a_rule_on_an_azure_type_judges_an_imported_estate(judged: Path) -> None:
    done = command(
        judged,
        [
            storage("good", supportsHttpsTrafficOnly=True),
            storage("bad", supportsHttpsTrafficOnly=False),
            storage("silent", minimumTlsVersion="TLS1_2"),
        ],
    )
    verdicts = {one["resource"]["id"].rsplit("/", 1)[-1]: one["verdict"] for one in own(done)}
    assert verdicts == {"good": "upheld", "bad": "broken", "silent": "unproven", "*": "unproven"}
    assert done.code == 1


@pytest.mark.parametrize(
    ("value", "verdict"), [(True, "upheld"), (False, "broken"), ("true", "unproven"), (2**70, "unproven"), (None, "unproven")]
)
def test_a_value_of_another_type_is_never_upheld(judged: Path, value: Any, verdict: str) -> None:
    done = command(
        judged, [storage("one", supportsHttpsTrafficOnly=value, allowBlobPublicAccess=False)], "--assert-complete", "ops@shop.example"
    )
    (finding,) = own(done)
    assert finding["verdict"] == verdict


def test_an_asserted_list_is_an_assumption_of_its_findings(judged: Path) -> None:
    done = command(judged, [storage("good", supportsHttpsTrafficOnly=True)], "--assert-complete", "ops@shop.example")
    (finding,) = own(done)
    assert finding["evidence"]["assumptions"] == ["ops@shop.example asserts that the imported files hold all there is"]


def test_a_contradiction_is_an_unproven_finding(judged: Path) -> None:
    done = command(
        judged,
        [storage("one", supportsHttpsTrafficOnly=True), storage("one", supportsHttpsTrafficOnly=False)],
        "--assert-complete",
        "ops@shop.example",
    )
    assert [one["verdict"] for one in own(done)] == ["unproven"]


def test_without_rules_nothing_is_judged_and_that_is_said(tmp_path: Path) -> None:
    put(tmp_path / "src", {"nsg.json": [NSG]})
    upheld("import", "az-cli", "src", "-o", "estate", "--collected-at", AT, cwd=tmp_path)
    done = upheld("check", "--estate", "estate", "--max-age", "0", "--all-rules", cwd=tmp_path)
    assert done.code == 3
    assert "there is nothing to judge: no rule is about anything in this estate" in done.out


def test_two_imports_can_be_compared(tmp_path: Path) -> None:
    changed = {**NSG, "id": NSG["id"].upper(), "properties": {**NSG["properties"], "securityRules": []}}
    for name, held in {"a": NSG, "b": changed}.items():
        put(tmp_path / name, {"nsg.json": [held]})
        upheld("import", "az-cli", name, "-o", f"estate-{name}", "--collected-at", AT, cwd=tmp_path)
    done = upheld("diff", "estate-a", "estate-b", cwd=tmp_path)
    assert f"changed  {NSGS} {NSG_ID.lower()} in {SUBSCRIPTION}/westeurope" in done.out
    assert "properties.securityRules" in done.out


def test_the_same_files_give_the_same_estate(tmp_path: Path) -> None:
    put(tmp_path / "src", {"a.json": WAREHOUSE, PLACED: EXPORTED})
    for name in ("one", "two"):
        assert upheld("import", "az-cli", "src", "-o", name, "--collected-at", AT, cwd=tmp_path).code == 0
    one, two = (
        {file.relative_to(tmp_path / name): file.read_bytes() for file in (tmp_path / name).rglob("*") if file.is_file()}
        for name in ("one", "two")
    )
    assert one == two


def test_an_error_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    put(tmp_path / "src", {"a.json": b"{"})
    done = upheld("import", "az-cli", "src", "-o", "estate", cwd=tmp_path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert done.err.startswith("upheld: src/a.json:1: not JSON")
    assert upheld("import", "aws-cli", "src", "-o", "estate", "--resource-group", "g", cwd=tmp_path).code == 2


def test_the_summary_tells_what_was_left_out(tmp_path: Path) -> None:
    catalog = envelope("Microsoft.Purview", "accounts", "data", {})
    put(
        tmp_path / "src",
        {"a.json": {"value": [NSG, catalog], "nextLink": "https://management.azure.com/next"}, PLACED: EXPORTED, "notes.txt": b"x"},
    )
    done = upheld("import", "az-cli", "src", "-o", "estate", cwd=tmp_path)
    assert "left out: 1 of Microsoft.Purview/accounts" in done.out
    assert "not complete: a.json: its nextLink says that there are more" in done.out
    assert f"not told: {NSG_ID.lower()}" in done.out
    assert f"templates, which say what was to be deployed: {PLACED}" in done.out
    assert "not used: notes.txt" in done.out
    assert "what is not in the files is not collected" in done.out
