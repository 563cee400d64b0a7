"""What it costs to list 2,000 network security groups in 20 pages: upheld beside Azure's typed SDK, on the same double.

    python -m tests.bench.azure

CPU seconds are those of listing; imports are counted apart. upheld reads, cuts down and writes the estate; of
the SDK's models, the JSON is taken, and thrown away.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.world.arm_double import ArmDouble

SUBSCRIPTION = "7b0c2c4e-0000-4000-8000-000000000001"
GROUPS, PAGE = 2_000, 100
LIMIT_CPU, LIMIT_RSS = 0.6, 90.0
"""What upheld may take: CPU seconds, and MB of memory at its peak."""


def fill(double: ArmDouble) -> None:
    """Groups of four rules beside the six that each has, as ARM spells them."""
    double.subscribe(SUBSCRIPTION)
    double.page = PAGE
    for number in range(GROUPS):
        id_ = (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{number % 40}/providers/Microsoft.Network/networkSecurityGroups/nsg-{number}"
        )
        rules = [_rule(id_, "securityRules", index, name) for index, name in enumerate(("https", "ssh", "metrics", "deny"))]
        defaults = [_rule(id_, "defaultSecurityRules", index, f"default-{index}") for index in range(6)]
        double.put(id_, "Microsoft.Network/networkSecurityGroups", {
            "etag": f'W/"{number:08d}-0000-4000-8000-000000000000"', "location": "westeurope", "tags": {"tier": "app", "owner": "shop"},
            "properties": {
                "provisioningState": "Succeeded", "resourceGuid": f"{number:08d}-0000-4000-8000-000000000000",
                "securityRules": rules, "defaultSecurityRules": defaults,
                "networkInterfaces": [{"id": f"{id_.rpartition('/providers/')[0]}/providers/Microsoft.Network/networkInterfaces/nic-{number}"}],
            },
        })  # fmt: skip


def _rule(group: str, kind: str, index: int, name: str) -> dict[str, Any]:
    return {
        "name": name, "id": f"{group}/{kind}/{name}", "etag": 'W/"00000000-0000-4000-8000-000000000000"',
        "type": f"Microsoft.Network/networkSecurityGroups/{kind}",
        "properties": {
            "provisioningState": "Succeeded", "description": "as the shop needs it", "protocol": "Tcp", "sourcePortRange": "*",
            "sourcePortRanges": [], "destinationPortRanges": ["443", "8443"], "sourceAddressPrefix": "10.0.0.0/8",
            "sourceAddressPrefixes": [], "destinationAddressPrefix": "*", "destinationAddressPrefixes": [], "access": "Allow",
            "priority": 100 + index, "direction": "Inbound",
        },
    }  # fmt: skip


class Token:
    """A credential without a token endpoint: what is compared is listing."""

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(os.environ["BENCH_TOKEN"], int(time.time()) + 3600)


def with_upheld(url: str, folder: Path) -> Callable[[], int]:
    from agent.collect.aws.client import Deadline
    from agent.collect.azure.client import Answer, Arm
    from agent.collect.azure.collector import AzureCollector
    from agent.collect.azure.roles import Actions
    from agent.collect.azure.subscriptions import Entered
    from agent.collect.estate import EstateWriter
    from agent.config.azure import Azure
    from checks import catalogue
    from checks.document import parse

    files = sorted(Path("rules/azure/catalogue").glob("*.yaml"))
    kinds = catalogue.read(parse(file.read_text(), str(file)) for file in files)
    deadline, now = Deadline(time.monotonic() + 600), lambda: datetime.now(UTC)
    arm = Arm(url, "https://management.azure.com/.default", Token(), deadline, now)  # type: ignore[arg-type]
    settings = Azure(subscriptions=[SUBSCRIPTION], credential="cli", resource_graph=False)
    one = Entered(SUBSCRIPTION, arm, settings, "bench", Answer(({},)), Answer((Actions(("*/read",), ()),)), Answer(()), "westeurope")

    def work() -> int:
        plan = {"azure.network.networksecuritygroups": frozenset({"*"})}
        with EstateWriter(folder / "estate") as writer:
            AzureCollector(kinds, plan, writer, deadline, now, print).collect([one])
            return sum(1 for file in writer._folder.rglob("*.jsonl") for _ in file.open())

    return work


def with_sdk(url: str, folder: Path) -> Callable[[], int]:
    from azure.mgmt.network import NetworkManagementClient

    client = NetworkManagementClient(Token(), SUBSCRIPTION, base_url=url)

    def work() -> int:
        return sum(1 for group in client.network_security_groups.list_all() if group.as_dict()["properties"]["securityRules"])

    return work


WAYS = {"upheld": with_upheld, "azure-mgmt-network": with_sdk}


def child(way: str, url: str, folder: Path) -> None:
    """One way in a process of its own; prints what it took, as JSON."""
    import gc

    gc.set_threshold(100_000, 20, 20)  # as agent.cli.command sets it, for both
    work = WAYS[way](url, folder)
    imported = time.process_time()
    count = work()
    took = time.process_time() - imported
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"count": count, "imports": imported, "cpu": took, "rss": peak}))


def measured(way: str, double: ArmDouble, folder: Path) -> Mapping[str, float]:
    from tests.world.arm_double import token

    environment = {**os.environ, **double.environment, "BENCH_TOKEN": token()}
    command = [sys.executable, "-m", "tests.bench.azure", "--child", way, "--url", double.url, "--folder", str(folder)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--child", choices=WAYS)
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.url, options.folder)
        return 0
    from tests.world.arm_double import arm_double

    with TemporaryDirectory() as name, arm_double(Path(name) / "tls") as double:
        fill(double)
        runs = {}
        for way in WAYS:
            (Path(name) / way).mkdir()
            runs[way] = measured(way, double, Path(name) / way)
            assert runs[way]["count"] == GROUPS, runs[way]
    print(f"{GROUPS} network security groups in {GROUPS // PAGE} pages")
    for way, took in runs.items():
        print(f"{way:20} {took['cpu']:6.2f} CPU s to list   {took['rss']:6.1f} MB   {took['imports']:5.2f} CPU s to start")
    ours, theirs = runs["upheld"], runs["azure-mgmt-network"]
    print(f"ratio                {theirs['cpu'] / ours['cpu']:6.1f}x CPU           {theirs['rss'] / ours['rss']:6.1f}x memory")
    within = ours["cpu"] <= LIMIT_CPU and ours["rss"] <= LIMIT_RSS
    print(f"limits               {LIMIT_CPU} CPU s, {LIMIT_RSS:.0f} MB: {'held' if within else 'NOT held'}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
