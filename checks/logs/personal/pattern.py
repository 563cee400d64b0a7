"""What a pattern is: a regular expression that proposes, and a check that accepts; and what is around a proposal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["contact", "financial", "national-id", "credential", "address"]
CLIENT_ADDRESS: Final = "client-address"
CLIENT_AND_USER: Final = "client-and-user"
"""What is no pattern: the address of a client, and one in the same row as what tells its user."""
KINDS: Final[tuple[Kind, ...]] = ("contact", "financial", "national-id", "credential", "address")

START: Final = rb"[^0-9A-Za-z_.%+-]"
"""What may stand before a number: every text that is searched starts with a line break, so there always is something.

Not `%`: the two digits after it belong to an escape, and the number is found in the decoded text.
"""
_WORD: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_DIGITS: Final = frozenset(b"0123456789")
_SPACE: Final = 0x20
_PLACEHOLDERS: Final = frozenset(
    b"hidden_due_to_security_reasons redacted filtered masked removed hidden secret null none undefined empty true false".split()
)
"""What stands in the place of a value that was left out; the first is CloudTrail's."""
_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_BRACKETS: Final = ((b"[", b"]"), (b"{", b"}"), (b"${", b"}"), (b"<", b">"), (b"$(", b")"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal: `text[start:end]`, and the `name` that was given to it (lower case; empty where there is none)."""

    text: bytes = field(repr=False)
    start: int
    end: int
    name: bytes = b""

    @property
    def value(self) -> bytes:
        return self.text[self.start : self.end]

    @property
    def ends(self) -> bool:
        """Whether the number or word ends here: no letter or digit follows, nor a dot or hyphen with one behind it."""
        after = self.text[self.end : self.end + 2]
        if not after:
            return True
        if after[0] in _WORD:
            return False
        return not (after[0] in b".-" and len(after) == 2 and after[1] in _WORD)

    def shorter(self, least: int) -> Iterator[Candidate]:
        """Itself where it ends, and what of it stands before a space, the longest first: what follows a number may look like more of it."""
        if self.ends:
            yield self
        for at in range(self.end - 1, self.start + least - 1, -1):
            if self.text[at] == _SPACE and self.text[at - 1] != _SPACE:
                yield Candidate(self.text, self.start, at, self.name)


Check = Callable[[Candidate], bytes | None]
"""The value in its one canonical form, or None where it is none. Raises nothing."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form that personal data or a secret has.

    `regex` is RE2 over bytes (Latin-1); its group `value` is what `accept` looks at, its group `name`, if any, what the text
    calls it. It matches no line break, since texts are searched many at once, a line each. `markers` are invented texts in
    which it must be found, or it proves nothing. `identifies`: who has the value is told from others by it. `source` is
    the document that the form comes from.
    """

    id: str
    what: str
    kind: Kind
    regex: bytes
    accept: Check = field(repr=False)
    markers: tuple[str, ...] = field(repr=False)
    source: str
    identifies: bool = False


def digits(text: bytes) -> str:
    return "".join(chr(byte) for byte in text if byte in _DIGITS)


def whole(candidate: Candidate) -> bytes | None:
    """The check of what its form alone tells: that the word ends here."""
    return candidate.value if candidate.ends else None


def withheld(value: bytes) -> bool:
    """Whether this stands in the place of a value that was left out: `***`, `[REDACTED]`, `${password}`, `undefined`."""
    word = value.strip(b"*xX#.-_ ")
    if not word or word.lower() in _PLACEHOLDERS or value.startswith(b"***"):
        return True
    return any(value.startswith(opened) and value.endswith(closed) for opened, closed in _BRACKETS)


def escaped(value: bytes) -> bool:
    """Whether there are percent escapes in it: then it is found in the decoded text, and is not itself the value."""
    return _ESCAPE.search(value) is not None
