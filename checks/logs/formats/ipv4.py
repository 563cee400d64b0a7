"""Texts of IPv4 addresses as numbers, many at once: one by one they cost more than all else that is done with a log."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from checks.logs.formats import cut

_DOT, _ZERO = b".0"
_NONE: Final = 1 << 36
"""In the place of an octet that is none: as one of four it makes a number that no address has."""


def numbers(texts: Any) -> tuple[Any, Any]:
    """(the numbers as int64, which of them are one): dotted decimal as inet_pton takes it, without leading zeros.

    What is no such text, or null, is not one; `texts` is an Arrow array of strings.
    """
    letters, ends = cut.letters(texts)
    dots = np.flatnonzero(letters == _DOT)
    before = np.searchsorted(dots, ends)
    known = (np.diff(before) == 3) & np.asarray(texts.is_valid())
    first = before[:-1][known]
    digits = np.minimum(letters - np.uint8(_ZERO), 15).astype(np.uint16)
    three = digits.copy()
    three[1:] |= digits[:-1] << 4
    three[2:] |= digits[:-2] << 8
    start, found = ends[:-1][known], np.zeros(len(first), np.int64)
    for stop in (*(dots[first + place] for place in range(3)), ends[1:][known]):
        length = np.minimum(stop - start, 4) & 3
        found = found << 8 | _OCTETS[length << 12 | three[stop - 1]]
        start = stop + 1
    good = found < _NONE
    known[known] = good
    number = np.zeros(len(texts), np.int64)
    number[known] = found[good]
    return number, known


def _octets() -> Any:
    """The octets that up to three digits make, by how many there are and, four bits each, what they and the letters before are."""
    last, middle, first = (np.arange(1 << 12) >> shift & 15 for shift in (0, 4, 8))
    one = np.where(last <= 9, last, _NONE)
    two = np.where((middle > 0) & (middle <= 9), 10 * middle + one, _NONE)
    three = np.where((first > 0) & (middle <= 9), 100 * first + 10 * middle + one, _NONE)
    return np.concatenate([np.full(1 << 12, _NONE), *(np.where(held <= 255, held, _NONE) for held in (one, two, three))])


_OCTETS: Final = _octets()
