"""Three network namespaces in a row, with nftables in each: clients, the border between two subnets, servers.

Needs root (or CAP_NET_ADMIN and CAP_SYS_ADMIN), `ip` of iproute2 and `nft` of nftables.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import selectors
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of sched.h
_NAMES = ("clients", "border", "servers")
CONNECTED, REFUSED, SILENT = "connected", "refused", "silent"


class NotAllowed(RuntimeError):
    """Namespaces cannot be made here; the message says what is missing."""


def _run(*command: str, text: str | None = None) -> None:
    done = subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise NotAllowed(f"{' '.join(command)}: {done.stdout.strip()}")


@dataclass
class Row:
    """The namespaces, made by `row`. Packets go from `clients` over `border` to `servers` and back."""

    prefix: str
    listeners: list[socket.socket]

    def name(self, which: str) -> str:
        return f"{self.prefix}{which}"

    def filter(self, which: str, rules: str) -> None:
        """Replace all rules of a namespace."""
        _run("ip", "netns", "exec", self.name(which), "nft", "-f", "-", text=f"flush ruleset\n{rules}\n")

    @contextlib.contextmanager
    def inside(self, which: str) -> Iterator[None]:
        """What sockets this thread makes meanwhile belong to a namespace."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{self.name(which)}") as other:
            if libc.setns(other.fileno(), _NEW_NETWORK):
                raise NotAllowed(f"setns: {os.strerror(ctypes.get_errno())}")
            try:
                yield
            finally:
                libc.setns(own.fileno(), _NEW_NETWORK)

    def connect(self, wanted: Sequence[tuple[str, int, str, int]], silent: int, patience: float = 10.0) -> list[str]:
        """What becomes of TCP connections (source, source port, destination, port), all at once.

        Waits for all but `silent` of them; those must then stay silent for a while. What has no answer after `patience`
        seconds is silent too.
        """
        found = [SILENT] * len(wanted)
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            with self.inside("clients"):
                sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in wanted]
            for number, (one, (source, source_port, destination, port)) in enumerate(zip(sockets, wanted, strict=True)):
                one.setblocking(False)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.bind((source, source_port))
                code = one.connect_ex((destination, port))
                if code == errno.EINPROGRESS:
                    selector.register(one, selectors.EVENT_WRITE, number)
                else:
                    found[number] = _outcome(code)
            deadline = time.monotonic() + patience
            quiet_until = None
            while selector.get_map() and time.monotonic() < (quiet_until or deadline):
                for key, _ in selector.select(0.05):
                    selector.unregister(key.fileobj)
                    found[key.data] = _outcome(key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))  # type: ignore[union-attr]
                if quiet_until is None and len(selector.get_map()) <= silent:
                    quiet_until = time.monotonic() + 0.2
        self._accept()
        return found

    def _accept(self) -> None:
        """Take from the backlogs what has connected, so that they never fill up."""
        for one in self.listeners:
            with contextlib.suppress(BlockingIOError):
                while True:
                    one.accept()[0].close()


def _outcome(code: int) -> str:
    if code == 0:
        return CONNECTED
    if code == errno.ECONNREFUSED:
        return REFUSED
    return SILENT if code == errno.ETIMEDOUT else errno.errorcode.get(code, str(code))


@contextlib.contextmanager
def row(clients: Sequence[str], servers: Sequence[str], ports: Sequence[int]) -> Iterator[Row]:
    """The namespaces with these addresses (10.0.1.x and 10.0.2.x), and servers that listen. Raises NotAllowed."""
    for tool, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(tool) is None:
            raise NotAllowed(f"{tool} is not installed: it is in the Debian package {package}")
    made = Row(f"upheld-{os.getpid()}-", [])
    try:
        for which in _NAMES:
            _run("ip", "netns", "add", made.name(which))
            _run("ip", "-n", made.name(which), "link", "set", "lo", "up")
        for which, addresses, other in (("clients", clients, "10.0.1.1"), ("servers", servers, "10.0.2.1")):
            own, border = made.name(which), made.name("border")
            _run("ip", "link", "add", "lan", "netns", own, "type", "veth", "peer", "name", which, "netns", border)
            for name, device, held in ((own, "lan", addresses), (border, which, [other])):
                for address in held:
                    _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
                _run("ip", "-n", name, "link", "set", device, "up")
            _run("ip", "-n", own, "route", "add", "default", "via", other)
        _run("ip", "netns", "exec", made.name("border"), "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        with made.inside("servers"):
            made.listeners += [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in ports]
        for one, port in zip(made.listeners, ports, strict=True):
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("0.0.0.0", port))
            one.listen(1024)
        yield made
    finally:
        for one in made.listeners:
            one.close()
        for which in _NAMES:
            subprocess.run(("ip", "netns", "del", made.name(which)), stderr=subprocess.DEVNULL, check=False)
