"""The agent's small HTTP server: `/metrics` for Prometheus, `/healthz` for whoever watches that it is well. Nothing else is there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from agent.config import ConfigurationError
from agent.publish.metrics import CONTENT_TYPE

_SECONDS: Final = 10
"""How long a client may take to ask."""
_MOST: Final = 16
"""How many may ask at the same time; who comes after them is turned away."""


def serving(address: str, metrics: Callable[[], bytes], ailing: Callable[[], list[str]]) -> AbstractContextManager[str]:
    """Listen at `host:port`, and answer while the block runs; gives where that is. `ailing`: what is not as it should be, each in a line.

    Raises ConfigurationError, before the block, where the address cannot be had.
    """
    host, _, port = address.rpartition(":")
    try:
        return _answering(_Server((host.strip("[]"), int(port)), metrics, ailing), host)
    except OSError as error:
        raise ConfigurationError(
            f"agent.metrics: nothing can listen at {address}: {error.strerror}; name another address, or null"
        ) from error


@contextmanager
def _answering(server: _Server, host: str) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True)
    thread.start()
    try:
        yield f"{host}:{server.server_address[1]}"  # the port that was given, where any was asked for
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that says nothing must not hold up the end

    def __init__(self, address: tuple[str, int], metrics: Callable[[], bytes], ailing: Callable[[], list[str]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.metrics, self.ailing = metrics, ailing
        self._free = threading.BoundedSemaphore(_MOST)
        super().__init__(address, _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)  # type: ignore[arg-type]
            return
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS
    server: _Server
    server_version, sys_version = "upheld", ""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(HTTPStatus.OK, CONTENT_TYPE, self.server.metrics())
            case "/healthz":
                wrong = self.server.ailing()
                status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
                self._answer(status, "text/plain; charset=utf-8", ("\n".join(wrong or ["ok"]) + "\n").encode())
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"there are /metrics and /healthz\n")

    do_HEAD = do_GET  # noqa: N815

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Who asks how things stand every few seconds is no news, either."""
