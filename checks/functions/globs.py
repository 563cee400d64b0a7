"""Patterns with * and ?, as policies write them, and whether one matches all that another matches.

Matching takes time in proportion to the product of the lengths, whatever the pattern: policies come from strangers.
"""

from __future__ import annotations

# Private-use code points stand for "any text" and "any character" of the inner pattern. A pattern that holds one itself
# covers nothing.
_ANY_TEXT = "\ue000"
_ANY_CHARACTER = "\ue001"
_ARN_PARTS = 6


def covers(outer: str, inner: str) -> bool:
    """Whether `outer` matches all that `inner` matches. False where it is not certain, as for a policy variable."""
    if any(mark in text for text in (outer, inner) for mark in (_ANY_TEXT, _ANY_CHARACTER)) or "${" in outer:
        return False
    return _matches(outer, inner.replace("*", _ANY_TEXT).replace("?", _ANY_CHARACTER))


def covers_resource(outer: str, inner: str) -> bool:
    """The same for resources: the parts of an ARN are compared one by one, since a wildcard stays within its part."""
    outer_parts, inner_parts = outer.split(":", _ARN_PARTS - 1), inner.split(":", _ARN_PARTS - 1)
    if outer_parts[0] == inner_parts[0] == "arn":
        return len(outer_parts) == len(inner_parts) == _ARN_PARTS and all(map(covers, outer_parts, inner_parts))
    return covers(outer, inner)


def _matches(pattern: str, text: str) -> bool:
    """Greedy matching that goes back to the last star only."""
    at = place = 0
    star: int | None = None
    retry = 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, retry = at, place
            at += 1
        elif at < len(pattern) and (pattern[at] == text[place] or (pattern[at] == "?" and text[place] != _ANY_TEXT)):
            at += 1
            place += 1
        elif star is not None:
            retry += 1
            at, place = star + 1, retry
        else:
            return False
    return all(character == "*" for character in pattern[at:])
