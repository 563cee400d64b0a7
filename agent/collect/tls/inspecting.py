"""Inspecting TLS endpoints: every address of every name, each within its own time, and nobody waits for a slow neighbour."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from agent.collect.tls.address import Visit
from agent.collect.tls.addresses import is_private, reserved
from agent.collect.tls.crl import Lists
from agent.collect.tls.memory import Memory
from agent.collect.tls.vantage import Found, Vantage, here
from agent.collect.tls.wire import Door
from checks.model import GLOBAL, Gap, Look, Reason, Resource, digest
from checks.tls import caa, endpoint
from checks.tls.certificate import Roots
from checks.tls.names import is_address

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
    nameless: bool = False
    """Whether it is an address that somebody found: which names it is asked for by is not known, and none can be held against it."""

    @property
    def id(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one endpoint."""

    target: Target
    resource: Resource | None
    looks: Sequence[Look] = ()
    gaps: tuple[Gap, ...] = ()
    connections: int = 0


def plain_port(target: Target) -> int | None:
    """Where HTTP in the clear is looked for beside an endpoint: port 80 beside the usual ports of HTTPS, nowhere beside others."""
    return 80 if target.port in HTTP_PORTS and target.starttls is None else None


@dataclass(slots=True)
class Inspector:
    """Inspects endpoints. `full` decides for each whether everything is enumerated, or the quick questions are enough; with a `memory`,
    what is known of each address decides."""

    roots: Roots
    now: Callable[[], datetime]
    full: Callable[[Target], bool] = lambda _: True
    at_once: int = ENDPOINTS_AT_ONCE
    plain_port: Callable[[Target], int | None] = plain_port
    caa: Callable[[str], Awaitable[Mapping[str, Any]]] | None = None
    """Looks up which authorities may issue for a host; nobody asks where it is not given."""
    late: Callable[[], bool] = lambda: False
    """Whether no time is left to begin with an endpoint."""
    memory: Memory | None = None
    lists: Lists | None = None
    """Fetches revocation lists; nobody does where it is not given."""
    vantage: Vantage = field(default_factory=here)
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
            return Seen(target, None, (), (self._gap(target, f"{target.id}: {type(error).__name__}: {error}", Reason.FAILED),))

    async def one(self, target: Target) -> Seen:
        """One endpoint at all its addresses."""
        if self.late():
            return Seen(target, None, (), (self._gap(target, "the collection's deadline passed before it was asked", Reason.LATE),))
        found = await self._addresses(target)
        if isinstance(found, Gap):
            return Seen(target, None, (), (found,))
        asked, refused = found
        visits = [self._visit(target, address) for address in asked]
        looking = self._looks(target, visits) if self.memory is None else self._looks_again(self.memory, target, visits)
        facts, records = await asyncio.gather(looking, self._records(target))
        at = self.now()
        enumerated = [one["enumeration"] for one in facts if "enumeration" in one]
        older = [one for one in enumerated if "carried" in one or "stale" in one]
        mode = "full" if not older and (enumerated or (self.memory is None and self.full(target))) else "quick"
        facts += [{"address": text, "outcome": "not-asked", "detail": why} for text, why in refused.items()]
        data = endpoint.data(target.host, target.port, target.starttls, mode, facts)
        data["vantage"] = self.vantage.facts(_found(target))
        if records is not None:
            data["caa"] = {"asked": True, **_admitting(records, target.host, facts)}
        look = self._look(target, "TLS handshake", endpoint.time(at), data, len(facts))
        carried = sorted({one["at"] for one in older if "carried" in one})
        looks = [look, *(self._look(target, "TLS enumeration", when, data, 1) for when in carried)]
        resource = Resource(target.id, endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, data, {}, tuple(one.id for one in looks))
        gaps = [self._stale(target, one["at"]) for one in older if "stale" in one]
        return Seen(target, resource, looks, tuple(gaps), sum(visit.connections for visit in visits))

    def _visit(self, target: Target, address: str) -> Visit:
        name = target.server_name or (None if is_address(target.host) else target.host)
        door = Door(target.host, address, target.port, target.starttls)
        private = target.private_allowed and is_private(address)  # a server on the internet names nothing inside
        return Visit(door, name, self.plain_port(target), self.roots, self.now, self.lists, private, target.nameless)

    async def _records(self, target: Target) -> Mapping[str, Any] | None:
        """The CAA records of a name; None where they are not asked for."""
        return None if self.caa is None or is_address(target.host) else await self.caa(target.host)

    async def _looks(self, target: Target, visits: Sequence[Visit]) -> list[dict[str, Any]]:
        full = self.full(target)
        return await asyncio.gather(*(visit.look(full=full) for visit in visits))

    async def _looks_again(self, memory: Memory, target: Target, visits: Sequence[Visit]) -> list[dict[str, Any]]:
        """What is seen at each address, beside what is known of it; and that is remembered."""
        asked = f"{target.starttls} {target.server_name} {target.nameless}"
        known = memory.recall(target.id, asked)
        held = await asyncio.gather(*(visit.look_again(known.get(visit.door.address), memory.every) for visit in visits))
        left = {visit.door.address: one for visit, (_, one) in zip(visits, held, strict=True)}
        after = {address: one for address, one in {**known, **left}.items() if one is not None}
        if after != known:
            memory.keep(target.id, asked, after, self.now())
        return [facts for facts, _ in held]

    def _look(self, target: Target, call: str, at: str, data: Mapping[str, Any], count: int) -> Look:
        parts = ("tls", target.id) if call == "TLS handshake" else ("tls", target.id, call, at)
        return Look(digest(*parts), endpoint.ACCOUNT, GLOBAL, endpoint.TYPE, call, target.id, count, count, at, None, digest(data))

    def _stale(self, target: Target, at: str) -> Gap:
        """It shows beside the rules that are unproven by it, which miss what was enumerated. A gap in a member of the addresses would be
        one in all that is said of them."""
        message = f"{target.id} was last enumerated at {at}, which is too long ago"
        return Gap(endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, target.id, "(enumeration)", Reason.STALE, "TLS enumeration", "", message)

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
            message = f"{target.host}: no answer within {RESOLVE_SECONDS:g} s, asked from {self.vantage.host}"
            return self._gap(target, message, Reason.TIMED_OUT, "DNS")
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            message = f"{target.host} has no address: {why}, asked from {self.vantage.host}"
            return self._gap(target, message, Reason.UNREACHABLE, "DNS")
        return self._permitted(target, sorted({str(one[4][0]).partition("%")[0] for one in answers}))

    def _permitted(self, target: Target, addresses: Sequence[str]) -> tuple[Sequence[str], Mapping[str, str]] | Gap:
        refused = {text: why for text in addresses if (why := reserved(text, private_allowed=target.private_allowed)) is not None}
        if len(refused) == len(addresses):
            return self._gap(target, "; ".join(f"{target.host} is at {text}, {why}: it is not asked" for text, why in refused.items()))
        return [text for text in addresses if text not in refused], refused


def _found(target: Target) -> Found:
    return "given" if target.at else "address" if is_address(target.host) else "resolver"


def _admitting(records: Mapping[str, Any], host: str, addresses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """CAA records, with whether they admit those that issued what the addresses show."""
    if "restricted" not in records:
        return dict(records)
    admits = caa.admits(records, host, [one["certificate"] for one in addresses if "certificate" in one])
    return {**records, **({} if admits is None else {"admits": admits})}
