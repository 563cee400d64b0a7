"""Posting JSON to one URL: verified TLS, no redirects, no proxies, and an end to waiting."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from agent.publish.notify import DeliveryError
from agent.publish.printable import printable

SECONDS: Final = 20
"""How long one attempt may take (Standard Webhooks 1.0.0, "Request timeouts": 15 to 30 s)."""
_REFUSED: Final = frozenset(range(400, 500)) - {408, 425, 429}
"""The receiver is there, and does not want this one message."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, ca_file: str | None = None, seconds: float = SECONDS) -> str:
    """Post, and give the answer's status in words. Raises DeliveryError for all but 2xx; its text has the host, not the URL."""
    split = urlsplit(url)
    host = split.hostname or ""
    try:
        connection = _connection(split.scheme, host, split.port, ca_file, seconds)
    except (OSError, ssl.SSLError) as error:
        raise DeliveryError(f"the roots in {ca_file} cannot be read: {error}") from error
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    try:
        with limited(seconds, lambda: connection.sock):
            connection.request("POST", target, body, {"Content-Type": "application/json", "User-Agent": "upheld", **headers})
            with connection.getresponse() as answer:
                if 200 <= answer.status < 300:
                    return str(answer.status)
                raise _failure(host, answer)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise DeliveryError(f"{host}: {reason(error)}") from error
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None, ca_file: str | None, seconds: float) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context(cafile=ca_file))


def _failure(host: str, answer: http.client.HTTPResponse) -> DeliveryError:
    status, asked = answer.status, answer.headers.get("Retry-After", "")
    if 300 <= status < 400:
        return DeliveryError(f"{host} answered {status}, and redirects are not followed: configure where it is now", blocks=False)
    said = printable(answer.read(200).decode("utf-8", "replace")).strip()
    after = int(asked) if asked.isdecimal() and len(asked) < 6 else 0
    why = f"{host} answered {status}" + (f": {said}" if said else "")
    return DeliveryError(why, after=after, blocks=status not in _REFUSED, final=status == http.HTTPStatus.GONE)


def reason(error: Exception) -> str:
    """An error of the network in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return printable(error.strerror)
    return printable(error) or type(error).__name__


@contextmanager
def limited(seconds: float, socket_of: Callable[[], socket.socket | None]) -> Iterator[None]:
    """End a conversation after so many seconds, however slowly the other side goes on. Raises TimeoutError where it was ended."""
    ended = threading.Event()

    def end() -> None:
        ended.set()
        if (held := socket_of()) is not None:
            try:
                # Of the socket, also where TLS is spoken over it: its own shutdown is not made for another thread.
                socket.socket.shutdown(held, socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if ended.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if ended.is_set():  # what looks like an end was made by this side
        raise TimeoutError
