"""`collect.azure` of upheld.yaml: which subscriptions are read, and as whom."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from agent.config.values import Secret, Strict

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SERVICE_PRINCIPAL: Final = "service-principal"


def _guid(value: object) -> str:
    if isinstance(value, str) and _GUID.fullmatch(value):
        return value.lower()
    raise ValueError(f"{value!r} is not a GUID such as 7b0c2c4e-0000-4000-8000-000000000001")


Guid = Annotated[str, BeforeValidator(_guid, json_schema_input_type=str)]
Credential = Literal["managed-identity", "workload-identity", "service-principal", "cli"]
CloudName = Literal["public", "china", "usgov"]


class Azure(Strict):
    """Subscriptions that one identity reads."""

    subscriptions: Annotated[list[Guid], Field(min_length=1)]
    credential: Credential
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")] | None = None
    """The directory's id, or one of its domains."""
    client_id: Guid | None = None
    """Of a managed identity that was assigned by a user, or of the application."""
    client_secret: Secret | None = None
    cloud: CloudName = "public"
    resource_graph: bool = True
    """Whether what ARM lists is held against Resource Graph."""
    effective: bool = False
    """Whether to ask for the rules and routes that are in effect on network interfaces, which Reader does not permit."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = {"tenant": self.tenant, "client_id": self.client_id, "client_secret": self.client_secret}
        if self.credential == SERVICE_PRINCIPAL and (lacking := [name for name, value in given.items() if value is None]):
            raise ValueError(f"the credential {SERVICE_PRINCIPAL} needs {' and '.join(lacking)}")
        if self.credential != SERVICE_PRINCIPAL and self.client_secret is not None:
            raise ValueError(f"client_secret is for the credential {SERVICE_PRINCIPAL}, and this one is {self.credential}")
        return self


def again(azure: list[Azure]) -> tuple[int, int, str] | None:
    """The first subscription that stands twice, and where it stands again: (index, index in its list, subscription)."""
    seen: set[str] = set()
    for index, one in enumerate(azure):
        for place, subscription in enumerate(one.subscriptions):
            if subscription in seen:
                return index, place, subscription
            seen.add(subscription)
    return None
