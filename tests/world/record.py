"""Records the example's estate: the fictional shop as a real collection sees it, with two refusals on the way.

    python -m tests.world.record examples/marktbruecke/estate

The emulator stands in for AWS, and what it lacks is answered in its place; its address is replaced by AWS's own in the
URLs that are resource ids, so that the example reads as a customer's would.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree as ET

from agent import config, run
from agent.collect.estate import EstateWriter, read_estate
from tests.world import shop
from tests.world.faults import Fault
from tests.world.likeness import make_like_aws
from tests.world.proxy import FaultProxy
from tests.world.servers import client, environment, moto
from tests.world.wire import Call

ACCOUNT = "111122223333"
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[2] / "examples" / "marktbruecke"
MENDED = {"user-without-mfa"}
"""Faults of the shop that the recording takes away."""
ELSEWHERE = {"AWS::Timestream::Database": 1}
"""A kind that exists and that no rule judges."""


def complete(proxy: FaultProxy) -> None:
    """Answer what the emulator does not know, as AWS would for this company."""
    proxy.enable_regions([shop.HOME, shop.SECOND], off=["af-south-1", "ap-east-1", "me-south-1"])
    make_like_aws(proxy)
    proxy.answer("config", "DescribeConfigurationRecorders", {"ConfigurationRecorders": [_recorder()]})
    proxy.answer(
        "config",
        "DescribeConfigurationRecorderStatus",
        {"ConfigurationRecordersStatus": [{"name": "default", "recording": True, "lastStatus": "SUCCESS"}]},
    )
    proxy.answer("config", "GetDiscoveredResourceCounts", _counts)
    proxy.amend("iam", "GetAccountSummary", _root_has_a_second_factor)
    proxy.answer("organizations", "ListAccounts", _no_organization)


def _recorder() -> Mapping[str, Any]:
    return {
        "name": "default",
        "arn": f"arn:aws:config:{shop.HOME}:{ACCOUNT}:configuration-recorder/default",
        "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config",
        "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
    }


def _counts(call: Call) -> Mapping[str, Any]:
    counts = {"AWS::EC2::Volume": 3, "AWS::S3::Bucket": 9, "AWS::RDS::DBInstance": 2, **(ELSEWHERE if call.region == shop.HOME else {})}
    return {
        "totalDiscoveredResources": sum(counts.values()),
        "resourceCounts": [{"resourceType": kind, "count": count} for kind, count in counts.items()],
    }


def _root_has_a_second_factor(root: ET.Element) -> None:
    summary = root.find("GetAccountSummaryResult/SummaryMap")
    assert summary is not None
    for entry in list(summary):
        if entry.findtext("key") in {"AccountPasswordPresent", "AccountMFAEnabled"}:
            summary.remove(entry)
    for name in ("AccountPasswordPresent", "AccountMFAEnabled"):
        entry = ET.SubElement(summary, "entry")
        ET.SubElement(entry, "key").text, ET.SubElement(entry, "value").text = name, "1"


def _no_organization(_: Call) -> Mapping[str, Any]:
    return {"Accounts": []}


def record(place: Path) -> None:
    with moto() as server, FaultProxy(server.endpoint, s3_defaults=True) as proxy, tempfile.TemporaryDirectory() as folder:
        server.seed(7)
        made = shop.populate(proxy.endpoint, account=ACCOUNT)
        proxy.clear()
        complete(proxy)
        client("iam", proxy.endpoint, account=ACCOUNT).delete_login_profile(UserName="bernd")  # so that one promise is upheld
        proxy.inject(Fault("s3", "GetBucketPolicy", "deny", match="marktbruecke-media"), Fault("acm", "ListCertificates", "deny"))
        settings = config.load(str(EXAMPLE / "upheld.yaml"), {})
        role = {"account": ACCOUNT, "role": f"arn:aws:iam::{ACCOUNT}:role/upheld-reader", "regions": [shop.HOME, shop.SECOND]}
        collecting = settings.settings.model_copy(update={"collect": config.Collect(aws=[role])})
        inputs = run.prepare(config.Configuration(collecting, settings.file))
        with mock.patch.dict(os.environ, environment(proxy.endpoint)), shop.with_old_access_key(proxy):
            run.collect(inputs, Path(folder) / "raw", run.plan_for(inputs, every=True), run.Clock(now=lambda: NOW))
        rewrite(Path(folder) / "raw", place, proxy.endpoint)
    (place.parent / "planted.md").write_text("\n".join(planted(made)) + "\n")


def planted(made: shop.Shop) -> Iterator[str]:
    """What is wrong in the estate on purpose, as a page."""
    yield "# What is planted in this estate"
    yield ""
    yield "Faults that the company's cloud was given on purpose, and the rule that finds each. `python -m tests.world.record` wrote this page."
    yield ""
    yield "| rule | resource | what is so |"
    yield "|---|---|---|"
    for fault in made.planted:
        if fault.rule and fault.fault not in MENDED:
            name = f"the queue {fault.id.rpartition('/')[2]}" if fault.id.startswith("http://") else fault.id
            yield f"| {fault.rule} | {name} | {fault.what.partition(' (')[0]} |"
    yield ""
    yield "Two things were refused while it was recorded: the policy of the bucket marktbruecke-media, and the list of certificates."


def rewrite(raw: Path, place: Path, endpoint: str) -> None:
    """The same estate with AWS's address in the place of the emulator's."""
    estate = read_estate(raw)
    urls = {f"{endpoint}/": f"https://sqs.{shop.HOME}.amazonaws.com/"}

    def told(value: Any) -> Any:
        text = json.dumps(value)
        for old, new in urls.items():
            text = text.replace(old, new)
        return json.loads(text)

    if place.exists():
        shutil.rmtree(place)
    with EstateWriter(place) as writer:
        for look in estate.looks:
            writer.add_look(replace(look, target=told(look.target)))
        for gap in estate.gaps:
            writer.add_gap(replace(gap, id=told(gap.id)))
        for held in estate.resources.values():
            writer.add_resources(replace(one, id=told(one.id), data=told(one.data)) for one in held)
        writer.finish(replace(estate.manifest, endpoint=None))


if __name__ == "__main__":
    record(Path(sys.argv[1]))
