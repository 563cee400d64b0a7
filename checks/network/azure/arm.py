"""Reading Azure Resource Manager's JSON: members that may be missing or of another type, ids, blocks and ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from checks.network.packets import EVERYBODY, NOBODY, PORTS, Addresses, Span, addresses, network_span

Blocks = Mapping[int, Addresses]
"""Sets of addresses by family, 4 and 6."""
FAMILIES = (4, 6)
EMPTY: Blocks = {4: NOBODY, 6: NOBODY}
EVERYWHERE: Blocks = EVERYBODY
SOMEWHERE = 0xC0000008
"""192.0.0.8, the IPv4 dummy address (RFC 7600): stands for the public address of a service, which only its name tells."""
SERVICES = "azure-services"
"""The station of everything at that address."""
UNTOLD_SERVICES = "azure-services-untold"
"""The same for senders whose public address nobody knows: only who admits everybody surely admits them."""


class Malformed(ValueError):
    """A member that does not say what it should; the message quotes it."""


def member(data: Any, *path: str) -> Any:
    """What stands at a path of members, or None."""
    for name in path:
        if not isinstance(data, dict) and not isinstance(data, Mapping):  # the first is quick, and nearly always so
            return None
        data = data.get(name)
    return data


def text(data: Any, *path: str) -> str:
    """The string at a path; empty where there is none."""
    found = member(data, *path)
    return found if isinstance(found, str) else ""


def whole(data: Any, *path: str) -> int | None:
    found = member(data, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def port(data: Any, *path: str) -> int | None:
    """The port number at a path."""
    found = whole(data, *path)
    return found if found is not None and 0 <= found <= PORTS else None


def entries(data: Any, *path: str) -> Iterator[Mapping[str, Any]]:
    """The objects of the list at a path."""
    found = member(data, *path)
    for one in found if isinstance(found, list | tuple) else ():
        if isinstance(one, dict) or isinstance(one, Mapping):  # noqa: SIM101
            yield one


def texts(data: Any, *path: str) -> tuple[str, ...]:
    """The strings of the list at a path."""
    found = member(data, *path)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list | tuple) else ()


def key(id_: str) -> str:
    """Azure compares ids without regard to case."""
    return id_.strip().rstrip("/").lower()


def reference(data: Any, *path: str) -> str:
    """The id of the resource that the object at a path refers to, as it is written; empty where there is none."""
    return text(data, *path, "id")


def references(data: Any, *path: str) -> tuple[str, ...]:
    return tuple(found for one in entries(data, *path) if (found := text(one, "id")))


def name(id_: str) -> str:
    """The last part of an id."""
    return id_.rstrip("/").rpartition("/")[2]


def parent(id_: str, levels: int = 1) -> str:
    """The id without its last type and name, once or more often."""
    parts = id_.rstrip("/").split("/")
    return "/".join(parts[: len(parts) - 2 * levels])


def resource_type(id_: str) -> str:
    """The type of an id as an estate writes it: azure.network.loadbalancers."""
    _, _, rest = key(id_).rpartition("/providers/")
    parts = rest.split("/")
    if len(parts) < 3:
        return ""
    return ".".join(["azure", parts[0].removeprefix("microsoft."), *parts[1::2]])


def span(written: str) -> tuple[int, Span]:
    """The family and the addresses of a block, an address, or a range `a-b`. Raises Malformed."""
    try:
        first, dash, last = written.strip().partition("-")
        if dash:
            low, high = ip_address(first.strip()), ip_address(last.strip())
            if low.version != high.version or int(low) > int(high):
                raise Malformed(f"{written!r} is not a range of addresses")
            return low.version, (int(low), int(high))
        network = ip_network(first, strict=False)
    except ValueError as error:
        raise Malformed(f"{written!r} is not a block of addresses") from error
    return network.version, network_span(network)


def blocks(written: Iterable[str]) -> tuple[Blocks, tuple[str, ...]]:
    """The addresses of blocks by family, and what of them is malformed."""
    spans: dict[int, list[Span]] = {4: [], 6: []}
    wrong = []
    for one in written:
        try:
            family, held = span(one)
        except Malformed as error:
            wrong.append(str(error))
        else:
            spans[family].append(held)
    return {family: addresses(held) for family, held in spans.items()}, tuple(wrong)


def address(written: str) -> tuple[int, int] | None:
    """(family, address), or None where it is none."""
    try:
        found = ip_address(written.strip())
    except ValueError:
        return None
    return found.version, int(found)


def joined(sets: Iterable[Blocks]) -> Blocks:
    found = {4: NOBODY, 6: NOBODY}
    for one in sets:
        for family in FAMILIES:
            found[family] |= one[family]
    return found


def without(one: Blocks, other: Blocks) -> Blocks:
    return {family: one[family] - other[family] for family in FAMILIES}


def ports(written: str) -> Span:
    """A port, a range of them, or `*`. Raises Malformed."""
    if written.strip() in {"*", "0-65535"}:
        return 0, PORTS
    first, dash, last = written.strip().partition("-")
    if not (first.isdecimal() and first.isascii() and (not dash or (last.isdecimal() and last.isascii()))):
        raise Malformed(f"{written!r} is not a port or a range of ports")
    low, high = int(first), int(last) if dash else int(first)
    if low > high or high > PORTS:
        raise Malformed(f"{written!r} is not a range of ports")
    return low, high


def strings(data: Any) -> Iterator[str]:
    """Every string in JSON, at any depth."""
    todo = [data]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            todo += one.values()
        elif isinstance(one, list | tuple):
            todo += one
