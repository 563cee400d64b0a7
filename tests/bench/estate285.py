"""An estate of 285 resources in one region, the size at which other scanners were measured; five times that with scale 5.

python -m tests.bench.estate285 http://127.0.0.1:5000 --scale 5
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.world.servers import client

REGION = "eu-central-1"
COMPOSITION = {
    "vpc": 5,
    "internet_gateway": 2,
    "subnet": 40,
    "security_group": 60,
    "network_acl": 2,
    "flow_log": 2,
    "instance": 40,
    "volume": 30,
    "snapshot": 3,
    "bucket": 31,
    "db_instance": 10,
    "load_balancer": 5,
    "listener": 6,
    "key": 10,
    "table": 8,
    "topic": 8,
    "queue": 8,
    "file_system": 2,
    "log_group": 10,
    "trail": 1,
    "certificate": 2,
}
"""What is made on purpose, at scale 1; what the emulator adds (default VPC, root volumes) is not counted."""

ANYWHERE = "0.0.0.0/0"
OFFICE = "203.0.113.0/24"
DENY_HTTP = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@dataclass
class Builder:
    """Makes the estate and counts what it makes."""

    endpoint: str
    region: str
    made: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        names = ("acm", "cloudtrail", "dynamodb", "ec2", "efs", "elbv2", "kms", "logs", "rds", "s3", "sns", "sqs")
        self._clients = {name: client(name, self.endpoint, self.region) for name in names}

    def __getattr__(self, service: str) -> Any:
        try:
            return self.__dict__["_clients"][service]
        except KeyError:
            raise AttributeError(service) from None

    def count(self, kind: str) -> None:
        self.made[kind] += 1


def build(endpoint: str, scale: int = 1, region: str = REGION) -> dict[str, int]:
    """Make the estate; returns how many of each kind were made."""
    builder = Builder(endpoint, region)
    steps: tuple[Callable[[Builder, int], None], ...] = (networks, storage, data, messages, trails)
    for copy in range(scale):
        for step in steps:
            step(builder, copy)
    wanted = {kind: count * scale for kind, count in COMPOSITION.items()}
    if dict(builder.made) != wanted:
        message = f"made {dict(builder.made)}, not {wanted}"
        raise RuntimeError(message)
    return wanted


def networks(aws: Builder, copy: int) -> None:
    """5 VPCs with 8 subnets, 12 security groups and 8 instances each; 2 network ACLs, 2 flow logs, 5 load balancers."""
    for number in range(5):
        vpc = aws.ec2.create_vpc(CidrBlock=f"10.{copy * 5 + number}.0.0/16")["Vpc"]["VpcId"]
        aws.count("vpc")
        subnets = list(_subnets(aws, vpc, copy * 5 + number))
        groups = list(_security_groups(aws, vpc))
        for index, subnet in enumerate(subnets):
            interface = {
                "DeviceIndex": 0,
                "SubnetId": subnet,
                "Groups": [groups[index]],
                "AssociatePublicIpAddress": index < 2,
            }
            aws.ec2.run_instances(ImageId="ami-12c6146b", InstanceType="t3.micro", MinCount=1, MaxCount=1, NetworkInterfaces=[interface])
            aws.count("instance")
        if number < 2:
            gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
            aws.count("internet_gateway")
            _ordered_filter(aws, vpc)
            _flow_log(aws, vpc, copy, number)
        _load_balancer(aws, vpc, subnets[:2], groups[0], copy * 5 + number)


def _subnets(aws: Builder, vpc: str, number: int) -> Iterator[str]:
    for index in range(8):
        zone = f"{aws.region}{'abc'[index % 3]}"
        made = aws.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.{index}.0/24", AvailabilityZone=zone)
        aws.count("subnet")
        yield made["Subnet"]["SubnetId"]


def _security_groups(aws: Builder, vpc: str) -> Iterator[str]:
    for index in range(12):
        made = aws.ec2.create_security_group(GroupName=f"group-{index}", Description="bench", VpcId=vpc)["GroupId"]
        source = ANYWHERE if index in {0, 5, 9} else OFFICE
        port = (443, 22, 5432, 3389, 8080, 22)[index % 6]
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": source}]}
        aws.ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[permission])
        aws.count("security_group")
        yield made


def _ordered_filter(aws: Builder, vpc: str) -> None:
    made = aws.ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for number, action, port in ((90, "deny", 22), (100, "allow", 443)):
        aws.ec2.create_network_acl_entry(
            NetworkAclId=made,
            RuleNumber=number,
            Protocol="6",
            RuleAction=action,
            Egress=False,
            CidrBlock=ANYWHERE,
            PortRange={"From": port, "To": port},
        )
    aws.count("network_acl")


def _flow_log(aws: Builder, vpc: str, copy: int, number: int) -> None:
    group = f"/bench/{copy}/flow/{number}"
    role = "arn:aws:iam::123456789012:role/flow-logs"
    aws.ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName=group,
        DeliverLogsPermissionArn=role,
    )
    aws.count("flow_log")


def _load_balancer(aws: Builder, vpc: str, subnets: list[str], group: str, number: int) -> None:
    made = aws.elbv2.create_load_balancer(Name=f"bench-{number}", Subnets=subnets, SecurityGroups=[group], Scheme="internet-facing")[
        "LoadBalancers"
    ][0]["LoadBalancerArn"]
    aws.count("load_balancer")
    target = aws.elbv2.create_target_group(Name=f"bench-{number}", Protocol="HTTP", Port=8080, VpcId=vpc)
    forward = [{"Type": "forward", "TargetGroupArn": target["TargetGroups"][0]["TargetGroupArn"]}]
    aws.elbv2.create_listener(LoadBalancerArn=made, Protocol="HTTP", Port=80, DefaultActions=forward)
    aws.count("listener")
    certificate = aws.acm.request_certificate(DomainName=f"shop-{number}.example", ValidationMethod="DNS") if number % 5 < 2 else None
    if certificate:
        aws.count("certificate")
    if certificate and number % 5 == 0:
        aws.elbv2.create_listener(
            LoadBalancerArn=made,
            Protocol="HTTPS",
            Port=443,
            DefaultActions=forward,
            SslPolicy="ELBSecurityPolicy-2016-08",
            Certificates=[{"CertificateArn": certificate["CertificateArn"]}],
        )
        aws.count("listener")


def storage(aws: Builder, copy: int) -> None:
    """30 volumes, 15 of them encrypted; 3 snapshots, one public; 30 buckets: 20 encrypted, 15 closed to HTTP, 4 public; 2 file systems."""
    for number in range(30):
        volume = aws.ec2.create_volume(AvailabilityZone=f"{aws.region}a", Size=8, Encrypted=number % 2 == 0)["VolumeId"]
        aws.count("volume")
        if number < 3:
            _snapshot(aws, volume, public=number == 1)
    for number in range(30):
        name = f"bench-{copy}-{number}"
        _bucket(aws, name)
        if number < 20:
            rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            aws.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        if number < 15:
            resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
            policy = {"Version": "2012-10-17", "Statement": [{**DENY_HTTP, "Resource": resources}]}
            aws.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
        if number >= 26:
            aws.s3.put_bucket_acl(Bucket=name, ACL="public-read")
    for number in range(2):
        aws.efs.create_file_system(CreationToken=f"bench-{copy}-{number}", Encrypted=number == 0)
        aws.count("file_system")


def _snapshot(aws: Builder, volume: str, *, public: bool) -> None:
    made = aws.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    if public:
        aws.ec2.modify_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"])
    aws.count("snapshot")


def _bucket(aws: Builder, name: str) -> None:
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})
    aws.count("bucket")


def data(aws: Builder, copy: int) -> None:
    """10 databases, half of them encrypted, 2 public; 8 tables; 10 keys, 6 of them rotating."""
    for number in range(10):
        aws.rds.create_db_instance(
            DBInstanceIdentifier=f"bench-{copy}-{number}",
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            MasterUsername="master",
            MasterUserPassword="not-a-secret",
            AllocatedStorage=20,
            StorageEncrypted=number % 2 == 0,
            PubliclyAccessible=number >= 8,
        )
        aws.count("db_instance")
        key = aws.kms.create_key(Description=f"bench {copy} {number}")["KeyMetadata"]["KeyId"]
        if number < 6:
            aws.kms.enable_key_rotation(KeyId=key)
        aws.count("key")
    for number in range(8):
        aws.dynamodb.create_table(
            TableName=f"bench-{copy}-{number}",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            SSESpecification={"Enabled": number % 2 == 0},
        )
        aws.count("table")


def messages(aws: Builder, copy: int) -> None:
    """8 topics and 8 queues, 5 of each encrypted; 10 log groups, half of them with a retention."""
    for number in range(8):
        name = f"bench-{copy}-{number}"
        aws.sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": "alias/aws/sns"} if number < 5 else {})
        aws.count("topic")
        aws.sqs.create_queue(QueueName=name, Attributes={"SqsManagedSseEnabled": str(number < 5).lower()})
        aws.count("queue")
    for number in range(10):
        name = f"/bench/{copy}/app/{number}"
        aws.logs.create_log_group(logGroupName=name)
        if number % 2 == 0:
            aws.logs.put_retention_policy(logGroupName=name, retentionInDays=365)
        aws.count("log_group")


def trails(aws: Builder, copy: int) -> None:
    """One trail that logs, and its bucket."""
    name = f"bench-{copy}-trail"
    _bucket(aws, name)
    aws.cloudtrail.create_trail(Name=name, S3BucketName=name, IsMultiRegionTrail=True, EnableLogFileValidation=copy == 0)
    aws.cloudtrail.start_logging(Name=name)
    aws.count("trail")


def main() -> None:
    """Build the estate on the emulator that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint")
    parser.add_argument("--scale", type=int, default=1)
    asked = parser.parse_args()
    made = build(asked.endpoint, asked.scale)
    print(sum(made.values()), "resources:", made)


if __name__ == "__main__":
    main()
