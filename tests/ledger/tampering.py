"""A ledger is changed by somebody who can write to its file, in every way they can think of; each change must be found.

    python -m tests.ledger.tampering [--mutations 1000] [--seed 7]

Edits of any value of any row, rows taken out, put in, exchanged, the end cut off with and without its heads, the whole replaced by
an older copy, a fork sealed with another key, and another ledger in its place. It has had two keys, and its first records are pruned.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.ledger import LedgerError
from agent.ledger.evidence import Evidence
from agent.ledger.ledger import HEAD_FILE
from agent.ledger.prune import prune
from agent.ledger.rotation import rotate
from agent.ledger.run_record import pack, unpack
from agent.ledger.signing import FILE as KEY
from agent.ledger.signing import Signer
from tests.ledger.runs import HISTORY, append, at, begin, fill, gone, run, verified

TABLES = ("ledger", "runs", "checkpoints", "findings", "observations", "transitions", "promises", "coverage", "keys", "prunings")
BY_RUN = ("observations", "transitions", "promises", "coverage")


def grown(folder: Path) -> None:
    """A ledger that has seen everything: two keys, and records that were pruned."""
    ledger, old = begin(folder)
    for hour, verdicts in HISTORY[:3]:
        append(ledger, old, run(hour, verdicts, gone))
    new = Signer(Ed25519PrivateKey.generate())
    rotate(ledger, old, new, at(3), None, None)
    (folder / KEY).write_bytes(new.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for hour, verdicts in HISTORY[3:]:
        append(ledger, new, run(hour, verdicts, gone))
    assert prune(ledger, new, Evidence(folder, 0), at(2), at(5)) is not None


def edit(db: sqlite3.Connection, rng: random.Random) -> str:
    """Another value in one column of one row."""
    table = rng.choice(TABLES)
    columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
    column = rng.choice(columns)
    (rowid,) = rng.choice(db.execute(f"select rowid from {table}").fetchall())
    (old,) = db.execute(f"select {column} from {table} where rowid = ?", (rowid,)).fetchone()
    db.execute(f"update {table} set {column} = ? where rowid = ?", (_other(old, rng), rowid))
    return f"edit of {table}"


def _other(old: object, rng: random.Random) -> object:
    match old:
        case None:
            return "x"
        case int():
            return old + rng.choice([-1, 1, 1000])
        case bytes():
            place = rng.randrange(len(old) or 1)
            changed = bytes([*old[:place], old[place] ^ 1 << rng.randrange(8), *old[place + 1 :]]) if old else b"x"
            return rng.choice([one for one in (changed, old[:-1], old + b"\x00", b"") if one != old])
        case str():
            return rng.choice([old + " ", old[:-1] + ("x" if old[-1:] != "x" else "y"), "upheld" if old != "upheld" else "broken"])
    raise AssertionError(old)


def rewrite(db: sqlite3.Connection, rng: random.Random) -> str:
    """A record that says something else, packed again, with a leaf that fits it."""
    number, stored = rng.choice(db.execute("select number, record from runs where record != x''").fetchall())
    record, _ = unpack(stored)
    way = rng.randrange(3)
    if way == 0:
        record["verdict"] = "upheld" if record["verdict"] != "upheld" else "broken"
    elif way == 1 and record["observed"]:
        record["observed"].pop()
    else:
        record["recorded"] = "2020-01-01T00:00:00.000000Z"
    stored, leaf = pack(record)
    db.execute("update runs set record = ?, leaf = ?, verdict = ? where number = ?", (stored, leaf, record["verdict"], number))
    return "rewriting of a record"


def repack(db: sqlite3.Connection, rng: random.Random) -> str:
    """A record whose words are the same in another order: canonical JSON has but one."""
    number, stored = rng.choice(db.execute("select number, record from runs where record != x''").fetchall())
    text = json.dumps(json.loads(zlib.decompress(stored)), indent=1).encode()
    assert text != rfc8785.dumps(json.loads(text))
    db.execute("update runs set record = ? where number = ?", (zlib.compress(text), number))
    return "repacking of a record"


def delete(db: sqlite3.Connection, rng: random.Random) -> str:
    table = rng.choice(TABLES)
    (rowid,) = rng.choice(db.execute(f"select rowid from {table}").fetchall())
    db.execute(f"delete from {table} where rowid = ?", (rowid,))
    return f"deletion from {table}"


def delete_run(db: sqlite3.Connection, rng: random.Random) -> str:
    """A run and all that came of it; those after it move up."""
    (last,) = db.execute("select max(number) from runs").fetchone()
    number = rng.randrange(1, last)
    for table, column in (*((name, "run") for name in BY_RUN), ("checkpoints", "size"), ("runs", "number")):
        db.execute(f"delete from {table} where {column} = ?", (number,))
        for later in range(number + 1, last + 1):
            db.execute(f"update {table} set {column} = ? where {column} = ?", (later - 1, later))
    return "deletion of a run"


def insert(db: sqlite3.Connection, rng: random.Random) -> str:
    """A row like another one, in a place where there was none."""
    table = rng.choice(TABLES)
    columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
    row = dict(zip(columns, rng.choice(db.execute(f"select * from {table}").fetchall()), strict=True))
    for name in ("number", "run", "size", "id", "after", "through"):
        if isinstance(row.get(name), int):
            row[name] += 100
        elif name in row:
            row[name] += "x"
    db.execute(f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})", list(row.values()))
    return f"insertion into {table}"


def exchange(db: sqlite3.Connection, rng: random.Random) -> str:
    """Two runs in each other's place."""
    numbers = [row[0] for row in db.execute("select number from runs")]
    one, other = rng.sample(numbers, 2)
    for old, new in ((one, -1), (other, one), (-1, other)):
        db.execute("update runs set number = ? where number = ?", (new, old))
    return "reordering"


def cut(db: sqlite3.Connection, rng: random.Random) -> str:
    """The newest runs, with their heads or without."""
    (last,) = db.execute("select max(number) from runs").fetchone()
    after = rng.randrange(0, last)
    for table in BY_RUN:
        db.execute(f"delete from {table} where run > ?", (after,))
    db.execute("delete from runs where number > ?", (after,))
    if with_heads := rng.random() < 0.7:
        db.execute("delete from checkpoints where size > ?", (after,))
    return "truncation, heads and all" if with_heads else "truncation"


def older(folder: Path, rng: random.Random) -> str:
    """The file replaced by one that was sealed with the same key, of fewer or of other runs."""
    with tempfile.TemporaryDirectory() as text:
        other = Path(text)
        shutil.copy(folder / KEY, other / KEY)
        ledger, signer = begin(other)
        if fork := rng.random() < 0.5:
            fill(ledger, signer)
        else:
            append(ledger, signer, run(rng.randrange(5), {"vol-a": "upheld"}, gone))
        _checkpoint(other)
        shutil.copy(other / "ledger.db", folder / "ledger.db")
    return "another ledger of the same key" if fork else "a shorter ledger of the same key"


def forged(folder: Path, _: random.Random) -> str:
    """A fork from the first run on, and the head beside it, sealed with a key of the attacker's own."""
    with tempfile.TemporaryDirectory() as text:
        other = Path(text)
        ledger, signer = begin(other)
        append(ledger, signer, run(0, {"vol-a": "upheld"}, gone))
        _checkpoint(other)
        shutil.copy(other / "ledger.db", folder / "ledger.db")
        shutil.copy(other / HEAD_FILE, folder / HEAD_FILE)
    return "a ledger of another key"


ROWS: list[Callable[[sqlite3.Connection, random.Random], str]] = [
    edit,
    edit,
    edit,
    rewrite,
    repack,
    delete,
    delete_run,
    insert,
    exchange,
    cut,
]
FILES: list[Callable[[Path, random.Random], str]] = [older, forged]


def mutate(folder: Path, rng: random.Random) -> str:
    """Change the ledger in a folder in some way; gives which."""
    if rng.random() < 0.05:
        return rng.choice(FILES)(folder, rng)
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        while True:
            try:
                how = rng.choice(ROWS)(db, rng)
            except sqlite3.IntegrityError:  # a key that is taken: try something else
                db.rollback()
                continue
            db.commit()
            return how


def _checkpoint(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        db.execute("pragma wal_checkpoint(truncate)")


def survivors(mutations: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """How often each way was tried, and what was not found."""
    rng, tried, missed = random.Random(seed), Counter[str](), list[str]()
    original = folder / "original"
    original.mkdir()
    grown(original)
    _checkpoint(original)
    for number in range(mutations):
        copy = folder / str(number)
        shutil.copytree(original, copy)
        how = mutate(copy, rng)
        tried[how] += 1
        ledger, _ = begin(copy)
        _, signer = begin(original)
        try:
            found = verified(ledger, signer).problems
        except LedgerError as error:
            found = [str(error)]
        if not found:
            missed.append(f"{number}: {how}")
        shutil.rmtree(copy)
    return tried, missed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tried, missed = survivors(options.mutations, options.seed, Path(folder))
    for how, count in sorted(tried.items()):
        print(f"{count:6} {how}")
    print(f"{sum(tried.values())} changes (seed {options.seed}), {len(missed)} not found")
    for one in missed:
        print(f"  {one}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
