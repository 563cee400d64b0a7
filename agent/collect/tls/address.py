"""One address of an endpoint: what it shows in a real handshake, what it says to the probe, and what port 80 beside it answers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agent.collect.tls.crl import Lists
from agent.collect.tls.handshake import Shaken, read_head, request, shake
from agent.collect.tls.probe import ENDPOINT_SECONDS, Probe
from agent.collect.tls.wire import Door, connect, shoot
from checks.tls import carried, certificate, crl, endpoint, staple
from checks.tls.carried import Known
from checks.tls.certificate import Roots
from checks.tls.flight import Flight, Kind
from checks.tls.hello import GROUPS, Hello, Version, at_most, encode
from checks.tls.strength import derived
from checks.tls.suites import OLDER_SUITES, TLS13_SUITES, name_of

_UNSEEN = frozenset({Kind.REFUSED, Kind.UNREACHABLE, Kind.NO_STARTTLS, Kind.NOT_TLS, Kind.SILENT, Kind.DRIPPING})
"""What ends an endpoint: the next connection would see as little."""


@dataclass(slots=True)
class Visit:
    """One address under inspection. `server_name` is asked for where there is one; `plain`: the port of HTTP in the clear beside it.

    `connections` counts every one that was opened.
    """

    door: Door
    server_name: str | None
    plain: int | None
    roots: Roots
    now: Callable[[], datetime]
    lists: Lists | None = None
    private_lists: bool = False
    """Whether revocation lists may be fetched from private addresses."""
    nameless: bool = False
    """Whether nobody knows by which names it is asked for."""
    seconds: float = ENDPOINT_SECONDS
    """For all that is asked of the address: what there is no time for is not asked, and told so."""
    connections: int = 0
    _ends: float = 0.0
    _chain: Sequence[bytes] = field(default=())
    _tries: int = 0

    async def look(self, *, full: bool) -> dict[str, Any]:
        """The facts: of everything, or of what the quick questions tell."""
        self._begin()
        shaken = await self._shake(http=self.door.starttls is None and (self.plain is not None or full))
        if shaken.kind in _UNSEEN:
            return _unseen(self.door, shaken)
        return await self._finished(await self._asked(shaken, full=full))

    async def look_again(self, known: Known | None, every: timedelta) -> tuple[dict[str, Any], Known | None]:
        """The quick questions; and everything where nothing is known of the address, or it has changed, or that is too long ago. Else
        what is known stands beside. Gives the facts, and what is known from now on."""
        self._begin()
        shaken = await self._shake(http=self.door.starttls is None)
        if shaken.kind in _UNSEEN:
            return _unseen(self.door, shaken), known
        quick = await self._asked(shaken, full=False)
        if quick.get("outcome") != "inspected":
            return await self._finished(quick), known
        now = self.now()
        mark = carried.fingerprint(quick | derived(quick))
        if known is not None and known.fingerprint != mark:
            known = None
        if known is not None and not known.is_due(now, every):
            return await self._beside(quick, known, now), known
        facts = await self._asked(shaken, full=True)
        if not facts.get("enumerated") and known is not None:  # the one from before is better, while it stands
            return await self._beside(quick, known, now), known
        facts = await self._finished(facts)
        if not facts.get("enumerated"):
            return facts, None
        return facts, Known(datetime.fromisoformat(facts["enumeration"]["at"]), mark, carried.kept(facts))

    async def _beside(self, quick: dict[str, Any], known: Known, now: datetime) -> dict[str, Any]:
        facts = await self._finished(quick)
        return carried.left_out(facts, known) if known.is_stale(now) else carried.together(facts, known)

    async def _shake(self, *, http: bool) -> Shaken:
        """A real handshake, tried again where the server hangs up."""
        for self._tries in range(1, 4):
            self.connections += 1
            shaken = await shake(self.door, self.server_name, http=http)
            if shaken.kind not in {Kind.RESET, Kind.CLOSED}:
                break
        return shaken

    def _begin(self) -> None:
        self._ends = asyncio.get_running_loop().time() + self.seconds

    @property
    def _left(self) -> float:
        return self._ends - asyncio.get_running_loop().time()

    def _has_time(self, what: str, facts: dict[str, Any]) -> bool:
        """Whether there is time to ask for more; where there is none, the facts tell what was not asked."""
        if self._left > 0:
            return True
        facts["unanswered"] = [*facts.get("unanswered", ()), f"{what}: the time of {self.seconds:g} s was up"]
        return False

    async def _asked(self, shaken: Shaken, *, full: bool) -> dict[str, Any]:
        """What the handshake told, and what the probe finds out beside it."""
        accepted, began = shaken.kind is Kind.ACCEPTED, self.now()
        probe = Probe(self.door, self.server_name, seconds=self._left, flaky=self._tries > 1 and accepted)
        await probe.run(full=full, shaken=accepted, agreed=_agreed_flight(shaken))
        self.connections += probe.connections
        facts = probe.facts
        if shaken.local is not None:
            facts["from"] = shaken.local
        if accepted:
            self._chain = shaken.chain
            facts |= self._agreed(shaken)
        elif probe.chains:  # a server too old for a real handshake shows its certificate nevertheless
            self._chain = probe.chains[0]
            facts["certificate"] = self._examined(self._chain)
        if full and facts.get("outcome") == "inspected":
            facts["enumeration"] = {"at": endpoint.time(began)}
            await self._other_certificates(facts, probe, accepted=accepted)
        return facts

    async def _finished(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts with what else there is to ask at the address, and what follows from all of them."""
        if self.plain is not None and facts.get("outcome") == "inspected" and self._has_time("HTTP in the clear", facts):
            facts["plain_http"] = await _plain_http(self.door, self.plain)
            self.connections += 1
        if self.lists is not None and self._chain:
            facts["crl"] = await self.lists.facts(self._chain, self.roots, private_allowed=self.private_lists)
        if self.nameless:
            why = "whether the certificate has the right names: it was found by its address, and who asks for it by which name is not known"
            facts["unanswered"] = [*facts.get("unanswered", ()), why]
        return facts | crl.revocation(facts) | derived(facts)

    async def _other_certificates(self, facts: dict[str, Any], probe: Probe, *, accepted: bool) -> None:
        """What else a server shows than in a handshake: the chain of another type of key, and what it has for clients that give no name.

        Below TLS 1.3 both stand in the clear.
        """
        shown = facts.get("certificate", {}).get("sha256")
        others = [self._examined(chain) for chain in probe.chains]
        if "tls12" in facts.get("suites", {}):  # every suite was asked for, and with it every type of key
            facts["other_certificates"] = [certificate.summary(one) for one in others if one.get("sha256") != shown]
        if self.server_name is None or not self._has_time("the certificate without a name", facts):
            return
        self.connections += 1
        if (offer := _nameless(facts)) is not None:
            shot = await shoot(self.door, encode(offer, secrets.token_bytes(32)))
            kind, chain, served = shot.kind, shot.flight.certificates if shot.flight is not None else [], True
        else:
            nameless = await shake(self.door, None, http=False)
            kind, chain, served = nameless.kind, nameless.chain, accepted
        facts["without_name"] = self._without_name(kind, chain, shown, served=served)

    def _without_name(self, kind: Kind, chain: Sequence[bytes], shown: str | None, *, served: bool) -> dict[str, Any]:
        """What clients get that give no name, and whether that is good for the host, or nothing. `served`: whether those that give one
        are, so that an alert is for the lack of it; that the server hangs up says nothing, as always."""
        held: dict[str, Any] = {"outcome": "inspected" if kind is Kind.ACCEPTED else str(kind)}
        if kind is Kind.ALERT and served:
            held["good"] = True
        if chain:
            facts = self._examined(chain)
            same, brief = facts.get("sha256") == shown, certificate.summary(facts)
            held |= {**brief, "same": same, "names": facts.get("names", []), "good": same or brief["trusted"]}
        return held

    def _examined(self, chain: Sequence[bytes]) -> dict[str, Any]:
        host = None if self.nameless else self.server_name or self.door.host
        return certificate.examine(chain, host, self.now(), self.roots)

    def _agreed(self, shaken: Shaken) -> dict[str, Any]:
        """The facts of a real handshake."""
        facts: dict[str, Any] = {
            "agreed": {
                "version": shaken.version, "suite": shaken.suite, "bits": shaken.bits, "group": shaken.group, "alpn": shaken.alpn,
            },
            "certificate": self._examined(shaken.chain),
            "staple": staple.read(shaken.staple, shaken.chain, self.now()),
        }  # fmt: skip
        if shaken.client_certificate is not None:
            facts["client_certificate"] = shaken.client_certificate
        if shaken.http is not None:
            facts["speaks_http"] = shaken.http
        if shaken.http:
            facts["http"] = {"status": shaken.status, **endpoint.headers_of(shaken.headers)}
        return facts


def _unseen(door: Door, shaken: Shaken) -> dict[str, Any]:
    facts: dict[str, Any] = {"address": door.address, "outcome": str(shaken.kind), "detail": shaken.detail}
    if shaken.local is not None:
        facts["from"] = shaken.local
    return facts | derived(facts)


def _agreed_flight(shaken: Shaken) -> Flight | None:
    """What a handshake of TLS 1.3 agreed on, as the hello that would have said so; None for others, and where a name is not known."""
    suite = next((code for code in TLS13_SUITES if name_of(code) == shaken.suite), None)
    group = next((code for code, name in GROUPS.items() if name == shaken.group), None)
    return Flight(Version.TLS13, suite, group=group) if suite is not None and group is not None else None


def _nameless(facts: Mapping[str, Any]) -> Hello | None:
    """A hello without a name that is accepted with one: the newest version below TLS 1.3 that is spoken, with the suites that are."""
    for version in (Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3):
        if names := facts.get("suites", {}).get(version.name.lower()):
            return at_most(version, [code for code in OLDER_SUITES if name_of(code) in names], None)
    return None


async def _plain_http(door: Door, port: int) -> dict[str, Any]:
    """What port 80 of the same address answers: closed, a redirect to HTTPS at the same host, or something in the clear."""
    try:
        async with asyncio.timeout(3):
            reader, writer = await connect(Door(door.host, door.address, port))
            try:
                writer.write(request(door.host, port))
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
    return {"answers": True, "status": status, "redirects": endpoint.redirects(status, headers, door.host)}
