"""Which format a file has, by what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from re import Pattern
from typing import Any, Final, Protocol

from checks.logs.formats import (
    alb,
    alibaba_actiontrail,
    alibaba_inner_actiontrail,
    azure_activity,
    azure_application_gateway,
    azure_flow,
    azure_front_door,
    azure_key_vault,
    azure_signin,
    azure_storage,
    cloudtrail,
    gcp_audit,
    tencent_cloudaudit,
    vpc_flow,
)
from checks.logs.formats.faults import Faults

Reader = Callable[[Iterable[bytes], str, Faults], Iterator[Any]]


class Json(Protocol):
    """A format of JSON: `mark` is what only its files hold."""

    @property
    def mark(self) -> Pattern[bytes]: ...

    def read(self, pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]: ...


JSON: Final[Mapping[str, Json]] = {
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
READERS: Final[Mapping[str, Reader]] = {
    "alb": alb.read,
    "cloudtrail": cloudtrail.read,
    "vpc_flow": vpc_flow.read,
    **{name: format_.read for name, format_ in JSON.items()},
}
"""Each format's reader; its table is `log.` and its name."""
DIGEST: Final = "cloudtrail-digest"


def detect(head: bytes) -> str | None:
    """The format of a file that begins so; DIGEST for a digest, which holds no rows; None where it is none of them."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return _of_json(text)
    first = text.partition(b"\n")[0]
    if alb.is_record(first):
        return "alb"
    return "vpc_flow" if vpc_flow.header(first) or vpc_flow.is_default(first) else None


def _of_json(text: bytes) -> str | None:
    """The format whose mark stands first: what comes later may be quoted by a record."""
    if b'"digestS3Object"' in text:
        return DIGEST
    if b'"Records"' in text[:200]:
        return "cloudtrail"
    found = {name: mark.start() for name, format_ in JSON.items() if (mark := format_.mark.search(text))}
    if found:
        return min(found, key=lambda name: found[name])
    return "cloudtrail" if text.startswith(b"{") and b'"eventVersion"' in text else None
