"""Which calls the proxy lets go wrong, and listings in pages."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    PaginationError,
)

from tests.world.asking import BUCKET, ONCE, SAMPLES, ask, error_of
from tests.world.faults import Fault, Kind
from tests.world.inflict import applicable
from tests.world.proxy import FaultProxy
from tests.world.servers import client

# --- pages


LISTINGS = [
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("kms", "list_keys", "Keys", "KeyId"),
    ("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
]


@pytest.mark.parametrize(("service", "method", "member", "identity"), LISTINGS)
def test_a_listing_in_pages_is_the_same_listing(proxy: FaultProxy, service: str, method: str, member: str, identity: str) -> None:
    whole = [item[identity] for item in ask(proxy, service, method)[member]]
    proxy.paginate(service, SAMPLES[service][0], 2)
    pages = list(client(service, proxy.endpoint).get_paginator(method).paginate())
    assert len(pages) == (len(whole) + 1) // 2 > 1
    assert [item[identity] for page in pages for item in page[member]] == whole


@pytest.mark.parametrize(("service", "method", "member", "identity"), LISTINGS)
def test_a_lost_page_is_an_error_on_the_second_page(proxy: FaultProxy, service: str, method: str, member: str, identity: str) -> None:
    whole = ask(proxy, service, method)[member]
    proxy.inject(Fault(service, SAMPLES[service][0], "lost_page"))
    pages = iter(client(service, proxy.endpoint, config=ONCE).get_paginator(method).paginate())
    first = next(pages)[member]
    assert [item[identity] for item in first] == [item[identity] for item in whole[: len(whole) // 2]]
    with pytest.raises(ClientError):
        next(pages)


@pytest.mark.parametrize(("service", "method", "member", "identity"), LISTINGS[3:])
def test_a_cut_page_looks_like_the_end_to_botocore(proxy: FaultProxy, service: str, method: str, member: str, identity: str) -> None:
    whole = [item[identity] for item in ask(proxy, service, method)[member]]
    proxy.inject(Fault(service, SAMPLES[service][0], "page_cut"))
    pages = client(service, proxy.endpoint, config=ONCE).get_paginator(method).paginate()
    assert [item[identity] for page in pages for item in page.get(member) or []] == whole[: len(whole) // 2]


def test_a_loop_of_pages_is_noticed_by_botocores_paginator(proxy: FaultProxy) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", "page_loop"))
    with pytest.raises(PaginationError):
        list(client("ec2", proxy.endpoint).get_paginator("describe_security_groups").paginate())


def test_a_listing_that_the_emulator_pages_can_lose_its_second_page(proxy: FaultProxy) -> None:
    proxy.inject(Fault("kms", "ListKeys", "lost_page"))
    with pytest.raises(ClientError):
        list(client("kms", proxy.endpoint, config=ONCE).get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1}))


# --- which calls


def test_only_the_call_about_the_named_thing_goes_wrong(proxy: FaultProxy) -> None:
    client("s3", proxy.endpoint).create_bucket(Bucket="other", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    proxy.inject(Fault("s3", "GetBucketAcl", "deny", match=BUCKET))
    assert ask(proxy, "s3", "get_bucket_acl", Bucket="other")["Grants"]
    assert error_of(proxy, "s3", "get_bucket_acl", Bucket=BUCKET)[1] == "AccessDenied"


def test_a_fault_may_strike_the_first_times_or_the_nth_time_only(proxy: FaultProxy) -> None:
    def outcomes() -> list[bool]:
        results = []
        for _ in range(4):
            try:
                ask(proxy, "sns", "list_topics")
            except ClientError:
                results.append(False)
            else:
                results.append(True)
        return results

    proxy.inject(Fault("sns", "ListTopics", "deny", times=2))
    assert outcomes() == [False, False, True, True]
    proxy.clear()
    proxy.inject(Fault("sns", "ListTopics", "deny", nth=3))
    assert outcomes() == [True, True, False, True]


def test_a_passing_fault_is_healed_by_a_retry(proxy: FaultProxy) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", "reset", times=1))
    assert client("ec2", proxy.endpoint).describe_security_groups()["SecurityGroups"]
    assert [call.operation for call in proxy.calls] == ["DescribeSecurityGroups"] * 2


def test_a_fault_may_keep_to_a_region_or_an_account(proxy: FaultProxy) -> None:
    proxy.inject(Fault("*", "*", "deny", region="eu-west-1"), Fault("sns", "*", "deny", account="222222222222"))
    with pytest.raises(ClientError):
        client("sqs", proxy.endpoint, "eu-west-1", config=ONCE).list_queues()
    with pytest.raises(ClientError):
        client("sns", proxy.endpoint, account="222222222222", config=ONCE).list_topics()
    assert client("sns", proxy.endpoint).list_topics()["Topics"]


def test_calls_are_listed_with_what_they_asked(proxy: FaultProxy) -> None:
    ask(proxy, "s3", "get_bucket_acl", Bucket=BUCKET)
    client("sts", proxy.endpoint, "eu-west-1", account="222222222222").get_caller_identity()
    found = [(call.action, call.region, call.account) for call in proxy.calls]
    assert found == [
        ("s3:GetBucketAcl", "eu-central-1", "123456789012"),
        ("sts:AssumeRole", "eu-central-1", "123456789012"),
        ("sts:GetCallerIdentity", "eu-west-1", "222222222222"),
    ]
    assert proxy.calls[0].params["Bucket"] == BUCKET


def test_pages_are_lost_only_where_there_are_pages() -> None:
    assert applicable(Kind.LOST_PAGE, "ec2", "DescribeSecurityGroups")
    assert not applicable(Kind.LOST_PAGE, "s3", "GetBucketPolicy")
    assert not applicable(Kind.MISSING_MEMBER, "s3", "HeadBucket")
