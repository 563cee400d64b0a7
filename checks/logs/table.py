"""What a normalised table is: fixed, typed columns, null where the log does not say.

A rule writes `row.source`; an address stands in the table as three columns (see `address_columns`), so that a CIDR is a
range of integers on every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, Literal

from checks.shape import SCALAR, Shape

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["string", "integer", "boolean", "timestamp", "address"]
Care = Literal["plain", "free", "secret"]
"""What a text may hold: `free` is whatever somebody wrote, of which nothing is shown; `secret` names a credential."""
ADDRESS_PARTS: Final = ("family", "high", "low")
_HALF: Final = 2**64
_SIGN: Final = 2**63


@dataclass(frozen=True, slots=True)
class Column:
    """`held`: what stands there, in the words of the log's own documentation."""

    name: str
    kind: Kind
    held: str
    care: Care = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is what a rule's `rows` says; every column may be null."""

    name: str
    columns: tuple[Column, ...]
    provider: str = ""
    """Who writes it: `aws`, `azure`, `gcp`, `alibaba`, `tencent`; empty for servers of one's own."""
    audit: bool = False
    """Whether it is where the provider records who did what in an account, as far as it does: Azure's has no reads."""

    def __getitem__(self, name: str) -> Column:
        """Raises KeyError."""
        return next((column for column in self.columns if column.name == name), None) or _missing(name)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def shape(self) -> Shape:
        """What a rule's `row` is to the checker of expressions: an address is a text there, a time a timestamp."""
        return Shape("structure", {one.name: SCALAR["string" if one.kind == "address" else one.kind] for one in self.columns})

    @property
    def physical(self) -> tuple[tuple[str, str], ...]:
        """Each Arrow column with its type: `string`, `int64`, `bool`, `timestamp`; first those of PROVENANCE."""
        held = [*PROVENANCE]
        for column in self.columns:
            if column.kind == "address":
                held += [(part, "int64") for part in address_columns(column.name)]
            else:
                held.append((column.name, _ARROW[column.kind]))
        return tuple(held)

    def schema(self) -> pa.Schema:
        """The Arrow schema: times are in microseconds, UTC."""
        import pyarrow as pa

        types = {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_(), "timestamp": pa.timestamp("us", tz="UTC")}
        return pa.schema([pa.field(name, types[kind]) for name, kind in self.physical])


PROVENANCE: Final = (("object", "string"), ("line", "int64"))
"""Where a row stands, in every table, and no rule may ask: the object (file or key), and its line or record from 1."""

_ARROW: Final[Mapping[str, str]] = {"string": "string", "integer": "int64", "boolean": "bool", "timestamp": "timestamp"}


def _missing(name: str) -> Column:
    raise KeyError(name)


def address_columns(name: str) -> tuple[str, str, str]:
    """The columns in which an address stands: `source` in `source_family`, `source_high` and `source_low`."""
    family, high, low = (f"{name}_{part}" for part in ADDRESS_PARTS)
    return family, high, low


def address_parts(text: str) -> tuple[int, int, int]:
    """(family, high, low) of an address: 4 or 6, and the upper and lower 64 bits as two's complement signed integers.

    So an IPv4 address is (4, 0, its number), and the halves of an IPv6 address are those of its 16 bytes read as two big-endian
    int64. ::ffff:0:0/96 is the IPv4 address it maps (RFC 4291, 2.5.5.2). All three are null, or none is. Raises ValueError.
    """
    address: IPv4Address | IPv6Address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError(f"an address with a zone: {text!r}")
        address = address.ipv4_mapped or address
    high, low = divmod(int(address), _HALF)
    return address.version, signed(high), signed(low)


def address_text(family: int, high: int, low: int) -> str:
    """The address of three columns, as text; the inverse of `address_parts`."""
    number = (high % _HALF) * _HALF + low % _HALF
    return str(IPv4Address(number) if family == 4 else IPv6Address(number))


def signed(half: int) -> int:
    """64 bits, read as two's complement."""
    return half - _HALF if half >= _SIGN else half


_WORDS: Final[Mapping[str, tuple[Kind, Care]]] = {
    "text": ("string", "plain"),
    "free": ("string", "free"),
    "secret": ("string", "secret"),
    "int": ("integer", "plain"),
    "bool": ("boolean", "plain"),
    "time": ("timestamp", "plain"),
    "address": ("address", "plain"),
}


def columns(text: str) -> tuple[Column, ...]:
    """One column a line: name, kind, what it holds."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, word, held = line.split(maxsplit=2)
        kind, care = _WORDS[word]
        found.append(Column(name, kind, held, care))
    return tuple(found)
