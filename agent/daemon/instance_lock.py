"""One agent for each state directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.config import ConfigurationError

LOCK: Final = "agent.lock"


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the state directory while the block runs. The kernel lets go of it when the process ends, however it ends (flock(2)).

    Raises ConfigurationError where another agent holds it, with its process id, and where it cannot be held.
    """
    file = state / LOCK
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be opened: {error.strerror}; the agent needs a state directory it may write") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise ConfigurationError(f"an agent is running in {state} already: its process id is {holder}") from None
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be locked: {error.strerror}; name a `state` on a local disk") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
