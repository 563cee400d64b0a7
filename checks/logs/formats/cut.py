"""Texts of Arrow arrays cut at places: many at once and without copying, for the pieces of a text are neighbours in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def letters(texts: Any) -> tuple[Any, Any]:
    """(the bytes of all texts, where each begins and the last ends) of an Arrow array of strings."""
    _, ends, held = texts.buffers()
    if not len(texts) or ends is None or held is None:
        return np.zeros(0, np.uint8), np.zeros(len(texts) + 1, np.int32)
    return np.frombuffer(held, np.uint8), np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]


def pieces(texts: Any, places: Sequence[Any]) -> list[Any]:
    """Each text, none of which is null, as one piece more than there are places: up to the first, from there to the second, ...

    The places of each text (see `letters`) are in their order, within it, and between two characters.
    """
    held, ends = letters(texts)
    count = len(places) + 1
    cuts = np.empty(count * len(texts) + 1, np.int32)
    cuts[-1] = ends[-1]
    for index, starts in enumerate((ends[:-1], *places)):
        cuts[index:-1:count] = starts
    whole = pa.StringArray.from_buffers(len(cuts) - 1, pa.py_buffer(cuts), pa.py_buffer(held))
    return [whole.take(pa.array(np.arange(index, len(whole), count))) for index in range(count)]
