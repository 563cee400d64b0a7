"""Protocols and ports: as rules ask for them, and as EC2 writes them in security groups and network ACLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from checks.functions.declare import DataError
from checks.functions.ranges import Range, Ranges, intersect, merge

# Assigned Internet Protocol Numbers (IANA); EC2 writes -1 for all of them.
EVERY_PROTOCOL: Final = -1
ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58

LAST_PORT: Final = 65535
_LAST_PROTOCOL = 255
EVERY_PORT: Final[Ranges] = ((0, LAST_PORT),)

_NAMES = {"all": EVERY_PROTOCOL, "-1": EVERY_PROTOCOL, "icmp": ICMP, "tcp": TCP, "udp": UDP, "icmpv6": ICMPV6}
_ASKED = {"any": None, "tcp": frozenset({TCP}), "udp": frozenset({UDP}), "icmp": frozenset({ICMP, ICMPV6})}
_PORTS = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a rule asks about. `protocols` None means any protocol."""

    protocols: frozenset[int] | None
    ports: Ranges

    def includes(self, protocol: int, ports: Range) -> bool:
        """Whether an entry for this protocol (EVERY_PROTOCOL too) and these ports concerns any of this traffic.

        ICMP has no ports: it counts only where all ports are asked for. Of other protocols EC2 admits every port.
        """
        if protocol == EVERY_PROTOCOL:
            return True
        if self.protocols is not None and protocol not in self.protocols:
            return False
        if protocol in {TCP, UDP}:
            return bool(intersect(self.ports, (ports,)))
        return protocol not in {ICMP, ICMPV6} or self.ports == EVERY_PORT


def asked_traffic(protocol: str, ports: str) -> Traffic:
    """What a rule wrote: 'tcp', 'udp', 'icmp' or 'any', and '22,3389,8000-8100' or 'any'. Raises DataError."""
    if protocol not in _ASKED:
        raise DataError(f"protocol must be 'tcp', 'udp', 'icmp' or 'any', not {protocol!r}")
    traffic = Traffic(_ASKED[protocol], EVERY_PORT if ports == "any" else _read_ports(ports))
    if protocol == "icmp" and traffic.ports != EVERY_PORT:
        raise DataError(f"ICMP has no ports: ask for 'any', not {ports!r}")
    return traffic


@lru_cache(maxsize=1024)
def _read_ports(text: str) -> Ranges:
    """What a rule wrote, which is the same for each resource: half of the time that judging security groups took was spent on it."""
    ranges = []
    for written in text.split(","):
        part = written.strip()
        if not _PORTS.fullmatch(part):
            raise DataError(f"ports must be like '22,3389,8000-8100' or 'any', not {text!r}")
        first, _, last = part.partition("-")
        ranges.append(port_range(int(first), int(last or first)))
    return merge(ranges)


def port_range(first: object, last: object) -> Range:
    """Both ends of a port range, as integers from 0 to 65535. Raises DataError."""
    for end in (first, last):
        if not isinstance(end, int) or isinstance(end, bool) or not 0 <= end <= LAST_PORT:
            raise DataError(f"not a port: {end!r}")
    assert isinstance(first, int)
    assert isinstance(last, int)
    if first > last:
        raise DataError(f"a port range that ends before it starts: {first}-{last}")
    return first, last


def protocol_number(value: object) -> int:
    """EC2's protocol, a name or a number as text: its number, EVERY_PROTOCOL for -1. Raises DataError."""
    if isinstance(value, str):
        if (named := _NAMES.get(value.lower())) is not None:
            return named
        if _NUMBER.fullmatch(value) and int(value) <= _LAST_PROTOCOL:
            return int(value)
    raise DataError(f"not a protocol: {value!r}")
