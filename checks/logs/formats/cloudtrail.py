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

from checks.logs.formats.columns import TIME, address_arrays, batch, booleans, moment, texts
from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.table import address_columns
from checks.logs.tables.cloudtrail import CLOUDTRAIL

MAXIMUM: Final = 256_000_000
"""CloudTrail's own files are far smaller; JSON is held in memory as a whole."""
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
    raw = bytearray()
    for piece in pieces:
        raw += piece
        if len(raw) > MAXIMUM:
            raise NotRecords(f"larger than {MAXIMUM // 1_000_000} MB")
    records = _records(bytes(raw), faults)
    del raw
    for start in range(0, len(records), _ROWS):
        yield _batch(records[start : start + _ROWS], start + 1, object_, faults)


def _records(raw: bytes, faults: Faults) -> list[Any]:
    try:
        raw.isascii() or raw.decode()
    except UnicodeDecodeError:
        faults.add("encoding", None, "bytes that are not UTF-8 were replaced", lost=False)
        raw = raw.decode("utf-8", "replace").encode()
    try:
        data = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise NotRecords(f"not JSON: {error}") from error
    records = data.get("Records") if isinstance(data, dict) else None
    if not isinstance(records, list):
        raise NotRecords("there is no list of Records in it")
    return records


def _batch(records: list[Any], first: int, object_: str, faults: Faults) -> Any:
    lines = [number for number, record in enumerate(records, first) if isinstance(record, dict)]
    held = [record for record in records if isinstance(record, dict)]
    if len(held) < len(records):
        missing = next(number for number, record in enumerate(records, first) if not isinstance(record, dict))
        faults.add("malformed", missing, "a record that is not an object", lost=True, count=len(records) - len(held))
    inner = _Inner(held, lines, faults)
    columns: dict[str, Any] = {}
    for name, path in _PATHS.items():
        columns[name] = texts(inner.values(path), lines, ".".join(path), faults)
    for name, path in _BOOLEANS.items():
        columns[name] = booleans(inner.values(path), lines, ".".join(path), faults)
    for name, member in _JSON.items():
        columns[name] = pa.array(
            [None if value is None else orjson.dumps(value).decode() for value in inner.values((member,))], pa.string()
        )
    columns |= _derived(inner, columns["principal_id"])
    return batch(CLOUDTRAIL, columns, object_, pa.array(lines, pa.int64()))


class _Inner:
    """The members of records, a column at a time; an object that is none is told once and has no members."""

    def __init__(self, records: list[dict[str, Any]], lines: list[int], faults: Faults) -> None:
        self.lines, self.faults = lines, faults
        self._objects: dict[tuple[str, ...], list[dict[str, Any]]] = {(): records}

    def values(self, path: tuple[str, ...]) -> list[Any]:
        member = path[-1]
        return [held.get(member) for held in self.objects(path[:-1])]

    def objects(self, path: tuple[str, ...]) -> list[dict[str, Any]]:
        if path not in self._objects:
            values = self.values(path)
            bad = [line for line, value in zip(self.lines, values, strict=True) if value is not None and not isinstance(value, dict)]
            if bad and path[0] in _OBJECTS:
                self.faults.add("value", bad[0], f"{'.'.join(path)} is not an object", lost=False, count=len(bad))
            self._objects[path] = [value if isinstance(value, dict) else _NOTHING for value in values]
        return self._objects[path]


_NOTHING: Final[dict[str, Any]] = {}
_OBJECTS: Final = frozenset({"userIdentity", "tlsDetails"})


def _derived(inner: _Inner, principal_id: Any) -> dict[str, Any]:
    lines, faults = inner.lines, inner.faults
    source = texts(inner.values(("sourceIPAddress",)), lines, "sourceIPAddress", faults)
    address = address_arrays(source, "source")
    known = pc.is_valid(address[address_columns("source")[0]])
    names = inner.values(("eventName",))
    used = inner.values(("additionalEventData", "MFAUsed")) if "ConsoleLogin" in names else [None] * len(names)
    return {
        **address,
        "source_name": pc.if_else(known, pa.scalar(None, pa.string()), source),
        "time": _times(inner.values(("eventTime",)), lines, faults),
        "principal": pc.coalesce(texts(inner.values(("userIdentity", "arn")), lines, "userIdentity.arn", faults), principal_id),
        "mfa": pa.array([_mfa(value) if name == "ConsoleLogin" else None for name, value in zip(names, used, strict=True)], pa.bool_()),
        "outcome": pa.array([_outcome(record) for record in inner.objects(())], pa.string()),
        "resource": pa.array([_resource(value) for value in inner.values(("resources",))], pa.string()),
    }


def _times(values: list[Any], lines: list[int], faults: Faults) -> Any:
    try:
        found = pa.array(values, pa.string()).cast(TIME)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        found = pa.array([moment(value) for value in values], TIME)
    if found.null_count:
        first = lines[pc.index(pc.is_null(found), value=True).as_py()]
        faults.add("time", first, "eventTime is missing or no time", lost=False, count=found.null_count)
    return found


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
