"""CAA records, from a resolver of our own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from agent.collect.tls import Inspector, Target
from agent.collect.tls_caa import records
from checks.tls.certificate import Roots
from tests.world.tls_responders import TLS12, Actor, Responder

ZONE = {"bed.test.": ['0 issue "ca.test"', '0 iodef "mailto:a@bed.test"'], "own.bed.test.": ['0 issue ";"']}


@contextmanager
def resolver(zone: Mapping[str, list[str]], code: int = dns.rcode.NOERROR) -> Iterator[int]:
    """A resolver on loopback that knows this zone; gives its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, client = endpoint.recvfrom(4096)
                if not data:
                    return
                answer = dns.message.make_response(dns.message.from_wire(data))
                answer.flags |= dns.flags.RA
                answer.set_rcode(code)
                name = answer.question[0].name
                if found := zone.get(name.to_text()):
                    answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CAA", *found))
                endpoint.sendto(answer.to_wire(), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield endpoint.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", endpoint.getsockname())
        thread.join()


def ask(host: str, zone: Mapping[str, list[str]] = ZONE, code: int = dns.rcode.NOERROR) -> dict[str, Any] | None:
    with resolver(zone, code) as number:
        return asyncio.run(records(host, ["127.0.0.1"], number, seconds=2))


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("bed.test", {"at": "bed.test", "records": ['0 iodef "mailto:a@bed.test"', '0 issue "ca.test"']}),
        ("a.b.bed.test", {"at": "bed.test", "records": ['0 iodef "mailto:a@bed.test"', '0 issue "ca.test"']}),
        ("www.own.bed.test", {"at": "own.bed.test", "records": ['0 issue ";"']}),
        ("other.example", {"at": "", "records": []}),
    ],
)
def test_the_nearest_name_with_records_counts(host: str, found: dict[str, Any]) -> None:
    assert ask(host) == found


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_resolver_that_cannot_tell_has_not_said_that_there_are_none(code: int) -> None:
    assert ask("bed.test", code=code) is None


def test_an_endpoint_tells_of_them_where_somebody_wants_to_know() -> None:
    async def run(number: int, port: int) -> list[dict[str, Any]]:
        inspector = Inspector(Roots(()), lambda: datetime.now(UTC), lambda _: False, caa=lambda host: records(host, ["127.0.0.1"], number))
        targets = [Target(host, port, at=("127.0.0.1",)) for host in ("a.bed.test", "127.0.0.1")]
        return [dict(seen.resource.data) async for seen in inspector.inspect(targets) if seen.resource]

    with resolver(ZONE) as number, Responder(Actor({TLS12: [0x2F]}, [b""])) as running:
        held = {data["host"]: data.get("caa") for data in asyncio.run(run(number, running.port))}
    assert held == {"a.bed.test": {"at": "bed.test", "records": ['0 iodef "mailto:a@bed.test"', '0 issue "ca.test"']}, "127.0.0.1": None}
