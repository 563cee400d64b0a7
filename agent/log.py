"""Log lines on stderr: for people on a terminal, JSON elsewhere. Findings never travel this way."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@functools.cache
def _configured(quiet: bool) -> Any:  # noqa: FBT001 - a cache key
    import logging

    import structlog

    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[*_processors(), structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger()


def _processors() -> list[Any]:
    """What every line goes through: locals are not told, they hold secrets."""
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
    ]


_quiet = False


def configure(*, quiet: bool) -> None:
    """Remember how to log. The libraries are loaded with the first line, so that short commands stay quick."""
    global _quiet  # noqa: PLW0603 - one process, one log
    _quiet = quiet


def logger() -> Any:
    return _configured(_quiet)


def adopt_libraries() -> None:
    """What libraries log, from warnings on, as lines like our own. What they say of requests is less, and is not wanted: it may hold
    secrets."""
    import logging

    import structlog

    handler = logging.StreamHandler(sys.stderr)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_processors(), processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # what is missed or overlaps, the schedule says itself


@contextmanager
def run_lines(**of: str) -> Iterator[None]:
    """Lines of one run say of which it is. What another run in the same thread left behind is forgotten."""
    import structlog

    structlog.contextvars.clear_contextvars()
    with structlog.contextvars.bound_contextvars(**of):
        yield
