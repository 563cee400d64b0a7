"""The short forms of the long harnesses; `make kills`, `make io-errors` and `make tampering` run those."""

from __future__ import annotations

import random
from pathlib import Path

from tests.ledger.io_errors import sweep
from tests.ledger.kills import harness
from tests.ledger.runs import begin, fill, verified
from tests.ledger.tampering import older, survivors


def test_no_acknowledged_run_is_lost_when_its_process_is_killed(tmp_path: Path) -> None:
    tally = harness(12, 3, tmp_path)
    assert tally.problems == []
    assert tally.kills == 12
    assert tally.acknowledged


def test_nothing_is_done_after_a_write_that_failed(tmp_path: Path) -> None:
    tried, wrong = sweep(tmp_path, [("pwrite64", "ENOSPC"), ("fdatasync", "EIO")], most=2, step=3)
    assert wrong == []
    assert sum(tried.values()) >= 3


def test_every_change_to_a_ledger_is_found(tmp_path: Path) -> None:
    tried, missed = survivors(40, 7, tmp_path)
    assert missed == []
    assert len(tried) > 10


def test_the_harness_begins_with_a_ledger_that_is_whole(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    fill(ledger, signer)
    assert verified(ledger, signer).problems == []
    older(tmp_path, random.Random(1))
    assert verified(ledger, signer).problems
