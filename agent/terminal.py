"""Progress on a terminal, and nothing anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Step = Callable[[int, int], None]


def colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Step | None]:
    """A bar on stderr while the block runs: `step(done, known)`. None where there is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return

    def step(done: int, known: int) -> None:
        width = 30 * done // max(known, 1)
        sys.stderr.write(f"\r{what} {'#' * width}{'.' * (30 - width)} {done}/{known} calls\x1b[K")
        sys.stderr.flush()

    try:
        yield step
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
