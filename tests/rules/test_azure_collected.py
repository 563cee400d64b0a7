"""What Azure answers, collected with the catalogue that ships, is in the shape that the rules that ship read: from the wire to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checks.judge import Bound, judge
from tests.agent.collect.azure.eyes import GROUP, ONE, Eyes
from tests.agent.road import shipped
from tests.world.arm_double import ArmDouble, error

VAULTS, SERVERS, DATABASES, POSTGRES = (
    "azure.keyvault.vaults",
    "azure.sql.servers",
    "azure.sql.servers.databases",
    "azure.dbforpostgresql.flexibleservers",
)
ACCOUNTS, SUBSCRIPTION = "azure.storage.storageaccounts", "azure.subscription"


def resource(double: ArmDouble, type_: str, name: str, properties: Mapping[str, Any], **more: Any) -> str:
    """A resource of a top-level type; its id."""
    return double.put(f"{GROUP}/providers/{type_}/{name}", type_, {"location": "West Europe", "tags": {}, "properties": properties, **more})


def below(double: ArmDouble, id_: str, path: str, properties: Mapping[str, Any]) -> None:
    double.put(f"{id_}/{path}", "below", {"properties": properties})


def logs(*entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": {"logs": list(entries), "workspaceId": "/subscriptions/x/providers/Microsoft.OperationalInsights/workspaces/w"}}


@pytest.fixture
def eyes(azure: ArmDouble, tmp_path: Path) -> Eyes:
    azure.subscribe(ONE, "Shop")
    good = resource(azure, "Microsoft.KeyVault/vaults", "good", {
        "vaultUri": "https://good.vault.azure.net/", "enablePurgeProtection": True, "enableRbacAuthorization": True,
        "publicNetworkAccess": "Enabled", "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": []},
    })  # fmt: skip
    azure.put(
        f"{good}/providers/Microsoft.Insights/diagnosticSettings/all",
        "x",
        logs({"category": "AuditEvent", "categoryGroup": None, "enabled": True}),
    )
    resource(azure, "Microsoft.KeyVault/vaults", "bad", {
        "vaultUri": "https://bad.vault.azure.net/", "enableRbacAuthorization": False, "publicNetworkAccess": "Enabled",
    })  # fmt: skip
    server = resource(azure, "Microsoft.Sql/servers", "sales", {
        "fullyQualifiedDomainName": "sales.database.windows.net", "minimalTlsVersion": "1.2", "publicNetworkAccess": "Disabled",
    })  # fmt: skip
    below(azure, server, "encryptionProtector/current", {"serverKeyType": "ServiceManaged"})
    below(azure, server, "auditingSettings/default", {"state": "Disabled", "retentionDays": 0, "storageEndpoint": ""})
    for name, state in (("master", "Disabled"), ("orders", "Enabled"), ("old", "Disabled")):
        id_ = azure.put(
            f"{server}/databases/{name}", "Microsoft.Sql/servers/databases", {"location": "westeurope", "properties": {"databaseId": "d"}}
        )
        below(azure, id_, "transparentDataEncryption/current", {"state": state})
        below(azure, id_, "backupShortTermRetentionPolicies/default", {"retentionDays": 7})
    postgres = resource(
        azure, "Microsoft.DBforPostgreSQL/flexibleServers", "carts", {"network": {"publicNetworkAccess": "Disabled"}, "state": "Ready"}
    )
    below(azure, postgres, "configurations/require_secure_transport", {"value": "on"})
    below(azure, postgres, "configurations/ssl_min_protocol_version", {"value": "TLSv1.1"})
    account = resource(
        azure,
        "Microsoft.Storage/storageAccounts",
        "files",
        {"supportsHttpsTrafficOnly": True, "allowBlobPublicAccess": True},
        sku={"name": "Standard_LRS"},
    )
    below(azure, account, "blobServices/default", {"isVersioningEnabled": True, "deleteRetentionPolicy": {"enabled": True, "days": 7}})
    below(azure, account, "blobServices/default/containers/open", {"publicAccess": "Blob"})
    return Eyes(azure, tmp_path)


def verdicts(eyes: Eyes, *types: str) -> dict[tuple[str, str], str]:
    """(rule, last name of the resource) -> verdict, of all rules over these types."""
    book = shipped()
    estate = eyes.collect(*types, kinds=book.catalogue)
    bound = [Bound(rule, rule.params({}), {}, ()) for rule in book.rules.values() if rule.kind in types and rule.file.paths is None]
    findings = judge(estate, book.catalogue, bound, {})
    return {(one.rule, one.resource.id.rpartition("/")[2]): str(one.verdict) for one in findings}


def test_settings_details_and_what_is_left_out_come_to_verdicts(eyes: Eyes) -> None:
    found = verdicts(eyes, VAULTS)
    wanted = {
        "azure-key-vault-encrypted": ("upheld", "upheld"),
        "azure-key-vault-logged": ("upheld", "broken"),
        "azure-key-vault-not-public": ("upheld", "broken"),
        "azure-key-vault-purge-protected": ("upheld", "broken"),
        "azure-key-vault-rbac": ("upheld", "broken"),
        "azure-key-vault-soft-delete": ("unproven", "unproven"),
    }
    assert {name: (found[name, "good"], found[name, "bad"]) for name in wanted} == wanted


def test_what_stands_below_a_server_comes_to_verdicts(eyes: Eyes) -> None:
    found = verdicts(eyes, SERVERS, DATABASES)
    assert found["azure-sql-server-protector-key", "sales"] == "upheld"
    assert found["azure-sql-server-audited", "sales"] == "broken"
    assert {name: one for (rule, name), one in found.items() if rule == "azure-sql-database-encrypted"} == {
        "orders": "upheld",
        "old": "broken",
    }
    assert found["azure-sql-database-in-regions", "orders"] == "unproven"


def test_parameters_and_lists_below_a_resource_come_to_verdicts(eyes: Eyes) -> None:
    found = verdicts(eyes, POSTGRES, ACCOUNTS)
    assert found["azure-postgresql-server-requires-tls", "carts"] == "upheld"
    assert found["azure-postgresql-server-tls-version", "carts"] == "broken"
    assert found["azure-postgresql-server-connections-logged", "carts"] == "unproven"
    assert found["azure-postgresql-server-encrypted", "carts"] == "upheld"
    assert found["azure-storage-account-no-anonymous-access", "files"] == "broken"
    assert found["azure-storage-account-no-shared-key", "files"] == "broken"
    assert found["azure-storage-account-blobs-recoverable", "files"] == "upheld"
    assert found["azure-storage-account-blobs-logged", "files"] == "broken"
    assert found["azure-storage-account-tls-version", "files"] == "unproven"


def test_what_the_platform_guarantees_what_is_configured_and_whose_key_it_is_are_told_apart(eyes: Eyes) -> None:
    key = {"keySource": "Microsoft.Keyvault", "services": {"queue": {"keyType": "Account"}, "table": {"keyType": "Account"}}}
    resource(eyes.double, "Microsoft.Storage/storageAccounts", "keyed", {"supportsHttpsTrafficOnly": True, "encryption": key})
    book = shipped()
    estate = eyes.collect((ACCOUNTS, ["properties"]), DATABASES, kinds=book.catalogue)
    rules = book.rules["azure-storage-account-encrypted"], book.rules["azure-sql-database-encrypted"]
    told = {}
    for rule in rules:
        for params in ({}, {"customer_key": True}):
            bound = Bound(rule, rule.params(params), {}, ())
            for one in judge(estate, book.catalogue, [bound], {}):
                told[one.resource.id.rpartition("/")[2], bool(params)] = (str(one.verdict), one.evidence.kind, one.explanation)
    assert told["files", False][:2] == ("upheld", "platform-guaranteed")
    assert told["files", False][2].endswith("The platform guarantees it.")
    assert told["keyed", True][:2] == ("upheld", "customer-key")
    assert told["files", True][:2] == ("unproven", "")
    assert told["orders", False][:2] == ("upheld", "configured")
    assert told["old", False][:2] == ("broken", "")


def test_the_activity_log_is_kept_as_the_platform_keeps_it(eyes: Eyes) -> None:
    assert set(verdicts(eyes, SUBSCRIPTION).values()) == {"upheld"}


def test_a_detail_that_is_refused_is_never_upheld(eyes: Eyes) -> None:
    eyes.double.fail("/diagnosticSettings", error(403, "AuthorizationFailed"))
    assert verdicts(eyes, VAULTS)["azure-key-vault-logged", "good"] == "unproven"
    eyes.double.fail("/configurations", error(500, "InternalServerError"))
    assert verdicts(eyes, POSTGRES)["azure-postgresql-server-requires-tls", "carts"] == "unproven"


def test_an_audit_that_nothing_keeps_is_none(eyes: Eyes) -> None:
    server = f"{GROUP}/providers/Microsoft.Sql/servers/sales"
    groups = ["BATCH_COMPLETED_GROUP", "SUCCESSFUL_DATABASE_AUTHENTICATION_GROUP", "FAILED_DATABASE_AUTHENTICATION_GROUP"]
    told = {"state": "Enabled", "storageEndpoint": "", "isAzureMonitorTargetEnabled": True, "auditActionsAndGroups": groups}
    below(eyes.double, server, "auditingSettings/default", told)
    assert verdicts(eyes, SERVERS)["azure-sql-server-audited", "sales"] == "broken"
    setting = logs({"category": "SQLSecurityAuditEvents", "categoryGroup": None, "enabled": True})
    eyes.double.put(f"{server}/databases/master/providers/Microsoft.Insights/diagnosticSettings/audit", "x", setting)
    assert verdicts(eyes, SERVERS)["azure-sql-server-audited", "sales"] == "upheld"
    eyes.double.fail("/databases/master/providers/Microsoft.Insights/diagnosticSettings", error(403, "AuthorizationFailed"))
    assert verdicts(eyes, SERVERS)["azure-sql-server-audited", "sales"] == "unproven"


def test_the_administrators_of_servers_are_shown_where_they_are_asked_for(eyes: Eyes) -> None:
    verdicts(eyes, SERVERS)
    (asked,) = [one for one in eyes.double.asked if one.path.endswith("/providers/Microsoft.Sql/servers")]
    assert asked.query["$expand"] == "administrators/activedirectory"


def test_a_namespace_that_denies_by_default_and_admits_nobody_is_open(eyes: Eyes) -> None:
    namespace = resource(
        eyes.double, "Microsoft.EventHub/namespaces", "events", {"publicNetworkAccess": "Enabled", "serviceBusEndpoint": "https://events"}
    )
    for rules, verdict in (([], "broken"), ([{"ipMask": "203.0.113.0/25", "action": "Allow"}], "upheld")):
        below(eyes.double, namespace, "networkRuleSets/default", {"defaultAction": "Deny", "ipRules": rules, "virtualNetworkRules": []})
        assert verdicts(eyes, "azure.eventhub.namespaces")["azure-eventhub-namespace-not-public", "events"] == verdict


def test_a_static_website_is_given_to_everyone_whatever_the_account_says(eyes: Eyes) -> None:
    account = resource(
        eyes.double, "Microsoft.Storage/storageAccounts", "site", {"supportsHttpsTrafficOnly": True, "allowBlobPublicAccess": False}
    )
    below(eyes.double, account, "blobServices/default", {"isVersioningEnabled": True})
    assert verdicts(eyes, ACCOUNTS)["azure-storage-account-no-anonymous-access", "site"] == "upheld"
    below(eyes.double, account, "blobServices/default/containers/$web", {"publicAccess": "None"})
    assert verdicts(eyes, ACCOUNTS)["azure-storage-account-no-anonymous-access", "site"] == "unproven"
