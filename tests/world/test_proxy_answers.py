"""What the proxy answers in the emulator's place, and what it changes of its answers."""

from __future__ import annotations

import contextlib
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
)

from tests.world.asking import ONCE, ask
from tests.world.likeness import make_like_aws
from tests.world.planted import PLANTED
from tests.world.proxy import FaultProxy
from tests.world.servers import client, moto
from tests.world.shop import populate, with_old_access_key

# --- instead of the emulator


def test_the_proxy_can_answer_for_a_service_that_the_emulator_lacks(proxy: FaultProxy) -> None:
    views = {
        "Resources": [{"Arn": "arn:aws:s3:::x", "ResourceType": "s3:bucket"}],
        "Count": {"TotalResources": 1, "Complete": True},
    }
    proxy.answer("resource-explorer-2", "Search", views)
    answer = client("resource-explorer-2", proxy.endpoint).search(QueryString="*")
    assert answer["Resources"] == views["Resources"]


@pytest.mark.parametrize(
    ("service", "operation", "method", "params", "result"),
    [
        (
            "ec2",
            "DescribeVolumes",
            "describe_volumes",
            {},
            {"Volumes": [{"VolumeId": "vol-1", "Encrypted": True, "Size": 8}]},
        ),
        (
            "rds",
            "DescribeDBClusters",
            "describe_db_clusters",
            {},
            {"DBClusters": [{"DBClusterIdentifier": "c", "VpcSecurityGroups": []}]},
        ),
        ("s3", "ListBuckets", "list_buckets", {}, {"Buckets": [{"Name": "x"}], "Owner": {"ID": "me"}}),
        (
            "s3",
            "GetBucketEncryption",
            "get_bucket_encryption",
            {"Bucket": "x"},
            {"ServerSideEncryptionConfiguration": {"Rules": [{"BucketKeyEnabled": True}]}},
        ),
        ("s3", "GetBucketPolicy", "get_bucket_policy", {"Bucket": "x"}, {"Policy": "{}"}),
        ("sqs", "ListQueues", "list_queues", {}, {"QueueUrls": ["http://q"]}),
        ("eks", "ListClusters", "list_clusters", {}, {"clusters": ["one"]}),
    ],
)
def test_an_answer_is_written_so_that_the_sdk_reads_it_back(
    proxy: FaultProxy, service: str, operation: str, method: str, params: dict[str, Any], result: dict[str, Any]
) -> None:
    proxy.answer(service, operation, result)
    answer = ask(proxy, service, method, **params)
    assert {name: answer[name] for name in result} == result


def test_new_buckets_can_start_as_they_do_on_aws() -> None:
    with moto() as server, FaultProxy(server.endpoint, s3_defaults=True) as aws:
        s3 = client("s3", aws.endpoint, config=ONCE)
        s3.create_bucket(Bucket="fresh", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        rules = s3.get_bucket_encryption(Bucket="fresh")["ServerSideEncryptionConfiguration"]["Rules"]
        assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert all(s3.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"].values())
        s3.delete_public_access_block(Bucket="fresh")
        with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
            s3.get_public_access_block(Bucket="fresh")


def test_an_error_of_the_proxy_itself_is_not_a_fault_that_passes_for_one(proxy: FaultProxy) -> None:
    def careless(_: Any) -> None:
        raise LookupError

    outer = FaultProxy(proxy.endpoint)
    outer.amend("sns", "ListTopics", careless)

    def ask_once() -> None:
        with outer, contextlib.suppress(ConnectionClosedError):
            client("sns", outer.endpoint, config=ONCE).list_topics()

    with pytest.raises(LookupError):
        ask_once()


def test_an_account_has_the_regions_that_it_is_given(proxy: FaultProxy) -> None:
    proxy.enable_regions(["eu-central-1", "eu-west-1"], off=["af-south-1"])
    ec2 = client("ec2", proxy.endpoint)
    assert [region["RegionName"] for region in ec2.describe_regions()["Regions"]] == ["eu-central-1", "eu-west-1"]
    assert ec2.describe_regions(AllRegions=True)["Regions"][-1]["OptInStatus"] == "not-opted-in"


def test_an_amendment_changes_every_answer_and_outlives_clear(proxy: FaultProxy) -> None:
    def mark(root: ET.Element) -> None:
        for topic in root.iterfind("ListTopicsResult/Topics/member/TopicArn"):
            topic.text = "amended"

    proxy.amend("sns", "ListTopics", mark)
    proxy.clear()
    assert {topic["TopicArn"] for topic in ask(proxy, "sns", "list_topics")["Topics"]} == {"amended"}
    proxy.amend("sns", "ListTopics", lambda _: None)


def test_moto_answers_as_aws_does_where_it_did_not() -> None:
    with moto() as server, FaultProxy(server.endpoint) as aws:
        make_like_aws(aws)
        ec2 = client("ec2", aws.endpoint)
        acl = ec2.create_network_acl(VpcId=ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
        found = ec2.describe_network_acls(NetworkAclIds=[acl["NetworkAcl"]["NetworkAclId"]])["NetworkAcls"][0]
        assert [entry["RuleNumber"] for entry in found["Entries"]] == [32767, 32767]
        logs = client("logs", aws.endpoint)
        logs.create_log_group(logGroupName="one")
        assert logs.describe_log_groups()["logGroups"][0]["logGroupClass"] == "STANDARD"
        aws.clear()
        assert client("elasticache", aws.endpoint, config=ONCE).describe_serverless_caches()["ServerlessCaches"] == []


# --- the company


def test_the_shop_opens_and_its_faults_are_there() -> None:
    with moto() as server, FaultProxy(server.endpoint, s3_defaults=True) as aws:
        shop = populate(aws.endpoint)
        assert aws.unknown == []
        assert len({(thing.fault, thing.id) for thing in shop.planted}) == len(PLANTED)
        volume = shop.named("aws.ec2.volume", "old-data")
        assert not client("ec2", aws.endpoint).describe_volumes(VolumeIds=[volume])["Volumes"][0]["Encrypted"]
        grants = client("s3", aws.endpoint).get_bucket_acl(Bucket="marktbruecke-legacy")["Grants"]
        assert any(grant["Grantee"].get("URI", "").endswith("AllUsers") for grant in grants)
        with with_old_access_key(aws):
            keys = client("iam", aws.endpoint).list_access_keys(UserName="ci-deploy")["AccessKeyMetadata"]
            assert keys[0]["CreateDate"].year == 2023
