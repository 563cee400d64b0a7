"""Probing one address: which versions, suites and groups a server accepts, each known only where it was asked and answered.

A rejected version is a fact where the server said so with an alert, or closed the connection while a hello known to be
good still succeeds. A reset, a close or silence alone says nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from agent.collect.tls_wire import Door, Shot, shoot
from checks.tls import hello
from checks.tls.flight import ALERTS, Flight, Kind
from checks.tls.hello import HYBRID_GROUPS, Hello, Version
from checks.tls.suites import OLDER_SUITES, SUITES, TLS13_SUITES, name_of

ENDPOINT_SECONDS = 15.0
"""For one address, whatever is asked."""
_AGAIN = 2
_INTERNAL_ERROR = 80
"""The alert of a server that stumbled; OpenSSL also sends it for a version that its security level rules out."""
_FORBIDDEN = tuple(
    code for code in OLDER_SUITES if (suite := SUITES[code]).bits < 112 or suite.export or not suite.authenticated or "RC4" in suite.name
)
"""Suites that no standard admits any more: no encryption, export, DES, anonymous (RFC 9325, 4.1), RC4 (RFC 7465)."""
_WEAK = tuple(code for code in OLDER_SUITES if code not in _FORBIDDEN and SUITES[code].small_block)
_OLD = (Version.TLS11, Version.TLS10, Version.SSL3)
Fire = Callable[[Door, bytes, bool], Awaitable[Shot]]


async def fire(door: Door, payload: bytes, ssl2: bool) -> Shot:  # noqa: FBT001
    return await shoot(door, payload, ssl2=ssl2)


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to one offer. `accepted` None: it could not be told; `how` says what stood in the way, or how it was refused."""

    accepted: bool | None
    flight: Flight | None = None
    how: str = ""


@dataclass(slots=True)
class Probe:
    """One address under inspection; `facts` fill up as answers come in, and hold nothing that was not answered.

    `connections` counts every one that was opened. Where the endpoint's time is up, what was asked until then stands.
    """

    door: Door
    server_name: str | None
    fire: Fire = fire
    seconds: float = ENDPOINT_SECONDS
    facts: dict[str, Any] = field(default_factory=dict)
    connections: int = 0
    unanswered: list[str] = field(default_factory=list)
    _good: Hello | None = None
    _flaky: int = 0

    async def run(self, *, full: bool, shaken: bool = False) -> None:
        """Ask. `shaken`: a real handshake has just succeeded, which the quick questions need not ask for again."""
        self.facts["address"] = self.door.address
        try:
            async with asyncio.timeout(self.seconds):
                if shaken and not full:
                    self._good = hello.full(self.server_name)
                    self.facts["outcome"] = "inspected"
                    await self._quick()
                elif (first := await self._first()) is not None:
                    await (self._full(first) if full else self._quick())
        except TimeoutError:
            self.unanswered.append(f"the time of {self.seconds:g} s was up")
        if self._flaky:
            self.facts["flaky"] = True

    # -- the first hello --------------------------------------------------------------------------------------------

    async def _first(self) -> Flight | None:
        """Whether TLS is spoken at all. Nothing heard ends it: the next hello would hear as little."""
        offers = [hello.full(self.server_name), hello.at_most(Version.TLS12, None, self.server_name)]
        offers += [hello.at_most(Version.TLS12, suites, self.server_name) for suites in hello.chunks(OLDER_SUITES)[:2]]
        offers.append(hello.tls13(None, None, self.server_name))
        last = Shot(Kind.SILENT)
        alerted: Shot | None = None
        for number, offer in enumerate(offers):
            last = await self._shoot(offer)
            if last.kind is Kind.ACCEPTED:
                self._good = offer
                self.facts["outcome"] = "inspected"
                self._flaky += number > 0 and alerted is None
                return last.flight
            if last.kind is Kind.ALERT:
                alerted = alerted or last
                if number == 0:  # it speaks TLS, though nothing of what was offered: older versions are asked for next
                    break
            elif last.kind not in {Kind.RESET, Kind.CLOSED}:
                break
        if alerted is not None:
            return await self._oldest(alerted)
        self.facts["outcome"], self.facts["detail"] = str(last.kind), last.detail
        return None

    async def _oldest(self, alerted: Shot) -> Flight | None:
        """A server that refuses TLS 1.2 and 1.3: what older version it speaks."""
        for version in _OLD:
            offer = hello.at_most(version, None, self.server_name)
            shot = await self._shoot(offer)
            if shot.kind is Kind.ACCEPTED:
                self._good = offer
                self.facts["outcome"] = "inspected"
                return shot.flight
        self.facts["outcome"] = "alert"
        self.facts["detail"] = f"every hello is refused: {_alert(alerted.alert)}"
        self.facts["alert"] = alerted.alert
        return None

    # -- asking -----------------------------------------------------------------------------------------------------

    async def _shoot(self, offer: Hello) -> Shot:
        self.connections += 1
        return await self.fire(self.door, hello.encode(offer, secrets.token_bytes(32)), False)

    async def ask(self, offer: Hello) -> Said:
        """Whether the server accepts an offer, sure of a no."""
        for refused in range(1, _AGAIN + 2):
            shot = await self._shoot(offer)
            if shot.kind is Kind.ACCEPTED and shot.flight is not None:
                if shot.flight.suite not in offer.suites:
                    return Said(None, how="the server chose a suite that was not offered")
                return Said(True, shot.flight)
            said = f"alert {shot.alert} ({_alert(shot.alert)})" if shot.kind is Kind.ALERT else str(shot.kind)
            if shot.kind is Kind.ALERT and shot.alert != _INTERNAL_ERROR:
                return Said(False, how=said)
            if shot.kind not in {Kind.ALERT, Kind.CLOSED, Kind.RESET}:
                return Said(None, how=said)
            if refused > 1:
                if await self._control():
                    return Said(False, how=f"{said}, while a good hello succeeds")
                self._flaky += 1
        return Said(None, how="the server answers now and then only")

    async def _control(self) -> bool:
        assert self._good is not None
        return (await self._shoot(self._good)).kind is Kind.ACCEPTED

    async def _accepted(self, what: str, offer: Hello, into: dict[str, bool], key: str) -> Said:
        """Ask, and write down the answer where there is one."""
        said = await self.ask(offer)
        if said.accepted is None:
            self.unanswered.append(f"{what}: {said.how}")
        else:
            into[key] = said.accepted
            if not said.accepted:
                self.facts.setdefault("refusals", {})[key] = said.how
        return said

    # -- quick: a rejection is the proof ----------------------------------------------------------------------------

    async def _quick(self) -> None:
        """Three more connections: old versions, forbidden suites, a hybrid group. No list is made, for none would be whole."""
        versions = self.facts.setdefault("versions", {})
        said = await self.ask(hello.at_most(Version.TLS11, None, self.server_name))
        self._old_versions(said, versions)
        said = await self._accepted(
            "forbidden suites", hello.at_most(Version.TLS12, (*_FORBIDDEN, *_WEAK), self.server_name), self.facts, "forbidden_offered"
        )
        if said.flight is not None and said.flight.suite is not None:
            self.facts["glimpsed"] = [name_of(said.flight.suite)]
        await self._accepted("a hybrid group", hello.tls13(None, HYBRID_GROUPS, self.server_name), self.facts, "hybrid_group")

    def _old_versions(self, said: Said, versions: dict[str, bool]) -> None:
        """What a hello of at most TLS 1.1 tells: one of them accepted, or neither."""
        if said.accepted is None:
            self.unanswered.append(f"TLS 1.1 and older: {said.how}")
        elif not said.accepted:
            versions |= {"tls11": False, "tls10": False}
            self.facts.setdefault("refusals", {})["tls11"] = said.how
        elif said.flight is not None and said.flight.version is not None:
            chosen = said.flight.version
            versions[_key(chosen)] = True
            if chosen < Version.TLS11:
                versions["tls11"] = False

    # -- full: everything, by elimination ---------------------------------------------------------------------------

    async def _full(self, first: Flight) -> None:
        versions = self.facts.setdefault("versions", {})
        self.facts.setdefault("suites", {})
        self._note(first)
        if first.version is Version.TLS13:
            versions["tls13"] = True
            await self._eliminate("tls13", first, TLS13_SUITES, lambda left: hello.tls13(left, None, self.server_name))
            await self._groups(first)
        else:
            said = await self._accepted("TLS 1.3", hello.tls13(None, None, self.server_name), versions, "tls13")
            if said.accepted and said.flight is not None:
                await self._eliminate("tls13", said.flight, TLS13_SUITES, lambda left: hello.tls13(left, None, self.server_name))
                await self._groups(said.flight)
        await self._older(Version.TLS12, first if first.version is Version.TLS12 else None, versions)
        await self._older(Version.TLS11, None, versions)
        if "tls10" not in versions:
            await self._older(Version.TLS10, None, versions)
        if "ssl3" not in versions:
            await self._older(Version.SSL3, None, versions)
        await self._ssl2(versions)
        self.facts["enumerated"] = not self.unanswered

    async def _older(self, version: Version, known: Flight | None, versions: dict[str, bool]) -> None:
        """One version below TLS 1.3: whether it is spoken, and with which suites. A lower one that is chosen tells of both."""
        key = _key(version)
        if known is None:
            said = await self.ask(hello.at_most(version, None, self.server_name))
            if said.accepted is None:
                self.unanswered.append(f"{version.title}: {said.how}")
                return
            if not said.accepted:
                versions[key] = False
                self.facts.setdefault("refusals", {})[key] = said.how
                if version is Version.TLS11:  # a server that knew TLS 1.0 would have chosen it
                    versions["tls10"] = False
                return
            assert said.flight is not None
            known = said.flight
            if known.version is not version:
                versions[key] = False
                self.facts.setdefault("refusals", {})[key] = f"the server chose {known.version.title if known.version else 'nothing'}"
                return
        versions[key] = True
        self._note(known)
        await self._eliminate(key, known, OLDER_SUITES, lambda left: hello.at_most(version, left, self.server_name))

    async def _eliminate(self, key: str, first: Flight, all_: tuple[int, ...], offer: Callable[[tuple[int, ...]], Hello]) -> None:
        """Every suite, each time without those that were accepted, until nothing more is."""
        found: list[int] = []
        flight: Flight | None = first
        while flight is not None and flight.suite is not None and flight.suite not in found:
            found.append(flight.suite)
            self._note(flight)
            left = tuple(code for code in all_ if code not in found)
            said = await self.ask(offer(left))
            if said.accepted is None:
                self.unanswered.append(f"suites of {key}: {said.how}")
                return
            if said.flight is not None and said.flight.version is not None and _key(said.flight.version) != key:
                break
            flight = said.flight
        self.facts.setdefault("suites", {})[key] = [name_of(code) for code in found]

    async def _groups(self, first: Flight) -> None:
        """The groups of TLS 1.3, by elimination."""
        found: list[int] = []
        group = first.group
        while group is not None and group not in found:
            found.append(group)
            left = tuple(code for code in hello.GROUPS if code not in found)
            said = await self.ask(hello.tls13(None, left, self.server_name))
            if said.accepted is None:
                self.unanswered.append(f"groups: {said.how}")
                return
            group = said.flight.group if said.flight is not None else None
        self.facts["groups"] = [hello.GROUPS.get(code, f"0x{code:04x}") for code in found]
        self.facts["hybrid_group"] = any(code in HYBRID_GROUPS for code in found)

    async def _ssl2(self, versions: dict[str, bool]) -> None:
        for _ in range(_AGAIN):
            self.connections += 1
            shot = await self.fire(self.door, hello.ssl2(secrets.token_bytes(16)), True)
            if shot.kind is Kind.ACCEPTED and shot.ciphers:
                versions["ssl2"] = True
                self.facts["suites"]["ssl2"] = [hello.SSL2_CIPHERS.get(code, f"0x{code:06x}") for code in shot.ciphers]
                return
            if shot.kind in {Kind.ALERT, Kind.ACCEPTED, Kind.NOT_TLS} or (shot.kind in {Kind.CLOSED, Kind.RESET} and await self._control()):
                versions["ssl2"] = False
                return
        self.unanswered.append("SSL 2: no answer")

    def _note(self, flight: Flight) -> None:
        """What flights tell by the way: the size of DH parameters, whether a client certificate is asked for."""
        if flight.dh_bits is not None:
            self.facts["dh_bits"] = min(flight.dh_bits, self.facts.get("dh_bits", flight.dh_bits))
        if flight.version is not None and flight.version < Version.TLS13 and flight.done:
            self.facts["client_certificate"] = flight.client_certificate or self.facts.get("client_certificate", False)


def _key(version: Version) -> str:
    return version.name.lower()


def _alert(code: int | None) -> str:
    return ALERTS.get(code if code is not None else -1, "unknown")
