"""Azure's clouds, and whose eyes one is read with."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agent.config import ConfigurationError
from agent.config.azure import Azure
from agent.config.values import plain

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

ENDPOINT: Final = "UPHELD_ARM_ENDPOINT"
"""Where Resource Manager is, if not where the cloud has it: a private cloud, a proxy that terminates TLS."""
AUTHORITY: Final = "AZURE_AUTHORITY_HOST"
"""azure-identity's own variable for where tokens come from."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where a cloud is: Resource Manager's URL, the scope of its tokens, who issues them, and one of its locations."""

    endpoint: str
    scope: str
    authority: str
    location: str


CLOUDS: Final[Mapping[str, Cloud]] = {
    "public": Cloud(
        "https://management.azure.com", "https://management.azure.com/.default", "https://login.microsoftonline.com", "westeurope"
    ),
    "china": Cloud(
        "https://management.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/.default",
        "https://login.chinacloudapi.cn",
        "chinaeast2",
    ),
    "usgov": Cloud(
        "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net/.default",
        "https://login.microsoftonline.us",
        "usgovvirginia",
    ),
}
"""Azure SDK for Python, azure.mgmt.core.tools.get_arm_endpoints and azure.identity.AzureAuthorityHosts."""


def cloud(name: str, environment: Mapping[str, str]) -> Cloud:
    """A cloud by its name in the configuration. Raises ConfigurationError where the environment puts it somewhere without TLS, or
    names authorities that are not there."""
    found = CLOUDS[name]
    if authority := environment.get(AUTHORITY):
        found = replace(found, authority=authority if "://" in authority else f"https://{authority}")
    if endpoint := environment.get(ENDPOINT):
        found = replace(found, endpoint=endpoint.rstrip("/"))
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if (bundle := environment.get(variable)) and not Path(bundle).exists():
            raise ConfigurationError(f"{variable}: {bundle} is not there, so that no server can be trusted")
    for variable, url in ((ENDPOINT, found.endpoint), (AUTHORITY, found.authority)):
        if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
            raise ConfigurationError(f"{variable}: {url} is not an https URL: a token is sent over TLS alone")
    return found


def credential(one: Azure, where: Cloud) -> TokenCredential:
    """The identity that the configuration names, and no chain of others (azure-identity, "Credential classes").

    Raises ConfigurationError where a setting or the secret is not there.
    """
    import os

    import azure.identity as identities

    shipped = {known.authority for known in CLOUDS.values()}
    waits: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.2, "connection_timeout": 5, "read_timeout": 20}
    settings: dict[str, Any] = {
        "authority": where.authority,
        "disable_instance_discovery": where.authority.rstrip("/") not in shipped,
        **waits,
    }
    try:
        match one.credential:
            case "managed-identity":
                return identities.ManagedIdentityCredential(client_id=one.client_id or os.environ.get("AZURE_CLIENT_ID"))
            case "workload-identity":
                named = {"tenant_id": one.tenant, "client_id": one.client_id}
                return identities.WorkloadIdentityCredential(**{name: held for name, held in named.items() if held}, **settings)
            case "service-principal":
                assert one.tenant is not None
                assert one.client_id is not None
                secret = plain(one.client_secret)
                assert secret is not None
                return identities.ClientSecretCredential(one.tenant, one.client_id, secret, **settings)
        return identities.AzureCliCredential(tenant_id=one.tenant or "", process_timeout=30)
    except ValueError as error:
        raise ConfigurationError(f"collect.azure, credential {one.credential}: {_first_line(error)}") from error


_NOBODY: Final = "an identity that its token does not name"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a token speaks for: in words, and its object id in the directory."""

    name: str
    object_id: str | None = None


def bearer(token: str) -> Caller:
    """Who a token speaks for, as far as it tells: its claims are read, not verified, and nothing else of it is kept."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return Caller(_NOBODY)
    named = claims if isinstance(claims, dict) else {}
    who = next((str(named[name]) for name in ("upn", "unique_name", "appid", "azp", "oid") if named.get(name)), None)
    told = [f"{what} {named[name]}" for what, name in (("object", "oid"), ("tenant", "tid")) if named.get(name)]
    object_id = str(named["oid"]).lower() if named.get("oid") else None
    return Caller(f"{who or 'an identity'} ({', '.join(told)})" if told else who or _NOBODY, object_id)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
