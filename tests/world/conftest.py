"""A moto server with a few things of each kind, behind the proxy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world.asking import BUCKET, DENY_HTTP, METHODS, SAMPLES, ask
from tests.world.player import Tape
from tests.world.proxy import FaultProxy
from tests.world.servers import client, moto


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    with moto() as server, FaultProxy(server.endpoint) as started:
        fill(started.endpoint)
        yield started


@pytest.fixture(autouse=True)
def no_fault_left(proxy: FaultProxy) -> Iterator[None]:
    proxy.clear()
    yield
    proxy.clear()


def fill(endpoint: str) -> None:
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=DENY_HTTP)
    ec2 = client("ec2", endpoint)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for number in range(4):
        ec2.create_security_group(GroupName=f"group-{number}", Description="test", VpcId=vpc)
    for number in range(3):
        client("sns", endpoint).create_topic(Name=f"topic-{number}")
        client("sqs", endpoint).create_queue(QueueName=f"queue-{number}")
        client("kms", endpoint).create_key()
        client("efs", endpoint).create_file_system(CreationToken=f"files-{number}")
        client("rds", endpoint).create_db_instance(
            DBInstanceIdentifier=f"db-{number}",
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            MasterUsername="master",
            MasterUserPassword="not-a-secret",
            AllocatedStorage=20,
        )


# --- below botocore


@pytest.fixture(scope="module")
def tape(proxy: FaultProxy) -> Tape:
    recorded = Tape()
    proxy.clear()
    proxy.tape, before = recorded, proxy.tape
    for operation, params in SAMPLES.values():
        service = next(name for name, found in SAMPLES.items() if found[0] == operation)
        ask(proxy, service, METHODS[operation], **params)
    proxy.tape = before
    return recorded
