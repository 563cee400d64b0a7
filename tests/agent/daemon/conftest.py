"""A town for each test: an account of its own in the moto server of the whole run, emptied before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.agent.daemon.town import REGION, SECOND, Town
from tests.world.proxy import FaultProxy
from tests.world.servers import Moto


@pytest.fixture(scope="session")
def _road(server: Moto) -> Iterator[FaultProxy]:
    with FaultProxy(server.endpoint, s3_defaults=True) as proxy:
        yield proxy


@pytest.fixture
def town(_road: FaultProxy, tmp_path: Path) -> Iterator[Town]:
    """Its queue is fed by a rule for calls that CloudTrail recorded."""
    _road.clear()
    one = Town(_road, tmp_path)
    sqs, events = one.client("sqs"), one.client("events")
    one.queue = sqs.create_queue(QueueName=f"changes-{tmp_path.name[:60]}", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=one.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"detail-type": ["AWS API Call via CloudTrail"]}
    events.put_rule(Name="changes", EventPattern=json.dumps(pattern), State="ENABLED")
    events.put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": arn}])
    _road.clear()
    with mock.patch.dict("os.environ", {**one.environment, "UPHELD_STATE": str(tmp_path / "state")}):
        yield one
    _road.clear()
    events.remove_targets(Rule="changes", Ids=["queue"])
    sqs.delete_queue(QueueUrl=one.queue)


@pytest.fixture
def acls(town: Town) -> list[str]:
    """The ACLs of two networks, the second in another region; each lets nobody in."""
    held = []
    for region in (REGION, SECOND):
        ec2 = town.client("ec2", region)
        network = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        ec2.create_subnet(VpcId=network, CidrBlock="10.1.1.0/24")
        for acl in ec2.describe_network_acls()["NetworkAcls"]:  # also that of the network that every account has
            town.admit(acl["NetworkAclId"], "deny", region)
            if acl["VpcId"] == network:
                held.append(acl["NetworkAclId"])
    town.proxy.clear()
    return held
