"""What waits, and for whom: once for each sink and event, in order, and until its receiver has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent.ledger import LedgerError, tables
from agent.publish.notify import DeliveryError
from agent.publish.notify.outbox import LEASE, LONGEST, Message, put
from tests.agent.publish.notify.told import SECRET, Told, told
from tests.ledger.runs import run

WEBHOOK = '{webhook: "http://127.0.0.1:9/", secret: {env: HOOK}%s}'


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", SECRET)


def hooked(folder: Path, more: str = "") -> Told:
    return told(folder, WEBHOOK % more)


def claim(held: Told, later: int = 0) -> Message | None:
    held.time.seconds += later
    return held.delivery.outbox.claim(held.delivery.senders[0], held.time.seconds)


def taken(held: Told, later: int = 0) -> list[str]:
    """The resources of the next message."""
    message = claim(held, later)
    return [] if message is None else [event.resource for event in message.events]


def failed(held: Told, message: Message | None, **how: int | bool) -> bool:
    assert message is not None
    error = DeliveryError("refused", **how)  # type: ignore[arg-type]
    return held.delivery.outbox.failed(message, error, held.delivery.senders[0], held.time.seconds)


def sent(held: Told, message: Message | None) -> None:
    assert message is not None
    held.delivery.outbox.sent(message, "200", held.time.seconds)


def test_a_message_is_sent_once(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    sent(held, claim(held))
    assert claim(held, 10 * LONGEST) is None
    waiting = held.delivery.waiting()
    assert [(one.messages, one.sent, one.lost) for one in waiting.values()] == [(0, 1, 0)]


def test_a_run_that_is_not_recorded_is_told_to_nobody(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(5, {"a": "upheld"})
    with pytest.raises(LedgerError, match="only what is newer is recorded"):
        held.record(4, {"a": "broken"})
    assert claim(held) is None


def test_a_run_is_not_recorded_where_what_is_to_be_told_of_it_cannot_be_written(tmp_path: Path) -> None:
    held = hooked(tmp_path)

    def full(*_: object) -> None:
        raise LedgerError("the disk is full")

    one = run(0, {"a": "broken"})
    with pytest.raises(LedgerError, match="the disk is full"):
        held.ledger.append(one, held.signer, one.finished, {}, full)
    with held.ledger.database.writing() as connection:
        from agent.ledger.tables import runs

        assert connection.execute(select(func.count()).select_from(runs)).scalar_one() == 0


def test_a_run_that_is_recorded_again_is_not_told_again(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    assert held.record(0, {"a": "broken"}).again
    assert taken(held) == ["a"]
    assert claim(held, LEASE) is not None  # its lease has ended; another one there is not
    assert claim(held) is None


def test_an_event_that_a_sink_knows_is_not_put_in_again(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    message = claim(held)
    assert message is not None
    with held.ledger.database.writing() as connection:
        put(connection, held.delivery.senders, [*message.events, *message.events], held.time.seconds)
        assert connection.execute(select(func.count()).select_from(tables.messages)).scalar_one() == 1


def test_a_sink_gets_the_transitions_it_asked_for(tmp_path: Path) -> None:
    held = told(tmp_path, WEBHOOK % ", transitions: [repaired]", '{syslog: "udp://127.0.0.1:9", transitions: [broken]}')
    held.record(0, {"a": "broken", "b": "upheld"})
    held.record(1, {"a": "upheld", "b": "broken"})
    assert taken(held) == ["a"]
    outbox, syslog = held.delivery.outbox, held.delivery.senders[1]
    first = outbox.claim(syslog, held.time.seconds)
    assert first is not None
    outbox.sent(first, "", held.time.seconds)
    second = outbox.claim(syslog, held.time.seconds)
    assert second is not None
    assert [[event.resource for event in one.events] for one in (first, second)] == [["a"], ["b"]]


def test_what_somebody_is_sending_is_nobody_elses_until_its_lease_ends(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    first = claim(held)
    assert claim(held, LEASE - 1) is None
    again = claim(held, 1)
    assert first is not None
    assert again is not None
    assert (again.id, again.attempts, again.events) == (first.id, 2, first.events)


def test_waits_grow_up_to_an_hour_and_end_with_the_deadline(tmp_path: Path) -> None:
    held = hooked(tmp_path, ", deadline: 1h")
    held.record(0, {"a": "broken"})
    waits, start, given_up = [], held.time.seconds, False
    while not given_up:
        message = claim(held)
        since = held.time.seconds
        given_up = failed(held, message)
        while not given_up and claim_due(held) > held.time.seconds:
            held.time.seconds = claim_due(held)
        waits.append(held.time.seconds - since)
    assert waits == [5, 15, 45, 135, 405, 1215, LONGEST, 0]
    assert held.time.seconds - start == sum(waits)
    assert claim(held, 10 * LONGEST) is None
    assert [one.lost for one in held.delivery.waiting().values()] == [1]


def claim_due(held: Told) -> int:
    with held.ledger.database.reading() as connection:
        return int(connection.execute(select(tables.messages.c.due)).scalar_one())


def test_a_receiver_that_asks_for_time_gets_it_up_to_an_hour(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    failed(held, claim(held), after=600)
    assert (claim(held, 599), taken(held, 1)) == (None, ["a"])
    failed(held, claim(held, LEASE), after=10**6)
    assert (claim(held, LONGEST - 1), taken(held, 1)) == (None, ["a"])


def test_what_comes_behind_a_message_waits_with_it_unless_only_that_one_is_refused(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    held.record(1, {"a": "upheld"})
    first = claim(held)
    failed(held, first)
    assert claim(held) is None
    first = claim(held, 5)
    assert first is not None
    assert [event.occasion for event in first.events] == ["broken"]
    failed(held, first, blocks=False)
    second = claim(held)
    assert second is not None
    assert [event.occasion for event in second.events] == ["repaired"]


def test_a_receiver_that_is_gone_is_not_asked_again(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    assert failed(held, claim(held), final=True)
    assert claim(held, 10 * LONGEST) is None


def test_a_clock_that_is_set_back_holds_nothing_up(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    failed(held, claim(held))
    for step in (-3700, -86400, -40 * 86400):
        assert taken(held, step) == ["a"]  # it was to wait for five seconds, or belonged to somebody for two minutes


def test_a_digest_is_one_message_at_its_end(tmp_path: Path) -> None:
    held = hooked(tmp_path, ", digest: 1h")
    held.record(0, {"a": "broken"})
    held.time.seconds += 1800
    held.record(0.5, {"a": "upheld", "b": "broken"})
    assert claim(held, 1799) is None
    message = claim(held, 1)
    assert message is not None
    assert [(event.resource, event.occasion) for event in message.events] == [("a", "broken"), ("a", "repaired"), ("b", "broken")]
    sent(held, message)
    held.record(2, {"a": "upheld", "b": "upheld"})
    assert (claim(held, 3599), taken(held, 1)) == (None, ["b"])


def test_a_digest_that_is_being_sent_is_not_added_to(tmp_path: Path) -> None:
    held = hooked(tmp_path, ", digest: 1h")
    held.record(0, {"a": "broken"})
    first = claim(held, 3600)
    assert first is not None
    held.record(1, {"a": "broken", "b": "broken"})
    failed(held, first)
    again = claim(held, 5)
    assert again is not None
    assert again.events == first.events
    sent(held, again)
    assert (claim(held, 3590), taken(held, 5)) == (None, ["b"])


def test_many_events_are_several_messages_for_programs_and_one_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = told(tmp_path, WEBHOOK % "", '{slack: "https://hooks.example/T/B/X"}')
    names = [f"vol-{one:02}" for one in range(60)]
    held.record(0, dict.fromkeys(names, "broken"))
    sizes, seen = [], []
    while (message := claim(held)) is not None:
        sizes.append(len(message.events))
        seen += [event.resource for event in message.events]
        sent(held, message)
    assert (sizes, seen) == ([25, 25, 10], names)
    slack = held.delivery.outbox.claim(held.delivery.senders[1], held.time.seconds)
    assert slack is not None
    assert len(slack.events) == 60


def test_what_ended_long_ago_is_forgotten_and_what_waits_is_not(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    sent(held, claim(held))
    held.record(1, {"a": "upheld"})
    held.time.seconds += 91 * 86400
    held.record(2, {"a": "broken"})
    with held.ledger.database.reading() as connection:
        assert list(connection.execute(select(tables.messages.c.number)).scalars()) == [2, 3]
        assert connection.execute(select(func.count()).select_from(tables.events)).scalar_one() == 2


def test_what_waits_for_a_sink_that_is_there_no_more_is_given_up_after_a_month(tmp_path: Path) -> None:
    held = hooked(tmp_path)
    held.record(0, {"a": "broken"})
    outbox = held.delivery.outbox
    assert outbox.forsake([], held.time.seconds + 29 * 86400) == 0
    assert outbox.forsake([held.delivery.senders[0].name], held.time.seconds + 31 * 86400) == 0
    assert outbox.forsake([], held.time.seconds + 31 * 86400) == 1
    assert claim(held) is None
