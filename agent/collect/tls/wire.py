"""One question to a TLS server, and its answer: connect, offer a hello, read what comes back, all within a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.collect.tls.starttls import NoStartTls, WrongProtocol, upgrade
from checks.tls.flight import Flight, Kind, Malformed, classify, is_ssl2_error, parse, ssl2_ciphers

SHOT_SECONDS = 3.0
"""For one connection, from its first packet to the end of the answer."""
_MOST_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Door:
    """One server behind a name: an address, its port, and the protocol that is spoken before TLS."""

    host: str
    address: str
    port: int
    starttls: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """What one connection brought. `flight` where TLS answered; `ciphers` where SSL 2 did; `detail` in words."""

    kind: Kind
    flight: Flight | None = None
    ciphers: tuple[int, ...] = ()
    detail: str = ""

    @property
    def answers(self) -> bool:
        """Whether it is an answer to what was asked, and not a fault of the way there."""
        return self.kind in {Kind.ACCEPTED, Kind.ALERT}

    @property
    def alert(self) -> int | None:
        return self.flight.alert if self.flight is not None else None


Connect = Callable[[Door], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def connect(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(door.address, door.port)


async def shoot(door: Door, hello: bytes, *, ssl2: bool = False, seconds: float = SHOT_SECONDS) -> Shot:
    """Offer a hello. Never raises for what a server or the network does."""
    heard = bytearray()
    writer: asyncio.StreamWriter | None = None
    connected = False
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await connect(door)
            connected = True
            if door.starttls is not None:
                await upgrade(door.starttls, door.host, reader, writer)
            writer.write(hello)
            await writer.drain()
            return await _answer(reader, heard, ssl2=ssl2)
    except TimeoutError:
        if not connected:
            return Shot(Kind.UNREACHABLE, detail=f"no connection within {seconds:g} s")
        return Shot(Kind.DRIPPING if heard else Kind.SILENT, detail=f"{len(heard)} bytes within {seconds:g} s")
    except NoStartTls as error:
        return Shot(Kind.NO_STARTTLS, detail=str(error))
    except WrongProtocol as error:
        return Shot(Kind.NOT_TLS, detail=str(error))
    except ConnectionRefusedError as error:
        return Shot(Kind.REFUSED, detail=error.strerror or str(error))
    except asyncio.IncompleteReadError as error:
        return Shot(Kind.CLOSED, detail=f"closed after {len(error.partial)} bytes, before TLS")
    except (ConnectionResetError, BrokenPipeError) as error:
        return Shot(Kind.RESET if connected else Kind.UNREACHABLE, detail=str(error))
    except OSError as error:
        return Shot(Kind.UNREACHABLE, detail=error.strerror or str(error))
    finally:
        if writer is not None:
            await _hang_up(writer)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close at once: a reset leaves no socket of ours waiting, however many endpoints there are."""
    with contextlib.suppress(OSError):
        if (held := writer.get_extra_info("socket")) is not None:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()


async def _answer(reader: asyncio.StreamReader, heard: bytearray, *, ssl2: bool) -> Shot:
    while len(heard) < _MOST_BYTES:
        more = await reader.read(16384)
        heard += more
        if ssl2 and heard and heard[0] & 0x80:
            if (ciphers := ssl2_ciphers(bytes(heard))) is not None:
                return Shot(Kind.ACCEPTED, ciphers=tuple(ciphers))
            if is_ssl2_error(bytes(heard)):
                return Shot(Kind.ALERT, detail="an error of SSL 2")
            if not more:
                return Shot(Kind.CLOSED, detail="closed within the answer")
            continue
        kind = classify(bytes(heard))
        if kind in {Kind.PLAINTEXT, Kind.NOT_TLS}:
            return Shot(kind, detail=repr(bytes(heard[:40])))
        if kind is Kind.ACCEPTED:
            try:
                flight, whole = parse(bytes(heard))
            except Malformed as error:
                return Shot(Kind.NOT_TLS, detail=str(error))
            if whole:
                return Shot(Kind.ALERT if flight.alert is not None and flight.version is None else Kind.ACCEPTED, flight)
            if not more and flight.version is not None:
                return Shot(Kind.ACCEPTED, flight, detail="closed before the end of its flight")
        if not more:
            return Shot(Kind.CLOSED, detail=f"closed after {len(heard)} bytes")
    return Shot(Kind.NOT_TLS, detail="more than a handshake could be")
