"""Inspecting TLS endpoints: every address of every name, each within its own time, and nobody waits for a slow neighbour."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from agent.collect.tls_handshake import Shaken, read_head, request, shake
from agent.collect.tls_probe import Probe
from agent.collect.tls_wire import Door, connect
from checks.model import GLOBAL, Gap, Look, Reason, Resource, digest
from checks.tls import certificate, endpoint, staple
from checks.tls.certificate import Roots
from checks.tls.flight import Kind
from checks.tls.names import is_address
from checks.tls.strength import derived

ENDPOINTS_AT_ONCE = 64
HTTP_PORTS = frozenset({443, 8443})
RESOLVE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint to inspect. `at` pins the addresses it is looked for at; `public` says that it was found, not named,
    and then is not looked for at private addresses."""

    host: str
    port: int = 443
    starttls: str | None = None
    server_name: str | None = None
    at: tuple[str, ...] = ()
    private_allowed: bool = True

    @property
    def id(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one endpoint."""

    target: Target
    resource: Resource | None
    look: Look | None
    gaps: tuple[Gap, ...] = ()
    connections: int = 0


def plain_port(target: Target) -> int | None:
    """Where HTTP in the clear is looked for beside an endpoint: port 80 beside the usual ports of HTTPS, nowhere beside others."""
    return 80 if target.port in HTTP_PORTS and target.starttls is None else None


@dataclass(slots=True)
class Inspector:
    """Inspects endpoints. `full` decides for each whether everything is enumerated, or the quick questions are enough."""

    roots: Roots
    now: Callable[[], datetime]
    full: Callable[[Target], bool] = lambda _: True
    at_once: int = ENDPOINTS_AT_ONCE
    plain_port: Callable[[Target], int | None] = plain_port

    async def inspect(self, targets: Iterable[Target]) -> AsyncIterator[Seen]:
        """Each endpoint as it is done, in whatever order."""
        waiting = iter(targets)
        running: set[asyncio.Task[Seen]] = set()
        while True:
            while len(running) < self.at_once and (target := next(waiting, None)) is not None:
                running.add(asyncio.create_task(self.one(target)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()

    async def one(self, target: Target) -> Seen:
        """One endpoint at all its addresses."""
        found = await self._addresses(target)
        if isinstance(found, Gap):
            return Seen(target, None, None, (found,))
        full = self.full(target)
        held = await asyncio.gather(*(self._address(target, address, full=full) for address in found))
        facts = [one for one, _, _ in held]
        data = endpoint.data(target.host, target.port, target.starttls, "full" if full else "quick", facts)
        look = Look(
            digest("tls", target.id), endpoint.ACCOUNT, GLOBAL, endpoint.TYPE, "TLS handshake", target.id, len(facts), len(facts),
            _rfc3339(self.now()), None, digest(data),
        )  # fmt: skip
        resource = Resource(target.id, endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, data, {}, (look.id,))
        gaps = tuple(self._gap(target, f"addresses[{number}]", one) for number, (_, _, lost) in enumerate(held) for one in lost[:1])
        return Seen(target, resource, look, gaps, sum(count for _, count, _ in held))

    def _gap(self, target: Target, field_: str | None, message: str) -> Gap:
        return Gap(endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, target.id, field_, Reason.UNREACHABLE, "TLS handshake", "", message)

    async def _addresses(self, target: Target) -> Sequence[str] | Gap:
        """Every address of the name, in order, without those that must not be asked."""
        if target.at:
            return target.at
        if is_address(target.host):
            return self._permitted(target, [target.host])
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                loop = asyncio.get_running_loop()
                answers = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except TimeoutError:
            return Gap(endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, target.id, None, Reason.TIMED_OUT, "DNS", "", f"{target.host}: no answer")
        except (OSError, UnicodeError) as error:
            message = f"{target.host} has no address: {getattr(error, 'strerror', None) or error}"
            return Gap(endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, target.id, None, Reason.UNREACHABLE, "DNS", "", message)
        return self._permitted(target, sorted({str(one[4][0]).partition("%")[0] for one in answers}))

    def _permitted(self, target: Target, addresses: Sequence[str]) -> Sequence[str] | Gap:
        for text in addresses:
            address = ip_address(text)
            if address.is_link_local or address.is_multicast or address.is_unspecified:
                return self._gap(target, None, f"{target.host} is at {text}, a link-local address: it is not asked")
            if address.is_private and not target.private_allowed:
                return self._gap(target, None, f"{target.host} is at {text}, a private address, though nobody named it: it is not asked")
        return addresses

    async def _address(self, target: Target, address: str, *, full: bool) -> tuple[dict[str, Any], int, list[str]]:
        """(facts, connections, what was not answered) of one address."""
        door = Door(target.host, address, target.port, target.starttls)
        name = target.server_name or (None if is_address(target.host) else target.host)
        plain = self.plain_port(target)
        web = target.starttls is None and (plain is not None or full)
        shaken = await shake(door, name, http=web)
        probe = Probe(door, name)
        if shaken.kind in {Kind.REFUSED, Kind.UNREACHABLE, Kind.NO_STARTTLS}:
            unseen: dict[str, Any] = {"address": address, "outcome": str(shaken.kind), "detail": shaken.detail}
            return unseen | derived(unseen), 1, []
        await probe.run(full=full, shaken=shaken.kind is Kind.ACCEPTED)
        facts, count = probe.facts, probe.connections + 1
        if shaken.kind is Kind.ACCEPTED:
            facts |= self._agreed(target, shaken)
        if plain is not None and facts.get("outcome") == "inspected":
            facts["plain_http"] = await _plain_http(target, address, plain)
            count += 1
        return facts | derived(facts), count, probe.unanswered

    def _agreed(self, target: Target, shaken: Shaken) -> dict[str, Any]:
        """The facts of a real handshake."""
        now = self.now()
        facts: dict[str, Any] = {
            "agreed": {
                "version": shaken.version, "suite": shaken.suite, "bits": shaken.bits, "group": shaken.group, "alpn": shaken.alpn,
            },
            "certificate": certificate.examine(shaken.chain, target.server_name or target.host, now, self.roots),
            "staple": staple.read(shaken.staple, shaken.chain, now),
        }  # fmt: skip
        if shaken.http is not None:
            facts["speaks_http"] = shaken.http
        if shaken.http:
            facts["http"] = {"status": shaken.status, **endpoint.headers_of(shaken.headers)}
        return facts


async def _plain_http(target: Target, address: str, port: int) -> dict[str, Any]:
    """What port 80 of the same address answers: closed, a redirect to HTTPS at the same host, or something in the clear."""
    door = Door(target.host, address, port)
    try:
        async with asyncio.timeout(3):
            reader, writer = await connect(door)
            try:
                writer.write(request(target.host, port))
                await writer.drain()
                head = b""
                while b"\r\n\r\n" not in head and len(head) < 1 << 16 and (more := await reader.read(1 << 14)):
                    head += more
            finally:
                writer.transport.abort()
    except ConnectionRefusedError:
        return {"answers": False}
    except (OSError, TimeoutError) as error:
        return {"detail": str(error) or "no answer within 3 s"}
    status, headers = read_head(head)
    if status is None:
        return {"detail": "an answer that is no HTTP"}
    return {"answers": True, "status": status, "redirects": endpoint.redirects(status, headers, target.host)}


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Facts = Mapping[str, Any]
