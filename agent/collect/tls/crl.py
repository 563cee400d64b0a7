"""Certificate revocation lists, fetched where somebody wants to know. Their addresses stand in certificates, which anybody can make: so
they are asked at no address that an endpoint would not be, with a cap on bytes and time, and no redirect leads to a private one."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from cryptography import x509

from agent.collect.tls.addresses import reserved
from agent.collect.tls.handshake import read_head
from agent.collect.tls.wire import Door, connect
from checks.tls import crl
from checks.tls.certificate import UNREADABLE, Roots

SECONDS = 10.0
"""For one list, redirects included."""
MOST_BYTES = 16 << 20
_MOST_LISTS = 16
"""Lists that are kept at a time."""
_REDIRECTS = 3


class NotFetched(Exception):
    """Why there is no list, in words."""


@dataclass(slots=True)
class Lists:
    """The lists of one run: each is fetched once, whoever asks for it, and again when its next update has come since."""

    now: Callable[[], datetime]
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES
    _kept: dict[tuple[str, bool], tuple[datetime, asyncio.Task[crl.List]]] = field(default_factory=dict)

    async def facts(self, chain: Sequence[bytes], roots: Roots, *, private_allowed: bool) -> dict[str, Any]:
        """What the list of a chain's leaf says of it; the first that tells counts. Never raises for what is fetched."""
        try:
            leaf, *others = (x509.load_der_x509_certificate(one) for one in chain)
            places = [(names, url) for names in crl.points(leaf) for url in names if url.lower().startswith("http://")]
        except UNREADABLE as error:
            return {"detail": f"the certificate cannot be read: {error}"}
        said: dict[str, Any] = {"detail": "the certificate names no list over HTTP"}
        for names, url in places:
            try:
                held = await self._list(url, private_allowed=private_allowed)
                said = {"url": url, **crl.read(held, names, leaf, (*others, *roots.private, *roots.public), self.now())}
            except NotFetched as error:
                said = {"url": url, "detail": str(error)}
            if "revoked" in said:
                break
        return said

    async def _list(self, url: str, *, private_allowed: bool) -> crl.List:
        key, now = (url, private_allowed), self.now()
        begun, task = self._kept.get(key, (now, None))
        if task is None or _has_come(task, begun, now):
            task = asyncio.create_task(self._fetch(url, private_allowed=private_allowed))
            self._kept[key] = now, task
            while len(self._kept) > _MOST_LISTS:
                del self._kept[next(iter(self._kept))]
        return await asyncio.shield(task)

    async def _fetch(self, url: str, *, private_allowed: bool) -> crl.List:
        """Raises NotFetched."""
        try:
            async with asyncio.timeout(self.seconds):
                for _ in range(_REDIRECTS + 1):
                    found = await self._get(url, private_allowed=private_allowed)
                    if isinstance(found, bytes):
                        return crl.load(found)
                    url, private_allowed = urljoin(url, found), False
        except TimeoutError:
            raise NotFetched(f"{url}: no whole answer within {self.seconds:g} s") from None
        except OSError as error:
            raise NotFetched(f"{url}: {error.strerror or error}") from error
        except UNREADABLE as error:
            raise NotFetched(f"{url}: what is there is no list in DER: {error}") from error
        raise NotFetched(f"{url}: more than {_REDIRECTS} redirects")

    async def _get(self, url: str, *, private_allowed: bool) -> bytes | str:
        """The body, or where it has moved to. HTTP/1.0: the answer comes in one piece, and ends where the connection does (RFC 9112)."""
        parts, port = _parts(url)
        door = Door(parts.hostname or "", await _address(parts.hostname or "", port, private_allowed=private_allowed), port)
        reader, writer = await connect(door)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nUser-Agent: upheld\r\nAccept: */*\r\n\r\n".encode("ascii"))
            await writer.drain()
            answer = bytearray()
            while more := await reader.read(1 << 16):
                answer += more
                if len(answer) > self.most_bytes:
                    raise NotFetched(f"{url}: longer than {self.most_bytes} bytes")
        finally:
            writer.transport.abort()
        status, headers = read_head(bytes(answer[: 1 << 16]))
        held = dict(reversed(headers))
        if status in {301, 302, 303, 307, 308} and "location" in held:
            return held["location"]
        if status != 200 or "transfer-encoding" in held:
            raise NotFetched(
                f"{url}: an answer of status {status}" if status != 200 else f"{url}: an answer in chunks, which HTTP/1.0 has not"
            )
        body = bytes(answer.partition(b"\r\n\r\n")[2])
        if not re.fullmatch("[0-9]{0,18}", held.get("content-length", "")) or len(body) != int(held.get("content-length") or len(body)):
            raise NotFetched(f"{url}: {len(body)} bytes, though the answer says {held['content-length']}")
        return body


def _parts(url: str) -> tuple[SplitResult, int]:
    """An address and its port. Raises NotFetched for one that is not asked: another scheme, a user in it, what is no host."""
    try:
        parts = urlsplit(url) if re.fullmatch("[!-~]+", url) else None
        port = (parts.port or 80) if parts else 0
    except ValueError:
        parts, port = None, 0
    if parts is None or parts.scheme != "http" or not parts.hostname or "@" in parts.netloc:
        raise NotFetched(f"{url!r}: lists are fetched over HTTP, from a plain address")
    return parts, port


async def _address(host: str, port: int, *, private_allowed: bool) -> str:
    """The first of a host's addresses that may be asked. Raises NotFetched."""
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotFetched(f"{host} has no address: {getattr(error, 'strerror', None) or error}") from error
    why = ""
    for text in (str(one[4][0]).partition("%")[0] for one in answers):
        refusal = reserved(text, private_allowed=private_allowed)
        if refusal is None:
            return text
        why = why or f"{host} is at {text}, {refusal}: no list is fetched from there"
    raise NotFetched(why)


def _has_come(task: asyncio.Task[crl.List], begun: datetime, now: datetime) -> bool:
    """Whether a list that was fetched then has been followed by another. One that was old even then would be so again."""
    if not task.done() or task.exception() is not None:
        return False
    after = task.result().next_update_utc
    return after is not None and begun <= after < now
