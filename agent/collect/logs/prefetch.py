"""Asking ahead: calls that wait on a network are made at once, and what they give is taken in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from agent.collect.gunzip import LIMITS, Limits, uncompressed
from agent.collect.logs.objects import LogObject, LogStore, NotSeen, Unreadable

WIDTH: Final = 16
SMALL: Final = 8_000_000
"""Bytes, as stored, up to which an object is read ahead as a whole: the most that is held is so much times the width."""
Asked = TypeVar("Asked")
Given = TypeVar("Given")


def ahead(call: Callable[[Asked], Given], items: Iterable[Asked], width: int = WIDTH) -> Iterator[Given]:
    """What the calls give, in the order of the items; at most `width` are on their way or wait to be taken.

    What a call raises is raised in its turn. A NotSeen that the items raise comes after all that they gave before.
    """
    source = iter(items)
    waiting: deque[Future[Given]] = deque()
    failed: NotSeen | None = None
    with ThreadPoolExecutor(width) as pool:
        try:
            while True:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except NotSeen as error:
                    failed = error
                    break
                waiting.append(pool.submit(call, item))
                if len(waiting) == width:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
    if failed:
        raise failed


def prefetch(
    store: LogStore, objects: Iterable[LogObject], *, width: int = WIDTH, small: int = SMALL, limits: Limits = LIMITS
) -> Iterator[tuple[LogObject, Iterator[bytes]]]:
    """Each object with its `pieces`, in order. Small ones are read ahead, large ones while their pieces are taken.

    What keeps an object from being read is raised where its pieces are taken, as `LogStore.pieces` does. Raises Unlisted where
    the objects do, after those that were listed.
    """

    def fetch(one: LogObject) -> tuple[LogObject, list[bytes] | Unreadable | None]:
        if one.size > small:
            return one, None
        try:
            return one, list(store.raw(one))
        except Unreadable as error:
            return one, error

    for one, fetched in ahead(fetch, objects, width):
        yield one, store.pieces(one, limits) if fetched is None else uncompressed(_given(fetched), one.name, limits)


def _given(fetched: list[bytes] | Unreadable) -> Iterator[bytes]:
    if isinstance(fetched, Unreadable):
        raise fetched
    yield from fetched
