"""Adding runs to a ledger: whole or not at all, once, in order, under one key."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent.ledger import LedgerError, tables
from agent.ledger.export import run as read
from agent.ledger.history import History
from agent.ledger.ledger import HEAD_FILE
from agent.ledger.run_record import pack, unpack
from agent.ledger.signing import FILE
from checks.lifecycle import Change, Status
from checks.model import digest
from tests.ledger.runs import DAY, HISTORY, append, at, begin, fill, gone, record, run, verified


def statuses(folder: Path) -> dict[str, str]:
    ledger, _ = begin(folder)
    with ledger.database.reading() as connection:
        table = tables.findings
        return {row.resource: row.status for row in connection.execute(select(table.c.resource, table.c.status))}


def test_runs_are_remembered_and_told_apart(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    told = [append(ledger, signer, run(hour, verdicts, gone)) for hour, verdicts in HISTORY]
    assert [one.number for one in told] == [1, 2, 3, 4, 5]
    assert [one.previous for one in told] == [None, at(0), at(1), at(2), at(3)]
    changes = [{known.resource.id: one.change for one, known in recorded.turns} for recorded in told]
    assert changes == [
        {"vol-a": Change.BROKEN, "vol-b": Change.FOUND, "vol-c": Change.FOUND},
        {"vol-a": Change.REPAIRED, "vol-c": Change.PROVEN},
        {"vol-b": Change.BROKEN, "vol-c": Change.GONE},
        {"vol-a": Change.REOPENED, "vol-b": Change.CHANGED, "vol-d": Change.FOUND},
        {"vol-a": Change.EVIDENCE_LOST},
    ]
    assert statuses(tmp_path) == {"vol-a": "unproven", "vol-b": "broken", "vol-c": "gone", "vol-d": "upheld"}
    assert verified(ledger, signer).problems == []


def test_a_run_that_sees_the_same_adds_no_observation(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    for hour in range(3):
        append(ledger, signer, run(hour, {"vol-a": "upheld", "vol-b": "broken"}))
    with ledger.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.observations)).scalar_one() == 2
        assert set(connection.execute(select(tables.findings.c.last_seen)).scalars()) == {at(2)}


def test_the_same_run_is_recorded_once(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    first = append(ledger, signer, run(0, {"vol-a": "broken"}))
    again = append(ledger, signer, run(0, {"vol-a": "broken"}))
    assert (again.number, again.again, again.head) == (1, True, first.head)
    assert verified(ledger, signer).runs == 1


def test_a_run_older_than_the_newest_is_refused(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(5, {"vol-a": "broken"}))
    with pytest.raises(LedgerError, match="only what is newer is recorded"):
        append(ledger, signer, run(4, {"vol-a": "upheld"}))
    assert statuses(tmp_path) == {"vol-a": "broken"}


def test_an_estate_of_the_future_is_refused(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    with pytest.raises(LedgerError, match="what is of the future is not recorded"):
        ledger.append(run(5, {"vol-a": "broken"}), signer, at(3), {})
    assert ledger.append(run(5, {"vol-a": "broken"}), signer, at(4.5), {}).number == 1


def test_a_clock_that_is_set_back_stops_no_live_run(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(30, {"vol-a": "broken"}))
    back = append(ledger, signer, replace(run(6, {"vol-a": "upheld"}), live=True))
    assert [one.change for one, _ in back.turns] == [Change.REPAIRED]
    assert verified(ledger, signer).problems == []
    with ledger.database.reading() as connection:
        (told,) = History(connection, at(6)).promises()
    assert [span.verdict for span in told.spans] == ["broken", "upheld"]
    assert told.spans[-1].start == told.spans[-1].end


def test_a_partial_run_leaves_what_it_did_not_look_at_until_it_is_stale(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "upheld", "vol-b": "upheld"}, age=DAY))
    append(ledger, signer, run(20, {"vol-b": "upheld"}, partial=True, age=DAY))
    assert statuses(tmp_path) == {"vol-a": "upheld", "vol-b": "upheld"}
    with ledger.database.reading() as connection:
        told = History(connection, at(30))
        assert [told.stale(told.finding(digest(name))) for name in ("vol-a", "vol-b")] == [True, False]
        assert told.counts() == {"stale": 1, "upheld": 1}
    recorded = append(ledger, signer, run(40, {"vol-b": "upheld"}, partial=True, age=DAY))
    assert [(one.after, one.change) for one, _ in recorded.turns] == [(Status.UNPROVEN, Change.EVIDENCE_LOST)]
    assert verified(ledger, signer).problems == []


def test_a_partial_run_does_not_take_a_finding_from_other_promises(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    both = run(0, {"vol-a": "upheld"})
    held = {**record("vol-a", "upheld"), "promises": ["all", "at-rest"]}
    append(ledger, signer, replace(both, findings=lambda: iter([held])))
    recorded = append(ledger, signer, run(1, {"vol-a": "upheld"}, partial=True))
    assert recorded.turns == []
    with ledger.database.reading() as connection:
        assert History(connection, at(1)).finding(digest("vol-a")).promises == ("all", "at-rest")


def test_many_at_once_are_recorded_one_after_the_other(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    ledger.ready(signer)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda name: append(ledger, signer, run(1, {name: "upheld"})), "abcdefgh"))
    assert sorted(one.number for one in told) == list(range(1, 9))
    assert verified(ledger, signer).problems == []


def test_another_key_records_nothing(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "broken"}))
    (tmp_path / FILE).unlink()
    _, other = begin(tmp_path)
    with pytest.raises(LedgerError, match=f"sealed with the key {signer.verifier.id[:16]}"):
        append(ledger, other, run(1, {"vol-a": "upheld"}))
    assert statuses(tmp_path) == {"vol-a": "broken"}


def test_nothing_is_recorded_on_a_ledger_that_was_cut_off(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    fill(ledger, signer)
    (tmp_path / "ledger.db").unlink()
    with pytest.raises(LedgerError, match=r"is not the one|was cut off, or restored from an older copy"):
        append(ledger, signer, run(9, {"vol-a": "upheld"}))


def test_nothing_is_recorded_on_what_does_not_fit_its_seal(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "broken"}))
    (tmp_path / HEAD_FILE).unlink()
    with ledger.database.writing() as connection:
        connection.execute(tables.checkpoints.update().values(root=b"\0" * 32))
    with pytest.raises(LedgerError, match="does not fit its seal"):
        append(ledger, signer, run(1, {"vol-a": "upheld"}))


def test_the_newest_head_is_kept_outside_of_the_ledger(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    recorded = append(ledger, signer, run(0, {"vol-a": "broken"}))
    assert json.loads((tmp_path / HEAD_FILE).read_text()) == recorded.head.record
    (tmp_path / HEAD_FILE).write_text("{")
    with pytest.raises(LedgerError, match=r"ledger-head\.json cannot be read"):
        append(ledger, signer, run(1, {"vol-a": "upheld"}))


def test_values_that_canonical_json_cannot_hold_are_recorded_as_text(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    held = record("vol-\ud800", "broken", "c")
    held["evidence"]["values"] = {"big": 2**63, "not": float("nan"), "\udfff": "\ud83d", "fine": 1.5}
    append(ledger, signer, replace(run(0, {}), findings=lambda: iter([held])))
    assert verified(ledger, signer).problems == []
    with ledger.database.reading() as connection:
        values = read(connection, 1)["observed"][0]["finding"]["evidence"]["values"]
    assert values == {"big": "9223372036854775808", "not": "nan", "\\udfff": "\\ud83d", "fine": 1.5}


def test_history_of_an_empty_state_directory_is_one_line(tmp_path: Path) -> None:
    ledger, _ = begin(tmp_path)
    with pytest.raises(LedgerError, match="there is no ledger at"), ledger.database.reading():
        pass


def test_a_promise_has_shares_and_repairs(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    for hour, verdict in ((0, "broken"), (6, "upheld"), (12, "upheld")):
        append(ledger, signer, run(hour, {"vol-a": verdict}))
    with ledger.database.reading() as connection:
        (told,) = History(connection, at(24)).promises()
        assert (told.id, told.runs, list(told.repairs)) == ("at-rest", 3, [timedelta(hours=6)])
        assert told.shares == {"upheld": 0.75, "unproven": 0.0, "broken": 0.25}
        with pytest.raises(LedgerError, match="no run judged a promise 'none'; the ledger knows at-rest"):
            History(connection, at(24)).promises("none")


def test_a_promise_whose_last_run_is_of_a_time_to_come_is_not_shown_as_fresh(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(72, {"vol-a": "upheld"}))
    with ledger.database.reading() as connection:
        (told,) = History(connection, at(6)).promises()
        assert (told.spans[-1].verdict, told.spans[-1].stale) == ("unproven", True)
        assert History(connection, at(6)).counts() == {"stale": 1}


def test_findings_that_were_edited_while_a_run_was_on_its_way_are_not_gone_by(tmp_path: Path) -> None:
    """Who knows how a finding will be broken could write that into the table, and afterwards take it out again: the run would have
    nothing to tell, and the ledger look as it was sealed."""
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "upheld"}))
    other, _ = begin(make(tmp_path / "elsewhere"))
    append(other, signer, run(1, {"vol-a": "broken"}))
    with other.database.reading() as connection:
        foreseen = dict(connection.execute(select(tables.findings)).mappings().one())
    with ledger.database.writing() as connection:
        connection.execute(tables.findings.update().values(foreseen))
    with pytest.raises(LedgerError, match="the table of findings is not as the newest run left it"):
        append(ledger, signer, run(1, {"vol-a": "broken"}))


def test_a_record_that_was_edited_is_not_gone_by(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "upheld"}))
    with ledger.database.writing() as connection:
        stored = connection.execute(select(tables.runs.c.record)).scalar_one()
        record, _ = unpack(stored)
        connection.execute(tables.runs.update().values(record=pack({**record, "promises": []})[0]))
    with pytest.raises(LedgerError, match="the record of run 1 is not the one that was sealed"):
        append(ledger, signer, run(1, {"vol-a": "broken"}))


def test_findings_that_hold_what_no_run_put_there_are_not_gone_by(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "upheld"}))
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("update findings set cause = x'00ff'")
    with pytest.raises(LedgerError, match="holds what no run can have put there"):
        append(ledger, signer, run(1, {"vol-a": "broken"}))


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_what_rests_on_earlier_looks_is_no_fresher_than_they_are(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "upheld", "vol-b": "upheld", "vol-c": "upheld"}))
    looked = {digest("vol-a"): at(5), digest("vol-b"): at(5), digest("vol-d"): at(6), digest("vol-e"): ""}
    found = {"vol-a": "upheld", "vol-b": "broken", "vol-c": "upheld", "vol-d": "upheld", "vol-e": "unproven"}
    append(ledger, signer, replace(run(20, found), looked=looked))
    with ledger.database.reading() as connection:
        told = History(connection, at(20))
        seen = {name: told.finding(digest(name)).last_seen for name in found}
        assert seen == {"vol-a": at(0), "vol-b": at(5), "vol-c": at(20), "vol-d": at(6), "vol-e": at(20)}
        assert told.finding(digest("vol-b")).status is Status.BROKEN
    assert verified(ledger, signer).problems == []
    append(ledger, signer, run(21, {"vol-a": "upheld", "vol-b": "broken"}))
    assert verified(ledger, signer).problems == []
