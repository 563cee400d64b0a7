"""Keys that follow each other: each is introduced by the one before, and where that was lost, a person answers for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from agent.ledger import LedgerError, export, keys, tables
from agent.ledger.keys import Introduction, introduce
from agent.ledger.ledger import HEAD_FILE, Ledger, signed_head
from agent.ledger.rotation import NEXT, rotate
from agent.ledger.signing import FILE, PUBLIC_FILE, Signer, make_key, read_signer
from agent.ledger.verify import Verification, verify
from tests.agent.ledger.estates import company
from tests.conftest import upheld
from tests.ledger.runs import append, at, begin, run

LOST = {"owner": "ciso@shop.example", "reason": "the disk died"}


def key(folder: Path, name: str) -> Signer:
    file = folder / name
    make_key(file)
    return read_signer(file.read_text(), name)


def found(ledger: Ledger, signer: Signer) -> Verification:
    anchor = ledger.anchor()
    with ledger.database.reading() as connection:
        return verify(connection, signer.verifier, {"here": anchor} if anchor else {}, None)


def rotated(folder: Path, *, lost: dict[str, str] | None = None) -> tuple[Ledger, Signer, Signer]:
    """Two runs under one key, two under the next."""
    ledger, old = begin(folder)
    for hour in range(2):
        append(ledger, old, run(hour, {"vol-a": "upheld"}))
    new = key(folder, "new.pem")
    rotate(ledger, None if lost else old, new, at(2), lost, old.verifier if lost else None)
    for hour in range(2, 4):
        append(ledger, new, run(hour, {"vol-a": "broken"}))
    return ledger, old, new


def test_a_key_that_the_one_before_introduced_is_followed_from_either(tmp_path: Path) -> None:
    ledger, old, new = rotated(tmp_path)
    for known in (old, new):
        assert found(ledger, known).problems == []
    (note,) = found(ledger, old).notes
    assert note.startswith(f"from run 3 on, sealed with the key {new.verifier.id[:16]}, introduced by {old.verifier.id[:16]}")
    stranger = key(tmp_path, "stranger.pem")
    assert f"is verified with {stranger.verifier.id[:16]}" in found(ledger, stranger).problems[0]


def test_the_old_key_seals_nothing_any_more(tmp_path: Path) -> None:
    ledger, old, _ = rotated(tmp_path)
    with pytest.raises(LedgerError, match="rotate"):
        append(ledger, old, run(9, {"vol-a": "upheld"}))


def test_a_head_of_the_old_key_is_none_after_it(tmp_path: Path) -> None:
    """Whoever stole the old key cannot go on with it."""
    ledger, old, _ = rotated(tmp_path)
    with ledger.database.writing() as connection:
        row = connection.execute(tables.checkpoints.select().where(tables.checkpoints.c.size == 4)).one()
        origin = connection.execute(tables.ledger.select()).one().origin
        forged = old.sign(signed_head(row, origin).head.message)
        held = tables.checkpoints.c.size == 4
        connection.execute(update(tables.checkpoints).where(held).values(key=old.verifier.id, signature=forged))
    assert "the head of 4 runs is not signed with the key" in found(ledger, old).problems[0]


def test_a_lost_key_shows_and_only_who_trusts_the_new_one_goes_on(tmp_path: Path) -> None:
    ledger, old, new = rotated(tmp_path, lost=LOST)
    trusting = found(ledger, new)
    assert trusting.problems == []
    assert "by itself" in trusting.notes[0]
    assert "ciso@shop.example (the disk died)" in trusting.notes[0]
    (problem,) = found(ledger, old).problems
    assert "nothing of the key before it says that it may" in problem


def test_nobody_without_the_key_brings_in_another(tmp_path: Path) -> None:
    """Who can write to the database, and has no key of it, introduces their own as if one had been lost."""
    ledger, old = begin(tmp_path)
    append(ledger, old, run(0, {"vol-a": "broken"}))
    mine = key(tmp_path, "mine.pem")
    rotate(ledger, None, mine, at(1), LOST, old.verifier)
    append(ledger, mine, run(1, {"vol-a": "upheld"}))
    (tmp_path / HEAD_FILE).unlink()
    assert found(ledger, old).problems
    with pytest.raises(LedgerError, match="sealed with the key"):
        append(ledger, old, run(2, {"vol-a": "broken"}))


def test_an_introduction_that_was_forged_or_taken_out_is_found(tmp_path: Path) -> None:
    ledger, old, new = rotated(tmp_path)
    with ledger.database.reading() as connection:
        (one,) = keys.stored(connection)
    forged = introduce(Introduction(**{**_plain(one), "lost": None}), None, new)
    for change in (
        update(tables.keys).values(introduction=keys.row(forged)["introduction"]),
        delete(tables.keys),
        insert(tables.keys).values(after=9, introduction=keys.row(one)["introduction"]),
    ):
        with ledger.database.writing() as connection:
            connection.execute(delete(tables.keys))
            connection.execute(insert(tables.keys), keys.row(one))
            connection.execute(change)
        assert found(ledger, old).problems
        assert found(ledger, new).problems


def _plain(one: Introduction) -> dict[str, object]:
    names = ("ledger", "size", "root", "heads", "time", "old", "old_public", "public", "lost")
    return {name: getattr(one, name) for name in names}


def test_a_proof_leads_from_the_key_that_somebody_knows_to_the_one_that_sealed_it(tmp_path: Path) -> None:
    ledger, old, new = rotated(tmp_path)
    with ledger.database.reading() as connection:
        told = json.loads(json.dumps(export.inclusion(connection, 4)))
    assert export.check_proof(told, old.verifier) is None
    assert export.check_proof(told, new.verifier) is None
    assert export.check_proof({**told, "keys": []}, old.verifier) == "its head is not signed with this key"


def test_the_key_of_the_state_directory_gives_way_to_a_new_one(tmp_path: Path) -> None:
    company(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    ledger, old = begin(state)
    append(ledger, old, run(0, {"vol-a": "upheld"}))
    ended = upheld("ledger", "rotate", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert f"in the place of {old.verifier.id[:16]}" in ended.out
    assert (state / FILE).stat().st_mode & 0o777 == 0o600
    shown = upheld("ledger", "verify", cwd=tmp_path)
    assert (shown.code, shown.out.splitlines()[1].startswith("1 run, each as it was sealed")) == (0, True)
    assert "introduced by" in shown.out
    again = upheld("ledger", "rotate", cwd=tmp_path)
    assert "record one before it is changed again" in again.err
    assert upheld("ledger", "verify", cwd=tmp_path).code == 0


def test_a_rotation_that_was_interrupted_is_finished(tmp_path: Path) -> None:
    """The ledger names the new key, and the process died before the file took the place of the old one."""
    company(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    ledger, old = begin(state)
    append(ledger, old, run(0, {"vol-a": "upheld"}))
    new = key(state, NEXT)
    rotate(ledger, old, new, at(1), None, None)
    with pytest.raises(LedgerError, match="`upheld ledger rotate`"):
        append(ledger, old, run(2, {"vol-a": "upheld"}))
    assert upheld("ledger", "rotate", cwd=tmp_path).out == "the rotation that had begun is finished\n"
    _, signer = begin(state)
    assert append(ledger, signer, run(2, {"vol-a": "upheld"})).number == 2


def test_a_key_that_is_gone_is_replaced_by_who_answers_for_it(tmp_path: Path) -> None:
    company(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    ledger, old = begin(state)
    append(ledger, old, run(0, {"vol-a": "upheld"}))
    (state / FILE).unlink()
    assert "say so with --lost" in upheld("ledger", "rotate", cwd=tmp_path).err
    assert "stand together" in upheld("ledger", "rotate", "--lost", cwd=tmp_path).err
    ended = upheld("ledger", "rotate", "--lost", "--owner", "ciso", "--reason", "burnt", cwd=tmp_path)
    assert ended.code == 0
    shown = upheld("ledger", "verify", cwd=tmp_path)
    assert (shown.code, "that one was lost, says ciso (burnt)" in shown.out) == (0, True)
    (state / PUBLIC_FILE).rename(state / "new.pub.pem")
    assert "by itself" in upheld("ledger", "verify", "--public-key", state / "new.pub.pem", "--format", "json", cwd=tmp_path).out
