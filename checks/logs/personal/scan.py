"""The scan for personal data in rows of logs.

    scanner = Scanner(key)                      # once a run; the key, of 16 bytes or more, is handed in and never shown
    found = merge(scanner.scan(table, batch) for batch in batches)
    verdict(found)                              # of these rows; whether they are all rows, completeness says

`scan` reads every column of free text with all PATTERNS and, with `names`, the columns NAMES for mailboxes; each value as it
stands, decoded once and twice, and what stands in it as base64 (`text.layers`). Numbers, times and whatever else has a type is not read. With `client_ip` each
client's address is itself a hit (`client-address`); with `linked` a row is one (`client-and-user`) in which a client's address
stands beside what tells one user from another. Both are of the kind `address`.

`marker()` feeds invented values of every pattern through the same search, once for each scanner. A pattern that does not
find all of its own, or whose check fails on some value, is not to be relied on, and the verdict is unproven. Nothing that was
found leaves this module but as an HMAC-SHA256 of pattern and value, cut to 64 bits: with the same key the same value is
recognised across files.

`merge`, `plain`, `restore` and `verdict` are those of `checks.logs.personal.found`. The text of a batch is held in memory three
times over: some tens of MB are a good size for one. Threads may share a scanner.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from checks.logs.personal import clients
from checks.logs.personal.found import HASHES, Found, Hit, Key, Look, Place, merge, plain, restore, verdict
from checks.logs.personal.parameter import USER_ID
from checks.logs.personal.pattern import CLIENT_ADDRESS, CLIENT_AND_USER, Pattern
from checks.logs.personal.patterns import IN_NAMES, PATTERNS
from checks.logs.personal.search import Search
from checks.logs.personal.text import layers
from checks.logs.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["NAMES", "Found", "Scanner", "merge", "plain", "restore", "verdict"]

NAMES: Final = ("principal", "user_name", "host", "server_name")
"""Columns of plain text in which somebody may be named by a mailbox: the session of a role, a user, a host."""
USERS: Final = ("user_name",)
"""Columns that tell one user from another, whatever they hold."""
POLICIES: Final = (CLIENT_ADDRESS, CLIENT_AND_USER)
SHORTEST_KEY: Final = 16
_HASH: Final = 8
"""Bytes of a hash that are kept."""
_MANY: Final = 64
"""Values in one row that are no longer compared with each other: the time would grow with their square."""

Values = dict[int, set[bytes]]
"""Canonical values by the number of their row."""


class Scanner:
    """Patterns and a key, ready to scan. Raises ValueError for a key too short to hide what it hashes, or without patterns."""

    def __init__(
        self, key: bytes, *, names: bool = True, client_ip: bool = False, linked: bool = False, patterns: Sequence[Pattern] = PATTERNS
    ) -> None:
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"the key for hashes of values has {len(key)} bytes: give one of {SHORTEST_KEY} or more")
        if not patterns:
            raise ValueError("there are no patterns: a scan for nothing would find nothing, and prove as much")
        self._key = key
        self._client_ip, self._linked = client_ip, linked
        self._free = Search((*patterns, USER_ID) if linked else patterns)
        named = [pattern for pattern in IN_NAMES if names and pattern in patterns]
        self._named = Search(named) if named else None
        self._proved = self.marker()

    def marker(self) -> Mapping[str, bool]:
        """Whether each pattern finds all its invented values: as they are, percent-encoded once and twice, escaped as in JSON, in base64."""
        import pyarrow as pa

        proved: dict[str, bool] = {}
        for search in filter(None, (self._free, self._named)):
            texts = [(pattern, form) for pattern in search.patterns for marker in pattern.markers for form in _forms(marker)]
            found, failed = _values(search, pa.array([text for _, text in texts], pa.string()))
            for row, (pattern, _) in enumerate(texts):
                seen = row in found.get(pattern, {}) and pattern.id not in failed
                proved[pattern.id] = proved.get(pattern.id, True) and seen
        if self._client_ip:
            proved[CLIENT_ADDRESS] = clients.marker()
        if self._linked:
            proved[CLIENT_AND_USER] = clients.marker() and proved[USER_ID.id]
        return proved

    def scan(self, table: Table, batch: pa.RecordBatch | pa.Table) -> Found:
        """What is in a batch of the table's schema. Raises ValueError for another schema."""
        if not batch.schema.equals(table.schema()):
            raise ValueError(f"these rows are not {table.name}'s: {batch.schema}")
        looks: dict[tuple[str, str], Look] = {}
        held: dict[Key, Values] = {}
        users: dict[str, Collection[int]] = {}
        for column, search in self._searched(table):
            found, failed = _values(search, batch[column])
            looks[table.name, column] = self._look(search, batch[column], failed)
            held |= {Key(table.name, column, one.id, one.kind): rows for one, rows in found.items() if one is not USER_ID}
            users[column] = {row for one, rows in found.items() if one.identifies for row in rows}
        if self._client_ip or self._linked:
            users |= {column: _filled(batch[column]) for column in USERS if column in table}
            for column, addresses in clients.client_rows(table, batch):
                looks[table.name, column] = Look(len(addresses), {one: self._proved[one] for one in POLICIES if one in self._proved})
                held.update(self._of_clients(table, column, addresses, users))
        places = _Places(batch)
        return Found({table.name: batch.num_rows}, looks, {key: self._hit(key, rows, places) for key, rows in held.items() if rows})

    def columns(self, table: Table) -> frozenset[str]:
        """What `scan` reads of a table's rows."""
        addresses = {column.name for column in table.columns if column.kind == "address" and column.name in clients.CLIENTS}
        linked = {column for column in USERS if column in table}
        return frozenset({column for column, _ in self._searched(table)} | addresses | linked)

    def _searched(self, table: Table) -> Iterator[tuple[str, Search]]:
        for column in table.columns:
            if column.kind == "string" and column.care == "free":
                yield column.name, self._free
            elif self._named is not None and column.kind == "string" and column.care == "plain" and column.name in NAMES:
                yield column.name, self._named

    def _look(self, search: Search, values: Any, failed: Collection[str]) -> Look:
        return Look(len(values) - values.null_count, {one.id: self._proved[one.id] and one.id not in failed for one in search.patterns})

    def _of_clients(
        self, table: Table, column: str, addresses: Mapping[int, bytes], users: Mapping[str, Collection[int]]
    ) -> Iterator[tuple[Key, Values]]:
        """A client's address by itself, and beside a user in any column of its row."""
        if self._client_ip:
            yield Key(table.name, column, CLIENT_ADDRESS, "address"), {row: {address} for row, address in addresses.items()}
        if self._linked:
            linked = set().union(*users.values())
            rows = {row: {address} for row, address in addresses.items() if row in linked}
            yield Key(table.name, column, CLIENT_AND_USER, "address"), rows

    def _hit(self, key: Key, rows: Values, places: _Places) -> Hit:
        values = set().union(*rows.values())
        hashes = sorted(hmac.digest(self._key, key.pattern.encode() + b"\0" + value, "sha256")[:_HASH].hex() for value in values)
        return Hit(sum(map(len, rows.values())), len(rows), places.first(rows), tuple(hashes[:HASHES]))


class _Places:
    """Where the rows of a batch stand; read only where something was found."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch
        self._places: list[Place] | None = None

    def first(self, rows: Collection[int]) -> Place:
        if self._places is None:
            self._places = [Place(*one) for one in zip(self._batch["object"].to_pylist(), self._batch["line"].to_pylist(), strict=True)]
        places = self._places
        return min((places[row] for row in rows), key=lambda place: place.order)


def _values(search: Search, column: Any) -> tuple[dict[Pattern, Values], set[str]]:
    """What is found in a column in any of its layers, and the ids of the patterns whose check failed."""
    found: dict[Pattern, Values] = {}
    failed: set[str] = set()
    for text, rows in layers(column):
        for match in search.matches(text, failed):
            found.setdefault(match.pattern, {}).setdefault(rows[match.line], set()).add(match.value)
    return {pattern: {row: _largest(values) for row, values in held.items()} for pattern, held in found.items()}, failed


def _largest(values: set[bytes]) -> set[bytes]:
    """Without those that are part of another: `tag@shop.example` is what is left of `ana+tag@shop.example` in a form."""
    return values if not 1 < len(values) < _MANY else {one for one in values if not any(one != other and one in other for other in values)}


def _filled(column: Any) -> set[int]:
    return {row for row, filled in enumerate(column.is_valid().to_pylist()) if filled}


def _forms(marker: str) -> tuple[str, ...]:
    once = quote(marker, safe="")
    wrapped = base64.urlsafe_b64encode(marker.encode()).decode()
    escaped = "".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in marker)
    return marker, once, quote(once, safe=""), escaped, f"?d={wrapped}"
