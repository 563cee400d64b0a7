r"""Regular expressions of rules, RE2's, written so that every engine reads them alike.

CEL and DuckDB match with RE2, Spark with Java, and the same text means different things to them: to Java, `$` is also before a
last newline, `.` is not U+0085, `(?i)` is about ASCII only, `[a&&b]` is an intersection. So a pattern is read as RE2 reads it
(RE2 wiki, Syntax) and written out anew, in the few forms that are the same everywhere: code points, classes of them, `\A`, `\z`,
groups, `|`, repetition. All that is asked is whether a text has a match, so what a group caught and which match is the longest
are not written; nor is what is empty, as DuckDB 2.0 takes `a()` for "ends with a".

What cannot be written so is refused: `\b`, `(?m)` with `^` or `$` (RE2 has no lookaround with which to say them for Java), Unicode's
classes (every engine has another version of them), and letters beyond ASCII under `(?i)`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

Points = tuple[tuple[int, int], ...]
"""Ranges of code points, both ends included."""

_LAST: Final = 0x10FFFF
_DEEPEST: Final = 50
_DIGIT: Final[Points] = ((0x30, 0x39),)
_UPPER: Final[Points] = ((0x41, 0x5A),)
_LOWER: Final[Points] = ((0x61, 0x7A),)
_WORD: Final[Points] = (*_DIGIT, *_UPPER, (0x5F, 0x5F), *_LOWER)
_SPACE: Final[Points] = ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))
_PERL: Final = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_POSIX: Final[dict[str, Points]] = {
    "alnum": (*_DIGIT, *_UPPER, *_LOWER), "alpha": (*_UPPER, *_LOWER), "ascii": ((0x00, 0x7F),), "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)), "digit": _DIGIT, "graph": ((0x21, 0x7E),), "lower": _LOWER, "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)), "space": ((0x09, 0x0D), (0x20, 0x20)), "upper": _UPPER,
    "word": _WORD, "xdigit": (*_DIGIT, (0x41, 0x46), (0x61, 0x66)),
}  # fmt: skip
_CONTROL: Final = {"a": 0x07, "f": 0x0C, "t": 0x09, "n": 0x0A, "r": 0x0D, "v": 0x0B}
_FOLDED: Final = {"s": 0x17F, "k": 0x212A}
"""The letters beyond ASCII that fold to one in it (Unicode, CaseFolding.txt): the long s and the kelvin sign."""
_HEX: Final = re.compile(r"x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
_OCTAL: Final = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_REPEATED: Final = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})")
_NAMED: Final = re.compile(r"\?P?<[^>]*>")
_FLAGS: Final = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
_CLASS: Final = re.compile(r"\[:(\^?)([a-z]+):\]")
_ITSELF: Final = frozenset(string.ascii_letters + string.digits)


class UnfitPattern(ValueError):
    """A pattern that engines would read differently: what stands in it, and what to write instead."""


def portable(pattern: str) -> str:
    """The pattern for every engine. `pattern` is one that RE2 takes. Raises UnfitPattern."""
    reader = _Reader(pattern)
    written = reader.alternatives(frozenset(), 0)
    if reader.at < len(pattern):
        reader.refuse("a parenthesis that closes nothing", "it")
    return written


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def alternatives(self, flags: frozenset[str], depth: int) -> str:
        """Up to the end, or to the parenthesis that closes this; a flag in it holds from there on, beyond `|` too."""
        if depth > _DEEPEST:
            self.refuse(f"more than {_DEEPEST} groups in one another", "fewer")
        written: list[str] = []
        while self.at < len(self.text) and not self._sees(")"):
            if self._takes("|"):
                written.append("|")
            elif self._takes(r"\Q"):
                literal, _, _ = self.text[self.at :].partition(r"\E")
                self.at = min(self.at + len(literal) + 2, len(self.text))
                written += [_points(self._folded(_one(ord(letter)), flags)) for letter in literal[:-1]]
                written += [self._repeated(_points(self._folded(_one(ord(letter)), flags))) for letter in literal[-1:]]
            elif self._sees("(?") and (found := _FLAGS.match(self.text, self.at + 1)) and found[3] == ")":
                self.at, flags = found.end(), _changed(flags, found)
            else:
                written.append(self._repeated(self._atom(flags, depth)))
        return "".join(written)

    def _repeated(self, atom: str) -> str:
        if (found := _REPEATED.match(self.text, self.at)) is None:
            return atom
        self.at = found.end()
        self._takes("?")  # as few as possible, or as many: there is a match or there is none
        if not atom or found[0] in {"{0}", "{0,0}"}:
            return ""
        return f"(?:{atom}){found[0]}" if atom in {r"\A", r"\z"} else atom + found[0]

    def _atom(self, flags: frozenset[str], depth: int) -> str:
        letter = self._next()
        match letter:
            case "(":
                return self._group(flags, depth)
            case "[":
                return _points(self._class(flags))
            case ".":
                return _points(((0, _LAST),) if "s" in flags else _without(_one(0x0A)))
            case "^" | "$" if "m" in flags:
                self.refuse(f"(?m) with {letter}", r"`(\A|\n)a` for `^a` and `a(\n|\z)` for `a$`")
            case "^":
                return r"\A"
            case "$":
                return r"\z"
            case "\\":
                return self._escaped(flags)
        return _points(self._folded(_one(ord(letter)), flags))

    def _group(self, flags: frozenset[str], depth: int) -> str:
        if found := _NAMED.match(self.text, self.at):
            self.at = found.end()
        elif found := _FLAGS.match(self.text, self.at):
            self.at, flags = found.end(), _changed(flags, found)
        inner = self.alternatives(flags, depth + 1)
        if not self._takes(")"):
            self.refuse("a group that is not closed", "its parenthesis")
        return f"(?:{inner})" if inner else ""

    def _escaped(self, flags: frozenset[str]) -> str:
        if self._takes("A"):
            return r"\A"
        if self._takes("z"):
            return r"\z"
        return _points(self._escape(flags))

    def _escape(self, flags: frozenset[str]) -> Points:
        """What stands after a backslash, inside a class or outside."""
        if found := _HEX.match(self.text, self.at):
            self.at = found.end()
            return self._folded(_one(int(found[1] or found[2], 16)), flags)
        if found := _OCTAL.match(self.text, self.at):
            self.at = found.end()
            return self._folded(_one(int(found[0], 8)), flags)
        letter = self._next()
        if letter in _CONTROL:
            return _one(_CONTROL[letter])
        if letter.lower() in _PERL:
            held = self._folded(_PERL[letter.lower()], flags)
            return held if letter.islower() else _without(held)
        if letter in "bB":
            self.refuse(rf"\{letter}", r"what may stand there, as in `(\A|[^0-9A-Za-z_])word`")
        if letter in "pP":
            self.refuse(rf"\{letter}, of which every engine has another version", "the letters, as in `[A-Za-z]`")
        if letter.isalnum() or not letter.isascii():
            self.refuse(rf"\{letter}", "it out")
        return _one(ord(letter))

    def _class(self, flags: frozenset[str]) -> Points:
        negated = self._takes("^")
        held: list[tuple[int, int]] = []
        first = True
        while first or not self._sees("]"):
            first = False
            if found := _CLASS.match(self.text, self.at):
                self.at = found.end()
                if found[2] not in _POSIX:
                    self.refuse(found[0], "the letters")
                named = self._folded(_POSIX[found[2]], flags)
                held += _without(named) if found[1] else named
                continue
            start = self._member(flags)
            if self._sees("-") and not self._sees("-]") and len(start) == 1 and start[0][0] == start[0][1]:
                self.at += 1
                ((low, _),), ((_, high),) = start, self._member(frozenset())
                held += self._folded(((low, high),), flags)
            else:
                held += start if len(start) > 1 else self._folded(start, flags)
        self.at += 1
        return _without(tuple(held)) if negated else tuple(held)

    def _member(self, flags: frozenset[str]) -> Points:
        """One character of a class, not folded, or a class within it, folded."""
        letter = self._next()
        if letter != "\\":
            return _one(ord(letter))
        named = self.at < len(self.text) and self.text[self.at].lower() in _PERL
        return self._escape(flags if named else frozenset())

    def _folded(self, points: Points, flags: frozenset[str]) -> Points:
        if "i" not in flags:
            return points
        held = list(points)
        for low, high in points:
            for letter in map(chr, range(low, min(high, 0x7F) + 1)):
                other = letter.swapcase()
                held.append((ord(other), ord(other)))
                if letter.lower() in _FOLDED:
                    held.append((_FOLDED[letter.lower()],) * 2)
            for letter in map(chr, range(max(low, 0x80), high + 1)):
                if {letter.lower(), letter.upper(), letter.casefold()} != {letter}:
                    self.refuse(f"{letter!r} under (?i)", "both its forms, without (?i)")
        return tuple(held)

    def _sees(self, part: str) -> bool:
        return self.text.startswith(part, self.at)

    def _takes(self, part: str) -> bool:
        found = self._sees(part)
        self.at += len(part) if found else 0
        return found

    def _next(self) -> str:
        if self.at >= len(self.text):
            self.refuse("an end where more is expected", "the rest")
        self.at += 1
        return self.text[self.at - 1]

    def refuse(self, what: str, instead: str) -> NoReturn:
        raise UnfitPattern(f"the pattern {self.text!r} has {what}, which engines do not read alike over rows; write {instead}")


def _changed(flags: frozenset[str], found: re.Match[str]) -> frozenset[str]:
    return (flags | set(found[1])) - set(found[2] or "")


def _one(point: int) -> Points:
    return ((point, point),)


def _merged(points: Iterable[tuple[int, int]]) -> Points:
    """The same code points, in order, in as few ranges as can be."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(points):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return tuple(merged)


def _without(points: Points) -> Points:
    """All other code points."""
    held = _merged(points)
    starts, ends = [0, *(high + 1 for _, high in held)], [*(low - 1 for low, _ in held), _LAST]
    return tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high)


_BOTH_CASES: Final = frozenset(((ord(letter.upper()),) * 2, (ord(letter),) * 2) for letter in string.ascii_lowercase)
"""The classes that RE2 makes one letter of, in either case. DuckDB 2.0 then forgets of `[-a]|[Aa]` the one case, `A`; of `[-a]|(?:A|a)`
it does not."""


def _points(points: Points) -> str:
    merged = _merged(points)
    if not merged:
        return rf"[^\x{{0}}-\x{{{_LAST:x}}}]"
    if len(merged) == 1 and merged[0][0] == merged[0][1]:
        return _letter(merged[0][0])
    if merged in _BOTH_CASES:
        return f"(?:{'|'.join(_letter(low) for low, _ in merged)})"
    return f"[{''.join(_letter(low) if low == high else f'{_letter(low)}-{_letter(high)}' for low, high in merged)}]"


def _letter(point: int) -> str:
    return chr(point) if chr(point) in _ITSELF else rf"\x{{{point:x}}}"
