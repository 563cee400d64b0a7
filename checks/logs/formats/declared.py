r"""Logs of web servers, by the format string that is declared for them.

A line is split at the first place where each literal of the format stands. That is where the server wrote it, or the line is not
read: a value that holds the literal before it shows that somebody wrote literals into a value before. Line breaks are the server's
own; nginx with `escape=none` may let a client write them, and then its log proves nothing.
Source: nginx documentation, ngx_http_log_module (`"` and `\` in values are escaped as \x22 and \x5C); Apache HTTP Server
documentation, mod_log_config (they are escaped by a backslash).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import log_format, request_line
from checks.logs.formats.columns import address_arrays, addresses, batch, common_log_times, epochs, integers, times
from checks.logs.formats.faults import KEPT, Faults
from checks.logs.formats.lines import chunks, clean
from checks.logs.formats.log_format import LogFormat, Variable
from checks.logs.table import address_columns
from checks.logs.tables.web import WEB

NGINX_COMBINED: Final = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
"""nginx's own format, where none is given."""
NGINX_MAIN: Final = f'{NGINX_COMBINED} "$http_x_forwarded_for"'
"""The one in the configuration that nginx is packaged with."""
APACHE_COMBINED: Final = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"'
APACHE_VIRTUAL: Final = '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"'
"""`vhost_combined` in the configuration of Apache that Debian packages."""
COMMON: Final = '%h %l %u %t "%r" %>s %b'
_COMBINED: Final = '%h - %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"'
"""nginx's and Apache's, where nobody asks a client's identd who is logged in: then a user's name may hold spaces."""
Reader = Callable[[Iterable[bytes], str, Faults], Iterator[Any]]


def reader(format_string: str) -> Reader:
    """The reader of a log with such lines: record batches of WEB. Raises ValueError, see `log_format.parse`."""
    declared = log_format.parse(format_string)

    def read_declared(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
        return _read(pieces, object_, faults, declared)

    return read_declared


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of WEB, of a file in one of the predefined formats: the one that most of its first lines have."""
    return _read(pieces, object_, faults)


def is_record(line: bytes) -> bool:
    """Whether a line has one of the predefined formats."""
    return b"[" in line and any(_fitting(declared, [line]) for declared in _PREDEFINED)


def _fitting(declared: LogFormat, lines: list[bytes]) -> int:
    texts = pa.array([line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines], pa.string())
    return int(pc.sum(_values(declared, texts)[1]).as_py() or 0)


def _read(pieces: Iterable[bytes], object_: str, faults: Faults, declared: LogFormat | None = None) -> Iterator[Any]:
    for chunk in chunks(pieces, faults):
        data, numbers = clean(chunk, faults, 0)
        if numbers:
            if declared is None:
                first = data.split(b"\n", _SAMPLE)[:_SAMPLE]
                declared = max(_PREDEFINED, key=lambda one: _fitting(one, first))
            lines = pa.array(numbers, pa.int64())
            texts = pc.list_flatten(pc.split_pattern(pa.array([data.decode()]), "\n"))
            values, whole = _values(declared, texts)
            if not pc.all(whole).as_py():
                _lost(pc.filter(lines, pc.invert(whole)).to_pylist(), faults)
                values, lines = [pc.filter(value, whole) for value in values], pc.filter(lines, whole)
            if len(lines):
                yield _batch(declared, values, object_, lines, faults)


def _lost(numbers: list[int], faults: Faults) -> None:
    what = "a line that is not in the declared format"
    for number in numbers[:KEPT]:
        faults.add("malformed", number, what, lost=True)
    faults.add("malformed", None, what, lost=True, count=len(numbers) - KEPT)


def _values(declared: LogFormat, lines: Any) -> tuple[list[Any], Any]:
    """The value of each variable, and which lines are read, never null."""
    escaped = pc.match_substring(lines, '\\"')
    if not pc.any(escaped).as_py():
        return _quick(declared, lines)
    bare = pc.invert(escaped)
    quick, quick_whole = _quick(declared, pc.filter(lines, bare))
    slow, slow_whole = _slow(declared, pc.filter(lines, escaped))
    nothing, never = pa.nulls(len(lines), pa.string()), pa.nulls(len(lines), pa.bool_())
    values = [pc.replace_with_mask(pc.replace_with_mask(nothing, bare, one), escaped, two) for one, two in zip(quick, slow, strict=True)]
    return values, pc.replace_with_mask(pc.replace_with_mask(never, bare, quick_whole), escaped, slow_whole)


def _quick(declared: LogFormat, lines: Any) -> tuple[list[Any], Any]:
    """Of lines without escaped quotes."""
    first, *between, last = declared.literals
    whole = pc.starts_with(lines, first)
    rest = pc.utf8_slice_codeunits(lines, len(first), None) if first else lines
    if last:
        whole = pc.and_(whole, pc.ends_with(rest, last))
        rest = pc.utf8_slice_codeunits(rest, 0, -len(last))
    values = []
    for literal in between:
        halves = pc.split_pattern(rest, literal, max_splits=1)
        two = pc.equal(pc.list_value_length(halves), 2)
        values.append(pc.list_element(halves, 0))
        if pc.all(two).as_py():
            rest = pc.list_element(halves, 1)
        else:
            whole = pc.and_(whole, two)
            rest = pc.replace_with_mask(rest, two, pc.list_element(pc.filter(halves, two), 1))
    values.append(rest)
    quotes = sum(literal.count('"') for literal in declared.literals)
    whole = pc.and_(whole, pc.equal(pc.count_substring(lines, '"'), quotes))
    return values, pc.and_(whole, _apart(declared, values))


def _slow(declared: LogFormat, lines: Any) -> tuple[list[Any], Any]:
    """Of any lines."""
    found = pc.extract_regex(lines, _pattern(declared))
    values = [pc.struct_field(found, f"v{index}") for index in range(len(declared.variables))]
    return values, pc.and_(pc.is_valid(found), pc.fill_null(_apart(declared, values), fill_value=False))


def _apart(declared: LogFormat, values: list[Any]) -> Any:
    """Whether no value holds the literal before it, or begins inside of it, and no address holds a space.

    What stands alone in quotes holds no bare quote, and so none of its literals.
    """
    whole = pa.repeat(pa.scalar(True), len(values[0]))
    for index, (variable, value) in enumerate(zip(declared.variables, values, strict=True)):
        before, behind = declared.literals[index : index + 2]
        if index and not (before.endswith('"') and behind.startswith('"')):
            begun = pc.binary_join_element_wise(before[1:], value, "") if _overlaps(before) else value
            whole = pc.and_(whole, pc.invert(pc.match_substring(begun, before)))
        if variable.holds in _ADDRESSES:
            whole = pc.and_(whole, pc.invert(pc.match_substring(value, " ")))
    return whole


def _overlaps(literal: str) -> bool:
    """Whether the literal can begin inside of itself, as `--` does."""
    return any(literal.startswith(literal[at:]) for at in range(1, len(literal)))


def _pattern(declared: LogFormat) -> str:
    r"""The lines of a format, for RE2: between two quotes nothing but escaped ones, `\"`, elsewhere none; else what is shortest."""
    parts = [re.escape(declared.literals[0])]
    for index, behind in enumerate(declared.literals[1:]):
        quoted = declared.literals[index].endswith('"') and behind.startswith('"')
        parts += [f"(?P<v{index}>", r'(?:[^"\\]|\\.)*' if quoted else '[^"]*?', ")", re.escape(behind)]
    return f"^{''.join(parts)}$"


def _batch(declared: LogFormat, values: list[Any], object_: str, lines: Any, faults: Faults) -> Any:
    columns: dict[str, Any] = {}
    for variable, text in zip(declared.variables, values, strict=True):
        if variable.holds:
            held = pc.if_else(pc.or_(pc.equal(text, "-"), pc.equal(text, "")), pa.scalar(None, pa.string()), text)
            columns = _columns(variable, held, lines, faults) | columns
    for part, text in columns.pop(_REQUEST, {}).items():
        columns.setdefault(part, text)
    return batch(WEB, columns | _derived(columns), object_, lines)


def _columns(variable: Variable, text: Any, lines: Any, faults: Faults) -> dict[str, Any]:
    match variable.holds:
        case "common":
            return {"time": common_log_times(text, lines, variable.named, faults)}
        case "iso":
            return {"time": times(text, lines, variable.named, faults)}
        case "seconds" | "milliseconds" | "microseconds" as unit:
            number = pc.replace_substring_regex(text, r"^([0-9]{10})\.([0-9]{3})$", r"\1\2")
            return {"time": epochs(number, _PER_SECOND[unit], lines, variable.named, faults)}
        case "request":
            return {_REQUEST: request_line.plain(text)}
        case "source":
            return addresses(text, "source", lines, faults)
        case "name or source":
            found = address_arrays(text, "source")
            known = pc.is_valid(found[address_columns("source")[0]])
            return {**found, "source_name": pc.if_else(known, pa.scalar(None, pa.string()), text)}
        case column if WEB[column].kind == "integer":
            return {column: integers(text, lines, variable.named, faults)}
        case column:
            return {column: text}


def _derived(columns: Mapping[str, Any]) -> dict[str, Any]:
    """`listener`, and `scheme` where the format has none and tells of TLS."""
    found: dict[str, Any] = {}
    if "listener_port" in columns:
        port = columns["listener_port"].cast(pa.string())
        found["listener"] = pc.binary_join_element_wise(
            pc.fill_null(columns.get("virtual_host", pa.nulls(len(port), pa.string())), "*"), port, ":"
        )
    if "tls_version" in columns and "scheme" not in columns:
        found["scheme"] = pc.if_else(pc.is_valid(columns["tls_version"]), "https", "http")
    return found


_SAMPLE: Final = 50
_ADDRESSES: Final = ("source", "name or source")
_REQUEST: Final = "request"
_PER_SECOND: Final = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}
_PREDEFINED: Final = tuple(map(log_format.parse, (_COMBINED, NGINX_MAIN, APACHE_COMBINED, APACHE_VIRTUAL, COMMON)))
