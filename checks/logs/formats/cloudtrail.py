"""CloudTrail log files: `{"Records": [...]}`, of each record the members that the table has, by fixed names.

The schema is never inferred: real records hold members that differ only in case. What is open in form (requestParameters,
responseElements, ...) stays JSON text.
Source: CloudTrail user guide, "CloudTrail record contents", "CloudTrail userIdentity element", "AWS Management Console
sign-in events" (ConsoleLogin: additionalEventData.MFAUsed is Yes or No, responseElements.ConsoleLogin Success or Failure).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
import pyarrow as pa

from checks.logs.formats.columns import batch, moment
from checks.logs.formats.faults import Faults
from checks.logs.tables import CLOUDTRAIL, address_columns, address_parts

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
_WORDS: Final = {"true": True, "false": False}
_COLUMNS: Final = tuple(name for name, _ in CLOUDTRAIL.physical if name != "object")


class NotRecords(ValueError):
    """Contents that are no log file of CloudTrail: none of their records is read."""


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
    held: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    appends = {name: values.append for name, values in held.items()}
    for number, record in enumerate(records, first):
        if isinstance(record, dict):
            _append(record, number, appends, faults)
        else:
            faults.add("malformed", number, "a record that is not an object", lost=True)
    schema = CLOUDTRAIL.schema()
    columns = {name: pa.array(values, schema.field(name).type) for name, values in held.items()}
    return batch(CLOUDTRAIL, columns, object_, columns["line"])


def _append(record: Mapping[str, Any], number: int, appends: Mapping[str, Callable[[Any], None]], faults: Faults) -> None:
    appends["line"](number)
    for name, path in _PATHS.items():
        value = _at(record, path)
        if value is not None and not isinstance(value, str):
            faults.add("value", number, f"{'.'.join(path)} is not a text", lost=False)
            value = None
        appends[name](value)
    for name, path in _BOOLEANS.items():
        value = _at(record, path)
        told = value if isinstance(value, bool) else _WORDS.get(value) if isinstance(value, str) else None
        if told is None and value is not None:
            faults.add("value", number, f"{'.'.join(path)} is neither true nor false", lost=False)
        appends[name](told)
    for name, member in _JSON.items():
        value = record.get(member)
        appends[name](None if value is None else orjson.dumps(value).decode())
    _derived(record, number, appends, faults)


def _derived(record: Mapping[str, Any], number: int, appends: Mapping[str, Callable[[Any], None]], faults: Faults) -> None:
    at = moment(record.get("eventTime"))
    if at is None:
        faults.add("time", number, "eventTime is missing or no time", lost=False)
    appends["time"](at)
    _source(record.get("sourceIPAddress"), number, appends, faults)
    principal = _text(_at(record, ("userIdentity", "arn")))
    appends["principal"](principal if principal is not None else _text(_at(record, ("userIdentity", "principalId"))))
    login = record.get("eventName") == "ConsoleLogin"
    appends["mfa"](_mfa(record) if login else None)
    appends["outcome"](_outcome(record, login=login))
    resources = record.get("resources")
    one = resources[0] if isinstance(resources, list) and len(resources) == 1 else None
    appends["resource"](_text(one.get("ARN")) if isinstance(one, dict) else None)


def _source(value: Any, number: int, appends: Mapping[str, Callable[[Any], None]], faults: Faults) -> None:
    parts: tuple[int | None, int | None, int | None] = (None, None, None)
    name = _text(value)
    if name is not None:
        if (found := _address(name)) is not None:
            parts, name = found, None
    elif value is not None:
        faults.add("value", number, "sourceIPAddress is not a text", lost=False)
    for column, part in zip(address_columns("source"), parts, strict=True):
        appends[column](part)
    appends["source_name"](name)


@functools.lru_cache(maxsize=10_000)
def _address(text: str) -> tuple[int, int, int] | None:
    try:
        return address_parts(text)
    except ValueError:
        return None


def _mfa(record: Mapping[str, Any]) -> bool | None:
    used = _text(_at(record, ("additionalEventData", "MFAUsed")))
    return None if used is None else {"yes": True, "no": False}.get(used.lower())


def _outcome(record: Mapping[str, Any], *, login: bool) -> str | None:
    if not login:
        return "success" if record.get("errorCode") is None else "failure"
    told = _text(_at(record, ("responseElements", "ConsoleLogin")))
    return told.lower() if told is not None and told.lower() in {"success", "failure"} else None


def _at(record: Any, path: tuple[str, ...]) -> Any:
    value = record
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
