"""Real TLS servers on loopback, each started and stopped by whom it serves: nginx, openssl s_server, PostgreSQL, and Python's own."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from OpenSSL import SSL

from tests.world.servers import LOOPBACK, ServerError, stop
from tests.world.tls_responders import Handler

START_SECONDS = 30.0
POSTGRES_FOLDERS = "/usr/lib/postgresql"
_taken: set[int] = set()


def port() -> int:
    """A loopback port that nothing listens on, and that was not handed out before."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            number = int(probe.getsockname()[1])
        if number not in _taken:
            _taken.add(number)
            return number


def wait_for(number: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until something listens. Raises ServerError with what the process printed."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection((LOOPBACK, number), timeout=1):
            return
        time.sleep(0.02)
    raise ServerError(f"nothing listens on port {number}: {log.read_text(errors='replace')[-2000:]}")


# -- nginx -----------------------------------------------------------------------------------------------------------


@dataclass
class Nginx:
    """One nginx with a server block for each endpoint."""

    folder: Path
    workers: int = 1
    blocks: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def serve(
        self, chain: Path | Sequence[tuple[Path, Path]], key: Path | None = None, *, lines: Sequence[str] = (), address: str = LOOPBACK
    ) -> int:
        """A TLS server block that answers 200; `lines` are more directives. Gives its port."""
        pairs = [(chain, key)] if isinstance(chain, Path) else chain
        where = f"[{address}]" if ":" in address else address
        number = port()
        held = [f"listen {where}:{number} ssl;", *(f"ssl_certificate {one}; ssl_certificate_key {its};" for one, its in pairs)]
        if not any(line.startswith("location") for line in lines):
            held.append('location / { return 200 "good"; }')
        self.blocks.append("server {\n    " + "\n    ".join([*held, *lines]) + "\n}")
        self.ports.append(number)
        return number

    def plain(self, *lines: str) -> int:
        """A server block without TLS."""
        number = port()
        self.blocks.append(f"server {{ listen {LOOPBACK}:{number}; {' '.join(lines)} }}")
        self.ports.append(number)
        return number

    def also(self, number: int, chain: Path, key: Path, name: str) -> None:
        """Another name at a port that is served already."""
        self.blocks.append(
            f"server {{ listen {LOOPBACK}:{number} ssl; server_name {name}; ssl_certificate {chain}; ssl_certificate_key {key}; "
            'location / { return 200 "good"; } }'
        )

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        paths = "".join(f"{name}_temp_path {self.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        blocks = "\n".join(self.blocks)
        (self.folder / "nginx.conf").write_text(
            f"{user}daemon off; worker_processes {self.workers}; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log crit;\n"
            f"events {{ worker_connections 4096; }}\n"
            f"http {{\naccess_log off; server_tokens off;\n{paths}ssl_session_cache off;\n{blocks}\n}}\n"
        )
        log = self.folder / "nginx.out"
        command = [_program("nginx"), "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder), "-e", str(self.folder / "nginx.log")]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for(self.ports[-1], process, log)
            yield process
        finally:
            stop(process)


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise ServerError(f"{name} is not installed; the TLS bed needs nginx, openssl and postgresql of the distribution")
    return found


# -- openssl s_server ------------------------------------------------------------------------------------------------


@contextmanager
def s_server(folder: Path, *options: str, address: str = LOOPBACK) -> Iterator[int]:
    """`openssl s_server` with these options, answering HTTP; gives its port."""
    number = port()
    log = folder / f"s_server-{number}.log"
    command = [_program("openssl"), "s_server", "-accept", f"{address}:{number}", "-www", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(number, process, log)
        yield number
    finally:
        stop(process)


# -- PostgreSQL ------------------------------------------------------------------------------------------------------


@contextmanager
def postgres(chain: Path | None, key: Path | None) -> Iterator[int]:
    """A PostgreSQL of its own, with TLS or without; gives its port. It will not run as root, so it gets its own user there."""
    versions = sorted(Path(POSTGRES_FOLDERS).glob("*/bin"), key=lambda path: int(path.parent.name))
    if not versions:
        raise ServerError("postgresql is not installed; the TLS bed needs nginx, openssl and postgresql of the distribution")
    # a folder beside the tests' own, which is closed to other users; PostgreSQL may still be writing when it goes
    with TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as text:
        home, number = Path(text), port()
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        options = ["-c", f"port={number}", "-c", f"listen_addresses={LOOPBACK}", "-c", f"unix_socket_directories={home}", "-c", "fsync=off"]
        if chain is not None and key is not None:
            certificate, secret = Path(shutil.copy(chain, home / "server.crt")), Path(shutil.copy(key, home / "server.key"))
            options += ["-c", "ssl=on", "-c", f"ssl_cert_file={certificate}", "-c", f"ssl_key_file={secret}"]
        if as_user:
            for path in (home, *home.iterdir()):
                shutil.chown(path, "postgres")
        data, log = home / "data", home / "log"
        initdb = [*as_user, versions[-1] / "initdb", "--no-sync", "--auth", "trust", "-D", data]
        subprocess.run(initdb, check=True, capture_output=True, cwd=home)
        with log.open("wb") as output:
            command = [*as_user, versions[-1] / "postgres", "-D", data, *options]
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=home)
        try:
            wait_for(number, process, log)
            yield number
        finally:
            with suppress(OSError, ValueError):  # runuser does not hand signals on
                os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            stop(process)


# -- Python's own ----------------------------------------------------------------------------------------------------


def context(chain: Path, key: Path, *, least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    """A server's context of the ssl module."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = least
    made.load_cert_chain(chain, key)
    return made


def mute(context: ssl.SSLContext) -> Handler:
    """A TLS server that hangs up on hellos it does not like, without an alert, as asyncio's servers do."""

    def handler(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        held = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                held.do_handshake()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                data = connection.recv(65536)
                if not data:
                    return
                incoming.write(data)
            except ssl.SSLError:  # the alert is in `outgoing`, and stays there
                return
            else:
                break
        connection.sendall(outgoing.read())
        connection.recv(4096)

    return handler


def modern(chain: Path, key: Path) -> Handler:
    """A server of the OpenSSL that pyOpenSSL brings: with ML-KEM hybrids, and HSTS."""
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_min_proto_version(SSL.TLS1_2_VERSION)
    made.set_cipher_list(b"ECDHE+AESGCM:ECDHE+CHACHA20")
    made.use_certificate_chain_file(str(chain))
    made.use_privatekey_file(str(key))
    lock = threading.Lock()

    def handler(connection: socket.socket) -> None:
        with lock:
            session = SSL.Connection(made, None)
        session.set_accept_state()
        asked = b""
        while b"\r\n\r\n" not in asked:
            try:
                if session.get_state_string() and not session.get_finished():
                    session.do_handshake()
                asked += session.recv(4096)
            except SSL.WantReadError:
                _flush(session, connection)
                data = connection.recv(65536)
                if not data:
                    return
                session.bio_write(data)
            except SSL.Error:
                _flush(session, connection)
                return
        session.sendall(
            b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains; preload\r\nConnection: close\r\n\r\ngood"
        )
        _flush(session, connection)

    return handler


def _flush(session: SSL.Connection, connection: socket.socket) -> None:
    with suppress(SSL.WantReadError):
        while True:
            connection.sendall(session.bio_read(65536))


def oakley(folder: Path) -> Path:
    """Diffie-Hellman parameters of 1024 bits as PEM: the group of RFC 2409, 6.2."""
    path = folder / "oakley.pem"
    prime = b"\x00" + bytes.fromhex(_OAKLEY)
    body = b"\x02\x81" + bytes([len(prime)]) + prime + b"\x02\x01\x02"
    text = base64.b64encode(b"\x30\x81" + bytes([len(body)]) + body).decode()
    path.write_text(f"-----BEGIN DH PARAMETERS-----\n{text}\n-----END DH PARAMETERS-----\n")
    return path


_OAKLEY = (
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"
)
