"""What may be asked for: names and addresses as people write them, and what is none of either."""

from __future__ import annotations

import asyncio
import errno
import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.collect.tls import wire
from agent.collect.tls.address import Visit
from agent.collect.tls.inspecting import Inspector, Seen, Target
from agent.collect.tls.targets import BadTarget, pinned, read
from agent.collect.tls.vantage import Vantage, here
from agent.collect.tls.wire import Door
from checks.tls.certificate import Roots
from tests.world.tls_certificates import Certificates
from tests.world.tls_responders import TLS12, Actor, Responder, silent


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("shop.example", "shop.example:443"),
        ("Shop.EXAMPLE.:8443", "shop.example:8443"),
        ("  shop.example\n", "shop.example:443"),
        ("https://shop.example/cart?a=1", "shop.example:443"),
        ("smtp://mail.example", "mail.example:25"),
        ("postgres://db.example:6432", "db.example:6432"),
        ("bücher.example", "xn--bcher-kva.example:443"),
        ("BÜCHER.example:8443", "xn--bcher-kva.example:8443"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example:443"),
        ("日本.example", "xn--wgv71a.example:443"),
        ("127.0.0.1:65535", "127.0.0.1:65535"),
        ("[::1]", "[::1]:443"),
        ("[2001:DB8:0::1]:8443", "[2001:db8::1]:8443"),
        ("2001:db8::1", "[2001:db8::1]:443"),
        ("_dmarc.shop.example", "_dmarc.shop.example:443"),
    ],
)
def test_endpoints_as_people_write_them(text: str, id_: str) -> None:
    assert read(text).id == id_


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no host"),
        (".", "no host"),
        (":443", "no host"),
        ("shop..example", "is no host name"),
        ("-shop.example", "is no host name"),
        ("shop example", "is no host name"),
        ("shop.example\x00", "is no host name"),
        (f"{'a' * 64}.example", "is no host name"),
        (".".join(["abcdefgh"] * 32), "no host"),
        ("bü\u0338cher\u2e2e.example", "is no host name"),
        ("\u200d.example", "is no host name"),
        ("shop.example:", "is no port"),
        ("shop.example:0", "from 1 to 65535"),
        ("shop.example:65536", "from 1 to 65535"),
        ("shop.example:-1", "is no port"),
        ("shop.example:\uff14\uff14\uff13", "is no port"),
        ("[::1]:99999", "is no port"),
        ("[::1", "[2001:db8::1]:443"),
        ("[::1]443", "[2001:db8::1]:443"),
        ("[fe80::1%eth0]:443", "zone"),
        ("1.2.3", "neither a name nor an address"),
        ("256.1.1.1", "neither a name nor an address"),
        ("gopher://shop.example", "is none of https"),
    ],
)
def test_what_is_no_endpoint_is_told_in_a_line(text: str, said: str) -> None:
    with pytest.raises(BadTarget, match=None) as told:
        read(text)
    assert said in str(told.value)


def test_pins_give_addresses_to_what_is_asked_for() -> None:
    (held,) = pinned([read("shop.example")], ["shop.example:443:192.0.2.1,[2001:db8::1]"])
    assert held.at == ("192.0.2.1", "2001:db8::1")


# -- where names lead ------------------------------------------------------------------------------------------------


def inspect(*targets: Target) -> dict[str, Seen]:
    async def run() -> dict[str, Seen]:
        inspector = Inspector(Roots(()), lambda: datetime.now(UTC), lambda _: False, vantage=Vantage("watch-1", ("192.0.2.53",)))
        return {seen.target.host: seen async for seen in inspector.inspect(targets)}

    return asyncio.run(run())


def test_a_name_that_leads_to_a_metadata_address_is_a_gap_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is the attacker's here."""
    really = socket.getaddrinfo
    leads = {"inside.test": "169.254.169.254", "mapped.test": "::ffff:169.254.169.254", "good.test": "127.0.0.1"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: really(leads.get(host, host), *rest, **more))
    with Responder(Actor({TLS12: [0x2F]}, [b""])) as running:
        held = inspect(*(Target(host, running.port) for host in leads))
    for host in ("inside.test", "mapped.test"):
        assert held[host].resource is None
        assert "a link-local or metadata address: it is not asked" in held[host].gaps[0].message
    assert held["good.test"].resource is not None


def test_an_address_without_a_way_there_shows_beside_the_one_that_answers(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    """No route for IPv6, as on many machines."""
    really = asyncio.open_connection

    async def without_ipv6(host: str, port: int, **more: Any) -> Any:
        if ":" in host:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return await really(host, port, **more)

    monkeypatch.setattr(wire.asyncio, "open_connection", without_ipv6)
    with Responder(Actor({TLS12: [0x2F]}, certificates.served["rsa"].chain)) as running:
        held = inspect(Target("a.test", running.port, at=("127.0.0.1", "2001:db8::7")))
    assert held["a.test"].resource is not None
    first, second = held["a.test"].resource.data["addresses"]
    assert (first["outcome"], second["outcome"], second["detail"]) == ("inspected", "unreachable", "Network is unreachable")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def test_an_address_has_one_budget_for_all_that_is_asked_of_it(certificates: Certificates) -> None:
    """What there was no time for is not asked, and told so."""
    answers = iter([Actor({TLS12: [0x2F]}, certificates.served["rsa"].chain)] * 6)

    def handler(connection: socket.socket) -> None:
        next(answers, silent)(connection)

    with Responder(handler) as running:
        visit = Visit(Door("a.test", "127.0.0.1", running.port), "a.test", 1, Roots(()), lambda: datetime.now(UTC), seconds=0.4)
        facts = asyncio.run(visit.look(full=True))
    assert facts["outcome"] == "inspected"
    assert facts["enumerated"] is False
    assert {"without_name", "plain_http"}.isdisjoint(facts)
    assert len([why for why in facts["unanswered"] if "was up" in why]) == 3


# -- from where it is looked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (Target("localhost"), {"found": "resolver", "resolvers": ["192.0.2.53"]}),
        (Target("127.0.0.1"), {"found": "address"}),
        (Target("a.test", at=("127.0.0.1",)), {"found": "given"}),
    ],
)
def test_from_where_it_is_looked_and_how_the_address_was_come_by_are_facts(
    certificates: Certificates, target: Target, told: dict[str, Any]
) -> None:
    with Responder(Actor({TLS12: [0x2F]}, certificates.served["rsa"].chain)) as running:
        held = inspect(Target(target.host, running.port, at=target.at))
    seen = held[target.host].resource
    assert seen is not None
    assert seen.data["vantage"] == {"host": "watch-1", **told}
    assert {one["from"] for one in seen.data["addresses"] if one["outcome"] == "inspected"} == {"127.0.0.1"}


def test_resolvers_are_read_where_the_system_names_them(tmp_path: Any) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# ours\nsearch example\nnameserver 192.0.2.53\nnameserver 2001:db8::53 # second\nnameserver\n")
    assert here(file) == Vantage(socket.gethostname(), ("192.0.2.53", "2001:db8::53"))
    assert here(tmp_path / "nowhere").resolvers == ()
