"""A trail in its bucket, held against a promise: listing, objects, digests and keys from AWS, to the finding."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.agent.commands.test_trail_s3 import deliver, public_keys
from tests.conftest import Ended, upheld
from tests.world.faults import Fault
from tests.world.log_bucket import ACCOUNT, REGION, LogBucket
from tests.world.trails import HOUR, Trail, text

RULE = "log-console-login-mfa"


@pytest.fixture
def office(tmp_path: Path, bucket: LogBucket) -> Path:
    """Eight hours of a trail up to now, a login in each; a promise about them."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    trail = Trail(tmp_path / "trail", account=ACCOUNT, now=now - 8 * HOUR)
    for _ in range(8):
        at = trail.now + timedelta(minutes=20)
        trail.digest([trail.log(at, [login(at)])])
    deliver(trail, bucket)
    bucket.proxy.answer("cloudtrail", "ListPublicKeys", public_keys(0, start=now - 48 * HOUR))
    (tmp_path / "promises.yaml").write_text(
        "schema: upheld.promises/1\npromises: [{id: mfa, quote: Logins use a second factor., controls: [{id: mfa}]}]\n"
    )
    source = {"id": "trail", "format": "cloudtrail", "account": ACCOUNT, "window": "6h", "s3": {"bucket": bucket.name}}
    collect = {"aws": [{"account": ACCOUNT, "regions": [REGION]}], "logs": [source]}
    text_ = {"schema": "upheld.config/1", "state": "state", "promises": ["promises.yaml"], "collect": collect}
    (tmp_path / "upheld.yaml").write_text(json.dumps(text_))
    return tmp_path


def login(at: datetime) -> dict[str, Any]:
    return {
        "eventTime": text(at), "eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ana"}, "additionalEventData": {"MFAUsed": "Yes"},
        "responseElements": {"ConsoleLogin": "Success"},
    }  # fmt: skip


def judged(office: Path, bucket: LogBucket) -> tuple[list[tuple[str, str]], Ended]:
    ended = upheld("check", "-c", office / "upheld.yaml", "--format", "json", env=bucket.environment)
    return [(one["verdict"], one["explanation"]) for one in ended.report["findings"] if one["rule"] == RULE], ended


def got(bucket: LogBucket) -> list[str]:
    return [call.text for call in bucket.proxy.calls if call.operation == "GetObject"]


def test_logins_of_hours_that_cloudtrail_signed_uphold_the_promise(office: Path, bucket: LogBucket) -> None:
    ((verdict, told),), ended = judged(office, bucket)
    assert verdict == "upheld", told
    (source,) = ended.report["coverage"]["logs"]
    assert {hour["proof"] for hour in source["hours"]} == {"proven", "not-yet-due"}
    before = got(bucket)
    assert judged(office, bucket)[0][0][0] == "upheld"
    assert len([key for key in got(bucket)[len(before) :] if "/CloudTrail/" in key]) == 0, "log files are not read again"


@pytest.mark.parametrize(
    ("service", "operation", "why"),
    [("s3", "ListObjectsV2", "could be listed"), ("cloudtrail", "ListPublicKeys", "ListPublicKeys"), ("s3", "GetObject", "AccessDenied")],
)
def test_what_may_not_be_read_is_unproven_and_says_so(office: Path, bucket: LogBucket, service: str, operation: str, why: str) -> None:
    bucket.proxy.inject(Fault(service, operation, "deny"))
    found, ended = judged(office, bucket)
    assert {verdict for verdict, _ in found} == {"unproven"}
    assert why in " ".join(told for _, told in found) + json.dumps(ended.report["gaps"])
