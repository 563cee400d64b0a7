"""Request lines of load balancers, `GET https://shop.example:443/cart?id=7 HTTP/2.0`, taken apart.

Source: ELB user guide, "Access logs for your Application Load Balancer", request_line: method, protocol://host:port/uri and
HTTP version; of a request that could not be parsed, `- http://host:port- `.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import cut

PARTS: Final = ("method", "scheme", "host", "port", "path", "version")
_HEAD: Final = r"^(?P<method>[^ ]+) (?P<scheme>[a-zA-Z]+)://(?P<host>\[[^\]]*\]|[^:/?# ]*):(?P<port>[0-9]{1,5})"
_WHOLE: Final = _HEAD + r"(?P<path>.*?) ?(?P<version>HTTP/[0-9.]+|- ?|)$"
_VERSIONS: Final = ("HTTP/1.0", "HTTP/1.1", "HTTP/2.0")
_LENGTH: Final = len(" HTTP/1.1")
(_SLASH,) = b"/"


def parts(lines: Any) -> dict[str, Any]:
    """The six parts as texts, all null where a line does not have that form.

    A regular expression over every line costs more than all else that is done with them. What stands before the path is
    much the same in all of them, so that is looked at once for each distinct text, and odd lines are looked at as a whole.
    """
    quick, usual = _quick(lines)
    if usual.all():
        return quick
    odd = pa.array(~usual)
    whole = _whole(pc.filter(lines, odd))
    return {part: pc.replace_with_mask(quick[part], odd, whole[part]) for part in PARTS}


def _whole(lines: Any) -> dict[str, Any]:
    found = pc.extract_regex(lines, pattern=_WHOLE)
    return {part: pc.struct_field(found, part) for part in PARTS}


def _quick(lines: Any) -> tuple[dict[str, Any], Any]:
    """Of lines with three slashes, the third before the path, that end with a space and a version; and which of them are so."""
    letters, ends = cut.letters(lines)
    slashes = np.flatnonzero(letters == _SLASH)
    before = np.searchsorted(slashes, ends)
    third, last = np.append(slashes, [0, 0, 0])[before[:-1] + 2], ends[1:] - _LENGTH
    usual = (np.diff(before) >= 3) & (third <= last)
    head, path, version = cut.pieces(lines, (np.where(usual, third, ends[1:]), np.where(usual, last, ends[1:])))
    heads, versions = head.dictionary_encode(), version.dictionary_encode()
    found = pc.extract_regex(heads.dictionary, pattern=_HEAD + "$")
    which = pc.take(pc.index_in(versions.dictionary, pa.array([" " + one for one in _VERSIONS])), versions.indices)
    usual &= np.asarray(pc.and_(pc.take(pc.is_valid(found), heads.indices), pc.is_valid(which)))
    parts = {part: pc.take(pc.struct_field(found, part), heads.indices) for part in PARTS[:4]}
    return {**parts, "path": path, "version": pc.take(pa.array(_VERSIONS), which)}, usual


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
