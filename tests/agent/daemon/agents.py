"""Agents as real processes: a configuration that asks nothing of any cloud, signals, and what they say on stderr and to a socket."""

from __future__ import annotations

import json
import multiprocessing
import os
import select
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.agent.loaded import begin

PATIENCE = 60.0
"""Seconds after which what should have happened has not: only a failing test takes so long."""

PROMISES = """
schema: upheld.promises/1
policies: [{id: security, title: Security, file: security.md}]
promises:
  - {id: moving, policy: security, quote: All is encrypted on its way., controls: [{id: tls-strength}]}
  - {id: watched, policy: security, quote: We look again and again., controls: [{id: continuous-checking}]}
assume:
  - {what: there is no account, covers: {universe: [accounts]}, owner: ciso@shop.example, reason: it runs nowhere, expires: "2999-12-31"}
"""
POLICY = "All is encrypted on its way. We look again and again.\n"


def settle(
    folder: Path,
    *,
    every: str = "{policy: 1s, settings: 2s}",
    more: str = "",
    stop: str = "10s",
    collect: str = "{aws: []}",
    state: str = "state",
) -> Path:
    """An upheld.yaml, with promises and their policy."""
    (folder / "promises.yaml").write_text(PROMISES)
    (folder / "security.md").write_text(POLICY)
    file = folder / "upheld.yaml"
    file.write_text(
        f"schema: upheld.config/1\nstate: {state}\npromises: [promises.yaml]\ncollect: {collect}\n"
        f"agent: {{splay: 0, every: {every}, stop_within: {stop}{more}}}\n"
    )
    return file


@dataclass(slots=True)
class Agent:
    """A process, and the lines that it wrote so far."""

    process: BaseProcess
    stderr: Connection
    lines: list[dict[str, Any]] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    """Lines that are not JSON."""
    _rest: bytes = b""

    def until(self, event: str, *, times: int = 1, **of: Any) -> dict[str, Any]:
        """The line of an event, the first or a later one, that has these members."""
        seen, deadline = 0, time.monotonic() + PATIENCE
        reading = self._reading(deadline)
        place = 0
        while True:
            while place < len(self.lines):
                line, place = self.lines[place], place + 1
                if line["event"] == event and of.items() <= line.items():
                    seen += 1
                    if seen == times:
                        return line
            if not next(reading, False):
                raise AssertionError(f"no {event} {of}: {self.lines} {self.other}")

    def ended(self) -> int | None:
        """Its exit code."""
        for _ in self._reading(time.monotonic() + PATIENCE):
            pass
        self.process.join(PATIENCE)
        return self.process.exitcode

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def stop(self) -> int | None:
        """Its exit code, when it is told to end."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def _reading(self, deadline: float) -> Iterator[bool]:
        """Read some of stderr at each step; ends with it, or with patience."""
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.stderr], [], [], left)[0]:
                return
            read = os.read(self.stderr.fileno(), 65536)
            *whole, self._rest = (self._rest + read).split(b"\n")
            for line in whole:
                try:
                    self.lines.append(json.loads(line))
                except ValueError:
                    self.other.append(line.decode())
            if not read:
                return
            yield True


_LOADED = multiprocessing.get_context("forkserver")
"""Processes that begin with the program and its rules loaded, which takes longer than all else that an agent does here."""
_LOADED.set_forkserver_preload(["tests.agent.loaded"])


@contextmanager
def agent(config: Path, *, environment: Mapping[str, str] | None = None) -> Iterator[Agent]:
    """An agent that runs while the block does; killed at its end, if it lives."""
    kept = {name: held for name, held in os.environ.items() if not name.startswith(("AWS_", "UPHELD_", "NOTIFY_", "WATCHDOG_"))}
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = _LOADED.Process(target=begin, args=(["agent", "-c", str(config)], {**kept, **(environment or {})}, theirs))
    process.start()
    theirs.close()
    with ours:
        try:
            yield Agent(process, ours)
        finally:
            process.kill()
            process.join()


@dataclass(frozen=True, slots=True)
class Manager:
    """A service manager's socket."""

    address: str
    listener: socket.socket

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address}

    def hear(self, member: str) -> dict[str, str]:
        """The next message with a member such as `READY=1`, as name -> value."""
        self.listener.settimeout(PATIENCE)
        while True:
            message = dict(line.split("=", 1) for line in self.listener.recv(4096).decode().splitlines())
            name, _, value = member.partition("=")
            if message.get(name) == value or (not value and name in message):
                return message


@contextmanager
def manager(address: str) -> Iterator[Manager]:
    """`@name` is in the abstract namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + address[1:] if address.startswith("@") else address)
        yield Manager(address, listener)
