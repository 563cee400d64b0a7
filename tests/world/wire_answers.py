"""Writing an answer as its service's protocol does, so that the SDK reads it back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from botocore.model import OperationModel

from tests.world.wire import Answer, Call, Protocol, Shape
from tests.world.wire_documents import flattened, wire_name, write_cbor, write_xml
from tests.world.wire_models import in_header, operation_model

# --- putting an answer together --------------------------------------------------------------------------------------


REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8e00000000"


def render(call: Call, result: Mapping[str, Any], status: int = 200) -> Answer:
    """A successful answer that holds `result`, given as the SDK would return it (datetimes, bytes, plain values)."""
    found = operation_model(call.service, call.operation)
    shape = found.output_shape
    headers = {"x-amzn-requestid": REQUEST_ID}
    if call.protocol is Protocol.REST_XML:
        headers |= {"x-amz-request-id": REQUEST_ID}
    if shape is None:
        return Answer(status, headers | {"Content-Type": content_type(call.protocol)}, _hollow(call))
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in {"blob", "string"}:
        body = result.get(payload, b"")
        return Answer(status, headers, body.encode() if isinstance(body, str) else body)
    if call.protocol.is_xml:
        body = _render_xml(call, found, shape, result)
    else:
        plain = _to_json(shape.members[payload], result[payload]) if payload else _to_json(shape, result)
        body = write_cbor(plain) if call.protocol is Protocol.CBOR else json.dumps(plain).encode()
    return Answer(status, headers | {"Content-Type": content_type(call.protocol)}, body)


def content_type(protocol: Protocol) -> str:
    return {
        Protocol.EC2: "text/xml;charset=UTF-8",
        Protocol.QUERY: "text/xml",
        Protocol.REST_XML: "application/xml",
        Protocol.REST_JSON: "application/json",
        Protocol.JSON: "application/x-amz-json-1.1",
        Protocol.CBOR: "application/cbor",
    }[protocol]


def _hollow(call: Call) -> bytes:
    if call.protocol.is_xml:
        return f"<{call.operation}Response/>".encode()
    return write_cbor({}) if call.protocol is Protocol.CBOR else b"{}"


def _render_xml(call: Call, found: OperationModel, shape: Shape, result: Mapping[str, Any]) -> bytes:
    namespace = found.metadata.get("xmlNamespace", "") or found.service_model.metadata.get("xmlNamespace", "")
    root = ET.Element(f"{call.operation}Response")
    if call.protocol is Protocol.EC2:
        namespace = f"http://ec2.amazonaws.com/doc/{found.service_model.api_version}/"
        ET.SubElement(root, "requestId").text = REQUEST_ID
        _fill(root, shape, result)
    elif call.protocol is Protocol.QUERY:
        _fill(ET.SubElement(root, shape.serialization.get("resultWrapper", f"{call.operation}Result")), shape, result)
        ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = REQUEST_ID
    else:
        payload = shape.serialization.get("payload")
        inner = shape.members[payload] if payload else shape
        root = ET.Element(inner.serialization.get("name") or inner.name.removesuffix("Output") + ("" if payload else "Result"))
        _fill(root, inner, result[payload] if payload else result)
    return write_xml(root, namespace)


def _fill(node: ET.Element, shape: Shape, value: Mapping[str, Any]) -> None:
    for name, member in shape.members.items():
        if value.get(name) is not None and not in_header(member):
            _append(node, wire_name(name, member), member, value[name])


def _append(parent: ET.Element, name: str, shape: Shape, value: Any) -> None:
    if shape.type_name == "list":
        holder = parent if flattened(shape) else ET.SubElement(parent, name)
        item = name if flattened(shape) else shape.member.serialization.get("name", "member")
        for entry in value:
            _append(holder, item, shape.member, entry)
        return
    node = ET.SubElement(parent, name)
    if shape.type_name == "structure":
        _fill(node, shape, value)
    elif shape.type_name == "map":
        for key, entry in value.items():
            pair = ET.SubElement(node, "entry")
            ET.SubElement(pair, shape.key.serialization.get("name", "key")).text = key
            _append(pair, shape.value.serialization.get("name", "value"), shape.value, entry)
    else:
        node.text = _scalar_text(value)


def _scalar_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _to_json(shape: Shape, value: Any) -> Any:
    if shape.type_name == "structure":
        known = ((name, shape.members[name]) for name in value if name in shape.members)
        return {wire_name(name, member): _to_json(member, value[name]) for name, member in known if not in_header(member)}
    if shape.type_name == "list":
        return [_to_json(shape.member, entry) for entry in value]
    if shape.type_name == "map":
        return {key: _to_json(shape.value, entry) for key, entry in value.items()}
    if isinstance(value, datetime):
        iso = shape.serialization.get("timestampFormat") == "iso8601"
        return _scalar_text(value) if iso else value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
