"""CloudTrail log files: `{"Records": [...]}`, of each record the members that the table has, by fixed names.

The schema is never inferred: real records hold members that differ only in case. What is open in form (requestParameters,
responseElements, ...) stays JSON text. What no column that is asked for needs, is checked to be JSON and left there.
Source: CloudTrail user guide, "CloudTrail record contents", "CloudTrail userIdentity element", "AWS Management Console
sign-in events" (ConsoleLogin: additionalEventData.MFAUsed is Yes or No, responseElements.ConsoleLogin Success or Failure).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import cloudtrail_calls
from checks.logs.formats.cloudtrail_calls import Texts
from checks.logs.formats.columns import address_arrays, batch, booleans, texts
from checks.logs.formats.faults import Faults
from checks.logs.formats.json_values import times
from checks.logs.formats.members import Members, Path, Records, of_document
from checks.logs.formats.record_parts import SIZE, parts
from checks.logs.table import address_columns
from checks.logs.tables.cloudtrail import CLOUDTRAIL

_ROWS: Final = 20_000
_TEXTS: Final[dict[str, Path]] = {
    "event_id": ("eventID",), "event_name": ("eventName",), "event_source": ("eventSource",), "event_type": ("eventType",),
    "event_category": ("eventCategory",), "account": ("recipientAccountId",), "region": ("awsRegion",), "user_agent": ("userAgent",),
    "principal_type": ("userIdentity", "type"), "principal_account": ("userIdentity", "accountId"),
    "principal_id": ("userIdentity", "principalId"), "user_name": ("userIdentity", "userName"),
    "access_key": ("userIdentity", "accessKeyId"), "invoked_by": ("userIdentity", "invokedBy"), "error_code": ("errorCode",),
    "error_message": ("errorMessage",), "tls_version": ("tlsDetails", "tlsVersion"), "cipher": ("tlsDetails", "cipherSuite"),
    "tls_host": ("tlsDetails", "clientProvidedHostHeader"), "vpc_endpoint": ("vpcEndpointId",), "request_id": ("requestID",),
    "shared_event_id": ("sharedEventID",), "issuer": ("userIdentity", "sessionContext", "sessionIssuer", "arn"),
}  # fmt: skip
_BOOLEANS: Final[dict[str, Path]] = {
    "read_only": ("readOnly",), "management": ("managementEvent",), "session_from_console": ("sessionCredentialFromConsole",),
    "session_mfa": ("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"),
}  # fmt: skip
_JSON: Final = {
    "request": "requestParameters", "response": "responseElements", "additional": "additionalEventData",
    "service_details": "serviceEventDetails",
}  # fmt: skip
_ARN: Final = ("userIdentity", "arn")
_DERIVED: Final[dict[str, tuple[Path, ...]]] = {
    "time": (("eventTime",),), "source": (("sourceIPAddress",),), "source_name": (("sourceIPAddress",),),
    "principal": (_ARN, _TEXTS["principal_id"]), "mfa": (("eventName",), ("additionalEventData",)),
    "outcome": (("eventName",), ("errorCode",), ("responseElements",)), "resource": (("resources", "ARN"),),
}  # fmt: skip
_NEEDS: Final[dict[str, tuple[Path, ...]]] = {
    **{name: (path,) for name, path in (_TEXTS | _BOOLEANS).items()}, **{name: ((member,),) for name, member in _JSON.items()}, **_DERIVED,
    **cloudtrail_calls.NEEDS,
}  # fmt: skip
"""The members that each column is made of."""
_ALL: Final = frozenset(_NEEDS)


def read(
    pieces: Iterable[bytes], object_: str, faults: Faults, wanted: Collection[str] | None = None, *, size: int = SIZE
) -> Iterator[Any]:
    """Record batches of CLOUDTRAIL; `line` is the number of the record in its file, from 1. Raises NotRecords.

    `wanted` names columns (None: all); others may be null, but not `time`. Files larger than `size` are
    read in parts, and what was read of one before it turned out to be damaged is given.
    """
    asked = _ALL if wanted is None else frozenset(wanted) & _ALL | {"time"}
    members = Members.of(frozenset(path for name in asked for path in _NEEDS[name]))

    first = 1
    for part in parts(pieces, members.of_list, of_document, lambda raw: _unicode(raw, faults), size=size):
        for start in range(0, len(part), _ROWS):
            yield _batch(part.records(start, start + _ROWS, first + start, faults), asked, object_, faults)
        first += len(part)


def _unicode(raw: bytes, faults: Faults) -> bytes:
    try:
        raw.isascii() or raw.decode()
    except UnicodeDecodeError:
        if "encoding" not in faults.counts:
            faults.add("encoding", None, "bytes that are not UTF-8 were replaced", lost=False)
        return raw.decode("utf-8", "replace").encode()
    return raw


def _batch(records: Records, asked: frozenset[str], object_: str, faults: Faults) -> Any:
    @functools.cache
    def told(path: Path) -> Any:
        return texts(records.values(path), lines, ".".join(path), faults)

    lines = records.lines
    columns: dict[str, Any] = {name: records.json(_JSON[name], faults) for name in asked & _JSON.keys()}
    columns |= {name: told(path) for name, path in _TEXTS.items() if name in asked}
    for name in _BOOLEANS:
        if name in asked:
            columns[name] = booleans(records.values(_BOOLEANS[name]), lines, ".".join(_BOOLEANS[name]), faults)
    columns["time"] = times(records.values(("eventTime",)), lines, "eventTime", faults, required=True)
    if "principal" in asked:
        columns["principal"] = pc.coalesce(told(_ARN), told(_TEXTS["principal_id"]))
    if asked & {"source", "source_name"}:
        columns |= _source(told(("sourceIPAddress",)))
    columns |= _derived(records, told, asked) | cloudtrail_calls.columns(records, told, asked, faults)
    return batch(CLOUDTRAIL, columns, object_, pa.array(lines, pa.int64()))


def _source(text: Any) -> dict[str, Any]:
    address = address_arrays(text, "source")
    known = pc.is_valid(address[address_columns("source")[0]])
    return {**address, "source_name": pc.if_else(known, pa.scalar(None, pa.string()), text)}


def _derived(records: Records, told: Texts, asked: frozenset[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if asked & {"mfa", "outcome"}:
        logins = pc.indices_nonzero(pc.equal(told(("eventName",)), "ConsoleLogin")).to_pylist()
    if "mfa" in asked:
        used = np.full(len(records.lines), None)
        used[logins] = [{"yes": True, "no": False}.get(_word(held, "MFAUsed")) for held in records.parsed("additionalEventData", logins)]
        columns["mfa"] = pa.array(used, pa.bool_())
    if "outcome" in asked:
        outcomes = np.array(["success" if code is None else "failure" for code in records.values(("errorCode",))], object)
        words = [_word(held, "ConsoleLogin") for held in records.parsed("responseElements", logins)]
        outcomes[logins] = [word if word in {"success", "failure"} else None for word in words]
        columns["outcome"] = pa.array(outcomes, pa.string())
    if "resource" in asked:
        columns["resource"] = pa.array(records.only(("resources", "ARN")), pa.string())
    return columns


def _word(held: Any, member: str) -> str:
    """A word in an object, in lower case; empty where there is none."""
    value = held.get(member) if isinstance(held, dict) else None
    return value.lower() if isinstance(value, str) else ""
