"""Whose eyes Azure is read with: the real azure-identity against the double's token endpoints, and no secret in what is said."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest
from azure.core import AzureClouds
from azure.mgmt.core.tools import get_arm_endpoints

from agent.collect.aws.accounts import Shut
from agent.collect.azure.cloud import Caller, bearer, cloud, credential
from agent.collect.azure.subscriptions import Entered, enter
from agent.config import ConfigurationError
from agent.config.azure import Azure
from agent.config.values import Secret
from tests.agent.collect.azure.eyes import ONE, TWO, Eyes, shop
from tests.world.arm_double import CLIENT, SECRET, TENANT, ArmDouble, error, json_reply
from tests.world.tls_certificates import issue


@pytest.fixture
def eyes(azure: ArmDouble, tmp_path: Path) -> Eyes:
    shop(azure)
    return Eyes(azure, tmp_path)


def doors(eyes: Eyes, settings: Azure, **environment: str) -> list[Entered | Shut]:
    with mock.patch.dict(os.environ, {**eyes.double.environment, **environment}):
        return list(enter(settings, eyes.arm(settings), "westeurope"))


def principal(*subscriptions: str, tenant: str = TENANT) -> Azure:
    return Azure(
        subscriptions=list(subscriptions or (ONE,)), credential="service-principal", tenant=tenant, client_id=CLIENT,
        client_secret=Secret(env="UPHELD_TEST_SECRET"),
    )  # fmt: skip


def test_a_managed_identity_reads(eyes: Eyes) -> None:
    (one,) = doors(eyes, eyes.settings())
    assert isinstance(one, Entered)
    assert one.identity == f"{CLIENT} (object 9a51c2f7-0000-4000-8000-00000000000d, tenant {TENANT})"
    assert one.tenant == TENANT
    (asked,) = {call.query["resource"] for call in eyes.double.asked if call.path == "/msi/token"}
    assert asked == "https://management.azure.com"


def test_a_service_principal_reads(eyes: Eyes) -> None:
    (one,) = doors(eyes, principal(), UPHELD_TEST_SECRET=SECRET)
    assert isinstance(one, Entered)
    assert any(call.path == f"/{TENANT}/oauth2/v2.0/token" for call in eyes.double.asked)


def test_a_workload_identity_reads(eyes: Eyes, tmp_path: Path) -> None:
    (tmp_path / "assertion").write_text("signed-by-the-cluster")
    settings = eyes.settings(credential="workload-identity", tenant=TENANT, client_id=CLIENT)
    (one,) = doors(eyes, settings, AZURE_FEDERATED_TOKEN_FILE=str(tmp_path / "assertion"))
    assert isinstance(one, Entered)
    (call,) = [call for call in eyes.double.asked if call.path.endswith("/token")]
    assert b"client_assertion=signed-by-the-cluster" in call.body


def test_an_expired_secret_is_a_gap_that_says_so_and_nothing_of_the_secret(eyes: Eyes) -> None:
    (one,) = doors(eyes, principal(), UPHELD_TEST_SECRET="an~older.secret")
    assert isinstance(one, Shut)
    assert (str(one.failure.reason), one.call) == ("expired-credentials", "GetToken")
    assert one.failure.code == "AADSTS7000222"
    assert one.failure.message.startswith("the client secret has expired: give the application a new one, and `client_secret` that (")
    assert "an~older.secret" not in repr(one)


TENANTS = {
    "AADSTS90002: Tenant 'x' not found. Check to make sure you have the correct tenant ID.": "is `tenant` right, and ",
    "AADSTS700016: Application with identifier 'x' was not found in the directory 'y'.": "the directory `tenant` has no application",
    "AADSTS7000215: Invalid client secret provided.": "`client_secret` is not a secret of the application",
}


@pytest.mark.parametrize("said", TENANTS)
def test_what_is_wrong_with_a_service_principal_is_said_by_the_names_of_its_settings(eyes: Eyes, said: str) -> None:
    where = "/.well-known/openid-configuration" if "90002" in said else "/oauth2/v2.0/token"
    eyes.double.fail(where, json_reply({"error": "invalid_client", "error_description": said}, 400))
    (one,) = doors(eyes, principal(), UPHELD_TEST_SECRET=SECRET)
    assert isinstance(one, Shut)
    assert one.failure.message.startswith(TENANTS[said])
    assert str(one.failure.reason) == "expired-credentials"


def test_an_authority_of_who_issues_tokens_that_is_not_trusted_is_no_fault_of_the_credential(eyes: Eyes, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(issue("Somebody else's authority", None, authority=True).pem)
    (one,) = doors(eyes, principal(), UPHELD_TEST_SECRET=SECRET, REQUESTS_CA_BUNDLE=str(other))
    assert isinstance(one, Shut)
    assert str(one.failure.reason) == "unreachable"
    assert "name its authority in REQUESTS_CA_BUNDLE" in one.failure.message


def test_authorities_that_are_not_there_are_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match=r"REQUESTS_CA_BUNDLE: /nowhere/ca\.pem is not there"):
        cloud("public", {"REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"})


def test_a_secret_that_is_not_there_is_a_mistake_of_the_configuration(eyes: Eyes) -> None:
    with pytest.raises(ConfigurationError, match="service-principal: the environment variable UPHELD_TEST_SECRET is not set"):
        doors(eyes, principal())


def test_a_workload_identity_without_its_settings_is_a_mistake_of_the_configuration(eyes: Eyes) -> None:
    with pytest.raises(ConfigurationError, match=r"credential workload-identity: .*"):
        doors(eyes, eyes.settings(credential="workload-identity"))


def test_a_machine_without_the_cli_says_what_to_do(eyes: Eyes) -> None:
    (one,) = doors(eyes, eyes.settings(credential="cli"), PATH="/nowhere")
    assert isinstance(one, Shut)
    assert str(one.failure.reason) == "expired-credentials"
    assert "Azure CLI" in one.failure.message


def test_a_subscription_that_is_not_seen_says_what_may_be_wrong(eyes: Eyes) -> None:
    unknown = "7b0c2c4e-0000-4000-8000-00000000000f"
    seen, one = doors(eyes, eyes.settings(ONE, unknown))
    assert isinstance(seen, Entered)
    assert isinstance(one, Shut)
    assert (one.account, one.failure.code, str(one.failure.reason)) == (unknown, "SubscriptionNotFound", "denied")
    assert one.failure.message.endswith("(is it one of the tenant of this identity, and does the identity have a role on it?)")


def test_a_subscription_of_another_tenant_says_so(eyes: Eyes) -> None:
    told = "The access token is from the wrong issuer. It must match the tenant associated with this subscription."
    eyes.double.fail(f"/subscriptions/{ONE}", error(401, "InvalidAuthenticationTokenTenant", told))
    (one,) = doors(eyes, principal(), UPHELD_TEST_SECRET=SECRET)
    assert isinstance(one, Shut)
    assert one.failure.message == f"{told} (is it one of the tenant {TENANT}, and does the identity have a role on it?)"


def test_an_answer_about_another_subscription_is_none(eyes: Eyes) -> None:
    eyes.double.fail(f"/subscriptions/{ONE}", json_reply(eyes.double.subscriptions[TWO]))
    (one,) = doors(eyes, eyes.settings())
    assert isinstance(one, Shut)
    assert str(one.failure.reason) == "malformed"


def test_an_authority_that_is_not_trusted_is_named(eyes: Eyes, tmp_path: Path) -> None:
    with mock.patch.dict(os.environ, eyes.double.environment):
        where = cloud("public", os.environ)
        arm = eyes.arm()
        token = arm.credential.get_token(where.scope)
    other = tmp_path / "other.pem"
    other.write_bytes(issue("Somebody else's authority", None, authority=True).pem)
    with mock.patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": str(other)}):
        arm.credential = mock.Mock(get_token=lambda *_, **__: token)
        answer = arm.one(f"/subscriptions/{ONE}", "2022-12-01", None, lambda item: item)
    assert "REQUESTS_CA_BUNDLE" in getattr(answer, "failure").message  # noqa: B009


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "e30.bm90IGpzb24.x", "e30.W10.x"])
def test_a_token_that_tells_nothing_names_nobody(text: str) -> None:
    assert bearer(text) == Caller("an identity that its token does not name")


@pytest.mark.parametrize("name", ["UPHELD_ARM_ENDPOINT", "AZURE_AUTHORITY_HOST"])
def test_no_token_is_asked_for_or_sent_without_tls(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: http://.* is not an https URL"):
        cloud("public", {name: "http://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("name", "host", "scope"),
    [
        ("public", "management.azure.com", "https://management.azure.com/.default"),
        ("china", "management.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
        ("usgov", "management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net/.default"),
    ],
)
def test_each_cloud_is_where_the_sdk_has_it(name: str, host: str, scope: str) -> None:
    held = get_arm_endpoints(
        {"public": AzureClouds.AZURE_PUBLIC_CLOUD, "china": AzureClouds.AZURE_CHINA_CLOUD, "usgov": AzureClouds.AZURE_US_GOVERNMENT}[name]
    )
    found = cloud(name, {})
    assert (found.endpoint, found.scope) == (f"https://{host}", scope)
    assert held["resource_manager"].rstrip("/") == found.endpoint
    assert held["credential_scopes"] == [found.scope]


def test_the_credential_is_the_one_that_is_named_and_no_chain() -> None:
    held = credential(Azure(subscriptions=[ONE], credential="cli"), cloud("public", {}))
    assert type(held).__name__ == "AzureCliCredential"
