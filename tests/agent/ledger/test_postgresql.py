"""The ledger in PostgreSQL: a real server of its own, which also goes away."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from getpass import getuser
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from agent.ledger import LedgerError, changes, tables
from agent.ledger.claim import claimed
from agent.ledger.history import History
from checks.change import Unit
from checks.changing import Unsettled
from checks.lifecycle import ENDED, Ending, Known, Status
from tests.agent.daemon.agents import agent, settle
from tests.ledger.runs import append, at, begin, fill, gone, run, verified
from tests.world.tls_servers import port, postgres


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres(None, None) as number:
        user = "postgres" if os.geteuid() == 0 else getuser()
        place = f"postgresql://{user}@127.0.0.1:{number}/"
        _wait(place)
        yield place


def _wait(place: str) -> None:
    """Until it takes connections: it listens before that."""
    admin, end = create_engine(place.replace("postgresql:", "postgresql+psycopg:") + "postgres"), time.monotonic() + 30
    while True:
        try:
            admin.connect().close()
        except OperationalError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            admin.dispose()
            return


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """A database of its own."""
    admin = create_engine(server.replace("postgresql:", "postgresql+psycopg:") + "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("create database held"))
    yield server + "held"
    with admin.connect() as connection:
        connection.execute(text("drop database held with (force)"))
    admin.dispose()


def test_runs_are_recorded_and_verified(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    fill(ledger, signer)
    assert verified(ledger, signer).problems == []
    with ledger.database.writing() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        connection.execute(tables.findings.update().where(tables.findings.c.resource == "vol-b").values(status="upheld"))
    assert verified(ledger, signer).problems == ["findings: the row 2 of findings was changed"]


def test_agents_take_turns_from_the_first_run_on(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda name: append(ledger, signer, run(1, {name: "upheld"})), "abcdefgh"))
    assert sorted(one.number for one in told) == list(range(1, 9))
    assert verified(ledger, signer).problems == []


def test_an_event_that_two_agents_were_given_is_dealt_with_once_and_each_keeps_its_own_doubts(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    many = [("queue", f"event-{number}") for number in range(1200)]

    def deal(part: str) -> list[Unsettled]:
        unit = Unit("aws.ec2.security_group", "111122223333", "eu-central-1")
        left = [Unsettled(f"{part}-{number}", "RunInstances", at(0), unit, None, "made", None, "") for number in range(2)]
        one = run(1, {f"vol-{part}": "upheld"}, part=part)
        ledger.append(one, signer, one.finished, {}, changes.put(many, left, 1000, part))
        return left

    with ThreadPoolExecutor(4) as pool:
        left = dict(zip("abcd", pool.map(deal, "abcd"), strict=True))
    assert changes.known(ledger.database, "queue", [event for _, event in many]) == {event for _, event in many}
    with ledger.database.reading() as connection:
        assert {row.run for row in connection.execute(select(tables.changes))} == {1}, "the first that was recorded"
    assert {part: list(changes.unsettled(ledger.database, part)) for part in "abcd"} == left
    assert verified(ledger, signer).problems == []


def test_a_server_that_goes_away_in_the_middle_loses_nothing(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    append(ledger, signer, run(0, {"vol-a": "upheld"}))

    def cut(_: Known) -> Ending | None:
        _end_connections(url)
        return None

    with pytest.raises(LedgerError, match=r"cannot be recorded: .*; nothing was half done") as told:
        append(ledger, signer, run(1, {"vol-b": "upheld"}, cut))
    assert "\n" not in str(told.value)
    again = append(ledger, signer, run(1, {"vol-b": "upheld"}))
    assert again.number == 2
    assert verified(ledger, signer).problems == []


def test_a_server_that_is_not_there_is_one_line_without_a_password(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path, f"postgresql://me:secret@127.0.0.1:{port()}/held")
    with pytest.raises(LedgerError, match=r"cannot be recorded: .*refused") as told:
        append(ledger, signer, run(0, {"vol-a": "upheld"}))
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_two_do_not_judge_a_part_at_once_and_the_next_takes_it_when_the_first_is_done(tmp_path: Path, url: str) -> None:
    ledger, _ = begin(tmp_path, url)
    tries: list[float] = []

    def refuse(seconds: float) -> bool:
        tries.append(seconds)
        return False

    with claimed(ledger.database, "eu", refuse) as still:
        still()
        with claimed(ledger.database, "us", refuse):
            pass
        with pytest.raises(LedgerError, match="the part eu is being judged by another agent"), claimed(ledger.database, "eu", refuse):
            pass
        assert len(tries) == 1
    with claimed(ledger.database, "eu", refuse) as still:
        still()


def test_a_claim_ends_with_the_process_that_held_it(tmp_path: Path, url: str) -> None:
    ledger, _ = begin(tmp_path, url)
    with suppress(LedgerError), claimed(ledger.database, "eu", lambda _: False):
        _end_connections(url)
        with claimed(ledger.database, "eu", lambda _: False):
            pass


@pytest.mark.parametrize("meanwhile", [False, True], ids=["nobody", "another agent"])
def test_a_claim_that_broke_counts_where_nobody_recorded_anything_meanwhile(tmp_path: Path, url: str, meanwhile: bool) -> None:
    ledger, signer = begin(tmp_path, url)
    append(ledger, signer, run(0, {"vol-a": "upheld"}, part="eu"))
    with claimed(ledger.database, "eu", lambda _: False) as still:
        _end_connections(url)
        append(ledger, signer, run(1, {"vol-b": "upheld"}, part="us"))  # which has nothing to do with it
        if meanwhile:
            append(ledger, signer, run(2, {"vol-a": "upheld"}, part="eu"))
            with pytest.raises(LedgerError, match="nothing of this run is recorded"):
                still()
        else:
            still()
            append(ledger, signer, run(2, {"vol-a": "broken"}, part="eu"))


def _end_connections(url: str) -> None:
    admin = create_engine(url.replace("postgresql:", "postgresql+psycopg:").removesuffix("held") + "postgres")
    with admin.connect() as connection:
        connection.execute(text("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'held'"))
    admin.dispose()


def test_parts_share_a_ledger_and_none_speaks_for_another(tmp_path: Path, url: str) -> None:
    ledger, signer = begin(tmp_path, url)
    append(ledger, signer, run(0, {"vol-eu": "broken"}, gone, part="eu"))
    append(ledger, signer, run(1, {"vol-us": "upheld"}, gone, part="us"))
    append(ledger, signer, run(2, {"vol-us": "upheld"}, gone, part="us"))
    assert verified(ledger, signer).problems == []
    with ledger.database.reading() as connection:
        told = History(connection, at(3))
        assert told.counts() == {"broken": 1, "upheld": 1}  # what one part does not see is not gone
        assert [span.verdict for span in told.promises()[0].spans] == ["broken"]  # and it upholds nothing in the place of the other
    append(ledger, signer, run(4, {"vol-eu": "upheld"}, gone, part="eu"))
    with ledger.database.reading() as connection:
        told = History(connection, at(50))
        assert [(span.verdict, span.stale) for span in told.promises()[0].spans] == [("broken", False), ("upheld", False)]
        assert History(connection, at(51)).promises()[0].spans[-1].stale  # the part that nobody looks at any more grows old by itself


@pytest.mark.enable_socket  # agents are begun over one
def test_two_agents_with_parts_of_the_configuration_write_one_ledger(tmp_path: Path, url: str) -> None:
    (tmp_path / "key").mkdir()
    _, signer = begin(tmp_path / "key")
    places = []
    for name in ("eu", "us"):
        place = tmp_path / name
        place.mkdir()
        ledger = f", metrics: null, ledger: {{url: '{url}', part: {name}, signing_key: {{env: SEAL}}}}"
        places.append(settle(place, every="{policy: 1h}", more=ledger))
    pem = {"SEAL": (tmp_path / "key" / "signing-key.pem").read_text()}
    with agent(places[0], environment=pem) as first, agent(places[1], environment=pem) as second:
        for times in (1, 2):
            for running in (first, second):
                running.until("run-ended", times=times)
                running.signal(signal.SIGUSR1)
        for running in (first, second):
            running.until("run-ended", times=3)
        assert (first.stop(), second.stop()) == (0, 0)
    recorded = [line["ledger_run"] for running in (first, second) for line in running.lines if line["event"] == "run-ended"]
    assert sorted(recorded) == list(range(1, len(recorded) + 1))
    ledger, _ = begin(tmp_path / "key", url)
    assert verified(ledger, signer).problems == []
    with ledger.database.reading() as connection:
        runs = set(connection.execute(select(tables.findings.c.resource).where(tables.findings.c.rule == "run-on-time")).scalars())
        assert runs == {"eu/policy", "us/policy"}
        assert not ENDED & set(map(Status, connection.execute(select(tables.findings.c.status)).scalars()))


class Way:
    """The way to a server, which is open or closed; at the port that agents know."""

    def __init__(self, target: int) -> None:
        self.target, self.number = target, port()
        self.held: list[socket.socket] = []
        self.listener: socket.socket | None = None

    def open(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.number))
        threading.Thread(target=self._serve, args=(self.listener,), daemon=True).start()

    def close(self) -> None:
        assert self.listener is not None
        for one in (self.listener, *self.held):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.held += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@pytest.mark.enable_socket  # agents are begun over one
def test_an_agent_waits_for_a_server_that_is_away_and_goes_on_when_it_is_back(tmp_path: Path, url: str) -> None:
    way = Way(make_url(url).port or 0)
    away = make_url(url).set(port=way.number).render_as_string(hide_password=False)
    with agent(settle(tmp_path, every="{policy: 1h}", more=f", metrics: null, ledger: {{url: '{away}'}}")) as running:
        assert "refused" in running.until("ledger-away")["detail"]
        way.open()
        running.until("run-ended", kind="whole")
        way.close()
        running.signal(signal.SIGUSR1)
        assert "nothing was half done" in running.until("run-failed")["detail"]
        way.open()
        running.signal(signal.SIGUSR1)
        assert running.until("run-ended", times=2)["ledger_run"] == 2
        way.close()
        running.signal(signal.SIGUSR1)
        running.until("run-failed", times=2)
        assert running.stop() == 0
    ledger, signer = begin(tmp_path / "state", url)
    assert verified(ledger, signer).problems == []


@pytest.mark.enable_socket  # agents are begun over one
def test_an_agent_that_waits_for_a_server_ends_when_it_is_told_to(tmp_path: Path) -> None:
    ledger = f", ledger: {{url: 'postgresql://me:secret@127.0.0.1:{port()}/held'}}"
    with agent(settle(tmp_path, more=ledger)) as running:
        running.until("ledger-away")
        assert running.stop() == 0
    assert "secret" not in str(running.lines)
