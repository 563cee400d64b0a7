"""Taking an answer apart and putting it together again: members left out, pages cut, XML and CBOR read and written."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Mapping
from datetime import datetime
from io import BufferedReader, BytesIO
from typing import Any
from xml.etree import ElementTree as ET

from botocore.parsers import RpcV2CBORParser

from tests.world.wire import Answer, Call, Protocol, Shape
from tests.world.wire_models import Paging, operation_model, paging

# --- taking an answer apart ------------------------------------------------------------------------------------------


class Document:
    """The body of a successful answer, open for changes by member name; `answer()` writes it again."""

    def __init__(self, call: Call, answer: Answer) -> None:
        self._call = call
        self._answer = answer
        self._shape: Shape = operation_model(call.service, call.operation).output_shape
        self.tree: Any
        """The root element, with plain tag names, or what the JSON or CBOR holds."""
        if call.protocol.is_xml:
            self.tree, self._namespace = read_xml(answer.body)
        elif call.protocol is Protocol.CBOR:
            self.tree = read_cbor(answer.body) if answer.body else {}
        else:
            self.tree = json.loads(answer.body) if answer.body else {}

    def answer(self) -> Answer:
        if self._call.protocol.is_xml:
            body = write_xml(self.tree, self._namespace)
        elif self._call.protocol is Protocol.CBOR:
            body = write_cbor(self.tree)
        else:
            body = json.dumps(self.tree).encode()
        return Answer(self._answer.status, self._answer.headers, body)

    def remove(self, path: str) -> None:
        """Take the member out, as if the service had not sent it."""
        parent, name, _ = self._locate(path)
        if parent is None:
            return
        if isinstance(parent, ET.Element):
            for child in [child for child in parent if child.tag == name]:
                parent.remove(child)
        else:
            parent.pop(name, None)

    def count(self, path: str) -> int:
        return len(self._items(path))

    def keep(self, path: str, start: int, stop: int | None) -> None:
        """Keep only these items of a listing."""
        items = self._items(path)
        parent, name, shape = self._locate(path)
        if parent is None or not items:
            return
        if not isinstance(parent, ET.Element):
            parent[name] = dict(items[start:stop]) if shape.type_name == "map" else items[start:stop]
            return
        holder: Any = parent if flattened(shape) else parent.find(name)
        for item in [*items[:start], *(items[stop:] if stop is not None else [])]:
            holder.remove(item)

    def read(self, path: str) -> Any:
        """A scalar member, or None."""
        parent, name, _ = self._locate(path)
        if isinstance(parent, ET.Element):
            return parent.findtext(name)
        return None if parent is None else parent.get(name)

    def write(self, path: str, value: str | bool) -> None:
        """Set a scalar member."""
        parent, name, _ = self._locate(path)
        if isinstance(parent, ET.Element):
            child = parent.find(name)
            child = ET.SubElement(parent, name) if child is None else child
            child.text = str(value).lower() if isinstance(value, bool) else value
        elif parent is not None:
            parent[name] = value

    def _items(self, path: str) -> list[Any]:
        parent, name, shape = self._locate(path)
        if parent is None:
            return []
        if not isinstance(parent, ET.Element):
            held = parent.get(name) or []
            return list(held.items()) if isinstance(held, dict) else list(held)
        if flattened(shape):
            return parent.findall(name)
        holder = parent.find(name)
        return [] if holder is None else list(holder)

    def _locate(self, path: str) -> tuple[Any, str, Shape]:
        """The node that holds the member, the member's name on the wire, and its shape."""
        node, shape = self._start(), self._shape
        *way, last = path.split(".")
        payload = shape.serialization.get("payload")
        if payload and way and way[0] == payload:
            way, shape = way[1:], shape.members[payload]
        for step in way:
            member = shape.members[step]
            name = wire_name(step, member)
            if node is not None:
                node = node.find(name) if isinstance(node, ET.Element) else node.get(name)
            shape = member
        member = shape.members[last]
        return node, wire_name(last, member), member

    def _start(self) -> Any:
        wrapper = self._shape.serialization.get("resultWrapper")
        if wrapper and isinstance(self.tree, ET.Element):
            return self.tree.find(wrapper)
        return self.tree


def wire_name(member_name: str, shape: Shape) -> str:
    """The name under which an answer carries a member."""
    if flattened(shape) and shape.type_name == "list" and shape.member.serialization.get("name"):
        return str(shape.member.serialization["name"])
    return str(shape.serialization.get("name", member_name))


def flattened(shape: Shape) -> bool:
    return bool(shape.serialization.get("flattened"))


def pages(call: Call, answer: Answer, size: int) -> list[Answer]:
    """Split a listing into pages of `size` items, each but the last with a token for the next.

    Where the answer already carries a token, the last page keeps it. A listing that fits, or an operation that does not
    page, comes back as one page.
    """
    known = paging(call.service, call.operation)
    if known is None or answer.status >= 300 or not known.items:
        return [answer]
    total = max(Document(call, answer).count(path) for path in known.items)
    starts = range(0, max(total, 1), size) if size else range(1)
    return [answer] if len(starts) == 1 else [_page(call, answer, known, i, size, len(starts)) for i in range(len(starts))]


def halves(call: Call, answer: Answer) -> list[Answer]:
    """Split a listing into two pages, the first with half of the items (of none or one: none)."""
    known = paging(call.service, call.operation)
    if known is None or answer.status >= 300 or not known.items:
        return [answer]
    total = max(Document(call, answer).count(path) for path in known.items)
    first, second = Document(call, answer), Document(call, answer)
    for path in known.items:
        first.keep(path, 0, total // 2)
        second.keep(path, total // 2, None)
    _write_token(first, known, page_token(call, 1))
    for half in (first, second):
        _write_count(call, half, known)
    return [first.answer(), second.answer()]


def _page(call: Call, answer: Answer, known: Paging, index: int, size: int, count: int) -> Answer:
    document = Document(call, answer)
    for path in known.items:
        document.keep(path, index * size, (index + 1) * size)
    if index + 1 < count:
        _write_token(document, known, page_token(call, index + 1))
    _write_count(call, document, known)
    return document.answer()


def _write_token(document: Document, known: Paging, token: str) -> None:
    document.write(known.output_token, token)
    if known.more:
        document.write(known.more, value=True)


def _write_count(call: Call, document: Document, known: Paging) -> None:
    """What a page of S3 says of how much is on it, let it be true."""
    if call.action == "s3:ListObjectsV2":
        document.write("KeyCount", str(sum(document.count(path) for path in known.items)))


def page_token(call: Call, index: int) -> str:
    """The token of a page that was cut here; PAGE_TOKEN finds it in a request."""
    return f"page-{hashlib.sha256(call.key.encode()).hexdigest()[:16]}-{index}"


PAGE_TOKEN = re.compile(r"page-[0-9a-f]{16}-(\d+)")


# --- XML and CBOR ----------------------------------------------------------------------------------------------------


ET.register_namespace("xsi", "http://www.w3.org/2001/XMLSchema-instance")


def read_xml(body: bytes) -> tuple[ET.Element, str]:
    """The root with plain tag names, and the namespace that they had."""
    root = ET.fromstring(body)
    namespace = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else ""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root, namespace


def write_xml(root: ET.Element, namespace: str) -> bytes:
    if namespace:
        root.set("xmlns", namespace)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def read_cbor(body: bytes) -> Any:
    """The document in a CBOR body; times come back as datetimes."""
    return RpcV2CBORParser().parse_data_item(BufferedReader(BytesIO(body)))


def write_cbor(value: Any) -> bytes:
    """CBOR (RFC 8949) of plain values, of the kinds that AWS answers hold."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _cbor_head(0, value) if value >= 0 else _cbor_head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, datetime):
        return b"\xc1" + write_cbor(value.timestamp())
    if isinstance(value, bytes):
        return _cbor_head(2, len(value)) + value
    if isinstance(value, str):
        return _cbor_head(3, len(value.encode())) + value.encode()
    if isinstance(value, Mapping):
        return _cbor_head(5, len(value)) + _cbor_items(part for pair in value.items() for part in pair)
    return _cbor_head(4, len(value)) + _cbor_items(value)


def _cbor_items(values: Iterable[Any]) -> bytes:
    return b"".join(write_cbor(value) for value in values)


def _cbor_head(major: int, size: int) -> bytes:
    if size < 24:
        return bytes([major << 5 | size])
    for extra, layout, limit in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32)):
        if size < limit:
            return bytes([major << 5 | extra]) + struct.pack(layout, size)
    return bytes([major << 5 | 27]) + struct.pack(">Q", size)
