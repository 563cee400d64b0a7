"""From an event in a queue to the first verdict in the ledger, on an estate of 10,000 resources; beside a run about all of it.

    python -m tests.bench.changes [--scale 35] [--events 5]

The agent runs as a process with all rules, against the emulator; the events are as EventBridge puts them into SQS, each about a
security group that was opened to the internet just before. Ratios are to the limit of 5 s, and to the run about everything.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from tests.bench import estate285
from tests.bench.measure import table
from tests.world.likeness import make_like_aws
from tests.world.proxy import FaultProxy
from tests.world.servers import ACCOUNT, client, environment, moto

LIMIT = 5.0
"""Seconds from a queue's answer to the first recorded verdict."""
CONFIGURATION = """schema: upheld.config/1
state: state
collect: {{deadline: 1h, aws: [{{account: "{account}", regions: [{region}]}}]}}
agent:
  splay: 0
  metrics: null
  every: {{policy: 1d}}
  changes: [{{sqs: {{queue: "{queue}", region: {region}}}}}]
"""


def event(group: str, number: int) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = {
        "eventTime": now, "eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress", "awsRegion": estate285.REGION,
        "recipientAccountId": ACCOUNT, "readOnly": False, "requestParameters": {"groupId": group},
    }  # fmt: skip
    return json.dumps({
        "version": "0", "id": f"bench-{number}", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2", "account": ACCOUNT,
        "time": now, "region": estate285.REGION, "resources": [], "detail": detail,
    })  # fmt: skip


def lines(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    for line in stream:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def cpu(process: int) -> float:
    """CPU seconds of a process so far."""
    held = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(held[11]) + int(held[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> int:
    """MB of a process in memory."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def until(told: Iterator[dict[str, Any]], name: str, **of: Any) -> dict[str, Any]:
    for line in told:
        if line.get("level") in {"error", "warning"}:
            print(line, file=sys.stderr)
        if line.get("event") == name and of.items() <= line.items():
            return line
    raise RuntimeError(f"the agent ended before {name}")


def measure(endpoint: str, folder: Path, events: int) -> list[tuple[object, ...]]:
    sqs, ec2 = client("sqs", endpoint), client("ec2", endpoint)
    groups = [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] != "default"]
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    (folder / "upheld.yaml").write_text(CONFIGURATION.format(account=ACCOUNT, region=estate285.REGION, queue=queue))
    with FaultProxy(endpoint) as proxy:
        make_like_aws(proxy)
        command = [str(Path(sys.executable).parent / "upheld"), "agent"]
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment(proxy.endpoint)}, stderr=subprocess.PIPE)
        try:
            assert process.stderr is not None
            told = lines(process.stderr)
            whole = until(told, "run-ended", kind="whole")
            spent = cpu(process.pid)
            print(f"a run about everything: {whole['seconds']} s, {spent:.1f} CPU s, {len(proxy.calls)} calls", flush=True)
            rows: list[tuple[object, ...]] = [
                ("a run about everything", whole["seconds"], round(spent, 1), len(proxy.calls), "", "", resident(process.pid))
            ]
            for number in range(events):
                asked, before = len(proxy.calls), cpu(process.pid)
                ec2.authorize_security_group_ingress(
                    GroupId=groups[number], IpProtocol="tcp", FromPort=5432 + number, ToPort=5432 + number, CidrIp="0.0.0.0/0"
                )
                sqs.send_message(QueueUrl=queue, MessageBody=event(groups[number], number))
                done = until(told, "changes-recorded")
                time.sleep(1)
                print(done["seconds_since_receipt"], flush=True)
                seconds, used = done["seconds_since_receipt"], cpu(process.pid) - before
                calls = sum(call.service != "sqs" for call in proxy.calls[asked:])
                rows.append(
                    (
                        f"event {number + 1}",
                        seconds,
                        round(used, 1),
                        calls,
                        f"{seconds / LIMIT:.2f}",
                        f"{used / spent:.3f}",
                        resident(process.pid),
                    )
                )
            return rows
        finally:
            process.terminate()
            process.wait(60)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=35)
    parser.add_argument("--events", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, moto() as server:
        made = estate285.build(server.endpoint, options.scale)
        print(f"{sum(made.values())} resources; load {os.getloadavg()[0]:.1f}", flush=True)
        rows = measure(server.endpoint, Path(folder), options.events)
    print(table([("", "s from receipt to record", "CPU s", "calls", f"of {LIMIT:.0f} s", "of the whole run's CPU", "MB then"), *rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
