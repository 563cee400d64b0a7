"""Patterns searched for in a text of many lines: a gate of all of them at once, then each that passed it.

RE2 takes time linear in the text, whatever the text: log text is written by whoever sends a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import re2

from checks.logs.personal.pattern import Candidate, Pattern

_PIECE: Final = 1 << 16
"""Bytes that pass the gate together. A pattern is searched for only in the pieces in which it is."""
MEMORY: Final = 16 << 20
"""What RE2 may use for its automata, in bytes."""
_SEPARATORS: Final = (b" ", b"-")
_END: Final = b"\x00end\x00"
"""Set behind each piece and looked for like a pattern: a gate that does not see it has seen nothing."""


@dataclass(frozen=True, slots=True)
class Match:
    """A value that was accepted, in its canonical form, by the number of its line from 0. `value` is never shown."""

    pattern: Pattern
    line: int
    value: bytes

    def __repr__(self) -> str:
        return f"Match({self.pattern.id}, line {self.line})"


class Search:
    """The patterns, compiled."""

    def __init__(self, patterns: Sequence[Pattern], memory: int = MEMORY) -> None:
        self.patterns = tuple(patterns)
        options = _options(memory)
        self._compiled = [re2.compile(pattern.regex, options) for pattern in patterns]
        self._groups = [(compiled.groupindex[b"value"], compiled.groupindex.get(b"name")) for compiled in self._compiled]
        self._gate = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._gate.Add(pattern.regex)
        self._end = self._gate.Add(re2.escape(_END))
        self._gate.Compile()

    def matches(self, text: bytes, failed: set[str]) -> Iterator[Match]:
        """What is accepted in a text that has a line break before each line.

        To `failed` come the ids of patterns whose check raised: they are not to be relied on in this text.
        """
        line, counted = -1, 0
        for start, end in _pieces(text):
            found = [match for index in self._passed(text[start:end]) for match in self._each(index, text, start, end, failed)]
            for place, pattern, value in sorted(found, key=lambda one: one[0]):
                line += text.count(b"\n", counted, place)
                counted = place
                yield Match(pattern, line, value)

    def _passed(self, piece: bytes) -> Sequence[int]:
        """Which patterns are in it; all of them where the gate failed, which RE2 does when it has too little memory."""
        found: list[int] = self._gate.Match(piece + _END) or []
        return [index for index in found if index != self._end] if self._end in found else range(len(self.patterns))

    def _each(self, index: int, text: bytes, start: int, end: int, failed: set[str]) -> Iterator[tuple[int, Pattern, bytes]]:
        pattern, compiled = self.patterns[index], self._compiled[index]
        group, name = self._groups[index]
        while True:
            for match in compiled.finditer(text, start, end):
                first, last = match.span(group)
                try:
                    value = pattern.accept(Candidate(text, first, last, match[name].lower() if name else b""))
                except Exception:
                    failed.add(pattern.id)  # what it raises may hold the value, and is not passed on
                    value = None
                if value is not None:
                    yield first, pattern, value
                elif again := _again(text, first, last):
                    start = again
                    break
            else:
                return


def _again(text: bytes, first: int, last: int) -> int | None:
    """Where to look again in a proposal that was refused: its second group may begin the real one. None where it has one group."""
    return min((at for sign in _SEPARATORS if (at := text.find(sign, first + 1, last)) > 0), default=None)


def _pieces(text: bytes) -> Iterator[tuple[int, int]]:
    """The text in pieces of whole lines: each starts with the line break before its first."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + _PIECE)
        end = len(text) if end < 0 else end
        yield start, end
        start = end


def _options(memory: int) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = memory
    options.log_errors = False
    return options
