"""What is planted in the fictional company's estate, and what must be found in order, by the company's names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.world.servers import ACCOUNT

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
