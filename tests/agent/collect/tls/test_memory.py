"""What is remembered of endpoints: quick while nothing changes, in full on first sight, on change, and when it is time again."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.collect.tls.inspecting import Inspector, Seen, Target
from agent.collect.tls.memory import Memory
from agent.schemas import schema
from checks.model import Reason, digest
from checks.tls.certificate import Roots
from tests.world.tls_certificates import Certificates
from tests.world.tls_responders import TLS10, TLS12, Actor, Handler, Responder, reset
from tests.world.tls_servers import modern
from tests.world.tls_verdicts import verdicts

WEEK, DAY = timedelta(days=7), timedelta(days=1)
START = datetime.now(UTC).replace(microsecond=0)
SCHEMA = jsonschema.Draft202012Validator(schema("tls-endpoint"))
AES, RC4, TRIPLE_DES = 0x002F, 0x0005, 0x000A


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@dataclass
class Watch:
    """An endpoint that is looked at again and again, at times of our choosing."""

    responder: Responder
    folder: Path
    answers: dict[str, Handler]
    notices: list[str] = field(default_factory=list)
    every: timedelta = WEEK

    def look(self, after: timedelta = timedelta(0), basis: str = "") -> Seen:
        memory = Memory(self.folder / "tls", basis, self.every, self.notices.append)
        inspector = Inspector(Roots(()), lambda: START + after, memory=memory, plain_port=lambda _: None)
        return asyncio.run(inspector.one(Target("a.bed.test", self.responder.port, at=("127.0.0.1",))))

    @property
    def file(self) -> Path:
        (only,) = (self.folder / "tls").iterdir()
        return only


@contextmanager
def watching(handler: Handler, folder: Path) -> Iterator[Watch]:
    answers = {"now": handler}

    def answer(connection: socket.socket) -> None:
        answers["now"](connection)

    with Responder(answer) as running:
        yield Watch(running, folder, answers)


@pytest.fixture
def watch(certificates: Certificates, tmp_path: Path) -> Iterator[Watch]:
    with watching(modern(*certificates.file("ecdsa")), tmp_path) as held:
        yield held


def data(seen: Seen) -> Mapping[str, Any]:
    """The data of an endpoint, which fits the published schema."""
    assert seen.resource is not None
    assert [error.message for error in SCHEMA.iter_errors(dict(seen.resource.data))] == []
    return seen.resource.data


def facts(seen: Seen) -> dict[str, Any]:
    return dict(data(seen)["addresses"][0])


def said(seen: Seen) -> dict[str, str]:
    return {rule: verdict for (rule, _), verdict in verdicts([seen]).items()}


def stamp(after: timedelta) -> str:
    return (START + after).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_first_sight_is_full_and_the_next_makes_four_connections(watch: Watch) -> None:
    first, second = watch.look(), watch.look(DAY)
    assert (data(first)["mode"], data(second)["mode"]) == ("full", "quick")
    assert 20 < first.connections <= 33
    assert second.connections == 4
    assert watch.responder.connections == first.connections + 4
    assert not watch.notices


def test_what_was_enumerated_stands_beside_as_facts_of_its_own_age(watch: Watch) -> None:
    first, second = watch.look(), watch.look(DAY)
    assert facts(first)["enumeration"] == {"at": stamp(timedelta(0))}
    held = facts(second)
    assert held["enumeration"]["at"] == stamp(timedelta(0))
    assert {"suites", "groups", "versions.tls12", "versions.ssl3"} <= set(held["enumeration"]["carried"])
    assert "versions.tls11" not in held["enumeration"]["carried"]  # which was asked again
    assert held["suites"] == facts(first)["suites"]
    assert said(second) == said(first)
    assert [(look.call, look.at) for look in second.looks] == [("TLS handshake", stamp(DAY)), ("TLS enumeration", stamp(timedelta(0)))]
    assert second.resource is not None
    assert second.resource.evidence == tuple(look.id for look in second.looks)


def test_a_change_that_the_quick_questions_see_brings_on_the_full_ones(certificates: Certificates, tmp_path: Path) -> None:
    chain = certificates.served["rsa"].chain
    with watching(Actor({TLS12: [AES]}, chain), tmp_path) as watch:
        assert said(watch.look())["tls-protocol-tls10"] == "upheld"
        watch.answers["now"] = Actor({TLS12: [AES, TRIPLE_DES], TLS10: [AES]}, chain)
        changed = watch.look(DAY)
        assert data(changed)["mode"] == "full"
        assert said(changed)["tls-protocol-tls10"] == said(changed)["tls-cipher-3des"] == "broken"
        assert facts(changed)["enumeration"] == {"at": stamp(DAY)}
        assert data(watch.look(2 * DAY))["mode"] == "quick"


def test_after_a_week_everything_is_asked_again(watch: Watch) -> None:
    watch.look()
    assert data(watch.look(WEEK - timedelta(seconds=1)))["mode"] == "quick"
    again = watch.look(WEEK)
    assert data(again)["mode"] == "full"
    assert facts(again)["enumeration"] == {"at": stamp(WEEK)}
    assert data(watch.look(WEEK + DAY))["mode"] == "quick"


def test_a_change_that_the_quick_questions_do_not_see_is_seen_within_a_week(certificates: Certificates, tmp_path: Path) -> None:
    """What stands beside is of its own age, and is shown to be."""
    chain = certificates.served["rsa"].chain
    with watching(Actor({TLS12: [AES]}, chain), tmp_path) as watch:
        watch.look()
        watch.answers["now"] = Actor({TLS12: [AES, 0x0035]}, chain)
        assert len(facts(watch.look(DAY))["suites"]["tls12"]) == 1
        assert len(facts(watch.look(WEEK))["suites"]["tls12"]) == 2


def test_an_enumeration_older_than_its_maximum_age_counts_no_more(watch: Watch) -> None:
    watch.every = timedelta(days=30)
    watch.look()
    fresh, stale = watch.look(8 * DAY), watch.look(8 * DAY + timedelta(seconds=1))
    assert said(fresh)["tls-protocol-ssl3"] == said(fresh)["tls-cipher-bits"] == "upheld"
    assert not fresh.gaps
    old = said(stale)
    assert old["tls-protocol-ssl3"] == old["tls-cipher-bits"] == old["tls-cipher-cbc"] == "unproven"
    assert old["tls-protocol-tls10"] == "upheld"  # of now
    assert not {"suites", "groups", "least_bits"} & set(facts(stale))
    assert facts(stale)["enumeration"] == {"at": stamp(timedelta(0)), "stale": True}
    assert [look.call for look in stale.looks] == ["TLS handshake"]
    (gap,) = stale.gaps
    assert (gap.reason, gap.field) == (Reason.STALE, "(enumeration)")
    assert stamp(timedelta(0)) in gap.message


def test_while_an_enumeration_fails_the_one_before_stands_for_a_day_more(certificates: Certificates, tmp_path: Path) -> None:
    chain = certificates.served["rsa"].chain
    good = Actor({TLS12: [AES]}, chain)
    with watching(good, tmp_path) as watch:
        watch.look()
        watch.answers["now"] = _only_the_first(10, good)
        late = watch.look(WEEK)
        assert data(late)["mode"] == "quick"
        assert facts(late)["enumeration"]["at"] == stamp(timedelta(0))
        watch.answers["now"] = _only_the_first(10, good)
        too_late = watch.look(8 * DAY + timedelta(seconds=1))
        assert facts(too_late)["enumeration"]["stale"] is True
        assert said(too_late)["tls-protocol-ssl3"] == "unproven"
        watch.answers["now"] = good
        assert data(watch.look(9 * DAY))["mode"] == "full"


def _only_the_first(count: int, handler: Handler) -> Handler:
    """A server that answers so many connections, and then hangs up on each."""
    left = iter(range(count))
    return lambda connection: handler(connection) if next(left, None) is not None else reset(connection)


def test_what_cannot_be_seen_now_is_not_made_up_of_what_was(watch: Watch, certificates: Certificates) -> None:
    watch.look()
    watch.answers["now"] = lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    clear = watch.look(DAY)
    assert facts(clear)["outcome"] == "plaintext"
    assert {rule for rule, verdict in said(clear).items() if verdict == "upheld"} == set()
    watch.answers["now"] = modern(*certificates.file("ecdsa"))
    assert data(watch.look(2 * DAY))["mode"] == "quick"


def test_a_certificate_that_ran_out_since_is_looked_at_again(certificates: Certificates, tmp_path: Path) -> None:
    """Of those that quick questions do not ask for, what was said of their trust holds no longer than they do."""
    with watching(modern(*certificates.file("ecdsa")), tmp_path) as watch:
        watch.look()
        record = json.loads(watch.file.read_text())
        ((_, held),) = record["addresses"].items()
        assert held["facts"]["without_name"]["not_after"] > stamp(DAY)
    from checks.tls.carried import Known

    known = Known(START, "", {"other_certificates": [{"not_after": stamp(DAY)}]})
    assert not known.is_due(START + DAY - timedelta(seconds=1), WEEK)
    assert known.is_due(START + DAY + timedelta(seconds=1), WEEK)
    assert known.is_stale(START + DAY + timedelta(seconds=1))


@pytest.mark.parametrize("damage", ["cut off", "altered", "another form", "no text", "not to be read"])
def test_a_damaged_memory_is_told_of_and_everything_is_asked_again(watch: Watch, damage: str) -> None:
    watch.look()
    file = watch.file
    match damage:
        case "cut off":
            file.write_bytes(file.read_bytes()[:-40])
        case "altered":
            file.write_text(file.read_text().replace('"ssl3": false', '"ssl3": true'))
        case "another form":
            file.write_text('{"schema": "upheld.tls-memory/1", "addresses": [], "sha256": ""}')
        case "no text":
            file.write_bytes(b"\xff\x00")
        case _:
            file.unlink()
            file.mkdir()
    again = watch.look(DAY)
    assert data(again)["mode"] == "full"
    assert watch.notices
    assert str(file) in watch.notices[0]
    assert f"a.bed.test:{watch.responder.port}" in watch.notices[0]


def test_with_other_roots_or_another_program_nothing_is_known(watch: Watch) -> None:
    watch.look(basis="one")
    assert data(watch.look(DAY, basis="other"))["mode"] == "full"
    assert data(watch.look(DAY, basis="other"))["mode"] == "quick"


def test_a_memory_of_a_time_to_come_is_none(watch: Watch) -> None:
    watch.look(DAY)
    assert data(watch.look())["mode"] == "full"


def test_addresses_are_remembered_each_for_itself(watch: Watch) -> None:
    watch.look()
    memory = Memory(watch.folder / "tls", "", WEEK, watch.notices.append)
    inspector = Inspector(Roots(()), lambda: START + DAY, memory=memory, plain_port=lambda _: None)
    target = Target("a.bed.test", watch.responder.port, at=("127.0.0.1", "::1"))
    seen = asyncio.run(inspector.one(target))
    known, new = data(seen)["addresses"]
    assert "carried" in known["enumeration"]
    assert new["outcome"] == "refused"
    assert data(seen)["mode"] == "quick"


def test_the_memory_is_for_its_owner_alone(watch: Watch) -> None:
    watch.look()
    assert (watch.folder / "tls").stat().st_mode & 0o777 == 0o700
    assert watch.file.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_remembered_is_told_of_and_the_run_goes_on(watch: Watch) -> None:
    (watch.folder / "tls").write_text("a file stands in its place")
    assert data(watch.look())["mode"] == "full"
    assert any("cannot be remembered" in notice for notice in watch.notices)
    assert os.listdir(watch.folder) == ["tls"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda below: st.lists(below) | st.dictionaries(st.text(), below)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=ANYTHING | st.builds(lambda held: {"schema": "upheld.tls-memory/1", "sha256": digest(held), "addresses": held}, ANYTHING))
def test_whatever_stands_in_the_file_nothing_is_known_by_it_and_nothing_breaks(tmp_path: Path, record: Any) -> None:
    notices: list[str] = []
    memory = Memory(tmp_path, "", WEEK, notices.append)
    memory._file("a.test:443").write_text(json.dumps(record))
    assert memory.recall("a.test:443", "") == {}
    assert notices
