"""One moto server for the whole run, the fictional shop in it, and the command as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.world import shop
from tests.world.likeness import make_like_aws
from tests.world.proxy import FaultProxy
from tests.world.servers import ACCOUNT, Moto, environment, moto


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.out)


def upheld(*arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ended:
    """Run the command, isolated as it is installed."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "UPHELD_"))}
    command = [sys.executable, "-I", "-m", "agent.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env={**settings, **(env or {})}, capture_output=True, text=True, timeout=200, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def server() -> Iterator[Moto]:
    with moto() as running:
        yield running


@dataclass(frozen=True)
class Estate:
    """The shop, and the proxy that it is reached through."""

    shop: shop.Shop
    proxy: FaultProxy

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.proxy.endpoint)


@pytest.fixture(scope="session")
def populated(server: Moto) -> Iterator[Estate]:
    with FaultProxy(server.endpoint, s3_defaults=True) as proxy:
        make_like_aws(proxy)
        yield Estate(shop.populate(proxy.endpoint), proxy)


@pytest.fixture
def world(populated: Estate) -> Iterator[Estate]:
    """The shop in two regions, without faults."""
    populated.proxy.clear()
    populated.proxy.enable_regions([shop.HOME, shop.SECOND])
    yield populated
    populated.proxy.clear()


def configuration(folder: Path, *, regions: str = f"[{shop.HOME}]", more: str = "", account: str = ACCOUNT) -> Path:
    """An upheld.yaml for the shop's account."""
    file = folder / "upheld.yaml"
    file.write_text(f'schema: upheld.config/1\ncollect: {{deadline: 5m, aws: [{{account: "{account}", regions: {regions}}}]}}\n{more}')
    return file
