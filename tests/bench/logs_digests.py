"""A trail's log files fetched and held against its digests, where each GET takes 40 ms: as awscli does, and as we do.

    python -m tests.bench.logs_digests [--latency 0.04]

awscli (`aws cloudtrail validate-logs`) asks for one object after the other, reads 2,048 bytes at a time, and unpacks them with
zlib. We ask for 32 at once, and hash what was fetched. The server is a process
of its own; fetching is the benchmark's, unpacking, hashing and judging are the program's.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import multiprocessing
import random
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from agent.collect.logs.files import SAVED, LocalFiles
from agent.collect.logs.trail_files import read_trail
from checks.logs.digest import read_keys
from checks.logs.hours import Proof
from checks.logs.trail import examine
from tests.bench.logs_data import START, record
from tests.world.trails import Trail, key_list

HOURS, LOGS, RECORDS = 12, 20, 700
GETS: Final = 32
"""How many are under way at once: they wait for the network, and not for a processor."""


class Slow(SimpleHTTPRequestHandler):
    """Answers each GET after some time."""

    protocol_version = "HTTP/1.1"
    latency = 0.0

    def do_GET(self) -> None:
        time.sleep(self.latency)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 2 * GETS


def _serve(folder: str, latency: float, told: Connection) -> None:
    Slow.latency = latency
    server = Server(("127.0.0.1", 0), partial(Slow, directory=folder))
    told.send(server.server_port)
    server.serve_forever()


@contextmanager
def serving(folder: Path, latency: float) -> Iterator[int]:
    """The port."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(str(folder), latency, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def delivered(root: Path) -> Trail:
    chance, trail = random.Random(4), Trail(root, now=START)
    records = [record(chance, START + timedelta(seconds=second)) for second in range(3 * RECORDS)]
    for _ in range(HOURS):
        logs = [trail.log(trail.now + timedelta(minutes=2 * n), chance.sample(records, RECORDS), mark=str(n)) for n in range(LOGS)]
        trail.digest(logs)
    return trail


def get(connection: http.client.HTTPConnection, key: str) -> http.client.HTTPResponse:
    connection.request("GET", "/" + key)
    return connection.getresponse()


def as_awscli(port: int, trail: Trail) -> int:
    """Bytes that were hashed."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    hashed = 0
    for digest in trail.delivered:
        raw = zlib.decompress(get(connection, digest.key).read(), zlib.MAX_WBITS | 16)
        for named in json.loads(raw)["logFiles"]:
            found, unpacked = hashlib.sha256(), zlib.decompressobj(zlib.MAX_WBITS | 16)
            answer = get(connection, named["s3Object"])
            while piece := answer.read(2048):
                out = unpacked.decompress(piece)
                hashed += len(out)
                found.update(out)
            if found.hexdigest() != named["hashValue"]:
                sys.exit(f"{named['s3Object']} does not have its hash")
    return hashed


def as_upheld(port: int, trail: Trail, folder: Path) -> None:
    keys = [key for digest in trail.delivered for key in (digest.key, digest.key + SAVED, *digest.logs)]

    def fetch(some: list[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for key in some:
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(get(connection, key).read())
        connection.close()

    with ThreadPoolExecutor(GETS) as pool:
        list(pool.map(fetch, [keys[start::GETS] for start in range(GETS)]))
    files = read_trail([LocalFiles((folder,))], since=None, until=trail.now)
    report = examine(files.digests, files.logs, read_keys(key_list(0)), since=None, until=trail.now)
    (chain,) = report.chains
    if report.problems or any(row.proof is not Proof.PROVEN for row in chain.hours) or chain.logs != HOURS * LOGS:
        sys.exit(f"the trail does not hold: {report.problems[:3]}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.04)
    latency = parser.parse_args().latency
    with TemporaryDirectory(prefix="bench-") as scratch, TemporaryDirectory(prefix="bench-") as copy:
        trail = delivered(Path(scratch))
        found: dict[str, Any] = {"files": HOURS * LOGS, "latency": latency}
        with serving(Path(scratch), latency) as port:
            started = time.monotonic(), time.process_time()
            found["bytes"] = as_awscli(port, trail)
            between = time.monotonic(), time.process_time()
            as_upheld(port, trail, Path(copy))
            ended = time.monotonic(), time.process_time()
    for way, (start, end) in {"awscli": (started, between), "upheld": (between, ended)}.items():
        found[way] = {"wall": end[0] - start[0], "cpu": end[1] - start[1]}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
