"""Inspecting TLS endpoints: every address of every name, each within its own time, and nobody waits for a slow neighbour."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from agent.collect.tls_handshake import Shaken, read_head, request, shake
from agent.collect.tls_probe import Probe
from agent.collect.tls_wire import Door, connect, shoot
from checks.model import GLOBAL, Gap, Look, Reason, Resource, digest
from checks.tls import certificate, endpoint, staple
from checks.tls.certificate import Roots
from checks.tls.flight import Flight, Kind
from checks.tls.hello import GROUPS, Version, at_most, encode
from checks.tls.names import is_address
from checks.tls.strength import derived
from checks.tls.suites import TLS13_SUITES, name_of

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


_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "168.63.129.16", "100.100.100.200", "192.0.0.192")))
"""Where clouds answer their machines, beside the link-local addresses: Amazon EC2 and Google Compute Engine over IPv6, Azure's
platform, Alibaba Cloud, Oracle Cloud Infrastructure Classic (each provider's documentation of instance metadata)."""
_TRANSLATED = ip_network("64:ff9b::/96")
"""IPv4 behind IPv6 (RFC 6052)."""


def reserved(text: str, *, private_allowed: bool) -> str | None:
    """What an address is that must not be asked; None for one that may be."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else address)
    if address.is_link_local or address in _METADATA:
        return "a link-local or metadata address"
    if address.is_multicast or address.is_unspecified:
        return "an address of no machine"
    if address.is_private and not private_allowed:
        return "a private address, though nobody named it"
    return None


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
    caa: Callable[[str], Awaitable[Mapping[str, Any] | None]] | None = None
    """Looks up which authorities may issue for a host; nobody asks where it is not given."""
    late: Callable[[], bool] = lambda: False
    """Whether no time is left to begin with an endpoint."""
    _resolvers: ThreadPoolExecutor | None = None
    """A place for each endpoint: of the loop's own few, names that nobody answers for would take all."""

    async def inspect(self, targets: Iterable[Target]) -> AsyncIterator[Seen]:
        """Each endpoint as it is done, in whatever order."""
        waiting = iter(targets)
        running: set[asyncio.Task[Seen]] = set()
        self._resolvers = ThreadPoolExecutor(self.at_once, "resolve")
        try:
            while True:
                while len(running) < self.at_once and (target := next(waiting, None)) is not None:
                    running.add(asyncio.create_task(self._one(target)))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def _one(self, target: Target) -> Seen:
        """One endpoint, whatever it does to us: a fault of our own must not lose the others."""
        try:
            return await self.one(target)
        except Exception as error:
            return Seen(target, None, None, (self._gap(target, f"{target.id}: {type(error).__name__}: {error}", Reason.FAILED),))

    async def one(self, target: Target) -> Seen:
        """One endpoint at all its addresses."""
        if self.late():
            return Seen(target, None, None, (self._gap(target, "the collection's deadline passed before it was asked", Reason.LATE),))
        found = await self._addresses(target)
        if isinstance(found, Gap):
            return Seen(target, None, None, (found,))
        asked, refused = found
        full = self.full(target)
        held = await asyncio.gather(*(self._address(target, address, full=full) for address in asked))
        facts = [one for one, _ in held]
        facts += [{"address": text, "outcome": "not-asked", "detail": why} for text, why in refused.items()]
        data = endpoint.data(target.host, target.port, target.starttls, "full" if full else "quick", facts)
        if self.caa is not None and not is_address(target.host) and (held_records := await self.caa(target.host)) is not None:
            data["caa"] = held_records
        look = Look(
            digest("tls", target.id), endpoint.ACCOUNT, GLOBAL, endpoint.TYPE, "TLS handshake", target.id, len(facts), len(facts),
            _rfc3339(self.now()), None, digest(data),
        )  # fmt: skip
        resource = Resource(target.id, endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, data, {}, (look.id,))
        return Seen(target, resource, look, (), sum(count for _, count in held))

    def _gap(self, target: Target, message: str, reason: Reason = Reason.UNREACHABLE, call: str = "TLS handshake") -> Gap:
        return Gap(endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, target.id, None, reason, call, "", message)

    async def _addresses(self, target: Target) -> tuple[Sequence[str], Mapping[str, str]] | Gap:
        """Every address of the name, in order, and of those that must not be asked why; a gap where there is none to ask."""
        if target.at:
            return target.at, {}
        if is_address(target.host):
            return self._permitted(target, [target.host])
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                ask = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
                answers = await asyncio.get_running_loop().run_in_executor(self._resolvers, ask)
        except TimeoutError:
            return self._gap(target, f"{target.host}: no answer within {RESOLVE_SECONDS:g} s", Reason.TIMED_OUT, "DNS")
        except (OSError, UnicodeError) as error:
            message = f"{target.host} has no address: {getattr(error, 'strerror', None) or error}"
            return self._gap(target, message, Reason.UNREACHABLE, "DNS")
        return self._permitted(target, sorted({str(one[4][0]).partition("%")[0] for one in answers}))

    def _permitted(self, target: Target, addresses: Sequence[str]) -> tuple[Sequence[str], Mapping[str, str]] | Gap:
        refused = {text: why for text in addresses if (why := reserved(text, private_allowed=target.private_allowed)) is not None}
        if len(refused) == len(addresses):
            return self._gap(target, "; ".join(f"{target.host} is at {text}, {why}: it is not asked" for text, why in refused.items()))
        return [text for text in addresses if text not in refused], refused

    async def _address(self, target: Target, address: str, *, full: bool) -> tuple[dict[str, Any], int]:
        """(facts, connections) of one address."""
        door = Door(target.host, address, target.port, target.starttls)
        name = target.server_name or (None if is_address(target.host) else target.host)
        plain = self.plain_port(target)
        web = target.starttls is None and (plain is not None or full)
        shaken, count = await _shake(door, name, http=web)
        if shaken.kind in _UNSEEN:
            unseen: dict[str, Any] = {"address": address, "outcome": str(shaken.kind), "detail": shaken.detail}
            return unseen | derived(unseen), count
        probe = Probe(door, name, flaky=count > 1 and shaken.kind is Kind.ACCEPTED)
        await probe.run(full=full, shaken=shaken.kind is Kind.ACCEPTED, agreed=_agreed_flight(shaken))
        facts = probe.facts
        count += probe.connections
        if shaken.kind is Kind.ACCEPTED:
            facts |= self._agreed(target, shaken)
        elif probe.chains:  # a server too old for a real handshake shows its certificate nevertheless
            facts["certificate"] = self._examined(target, probe.chains[0])
        if full and facts.get("outcome") == "inspected":
            count += await self._other_certificates(target, door, name, facts, probe)
        if plain is not None and facts.get("outcome") == "inspected":
            facts["plain_http"] = await _plain_http(target, address, plain)
            count += 1
        return facts | derived(facts), count

    async def _other_certificates(self, target: Target, door: Door, name: str | None, facts: dict[str, Any], probe: Probe) -> int:
        """What else a server shows than in a handshake: the chain of another type of key, and what it has for clients that give no name.

        Below TLS 1.3 both stand in the clear. Gives the number of connections it took.
        """
        shown = facts.get("certificate", {}).get("sha256")
        others = [self._examined(target, chain) for chain in probe.chains]
        if "tls12" in facts.get("suites", {}):  # every suite was asked for, and with it every type of key
            facts["other_certificates"] = [certificate.summary(one) for one in others if one.get("sha256") != shown]
        if name is None:
            return 0
        if facts.get("versions", {}).get("tls12"):
            shot = await shoot(door, encode(at_most(Version.TLS12, None, None), secrets.token_bytes(32)))
            kind, chain = shot.kind, shot.flight.certificates if shot.flight is not None else []
        else:
            nameless = await shake(door, None, http=False)
            kind, chain = nameless.kind, nameless.chain
        facts["without_name"] = {"outcome": "inspected" if kind is Kind.ACCEPTED else str(kind)}
        if chain:
            held = self._examined(target, chain)
            facts["without_name"] |= {
                "same": held.get("sha256") == shown,
                "subject": held.get("subject", ""),
                "names": held.get("names", []),
            }
        return 1

    def _examined(self, target: Target, chain: Sequence[bytes]) -> dict[str, Any]:
        return certificate.examine(chain, target.server_name or target.host, self.now(), self.roots)

    def _agreed(self, target: Target, shaken: Shaken) -> dict[str, Any]:
        """The facts of a real handshake."""
        now = self.now()
        facts: dict[str, Any] = {
            "agreed": {
                "version": shaken.version, "suite": shaken.suite, "bits": shaken.bits, "group": shaken.group, "alpn": shaken.alpn,
            },
            "certificate": self._examined(target, shaken.chain),
            "staple": staple.read(shaken.staple, shaken.chain, now),
        }  # fmt: skip
        if shaken.client_certificate is not None:
            facts["client_certificate"] = shaken.client_certificate
        if shaken.http is not None:
            facts["speaks_http"] = shaken.http
        if shaken.http:
            facts["http"] = {"status": shaken.status, **endpoint.headers_of(shaken.headers)}
        return facts


def _agreed_flight(shaken: Shaken) -> Flight | None:
    """What a handshake of TLS 1.3 agreed on, as the hello that would have said so; None for others, and where a name is not known."""
    suite = next((code for code in TLS13_SUITES if name_of(code) == shaken.suite), None)
    group = next((code for code, name in GROUPS.items() if name == shaken.group), None)
    return Flight(Version.TLS13, suite, group=group) if suite is not None and group is not None else None


_UNSEEN = frozenset({Kind.REFUSED, Kind.UNREACHABLE, Kind.NO_STARTTLS, Kind.NOT_TLS, Kind.SILENT, Kind.DRIPPING})
"""What ends an endpoint: the next connection would see as little."""


async def _shake(door: Door, name: str | None, *, http: bool) -> tuple[Shaken, int]:
    """A real handshake, tried again where the server hangs up; and how many connections it took."""
    for count in range(1, 4):  # noqa: B007
        shaken = await shake(door, name, http=http)
        if shaken.kind not in {Kind.RESET, Kind.CLOSED}:
            break
    return shaken, count


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
