"""Texts of IPv4 addresses as numbers, many at once: one by one they cost more than all else that is done with a log."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

_LONGEST: Final = len("255.255.255.255")
_DOT, _ZERO = b".0"
_END: Final = 0


def numbers(texts: Any) -> tuple[Any, Any]:
    """(the numbers as int64, which of them are one): dotted decimal as inet_pton takes it, without leading zeros.

    What is no such text, or null, is not one; `texts` is an Arrow array of strings.
    """
    count = len(texts)
    held = texts.buffers()
    if not count or held[1] is None or held[2] is None:
        return np.zeros(count, np.int64), np.zeros(count, bool)
    ends = np.frombuffer(held[1], np.int32)[texts.offset : texts.offset + count + 1]
    lengths = np.diff(ends)
    padded = np.concatenate((np.frombuffer(held[2], np.uint8), np.zeros(_LONGEST + 1, np.uint8)))
    letters = np.lib.stride_tricks.sliding_window_view(padded, _LONGEST + 1)[ends[:-1]].T.copy()
    good = (lengths <= _LONGEST) & np.asarray(texts.is_valid())
    places = np.arange(_LONGEST + 1)[:, None]
    good &= ~((letters == _END) & (places < lengths)).any(axis=0)
    letters[places > lengths] = _END
    letters[np.minimum(lengths, _LONGEST), np.arange(count)] = _DOT
    number, octet = np.zeros(count, np.uint32), np.zeros(count, np.uint16)
    digits, dots = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    for letter in letters[: min(int(lengths.max()), _LONGEST) + 1]:
        dot, digit = letter == _DOT, letter - np.uint8(_ZERO)
        more = digit <= 9
        good &= (more | dot | (letter == _END)) & ~(more & (digits > 0) & (octet == 0))
        good &= ~dot | ((digits > 0) & (digits <= 3) & (octet <= 255))
        number = np.where(dot, (number << 8) | octet, number)
        octet = np.where(more, octet * 10 + digit, octet) * ~dot
        digits = (digits + more) * ~dot
        dots += dot
    good &= dots == 4
    return np.where(good, number, 0).astype(np.int64), good
