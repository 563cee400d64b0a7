"""CAA records, from a resolver of our own."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import jsonschema
import pytest

from agent.collect.tls.caa import records
from agent.collect.tls.inspecting import Inspector, Target
from checks.tls.certificate import Roots
from tests.checks.tls.endpoints import BOOK, findings, verdicts
from tests.conftest import upheld
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


def ask(host: str, zone: Mapping[str, list[str]] = ZONE, code: int = dns.rcode.NOERROR) -> dict[str, Any]:
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
    held = ask(host)
    assert {name: held[name] for name in found} == found


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_resolver_that_cannot_tell_has_not_said_that_there_are_none(code: int) -> None:
    held = ask("bed.test", code=code)
    assert "restricted" not in held
    assert held["detail"].startswith("CAA of bed.test: ")


def endpoint(host: str, zone: Mapping[str, list[str]] = ZONE, code: int = dns.rcode.NOERROR, *, asked: bool = True) -> dict[str, Any]:
    """The data of an endpoint of this name on loopback."""

    async def run(number: int, port: int) -> dict[str, Any]:
        caa = (lambda host: records(host, ["127.0.0.1"], number, seconds=2)) if asked else None
        inspector = Inspector(Roots(()), lambda: datetime.now(UTC), lambda _: False, caa=caa)
        seen = await inspector.one(Target(host, port, at=("127.0.0.1",)))
        assert seen.resource is not None
        jsonschema.validate(seen.resource.data, BOOK.catalogue["tls.endpoint"].json_schema())
        return dict(seen.resource.data)

    with resolver(zone, code) as number, Responder(Actor({TLS12: [0x2F]}, [b""])) as running:
        return asyncio.run(run(number, running.port))


def test_an_endpoint_tells_of_them_where_somebody_wants_to_know() -> None:
    assert endpoint("a.bed.test")["caa"] == {
        "asked": True,
        "at": "bed.test",
        "records": ['0 iodef "mailto:a@bed.test"', '0 issue "ca.test"'],
        "restricted": True,
        "authorities": ["ca.test"],
    }
    assert endpoint("127.0.0.1")["caa"] == endpoint("a.bed.test", asked=False)["caa"] == {"asked": False}


@pytest.mark.parametrize(
    ("host", "code", "verdict"),
    [
        ("a.bed.test", dns.rcode.NOERROR, "upheld"),
        ("other.example", dns.rcode.NOERROR, "broken"),
        ("a.bed.test", dns.rcode.SERVFAIL, "unproven"),
        ("127.0.0.1", dns.rcode.NOERROR, None),
    ],
)
def test_the_rule_goes_by_what_the_resolver_says(host: str, code: int, verdict: str | None) -> None:
    assert verdicts(endpoint(host, code=code)).get("tls-dns-no-caa") == verdict


def test_why_it_is_not_known_stands_in_the_finding() -> None:
    (finding,) = (one for one in findings(endpoint("a.bed.test", code=dns.rcode.SERVFAIL)) if one.rule == "tls-dns-no-caa")
    assert "CAA of a.bed.test" in finding.explanation


def test_what_was_not_asked_for_is_no_finding() -> None:
    assert not {rule for rule in verdicts(endpoint("a.bed.test", asked=False)) if rule.startswith("tls-dns")}


# -- the command, and what it needs ----------------------------------------------------------------------------------


@pytest.fixture
def own_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system's resolver is ours: the library reads no configuration but this."""
    with resolver({"localhost.": ['0 issue "ca.test"']}) as number:

        def configured(self: dns.resolver.BaseResolver, _: Any) -> None:
            self.nameservers, self.port = ["127.0.0.1"], number

        monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", configured)
        yield


def test_the_command_asks_where_it_is_told_to(own_resolver: None) -> None:
    with Responder(Actor({TLS12: [0x2F]}, [b""])) as running:
        target = f"localhost:{running.port}"
        asked = upheld("tls", "--quick", "--caa", target, "--resolve", f"{target}:127.0.0.1", "--format", "json")
        silent = upheld("tls", "--quick", target, "--resolve", f"{target}:127.0.0.1", "--format", "json")
    (finding,) = (one for one in asked.report["findings"] if one["rule"] == "tls-dns-no-caa")
    assert finding["verdict"] == "upheld"
    assert finding["evidence"]["values"]["caa"]["records"] == ['0 issue "ca.test"']
    assert "tls-dns-no-caa" not in {one["rule"] for one in silent.report["findings"]}


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns.asyncresolver", None)
    monkeypatch.delitem(sys.modules, "agent.collect.tls.caa")
    monkeypatch.delattr("agent.collect.tls.caa")
    config = tmp_path / "upheld.yaml"
    config.write_text("schema: upheld.config/1\ncollect: {tls: {endpoints: [shop.example], alone: true, caa: true}}\n")
    for ended in (upheld("tls", "--caa", "shop.example"), upheld("collect", "-c", config, "-o", tmp_path / "estate")):
        assert (ended.code, ended.out) == (2, "")
        assert "pip install 'upheld[dns]'" in ended.err
        assert ended.err.count("\n") == 1
