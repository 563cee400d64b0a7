"""The proxy and the player do to real boto3 clients what their faults say."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    PaginationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from tests.world.faults import Fault, Kind
from tests.world.inflict import applicable
from tests.world.likeness import make_like_aws
from tests.world.player import Player, Tape
from tests.world.proxy import FaultProxy
from tests.world.servers import client, moto, session
from tests.world.shop import PLANTED, populate, with_old_access_key
from tests.world.wire import Answer, Protocol, Request, UnknownCallError
from tests.world.wire_answers import render
from tests.world.wire_calls import recognise
from tests.world.wire_documents import read_cbor, write_cbor

ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=1, connect_timeout=2)
BUCKET = "shop-logs"
DENY_HTTP = '{"Version":"2012-10-17","Statement":[]}'


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


# --- errors speak the service's protocol


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("ec2", 403, "UnauthorizedOperation"),
        ("rds", 403, "AccessDenied"),
        ("sns", 403, "AuthorizationError"),
        ("s3", 403, "AccessDenied"),
        ("cloudfront", 403, "AccessDenied"),
        ("kms", 400, "AccessDeniedException"),
        ("sqs", 400, "AccessDenied"),
        ("efs", 403, "AccessDeniedException"),
        ("lambda", 403, "AccessDeniedException"),
    ],
)
def test_a_denied_call_raises_the_services_own_denial(proxy: FaultProxy, service: str, status: int, code: str) -> None:
    found = sample(proxy, service, "deny")
    assert found[:2] == (status, code)
    assert "no identity-based policy" in found[2]


@pytest.mark.parametrize("service", SAMPLES)
def test_a_denial_by_a_service_control_policy_says_so(proxy: FaultProxy, service: str) -> None:
    assert "explicit deny in a service control policy" in sample(proxy, service, "deny_scp")[2]


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("ec2", "RequestLimitExceeded"),
        ("rds", "Throttling"),
        ("s3", "SlowDown"),
        ("kms", "ThrottlingException"),
        ("lambda", "TooManyRequestsException"),
        ("efs", "ThrottlingException"),
    ],
)
def test_a_throttled_call_raises_the_services_own_error(proxy: FaultProxy, service: str, code: str) -> None:
    assert sample(proxy, service, "throttle")[1] == code


@pytest.mark.parametrize(
    ("service", "expired", "skewed"),
    [
        ("ec2", "RequestExpired", "AuthFailure"),
        ("rds", "ExpiredToken", "SignatureDoesNotMatch"),
        ("s3", "ExpiredToken", "RequestTimeTooSkewed"),
        ("kms", "ExpiredTokenException", "InvalidSignatureException"),
        ("efs", "ExpiredTokenException", "InvalidSignatureException"),
    ],
)
def test_expired_credentials_and_a_wrong_clock_are_told_apart(proxy: FaultProxy, service: str, expired: str, skewed: str) -> None:
    assert sample(proxy, service, "expired")[1] == expired
    assert sample(proxy, service, "skewed")[1] == skewed


def test_an_internal_error_is_a_500(proxy: FaultProxy) -> None:
    assert sample(proxy, "ec2", "error_500")[:2] == (500, "InternalError")


def test_any_other_error_can_be_named(proxy: FaultProxy) -> None:
    proxy.inject(Fault("s3", "GetBucketPolicy", "error", status=404, code="NoSuchBucketPolicy", message="gone"))
    assert error_of(proxy, "s3", "get_bucket_policy", Bucket=BUCKET) == (404, "NoSuchBucketPolicy", "gone")


@pytest.mark.parametrize(
    ("service", "method", "operation", "params", "code"),
    [
        ("s3", "get_bucket_policy", "GetBucketPolicy", {"Bucket": BUCKET}, "NoSuchBucket"),
        (
            "ec2",
            "describe_volume_attribute",
            "DescribeVolumeAttribute",
            {"VolumeId": "vol-1", "Attribute": "autoEnableIO"},
            "InvalidVolume.NotFound",
        ),
        ("rds", "describe_db_instances", "DescribeDBInstances", {"DBInstanceIdentifier": "db-0"}, "DBInstanceNotFound"),
        ("kms", "get_key_rotation_status", "GetKeyRotationStatus", {"KeyId": "1"}, "NotFoundException"),
        (
            "sqs",
            "get_queue_attributes",
            "GetQueueAttributes",
            {"QueueUrl": "q"},
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        ("dynamodb", "describe_table", "DescribeTable", {"TableName": "t-1"}, "ResourceNotFoundException"),
        ("efs", "describe_file_systems", "DescribeFileSystems", {"FileSystemId": "fs-1"}, "FileSystemNotFound"),
    ],
)
def test_a_vanished_thing_raises_the_services_not_found(
    proxy: FaultProxy, service: str, method: str, operation: str, params: dict[str, str], code: str
) -> None:
    proxy.inject(Fault(service, operation, "vanish"))
    assert error_of(proxy, service, method, **params)[1] == code


# --- the transport


def test_a_timeout_lasts_as_long_as_the_client_waits(proxy: FaultProxy) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", "timeout"))
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        ask(proxy, "ec2", "describe_security_groups")
    assert 0.8 < time.monotonic() - started < 3


def test_a_reset_is_a_closed_connection(proxy: FaultProxy) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", "reset"))
    with pytest.raises(ConnectionClosedError):
        ask(proxy, "ec2", "describe_security_groups")


@pytest.mark.parametrize("kind", ["truncate", "truncate_quiet"])
def test_half_a_body_breaks_xml(proxy: FaultProxy, kind: str) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", kind))
    with pytest.raises(ResponseParserError):
        ask(proxy, "ec2", "describe_security_groups")


@pytest.mark.parametrize("kind", ["truncate", "truncate_quiet"])
def test_half_a_json_body_raises_nothing_in_botocore(proxy: FaultProxy, kind: str) -> None:
    """Since 1.44 botocore asks urllib3 not to enforce Content-Length, and what is no JSON is an empty answer to it."""
    proxy.inject(Fault("kms", "ListKeys", kind))
    assert "Keys" not in ask(proxy, "kms", "list_keys")


@pytest.mark.parametrize("kind", ["truncate", "truncate_quiet"])
def test_half_a_policy_is_a_policy_to_botocore(proxy: FaultProxy, kind: str) -> None:
    proxy.inject(Fault("s3", "GetBucketPolicy", kind))
    assert ask(proxy, "s3", "get_bucket_policy", Bucket=BUCKET)["Policy"] == DENY_HTTP[: len(DENY_HTTP) // 2]


@pytest.mark.parametrize("kind", ["empty_200", "html_200"])
@pytest.mark.parametrize(("service", "member"), [("ec2", "SecurityGroups"), ("kms", "Keys"), ("sqs", "QueueUrls"), ("efs", "FileSystems")])
def test_a_200_without_an_answer_has_no_member(proxy: FaultProxy, service: str, member: str, kind: str) -> None:
    operation, params = SAMPLES[service]
    proxy.inject(Fault(service, operation, kind))
    try:
        answer = ask(proxy, service, METHODS[operation], **params)
    except ResponseParserError:
        answer = {}
    assert member not in answer
    assert proxy.struck


# --- bodies that lack something


@pytest.mark.parametrize(
    ("service", "member"),
    [("ec2", "SecurityGroups"), ("rds", "DBInstances"), ("sns", "Topics"), ("kms", "Keys"), ("efs", "FileSystems")],
)
def test_a_missing_member_leaves_the_rest_of_the_answer(proxy: FaultProxy, service: str, member: str) -> None:
    operation, _ = SAMPLES[service]
    assert ask(proxy, service, METHODS[operation])[member]
    proxy.inject(Fault(service, operation, "missing_member"))
    answer = ask(proxy, service, METHODS[operation])
    assert not answer.get(member)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_missing_member_can_be_chosen(proxy: FaultProxy) -> None:
    proxy.inject(Fault("s3", "GetBucketAcl", "missing_member", member="Owner"))
    answer = ask(proxy, "s3", "get_bucket_acl", Bucket=BUCKET)
    assert "Owner" not in answer
    assert answer["Grants"]


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


def played(player: Player, service: str) -> Any:
    own: Any = session("http://127.0.0.1:9")
    found = own.client(service, config=ONCE)
    found.meta.events.register_first("before-send", player)
    return found


@pytest.mark.parametrize("service", SAMPLES)
def test_a_tape_answers_as_the_emulator_did(proxy: FaultProxy, tape: Tape, service: str) -> None:
    operation, params = SAMPLES[service]
    live = outcome(lambda: ask(proxy, service, METHODS[operation], **params))
    assert outcome(lambda: getattr(played(Player(tape), service), METHODS[operation])(**params)) == live


def outcome(ask_it: Any) -> Any:
    """What the SDK makes of a fault: an error's class and code, or the shape of the answer (times in it move on)."""
    try:
        answer = ask_it()
    except ClientError as error:
        return type(error).__name__, error.response["Error"]["Code"]
    except (BotoCoreError, ResponseParserError, KeyError) as error:
        return type(error).__name__  # botocore lets a KeyError out where a query answer has a foreign root
    return {name: len(value) if isinstance(value, list) else value for name, value in answer.items() if name != "ResponseMetadata"}


KINDS = [kind for kind in Kind if kind not in {Kind.TIMEOUT, Kind.UNREACHABLE, Kind.ERROR}]


@pytest.mark.parametrize(("service", "kind"), list(itertools.product(["ec2", "rds", "s3", "kms", "efs"], KINDS)))
def test_a_fault_is_the_same_over_the_network_and_below_botocore(proxy: FaultProxy, tape: Tape, service: str, kind: Kind) -> None:
    operation, params = SAMPLES[service]
    fault = Fault(service, operation, kind)
    proxy.inject(fault)
    player = Player(tape, [fault])
    over_network = outcome(lambda: ask(proxy, service, METHODS[operation], **params))
    below = outcome(lambda: getattr(played(player, service), METHODS[operation])(**params))
    assert below == over_network
    assert len(player.struck) == len(proxy.struck) == 1


def test_what_the_tape_does_not_know_is_unreachable_and_listed(tape: Tape) -> None:
    player = Player(tape)
    with pytest.raises(EndpointConnectionError):
        played(player, "ec2").describe_volumes()
    assert [call.operation for call in player.missed] == ["DescribeVolumes"]


def test_a_tape_survives_its_file(tape: Tape, tmp_path: Any) -> None:
    path = tmp_path / "tape.jsonl"
    tape.save(path)
    assert Tape.load(path).answers == tape.answers


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


# --- on the wire


def signed(service: str, method: str, url: str, body: bytes = b"", **headers: str) -> Request:
    scope = f"Credential=AKIAEXAMPLE/20261122/eu-central-1/{service}/aws4_request"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, url, {"authorization": f"AWS4-HMAC-SHA256 {scope}, Signature=0", **named}, body)


@pytest.mark.parametrize(
    ("signing", "method", "url", "operation"),
    [
        ("s3", "GET", "/", "s3:ListBuckets"),
        ("s3", "GET", "/b?list-type=2", "s3:ListObjectsV2"),
        ("s3", "GET", "/b?inventory&id=1", "s3:GetBucketInventoryConfiguration"),
        ("s3", "GET", "/b?inventory", "s3:ListBucketInventoryConfigurations"),
        ("s3", "GET", "/b?lifecycle", "s3:GetBucketLifecycleConfiguration"),
        ("s3", "PUT", "/b/k", "s3:PutObject"),
        ("s3", "HEAD", "/b", "s3:HeadBucket"),
        ("s3", "GET", "https://b.s3.eu-central-1.amazonaws.com/?policy", "s3:GetBucketPolicy"),
        ("lambda", "GET", "/2015-03-31/functions/f/policy", "lambda:GetPolicy"),
        ("eks", "GET", "/clusters/c", "eks:DescribeCluster"),
        ("apigateway", "GET", "/restapis/a/stages", "apigateway:GetStages"),
        ("apigateway", "GET", "/v2/apis", "apigatewayv2:GetApis"),
        ("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", "route53:ListResourceRecordSets"),
        ("cloudfront", "GET", "/2020-05-31/distribution/E1/config", "cloudfront:GetDistributionConfig"),
        ("es", "POST", "/2021-01-01/opensearch/domain-info", "opensearch:DescribeDomains"),
        ("guardduty", "GET", "/detector", "guardduty:ListDetectors"),
        ("backup", "GET", "/backup-vaults/", "backup:ListBackupVaults"),
    ],
)
def test_rest_calls_are_told_apart(signing: str, method: str, url: str, operation: str) -> None:
    assert recognise(signed(signing, method, url)).action == operation


def test_what_only_a_header_tells_apart_is_told_apart() -> None:
    url = "/v20180820/configuration/publicAccessBlock"
    assert recognise(signed("s3", "GET", url, x_amz_account_id="1")).action == "s3control:GetPublicAccessBlock"
    assert recognise(signed("s3", "PUT", "/b/k", x_amz_copy_source="/b/j")).action == "s3:CopyObject"


@pytest.mark.parametrize(("version", "service"), [("2012-06-01", "elb"), ("2015-12-01", "elbv2")])
def test_two_services_of_one_signing_name_are_told_apart_by_their_version(version: str, service: str) -> None:
    form = f"Action=DescribeLoadBalancers&Version={version}".encode()
    request = signed("elasticloadbalancing", "POST", "/", form, content_type="application/x-www-form-urlencoded")
    assert recognise(request).action == f"{service}:DescribeLoadBalancers"


def test_an_unsigned_request_is_no_call() -> None:
    with pytest.raises(UnknownCallError):
        recognise(Request("GET", "/", {}))


def test_cbor_calls_are_known_and_answered_in_cbor() -> None:
    url = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
    call = recognise(signed("monitoring", "POST", url, write_cbor({"NextToken": "x"}), smithy_protocol="rpc-v2-cbor"))
    assert (call.action, call.protocol, call.has_page_token) == ("cloudwatch:DescribeAlarms", Protocol.CBOR, True)
    answer = render(call, {"MetricAlarms": [{"AlarmName": "a", "Threshold": 1.5}]})
    assert isinstance(answer, Answer)
    assert read_cbor(answer.body) == {"MetricAlarms": [{"AlarmName": "a", "Threshold": 1.5}]}


@pytest.mark.parametrize("value", [0, 23, 24, 300, 70000, 2**40, -1, 1.5, "ä", b"\x00", True, None, [1, {"a": []}], "x" * 300])
def test_cbor_is_read_back_as_it_was_written(value: Any) -> None:
    assert read_cbor(write_cbor(value)) == value


def test_pages_are_lost_only_where_there_are_pages() -> None:
    assert applicable(Kind.LOST_PAGE, "ec2", "DescribeSecurityGroups")
    assert not applicable(Kind.LOST_PAGE, "s3", "GetBucketPolicy")
    assert not applicable(Kind.MISSING_MEMBER, "s3", "HeadBucket")
