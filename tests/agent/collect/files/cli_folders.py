"""Folders of what the CLI printed, and what an import makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from agent import rulebook
from agent.collect.estate import read_estate
from agent.collect.files.aws_cli import import_folder
from agent.rulebook import Rulebook
from checks.judge import bind, judge
from checks.model import GLOBAL, Estate, Finding, Place, Resource

ACCOUNT, REGION = "111122223333", "eu-central-1"
HERE, EVERYWHERE = Place(ACCOUNT, REGION), Place(ACCOUNT, GLOBAL)
AT = "2026-11-20T12:00:00Z"
FOLDER = f"{ACCOUNT}/{REGION}"
ENCRYPTED = {"VolumeId": "vol-1", "Encrypted": True, "State": "in-use", "Size": 8, "CreateTime": "2026-01-02T03:04:05+00:00"}
PLAIN = {"VolumeId": "vol-2", "Encrypted": False, "State": "in-use", "Size": 8, "CreateTime": "2026-01-02T03:04:05+00:00"}
ENCRYPTION = {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}
BUCKETS = {"Buckets": [{"Name": "shop", "BucketRegion": REGION, "CreationDate": "2026-01-02T03:04:05+00:00"}], "Owner": {"ID": "o"}}


def put(folder: Path, held: Mapping[str, Any]) -> Path:
    """The folder, with a JSON file for each path."""
    for name, data in held.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return folder


def run(source: Path, *, account: str | None = None, region: str | None = None, at: str | None = AT, by: str | None = None) -> str:
    return import_folder(source, source.parent / "estate", account=account, region=region, collected_at=at, asserted_by=by)


def imported(source: Path, **options: str | None) -> Estate:
    run(source, **options)
    return read_estate(source.parent / "estate")


@cache
def book() -> Rulebook:
    return rulebook.load()


def findings(estate: Estate, rule: str) -> dict[str, Finding]:
    """Resource id -> finding of one shipped rule."""
    bound = bind([book().rules[rule]], [], every=True)
    return {finding.resource.id: finding for finding in judge(estate, book().catalogue, bound, {})}


def verdicts(estate: Estate, rule: str) -> dict[str, str]:
    return {name: str(finding.verdict) for name, finding in findings(estate, rule).items()}


def only(estate: Estate, type_: str) -> Resource:
    (resource,) = estate.of(type_)
    return resource


# -- details -----------------------------------------------------------------------------------------------------------


def buckets(**more: Any) -> dict[str, Any]:
    details = {f"{FOLDER}/s3api.{name.replace('_', '-')}@shop.json": held for name, held in more.items()}
    return {f"{FOLDER}/s3api.list-buckets.json": BUCKETS, **details}
