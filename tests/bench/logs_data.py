"""Log files as AWS delivers them, made up from a seed: gzip, with the variety that decides what reading them costs.

CloudTrail files of 1 to 5 MB before they are compressed; flow logs (the fields of version 5) and load balancers' logs in
larger ones. Names and shapes after the CloudTrail, VPC and ELB user guides (see `checks/logs/formats`).
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

START: Final = datetime(2026, 11, 20, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-central-1"
_AGENTS: Final = (
    "aws-sdk-go-v2/1.30 os/linux lang/go#1.22 md/GOARCH#amd64", "Boto3/1.44.2 md/Botocore#1.44.2 ua/2.1 os/linux#6.8 md/arch#x86_64",
    "aws-cli/2.31.0 md/awscrt#0.27 ua/2.1 os/macos#24.1 lang/python#3.13", "APN/1.0 HashiCorp/1.0 Terraform/1.13 (+https://www.terraform.io)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148",
    "ec2.amazonaws.com", "curl/8.9.1", "okhttp/4.12.0", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)  # fmt: skip
_CALLS: Final = (
    ("s3.amazonaws.com", "GetObject", True), ("s3.amazonaws.com", "PutObject", False), ("sts.amazonaws.com", "AssumeRole", True),
    ("ec2.amazonaws.com", "DescribeInstances", True), ("ec2.amazonaws.com", "RunInstances", False),
    ("kms.amazonaws.com", "Decrypt", True), ("dynamodb.amazonaws.com", "GetItem", True), ("iam.amazonaws.com", "PutRolePolicy", False),
    ("logs.amazonaws.com", "CreateLogStream", False), ("signin.amazonaws.com", "ConsoleLogin", False),
)  # fmt: skip
_WEIGHTS: Final = (26, 12, 16, 14, 2, 18, 6, 1, 4, 1)
_SUITES: Final = (("TLSv1.3", "TLS_AES_128_GCM_SHA256"), ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"))


def _hex(chance: random.Random, digits: int) -> str:
    return f"{chance.getrandbits(4 * digits):0{digits}x}"


def _id(chance: random.Random) -> str:
    text = _hex(chance, 32)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _public(chance: random.Random) -> str:
    """Few senders are most of the traffic; the rest is the whole internet's."""
    number = chance.randrange(400) * 40503 if chance.random() < 0.8 else chance.getrandbits(28)
    return f"{51 + (number >> 24) % 60}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _private(chance: random.Random) -> str:
    return f"10.0.{chance.randrange(16)}.{chance.randrange(256)}"


def _identity(chance: random.Random, name: str) -> dict[str, Any]:
    if name == "ConsoleLogin":
        user = f"user{chance.randrange(60)}"
        return {"type": "IAMUser", "principalId": f"AIDA{user.upper()}", "arn": f"arn:aws:iam::{ACCOUNT}:user/{user}", "accountId": ACCOUNT, "userName": user}  # fmt: skip
    if name == "AssumeRole" and chance.random() < 0.6:
        return {"type": "AWSService", "invokedBy": chance.choice(("ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com"))}
    role = f"role{chance.randrange(120)}"
    issuer = {"type": "Role", "principalId": f"AROA{role.upper()}", "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "accountId": ACCOUNT, "userName": role}  # fmt: skip
    session = f"i-{_hex(chance, 17)}" if chance.random() < 0.5 else f"session{chance.randrange(900)}"
    return {
        "type": "AssumedRole", "principalId": f"AROA{role.upper()}:{session}", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "accountId": ACCOUNT, "accessKeyId": f"ASIA{_hex(chance, 16).upper()}",
        "sessionContext": {"sessionIssuer": issuer, "attributes": {"creationDate": "2026-11-20T09:41:08Z", "mfaAuthenticated": "false"}},
    }  # fmt: skip


def _details(chance: random.Random, name: str) -> tuple[Any, Any, Any, list[dict[str, str]] | None]:
    """requestParameters, responseElements, additionalEventData, resources."""
    bucket = f"data-{chance.randrange(80)}"
    match name:
        case "GetObject" | "PutObject":
            key = f"year=2026/part-{_hex(chance, 20)}.parquet"
            more = {"SignatureVersion": "SigV4", "CipherSuite": "ECDHE-RSA-AES128-GCM-SHA256", "bytesTransferredIn": chance.randrange(9999), "AuthenticationMethod": "AuthHeader", "x-amz-id-2": _hex(chance, 96), "bytesTransferredOut": chance.randrange(10**7)}  # fmt: skip
            about = [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"}, {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}]  # fmt: skip
            return {"bucketName": bucket, "Host": f"{bucket}.s3.{REGION}.amazonaws.com", "key": key}, None, more, about
        case "AssumeRole":
            role = f"arn:aws:iam::{ACCOUNT}:role/role{chance.randrange(120)}"
            keys = {
                "accessKeyId": f"ASIA{_hex(chance, 16).upper()}",
                "sessionToken": _hex(chance, 300),
                "expiration": "Nov 20, 2026, 9:41:08 PM",
            }
            return {"roleArn": role, "roleSessionName": _hex(chance, 16)}, {"credentials": keys}, None, [{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": role}]  # fmt: skip
        case "Decrypt":
            key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{_id(random.Random(chance.randrange(30)))}"
            return {"encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{bucket}"}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, None, {"keyMaterialId": _hex(chance, 64)}, [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]  # fmt: skip
        case "DescribeInstances":
            wanted = [{"instanceId": f"i-{_hex(chance, 17)}"} for _ in range(chance.randrange(8))]
            return {"instancesSet": {"items": wanted}, "filterSet": {}}, None, None, None
        case "RunInstances":
            made = [{"instanceId": f"i-{_hex(chance, 17)}", "privateIpAddress": _private(chance), "tagSet": {"items": [{"key": "env", "value": "p"}]}} for _ in range(6)]  # fmt: skip
            return {"instanceType": "m7g.large", "minCount": 1, "maxCount": 6}, {"instancesSet": {"items": made}}, None, None
        case "PutRolePolicy":
            policy = {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": ["s3:Get*"], "Resource": f"arn:aws:s3:::{bucket}/*"}] * 4,
            }
            return {"roleName": f"role{chance.randrange(120)}", "policyName": "p", "policyDocument": json.dumps(policy, indent=2)}, None, None, None  # fmt: skip
        case "ConsoleLogin":
            used = {
                "LoginTo": "https://console.aws.amazon.com/console/home",
                "MobileVersion": "No",
                "MFAUsed": chance.choice(("Yes", "Yes", "No")),
            }
            return None, {"ConsoleLogin": "Success"}, used, None
    return {"tableName": f"t{chance.randrange(20)}", "key": {"id": _hex(chance, 12)}}, None, None, None


def record(chance: random.Random, at: datetime) -> dict[str, Any]:
    source, name, reads = chance.choices(_CALLS, _WEIGHTS)[0]
    asked, answered, additional, about = _details(chance, name)
    version, cipher = chance.choice(_SUITES)
    return {
        "eventVersion": "1.11", "userIdentity": _identity(chance, name), "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": source, "eventName": name, "awsRegion": REGION,
        "sourceIPAddress": chance.choices((_public(chance), _private(chance), "2001:db8:4::17", "AWS Internal"), (5, 3, 1, 1))[0],
        "userAgent": chance.choice(_AGENTS), **({"errorCode": "AccessDenied", "errorMessage": f"not authorized to perform: {name}"} if chance.random() < 0.04 else {}),
        "requestParameters": asked, "responseElements": answered, **({"additionalEventData": additional} if additional else {}),
        "requestID": _id(chance), "eventID": _id(chance), "readOnly": reads, **({"resources": about} if about else {}),
        "eventType": "AwsConsoleSignIn" if name == "ConsoleLogin" else "AwsApiCall", "managementEvent": source != "s3.amazonaws.com",
        "recipientAccountId": ACCOUNT, "eventCategory": "Data" if source == "s3.amazonaws.com" else "Management",
        "tlsDetails": {"tlsVersion": version, "cipherSuite": cipher, "clientProvidedHostHeader": source.replace("amazonaws", f"{REGION}.amazonaws")},
    }  # fmt: skip


def cloudtrail(folder: Path, size: int, seed: int = 1, *, one: int | None = None) -> int:
    """Files of 1 to 5 MB, or of `one` size each; bytes before compression."""
    chance = random.Random(seed)
    made = 0
    for number in itertools.count():
        if made >= size:
            return made
        wanted, held, parts = one or chance.randrange(1_000_000, 5_000_000), 0, []
        at = START + timedelta(minutes=5 * number)
        while held < wanted:
            parts.append(json.dumps(record(chance, at + timedelta(seconds=chance.randrange(300))), separators=(",", ":")))
            held += len(parts[-1]) + 1
        raw = f'{{"Records":[{",".join(parts)}]}}'.encode()
        name = f"{ACCOUNT}_CloudTrail_{REGION}_{at + timedelta(minutes=5):%Y%m%dT%H%MZ}_{_hex(chance, 16)}.json.gz"
        (folder / name).write_bytes(gzip.compress(raw, 6))
        made += len(raw)


FLOW_FIELDS: Final = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id subnet-id "
    "instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
)


def _flows(chance: random.Random, start: int) -> Iterator[str]:
    yield FLOW_FIELDS
    interfaces = [(f"eni-{_hex(chance, 17)}", f"i-{_hex(chance, 17)}", f"subnet-{_hex(chance, 17)}", _private(chance)) for _ in range(300)]
    while True:
        interface, instance, subnet, own = chance.choice(interfaces)
        if chance.random() < 0.01:
            yield f"5 {ACCOUNT} {interface} - - - - - - - {start} {start + 60} - NODATA vpc-0a1b2c3d {subnet} {instance} - - - - {REGION} euc1-az1 - - - -"
            continue
        other = _public(chance) if chance.random() < 0.5 else _private(chance)
        port, at = chance.choice((443, 443, 443, 5432, 53, 22, 8080)), start + chance.randrange(600)
        source, to, inward = (other, own, "ingress") if chance.random() < 0.5 else (own, other, "egress")
        packets = chance.randrange(1, 900)
        yield (
            f"5 {ACCOUNT} {interface} {source} {to} {chance.randrange(1024, 65536)} {port} 6 {packets} {packets * chance.randrange(40, 1500)} "
            f"{at} {at + 60} {'REJECT' if port == 22 else 'ACCEPT'} OK vpc-0a1b2c3d {subnet} {instance} {chance.choice((2, 3, 18, 19))} IPv4 "
            f"{source} {to} {REGION} euc1-az1 - - {inward} {'-' if inward == 'ingress' else '8'}"
        )


ALB_FIELDS: Final = 30
"""How many of the fields of `checks.logs.formats.alb` a line has."""


def _requests(chance: random.Random, start: int) -> Iterator[str]:
    group = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/shop/73e2d6bc24d8a067"
    certificate = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{_id(chance)}"
    while True:
        at = datetime.fromtimestamp(start, UTC) + timedelta(microseconds=chance.randrange(300_000_000))
        tls, (version, cipher) = chance.random() < 0.95, chance.choice(_SUITES)
        target = f"10.0.{chance.randrange(4)}.{chance.randrange(20)}:8080"
        path = f"/{chance.choice(('cart', 'item', 'search', 'api/v1/orders', 'static/app.js'))}?id={chance.randrange(10**6)}&s={_hex(chance, 12)}"
        status, moment = chance.choices((200, 304, 404, 502), (90, 5, 4, 1))[0], f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
        yield (
            f"{'h2' if tls else 'http'} {moment} app/shop/50dc6c495c0c9188 {_public(chance)}:{chance.randrange(1024, 65536)} {target} "
            f"0.000 0.0{chance.randrange(10, 99)} 0.000 {status} {status} {chance.randrange(99, 2000)} {chance.randrange(99, 90000)} "
            f'"GET {"https" if tls else "http"}://shop.marktbruecke.example:{443 if tls else 80}{path} HTTP/{"2.0" if tls else "1.1"}" '
            f'"{chance.choice(_AGENTS)}" {f"{cipher} {version}" if tls else "- -"} {group} "Root=1-{_hex(chance, 8)}-{_hex(chance, 24)}" '
            f'"{"shop.marktbruecke.example" if tls else "-"}" "{certificate if tls else "-"}" {chance.randrange(4)} {moment} "forward" "-" "-" '
            f'"{target}" "{status}" "-" "-" TID_{_hex(chance, 32)}'
        )


def _lines(folder: Path, size: int, names: Callable[[int], str], lines: Callable[[random.Random, int], Iterator[str]], seed: int) -> int:
    """Files of some 30 MB, of whole lines."""
    chance = random.Random(seed)
    made = 0
    for number in itertools.count():
        if made >= size:
            return made
        held, written = [], 0
        for line in lines(chance, int(START.timestamp()) + 300 * number):
            held.append(line)
            written += len(line) + 1
            if written >= min(30_000_000, size - made):
                break
        (folder / names(number)).write_bytes(gzip.compress("\n".join([*held, ""]).encode(), 6))
        made += written


def vpc_flow(folder: Path, size: int, seed: int = 2) -> int:
    return _lines(
        folder,
        size,
        lambda n: f"{ACCOUNT}_vpcflowlogs_{REGION}_fl-1_{START + timedelta(minutes=5 * n):%Y%m%dT%H%MZ}_{n:08x}.log.gz",
        _flows,
        seed,
    )


def alb(folder: Path, size: int, seed: int = 3) -> int:
    return _lines(
        folder, size,
        lambda n: f"{ACCOUNT}_elasticloadbalancing_{REGION}_app.shop.50dc6c495c0c9188_{START + timedelta(minutes=5 * n):%Y%m%dT%H%MZ}_198.51.100.9_{n:08x}.log.gz",
        _requests, seed,
    )  # fmt: skip


MAKERS: Final = {"cloudtrail": cloudtrail, "vpc_flow": vpc_flow, "alb": alb}


def main() -> int:
    """FORMAT FOLDER BYTES [SIZE OF A FILE]: files in a folder, made in a process of its own, as a large one would be a large parent."""
    format_, folder, *sizes = sys.argv[1:]
    size, one = map(int, [*sizes, 0][:2])
    print(cloudtrail(Path(folder), size, one=one) if format_ == "cloudtrail" and one else MAKERS[format_](Path(folder), size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
