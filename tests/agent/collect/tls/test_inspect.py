"""Where the inspector goes and where it does not, and what counts as a refusal."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.collect.tls.addresses import reserved
from agent.collect.tls.inspecting import Inspector, Seen, Target, plain_port
from agent.collect.tls.probe import Probe
from agent.collect.tls.wire import Door
from checks.model import Reason
from checks.tls.certificate import Roots
from checks.tls.hello import Version
from tests.world.tls_certificates import Certificates
from tests.world.tls_responders import SSL3, TLS10, TLS12, Actor, Handler, Responder, flaky, hang_up_hard
from tests.world.tls_servers import context, modern, port
from tests.world.tls_starttls import double
from tests.world.tls_verdicts import verdicts

LOOPBACK = ("127.0.0.1",)
AES, RC4 = 0x002F, 0x0005


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def inspect(*targets: Target, full: bool = True, plain: int | None = None, roots: Roots | None = None) -> list[Seen]:
    async def run() -> list[Seen]:
        inspector = Inspector(roots or Roots(()), lambda: datetime.now(UTC), lambda _: full, plain_port=lambda _: plain)
        return [seen async for seen in inspector.inspect(targets)]

    return asyncio.run(run())


def facts(seen: Seen) -> dict[str, Any]:
    assert seen.resource is not None
    return dict(seen.resource.data["addresses"][0])


def probe(handler: Handler, *, full: bool = True) -> Probe:
    """One server asked with raw hellos alone."""
    with Responder(handler) as running:
        asked = Probe(Door("a.test", "127.0.0.1", running.port), "a.test")
        asyncio.run(asked.run(full=full))
    return asked


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "168.63.129.16",
        "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
    ],
)  # fmt: skip
def test_link_local_metadata_and_other_addresses_of_no_server_are_not_asked(address: str) -> None:
    assert reserved(address, private_allowed=True) is not None


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd12::1", "::ffff:10.0.0.1"])
def test_private_addresses_are_asked_where_they_are_named_only(address: str) -> None:
    assert reserved(address, private_allowed=True) is None
    assert "nobody named it" in (reserved(address, private_allowed=False) or "")


def test_public_addresses_are_asked() -> None:
    assert [reserved(one, private_allowed=False) for one in ("198.41.0.4", "2606:4700::1111")] == [None, None]


def test_a_target_at_a_metadata_address_is_a_gap_without_a_connection() -> None:
    (seen,) = inspect(Target("169.254.169.254", 80))
    assert seen.resource is None
    assert "link-local or metadata" in seen.gaps[0].message


def test_a_found_name_at_a_private_address_is_a_gap() -> None:
    (seen,) = inspect(Target("localhost", port(), private_allowed=False))
    assert seen.resource is None
    assert "nobody named it" in seen.gaps[0].message


def test_of_several_addresses_those_that_may_be_asked_are_and_the_others_show() -> None:
    inspector = Inspector(Roots(()), lambda: datetime.now(UTC))
    held = inspector._permitted(Target("a.test"), ["127.0.0.1", "169.254.169.254"])
    assert held == (["127.0.0.1"], {"169.254.169.254": "a link-local or metadata address"})


def test_a_name_without_an_address_is_a_gap_and_the_run_goes_on(certificates: Certificates) -> None:
    with Responder(Actor({TLS12: [AES]}, certificates.served["rsa"].chain)) as running:
        held = inspect(Target("nowhere.invalid"), Target("a..b"), Target("good.test", running.port, at=LOOPBACK))
    lost = {seen.target.host: seen.gaps[0] for seen in held if seen.resource is None}
    assert set(lost) == {"nowhere.invalid", "a..b"}
    assert {gap.reason for gap in lost.values()} == {Reason.UNREACHABLE}
    assert all("has no address" in gap.message for gap in lost.values())
    assert [facts(seen)["outcome"] for seen in held if seen.resource] == ["inspected"]


def test_a_name_is_looked_for_at_every_address_it_has() -> None:
    (seen,) = inspect(Target("localhost", port()))
    assert seen.resource is not None
    wanted = sorted({str(one[4][0]) for one in socket.getaddrinfo("localhost", 443, type=socket.SOCK_STREAM)})
    assert [(one["address"], one["outcome"]) for one in seen.resource.data["addresses"]] == [(one, "refused") for one in wanted]


def test_a_fault_of_our_own_at_one_endpoint_loses_no_other(certificates: Certificates) -> None:
    def now() -> datetime:
        if next(count) == 0:
            raise RuntimeError("the clock stopped")
        return datetime.now(UTC)

    count = itertools.count()

    async def run() -> list[Seen]:
        return [seen async for seen in Inspector(Roots(()), now, at_once=1).inspect(targets)]

    with Responder(Actor({TLS12: [AES]}, certificates.served["rsa"].chain)) as running:
        targets = [Target(f"{name}.test", running.port, at=LOOPBACK) for name in ("first", "second")]
        first, second = asyncio.run(run())
    assert first.gaps[0].reason is Reason.FAILED
    assert "the clock stopped" in first.gaps[0].message
    assert facts(second)["outcome"] == "inspected"


def test_of_an_address_that_somebody_found_no_name_is_held_against_the_certificate(certificates: Certificates) -> None:
    """Its names are not the address: that is no fault, and whether they are the right ones nobody can say."""
    roots = Roots((certificates.public_root.certificate,))
    with Responder(modern(*certificates.file("ecdsa"))) as running:
        (named,) = inspect(Target("127.0.0.1", running.port), roots=roots)
        (found,) = inspect(Target("127.0.0.1", running.port, nameless=True), roots=roots)
    assert facts(named)["certificate"]["trust"]["wrong_name"] is True
    assert "wrong_name" not in facts(found)["certificate"]["trust"]
    assert facts(found)["certificate"]["trust"]["trusted"] is True
    held = {rule: verdict for (rule, _), verdict in verdicts([found]).items() if rule.startswith("tls-certificate")}
    assert held["tls-certificate-wrong-name"] == "unproven"
    assert "broken" not in held.values()
    assert "found by its address" in facts(found)["unanswered"][-1]
    assert facts(found)["enumerated"] is True


# -- HTTP ------------------------------------------------------------------------------------------------------------


def test_port_80_is_looked_at_beside_the_usual_ports_of_https_only() -> None:
    assert plain_port(Target("a.test")) == 80
    assert plain_port(Target("a.test", 993)) is None
    assert plain_port(Target("a.test", 443, "smtp")) is None


def answering(text: str) -> Handler:
    def handler(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(text.encode())

    return handler


def test_a_redirect_is_read_and_not_followed(certificates: Certificates) -> None:
    tls = Actor({TLS12: [AES]}, certificates.served["rsa"].chain)
    with Responder(answering("HTTP/1.1 200 OK\r\n\r\n")) as elsewhere:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\n\r\n"
        with Responder(answering(moved)) as plain, Responder(tls) as running:
            (seen,) = inspect(Target("a.test", running.port, at=LOOPBACK), plain=plain.port)
        assert elsewhere.connections == 0
    assert facts(seen)["plain_http"] == {"answers": True, "status": 301, "redirects": False}


@pytest.mark.parametrize("said", ["", "SSH-2.0-x\r\n", "HTTP/1.1 99999999 x\r\n\r\n", "HTTP/1.1\r\n\r\n"])
def test_what_is_no_http_on_port_80_is_not_known_to_answer_or_not(certificates: Certificates, said: str) -> None:
    with Responder(answering(said)) as plain, Responder(Actor({TLS12: [AES]}, certificates.served["rsa"].chain)) as running:
        (seen,) = inspect(Target("a.test", running.port, at=LOOPBACK), plain=plain.port)
    assert "answers" not in facts(seen)["plain_http"]


# -- refusals --------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(every=st.integers(2, 5), full=st.booleans())
def test_what_is_said_of_a_server_that_hangs_up_now_and_then_is_true(certificates: Certificates, every: int, full: bool) -> None:
    truth = {Version.TLS12: [AES, RC4], Version.TLS10: [AES], Version.SSL3: [RC4]}
    with Responder(Actor({int(key): held for key, held in truth.items()}, certificates.served["rsa"].chain)) as behind:
        asked = probe(flaky(behind.port, every), full=full)
    for key, spoken in asked.facts.get("versions", {}).items():
        assert spoken is (key in {"tls12", "tls10", "ssl3"}), key
    assert asked.facts.get("forbidden_offered", True) is True
    for key, suites in asked.facts.get("suites", {}).items():
        assert len(suites) == len(truth[Version[key.upper()]]), key


def test_a_server_that_hangs_up_on_what_it_refuses_is_known_to_refuse_it(certificates: Certificates) -> None:
    asked = probe(Actor({TLS12: [AES]}, certificates.served["rsa"].chain, refuses=None))
    assert asked.facts["suites"] == {"tls12": ["TLS_RSA_WITH_AES_128_CBC_SHA"]}
    assert asked.facts["versions"]["tls12"] is True
    assert not any(spoken for key, spoken in asked.facts["versions"].items() if key != "tls12")
    assert "flaky" not in asked.facts
    assert asked.facts["enumerated"] is True


def test_a_server_that_goes_away_in_the_middle_has_refused_nothing_after_that(certificates: Certificates) -> None:
    actor, count = Actor({TLS12: [AES, RC4], SSL3: [RC4]}, certificates.served["rsa"].chain), itertools.count()

    def handler(connection: socket.socket) -> None:
        if next(count) < 4:
            actor(connection)
        else:
            connection.recv(1)
            hang_up_hard(connection)

    asked = probe(handler)
    assert False not in {spoken for key, spoken in asked.facts["versions"].items() if key != "tls13"}
    assert asked.facts["unanswered"]
    assert asked.facts["enumerated"] is False


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("answers", [1, 2, 3])
def test_a_server_that_goes_away_after_a_real_handshake_was_inspected_and_has_refused_nothing(
    certificates: Certificates, full: bool, answers: int
) -> None:
    real, count = modern(*certificates.file("ecdsa")), itertools.count()

    def handler(connection: socket.socket) -> None:
        if next(count) < answers:
            real(connection)
        else:
            connection.recv(1)
            hang_up_hard(connection)

    with Responder(handler) as running:
        (seen,) = inspect(Target("a.bed.test", running.port, at=LOOPBACK), full=full)
    found = facts(seen)
    assert found["outcome"] == "inspected"
    assert found["agreed"]["version"] == "TLSv1.3"
    assert False not in {spoken for key, spoken in found["versions"].items() if key not in {"tls10", "tls11"}}
    assert "alert" not in found
    if full:
        assert found["enumerated"] is False


@pytest.mark.parametrize("most", [40, 100, 127, 200])
def test_a_stack_that_takes_few_suites_at_once_is_asked_in_parts(certificates: Certificates, most: int) -> None:
    asked = probe(Actor({TLS12: [AES, RC4], SSL3: [RC4]}, certificates.served["rsa"].chain, most_suites=most))
    if most >= 120:
        assert asked.facts["suites"] == {
            "tls12": ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA"], "ssl3": ["TLS_RSA_WITH_RC4_128_SHA"],
        }  # fmt: skip
        assert asked.facts["versions"]["ssl3"] is True
    else:  # fewer than any hello of ours: nothing is known, and nothing said
        assert asked.facts["outcome"] == "closed"
        assert "versions" not in asked.facts


def test_an_endpoint_that_takes_too_long_keeps_what_it_has_said(certificates: Certificates) -> None:
    actor, count = Actor({TLS12: [AES]}, certificates.served["rsa"].chain), itertools.count()

    def handler(connection: socket.socket) -> None:
        if next(count) < 2:
            actor(connection)
        else:
            while connection.recv(4096):
                pass

    with Responder(handler) as running:
        asked = Probe(Door("a.test", "127.0.0.1", running.port), "a.test", seconds=0.5)
        asyncio.run(asked.run(full=True))
    assert asked.facts["outcome"] == "inspected"
    assert asked.facts["unanswered"] == ["the time of 0.5 s was up"]
    assert asked.facts["enumerated"] is False
    assert False not in {asked.facts["versions"].get(key) for key in ("tls10", "tls11", "ssl3", "ssl2")}


# -- before TLS ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mail:
    """A mail server's words, in whole or in part."""

    said: bytes

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self.said)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (b"220 a\r\n250 b\r\n", "no-starttls"),
        (b"220 a\r\n250-STARTTLS\r\n250 x\r\n454 not now\r\n", "no-starttls"),
        (b"220-a\r\n" * 100, "not-tls"),
        (b"x" * 70_000, "not-tls"),
        (b"421 busy\r\n", "not-tls"),
        (b"220 a", "closed"),
        (b"", "closed"),
    ],
)
def test_only_a_server_that_says_so_does_not_offer_tls(said: bytes, outcome: str) -> None:
    with Responder(Mail(said)) as running:
        (seen,) = inspect(Target("a.test", running.port, "smtp", at=LOOPBACK))
    assert facts(seen)["outcome"] == outcome


def test_starttls_is_asked_for_by_name_and_the_certificate_is_of_that_name(certificates: Certificates, tmp_path: Path) -> None:
    chain, key = certificates.file("ecdsa")
    with Responder(double("imap", context(chain, key))) as running:
        roots = Roots((certificates.public_root.certificate,))
        (seen,) = inspect(Target("mail.bed.test", running.port, "imap", at=LOOPBACK), full=False, roots=roots)
    assert facts(seen)["certificate"]["trust"]["trusted"] is True
    assert "http" not in facts(seen)


@pytest.fixture
def busy(certificates: Certificates) -> Iterator[Callable[[], int]]:
    """A server that knows how many connections it had at once, at most."""
    held, most = [0], [0]
    actor = Actor({TLS12: [AES], TLS10: [AES]}, certificates.served["rsa"].chain)

    def handler(connection: socket.socket) -> None:
        held[0] += 1
        most[0] = max(most[0], held[0])
        try:
            actor(connection)
        finally:
            held[0] -= 1

    with Responder(handler) as running:

        def ask() -> int:
            inspector = Inspector(Roots(()), lambda: datetime.now(UTC), lambda _: False, at_once=4)

            async def run() -> int:
                return len([seen async for seen in inspector.inspect(Target(f"h{n}.test", running.port, at=LOOPBACK) for n in range(40))])

            assert asyncio.run(run()) == 40
            return most[0]

        yield ask


def test_sockets_are_bounded_however_many_endpoints_there_are(busy: Callable[[], int]) -> None:
    assert busy() <= 8  # four places, and what the server has not yet seen end
