"""Text of others on its way to a terminal, a log or a file."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(
    r"[^\x20-\x7e\u00a0-\u00ac\u00ae-\u061b\u061d-\u180d\u180f-\u200a\u2010-\u2027\u2030-\u205f\u2070-\ud7ff\uf900-\ufefe"
    r"\uff00-\ufff8\ufffc-\ufffd\U00010000-\U0001bc9f\U0001bca4-\U0001d172\U0001d17b-\U000e0000]"
)


def printable(text: object) -> str:
    """Text that cannot move the cursor, change its direction or forge a line: whatever could is written as an escape."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape", "backslashreplace").decode("ascii"), str(text))
