"""CloudTrail log files: `{"Records": [...]}`, of each record the members that the table has, by fixed names.

The schema is never inferred: real records hold members that differ only in case. What is open in form (requestParameters,
responseElements, ...) stays JSON text.
Source: CloudTrail user guide, "CloudTrail record contents", "CloudTrail userIdentity element", "AWS Management Console
sign-in events" (ConsoleLogin: additionalEventData.MFAUsed is Yes or No, responseElements.ConsoleLogin Success or Failure).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.columns import address_arrays, batch, booleans, texts
from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.formats.json_records import Members, Records, objects, text, whole
from checks.logs.formats.json_values import json_texts, times
from checks.logs.table import address_columns
from checks.logs.tables.cloudtrail import CLOUDTRAIL

_ROWS: Final = 20_000
_PATHS: Final = {
    "event_id": ("eventID",), "event_name": ("eventName",), "event_source": ("eventSource",), "event_type": ("eventType",),
    "event_category": ("eventCategory",), "account": ("recipientAccountId",), "region": ("awsRegion",), "user_agent": ("userAgent",),
    "principal_type": ("userIdentity", "type"), "principal_account": ("userIdentity", "accountId"),
    "principal_id": ("userIdentity", "principalId"), "user_name": ("userIdentity", "userName"),
    "access_key": ("userIdentity", "accessKeyId"), "invoked_by": ("userIdentity", "invokedBy"), "error_code": ("errorCode",),
    "error_message": ("errorMessage",), "tls_version": ("tlsDetails", "tlsVersion"), "cipher": ("tlsDetails", "cipherSuite"),
    "tls_host": ("tlsDetails", "clientProvidedHostHeader"), "vpc_endpoint": ("vpcEndpointId",), "request_id": ("requestID",),
    "shared_event_id": ("sharedEventID",), "issuer": ("userIdentity", "sessionContext", "sessionIssuer", "arn"),
}  # fmt: skip
_BOOLEANS: Final = {
    "read_only": ("readOnly",), "management": ("managementEvent",), "session_from_console": ("sessionCredentialFromConsole",),
    "session_mfa": ("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"),
}  # fmt: skip
_JSON: Final = {
    "request": "requestParameters", "response": "responseElements", "additional": "additionalEventData",
    "service_details": "serviceEventDetails",
}  # fmt: skip


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of CLOUDTRAIL; `line` is the number of the record in its file, from 1. Raises NotRecords."""
    found = _records(text(whole(pieces), None, faults))
    for start in range(0, len(found), _ROWS):
        yield _batch(objects([*enumerate(found[start : start + _ROWS], start + 1)], faults), object_, faults)


def _records(raw: bytes) -> list[Any]:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotRecords(f"not JSON: {error}") from error
    found = data.get("Records") if isinstance(data, dict) else None
    if not isinstance(found, list):
        raise NotRecords("there is no list of Records in it")
    return found


def _batch(found: Records, object_: str, faults: Faults) -> Any:
    lines, inner = found.numbers, Members(found, faults, told=_OBJECTS)
    columns: dict[str, Any] = {}
    for name, path in _PATHS.items():
        columns[name] = texts(inner.values(path), lines, ".".join(path), faults)
    for name, path in _BOOLEANS.items():
        columns[name] = booleans(inner.values(path), lines, ".".join(path), faults)
    for name, member in _JSON.items():
        columns[name] = json_texts(inner.values((member,)), lines, member, faults)
    columns |= _derived(inner, columns["principal_id"])
    return batch(CLOUDTRAIL, columns, object_, pa.array(lines, pa.int64()))


_OBJECTS: Final = frozenset({"userIdentity", "tlsDetails"})


def _derived(inner: Members, principal_id: Any) -> dict[str, Any]:
    lines, faults = inner.numbers, inner.faults
    source = texts(inner.values(("sourceIPAddress",)), lines, "sourceIPAddress", faults)
    address = address_arrays(source, "source")
    known = pc.is_valid(address[address_columns("source")[0]])
    names = inner.values(("eventName",))
    used = inner.values(("additionalEventData", "MFAUsed")) if "ConsoleLogin" in names else [None] * len(names)
    return {
        **address,
        "source_name": pc.if_else(known, pa.scalar(None, pa.string()), source),
        "time": times(inner.values(("eventTime",)), lines, "eventTime", faults, required=True),
        "principal": pc.coalesce(texts(inner.values(("userIdentity", "arn")), lines, "userIdentity.arn", faults), principal_id),
        "mfa": pa.array([_mfa(value) if name == "ConsoleLogin" else None for name, value in zip(names, used, strict=True)], pa.bool_()),
        "outcome": pa.array([_outcome(record) for record in inner.objects(())], pa.string()),
        "resource": pa.array([_resource(value) for value in inner.values(("resources",))], pa.string()),
    }


def _mfa(used: Any) -> bool | None:
    return {"yes": True, "no": False}.get(used.lower()) if isinstance(used, str) else None


def _outcome(record: Mapping[str, Any]) -> str | None:
    if record.get("eventName") != "ConsoleLogin":
        return "success" if record.get("errorCode") is None else "failure"
    response = record.get("responseElements")
    told = response.get("ConsoleLogin") if isinstance(response, dict) else None
    return told.lower() if isinstance(told, str) and told.lower() in {"success", "failure"} else None


def _resource(listed: Any) -> str | None:
    one = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    arn = one.get("ARN") if isinstance(one, dict) else None
    return arn if isinstance(arn, str) else None
