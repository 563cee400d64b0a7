"""One moto server for the whole run, the fictional shop in it, and the command as a user runs it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

from agent.cli import main
from tests.world import log_bucket as logs
from tests.world import shop
from tests.world.arm_double import ArmDouble, arm_double
from tests.world.likeness import make_like_aws
from tests.world.proxy import FaultProxy
from tests.world.servers import ACCOUNT, Moto, environment, moto

# No deadlines: they fail on a busy machine, and say nothing of the code. `make laws` draws as many as `thorough` says.
settings.register_profile("everyday", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("everyday")

LONG: Final = (
    "agent/daemon/test_daemon", "logs/test_spark", "test_readme", "agent/test_check_logs", "agent/collect/aws/test_live",
    "agent/daemon/test_clock_stepped", "ledger/test_harnesses", "faults/test_soundness", "logs/test_kills", "agent/collect/tls/test_bed",
    "agent/collect/azure/test_network_live", "checks/network/test_walk", "agent/daemon/test_change_run", "agent/ledger/test_postgresql",
    "agent/collect/logs/test_dripping", "soak/test_agent_day", "agent/test_telling", "world/test_proxy_answers",
)  # fmt: skip
"""The files that take longest. They are begun first: one that is begun last would leave all but one process without work."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: place for place, name in enumerate(LONG)}
    root = Path(__file__).parent
    items.sort(key=lambda item: ranks.get(item.path.relative_to(root).with_suffix("").as_posix(), len(LONG)))


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
    """Run the command as a user does, in this process: loading the rules once is enough for all tests."""
    out, err = io.StringIO(), io.StringIO()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "UPHELD_"))}
    environ = mock.patch.dict(os.environ, {**kept, **(env or {})}, clear=True)
    with environ, contextlib.chdir(cwd or Path.cwd()), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ending:
            code = int(ending.code or 0)
    return Ended(code, out.getvalue(), err.getvalue())


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


@pytest.fixture(scope="session")
def log_bucket(server: Moto) -> Iterator[logs.LogBucket]:
    with FaultProxy(server.endpoint) as proxy:
        yield logs.make(server.endpoint, proxy)


@pytest.fixture
def bucket(log_bucket: logs.LogBucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[logs.LogBucket]:
    """An empty bucket for logs, in an account of its own, without faults; entered. Between attempts nothing is waited for."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    log_bucket.proxy.clear()
    log_bucket.forget()
    log_bucket.empty()
    log_bucket.proxy.clear()
    with log_bucket.entered():
        yield log_bucket
    log_bucket.proxy.clear()


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArmDouble]:
    with arm_double(tmp_path_factory.mktemp("azure")) as running:
        yield running


@pytest.fixture
def azure(azure_server: ArmDouble) -> ArmDouble:
    """The double of Azure, empty."""
    azure_server.clear()
    return azure_server
