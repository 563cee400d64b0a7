"""Marktbruecke, a small company that does not exist: a web shop on AWS in two regions, with faults planted in it.

    with moto() as server, FaultProxy(server.endpoint, s3_defaults=True) as aws:
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

    `id` is the company's name for the thing in the tables below, and the emulator's id in a `Shop`; `names` are then all
    the ids that the thing has (ARN, URL). `subject` says what a rule about it looks at, `control` which promise.
    """

    fault: str
    type: str
    id: str
    what: str
    subject: str
    control: str
    region: str = HOME
    names: frozenset[str] = frozenset()

    def is_about(self, resource_id: str) -> bool:
        return resource_id in self.names


def _planted(fault: str, kind: str, name: str, what: str, subject: str, control: str, region: str = HOME) -> Planted:
    return Planted(fault, kind, name, what, subject, control, region)


PLANTED = (
    # storage
    _planted("volume-unencrypted", "aws.ec2.volume", "old-data", "is not encrypted", "volume encrypted", "encryption-at-rest"),
    _planted("volume-unencrypted-abroad", "aws.ec2.volume", "ie-data", "is not encrypted", "volume encrypted", "encryption-at-rest", SECOND),
    _planted("snapshot-public", "aws.ec2.snapshot", "old-data-copy", "every AWS account may create volumes from it", "snapshot shared", "public-access"),
    _planted("snapshot-unencrypted", "aws.ec2.snapshot", "old-data-copy", "is not encrypted", "snapshot encrypted", "encryption-at-rest"),
    _planted("ebs-default-off", "aws.region", SECOND, "new volumes are not encrypted by default", "encryption by default", "encryption-at-rest", SECOND),
    _planted("files-unencrypted", "aws.efs.file_system", "scratch-files", "is not encrypted", "file system encrypted", "encryption-at-rest"),
    # buckets
    _planted("bucket-http", "aws.s3.bucket", "marktbruecke-exports", "has no policy, so that plain HTTP is served", "bucket over TLS only", "encryption-in-transit"),
    _planted("bucket-http-for-all-but-one", "aws.s3.bucket", "marktbruecke-partner", "denies plain HTTP to one principal only", "bucket over TLS only", "encryption-in-transit"),
    _planted("bucket-http-for-writing", "aws.s3.bucket", "marktbruecke-invoices", "denies plain HTTP for s3:GetObject only", "bucket over TLS only", "encryption-in-transit"),
    _planted("bucket-http-not-denied", "aws.s3.bucket", "marktbruecke-returns", "denies plain HTTP under its bucket ARN, not its objects'", "bucket over TLS only", "encryption-in-transit"),
    _planted("bucket-acl-public", "aws.s3.bucket", "marktbruecke-legacy", "its ACL lets everyone read", "bucket ACL", "public-access"),
    _planted("bucket-policy-public", "aws.s3.bucket", "marktbruecke-website", "its policy lets everyone read", "bucket policy", "public-access"),
    _planted("bucket-public-access-not-blocked", "aws.s3.bucket", "marktbruecke-legacy", "public access is not blocked", "public access block", "public-access"),
    _planted("bucket-not-logged", "aws.s3.bucket", "marktbruecke-exports", "access is not logged", "bucket access logging", "audit-logging"),
    _planted("bucket-abroad-public", "aws.s3.bucket", "marktbruecke-ie-drop", "its ACL lets everyone read", "bucket ACL", "public-access", SECOND),
    # network
    _planted("ssh-from-anywhere", "aws.ec2.security_group", "ssh-open", "22 is open to 0.0.0.0/0", "remote administration ports", "network-isolation"),
    _planted("rdp-from-anywhere-v6", "aws.ec2.security_group", "rdp-open-v6", "3389 is open to ::/0", "remote administration ports", "network-isolation"),
    _planted("ssh-from-two-halves", "aws.ec2.security_group", "ssh-halves", "22 is open to 0.0.0.0/1 and 128.0.0.0/1", "remote administration ports", "network-isolation"),
    _planted("ssh-from-prefix-list", "aws.ec2.security_group", "ssh-listed", "22 is open to a prefix list that holds 0.0.0.0/0", "remote administration ports", "network-isolation"),
    _planted("ssh-within-a-range", "aws.ec2.security_group", "low-ports", "20-25 are open to 0.0.0.0/0", "remote administration ports", "network-isolation"),
    _planted("everything-from-anywhere", "aws.ec2.security_group", "all-open", "every protocol is open to 0.0.0.0/0", "remote administration ports", "network-isolation"),
    _planted("database-from-anywhere", "aws.ec2.security_group", "ie-db-open", "5432 is open to 0.0.0.0/0", "database ports", "network-isolation", SECOND),
    _planted("acl-allows-before-denying", "aws.ec2.network_acl", "acl-open", "allows 22 from anywhere in a rule before the one that denies it", "network ACL", "network-acl"),
    _planted("flow-logs-off", "aws.ec2.vpc", "legacy-net", "has no flow logs", "flow logs", "audit-logging"),
    _planted("instance-metadata-v1", "aws.ec2.instance", "old-app", "answers metadata requests without a token", "instance metadata", "access-control"),
    _planted("bastion-exposed", "aws.ec2.instance", "bastion", "has a public address and 22 open to 0.0.0.0/0", "instance reachable", "network-isolation"),
    # load balancers
    _planted("listener-http", "aws.elbv2.listener", "old-front:80", "forwards plain HTTP", "listener over TLS", "encryption-in-transit"),
    _planted("listener-old-tls", "aws.elbv2.listener", "old-front:443", "accepts TLS 1.0", "listener policy", "tls-strength"),
    # databases
    _planted("database-public", "aws.rds.db_instance", "reports", "is publicly accessible", "database public", "network-isolation"),
    _planted("database-unencrypted", "aws.rds.db_instance", "reports", "is not encrypted", "database encrypted", "encryption-at-rest"),
    _planted("database-not-backed-up", "aws.rds.db_instance", "reports", "keeps no backups", "database backups", "backup"),
    _planted("database-snapshot-public", "aws.rds.db_snapshot", "reports-2019", "every AWS account may restore it", "snapshot shared", "public-access"),
    _planted("table-not-backed-up", "aws.dynamodb.table", "sessions", "has no point-in-time recovery", "table backups", "backup"),
    _planted("table-without-own-key", "aws.dynamodb.table", "sessions", "is encrypted with a key that AWS owns", "table key", "key-management"),
    _planted("cache-unencrypted", "aws.elasticache.replication_group", "old-cache", "is encrypted neither at rest nor in transit", "cache encrypted", "encryption-at-rest"),
    _planted("warehouse-public", "aws.redshift.cluster", "old-warehouse", "is publicly accessible and not encrypted", "warehouse public", "network-isolation"),
    _planted("search-unencrypted", "aws.opensearch.domain", "old-search", "is not encrypted and does not enforce HTTPS", "domain encrypted", "encryption-at-rest"),
    # messages, keys, secrets
    _planted("queue-unencrypted", "aws.sqs.queue", "mail", "is not encrypted", "queue encrypted", "encryption-at-rest"),
    _planted("queue-public", "aws.sqs.queue", "mail", "its policy lets everyone send", "queue policy", "public-access"),
    _planted("topic-unencrypted", "aws.sns.topic", "news", "is not encrypted", "topic encrypted", "encryption-at-rest"),
    _planted("key-not-rotated", "aws.kms.key", "old-key", "is not rotated", "key rotation", "key-management"),
    _planted("secret-not-rotated", "aws.secretsmanager.secret", "old-api-token", "is not rotated", "secret rotation", "key-management"),
    _planted("stream-unencrypted", "aws.kinesis.stream", "clicks", "is not encrypted", "stream encrypted", "encryption-at-rest"),
    # logs
    _planted("trail-not-validated", "aws.cloudtrail.trail", "old-trail", "does not validate its files", "trail validation", "audit-logging"),
    _planted("trail-stopped", "aws.cloudtrail.trail", "old-trail", "is not logging", "trail logging", "audit-logging"),
    _planted("log-group-forever", "aws.logs.log_group", "/shop/legacy", "has no retention", "log retention", "retention"),
    # people and programs
    _planted("user-without-mfa", "aws.iam.user", "bernd", "has a console password and no second factor", "user MFA", "mfa"),
    _planted("access-key-old", "aws.iam.user", "ci-deploy", "has an access key from 2023 (`with_old_access_key`)", "access key age", "access-control"),
    _planted("policy-allows-everything", "aws.iam.policy", "admin-for-all", "allows every action on every resource", "policy scope", "access-control"),
    _planted("password-policy-weak", "aws.account", ACCOUNT, "asks for 6 characters", "password policy", "access-control", "global"),
    _planted("function-public", "aws.lambda.function", "thumbnails", "its policy lets everyone invoke it", "function policy", "public-access"),
    _planted("images-not-scanned", "aws.ecr.repository", "old-images", "images are not scanned", "image scanning", "monitoring"),
    _planted("cluster-endpoint-public", "aws.eks.cluster", "old-cluster", "its API answers the whole internet", "cluster endpoint", "network-isolation"),
    _planted("edge-over-http", "aws.cloudfront.distribution", "edge", "serves plain HTTP, and TLS 1.0", "viewer protocol", "encryption-in-transit"),
    _planted("threat-detection-off", "aws.region", SECOND, "GuardDuty is off", "threat detection", "monitoring", SECOND),
)  # fmt: skip

SOUND = (
    _planted("", "aws.ec2.volume", "orders-data", "is encrypted", "volume encrypted", "encryption-at-rest"),
    _planted("", "aws.ec2.snapshot", "orders-data-copy", "is private", "snapshot shared", "public-access"),
    _planted("", "aws.ec2.snapshot", "orders-data-copy", "is encrypted", "snapshot encrypted", "encryption-at-rest"),
    _planted("", "aws.region", HOME, "new volumes are encrypted by default", "encryption by default", "encryption-at-rest"),
    _planted("", "aws.efs.file_system", "shop-files", "is encrypted", "file system encrypted", "encryption-at-rest"),
    _planted("", "aws.s3.bucket", "marktbruecke-media", "denies plain HTTP to all", "bucket over TLS only", "encryption-in-transit"),
    _planted("", "aws.s3.bucket", "marktbruecke-media", "public access is blocked", "public access block", "public-access"),
    _planted("", "aws.s3.bucket", "marktbruecke-media", "access is logged", "bucket access logging", "audit-logging"),
    _planted("", "aws.ec2.security_group", "edge", "443 alone is open to the internet", "remote administration ports", "network-isolation"),
    _planted("", "aws.ec2.security_group", "office-ssh", "22 is open to the office alone", "remote administration ports", "network-isolation"),
    _planted("", "aws.ec2.security_group", "app", "8080 is open to the edge alone", "remote administration ports", "network-isolation"),
    _planted("", "aws.ec2.network_acl", "acl-closed", "denies 22 before it allows anything", "network ACL", "network-acl"),
    _planted("", "aws.ec2.vpc", "shop-net", "has flow logs", "flow logs", "audit-logging"),
    _planted("", "aws.ec2.instance", "web", "asks for a token", "instance metadata", "access-control"),
    _planted("", "aws.elbv2.listener", "front:443", "accepts TLS 1.2 and 1.3", "listener policy", "tls-strength"),
    _planted("", "aws.elbv2.listener", "front:80", "redirects to HTTPS", "listener over TLS", "encryption-in-transit"),
    _planted("", "aws.rds.db_instance", "orders", "is private, encrypted and backed up", "database encrypted", "encryption-at-rest"),
    _planted("", "aws.dynamodb.table", "carts", "has its own key and is backed up", "table backups", "backup"),
    _planted("", "aws.elasticache.replication_group", "shop-cache", "is encrypted", "cache encrypted", "encryption-at-rest"),
    _planted("", "aws.redshift.cluster", "warehouse", "is private and encrypted", "warehouse public", "network-isolation"),
    _planted("", "aws.opensearch.domain", "shop-search", "is encrypted and enforces HTTPS", "domain encrypted", "encryption-at-rest"),
    _planted("", "aws.sqs.queue", "orders", "is encrypted", "queue encrypted", "encryption-at-rest"),
    _planted("", "aws.sns.topic", "alerts", "is encrypted", "topic encrypted", "encryption-at-rest"),
    _planted("", "aws.kms.key", "shop-key", "is rotated", "key rotation", "key-management"),
    _planted("", "aws.kinesis.stream", "orders-stream", "is encrypted", "stream encrypted", "encryption-at-rest"),
    _planted("", "aws.cloudtrail.trail", "shop-trail", "covers every region, validates and logs", "trail logging", "audit-logging"),
    _planted("", "aws.logs.log_group", "/shop/app", "keeps logs for a year", "log retention", "retention"),
    _planted("", "aws.iam.user", "anna", "has a second factor", "user MFA", "mfa"),
    _planted("", "aws.ecr.repository", "shop-images", "images are scanned", "image scanning", "monitoring"),
    _planted("", "aws.eks.cluster", "shop-cluster", "its API is private", "cluster endpoint", "network-isolation"),
    _planted("", "aws.region", HOME, "GuardDuty is on", "threat detection", "monitoring"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shop:
    """The estate as it was made: what is planted and what is sound, with the emulator's ids."""

    planted: tuple[Planted, ...]
    sound: tuple[Planted, ...]
    ids: Mapping[tuple[str, str], frozenset[str]]
    """(type, the company's name) -> every id that the thing has; the first that AWS would print is its own."""

    def named(self, kind: str, name: str) -> str:
        """The id of a thing by the company's name for it."""
        return min(self.ids[kind, name], key=len)


@dataclass
class Builder:
    """Clients for one region, and the ids of what is made."""

    endpoint: str
    account: str
    region: str
    ids: dict[tuple[str, str], frozenset[str]]
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
        self.ids[kind, name] = self.ids.get((kind, name), frozenset()) | frozenset(ids or (name,))
        return ids[0] if ids else name

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"


def populate(endpoint: str, *, account: str = ACCOUNT) -> Shop:
    """Make the company's estate on the emulator. It takes some seconds; the emulator should be empty."""
    ids: dict[tuple[str, str], frozenset[str]] = {}
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
    ids["aws.account", ACCOUNT] = frozenset({account})
    return Shop(_resolved(PLANTED, ids), _resolved(SOUND, ids), ids)


def _resolved(things: tuple[Planted, ...], ids: Mapping[tuple[str, str], frozenset[str]]) -> tuple[Planted, ...]:
    return tuple(
        replace(thing, id=min(ids[thing.type, thing.id], key=len), names=ids[thing.type, thing.id]) for thing in things
    )


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
    return max(aws.ids["aws.kms.key", "shop-key"], key=len)


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
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::marktbruecke-website/*"}
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
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}


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
        for number, action, low, high in ((100, "allow", 0, 65535), (denial_number, "deny", 22, 22)):
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
    listed = aws.ec2.create_managed_prefix_list(
        PrefixListName="partners", MaxEntries=5, AddressFamily="IPv4", Entries=entries
    )["PrefixList"]["PrefixListId"]
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
            aws.ec2.modify_snapshot_attribute(
                SnapshotId=copy, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
            )
    for name, encrypted in (("shop-files", True), ("scratch-files", False)):
        files = aws.efs.create_file_system(CreationToken=name, Encrypted=encrypted)
        aws.note("aws.efs.file_system", name, files["FileSystemId"], files["FileSystemArn"])


def instance(aws: Builder, name: str, subnet: str, group: str, *, public: bool = False, token: str = "required") -> None:
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": public}
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True, "DeleteOnTermination": True}}
    made = aws.ec2.run_instances(
        ImageId="ami-12c6146b", InstanceType="t3.small", MinCount=1, MaxCount=1, NetworkInterfaces=[interface],
        BlockDeviceMappings=[disk], MetadataOptions={"HttpTokens": token, "HttpEndpoint": "enabled"},
        TagSpecifications=tags("instance", name),
    )["Instances"][0]["InstanceId"]  # fmt: skip
    aws.note("aws.ec2.instance", name, made, aws.arn("ec2", f"instance/{made}"))


def volume(aws: Builder, name: str, *, encrypted: bool) -> str:
    made = aws.ec2.create_volume(
        AvailabilityZone=f"{aws.region}a", Size=20, Encrypted=encrypted, TagSpecifications=tags("volume", name)
    )["VolumeId"]
    return aws.note("aws.ec2.volume", name, made, aws.arn("ec2", f"volume/{made}"))


def front(aws: Builder, network: Network) -> None:
    """The shop's load balancer, and an old one."""
    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]
    certificate = aws.acm.request_certificate(DomainName="shop.marktbruecke.example", ValidationMethod="DNS")["CertificateArn"]
    for name, policy in (("front", "ELBSecurityPolicy-TLS13-1-2-2021-06"), ("old-front", "ELBSecurityPolicy-TLS-1-0-2015-04")):
        balancer = aws.elbv2.create_load_balancer(
            Name=name, Subnets=list(network.public), SecurityGroups=[network.groups["edge"]], Scheme="internet-facing"
        )["LoadBalancers"][0]["LoadBalancerArn"]
        aws.note("aws.elbv2.load_balancer", name, balancer)
        target = aws.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=network.vpc)
        forward = [{"Type": "forward", "TargetGroupArn": target["TargetGroups"][0]["TargetGroupArn"]}]
        plain = aws.elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=redirect if name == "front" else forward
        )
        secure = aws.elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTPS", Port=443, DefaultActions=forward, SslPolicy=policy,
            Certificates=[{"CertificateArn": certificate}],
        )  # fmt: skip
        aws.note("aws.elbv2.listener", f"{name}:80", plain["Listeners"][0]["ListenerArn"])
        aws.note("aws.elbv2.listener", f"{name}:443", secure["Listeners"][0]["ListenerArn"])


# --- databases


def databases(aws: Builder, network: Network) -> None:
    """Each kind of database once as it should be and once as it should not."""
    aws.rds.create_db_subnet_group(DBSubnetGroupName="shop", DBSubnetGroupDescription="shop", SubnetIds=list(network.private))
    database(aws, network, "orders", StorageEncrypted=True, KmsKeyId=shop_key(aws), BackupRetentionPeriod=14, PubliclyAccessible=False)
    database(aws, network, "reports", StorageEncrypted=False, BackupRetentionPeriod=0, PubliclyAccessible=True)
    copy = aws.rds.create_db_snapshot(DBSnapshotIdentifier="reports-2019", DBInstanceIdentifier="reports")["DBSnapshot"]
    aws.note("aws.rds.db_snapshot", "reports-2019", "reports-2019", copy["DBSnapshotArn"])
    aws.rds.modify_db_snapshot_attribute(DBSnapshotIdentifier="reports-2019", AttributeName="restore", ValuesToAdd=["all"])
    table(aws, "carts", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": shop_key(aws)})
    table(aws, "sessions")
    aws.dynamodb.update_continuous_backups(
        TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
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
        made = aws.opensearch.create_domain(
            DomainName=name, EncryptionAtRestOptions={"Enabled": good}, NodeToNodeEncryptionOptions={"Enabled": good},
            DomainEndpointOptions={"EnforceHTTPS": good, "TLSSecurityPolicy": f"Policy-Min-TLS-1-{2 if good else 0}-2019-07"},
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
    aws.logs.create_log_group(logGroupName="/shop/app")
    aws.logs.put_retention_policy(logGroupName="/shop/app", retentionInDays=365)
    aws.logs.create_log_group(logGroupName="/shop/legacy")
    for name in ("/shop/app", "/shop/legacy"):
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
    proxy.answer("iam", "ListAccessKeys", answer, match="ci-deploy")
    yield
    proxy.clear()


def programs(aws: Builder, network: Network) -> None:
    """A function, images, clusters, and the edge."""
    trust = {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "eks.amazonaws.com"]}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.iam.create_role(RoleName="shop-programs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    made = aws.lambda_.create_function(
        FunctionName="thumbnails", Runtime="python3.12", Role=role, Handler="main.handler", Code={"ZipFile": _zip("main.py")}
    )["FunctionArn"]
    aws.note("aws.lambda.function", "thumbnails", "thumbnails", made)
    aws.lambda_.add_permission(
        FunctionName="thumbnails", StatementId="everyone", Action="lambda:InvokeFunction", Principal="*"
    )
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
