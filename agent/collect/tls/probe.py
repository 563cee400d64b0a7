"""Probing one address: which versions, suites and groups a server accepts, each known only where it was asked and answered.

A rejected version is a fact where the server said so with an alert, or hung up again and again while a hello known to be good,
and no shorter, succeeds in between. A reset, a close or silence alone says nothing; nor does hanging up where the server was
seen to hang up on what it accepts.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.collect.tls.wire import Door, Shot, shoot
from checks.tls import hello
from checks.tls.flight import ALERTS, Flight, Kind
from checks.tls.hello import HYBRID_GROUPS, Hello, Version
from checks.tls.suites import OLDER_SUITES, SUITES, TLS13_SUITES, name_of

ENDPOINT_SECONDS = 15.0
"""For one address, whatever is asked."""
_AGAIN = 3
"""Times that a hello is hung up on before it counts as refused. Controls follow the first and the last: no server that hangs up on every
second, third or whichever connection does so at these three and at neither of those two."""
_STUMBLED = frozenset({22, 50, 80})
"""Alerts of a server that could not read the hello, or stumbled over it: record_overflow, decode_error, internal_error. OpenSSL also
sends the last for a version that its security level rules out."""
_MANY = 120
"""Suites in a hello for stacks that choke on more than 127 (testssl.sh splits its lists for them, too)."""
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
    hung_up: bool = False
    """Whether the refusal is that the server hangs up."""


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
    chains: list[list[bytes]] = field(default_factory=list)
    """Certificates that were sent in the clear, DER, leaf first: one list for each leaf."""
    flaky: bool = False
    """Whether it was seen to fail and then to answer what it is asked."""
    _good: Hello | None = None
    _hung_up: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    """Facts, each with where it stands, that rest on the server's hanging up."""

    async def run(self, *, full: bool, shaken: bool = False, agreed: Flight | None = None) -> None:
        """Ask. `shaken`: a real handshake has just succeeded, which the quick questions need not ask for again; `agreed`: suite
        and group of TLS 1.3 that it came to."""
        self.facts["address"] = self.door.address
        try:
            async with asyncio.timeout(self.seconds):
                if shaken and not full:
                    self.facts["outcome"] = "inspected"
                    await self._quick(agreed)
                elif agreed is not None:
                    self.facts["outcome"] = "inspected"
                    await self._full(agreed)
                elif (first := await self._first()) is not None:
                    await (self._full(first) if full else self._quick())
        except TimeoutError:
            self.unanswered.append(f"the time of {self.seconds:.2g} s was up")
        if self.flaky:
            self.facts["flaky"] = True
            self._doubt()
        if full and self.facts.get("outcome") == "inspected":
            self.facts["enumerated"] = not self.unanswered
        if self.unanswered:
            self.facts["unanswered"] = self.unanswered

    def _doubt(self) -> None:
        """A server that hangs up on what it accepts has refused nothing by hanging up."""
        for place, key in self._hung_up:
            if (held := place.pop(key, None)) is not None:
                if isinstance(held, list) and key != "groups":
                    self.facts.setdefault("glimpsed", []).extend(held)
                self.facts.get("refusals", {}).pop(key, None)
                self.unanswered.append(f"{key}: the server hung up, as it does on good hellos now and then")

    # -- the first hello --------------------------------------------------------------------------------------------

    async def _first(self) -> Flight | None:
        """Whether TLS is spoken at all. Nothing heard ends it: the next hello would hear as little."""
        whole = hello.full(self.server_name)
        alerted: Shot | None = None
        last = Shot(Kind.SILENT)
        for number, offer in enumerate((whole, whole, hello.at_most(Version.TLS12, None, self.server_name))):
            last = await self._shoot(offer)
            if last.kind is Kind.ACCEPTED:
                self.flaky |= number == 1  # the same hello, hung up on and then accepted
                return self._found(offer, last)
            if last.kind is Kind.ALERT and last.alert not in _STUMBLED:  # it speaks TLS, though nothing of what was offered
                return await self._oldest(last, None)
            if last.kind is Kind.ALERT:
                alerted = last
            elif last.kind not in {Kind.RESET, Kind.CLOSED}:
                break
        else:
            for suites in hello.chunks(OLDER_SUITES, _MANY - len(TLS13_SUITES)):
                last = await self._shoot(offer := replace(whole, suites=(*TLS13_SUITES, *suites)))
                if last.kind is Kind.ACCEPTED:
                    return self._found(offer, last)
                if last.kind is not Kind.ALERT:
                    break
                alerted = last
        if alerted is not None:
            return await self._oldest(alerted, _MANY)
        self.facts["outcome"], self.facts["detail"] = str(last.kind), last.detail
        return None

    async def _oldest(self, alerted: Shot, most: int | None) -> Flight | None:
        """A server that refuses TLS 1.2 and 1.3: what older version it speaks. `most`: suites in one hello."""
        for version in _OLD if most is None else (Version.TLS12, *_OLD):
            for suites in [OLDER_SUITES] if most is None else hello.chunks(OLDER_SUITES, most):
                shot = await self._shoot(offer := hello.at_most(version, suites, self.server_name))
                if shot.kind is Kind.ACCEPTED:
                    return self._found(offer, shot)
        self.facts["outcome"] = "alert"
        self.facts["detail"] = f"every hello is refused: {_alert(alerted.alert)}"
        self.facts["alert"] = alerted.alert
        return None

    def _found(self, offer: Hello, shot: Shot) -> Flight | None:
        self._good = offer
        self.facts["outcome"] = "inspected"
        return shot.flight

    # -- asking -----------------------------------------------------------------------------------------------------

    async def _shoot(self, offer: Hello) -> Shot:
        self.connections += 1
        return await self.fire(self.door, hello.encode(offer, secrets.token_bytes(32)), False)

    async def ask(self, offer: Hello) -> Said:
        """Whether the server accepts an offer, sure of a no. One with more suites than the server takes at once is made in parts."""
        most = len(self._good.suites) if self._good is not None and len(self._good.suites) <= _MANY else None
        if most is None or len(offer.suites) <= most:
            return await self._ask(offer)
        parts = [await self._ask(replace(offer, suites=suites)) for suites in hello.chunks(offer.suites, most)]
        accepted = next((said for said in parts if said.accepted), None)
        return accepted or next((said for said in parts if said.accepted is None), None) or max(parts, key=lambda said: said.hung_up)

    async def _ask(self, offer: Hello) -> Said:
        said = ""
        for number in range(_AGAIN):
            shot = await self._shoot(offer)
            if shot.kind is Kind.ACCEPTED and shot.flight is not None:
                self.flaky |= bool(said)
                if shot.flight.suite not in offer.suites:
                    return Said(None, how="the server chose a suite that was not offered")
                return Said(True, shot.flight)
            if shot.kind is Kind.ALERT and shot.alert not in _STUMBLED:
                self.flaky |= bool(said)
                return Said(False, how=_words(shot))
            said = _words(shot)
            if shot.kind not in {Kind.ALERT, Kind.CLOSED, Kind.RESET}:
                return Said(None, how=said)
            if number != 1 and not await self._control(len(offer.suites)):
                return Said(None, how=f"{said}, and so is a good hello")
        return Said(False, how=f"{said}, while a good hello succeeds", hung_up=True)

    async def _control(self, suites: int) -> bool:
        """Whether a good hello, as long as the one that was hung up on, is still answered."""
        if self._good is None and await self._first() is None:
            self.facts["outcome"] = "inspected"  # a real handshake has succeeded: that it does not now says nothing of the whole
            self.facts.pop("detail", None)
            self.facts.pop("alert", None)
            self.flaky = True
            return False
        assert self._good is not None
        if (await self._shoot(self._good)).kind is not Kind.ACCEPTED:
            self.flaky = True
            return False
        return len(self._good.suites) >= suites

    def _rests_on_hanging_up(self, said: Said, place: dict[str, Any], *keys: str) -> None:
        if said.hung_up:
            self._hung_up += [(place, key) for key in keys]

    async def _accepted(self, what: str, offer: Hello, into: dict[str, bool], key: str) -> Said:
        """Ask, and write down the answer where there is one."""
        said = await self.ask(offer)
        if said.accepted is None:
            self.unanswered.append(f"{what}: {said.how}")
        else:
            into[key] = said.accepted
            self._rests_on_hanging_up(said, into, key)
            if not said.accepted:
                self.facts.setdefault("refusals", {})[key] = said.how
        return said

    # -- quick: a rejection is the proof ----------------------------------------------------------------------------

    async def _quick(self, agreed: Flight | None = None) -> None:
        """Three more connections: old versions, forbidden suites, a hybrid group. No list is made, for none would be whole."""
        versions = self.facts.setdefault("versions", {})
        said = await self.ask(hello.at_most(Version.TLS11, None, self.server_name))
        self._old_versions(said, versions)
        said = await self._accepted(
            "forbidden suites", hello.at_most(Version.TLS12, (*_FORBIDDEN, *_WEAK), self.server_name), self.facts, "forbidden_offered"
        )
        if said.flight is not None and said.flight.suite is not None:
            self.facts["glimpsed"] = [name_of(said.flight.suite)]
        if agreed is not None and agreed.group in HYBRID_GROUPS:  # which leaves a question over
            self.facts["hybrid_group"] = True
            await self._ssl2(versions, quickly=True)
        else:
            await self._accepted("a hybrid group", hello.tls13(None, HYBRID_GROUPS, self.server_name), self.facts, "hybrid_group")

    def _old_versions(self, said: Said, versions: dict[str, bool]) -> None:
        """What a hello of at most TLS 1.1 tells: one of them accepted, or neither."""
        if said.accepted is None:
            self.unanswered.append(f"TLS 1.1 and older: {said.how}")
        elif not said.accepted:
            versions |= {"tls11": False, "tls10": False}
            self._rests_on_hanging_up(said, versions, "tls11", "tls10")
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
            await self._tls13(first)
        else:
            said = await self._accepted("TLS 1.3", hello.tls13(None, None, self.server_name), versions, "tls13")
            if said.accepted and said.flight is not None:
                await self._tls13(said.flight)
        await self._older(Version.TLS12, first if first.version is Version.TLS12 else None, versions)
        await self._older(Version.TLS11, None, versions)
        if "tls10" not in versions:
            await self._older(Version.TLS10, None, versions)
        if "ssl3" not in versions:
            await self._older(Version.SSL3, None, versions)
        await self._ssl2(versions)

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
                self._rests_on_hanging_up(said, versions, key, *(["tls10"] if version is Version.TLS11 else []))
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
        if known.suite is not None:
            await self._eliminate(key, [known.suite], OLDER_SUITES, lambda left: hello.at_most(version, left, self.server_name))

    async def _eliminate(self, key: str, found: list[int], all_: tuple[int, ...], offer: Callable[[tuple[int, ...]], Hello]) -> None:
        """Every suite, each time without those that were accepted, until nothing more is."""
        said = Said(None)
        while left := _without(all_, found):
            said = await self.ask(offer(left))
            if said.accepted is None:
                self._broken_off(key, found, said)
                return
            if said.flight is None or said.flight.suite is None or said.flight.version is None or _key(said.flight.version) != key:
                break
            self._note(said.flight)
            found.append(said.flight.suite)
        self._list(key, found, said)

    def _list(self, key: str, found: Sequence[int], ended: Said) -> None:
        suites = self.facts.setdefault("suites", {})
        suites[key] = [name_of(code) for code in found]
        self._rests_on_hanging_up(ended, suites, key)

    def _broken_off(self, key: str, found: Sequence[int], said: Said) -> None:
        """A list that is not whole is none; what stands in it was seen nevertheless."""
        self.unanswered.append(f"suites of {key}: {said.how}")
        self.facts.setdefault("glimpsed", []).extend(map(name_of, found))

    async def _tls13(self, first: Flight) -> None:
        """Suites and groups of TLS 1.3. Each answer names one of both, so both are eliminated at once, as long as both are left."""
        suites = [first.suite] if first.suite is not None else []
        groups = [first.group] if first.group is not None else []
        said = Said(True, first)
        while said.flight is not None:
            said = await self.ask(hello.tls13(_without(TLS13_SUITES, suites), _without(hello.GROUPS, groups), self.server_name))
            if said.flight is not None and (said.flight.suite in suites or said.flight.group in {None, *groups}):
                said = Said(None, how="the server chose what was not offered")
            if said.accepted is None:
                self._broken_off("tls13", suites, said)
                self.unanswered.append(f"groups: {said.how}")
                return
            if said.flight is not None and said.flight.suite is not None and said.flight.group is not None:
                suites.append(said.flight.suite)
                groups.append(said.flight.group)
        known = len(groups)
        await self._groups(groups)
        if len(groups) > known:  # a group was left, so it was the suites that were refused
            self._list("tls13", suites, said)
        else:
            await self._eliminate("tls13", suites, TLS13_SUITES, lambda left: hello.tls13(left, None, self.server_name))

    async def _groups(self, found: list[int]) -> None:
        """The groups of TLS 1.3, by elimination, with every suite."""
        said = Said(None)
        while left := _without(hello.GROUPS, found):
            said = await self.ask(hello.tls13(None, left, self.server_name))
            if said.accepted is None:
                self.unanswered.append(f"groups: {said.how}")
                return
            if said.flight is None or said.flight.group is None or said.flight.group in found:
                break
            found.append(said.flight.group)
        self.facts["groups"] = [hello.GROUPS.get(code, f"0x{code:04x}") for code in found]
        self.facts["hybrid_group"] = any(code in HYBRID_GROUPS for code in found)
        self._rests_on_hanging_up(said, self.facts, "groups", "hybrid_group")

    async def _ssl2(self, versions: dict[str, bool], *, quickly: bool = False) -> None:
        """A ServerHello of SSL 2 is spoken even where it agrees to no cipher: some servers then take any (CVE-2015-3197).

        `quickly`: one connection; a server that hangs up has not answered then.
        """
        shot = Shot(Kind.SILENT)
        for number in range(_AGAIN):
            self.connections += 1
            shot = await self.fire(self.door, hello.ssl2(secrets.token_bytes(16)), True)
            if shot.kind is Kind.ACCEPTED and shot.flight is None:
                versions["ssl2"] = True
                self.facts.setdefault("suites", {})["ssl2"] = [hello.SSL2_CIPHERS.get(code, f"0x{code:06x}") for code in shot.ciphers]
                return
            if shot.kind in {Kind.ALERT, Kind.ACCEPTED, Kind.NOT_TLS, Kind.PLAINTEXT}:
                versions["ssl2"] = False
                return
            if quickly or shot.kind not in {Kind.CLOSED, Kind.RESET} or (number != 1 and not await self._control(0)):
                self.unanswered.append(f"SSL 2: {_words(shot)}")
                return
        versions["ssl2"] = False
        self._hung_up.append((versions, "ssl2"))

    def _note(self, flight: Flight) -> None:
        """What flights tell by the way: the size of DH parameters, whether a client certificate is asked for."""
        if flight.certificates and all(flight.certificates[0] != chain[0] for chain in self.chains):
            self.chains.append(flight.certificates)
        if flight.dh_bits is not None:
            self.facts["dh_bits"] = min(flight.dh_bits, self.facts.get("dh_bits", flight.dh_bits))
        if flight.version is not None and flight.version < Version.TLS13 and flight.done:
            self.facts["client_certificate"] = flight.client_certificate or self.facts.get("client_certificate", False)


def _without(all_: Iterable[int], found: Sequence[int]) -> tuple[int, ...]:
    known = set(found)
    return tuple(code for code in all_ if code not in known)


def _key(version: Version) -> str:
    return version.name.lower()


def _words(shot: Shot) -> str:
    return f"alert {shot.alert} ({_alert(shot.alert)})" if shot.kind is Kind.ALERT and shot.flight is not None else str(shot.kind)


def _alert(code: int | None) -> str:
    return ALERTS.get(code if code is not None else -1, "unknown")
