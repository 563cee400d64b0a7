"""The members of JSON records that are asked for, a column at a time: read quickly where every record is as documented.

The quick way (msgspec) makes no object of what nobody asks for, and refuses whatever is not exactly as expected; the slow
one (orjson) then reads the same text, and counts what is odd in it. Both check all of the text to be JSON. They part where
JSON has no rule: in members that nobody asks for, the quick way takes numbers beyond what a double holds, and nesting as
deep as Python's stack allows, for which the slow one refuses the text; and where an open member has two members with one name,
its text shows both, and in the slow one the last.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, Protocol

import msgspec
import orjson

from checks.logs.formats import json_records, raw_json
from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.formats.json_values import json_texts
from checks.logs.formats.record_parts import Text

Path = tuple[str, ...]
OPEN: Final = frozenset({"requestParameters", "responseElements", "additionalEventData", "serviceEventDetails"})
"""Members that hold any JSON. All others are texts, of which some may be truth values, or objects of such, or LISTS of those."""
LISTS: Final = frozenset({"resources"})
TRUTHS: Final = frozenset({"readOnly", "managementEvent", "sessionCredentialFromConsole", "mfaAuthenticated"})
_ORDER: Final = (
    "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
    "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources", "eventType",
    "managementEvent", "recipientAccountId", "sharedEventID", "vpcEndpointId", "serviceEventDetails", "eventCategory",
    "sessionCredentialFromConsole", "tlsDetails", "type", "principalId", "arn", "accountId", "accessKeyId", "userName", "sessionContext",
    "invokedBy", "sessionIssuer", "attributes", "mfaAuthenticated", "tlsVersion", "cipherSuite", "clientProvidedHostHeader",
)  # fmt: skip
"""How CloudTrail writes members: one that comes next is found at once."""
_TOLD: Final = frozenset({"userIdentity", "tlsDetails"})
"""Objects that are told where they are something else."""


class Records(Protocol):
    """Records of which `lines` are the numbers, from 1."""

    lines: Sequence[int]

    def values(self, path: Path) -> list[Any]:
        """What each record has there; None for null, and where it has none."""
        ...

    def parsed(self, member: str, which: Iterable[int]) -> list[Any]:
        """Of records by their places, what a member of OPEN holds, parsed. Raises NotRecords."""
        ...

    def inner(self, member: str, which: Iterable[int], names: tuple[str, ...]) -> list[list[Any]]:
        """Of records by their places, for each of the names what stands there in the object that a member of OPEN holds; None where
        it is null, or there is none. Raises NotRecords."""
        ...

    def json(self, member: str, faults: Faults) -> Any:
        """What a member of OPEN holds, as an Arrow array of JSON texts; of what is a text itself, that text. Raises NotRecords."""
        ...

    def only(self, path: tuple[str, str]) -> list[str | None]:
        """The text that stands in the only object of a list; None for all else."""
        ...


@dataclass(slots=True)
class Untyped:
    """Records as orjson reads them; an object that is none is told once and has no members."""

    lines: Sequence[int]
    _members: json_records.Members

    @classmethod
    def of(cls, records: Sequence[Any], first: int, faults: Faults) -> Untyped:
        held = json_records.objects([*enumerate(records, first)], faults)
        return cls(held.numbers, json_records.Members(held, faults, told=_TOLD))

    def values(self, path: Path) -> list[Any]:
        return self._members.values(path)

    def parsed(self, member: str, which: Iterable[int]) -> list[Any]:
        held = self._members.values((member,))
        return [held[place] for place in which]

    def inner(self, member: str, which: Iterable[int], names: tuple[str, ...]) -> list[list[Any]]:
        return _inner(self.parsed(member, which), names)

    def json(self, member: str, faults: Faults) -> Any:
        return json_texts(self._members.values((member,)), self.lines, member, faults)

    def only(self, path: tuple[str, str]) -> list[str | None]:
        return [_only(held, path[1]) for held in self.values(path[:1])]


def _inner(held: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    return [[one.get(name) if isinstance(one, dict) else None for one in held] for name in names]


def _only(listed: Any, member: str) -> str | None:
    one = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    value = one.get(member) if isinstance(one, dict) else None
    return value if isinstance(value, str) else None


@dataclass(slots=True)
class Typed:
    """Records of the class that Members made, all of them as documented."""

    lines: Sequence[int]
    _records: Sequence[Any]
    _absent: dict[Path, Any]
    _columns: dict[Path, list[Any]] = field(default_factory=dict)

    def values(self, path: Path) -> list[Any]:
        if path not in self._columns:
            at, absent = path[:-1], self._absent[path[:-1]]
            columns = _columns([absent if one is None else one for one in self.values(at)] if at else self._records, absent)
            self._columns |= {(*at, name): column for name, column in columns.items()}
        return self._columns[path]

    def parsed(self, member: str, which: Iterable[int]) -> list[Any]:
        raws = self._raws(member, which)
        try:
            held = orjson.loads(_list(raws))
        except orjson.JSONDecodeError:
            held = [_json(bytes(raw)) for raw in raws]
        assert isinstance(held, list)
        return held

    def inner(self, member: str, which: Iterable[int], names: tuple[str, ...]) -> list[list[Any]]:
        decoder, absent = _objects(names)
        try:
            held = decoder.decode(_list(self._raws(member, which)))
        except (msgspec.MsgspecError, RecursionError):
            return _inner(self.parsed(member, which), names)
        columns = _columns([absent if one is None else one for one in held], absent)
        return [columns[name] for name in names]

    def json(self, member: str, faults: Faults) -> Any:
        def parsed(places: Sequence[int]) -> Any:
            return json_texts(self.parsed(member, places), [self.lines[place] for place in places], member, faults)

        return raw_json.texts(self.values((member,)), parsed)

    def only(self, path: tuple[str, str]) -> list[str | None]:
        get = attrgetter(path[1])
        return [get(held[0]) if held is not None and len(held) == 1 else None for held in self.values(path[:1])]

    def _raws(self, member: str, which: Iterable[int]) -> list[Any]:
        held = self.values((member,))
        return [held[place] for place in which]


def _columns(held: Sequence[Any], absent: Any) -> dict[str, list[Any]]:
    """The members of objects of one class, a column each: all at once costs a third of one after the other."""
    names = absent.__struct_fields__
    flat = list(itertools.chain.from_iterable(map(msgspec.structs.astuple, held)))
    return {name: flat[index :: len(names)] for index, name in enumerate(names)}


def _list(raws: Sequence[Any]) -> bytes:
    """They are parsed together: a call for each costs as much again."""
    return b"[" + b",".join(raws) + b"]"


@dataclass(frozen=True, slots=True)
class Members:
    """What records are read for, as a class that msgspec fills; `_absent` stands for objects that a record does not have."""

    _decoder: Any
    _absent: dict[Path, Any]

    @classmethod
    @functools.lru_cache(maxsize=64)
    def of(cls, paths: frozenset[Path]) -> Members:
        absent: dict[Path, Any] = {}
        return cls(msgspec.json.Decoder(list[_class((), paths, absent)]), absent)  # type: ignore[misc]

    def of_list(self, raw: Text) -> Part:
        """The records of a list. Raises NotRecords."""
        try:
            return Part(self._decoder.decode(raw), self._absent)
        except (msgspec.MsgspecError, RecursionError):
            data = _json(raw)
        assert isinstance(data, list)
        return Part(data)


_NAMED: Final = re.compile(rb'"%s"' % b"".join(rb"(?:%c|\\u00(?i:%02x))" % (letter, letter) for letter in b"Records"))
"""The name of the list, whichever of its letters are escaped."""


def of_document(raw: Text) -> Part:
    """The records of a whole document, read slowly. Raises NotRecords."""
    data = _json(raw)
    records = data.get("Records") if isinstance(data, dict) else None
    if not isinstance(records, list):
        raise NotRecords("there is no list of Records in it")
    if sum(1 for _ in _NAMED.finditer(bytes(raw))) > 1:  # of members with one name, the last is all that a parser shows
        raise NotRecords("Records may stand in it twice")
    return Part(records)


@dataclass(frozen=True, slots=True)
class Part:
    """Some records of a file, as one of the two ways read them."""

    _held: Sequence[Any]
    _absent: dict[Path, Any] | None = None

    def __len__(self) -> int:
        return len(self._held)

    def records(self, start: int, stop: int, first: int, faults: Faults) -> Records:
        """Those from `start` up to `stop`; `first` is the line of the first of them."""
        held = self._held[start:stop]
        return Untyped.of(held, first, faults) if self._absent is None else Typed(range(first, first + len(held)), held, self._absent)


def _json(raw: Text) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotRecords(f"not JSON: {error}") from error


@functools.cache
def _objects(names: tuple[str, ...]) -> tuple[msgspec.json.Decoder[list[Any]], Any]:
    """(of a list of objects, or nulls, these members; an object without members)."""
    made = msgspec.defstruct("Object", [(name, Any, None) for name in names], gc=False)
    return msgspec.json.Decoder(list[made | None]), made()  # type: ignore[valid-type]


def _place(name: str) -> tuple[int, str]:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER), name


def _class(at: Path, paths: frozenset[Path], absent: dict[Path, Any]) -> Any:
    """A class with the members below a path: texts, truth values, JSON as it stands, and objects of these."""
    fields: list[tuple[str, Any, Any]] = []
    for name in sorted({path[len(at)] for path in paths if path[: len(at)] == at and len(path) > len(at)}, key=_place):
        if name in OPEN:
            fields.append((name, msgspec.Raw, msgspec.Raw(b"null")))
        elif (*at, name) in paths:
            fields.append((name, bool | str | None if name in TRUTHS else str | None, None))
        else:
            held: Any = _class((*at, name), paths, absent)
            fields.append((name, (list[held] if name in LISTS else held) | None, None))
    made = msgspec.defstruct("_".join(("Record", *at)), fields, gc=False)
    absent[at] = made()
    return made
