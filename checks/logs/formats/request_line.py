"""Request lines of load balancers, `GET https://shop.example:443/cart?id=7 HTTP/2.0`, taken apart.

Source: ELB user guide, "Access logs for your Application Load Balancer", request_line: method, protocol://host:port/uri and
HTTP version; of a request that could not be parsed, `- http://host:port- `.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

PARTS: Final = ("method", "scheme", "host", "port", "path", "version")
_HEAD: Final = r"^(?P<method>[^ ]+) (?P<scheme>[a-zA-Z]+)://(?P<host>\[[^\]]*\]|[^:/?# ]*):(?P<port>[0-9]{1,5})"
_WHOLE: Final = _HEAD + r"(?P<path>.*?) ?(?P<version>HTTP/[0-9.]+|- ?|)$"
_VERSIONS: Final = ("HTTP/1.0", "HTTP/1.1", "HTTP/2.0")
_LENGTH: Final = 8
"""Of each of these."""


def parts(lines: Any) -> dict[str, Any]:
    """The six parts as texts, all null where a line does not have that form.

    A regular expression over every line costs more than all else that is done with them. What stands before the path is
    much the same in all of them, so that is looked at once for each distinct text, and odd lines are looked at as a whole.
    """
    pieces = pc.split_pattern(lines, "/", max_splits=3)
    four = pc.fill_null(pc.equal(pc.list_value_length(pieces), 4), fill_value=False)
    quick, known = _quick(pc.filter(pieces, four))
    usual = pc.fill_null(pc.replace_with_mask(four, four, known), fill_value=False)
    odd = pc.invert(usual)
    whole = _whole(pc.filter(lines, odd))
    nothing = pa.nulls(len(lines), pa.string())
    return {
        part: pc.replace_with_mask(pc.replace_with_mask(nothing, usual, pc.filter(quick[part], known)), odd, whole[part]) for part in PARTS
    }


def _whole(lines: Any) -> dict[str, Any]:
    found = pc.extract_regex(lines, pattern=_WHOLE)
    return {part: pc.struct_field(found, part) for part in PARTS}


def _quick(pieces: Any) -> tuple[dict[str, Any], Any]:
    """Of lines with three slashes, the third before the path, that end with a space and a version; and which of them are so."""
    first, second, third, rest = (pc.list_element(pieces, index) for index in range(4))
    heads = pc.binary_join_element_wise(first, second, third, "/").dictionary_encode()
    found = pc.take(pc.extract_regex(heads.dictionary, pattern=_HEAD + "$"), heads.indices)
    ends = [pc.ends_with(rest, " " + version) for version in _VERSIONS]
    known = pc.and_(pc.is_valid(found), pc.or_(pc.or_(ends[0], ends[1]), ends[2]))
    path = pc.binary_join_element_wise("", pc.utf8_slice_codeunits(rest, 0, -_LENGTH - 1), "/")
    version = pc.utf8_slice_codeunits(rest, -_LENGTH, None)
    return {**{part: pc.struct_field(found, part) for part in PARTS[:4]}, "path": path, "version": version}, known


def plain(lines: Any) -> dict[str, Any]:
    """Of request lines of servers, `GET /cart?id=7 HTTP/1.1`: method, path and http_version.

    A client may have sent anything, and a line without a space is no request: it is the path, and there is no method.
    """
    halves = pc.split_pattern(lines, " ", max_splits=1)
    two = pc.fill_null(pc.equal(pc.list_value_length(halves), 2), fill_value=False)
    both = pc.filter(halves, two)
    nothing = pa.nulls(len(lines), pa.string())
    method = pc.replace_with_mask(nothing, two, pc.list_element(both, 0))
    rest = pc.replace_with_mask(lines, two, pc.list_element(both, 1))
    ends = pc.split_pattern(rest, " ", max_splits=1, reverse=True)
    last = pc.list_element(pc.list_slice(ends, 1, 2, return_fixed_size_list=True), 0)
    versioned = pc.fill_null(pc.starts_with(last, "HTTP/"), fill_value=False)
    return {
        "method": method,
        "path": pc.if_else(versioned, pc.list_element(ends, 0), rest),
        "http_version": pc.if_else(versioned, last, nothing),
    }
