"""What goes wrong around a ledger is one clear line: nothing is lost, and nothing is half there."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.ledger import LedgerError, database, tables
from agent.ledger.ledger import HEAD_FILE
from tests.agent.ledger.estates import company
from tests.ledger.runs import append, begin, fill, run, verified
from tests.ledger.writing import verdicts

ROOT = Path(__file__).parents[3]


def write(folder: Path, *options: str, mount: str = "", before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    """A process that records runs into a folder, on which `mount` is done first, in a namespace of its own."""
    command = [sys.executable, "-m", "tests.ledger.writing", str(folder), *options]
    if mount:
        return mounted(mount, command, ROOT)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=before)


def mounted(mount: str, command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command after a mount that only it sees."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", f'{mount} && cd {cwd} && "$@"', "sh", *command]
    return subprocess.run(inside, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})


def acknowledged(ended: subprocess.CompletedProcess[str]) -> int:
    return len(ended.stdout.splitlines())


def test_a_full_disk_is_one_line_and_every_acknowledged_run_is_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=400k tmpfs {disk}"
    keep = f'trap "cp -a {disk}/. {out}" EXIT'
    ended = write(disk, "--findings", "300", mount=f"{mount} && {keep}")
    assert ended.returncode == 2
    *before, last = ended.stderr.splitlines()
    assert last.startswith("upheld: the ledger ")
    assert last.endswith("database or disk is full; nothing was half done")
    assert all("ledger-head.json cannot be written" in line for line in before)  # the run before it is recorded all the same
    ledger, signer = begin(out)
    ledger.ready(signer)
    found = verified(ledger, signer)
    assert (found.problems, found.runs) == ([], acknowledged(ended))
    append(ledger, signer, run(found.runs + 1, verdicts(found.runs + 1, 300)))
    assert verified(ledger, signer).problems == []


def test_a_file_that_may_not_grow_is_one_line_and_nothing_is_half_there(tmp_path: Path) -> None:
    ended = write(tmp_path, "--findings", "300", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)))
    assert ended.returncode == 2
    assert ended.stderr.startswith("upheld: the ledger ")
    assert ended.stderr.count("\n") == 1
    ledger, signer = begin(tmp_path)
    ledger.ready(signer)
    found = verified(ledger, signer)
    assert (found.problems, found.runs) == ([], acknowledged(ended))


def test_evidence_that_does_not_fit_records_nothing(tmp_path: Path) -> None:
    estate = tmp_path / "estate"
    estate.mkdir()
    (estate / "noise").write_bytes(os.urandom(400_000))
    disk = tmp_path / "disk"
    disk.mkdir()
    ended = write(disk, "--evidence", str(estate), mount=f"mount -t tmpfs -o size=400k tmpfs {disk}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert (
        ended.stderr == f"upheld: the evidence cannot be kept in {disk}/evidence: {os.strerror(errno.ENOSPC)}; the run was not recorded\n"
    )


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path, filled: bool) -> None:
    if filled:
        fill(*begin(tmp_path))
    ended = write(tmp_path, mount=f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("upheld: the ")
    assert "ead-only" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_ledger_on_a_read_only_disk_is_read_and_verified(tmp_path: Path) -> None:
    (company(tmp_path) / "state").mkdir()
    fill(*begin(tmp_path / "state"))
    shown = mounted(f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}", ["upheld", "ledger", "verify"], tmp_path)
    assert shown.stderr == ""
    assert shown.stdout.startswith("5 runs, each as it was sealed; ")


def test_a_schema_from_the_future_is_left_alone(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    fill(ledger, signer)
    with ledger.database.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    before = (tmp_path / "ledger.db").read_bytes()
    with pytest.raises(
        LedgerError, match=rf"was written by a later version of upheld \(schema 9999, this one knows {tables.HEAD}\): update upheld"
    ):
        append(ledger, signer, run(9, {"vol-a": "upheld"}))
    with pytest.raises(LedgerError, match="later version"), ledger.database.reading():
        pass
    assert (tmp_path / "ledger.db").read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("not a database, and long enough to be read as one" * 100)
    ledger, signer = begin(tmp_path)
    with pytest.raises(LedgerError, match="cannot be recorded: file is not a database"):
        append(ledger, signer, run(0, {"vol-a": "upheld"}))
    assert (tmp_path / "ledger.db").read_text().startswith("not a database")


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("create table runs (x)")
    other.close()
    ledger, signer = begin(tmp_path)
    with pytest.raises(LedgerError, match="holds tables of something else"):
        append(ledger, signer, run(0, {"vol-a": "upheld"}))


def test_a_run_that_fails_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    fill(ledger, signer)
    before = (tmp_path / HEAD_FILE).read_text()
    with ledger.database.writing() as connection:
        connection.execute(text("create trigger stop before insert on checkpoints begin select raise(abort, 'no more'); end"))
    with pytest.raises(LedgerError, match="cannot be recorded: no more; nothing was half done"):
        append(ledger, signer, run(9, {"vol-a": "broken", "vol-z": "upheld"}))
    with ledger.database.writing() as connection:
        connection.execute(text("drop trigger stop"))
    assert (tmp_path / HEAD_FILE).read_text() == before
    assert verified(ledger, signer).problems == []
    assert verified(ledger, signer).runs == 5


@pytest.mark.parametrize(
    ("url", "said"),
    [("nonsense", "the ledger's URL cannot be used"), ("oracle9://x", "the ledger's URL cannot be used")],
)
def test_a_url_that_is_none_is_one_line(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        database.connect(url, tmp_path)


def test_a_relative_path_belongs_to_the_state_directory(tmp_path: Path) -> None:
    assert database.connect("sqlite:///other.db", tmp_path).file == tmp_path / "other.db"
    assert database.connect("sqlite:////var/own.db", tmp_path).file == Path("/var/own.db")
