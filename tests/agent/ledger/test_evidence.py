"""Archives of what was collected: the same bytes for the same estate, the oldest dropped first and told, any other loss found."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.ledger import LedgerError
from agent.ledger.evidence import Evidence
from tests.ledger.runs import append, at, begin, run, verified


def estate(folder: Path, text: str) -> Path:
    (folder / "aws").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "aws" / "volumes.jsonl").write_text(text)
    return folder


def keep(folder: Path, evidence: Evidence, hour: int, text: str) -> str:
    """A run with an estate of its own; gives its archive's name."""
    ledger, signer = begin(folder)
    archive = evidence.pack(estate(folder / f"estate-{hour}", text), at(hour))
    assert archive is not None
    entry = evidence.entry(archive)
    append(ledger, signer, run(hour, {"vol-a": "upheld"}), entry)
    evidence.forget(entry["dropped"])
    return archive.name


def problems(folder: Path, evidence: Evidence) -> list[str]:
    ledger, signer = begin(folder)
    return verified(ledger, signer, evidence=evidence).problems


def test_the_same_estate_is_the_same_archive(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 10**6)
    first = evidence.pack(estate(tmp_path / "a", "x"), at(0))
    again = evidence.pack(estate(tmp_path / "b", "x"), at(0))
    assert first is not None
    assert again is not None
    assert (first.name, first.sha256, first.fresh, again.fresh) == (again.name, again.sha256, True, False)
    evidence.unpack({"name": first.name, "sha256": first.sha256}, tmp_path / "c")
    assert (tmp_path / "c" / "aws" / "volumes.jsonl").read_text() == "x"


def test_the_oldest_go_first_and_the_seal_stays_whole(tmp_path: Path) -> None:
    import random

    noise = ["".join(random.Random(hour).choices("abcdefgh", k=4000)) for hour in range(5)]
    evidence = Evidence(tmp_path, 5000)
    names = [keep(tmp_path, evidence, hour, noise[hour]) for hour in range(5)]
    there = sorted(file.name for file in evidence.folder.iterdir())
    assert there == names[-len(there) :]
    assert 0 < len(there) < 5
    assert sum(file.stat().st_size for file in evidence.folder.iterdir()) <= 5000
    assert problems(tmp_path, evidence) == []


def test_an_archive_that_no_run_dropped_is_missed(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 10**6)
    name = keep(tmp_path, evidence, 0, "x")
    (evidence.folder / name).unlink()
    (problem,) = problems(tmp_path, evidence)
    assert problem.endswith("is missing, and no run dropped it")


def test_an_archive_that_was_changed_is_found_and_not_unpacked(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 10**6)
    name = keep(tmp_path, evidence, 0, "x")
    file = evidence.folder / name
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    (problem,) = problems(tmp_path, evidence)
    assert "was changed" in problem
    with pytest.raises(LedgerError, match="was changed"):
        evidence.unpack({"name": name, "sha256": name}, tmp_path / "out")


def test_one_larger_than_the_quota_is_not_kept_and_says_so(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 10)
    entry = evidence.entry(evidence.pack(estate(tmp_path / "a", "x"), at(0)))
    assert entry["archive"] is None
    assert "more than the quota of 10" in entry["why"]


def test_none_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, 0)
    assert evidence.pack(estate(tmp_path / "a", "x"), at(0)) is None
    assert evidence.entry(None) == {}
    assert not evidence.folder.exists()
