"""The formats of JSON records that are declared, by their names, and which of them a file has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from re import Pattern
from typing import Any, Final, Protocol

from checks.logs.formats import (
    alibaba_actiontrail,
    alibaba_inner_actiontrail,
    azure_activity,
    azure_application_gateway,
    azure_flow,
    azure_front_door,
    azure_key_vault,
    azure_signin,
    azure_storage,
    gcp_audit,
    tencent_cloudaudit,
)
from checks.logs.formats.faults import Faults


class Format(Protocol):
    """`mark`: what only files of this format hold."""

    @property
    def mark(self) -> Pattern[bytes]: ...

    def read(self, pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]: ...


FORMATS: Final[Mapping[str, Format]] = {
    "alibaba_actiontrail": alibaba_actiontrail.FORMAT,
    "alibaba_inner_actiontrail": alibaba_inner_actiontrail.FORMAT,
    "azure_activity": azure_activity.FORMAT,
    "azure_application_gateway": azure_application_gateway.FORMAT,
    "azure_front_door": azure_front_door.FORMAT,
    "azure_key_vault": azure_key_vault.FORMAT,
    "azure_nsg_flow": azure_flow.NSG,
    "azure_signin": azure_signin.FORMAT,
    "azure_storage": azure_storage.FORMAT,
    "azure_vnet_flow": azure_flow.VNET,
    "gcp_audit": gcp_audit.FORMAT,
    "tencent_cloudaudit": tencent_cloudaudit.FORMAT,
}


def marked(text: bytes) -> str | None:
    """The format whose mark stands first in JSON: what comes later may be quoted by a record."""
    found = {name: mark.start() for name, format_ in FORMATS.items() if (mark := format_.mark.search(text))}
    return min(found, key=lambda name: found[name]) if found else None
