"""Does a 200 answer the call? Read from the raw response, before botocore parses it.

botocore makes the same empty result of a legitimate empty answer, an empty body and a captive portal's HTML page
(measured for S3 ListBuckets and EC2 DescribeSecurityGroups). What tells them apart is the root element or the JSON
body, and the request id that AWS puts on every response.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from agent.collect.aws.errors import NotAnAnswer

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks

_ROOTS = {
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketReplication": "ReplicationConfiguration",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListObjectsV2": "ListBucketResult",
}
"""Root elements that the service model does not name (Amazon S3 API reference, response syntax of each action)."""


class Witness:
    """Checks every success on a client's wire, and keeps what a look needs: the hash over the bodies, the request id.

    botocore runs its handlers in the calling thread, so what is kept is kept per thread.
    """

    def __init__(self) -> None:
        self._seen = threading.local()

    def watch(self, events: BaseEventHooks) -> None:
        events.register("before-parse", self._before_parse)

    def begin(self) -> None:
        """A new call starts in this thread."""
        self._seen.hash, self._seen.request_id = hashlib.sha256(), None
        self._seen.refused = ("", None)

    def result(self) -> tuple[str, str | None]:
        """SHA-256 over the bodies of the call's successful responses, and the last one's request id."""
        return self._seen.hash.hexdigest(), self._seen.request_id

    def refused(self) -> tuple[str, str | None]:
        """The same of the last error that the service sent, which is an answer where it means that there is none."""
        return self._seen.refused  # type: ignore[no-any-return]

    def _before_parse(self, operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
        body = response_dict["body"] or b""
        if response_dict["status_code"] >= 300:
            self._seen.refused = (hashlib.sha256(body).hexdigest(), _request_id(response_dict["headers"], body))
            return
        if operation_model.has_streaming_output:  # the body is an object, and may be anything
            _examine_head(operation_model, response_dict["headers"])
            self._seen.request_id = _request_id(response_dict["headers"], b"")
            return
        examine(operation_model, response_dict["headers"], body)
        self._seen.hash.update(body)
        self._seen.request_id = _request_id(response_dict["headers"], body)


def examine(operation: Any, headers: Mapping[str, str], body: bytes) -> None:
    """Raises NotAnAnswer where a successful response is not what the operation answers with."""
    protocol = operation.service_model.resolved_protocol
    if body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise NotAnAnswer(f"{operation.name}: an HTML page came back (content type {headers.get('content-type')})")
    length = headers.get("content-length", "")
    is_head = operation.http.get("method") == "HEAD"
    if length.isdigit() and int(length) != len(body) and "content-encoding" not in headers and not is_head:
        raise NotAnAnswer(f"{operation.name}: {len(body)} of {length} bytes came in")  # botocore 1.44 does not notice
    if not body.strip():
        if is_head or operation.output_shape is None:  # all that there is stands in the headers
            _examine_head(operation, headers)
            return
        raise NotAnAnswer(f"{operation.name}: an empty body came back")
    match protocol:
        case "ec2" | "query":
            _xml(operation, body, {f"{operation.name}Response"}, getattr(operation.output_shape, "serialization", {}).get("resultWrapper"))
        case "rest-xml":
            if _json_payload(operation):
                _json(operation, body)
            else:
                _xml(operation, body, _roots(operation), None)
        case "json" | "rest-json":
            _json(operation, body)
        case _:
            raise NotAnAnswer(f"{operation.name}: no witness is known for the protocol {protocol}")
    _examine_head(operation, headers, body)


def _examine_head(operation: Any, headers: Mapping[str, str], body: bytes = b"") -> None:
    if _request_id(headers, body) is None:
        raise NotAnAnswer(f"{operation.name}: the response carries no request id, so it is not from AWS")


def _xml(operation: Any, body: bytes, roots: set[str], wrapper: str | None) -> None:
    try:
        root = ET.fromstring(body)  # noqa: S314 - botocore parses the same bytes with the same parser next
    except ET.ParseError as error:
        raise NotAnAnswer(f"{operation.name}: the XML is cut short or malformed ({error})") from error
    if (name := _local(root.tag)) not in roots:
        raise NotAnAnswer(f"{operation.name}: the root element is {name}, not {' or '.join(sorted(roots))}")
    if wrapper and not any(_local(child.tag) == wrapper for child in root):
        raise NotAnAnswer(f"{operation.name}: there is no {wrapper} in the answer")


def _json(operation: Any, body: bytes) -> None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnAnswer(f"{operation.name}: the body is not JSON ({error})") from error
    if not isinstance(parsed, dict):
        raise NotAnAnswer(f"{operation.name}: the body is JSON but not an object")


def _roots(operation: Any) -> set[str]:
    if operation.name in _ROOTS:
        return {_ROOTS[operation.name]}
    output = operation.output_shape
    payload = output.serialization.get("payload") if output is not None else None
    if payload:
        member = output.members[payload]
        return {member.serialization.get("name", payload), member.name, payload}
    return {output.name, f"{operation.name}Response", f"{operation.name}Result"} if output is not None else set()


def _json_payload(operation: Any) -> bool:
    """S3 GetBucketPolicy: the body is the document itself."""
    output = operation.output_shape
    payload = output.serialization.get("payload") if output is not None else None
    return bool(payload) and output.members[payload].type_name == "string"


_BODY_REQUEST_ID = re.compile(rb"<[Rr]equestI[dD]>([^<]{1,200})</")


def _request_id(headers: Mapping[str, str], body: bytes) -> str | None:
    for name in ("x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"):
        if value := headers.get(name):
            return value
    found = _BODY_REQUEST_ID.search(body)
    return found[1].decode("utf-8", "replace") if found else None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
