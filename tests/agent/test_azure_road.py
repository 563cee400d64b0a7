"""Both clouds on the whole road: the configuration, a check, doctor, the printed roles; one promise over all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.agent.collect.azure.eyes import GROUP, ONE, TWO, account, shop
from tests.conftest import Ended, upheld
from tests.world.arm_double import CLIENT, SECRET, TENANT, ArmDouble, error

RULE = """id: own-storage-https
title: Storage account takes HTTPS alone
control: encryption-in-transit
severity: high
resource: azure.storage.storageaccounts
upheld_if: resource.properties.supportsHttpsTrafficOnly
show: [properties.supportsHttpsTrafficOnly]
remedy: Require secure transfer.
source: "Storage REST API, StorageAccount"
examples:
  upheld: [{properties: {supportsHttpsTrafficOnly: true}}]
  broken: [{properties: {supportsHttpsTrafficOnly: false}}]
  unproven: [{properties: {}}]
"""
PROMISES = """schema: upheld.promises/1
promises: [{id: https, quote: Everything is encrypted on its way., quantifier: all, controls: [{id: encryption-in-transit}]}]
assume:
  - {what: "which kinds exist is known to us", owner: ciso, reason: "inventory", expires: "2099-01-01", covers: {universe: [kinds]}}
"""


@pytest.fixture
def place(azure: ArmDouble, tmp_path: Path) -> Path:
    shop(azure)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own-storage-https.yaml").write_text(RULE)
    (tmp_path / "promises.yaml").write_text(PROMISES)
    return tmp_path


def run(
    place: Path, azure: ArmDouble, *arguments: str, collect: str = "", env: dict[str, str] | None = None, promises: bool = True
) -> Ended:
    of_azure = f"azure: [{{subscriptions: [{ONE}, {TWO}], credential: managed-identity}}]"
    (place / "upheld.yaml").write_text(
        f"schema: upheld.config/1\nrules: [rules]\n{'promises: [promises.yaml]' if promises else ''}\n"
        f"collect: {{deadline: 60s, {collect or of_azure}}}\n"
    )
    return upheld(*arguments, "-c", str(place / "upheld.yaml"), env={**azure.environment, **(env or {})})


def report(ended: Ended) -> dict[str, Any]:
    assert ended.out, ended.err
    return ended.report


def test_a_promise_over_every_subscription_is_upheld_where_all_that_exists_was_seen(place: Path, azure: ArmDouble) -> None:
    ended = run(place, azure, "check", "--format", "json")
    (promise,) = report(ended)["promises"]
    own = next(rule for control in promise["controls"] for rule in control["rules"] if rule["rule"] == "own-storage-https")
    assert (own["verdict"], own["counts"]["upheld"]) == ("upheld", 2)
    assert not any("subscription" in gap for gap in promise["missing"])
    (cloud,) = ended.report["coverage"]["clouds"]
    assert (cloud["cloud"], cloud["accounts_seen"], cloud["accounts_known"], cloud["resources_seen"] >= 2) == ("azure", 2, 2, True)
    assert cloud["resources_known"] == sum(1 for one in azure.things.values())
    assert ended.report["run"]["source"] == "azure"
    assert ended.report["run"]["endpoint"] == azure.url


def test_one_storage_account_breaks_it(place: Path, azure: ArmDouble) -> None:
    azure.put(*account("plain", sub=TWO, supportsHttpsTrafficOnly=False))
    ended = run(place, azure, "check")
    assert ended.code == 1
    assert "plain" in ended.out
    assert re.search(r"Azure: 2 of 2 subscriptions seen; \d+ resources seen, \d+ known", ended.out)


def test_a_subscription_of_the_tenant_that_nobody_reads_leaves_it_unproven(place: Path, azure: ArmDouble) -> None:
    azure.elsewhere = ["7b0c2c4e-0000-4000-8000-000000000003"]
    (promise,) = report(run(place, azure, "check", "--format", "json"))["promises"]
    assert "subscription 7b0c2c4e-0000-4000-8000-000000000003 (A): nobody looked" in promise["missing"]
    assert promise["verdict"] == "unproven"


def test_which_subscriptions_there_are_is_not_known_without_the_root(place: Path, azure: ArmDouble) -> None:
    azure.fail("/descendants", error(403, "AuthorizationFailed", "no"))
    (promise,) = report(run(place, azure, "check", "--format", "json"))["promises"]
    told = "which subscriptions exist is not known: what is below the tenant's root management group was not read (denied)"
    assert told in promise["missing"]


def test_a_kind_that_exists_and_no_rule_judges_is_named(place: Path, azure: ArmDouble) -> None:
    azure.put(f"{GROUP}/providers/Microsoft.Search/searchServices/find", "Microsoft.Search/searchServices", {"properties": {}})
    (promise,) = report(run(place, azure, "check", "--format", "json"))["promises"]
    assert "1 of kind Microsoft.Search/searchServices: no rule of encryption-in-transit judges it" in promise["missing"]


def test_a_subscription_that_cannot_be_entered_is_a_gap_for_every_type(place: Path, azure: ArmDouble) -> None:
    del azure.subscriptions[TWO]
    ended = run(place, azure, "check", "--format", "json")
    (promise,) = report(ended)["promises"]
    assert promise["verdict"] == "unproven"
    gaps = [gap for gap in ended.report["gaps"] if gap["account"] == TWO]
    assert {gap["type"] for gap in gaps} >= {"azure.storage.storageaccounts", "azure.resourcegraph.count"}
    assert {gap["code"] for gap in gaps} == {"SubscriptionNotFound"}


def test_rules_for_one_cloud_say_nothing_of_the_other(place: Path, azure: ArmDouble) -> None:
    (place / "promises.yaml").write_text(
        "schema: upheld.promises/1\npromises: [{id: b, quote: We back up., quantifier: all, controls: [{id: mfa}]}]\n"
    )
    (promise,) = report(run(place, azure, "check", "--format", "json"))["promises"]
    assert promise["verdict"] == "unproven"


# -- doctor and permissions ---------------------------------------------------------------------------------------------


def test_doctor_says_who_reads_and_which_subscriptions(place: Path, azure: ArmDouble) -> None:
    azure.elsewhere = ["7b0c2c4e-0000-4000-8000-000000000003"]
    ended = run(place, azure, "doctor")
    assert f"identity       {ONE}: {CLIENT} (object " in ended.out
    assert "subscriptions  2 of 3 that are known are read; nobody reads 7b0c2c4e-0000-4000-8000-000000000003\n" in ended.out
    assert f"endpoint       {azure.url}\n" in ended.out
    assert "minutes of Azure's, or it would have been refused" in ended.out
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "ready")


def test_doctor_names_the_permission_that_is_missing(place: Path, azure: ArmDouble) -> None:
    azure.fail("/providers/Microsoft.Storage/storageAccounts", error(403, "AuthorizationFailed", "no"))
    ended = run(place, azure, "doctor")
    assert ended.code == 3
    assert "; add Microsoft.Storage/storageAccounts/read" in ended.out


def test_doctor_says_once_which_subscription_cannot_be_entered(place: Path, azure: ArmDouble) -> None:
    del azure.subscriptions[TWO]
    ended = run(place, azure, "doctor")
    assert f"identity       {TWO}: cannot be entered: denied SubscriptionNotFound" in ended.out
    assert [line for line in ended.out.splitlines() if line.startswith("gap ") and TWO in line] == []
    assert re.search(r"^\d+ gaps: what they hide will be unproven$", ended.out, re.MULTILINE)


def test_doctor_reads_endpoints_beside_a_cloud(place: Path, azure: ArmDouble) -> None:
    served = azure.url.removeprefix("https://")
    of_both = f"azure: [{{subscriptions: [{ONE}], credential: managed-identity}}], tls: {{endpoints: ['{served}'], private_roots: [{azure.authority}]}}"
    ended = run(place, azure, "doctor", collect=of_both)
    assert ended.code in {0, 3}, ended.err
    assert f"identity       {ONE}: {CLIENT}" in ended.out


def test_the_role_reads_and_no_more(place: Path, azure: ArmDouble) -> None:
    every = json.loads(run(place, azure, "permissions", "azure", promises=False).out)
    assert every["AssignableScopes"] == [f"/subscriptions/{ONE}", f"/subscriptions/{TWO}"]
    assert [action for action in every["Actions"] if not action.endswith("/read")] == []
    assert {"Microsoft.Storage/storageAccounts/read", "Microsoft.Authorization/permissions/read"} <= set(every["Actions"])
    assert (every["DataActions"], every["NotActions"]) == ([], [])
    promised = json.loads(run(place, azure, "permissions", "azure").out)
    assert promised["Actions"] == ["*/read"]


def test_what_it_does_without_is_printed_apart(place: Path, azure: ArmDouble) -> None:
    effective, root = json.loads(run(place, azure, "permissions", "azure-optional").out)
    assert effective["Actions"] == [
        "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action",
        "Microsoft.Network/networkInterfaces/effectiveRouteTable/action",
    ]
    assert root["Actions"] == ["Microsoft.Management/managementGroups/descendants/read"]


# -- the configuration --------------------------------------------------------------------------------------------------


MISTAKES = {
    f"azure: [{{subscriptions: [shop], credential: cli}}]": "'shop' is not a GUID",  # noqa: F541
    "azure: [{subscriptions: [], credential: cli}]": "subscriptions",
    f"azure: [{{subscriptions: [{ONE}], credential: password}}]": "credential",
    f"azure: [{{subscriptions: [{ONE}], credential: service-principal}}]": "needs tenant and client_id and client_secret",
    f"azure: [{{subscriptions: [{ONE}], credential: cli, client_secret: {{env: X}}}}]": "client_secret is for the credential service-principal",
    f"azure: [{{subscriptions: [{ONE}], credential: cli}}, {{subscriptions: [{TWO}, {ONE}], credential: cli}}]": f"subscription {ONE} stands twice",
    f"azure: [{{subscriptions: [{ONE}], credential: cli, cloud: germany}}]": "cloud",
}


@pytest.mark.parametrize("collect", MISTAKES)
def test_a_mistake_is_one_line_that_says_where(place: Path, azure: ArmDouble, collect: str) -> None:
    ended = run(place, azure, "check", collect=collect)
    assert ended.code == 2
    assert MISTAKES[collect] in ended.err
    assert "upheld.yaml:4" in ended.err
    assert azure.asked == []


def test_no_secret_is_in_any_output(place: Path, azure: ArmDouble) -> None:
    of_azure = (
        f"azure: [{{subscriptions: [{ONE}], credential: service-principal, tenant: {TENANT}, client_id: {CLIENT},"
        " client_secret: {env: UPHELD_SECRET}}]"
    )
    for secret in (SECRET, "a-wrong~one"):
        for arguments in (["check", "--format", "json"], ["doctor"], ["collect", "-o", str(place / f"estate-{secret[0]}")]):
            ended = run(place, azure, *arguments, collect=of_azure, env={"UPHELD_SECRET": secret})
            assert secret not in ended.out + ended.err
            assert "get_token failed" not in ended.err, "what Azure's clients log beside the gap"
    written = "".join(file.read_text() for file in place.rglob("*.json*"))
    assert SECRET not in written
    assert "a-wrong~one" not in written
    assert "c2lnbmVk" not in written, "the signature of the token"
