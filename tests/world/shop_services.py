"""The company's queues, logs, people, programs, and its second region."""

from __future__ import annotations

import io
import json
import zipfile

from tests.world.builder import Builder
from tests.world.planted import ANYWHERE
from tests.world.shop_network import Network, make_group, make_vpc, tcp, volume
from tests.world.shop_storage import bucket, make_public, shop_key

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
