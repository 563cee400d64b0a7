"""What a process has loaded before it becomes an agent."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection

import agent.daemon.daemon
from agent import cli, rulebook

assert agent.daemon.daemon
rulebook.load()


def begin(arguments: list[str], environment: Mapping[str, str], stderr: Connection) -> None:
    """Be the command, with an environment and an end of a pipe as stderr."""
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(stderr.fileno(), 2)
    stderr.close()
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115 - as long as the process
    sys.exit(cli.main(arguments))
