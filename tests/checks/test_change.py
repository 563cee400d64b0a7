"""What an event is about: the types that its name and its members name, else every type of its source."""

from __future__ import annotations

import pytest

from checks.change import CHANGED, CREATED, DELETED, Change, Touch, Unit, touched
from checks.plan import Plan
from tests.agent.road import shipped

ACCOUNT, REGION = "111122223333", "eu-central-1"
CATALOGUE = shipped().catalogue
EVERYTHING: Plan = {name: frozenset({"*"}) for name in CATALOGUE if name.startswith(("aws.", "azure."))}


def change(name: str, source: str = "ec2", *, about: tuple[tuple[str, str], ...] = (), deleted: bool = False, **members: str) -> Change:
    told = {member.lower(): frozenset({value}) for member, value in members.items()}
    return Change("e", name, source, "2026-11-20T06:00:00Z", ACCOUNT, REGION, told, about, deleted)


def touch(one: Change, plan: Plan = EVERYTHING) -> Touch:
    found = touched(one, CATALOGUE, plan)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "types"),
    [
        (change("AuthorizeSecurityGroupIngress", groupId="sg-1"), {"ec2.security_group"}),
        (change("RevokeSecurityGroupEgress", groupId="sg-1"), {"ec2.security_group"}),
        (change("AttachVolume", volumeId="vol-1", instanceId="i-1"), {"ec2.volume", "ec2.instance", "ec2.network_interface"}),
        (change("PutBucketPolicy", "s3", bucketName="b"), {"s3.bucket"}),
        (change("PutAccountPublicAccessBlock", "s3"), {"s3.bucket", "account"}),
        (change("EnableEbsEncryptionByDefault"), {"region"}),
        (change("UpdateAccountPasswordPolicy", "iam"), {"account", "iam.policy"}),
        (change("PutKeyPolicy", "kms", keyId="k"), {"kms.key"}),
        (change("SetSecurityGroups", "elasticloadbalancing"), {"elb.load_balancer", "elbv2.load_balancer", "elbv2.target_group"}),
        (change("CreateFileSystem", "elasticfilesystem"), {"efs.file_system"}),
        (change("ModifyDBInstance", "rds", dBInstanceIdentifier="db"), {"rds.db_instance", "ec2.network_interface"}),
        (change("Config Configuration Item Change", "config", about=(("AWS::EC2::Volume", "vol-1"),)), {"ec2.volume", "ec2.instance"}),
    ],
)
def test_types_that_an_event_names(one: Change, types: set[str]) -> None:
    found = {name.removeprefix("aws.") for name in touch(one).types}
    assert types <= found
    assert len(found) <= len(types) + 2


def test_an_unknown_name_means_every_type_of_the_source() -> None:
    every = {name for name, kind in CATALOGUE.items() if "rds" in kind.events}
    assert every < touch(change("RearrangeEverything", "rds")).types
    assert touch(change("RearrangeEverything", "rds")).types - every == {"aws.ec2.network_interface"}


def test_an_unknown_source_is_none_and_one_that_nobody_reads_is_nothing() -> None:
    assert touched(change("CreateKeyspace", "cassandra"), CATALOGUE, EVERYTHING) is None
    assert touched(change("x", about=(("AWS::Cassandra::Keyspace", "k"),)), CATALOGUE, EVERYTHING) is None
    volumes: Plan = {"aws.ec2.volume": frozenset()}
    assert touch(change("CreateDBInstance", "rds"), volumes).units == frozenset()
    assert touch(change("CreateSnapshot"), volumes).units == frozenset()
    assert touch(change("CreateSnapshot", volumeId="vol-1"), volumes).types == {"aws.ec2.volume"}


def test_units_are_where_a_listing_shows_them() -> None:
    assert touch(change("PutBucketPolicy", "s3", bucketName="b")).units >= {Unit("aws.s3.bucket", ACCOUNT, "global")}
    assert touch(change("DeleteVolume", volumeId="v")).units >= {Unit("aws.ec2.volume", ACCOUNT, REGION)}


@pytest.mark.parametrize(
    ("one", "type_", "effect"),
    [
        (change("CreateVolume", volumeId="v"), "aws.ec2.volume", CREATED),
        (change("RunInstances", instanceId="i"), "aws.ec2.instance", CREATED),
        (change("DeleteVolume", volumeId="v"), "aws.ec2.volume", DELETED),
        (change("TerminateInstances", instanceId="i"), "aws.ec2.instance", DELETED),
        (change("CreateTags", volumeId="v"), "aws.ec2.volume", CHANGED),
        (change("CreateSnapshot", volumeId="v"), "aws.ec2.volume", CHANGED),
        (change("DeleteBucketPolicy", "s3", bucketName="b"), "aws.s3.bucket", CHANGED),
        (change("CreateNetworkAclEntry", networkAclId="a"), "aws.ec2.network_acl", CHANGED),
        (change("x", about=(("AWS::EC2::Volume", "v"),), deleted=True), "aws.ec2.volume", DELETED),
    ],
)
def test_only_the_making_and_the_end_of_the_thing_itself_show_in_a_listing(one: Change, type_: str, effect: str) -> None:
    assert touch(one).effects.get(type_, CHANGED) == effect


def test_what_is_below_a_resource_of_azure_is_a_change_of_it_and_the_other_way_round() -> None:
    subnet = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/v/subnets/a"
    about = (("azure.network.virtualnetworks.subnets", subnet), ("azure.network.virtualnetworks", subnet.rpartition("/subnets")[0]))
    assert "azure.network.virtualnetworks" in touch(change("w", "microsoft.network", about=about)).types
    server = (("azure.sql.servers", "/subscriptions/s/resourcegroups/g/providers/microsoft.sql/servers/a"),)
    assert {"azure.sql.servers", "azure.sql.servers.databases"} <= touch(change("w", "microsoft.sql", about=server)).types


def test_what_passes_is_about_nothing_and_its_neighbours_are() -> None:
    assert touch(change("CreateLogStream", "logs", logGroupName="g")).units == frozenset()
    assert touch(change("PutRetentionPolicy", "logs", logGroupName="g")).types >= {"aws.logs.log_group"}
    assert touch(change("UpdateInstanceInformation", "ssm")).units == frozenset()
    assert touch(change("CreateGrant", "kms", keyId="k")).units == frozenset()
    assert touch(change("ScheduleKeyDeletion", "kms", keyId="k")).types == {"aws.kms.key"}
