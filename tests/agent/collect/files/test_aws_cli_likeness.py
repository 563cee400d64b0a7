"""Files and AWS say the same: what the CLI would have printed gives the estate that was collected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from agent.collect.aws.accounts import Entered
from agent.collect.aws.client import Account, Deadline, Halt, Page
from agent.collect.aws.collector import AwsCollector
from agent.collect.estate import EstateWriter, read_estate
from agent.collect.wire import rfc3339
from checks.catalogue import Catalogue, TagCall
from checks.model import GLOBAL, Manifest, Resource, Scope, digest
from checks.plan import TAGS
from tests.agent.collect.files.cli_folders import book, imported, put
from tests.conftest import Estate as World
from tests.world import shop
from tests.world.servers import ACCOUNT as MOTO_ACCOUNT
from tests.world.servers import CREDENTIALS, environment

# -- files and AWS say the same ----------------------------------------------------------------------------------------


CONSTANTS = {"default", "resource-id", "Share", "Parameter", "createVolumePermission"}
"""What stands in parameters before the name of the resource."""


@dataclass
class Scribe:
    """An account whose answers are written down as the CLI prints them, each under the name of its call."""

    account: Account
    folder: Path
    names: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        return self.account.id

    @property
    def partition(self) -> str:
        return self.account.partition

    @property
    def in_bulk(self) -> bool:
        return True

    def call(self, service: str, region: str, operation: str, params: Mapping[str, Any]) -> Page | Halt:
        answer = self.account.call(service, region, operation, params)
        if isinstance(answer, Page):
            resource = next((text for text in _texts(params) if text not in CONSTANTS), "")
            lists = any(
                (kind.service, kind.list_.call, kind.list_.params) == (service, operation, params)
                for kind in book().catalogue.values()
                if kind.list_ != "none"
            )
            about = f"@{quote(resource, safe='')}" if resource and not lists else ""
            asked = digest(params)[:4]
            for number, page in enumerate(answer.pages):
                said = {name: held for name, held in page.items() if number + 1 == len(answer.pages) or name not in {"NextToken", "Marker"}}
                put(
                    self.folder,
                    {f"{self.id}/{region}/{service}.{operation}.{asked}-{number}{about}.json": json.dumps(said, default=str).encode()},
                )
        return answer


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for held in value.values() for text in _texts(held)]
        case list():
            return [text for held in value for text in _texts(held)]
    return []


def comparable(resources: Mapping[str, tuple[Resource, ...]], catalogue: Catalogue) -> dict[tuple[str, ...], Any]:
    """Resources without what only AWS can say: that there is none of a detail."""
    found: dict[tuple[str, ...], Any] = {}
    for type_, held in resources.items():
        none = {detail.into for detail in catalogue[type_].detail if detail.not_configured}
        for one in held:
            data = {name: value for name, value in one.data.items() if not (value is None and name in none)}
            tags = one.tags if not isinstance(catalogue[type_].tags, TagCall) else one.tags or None
            found[type_, one.account, one.region, one.id] = (data, tags, one.listed_in)
    return found


def test_what_is_imported_is_what_was_collected(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**environment(world.proxy.endpoint), **CREDENTIALS}.items():
        monkeypatch.setenv(name, value)
    kinds = {name: kind for name, kind in book().catalogue.items() if name.startswith("aws.")}
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    deadline = Deadline(float("1e9"), lambda: 0.0)
    scribe = Scribe(Account(MOTO_ACCOUNT, boto3.Session(region_name=shop.HOME), deadline, 1, lambda: now), tmp_path / "src")
    with EstateWriter(tmp_path / "live") as writer:
        regions = scribe.call("ec2", GLOBAL, "DescribeRegions", {"AllRegions": True})
        plan = {name: frozenset({"*", TAGS}) for name in kinds}
        AwsCollector(kinds, plan, writer, deadline, lambda: now).collect([Entered(scribe, "", (shop.HOME,), regions)])
        scope = Scope({MOTO_ACCOUNT: (shop.HOME,)}, tuple(sorted(kinds)))
        writer.finish(Manifest("upheld.estate/1", rfc3339(now), rfc3339(now), "test", {}, None, scope))
    live = comparable(read_estate(tmp_path / "live").resources, kinds)
    from_files = comparable(imported(tmp_path / "src", at=rfc3339(now)).resources, kinds)
    assert {key for key in live if not key[0].startswith("aws.ec2.region")} <= set(from_files)
    assert from_files == live
    assert len({key[0] for key in live}) > 30
