"""What the service manager is told: that the agent is ready, reloads, stops, and that its runs still end (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CLOCK_USEC: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """`address`: of the socket it listens on; None where nobody does. `watchdog`: seconds within which it has to hear that all is well.

    A message that does not get through is not repeated: the next one is soon to come, and the agent has other work to do.
    """

    address: str | None = None
    watchdog: float | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> ServiceManager:
        """$NOTIFY_SOCKET, whose first character `@` stands for the abstract namespace, and $WATCHDOG_USEC unless $WATCHDOG_PID is that
        of another process (sd_notify(3), sd_watchdog_enabled(3))."""
        address = environment.get("NOTIFY_SOCKET") or None
        usec, of = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID") or str(os.getpid())
        watched = usec.isdigit() and int(usec) > 0 and of == str(os.getpid())
        return cls(address, int(usec) / CLOCK_USEC if watched else None)

    def tell(self, *states: str) -> None:
        """Such as `READY=1`, all in one message."""
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.setblocking(False)
                speaker.sendto("\n".join(states).encode(), address)
        except OSError as error:
            from agent import log

            log.logger().warning("service-manager", detail=f"{self.address} does not hear: {error.strerror}", said=states[0])

    def reloading(self, monotonic: float) -> None:
        """To be followed by `READY=1`. Both members have to stand in one message (systemd.service(5), Type=notify-reload)."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={int(monotonic * CLOCK_USEC)}")
