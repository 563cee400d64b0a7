"""Marktbruecke, a small company that does not exist: a web shop on AWS in two regions, with faults planted in it.

    with moto() as server, FaultProxy(server.endpoint, s3_defaults=True) as aws:
        make_like_aws(aws)
        shop = populate(aws.endpoint)
        for fault in shop.planted: ...          # each with the id that the emulator gave

`PLANTED` lists every fault, `SOUND` what must be found in order; both name things as the company does, and `Shop` puts
the emulator's ids in their place. Everything is made by boto3 calls, through the proxy or without it: what AWS sets by
itself on a new bucket is set here too.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tests.world.proxy import FaultProxy
from tests.world.servers import ACCOUNT, client

HOME = "eu-central-1"
SECOND = "eu-west-1"
ANYWHERE = "0.0.0.0/0"
OFFICE = "203.0.113.0/24"
HALVES = ("0.0.0.0/1", "128.0.0.0/1")


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing and what is to be found about it.

    `id` is the company's name for the thing in the tables below, and the emulator's id in a `Shop`; `names` are then
    all the ids that the thing has (ARN, URL). `rule` is the rule in `rules/aws` whose subject it is, or empty.
    """

    fault: str
    type: str
    id: str
    what: str
    rule: str
    region: str = HOME
    names: frozenset[str] = frozenset()

    def is_about(self, resource_id: str) -> bool:
        return resource_id in self.names


def _of(kind: str, rule: str, *things: tuple[str, ...]) -> Iterator[Planted]:
    """What one rule looks at: (fault, the company's name, what is so, and the region where it is not HOME)."""
    for fault, name, what, *region in things:
        yield Planted(fault, kind, name, what, rule, region[0] if region else HOME)


PLANTED = (
    # storage
    *_of("aws.ec2.volume", "aws-ebs-volume-encrypted",
        ("volume-unencrypted", "old-data", "is not encrypted"),
        ("volume-unencrypted-abroad", "ie-data", "is not encrypted", SECOND)),
    *_of("aws.ec2.snapshot", "aws-ebs-snapshot-not-public",
        ("snapshot-public", "old-data-copy", "every AWS account may create volumes from it")),
    *_of("aws.ec2.snapshot", "aws-ebs-snapshot-encrypted",
        ("snapshot-unencrypted", "old-data-copy", "is not encrypted")),
    *_of("aws.region", "aws-ebs-default-encryption",
        ("ebs-default-off", SECOND, "new volumes are not encrypted by default", SECOND)),
    *_of("aws.efs.file_system", "aws-efs-file-system-encrypted",
        ("files-unencrypted", "scratch-files", "is not encrypted")),
    # buckets
    *_of("aws.s3.bucket", "aws-s3-bucket-denies-plain-http",
        ("bucket-http", "marktbruecke-exports", "has no policy, so that plain HTTP is served"),
        ("bucket-http-for-all-but-one", "marktbruecke-partner", "denies plain HTTP to one principal only"),
        ("bucket-http-for-writing", "marktbruecke-invoices", "denies plain HTTP for s3:GetObject only"),
        ("bucket-http-not-denied", "marktbruecke-returns", "denies plain HTTP under its bucket ARN, not its objects'")),
    *_of("aws.s3.bucket", "aws-s3-bucket-acls-not-public",
        ("bucket-acl-public", "marktbruecke-legacy", "its ACL lets everyone read"),
        ("bucket-abroad-public", "marktbruecke-ie-drop", "its ACL lets everyone read", SECOND)),
    *_of("aws.s3.bucket", "aws-s3-bucket-policy-not-public",
        ("bucket-policy-public", "marktbruecke-website", "its policy lets everyone read")),
    *_of("aws.s3.bucket", "",
        ("bucket-public-access-not-blocked", "marktbruecke-legacy", "public access is not blocked")),
    *_of("aws.s3.bucket", "aws-s3-bucket-access-logged",
        ("bucket-not-logged", "marktbruecke-exports", "access is not logged")),
    # network
    *_of("aws.ec2.security_group", "aws-security-group-admin-ports",
        ("ssh-from-anywhere", "ssh-open", "22 is open to 0.0.0.0/0"),
        ("rdp-from-anywhere-v6", "rdp-open-v6", "3389 is open to ::/0"),
        ("ssh-from-two-halves", "ssh-halves", "22 is open to 0.0.0.0/1 and 128.0.0.0/1"),
        ("ssh-from-prefix-list", "ssh-listed", "22 is open to a prefix list that holds 0.0.0.0/0"),
        ("ssh-within-a-range", "low-ports", "20-25 are open to 0.0.0.0/0"),
        ("everything-from-anywhere", "all-open", "every protocol is open to 0.0.0.0/0")),
    *_of("aws.ec2.security_group", "aws-security-group-database-ports",
        ("database-from-anywhere", "ie-db-open", "5432 is open to 0.0.0.0/0", SECOND)),
    *_of("aws.ec2.network_acl", "aws-network-acl-admin-ports",
        ("acl-allows-before-denying", "acl-open", "allows every port before it denies 22 and 3389")),
    *_of("aws.ec2.vpc", "aws-vpc-flow-logs",
        ("flow-logs-off", "legacy-net", "has no flow logs")),
    *_of("aws.ec2.instance", "aws-ec2-instance-imdsv2",
        ("instance-metadata-v1", "old-app", "answers metadata requests without a token")),
    *_of("aws.ec2.instance", "aws-ec2-instance-no-public-ip",
        ("bastion-exposed", "bastion", "has a public address and 22 open to 0.0.0.0/0")),
    # load balancers
    *_of("aws.elbv2.load_balancer", "aws-elbv2-listeners-encrypted",
        ("listener-http", "old-front", "forwards plain HTTP")),
    *_of("aws.elbv2.load_balancer", "aws-elbv2-tls-policy",
        ("listener-old-tls", "old-front", "accepts TLS 1.0")),
    # databases
    *_of("aws.rds.db_instance", "aws-rds-db-instance-not-public",
        ("database-public", "reports", "is publicly accessible")),
    *_of("aws.rds.db_instance", "aws-rds-db-instance-encrypted",
        ("database-unencrypted", "reports", "is not encrypted")),
    *_of("aws.rds.db_instance", "aws-rds-db-instance-backed-up",
        ("database-not-backed-up", "reports", "keeps no backups")),
    *_of("aws.rds.db_snapshot", "aws-rds-db-snapshot-not-public",
        ("database-snapshot-public", "reports-2019", "every AWS account may restore it")),
    *_of("aws.dynamodb.table", "aws-dynamodb-table-recoverable",
        ("table-not-backed-up", "sessions", "has no point-in-time recovery")),
    *_of("aws.dynamodb.table", "",
        ("table-without-own-key", "sessions", "is encrypted with a key that AWS owns")),
    *_of("aws.elasticache.replication_group", "aws-elasticache-replication-group-encrypted",
        ("cache-unencrypted", "old-cache", "is not encrypted at rest")),
    *_of("aws.elasticache.replication_group", "aws-elasticache-replication-group-requires-tls",
        ("cache-in-clear", "old-cache", "is not encrypted in transit")),
    *_of("aws.redshift.cluster", "aws-redshift-cluster-not-public",
        ("warehouse-public", "old-warehouse", "is publicly accessible")),
    *_of("aws.redshift.cluster", "aws-redshift-cluster-encrypted",
        ("warehouse-unencrypted", "old-warehouse", "is not encrypted")),
    *_of("aws.opensearch.domain", "aws-opensearch-domain-encrypted",
        ("search-unencrypted", "old-search", "is not encrypted")),
    *_of("aws.opensearch.domain", "aws-opensearch-domain-requires-https",
        ("search-over-http", "old-search", "does not enforce HTTPS")),
    # messages, keys, secrets
    *_of("aws.sqs.queue", "aws-sqs-queue-encrypted",
        ("queue-unencrypted", "mail", "is not encrypted")),
    *_of("aws.sqs.queue", "aws-sqs-queue-not-public",
        ("queue-public", "mail", "its policy lets everyone send")),
    *_of("aws.sns.topic", "aws-sns-topic-encrypted",
        ("topic-unencrypted", "news", "is not encrypted")),
    *_of("aws.kms.key", "aws-kms-key-rotation",
        ("key-not-rotated", "old-key", "is not rotated")),
    *_of("aws.secretsmanager.secret", "aws-secretsmanager-secret-rotated",
        ("secret-not-rotated", "old-api-token", "is not rotated")),
    *_of("aws.kinesis.stream", "aws-kinesis-stream-encrypted",
        ("stream-unencrypted", "clicks", "is not encrypted")),
    # logs
    *_of("aws.cloudtrail.trail", "aws-cloudtrail-log-file-validation",
        ("trail-not-validated", "old-trail", "does not validate its files")),
    *_of("aws.cloudtrail.trail", "",
        ("trail-stopped", "old-trail", "is not logging")),
    *_of("aws.logs.log_group", "aws-logs-log-group-retention",
        ("log-group-forgetful", "/shop/legacy", "keeps logs for a day")),
    *_of("aws.logs.log_group", "",
        ("log-group-forever", "/shop/forever", "has no retention")),
    # people and programs
    *_of("aws.iam.user", "aws-iam-user-console-mfa",
        ("user-without-mfa", "bernd", "has a console password and no second factor")),
    *_of("aws.iam.user", "aws-iam-user-access-key-age",
        ("access-key-old", "ci-deploy", "has an access key from 2023 (`with_old_access_key`)")),
    *_of("aws.iam.policy", "aws-iam-policy-no-full-admin",
        ("policy-allows-everything", "admin-for-all", "allows every action on every resource")),
    *_of("aws.account", "aws-account-password-length",
        ("password-policy-weak", ACCOUNT, "asks for 6 characters", "global")),
    *_of("aws.lambda.function", "aws-lambda-function-policy-not-public",
        ("function-public", "thumbnails", "its policy lets everyone invoke it")),
    *_of("aws.ecr.repository", "",
        ("images-not-scanned", "old-images", "images are not scanned")),
    *_of("aws.eks.cluster", "aws-eks-endpoint-access",
        ("cluster-endpoint-public", "old-cluster", "its API answers the whole internet")),
    *_of("aws.cloudfront.distribution", "aws-cloudfront-viewer-https",
        ("edge-over-http", "edge", "serves plain HTTP")),
    *_of("aws.cloudfront.distribution", "aws-cloudfront-tls-version",
        ("edge-old-tls", "edge", "accepts TLS 1.0")),
    *_of("aws.region", "aws-guardduty-enabled",
        ("threat-detection-off", SECOND, "GuardDuty is off", SECOND)),
)  # fmt: skip

SOUND = (
    *_of("aws.ec2.volume", "aws-ebs-volume-encrypted",
        ("", "orders-data", "is encrypted")),
    *_of("aws.ec2.snapshot", "aws-ebs-snapshot-not-public",
        ("", "orders-data-copy", "is private")),
    *_of("aws.ec2.snapshot", "aws-ebs-snapshot-encrypted",
        ("", "orders-data-copy", "is encrypted")),
    *_of("aws.region", "aws-ebs-default-encryption",
        ("", HOME, "new volumes are encrypted by default")),
    *_of("aws.efs.file_system", "aws-efs-file-system-encrypted",
        ("", "shop-files", "is encrypted")),
    *_of("aws.s3.bucket", "aws-s3-bucket-denies-plain-http",
        ("", "marktbruecke-media", "denies plain HTTP to all")),
    *_of("aws.s3.bucket", "aws-s3-bucket-policy-not-public",
        ("", "marktbruecke-media", "public access is blocked")),
    *_of("aws.s3.bucket", "aws-s3-bucket-access-logged",
        ("", "marktbruecke-media", "access is logged")),
    *_of("aws.ec2.security_group", "aws-security-group-admin-ports",
        ("", "edge", "443 and 80 alone are open to the internet"),
        ("", "app", "8080 is open to the edge alone")),
    *_of("aws.ec2.network_acl", "aws-network-acl-admin-ports",
        ("", "acl-closed", "denies 22 and 3389 before it allows the rest")),
    *_of("aws.ec2.vpc", "aws-vpc-flow-logs",
        ("", "shop-net", "has flow logs")),
    *_of("aws.ec2.instance", "aws-ec2-instance-imdsv2",
        ("", "web", "asks for a token")),
    *_of("aws.elbv2.load_balancer", "aws-elbv2-tls-policy",
        ("", "front", "accepts TLS 1.2 and 1.3")),
    *_of("aws.elbv2.load_balancer", "aws-elbv2-listeners-encrypted",
        ("", "front", "redirects to HTTPS")),
    *_of("aws.rds.db_instance", "aws-rds-db-instance-encrypted",
        ("", "orders", "is private, encrypted and backed up")),
    *_of("aws.dynamodb.table", "aws-dynamodb-table-recoverable",
        ("", "carts", "has its own key and is backed up")),
    *_of("aws.elasticache.replication_group", "aws-elasticache-replication-group-encrypted",
        ("", "shop-cache", "is encrypted")),
    *_of("aws.redshift.cluster", "aws-redshift-cluster-not-public",
        ("", "warehouse", "is private and encrypted")),
    *_of("aws.opensearch.domain", "aws-opensearch-domain-encrypted",
        ("", "shop-search", "is encrypted and enforces HTTPS")),
    *_of("aws.sqs.queue", "aws-sqs-queue-encrypted",
        ("", "orders", "is encrypted")),
    *_of("aws.sns.topic", "aws-sns-topic-encrypted",
        ("", "alerts", "is encrypted")),
    *_of("aws.kms.key", "aws-kms-key-rotation",
        ("", "shop-key", "is rotated")),
    *_of("aws.kinesis.stream", "aws-kinesis-stream-encrypted",
        ("", "orders-stream", "is encrypted")),
    *_of("aws.cloudtrail.trail", "aws-cloudtrail-log-file-validation",
        ("", "shop-trail", "covers every region, validates and logs")),
    *_of("aws.logs.log_group", "aws-logs-log-group-retention",
        ("", "/shop/app", "keeps logs for a year")),
    *_of("aws.iam.user", "aws-iam-user-console-mfa",
        ("", "anna", "has a second factor")),
    *_of("aws.ecr.repository", "",
        ("", "shop-images", "images are scanned")),
    *_of("aws.eks.cluster", "aws-eks-endpoint-access",
        ("", "shop-cluster", "its API is private")),
    *_of("aws.region", "aws-guardduty-enabled",
        ("", HOME, "GuardDuty is on")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shop:
    """The estate as it was made: what is planted and what is sound, with the emulator's ids."""

    planted: tuple[Planted, ...]
    sound: tuple[Planted, ...]
    ids: Mapping[tuple[str, str], tuple[str, ...]]
    """(type, the company's name) -> every id that the thing has, its usual one first."""

    def named(self, kind: str, name: str) -> str:
        """The id of a thing by the company's name for it."""
        return self.ids[kind, name][0]


@dataclass
class Builder:
    """Clients for one region, and the ids of what is made."""

    endpoint: str
    account: str
    region: str
    ids: dict[tuple[str, str], tuple[str, ...]]
    _clients: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, service: str) -> Any:
        """The boto3 client of a service; `lambda` is spelt `lambda_`."""
        if service.startswith("__"):
            raise AttributeError(service)
        if service not in self._clients:
            name = service.rstrip("_")
            self._clients[service] = client(name, self.endpoint, self.region, account=self.account)
        return self._clients[service]

    def note(self, kind: str, name: str, *ids: str) -> str:
        """Remember the ids of a thing; returns the first."""
        self.ids[kind, name] = ids or (name,)
        return self.ids[kind, name][0]

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"


def populate(endpoint: str, *, account: str = ACCOUNT) -> Shop:
    """Make the company's estate on the emulator. It takes some seconds; the emulator should be empty."""
    ids: dict[tuple[str, str], tuple[str, ...]] = {}
    home, second = Builder(endpoint, account, HOME, ids), Builder(endpoint, account, SECOND, ids)
    keys(home)
    buckets(home)
    network = networks(home)
    servers(home, network)
    front(home, network)
    databases(home, network)
    messages(home)
    logs(home)
    people(home)
    programs(home, network)
    abroad(second)
    ids["aws.account", ACCOUNT] = (account,)
    return Shop(_resolved(PLANTED, ids), _resolved(SOUND, ids), ids)


def _resolved(things: tuple[Planted, ...], ids: Mapping[tuple[str, str], tuple[str, ...]]) -> tuple[Planted, ...]:
    found = ((thing, ids[thing.type, thing.id]) for thing in things)
    return tuple(replace(thing, id=names[0], names=frozenset(names)) for thing, names in found)


# --- keys and buckets


def keys(aws: Builder) -> None:
    """A key that is rotated and one that is not."""
    for name, rotated in (("shop-key", True), ("old-key", False)):
        made = aws.kms.create_key(Description=name)["KeyMetadata"]
        aws.kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=made["KeyId"])
        aws.note("aws.kms.key", name, made["KeyId"], made["Arn"])
        if rotated:
            aws.kms.enable_key_rotation(KeyId=made["KeyId"])


def shop_key(aws: Builder) -> str:
    """The ARN of the company's own key."""
    return aws.ids["aws.kms.key", "shop-key"][1]


IN_CLEAR = {"Bool": {"aws:SecureTransport": "false"}}


def buckets(aws: Builder) -> None:
    """Buckets with every way to serve plain HTTP, and to be public."""
    for name in ("logs", "media", "exports", "partner", "invoices", "returns", "legacy", "website", "trail"):
        bucket(aws, f"marktbruecke-{name}")
    for name in ("logs", "media", "legacy", "website", "trail"):
        deny_http(aws, f"marktbruecke-{name}")
    partner = f"arn:aws:iam::{aws.account}:role/partner"
    deny_http(aws, "marktbruecke-partner", Principal={"AWS": partner})
    deny_http(aws, "marktbruecke-invoices", Action="s3:GetObject")
    deny_http(aws, "marktbruecke-returns", Resource="arn:aws:s3:::marktbruecke-returns")
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": shop_key(aws)}
    encrypt(aws, "marktbruecke-media", encryption)
    aws.s3.put_bucket_versioning(Bucket="marktbruecke-media", VersioningConfiguration={"Status": "Enabled"})
    for name in ("media", "partner", "invoices", "returns", "website"):
        target = {"LoggingEnabled": {"TargetBucket": "marktbruecke-logs", "TargetPrefix": f"{name}/"}}
        aws.s3.put_bucket_logging(Bucket=f"marktbruecke-{name}", BucketLoggingStatus=target)
    make_public(aws, "marktbruecke-legacy")
    aws.s3.put_bucket_acl(Bucket="marktbruecke-legacy", ACL="public-read")
    make_public(aws, "marktbruecke-website")
    everyone = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::marktbruecke-website/*",
    }
    put_policy(aws, "marktbruecke-website", [denial("marktbruecke-website"), everyone])


PRIVATE = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def bucket(aws: Builder, name: str) -> None:
    """A bucket as AWS makes one: SSE-S3, public access blocked, ACLs off."""
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})
    encrypt(aws, name, {"SSEAlgorithm": "AES256"})
    aws.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=PRIVATE)
    own(aws, name, "BucketOwnerEnforced")
    aws.note("aws.s3.bucket", name, name, f"arn:aws:s3:::{name}")


def encrypt(aws: Builder, name: str, how: Mapping[str, str]) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": how, "BucketKeyEnabled": True}
    aws.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def own(aws: Builder, name: str, ownership: str) -> None:
    aws.s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})


def make_public(aws: Builder, name: str) -> None:
    """Take away what keeps a bucket from being public."""
    aws.s3.delete_public_access_block(Bucket=name)
    own(aws, name, "ObjectWriter")


def denial(name: str, **different: Any) -> dict[str, Any]:
    resource = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resource, "Condition": IN_CLEAR}
    return statement | different


def deny_http(aws: Builder, name: str, **different: Any) -> None:
    allowed = [log_delivery(name)] if name in {"marktbruecke-logs", "marktbruecke-trail"} else []
    put_policy(aws, name, [*allowed, denial(name, **different)])


def log_delivery(name: str) -> dict[str, Any]:
    """What lets AWS write logs into a bucket. moto reads a policy up to this statement, which must be the first."""
    service = "cloudtrail.amazonaws.com" if name.endswith("trail") else "logging.s3.amazonaws.com"
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }


def put_policy(aws: Builder, name: str, statements: list[dict[str, Any]]) -> None:
    aws.s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


# --- network


@dataclass(frozen=True, slots=True)
class Network:
    """What servers and databases are put into."""

    vpc: str
    public: tuple[str, str]
    private: tuple[str, str]
    groups: Mapping[str, str]


def networks(aws: Builder) -> Network:
    """The shop's VPC, with public and private subnets, and an older one without flow logs."""
    vpc = make_vpc(aws, "shop-net", "10.20.0.0/16")
    role = f"arn:aws:iam::{aws.account}:role/flow-logs"
    aws.logs.create_log_group(logGroupName="/shop/flow")
    aws.logs.put_retention_policy(logGroupName="/shop/flow", retentionInDays=365)
    aws.ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="cloud-watch-logs",
        LogGroupName="/shop/flow", DeliverLogsPermissionArn=role,
    )  # fmt: skip
    make_vpc(aws, "legacy-net", "10.30.0.0/16")
    public = make_subnet(aws, vpc, "10.20.0.0/24", "a"), make_subnet(aws, vpc, "10.20.1.0/24", "b")
    private = make_subnet(aws, vpc, "10.20.10.0/24", "a"), make_subnet(aws, vpc, "10.20.11.0/24", "b")
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = aws.ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    route(aws, vpc, public, GatewayId=gateway)
    route(aws, vpc, private, NatGatewayId=nat)
    network_acls(aws, vpc, public, private)
    return Network(vpc, public, private, security_groups(aws, vpc))


def make_vpc(aws: Builder, name: str, cidr: str) -> str:
    made = aws.ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tags("vpc", name))["Vpc"]["VpcId"]
    return aws.note("aws.ec2.vpc", name, made, aws.arn("ec2", f"vpc/{made}"))


def tags(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def make_subnet(aws: Builder, vpc: str, cidr: str, zone: str) -> str:
    made = aws.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{aws.region}{zone}")
    return str(made["Subnet"]["SubnetId"])


def route(aws: Builder, vpc: str, subnets: tuple[str, str], **way: str) -> None:
    table = aws.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, **way)
    for subnet in subnets:
        aws.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)


def network_acls(aws: Builder, vpc: str, public: tuple[str, str], private: tuple[str, str]) -> None:
    """Two ACLs with the same rules in another order: the lower number decides."""
    for name, subnet, denial_number in (("acl-open", public[1], 200), ("acl-closed", private[1], 50)):
        made = aws.ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags("network-acl", name))
        acl = made["NetworkAcl"]["NetworkAclId"]
        denials = ((denial_number, "deny", 22, 22), (denial_number + 1, "deny", 3389, 3389))
        for number, action, low, high in ((100, "allow", 0, 65535), *denials):
            aws.ec2.create_network_acl_entry(
                NetworkAclId=acl, RuleNumber=number, Protocol="6", RuleAction=action, Egress=False, CidrBlock=ANYWHERE,
                PortRange={"From": low, "To": high},
            )  # fmt: skip
        aws.ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=100, Protocol="-1", RuleAction="allow", Egress=True, CidrBlock=ANYWHERE
        )
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        current = aws.ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["Associations"]
        old = next(one["NetworkAclAssociationId"] for one in current if one["SubnetId"] == subnet)
        aws.ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)
        aws.note("aws.ec2.network_acl", name, acl, aws.arn("ec2", f"network-acl/{acl}"))


def security_groups(aws: Builder, vpc: str) -> dict[str, str]:
    """A group for each way to let the whole internet in, and some that let in who should be."""
    entries = [{"Cidr": ANYWHERE, "Description": "everyone"}]
    listed = aws.ec2.create_managed_prefix_list(PrefixListName="partners", MaxEntries=5, AddressFamily="IPv4", Entries=entries)[
        "PrefixList"
    ]["PrefixListId"]
    groups = {
        "edge": make_group(aws, vpc, "edge", tcp(443, ranges=(ANYWHERE,)), tcp(80, ranges=(ANYWHERE,))),
        "office-ssh": make_group(aws, vpc, "office-ssh", tcp(22, ranges=(OFFICE,))),
        "ssh-open": make_group(aws, vpc, "ssh-open", tcp(22, ranges=(ANYWHERE,))),
        "rdp-open-v6": make_group(aws, vpc, "rdp-open-v6", tcp(3389, ranges_v6=("::/0",))),
        "ssh-halves": make_group(aws, vpc, "ssh-halves", tcp(22, ranges=HALVES)),
        "ssh-listed": make_group(aws, vpc, "ssh-listed", {**tcp(22), "PrefixListIds": [{"PrefixListId": listed}]}),
        "low-ports": make_group(aws, vpc, "low-ports", tcp(20, 25, ranges=(ANYWHERE,))),
        "all-open": make_group(aws, vpc, "all-open", {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}),
    }
    groups["app"] = make_group(aws, vpc, "app", tcp(8080, group=groups["edge"]))
    groups["db"] = make_group(aws, vpc, "db", tcp(5432, group=groups["app"]))
    return groups


def tcp(
    low: int, high: int | None = None, *, ranges: tuple[str, ...] = (), ranges_v6: tuple[str, ...] = (), group: str = ""
) -> dict[str, Any]:
    """One permission of a security group."""
    return {
        "IpProtocol": "tcp",
        "FromPort": low,
        "ToPort": high or low,
        "IpRanges": [{"CidrIp": cidr} for cidr in ranges],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in ranges_v6],
        "UserIdGroupPairs": [{"GroupId": group}] if group else [],
    }


def make_group(aws: Builder, vpc: str, name: str, *permissions: Mapping[str, Any]) -> str:
    made = aws.ec2.create_security_group(GroupName=name, Description=f"shop {name}", VpcId=vpc)["GroupId"]
    aws.ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=list(permissions))
    return aws.note("aws.ec2.security_group", name, made, aws.arn("ec2", f"security-group/{made}"))


# --- servers, volumes, the front


def servers(aws: Builder, network: Network) -> None:
    """Four instances and two volumes with snapshots."""
    instance(aws, "web", network.private[0], network.groups["app"])
    instance(aws, "old-app", network.private[1], network.groups["app"], token="optional")
    instance(aws, "bastion", network.public[0], network.groups["ssh-open"], public=True)
    instance(aws, "office-gate", network.public[1], network.groups["office-ssh"], public=True)
    aws.ec2.enable_ebs_encryption_by_default()
    aws.note("aws.region", aws.region, aws.region)
    for name, encrypted in (("orders-data", True), ("old-data", False)):
        made = volume(aws, name, encrypted=encrypted)
        copy = aws.ec2.create_snapshot(VolumeId=made, TagSpecifications=tags("snapshot", f"{name}-copy"))["SnapshotId"]
        aws.note("aws.ec2.snapshot", f"{name}-copy", copy, f"arn:aws:ec2:{aws.region}::snapshot/{copy}")
        if not encrypted:
            aws.ec2.modify_snapshot_attribute(SnapshotId=copy, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"])
    for name, encrypted in (("shop-files", True), ("scratch-files", False)):
        files = aws.efs.create_file_system(CreationToken=name, Encrypted=encrypted)
        aws.note("aws.efs.file_system", name, files["FileSystemId"], files["FileSystemArn"])


def instance(aws: Builder, name: str, subnet: str, group: str, *, public: bool = False, token: str = "required") -> None:
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": public}
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True, "DeleteOnTermination": True}}
    made = aws.ec2.run_instances(
        ImageId="ami-12c6146b", InstanceType="t3.small", MinCount=1, MaxCount=1, NetworkInterfaces=[interface],
        BlockDeviceMappings=[disk], MetadataOptions={"HttpTokens": token, "HttpEndpoint": "enabled"},
        TagSpecifications=tags("instance", name), UserData="export TOKEN=not-a-secret",
    )["Instances"][0]["InstanceId"]  # fmt: skip
    aws.note("aws.ec2.instance", name, made, aws.arn("ec2", f"instance/{made}"))


def volume(aws: Builder, name: str, *, encrypted: bool) -> str:
    made = aws.ec2.create_volume(AvailabilityZone=f"{aws.region}a", Size=20, Encrypted=encrypted, TagSpecifications=tags("volume", name))[
        "VolumeId"
    ]
    return aws.note("aws.ec2.volume", name, made, aws.arn("ec2", f"volume/{made}"))


def front(aws: Builder, network: Network) -> None:
    """The shop's load balancer, and an old one."""
    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]
    certificate = aws.acm.request_certificate(DomainName="shop.marktbruecke.example", ValidationMethod="DNS")["CertificateArn"]
    for name, policy in (
        ("front", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
        ("old-front", "ELBSecurityPolicy-2016-08"),
    ):
        balancer = aws.elbv2.create_load_balancer(
            Name=name, Subnets=list(network.public), SecurityGroups=[network.groups["edge"]], Scheme="internet-facing"
        )["LoadBalancers"][0]["LoadBalancerArn"]
        aws.note("aws.elbv2.load_balancer", name, balancer)
        target = aws.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=network.vpc)
        forward = [{"Type": "forward", "TargetGroupArn": target["TargetGroups"][0]["TargetGroupArn"]}]
        aws.elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=redirect if name == "front" else forward
        )
        aws.elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTPS", Port=443, DefaultActions=forward, SslPolicy=policy,
            Certificates=[{"CertificateArn": certificate}],
        )  # fmt: skip


# --- databases


def databases(aws: Builder, network: Network) -> None:
    """Each kind of database once as it should be and once as it should not."""
    aws.rds.create_db_subnet_group(DBSubnetGroupName="shop", DBSubnetGroupDescription="shop", SubnetIds=list(network.private))
    database(
        aws,
        network,
        "orders",
        StorageEncrypted=True,
        KmsKeyId=shop_key(aws),
        BackupRetentionPeriod=14,
        PubliclyAccessible=False,
    )
    database(aws, network, "reports", StorageEncrypted=False, BackupRetentionPeriod=0, PubliclyAccessible=True)
    copy = aws.rds.create_db_snapshot(DBSnapshotIdentifier="reports-2019", DBInstanceIdentifier="reports")["DBSnapshot"]
    aws.note("aws.rds.db_snapshot", "reports-2019", "reports-2019", copy["DBSnapshotArn"])
    aws.rds.modify_db_snapshot_attribute(DBSnapshotIdentifier="reports-2019", AttributeName="restore", ValuesToAdd=["all"])
    table(aws, "carts", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": shop_key(aws)})
    table(aws, "sessions")
    aws.dynamodb.update_continuous_backups(TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    for name, good in (("shop-cache", True), ("old-cache", False)):
        made = aws.elasticache.create_replication_group(
            ReplicationGroupId=name, ReplicationGroupDescription=name, Engine="redis", CacheNodeType="cache.t3.micro",
            AtRestEncryptionEnabled=good, TransitEncryptionEnabled=good,
        )["ReplicationGroup"]  # fmt: skip
        aws.note("aws.elasticache.replication_group", name, name, made["ARN"])
    for name, good in (("warehouse", True), ("old-warehouse", False)):
        aws.redshift.create_cluster(
            ClusterIdentifier=name, NodeType="ra3.large", MasterUsername="master", MasterUserPassword="Not-a-secret-1",
            ClusterType="single-node", Encrypted=good, PubliclyAccessible=not good,
        )  # fmt: skip
        aws.note("aws.redshift.cluster", name, name, aws.arn("redshift", f"cluster:{name}"))
    for name, good in (("shop-search", True), ("old-search", False)):
        oldest = f"Policy-Min-TLS-1-{2 if good else 0}-2019-07"
        made = aws.opensearch.create_domain(
            DomainName=name, EncryptionAtRestOptions={"Enabled": good}, NodeToNodeEncryptionOptions={"Enabled": good},
            DomainEndpointOptions={"EnforceHTTPS": good, "TLSSecurityPolicy": oldest},
        )["DomainStatus"]  # fmt: skip
        aws.note("aws.opensearch.domain", name, name, made["ARN"])


def database(aws: Builder, network: Network, name: str, **settings: Any) -> None:
    made = aws.rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t3.small", Engine="postgres", MasterUsername="master",
        MasterUserPassword="not-a-secret", AllocatedStorage=20, DBSubnetGroupName="shop",
        VpcSecurityGroupIds=[network.groups["db"]], **settings,
    )["DBInstance"]  # fmt: skip
    aws.note("aws.rds.db_instance", name, name, made["DBInstanceArn"])


def table(aws: Builder, name: str, **settings: Any) -> None:
    made = aws.dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], **settings,
    )["TableDescription"]  # fmt: skip
    aws.note("aws.dynamodb.table", name, name, made["TableArn"])


# --- messages, logs


def messages(aws: Builder) -> None:
    """Queues, topics, streams and secrets, one of each as it should not be."""
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": aws.arn("sqs", "mail")}
    public = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [everyone]}), "SqsManagedSseEnabled": "false"}
    for name, attributes in (("orders", {"SqsManagedSseEnabled": "true"}), ("mail", public)):
        url = aws.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        aws.note("aws.sqs.queue", name, name, url, aws.arn("sqs", name))
    for name, attributes in (("alerts", {"KmsMasterKeyId": shop_key(aws)}), ("news", {})):
        aws.note("aws.sns.topic", name, aws.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"])
    for name in ("orders-stream", "clicks"):
        aws.kinesis.create_stream(StreamName=name, ShardCount=1)
        aws.note("aws.kinesis.stream", name, name, aws.arn("kinesis", f"stream/{name}"))
    aws.kinesis.start_stream_encryption(StreamName="orders-stream", EncryptionType="KMS", KeyId=shop_key(aws))
    secret = aws.secretsmanager.create_secret(Name="old-api-token", SecretString="not-a-secret")["ARN"]
    aws.note("aws.secretsmanager.secret", "old-api-token", "old-api-token", secret)


def logs(aws: Builder) -> None:
    """Log groups and trails."""
    for name, days in (("/shop/app", 365), ("/shop/legacy", 1), ("/shop/forever", None)):
        aws.logs.create_log_group(logGroupName=name)
        if days:
            aws.logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        arn = aws.arn("logs", f"log-group:{name}")
        aws.note("aws.logs.log_group", name, name, arn, f"{arn}:*")
    for name, good in (("shop-trail", True), ("old-trail", False)):
        made = aws.cloudtrail.create_trail(
            Name=name, S3BucketName="marktbruecke-trail", IsMultiRegionTrail=good, IncludeGlobalServiceEvents=good,
            EnableLogFileValidation=good,
        )["TrailARN"]  # fmt: skip
        aws.note("aws.cloudtrail.trail", name, name, made)
    aws.cloudtrail.start_logging(Name="shop-trail")
    aws.guardduty.create_detector(Enable=True)


# --- people and programs


ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def people(aws: Builder) -> None:
    """Users, a policy that allows everything, and a weak password policy."""
    for name in ("anna", "bernd", "ci-deploy"):
        made = aws.iam.create_user(UserName=name)["User"]
        aws.note("aws.iam.user", name, name, made["Arn"], made["UserId"])
    for name in ("anna", "bernd"):
        aws.iam.create_login_profile(UserName=name, Password="Not-a-secret-1")
    device = aws.iam.create_virtual_mfa_device(VirtualMFADeviceName="anna")["VirtualMFADevice"]["SerialNumber"]
    aws.iam.enable_mfa_device(UserName="anna", SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321")
    aws.iam.create_access_key(UserName="ci-deploy")
    policy = aws.iam.create_policy(PolicyName="admin-for-all", PolicyDocument=json.dumps(ADMIN))["Policy"]
    aws.iam.attach_user_policy(UserName="bernd", PolicyArn=policy["Arn"])
    aws.note("aws.iam.policy", "admin-for-all", policy["Arn"], policy["PolicyId"])
    aws.iam.update_account_password_policy(MinimumPasswordLength=6)


@contextmanager
def with_old_access_key(proxy: FaultProxy) -> Iterator[None]:
    """Let the access key of `ci-deploy` be from 2023: the emulator makes new keys only."""
    key = {"UserName": "ci-deploy", "AccessKeyId": "AKIAIOSFODNN7OLDKEY0", "Status": "Active"}
    created = datetime(2023, 3, 1, tzinfo=UTC)
    answer = {"AccessKeyMetadata": [{**key, "CreateDate": created}], "IsTruncated": False}
    substitute = proxy.answer("iam", "ListAccessKeys", answer, match="ci-deploy")
    try:
        yield
    finally:
        proxy.withdraw(substitute)


def programs(aws: Builder, network: Network) -> None:
    """A function, images, clusters, and the edge."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": ["lambda.amazonaws.com", "eks.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.iam.create_role(RoleName="shop-programs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    made = aws.lambda_.create_function(
        FunctionName="thumbnails",
        Runtime="python3.12",
        Role=role,
        Handler="main.handler",
        Code={"ZipFile": _zip("main.py")},
        Environment={"Variables": {"TOKEN": "not-a-secret"}},
    )["FunctionArn"]
    aws.note("aws.lambda.function", "thumbnails", "thumbnails", made)
    aws.lambda_.add_permission(FunctionName="thumbnails", StatementId="everyone", Action="lambda:InvokeFunction", Principal="*")
    for name, good in (("shop-images", True), ("old-images", False)):
        images = aws.ecr.create_repository(
            repositoryName=name, imageScanningConfiguration={"scanOnPush": good},
            imageTagMutability="IMMUTABLE" if good else "MUTABLE",
        )["repository"]  # fmt: skip
        aws.note("aws.ecr.repository", name, name, images["repositoryArn"])
    for name, good in (("shop-cluster", True), ("old-cluster", False)):
        reach = {"subnetIds": list(network.private), "endpointPublicAccess": not good, "endpointPrivateAccess": good}
        cluster = aws.eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig=reach)["cluster"]
        aws.note("aws.eks.cluster", name, name, cluster["arn"])
    edge(aws)


def edge(aws: Builder) -> None:
    """A CloudFront distribution that serves what it should redirect."""
    origin = {
        "Id": "front", "DomainName": "front.marktbruecke.example",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }  # fmt: skip
    made = aws.cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "shop",
            "Comment": "shop",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "front", "ViewerProtocolPolicy": "allow-all"},
            "ViewerCertificate": {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1"},
        }
    )["Distribution"]
    aws.note("aws.cloudfront.distribution", "edge", made["Id"], made["ARN"])


def _zip(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "def handler(event, context):\n    return None\n")
    return packed.getvalue()


# --- the second region


def abroad(aws: Builder) -> None:
    """What somebody left in the second region."""
    aws.note("aws.region", aws.region, aws.region)
    volume(aws, "ie-data", encrypted=False)
    vpc = make_vpc(aws, "ie-net", "10.40.0.0/16")
    make_group(aws, vpc, "ie-db-open", tcp(5432, ranges=(ANYWHERE,)))
    bucket(aws, "marktbruecke-ie-drop")
    make_public(aws, "marktbruecke-ie-drop")
    aws.s3.put_bucket_acl(Bucket="marktbruecke-ie-drop", ACL="public-read")
