"""Files about one resource, account, region or element: which one they are about, and what is missing without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from agent.collect.estate import EstateError
from checks.model import GLOBAL, Asserted, Look, Reason
from tests.agent.collect.files.cli_folders import (
    ACCOUNT,
    ENCRYPTION,
    FOLDER,
    HERE,
    REGION,
    buckets,
    findings,
    imported,
    only,
    put,
    run,
    verdicts,
)


def test_a_detail_stands_in_the_data_of_the_resource_it_is_named_after(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets(get_bucket_encryption=ENCRYPTION)))
    bucket = only(estate, "aws.s3.bucket")
    assert (bucket.region, bucket.listed_in) == (REGION, GLOBAL)
    assert bucket.data["Encryption"] == ENCRYPTION["ServerSideEncryptionConfiguration"]
    assert verdicts(estate, "aws-s3-bucket-encrypted") == {"shop": "upheld"}
    (look,) = (look for look in estate.looks if look.target)
    assert (look.target, look.call, look.id in bucket.evidence) == ("shop", "GetBucketEncryption", True)


def test_a_detail_that_no_file_holds_is_a_gap_that_names_the_call(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets()))
    finding = findings(estate, "aws-s3-bucket-encrypted")["shop"]
    assert str(finding.verdict) == "unproven"
    assert "not-collected: no file holds s3.get-bucket-encryption" in finding.explanation
    assert [(gap.reason, gap.call) for gap in finding.evidence.gaps] == [(Reason.NOT_COLLECTED, "GetBucketEncryption")]


def test_who_asserts_completeness_says_that_there_is_none_where_aws_would_say_so(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets()), by="ciso@example.com")
    data = only(estate, "aws.s3.bucket").data
    assert [data[name] for name in ("Encryption", "Policy", "Lifecycle")] == [None, None, None]
    assert "Acl" not in data
    assert {gap.field for gap in estate.gaps if gap.id == "shop"} == {"Acl", "Logging", "Versioning"}
    assert verdicts(estate, "aws-s3-bucket-encrypted") == {"shop": "broken"}
    assert verdicts(estate, "aws-s3-bucket-access-logged") == {"shop": "unproven"}
    assert only(estate, "aws.s3.bucket").tags == {}


def test_an_asserted_upheld_finding_names_who_asserts_it(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/lambda.list-functions.json": {"Functions": [{"FunctionName": "f"}]}}), by="Ann")
    finding = findings(estate, "aws-lambda-function-policy-not-public")["f"]
    assert str(finding.verdict) == "upheld"
    assert finding.evidence.assumptions == ("Ann asserts that the imported files hold all there is",)


@pytest.mark.parametrize(("by", "found"), [(None, {"*": "unproven"}), ("Ann", {})])
def test_a_listing_without_a_file_is_not_collected_unless_someone_asserts_it(tmp_path: Path, by: str | None, found: Any) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/Vpcs.json": {"Vpcs": []}}), by=by)
    assert verdicts(estate, "aws-ebs-volume-encrypted") == found
    assert isinstance(estate.listing("aws.ec2.volume", HERE), Asserted) is (by is not None)
    assert not [gap for gap in estate.gaps if gap.id is None]


def test_an_empty_answer_to_a_call_that_leaves_out_what_there_is_none_of(tmp_path: Path) -> None:
    held = {f"{FOLDER}/sqs.list-queues.json": {}, **buckets(get_bucket_logging={}, get_bucket_versioning={})}
    estate = imported(put(tmp_path / "src", held))
    assert isinstance(estate.listing("aws.sqs.queue", HERE), Look)
    data = only(estate, "aws.s3.bucket").data
    assert (data["Logging"], data["Versioning"]) == (None, {"Status": None})


def test_an_empty_answer_to_any_other_call_is_a_gap(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets(get_bucket_policy={})))
    (gap,) = (gap for gap in estate.gaps if gap.field == "Policy")
    assert (gap.reason, gap.code) == (Reason.MALFORMED, "MissingMember")


def test_policies_come_as_text_from_s3_and_as_documents_from_iam(tmp_path: Path) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}
    arn = f"arn:aws:iam::{ACCOUNT}:policy/p"
    source = put(
        tmp_path / "src",
        {
            **buckets(get_bucket_policy={"Policy": json.dumps(policy)}),
            f"{FOLDER}/iam.list-policies.json": {"Policies": [{"Arn": arn, "PolicyName": "p", "DefaultVersionId": "v2"}]},
            f"{FOLDER}/iam.get-policy-version@p.json": {"PolicyVersion": {"VersionId": "v2", "IsDefaultVersion": True, "Document": policy}},
        },
    )
    estate = imported(source)
    assert json.loads(only(estate, "aws.s3.bucket").data["Policy"]) == policy
    assert only(estate, "aws.iam.policy").data["DefaultVersion"] == policy


def test_details_of_accounts_and_regions_need_no_resource(tmp_path: Path) -> None:
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/ec2.get-ebs-encryption-by-default.json": {"EbsEncryptionByDefault": True},
            f"{FOLDER}/iam.get-account-summary.json": {"SummaryMap": {"AccountMFAEnabled": 1, "Users": 3}},
            f"{FOLDER}/s3control.get-public-access-block@{ACCOUNT}.json": {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
        },
    )
    estate = imported(source)
    assert only(estate, "aws.region").data["EbsEncryptionByDefault"] == {"EbsEncryptionByDefault": True}
    account = only(estate, "aws.account").data
    assert (account["AccountSummary"]["AccountMFAEnabled"], account["S3PublicAccessBlock"]["BlockPublicAcls"]) == (1, True)
    assert verdicts(estate, "aws-ebs-default-encryption") == {REGION: "upheld"}


@pytest.mark.parametrize(
    "name", ["f", "arn:aws:lambda:eu-central-1:111122223333:function:f", "arn%3Aaws%3Alambda%3Aeu-central-1%3A111122223333%3Afunction%3Af"]
)
def test_a_resource_may_be_named_by_id_arn_or_escaped_arn(tmp_path: Path, name: str) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    source = put(
        tmp_path / "src",
        {
            "lambda.list-functions.json": {"Functions": [{"FunctionName": "f", "FunctionArn": arn}]},
            f"lambda.get-policy@{name}.json": {"Policy": "{}"},
        },
    )
    assert only(imported(source), "aws.lambda.function").data["Policy"] == "{}"


def test_a_detail_about_a_setting_that_resources_share_counts_for_each(tmp_path: Path) -> None:
    instances = [{"DBInstanceIdentifier": name, "DBParameterGroups": [{"DBParameterGroupName": "strict"}]} for name in ("one", "two")]
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/rds.describe-db-instances.json": {"DBInstances": instances},
            f"{FOLDER}/rds.describe-db-parameters@strict.json": {"Parameters": [{"ParameterName": "rds.force_ssl", "ParameterValue": "1"}]},
        },
    )
    assert [one.data["Parameters"][0]["ParameterValue"] for one in imported(source).of("aws.rds.db_instance")] == ["1", "1"]


@pytest.mark.parametrize("name", ["ec2.describe-flow-logs", "ec2.describe-flow-logs@vpc-1"])
def test_a_call_that_lists_and_tells_of_one_resource_is_read_as_its_name_says(tmp_path: Path, name: str) -> None:
    """Out of the whole list of flow logs, those of one VPC are what AWS would have answered for it."""
    log = {"FlowLogId": "fl-1", "ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE", "TrafficType": "ALL"}
    other = [] if "@" in name else [{**log, "FlowLogId": "fl-2", "ResourceId": "eni-1"}]
    held = {"ec2.describe-vpcs": {"Vpcs": [{"VpcId": "vpc-1"}]}, name: {"FlowLogs": [log, *other]}}
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/{file}.json": data for file, data in held.items()}))
    assert [one["FlowLogId"] for one in only(estate, "aws.ec2.vpc").data["FlowLogs"]] == ["fl-1"]
    assert isinstance(estate.listing("aws.ec2.flow_log", HERE), Look) is ("@" not in name)


def balancer(**files: Any) -> dict[str, Any]:
    """A load balancer with one HTTP listener, and more files about it."""
    arn = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
    listener = {"ListenerArn": f"{arn}:listener/app/web/1/2", "Protocol": "HTTP", "Port": 80}
    held = {
        "elbv2.describe-load-balancers": {
            "LoadBalancers": [{"LoadBalancerArn": f"{arn}:loadbalancer/app/web/1", "LoadBalancerName": "web"}]
        },
        "elbv2.describe-listeners@web": {"Listeners": [listener]},
        **files,
    }
    return {f"{FOLDER}/{name}.json": data for name, data in held.items()}


def test_a_detail_of_an_element_is_named_after_the_element(tmp_path: Path) -> None:
    name = quote(f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/web/1/2", safe="")
    rules = {"Rules": [{"RuleArn": "rule", "IsDefault": True, "Actions": [{"Type": "forward"}]}]}
    estate = imported(put(tmp_path / "src", balancer(**{f"elbv2.describe-rules@{name}": rules})))
    assert [one["RuleArn"] for one in only(estate, "aws.elbv2.load_balancer").data["HttpRules"]] == ["rule"]


@pytest.mark.parametrize("by", [None, "Ann"])
def test_a_detail_of_an_element_that_no_file_holds_is_a_gap(tmp_path: Path, by: str | None) -> None:
    estate = imported(put(tmp_path / "src", balancer()), by=by)
    gaps = [gap for gap in estate.gaps if gap.field == "HttpRules"]
    assert [(gap.reason, gap.call) for gap in gaps] == [(Reason.NOT_COLLECTED, "DescribeRules")]


@pytest.mark.parametrize("listeners", [None, {}, "HTTP", ["HTTP"], [{"Protocol": ["HTTP"]}]])
def test_elements_that_are_none_leave_what_hangs_on_them_unseen(tmp_path: Path, listeners: Any) -> None:
    estate = imported(put(tmp_path / "src", balancer(**{"elbv2.describe-listeners@web": {"Listeners": listeners}})))
    assert [gap.reason for gap in estate.gaps if gap.field == "HttpRules"] == [Reason.MALFORMED]


def test_a_name_that_two_regions_know_must_say_which(tmp_path: Path) -> None:
    listings = {
        f"{ACCOUNT}/{region}/lambda.list-functions.json": {"Functions": [{"FunctionName": "f"}]} for region in (REGION, "eu-west-1")
    }
    with pytest.raises(EstateError, match=r"'f' may be f in 111122223333/eu-central-1, f in 111122223333/eu-west-1"):
        run(put(tmp_path / "a" / "src", {**listings, "lambda.get-policy@f.json": {"Policy": "{}"}}))
    estate = imported(put(tmp_path / "b" / "src", {**listings, f"{FOLDER}/lambda.get-policy@f.json": {"Policy": "{}"}}))
    assert [("Policy" in one.data, one.region) for one in estate.of("aws.lambda.function")] == [(True, REGION), (False, "eu-west-1")]


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("kms.get-key-rotation-status@k1", {"KeyId": "k2", "KeyRotationEnabled": True}, "is about KeyId k2, not k1"),
        ("kms.describe-key@k1", {"KeyMetadata": {"KeyId": "k2"}}, "is about KeyId k2, not k1"),
        ("iam.get-policy-version@p", {"PolicyVersion": {"VersionId": "v1", "Document": {}}}, "is about VersionId v1, not v2"),
        ("ec2.describe-launch-template-versions@lt-1", {"LaunchTemplateVersions": [{"DefaultVersion": False}]}, "another version"),
        ("ec2.describe-launch-template-versions@lt-1", {"LaunchTemplateVersions": [{}, {}]}, "holds 2 LaunchTemplateVersions, where one"),
        ("kms.describe-key@k3", {"KeyMetadata": {"KeyId": "k3"}}, "no listing shows 'k3': add the file of kms.list-keys"),
    ],
)
def test_an_answer_about_something_else_is_an_error(tmp_path: Path, name: str, held: Any, said: str) -> None:
    listings = {
        "kms.list-keys": {"Keys": [{"KeyId": "k1", "KeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k1"}]},
        "iam.list-policies": {"Policies": [{"Arn": f"arn:aws:iam::{ACCOUNT}:policy/p", "PolicyName": "p", "DefaultVersionId": "v2"}]},
        "ec2.describe-launch-templates": {"LaunchTemplates": [{"LaunchTemplateId": "lt-1"}]},
    }
    with pytest.raises(EstateError) as caught:
        run(put(tmp_path / "src", {f"{FOLDER}/{file}.json": data for file, data in {**listings, name: held}.items()}))
    assert said in str(caught.value)


def test_a_detail_of_first_pages_is_a_gap_of_its_member(tmp_path: Path) -> None:
    source = put(
        tmp_path / "src",
        {
            f"{ACCOUNT}/iam.list-users.json": {"Users": [{"UserName": "ann"}]},
            f"{ACCOUNT}/iam.list-access-keys@ann.json": {"AccessKeyMetadata": [], "IsTruncated": True, "Marker": "x"},
        },
    )
    estate = imported(source, by="Ann")
    assert [(gap.field, gap.reason) for gap in estate.gaps if gap.field == "AccessKeys"] == [("AccessKeys", Reason.MALFORMED)]
    assert verdicts(estate, "aws-iam-user-access-key-age") == {"ann": "unproven"}
