"""The company's keys and buckets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.world.builder import Builder

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
