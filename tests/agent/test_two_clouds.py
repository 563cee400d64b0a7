"""One promise over an account of AWS and a subscription of Azure, in one run."""

from __future__ import annotations

from pathlib import Path

from tests.agent.collect.azure.eyes import ONE
from tests.agent.test_azure_road import place, report, run
from tests.conftest import Estate
from tests.world import shop
from tests.world.arm_double import ArmDouble
from tests.world.servers import ACCOUNT

__all__ = ["place"]


def test_one_promise_covers_both_clouds(place: Path, azure: ArmDouble, world: Estate) -> None:
    both = f'aws: [{{account: "{ACCOUNT}", regions: [{shop.HOME}]}}], azure: [{{subscriptions: [{ONE}], credential: managed-identity}}]'
    ended = run(place, azure, "check", "--format", "json", collect=both, env=world.environment)
    clouds = {one["cloud"]: one for one in report(ended)["coverage"]["clouds"]}
    assert set(clouds) == {"aws", "azure"}
    assert min(clouds["aws"]["resources_seen"], clouds["azure"]["resources_seen"]) >= 2
    (promise,) = ended.report["promises"]
    judged = {rule["rule"]: rule["verdict"] for control in promise["controls"] for rule in control["rules"]}
    assert judged["own-storage-https"] == "upheld"
    assert judged["aws-s3-bucket-denies-plain-http"] == "broken"
    assert ended.report["run"]["source"] == "aws+azure"
