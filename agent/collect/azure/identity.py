"""The identity that reads storage, by its name in the configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.config import ConfigurationError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def credential(name: str) -> TokenCredential:
    """One identity, and no chain of others (azure-identity, "Credential classes"); its settings are in the environment.

    Raises ConfigurationError where it is not set up.
    """
    import azure.identity as identities

    try:
        match name:
            case "managed-identity":
                return identities.ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"))
            case "workload-identity":
                return identities.WorkloadIdentityCredential()
            case "service-principal":
                return identities.EnvironmentCredential()
            case _:
                return identities.AzureCliCredential()
    except ValueError as error:
        raise ConfigurationError(f"credential {name}: {error}") from error
