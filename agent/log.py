"""Log lines on stderr: for people on a terminal, JSON elsewhere. Findings never travel this way."""

from __future__ import annotations

import functools
import sys
from typing import Any


@functools.cache
def _configured(quiet: bool) -> Any:  # noqa: FBT001 - a cache key
    import logging

    import structlog

    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger()


_quiet = False


def configure(*, quiet: bool) -> None:
    """Remember how to log. The libraries are loaded with the first line, so that short commands stay quick."""
    global _quiet  # noqa: PLW0603 - one process, one log
    _quiet = quiet


def logger() -> Any:
    return _configured(_quiet)
