"""A bounded number of threads that make calls, and that nobody has to wait for.

Time limits of sockets hold for each read, so that a server that answers a byte at a time is listened to for ever; and what
concurrent.futures starts is waited for when the process ends. These threads end with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """Makes calls as they come in, as many at once as there are threads."""

    def __init__(self, number: int, name: str) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._number, self._closed = number, False
        for index in range(number):
            threading.Thread(target=self._work, name=f"{name}-{index}", daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Call when a thread is free."""
        future: Future[T] = Future()
        self._calls.put((future, call))
        return future

    def close(self) -> None:
        """Begin nothing more. What is under way ends by its own time limits, or with the process."""
        self._closed = True
        for _ in range(self._number):
            self._calls.put(None)

    def _work(self) -> None:
        while (told := self._calls.get()) is not None:
            future, call = told
            if self._closed:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
