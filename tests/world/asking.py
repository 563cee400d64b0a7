"""Asking through the proxy with plain boto3 clients, once and without retries."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
)

from tests.world.faults import Fault
from tests.world.proxy import FaultProxy
from tests.world.servers import client

ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=4, connect_timeout=4)
BUCKET = "shop-logs"
DENY_HTTP = '{"Version":"2012-10-17","Statement":[]}'


def ask(proxy: FaultProxy, service: str, method: str, **params: Any) -> Any:
    return getattr(client(service, proxy.endpoint, config=ONCE), method)(**params)


def error_of(proxy: FaultProxy, service: str, method: str, **params: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        ask(proxy, service, method, **params)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


SAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "ec2": ("DescribeSecurityGroups", {}),
    "rds": ("DescribeDBInstances", {}),
    "sns": ("ListTopics", {}),
    "s3": ("GetBucketPolicy", {"Bucket": BUCKET}),
    "cloudfront": ("ListDistributions", {}),
    "kms": ("ListKeys", {}),
    "sqs": ("ListQueues", {}),
    "efs": ("DescribeFileSystems", {}),
    "lambda": ("ListFunctions", {}),
    "cloudwatch": ("DescribeAlarms", {}),
}
METHODS = {
    "DescribeSecurityGroups": "describe_security_groups",
    "DescribeDBInstances": "describe_db_instances",
    "ListTopics": "list_topics",
    "GetBucketPolicy": "get_bucket_policy",
    "ListDistributions": "list_distributions",
    "ListKeys": "list_keys",
    "ListQueues": "list_queues",
    "DescribeFileSystems": "describe_file_systems",
    "ListFunctions": "list_functions",
    "DescribeAlarms": "describe_alarms",
}


def sample(proxy: FaultProxy, service: str, kind: str) -> tuple[int, str, str]:
    operation, params = SAMPLES[service]
    proxy.inject(Fault(service, operation, kind))
    return error_of(proxy, service, METHODS[operation], **params)
