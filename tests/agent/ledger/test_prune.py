"""Old records go, and what seals them stays: what is left is verified as before, and what was taken is told from what went on purpose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from agent.ledger import LedgerError, export, tables
from agent.ledger.evidence import FOLDER, Evidence
from agent.ledger.history import History
from agent.ledger.ledger import Ledger
from agent.ledger.prune import Pruning, prune
from agent.ledger.replay import Replay
from agent.ledger.signing import Signer
from tests.agent.ledger.estates import company
from tests.conftest import upheld
from tests.ledger.runs import HISTORY, append, at, begin, fill, gone, run, verified


def pruned(folder: Path, hour: float) -> tuple[Ledger, Signer, Pruning | None]:
    ledger, signer = begin(folder)
    fill(ledger, signer)
    return ledger, signer, prune(ledger, signer, Evidence(folder, 0), at(hour), at(6))


@pytest.mark.parametrize(("hour", "through"), [(0, None), (0.5, 1), (3, 3), (99, 4)])
def test_records_that_are_older_go_and_the_newest_stays(tmp_path: Path, hour: float, through: int | None) -> None:
    ledger, signer, told = pruned(tmp_path, hour)
    assert (told and told.through) == through
    shown = verified(ledger, signer)
    assert (shown.problems, shown.runs) == ([], 5)
    assert [note.startswith(f"runs 1 to {through}, ") for note in shown.notes] == ([True] if through else [])
    with ledger.database.reading() as connection:
        left = dict(connection.execute(select(tables.runs.c.number, tables.runs.c.record)).all())
        assert {number for number, record in left.items() if not record} == set(range(1, (through or 0) + 1))
        assert sum(History(connection, at(5)).counts().values()) == 4  # every finding is known still


def test_a_pruned_ledger_is_added_to_and_pruned_again(tmp_path: Path) -> None:
    ledger, signer, _ = pruned(tmp_path, 2)
    append(ledger, signer, run(7, {"vol-b": "upheld"}, gone))
    assert verified(ledger, signer).problems == []
    again = prune(ledger, signer, Evidence(tmp_path, 0), at(7), at(8))
    assert again is not None
    assert again.through == 5
    assert verified(ledger, signer).problems == []
    assert prune(ledger, signer, Evidence(tmp_path, 0), at(7), at(8)) is None


def test_proofs_of_what_is_left_are_as_good_as_before_and_of_what_went_there_are_none(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    heads = [append(ledger, signer, run(hour, verdicts, gone)).head for hour, verdicts in HISTORY]
    prune(ledger, signer, Evidence(tmp_path, 0), at(3), at(6))
    with ledger.database.reading() as connection:
        assert export.check_proof(export.inclusion(connection, 5), signer.verifier) is None
        assert export.check_proof(export.consistency(connection, heads[0]), signer.verifier) is None
        with pytest.raises(LedgerError, match="the record of run 2 was pruned"):
            export.inclusion(connection, 2)


def test_records_that_were_taken_are_no_pruning(tmp_path: Path) -> None:
    ledger, signer, _ = pruned(tmp_path, 2)
    with ledger.database.writing() as connection:
        connection.execute(update(tables.runs).where(tables.runs.c.number == 3).values(record=b""))
    assert "run 3: its record cannot be read" in verified(ledger, signer).problems[0]


def test_what_findings_came_to_before_is_sealed(tmp_path: Path) -> None:
    """Who rewrites how findings stood, where their records are not there any more, is contradicted by the first record that is."""
    ledger, signer, _ = pruned(tmp_path, 2)
    with ledger.database.writing() as connection:
        packed = connection.execute(select(tables.prunings.c.state)).scalar_one()
        replay = Replay.unpacked(packed)
        number, one = next(iter(replay.known.items()))
        replay.known[number] = replace(one, openings=9)
        connection.execute(update(tables.prunings).values(state=replay.packed()))
    problems = " ".join(verified(ledger, signer).problems)
    assert "how findings stood after the 2 runs that were pruned was changed" in problems
    assert "run 3 was held against findings that are not as the run before it left them" in problems


def test_nothing_is_pruned_on_top_of_what_was_edited(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    fill(ledger, signer)
    with ledger.database.writing() as connection:
        record = connection.execute(select(tables.runs.c.record).where(tables.runs.c.number == 1)).scalar_one()
        connection.execute(update(tables.runs).where(tables.runs.c.number == 2).values(record=record))
    with pytest.raises(LedgerError, match="nothing is pruned"):
        prune(ledger, signer, Evidence(tmp_path, 0), at(3), at(6))


def test_the_evidence_of_what_is_pruned_goes_with_it(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    evidence = Evidence(tmp_path, 10**9)
    for hour in range(3):
        estate = tmp_path / f"estate-{hour}"
        estate.mkdir()
        (estate / "manifest.json").write_text(str(hour))
        append(ledger, signer, run(hour, {"vol-a": "upheld"}), evidence.entry(evidence.pack(estate, at(hour))))
    prune(ledger, signer, evidence, at(2), at(3))
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    shown = verified(ledger, signer, evidence=evidence)
    assert (shown.problems, shown.archives) == ([], 1)


def test_it_is_pruned_as_a_user_says_or_as_is_configured(tmp_path: Path) -> None:
    company(tmp_path, more="agent: {ledger: {keep: 30d}}\n")
    (tmp_path / "state").mkdir()
    fill(*begin(tmp_path / "state"))
    assert upheld("ledger", "prune", cwd=tmp_path).out == "no record is that old: nothing was pruned\n"
    assert "is not a duration" in upheld("ledger", "prune", "--older-than", "soon", cwd=tmp_path).err
    told = upheld("ledger", "prune", "--older-than", "1s", cwd=tmp_path)
    assert (told.code, told.out.startswith("the records of runs up to 4 are pruned")) == (0, True)
    shown = upheld("ledger", "verify", cwd=tmp_path)
    assert (shown.code, "runs 1 to 4, " in shown.out) == (0, True)
