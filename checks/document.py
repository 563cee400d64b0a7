"""YAML with line numbers: the files people write (configuration, promises, rules), read strictly.

Scalars follow the YAML 1.2 core schema, except that a number may not be written with leading zeros: `on`, `NO`,
`22:22` and `012345670123` stay text. Anchors, aliases, tags and duplicate keys are refused, and so is a text over
the size limit: a file that expands while it is read is not a configuration file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

import yaml

MAXIMUM_BYTES: Final = 5_000_000
MAXIMUM_DEPTH: Final = 60

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,38})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **{word: value for name, value in (("null", None), ("true", True), ("false", False)) for word in (name, name.title(), name.upper())},
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(ValueError):
    """A file that does not say what it must: which file, which line, what is wrong."""

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        self.file, self.line, self.problem = file, line, problem
        super().__init__(f"{file}:{line}: {problem}" if line else f"{file}: {problem}")


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain dicts, lists and scalars, and the line each value began on."""

    file: str
    data: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int | None:
        """The line of the value at `path`, or of the nearest thing above it that is in the text."""
        for end in range(len(path), -1, -1):
            if (found := self.lines.get(path[:end])) is not None:
                return found
        return None

    def fail(self, path: Path, problem: str) -> NoReturn:
        raise DocumentError(self.file, self.line(path), problem)

    def part(self, path: Path) -> Document:
        """The document below `path`, its lines still those of the whole file."""
        data = self.data
        for step in path:
            data = data[step]
        size = len(path)
        return Document(self.file, data, {at[size:]: line for at, line in self.lines.items() if at[:size] == path})


def parse(text: str, file: str) -> Document:
    """Read one YAML document. Raises DocumentError with the line."""
    if len(text) > MAXIMUM_BYTES:
        raise DocumentError(file, None, f"larger than {MAXIMUM_BYTES // 1_000_000} MB: split it, or see whether this is the right file")
    try:
        return _Builder(text, file).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(file, mark.line + 1 if mark else None, error.problem or str(error)) from error
    except yaml.YAMLError as error:
        raise DocumentError(file, None, " ".join(str(error).split())) from error


class _Builder:
    def __init__(self, text: str, file: str) -> None:
        self._file, self._lines = file, dict[Path, int]()
        self._events = yaml.parse(text, Loader=_LOADER)

    def build(self) -> Document:
        self._next()
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            return Document(self._file, None, {})
        data = self._value(self._next(), ())
        self._next()
        if not isinstance(end := self._next(), yaml.StreamEndEvent):
            self._fail(end, "a second document in the same file")
        return Document(self._file, data, self._lines)

    def _next(self) -> Any:
        return next(self._events)

    def _fail(self, event: Any, problem: str) -> NoReturn:
        raise DocumentError(self._file, self._line(event), problem)

    @staticmethod
    def _line(event: Any) -> int:
        return int(event.start_mark.line) + 1

    def _value(self, event: Any, path: Path) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._fail(event, "anchors and aliases are not allowed: write the value out")
        if event.tag not in (None, "!"):
            self._fail(event, f"the tag {event.tag} is not allowed")
        if len(path) > MAXIMUM_DEPTH:
            self._fail(event, f"nested deeper than {MAXIMUM_DEPTH} levels")
        self._lines[path] = self._line(event)
        match event:
            case yaml.ScalarEvent():
                return _scalar(event.value) if event.implicit[0] else event.value
            case yaml.SequenceStartEvent():
                items: list[Any] = []
                while not isinstance(item := self._next(), yaml.SequenceEndEvent):
                    items.append(self._value(item, (*path, len(items))))
                return items
            case yaml.MappingStartEvent():
                return self._mapping(path)
        self._fail(event, "this YAML construct is not allowed")

    def _mapping(self, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._fail(event, "a key must be a plain word")
            if event.anchor is not None or event.tag not in (None, "!"):
                self._fail(event, "a key takes no anchor and no tag")
            if event.value in mapping:
                self._fail(event, f"the key {event.value!r} stands twice")
            line = self._line(event)
            mapping[event.value] = self._value(self._next(), (*path, event.value))
            self._lines[(*path, event.value)] = line
        return mapping


def _scalar(text: str) -> str | int | float | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and len(text) < 40 and math.isfinite(number := float(text)):
        return number
    return text


Model = TypeVar("Model")


def validate(document: Document, build: Callable[[Any], Model]) -> Model:
    """`build` (a pydantic `model_validate`) over the document; its first complaint becomes a DocumentError with its line."""
    from pydantic import ValidationError

    try:
        return build(document.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DocumentError(document.file, document.line(first["loc"]), _complaint(first, document.data)) from error


def _complaint(error: Any, data: Any) -> str:
    where = ".".join(map(str, _written(error["loc"], data)))
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key {where!r}"
        case "missing":
            return f"{where!r} is missing"
        case "model_type" | "dict_type" if not where:
            return "expected a mapping: lines of `key: value`"
        case _:
            return f"{where}: {error['msg'].removeprefix('Value error, ')}" if where else error["msg"].removeprefix("Value error, ")


def _written(steps: Sequence[str | int], data: Any) -> list[str | int]:
    """The steps to a place as they are written: pydantic names among them which of several forms a value was taken for, and a form may be
    named as a key is."""
    if not steps:
        return []
    step, rest = steps[0], steps[1:]
    skipped = _written(rest, data)
    inside: Any = dict(enumerate(data)) if isinstance(data, list) else data if isinstance(data, dict) else {}
    if step in inside:
        entered = [step, *_written(rest, inside[step])]
        return max(entered, skipped, key=lambda found: (len(found), found[-1:] == [steps[-1]]))
    return [step] if not rest and isinstance(data, dict) else skipped  # which is missing, or is a form
