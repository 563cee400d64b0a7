"""Those who are told, on loopback: an HTTP receiver that answers as it is bid, a mail server, and a listener for syslog."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from tests.world.tls_certificates import Holder, issue


@dataclass(frozen=True)
class Certified:
    """A certificate for loopback, as a server takes it, and the file of the root that it is under."""

    context: ssl.SSLContext
    root: Path


def certified(folder: Path, *, host: str = "127.0.0.1") -> Certified:
    authority = issue("Receiver Root", None, authority=True)
    leaf = issue("receiver", authority, names=[host])
    root, held = folder / "root.pem", folder / "leaf.pem"
    root.write_bytes(authority.pem)
    held.write_bytes(leaf.pem + _key(leaf))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(held)
    return Certified(context, root)


def _key(holder: Holder) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return cast("bytes", holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    """With names in small letters."""
    body: bytes


Answer = int | tuple[int, dict[str, str], bytes] | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Hook:
    """A receiver of webhooks. `answers` are given one after the other, then 200."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


@contextmanager
def hook(*answers: Answer, tls: Certified | None = None) -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.requests.append(Request(self.path, {name.lower(): held for name, held in self.headers.items()}, body))
            answer = one.answers.pop(0) if one.answers else 200
            try:
                if callable(answer):
                    answer(self)
                    return
                status, headers, said = (answer, {}, b"") if isinstance(answer, int) else answer
                self.send_response(status)
                for name, held in headers.items():
                    self.send_header(name, held)
                self.end_headers()
                self.wfile.write(said)
            except OSError:
                return  # the sender has gone, which is what the test is about

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            return

    server = _Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.context.wrap_socket(server.socket, server_side=True)
    one = Hook(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/hook", list(answers))
    with _serving(server):
        yield one


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        return  # a handshake that the sender broke off


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port at which each connection is handled by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=_handled, args=(handle, one)))
                threads[-1].start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in threads:
                one.join()


def _handled(handle: Callable[[socket.socket], None], one: socket.socket) -> None:
    with one:
        try:
            handle(one)
        except OSError:
            return


@dataclass
class MailServer:
    """A mail server. `says` replaces its answer to a command, once: `{"RCPT": ["550 no"]}`."""

    port: int = 0
    says: dict[str, list[str]] = field(default_factory=dict)
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    in_the_clear: list[str] = field(default_factory=list)
    """Commands that came before TLS."""


@contextmanager
def mail_server(tls: Certified | None = None, *, implicit: bool = False, **says: list[str]) -> Iterator[MailServer]:
    one = MailServer(says=says)

    def handle(connection: socket.socket) -> None:
        secured = tls is not None and implicit
        held = tls.context.wrap_socket(connection, server_side=True) if tls is not None and implicit else connection
        while held is not None:
            with held:
                held = _talk(held, one, tls, secured=secured)
            secured = True

    with listening(handle) as port:
        one.port = port
        yield one


def _talk(connection: socket.socket, one: MailServer, tls: Certified | None, *, secured: bool) -> socket.socket | None:
    """Speak SMTP; gives the connection again, under TLS, once it was asked for."""
    stream = connection.makefile("rwb")

    def say(text: str) -> None:
        stream.write(text.encode() + b"\r\n")
        stream.flush()

    if not secured or not one.in_the_clear:
        say(_said(one, "CONNECT", "220 ready"))
    while line := stream.readline():
        word = line.split()[0].decode().upper()
        if not secured:
            one.in_the_clear.append(word)
        match word:
            case "EHLO":
                offers = [] if secured or tls is None else ["STARTTLS"]
                lines = ["receiver", *offers, "AUTH PLAIN", "SMTPUTF8"]
                for place, text in enumerate(lines):
                    say(f"250{' ' if place == len(lines) - 1 else '-'}{text}")
            case "STARTTLS" if tls is not None:
                say("220 go on")
                stream.close()
                return tls.context.wrap_socket(connection, server_side=True)
            case "AUTH":
                one.logins.append(base64.b64decode(line.split()[2]).decode())
                say(_said(one, word, "235 welcome"))
            case "RCPT":
                answer = _said(one, word, "250 fine")
                if answer.startswith("250"):
                    one.recipients.append(line.decode().partition("<")[2].partition(">")[0])
                say(answer)
            case "DATA":
                say("354 go on")
                lines_: list[bytes] = []
                while (held := stream.readline()) not in {b".\r\n", b""}:
                    lines_.append(held.removeprefix(b"."))
                answer = _said(one, word, "250 taken")
                if answer.startswith("250"):
                    one.letters.append(cast("EmailMessage", message_from_bytes(b"".join(lines_), policy=default)))
                say(answer)
            case "QUIT":
                say("221 bye")
                return None
            case _:
                say(_said(one, word, "250 fine"))
    return None


def _said(one: MailServer, word: str, usual: str) -> str:
    return one.says[word].pop(0) if one.says.get(word) else usual


@dataclass
class Collector:
    """What came in, as it came."""

    url: str
    data: list[bytes] = field(default_factory=list)


@contextmanager
def datagrams(place: Path | None = None) -> Iterator[Collector]:
    """A listener for datagrams, at a port or at a socket of this machine; read with `received`."""
    family = socket.AF_INET if place is None else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0) if place is None else str(place))
        server.settimeout(10)
        one = Collector(f"udp://127.0.0.1:{server.getsockname()[1]}" if place is None else f"unix://{place}")
        yield one
        server.setblocking(False)
        while True:
            try:
                one.data.append(server.recv(65536))
            except BlockingIOError:
                return


@contextmanager
def stream(*, reset_after: int | None = None) -> Iterator[Collector]:
    """A collector over TCP, which closes when it has read all; or with a reset, when it has read so much."""
    one = Collector("")

    def handle(connection: socket.socket) -> None:
        while held := connection.recv(65536 if reset_after is None else reset_after):
            one.data.append(held)
            if reset_after is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                return

    with listening(handle) as port:
        one.url = f"tcp://127.0.0.1:{port}"
        yield one
