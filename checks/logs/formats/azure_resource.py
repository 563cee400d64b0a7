"""What the resource logs of Azure have in common.

Source: Azure Monitor documentation, "Common and service-specific schemas for Azure resource logs" (time, resourceId, category,
identity, properties); Azure Resource Manager documentation, "Resource ID": its letters mean the same in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.json_format import Derive
from checks.logs.formats.json_records import Members

CLAIMS: Final[Mapping[str, str]] = {
    "<amr>": "http://schemas.microsoft.com/claims/authnmethodsreferences",
    "<name>": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "<objectid>": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "<tenantid>": "http://schemas.microsoft.com/identity/claims/tenantid",
    "<upn>": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
}
"""Claims of a token whose names are URIs. Source: Azure Monitor documentation, "Azure Activity Log event schema" (sample events)."""
_ID: Final = r"^/subscriptions/(?P<account>[^/]+)(?:/resourcegroups/(?P<group>[^/]+))?"
_FAILED: Final = 400
"""Source: RFC 9110, 15.5 and 15.6."""


def resource(ids: Any) -> dict[str, Any]:
    """`resource` in lower case, and the subscription in it as `account`."""
    lower = pc.utf8_lower(ids)
    return {"resource": lower, "account": pc.struct_field(pc.extract_regex(lower, pattern=_ID), "account")}


def resource_group(ids: Any) -> Any:
    """The resource group in ids that are in lower case; null where there is none."""
    found = pc.struct_field(pc.extract_regex(ids, pattern=_ID), "group")
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)


def outcome(status: Any) -> Any:
    """success or failure, of HTTP status codes."""
    return pc.if_else(pc.less(status, _FAILED), "success", "failure")


def and_resource(derive: Derive | None = None) -> Derive:
    """What is derived, and the columns of the resource."""

    def both(members: Members, columns: Mapping[str, Any]) -> Mapping[str, Any]:
        found = {**columns, **resource(columns["resource"])}
        if "account" in columns:
            found["account"] = pc.coalesce(found["account"], columns["account"])
        return found if derive is None else {**found, **derive(members, found)}

    return both
