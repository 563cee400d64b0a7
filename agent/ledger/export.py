"""What leaves the ledger for others to check: signed heads, proofs, statements. None of it needs the ledger to be verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import rfc8785
from sqlalchemy import Connection, select

from agent.ledger import LedgerError, keys, rows, tables
from agent.ledger.keys import Keyring
from agent.ledger.ledger import leaves, signed_head
from agent.ledger.run_record import unpack
from agent.ledger.signing import SignedHead, Signer, Verifier, envelope, read_head
from checks import seal

SCHEMA: Final = "upheld.proof/1"
PREDICATE: Final = "urn:upheld:run:1"


def head(connection: Connection) -> SignedHead:
    """The newest signed head. Raises LedgerError in an empty ledger."""
    row = connection.execute(select(tables.checkpoints).order_by(tables.checkpoints.c.size.desc()).limit(1)).one_or_none()
    if row is None:
        raise LedgerError("the ledger holds no runs yet: `upheld check --record` records one")
    return signed_head(row, connection.execute(select(tables.ledger.c.origin)).scalar_one())


def run(connection: Connection, number: int) -> dict[str, Any]:
    """The record of a run. Raises LedgerError where there is none, or it is damaged."""
    stored = connection.execute(select(tables.runs.c.record).where(tables.runs.c.number == number)).scalar_one_or_none()
    if stored is None:
        raise LedgerError(f"there is no run {number} in the ledger")
    if stored == b"":
        raise LedgerError(f"the record of run {number} was pruned: its leaf is there, and nothing of what it said")
    try:
        return unpack(rows.blob(stored))[0]
    except (ValueError, TypeError) as error:
        raise LedgerError(f"the record of run {number} cannot be read ({error}): see `upheld ledger verify`") from error


def inclusion(connection: Connection, number: int) -> dict[str, Any]:
    """The proof that a run is in the newest head, with the run."""
    record, newest, held = run(connection, number), head(connection), leaves(connection)
    path = [part.hex() for part in seal.inclusion(held[: newest.head.size], number - 1)]
    return {"schema": SCHEMA, "kind": "inclusion", "record": record, "path": path, "head": newest.record, "keys": _keys(connection)}


def consistency(connection: Connection, first: SignedHead) -> dict[str, Any]:
    """The proof that the ledger begins with what an earlier head was of. Raises LedgerError where it does not."""
    newest, held = head(connection), leaves(connection)
    if first.head.ledger != newest.head.ledger:
        raise LedgerError("the head is that of another ledger")
    if not 0 < first.head.size <= newest.head.size or seal.root(held[: first.head.size]) != first.head.root:
        raise LedgerError(f"the ledger does not begin with the {first.head.size} runs of that head: see `upheld ledger verify --head`")
    path = [part.hex() for part in seal.consistency(held[: newest.head.size], first.head.size)]
    return {
        "schema": SCHEMA, "kind": "consistency", "first": first.record, "path": path, "head": newest.record, "keys": _keys(connection),
    }  # fmt: skip


def _keys(connection: Connection) -> list[dict[str, Any]]:
    """How one key came after the other, for whoever knows another one than the newest."""
    return [one.record for one in keys.stored(connection)]


def statement(connection: Connection, number: int, signer: Signer) -> dict[str, Any]:
    """A run as a signed in-toto statement (in-toto Attestation Framework, spec/v1/statement.md) about the policies it read.

    Raises LedgerError where it read none: a statement is about something.
    """
    record = run(connection, number)
    told = record["run"]
    subjects = [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in sorted(told["policies"].items()) if sha256]
    if not subjects:
        raise LedgerError(f"run {number} read no policy, and a statement is about one: name `policies` and their files in the promises")
    predicate = {
        "run": number,
        "id": record["id"],
        "finished": record["finished"],
        "tool": told["tool"],
        "estate": told["estate"],
        "policy": {"digest": {"sha256": told["rules"]}},
        "verdict": record["verdict"],
        "promises": [{"id": one["id"], "verdict": one["verdict"]} for one in record["promises"]],
        "leaf": seal.leaf(rfc8785.dumps(record)).hex(),
    }
    return envelope(
        {"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": PREDICATE, "predicate": predicate}, signer
    )


def read_signed_head(file: Path) -> SignedHead:
    """An exported head. Raises LedgerError."""
    try:
        return read_head(read_json(file))
    except ValueError as error:
        if isinstance(error, LedgerError):
            raise
        raise LedgerError(f"{file}: not a head of `upheld ledger export`: {error}") from error


def read_json(file: Path) -> Any:
    """Raises LedgerError."""
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise LedgerError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{file}: not JSON") from error


def check_proof(proof: Mapping[str, Any], verifier: Verifier) -> str | None:
    """What is wrong with an exported proof; None where it proves what it says. Raises ValueError where it is none."""
    try:
        newest, path = read_head(proof["head"]), [bytes.fromhex(part) for part in proof["path"]]
        if proof["schema"] != SCHEMA:
            raise ValueError(f"it is not of schema {SCHEMA}")
        keyring = Keyring(verifier, [keys.read(one) for one in proof.get("keys", ())])
        if (problem := next(keyring.problems(), None)) is not None:
            return problem
        if any(one.ledger != newest.head.ledger for one in keyring.chain):
            return "its keys are those of another ledger"
        if not keyring.signed(newest):
            return "its head is not signed with this key"
        size, root = newest.head.size, newest.head.root
        if proof["kind"] == "inclusion":
            record = proof["record"]
            included = record["ledger"] == newest.head.ledger and seal.includes(
                seal.leaf(rfc8785.dumps(record)), record["number"] - 1, size, path, root
            )
            return None if included else "the run is not in the tree of its head"
        first = read_head(proof["first"])
        if not keyring.signed(first):
            return "its first head is not signed with this key"
        extends = first.head.ledger == newest.head.ledger and seal.extends(first.head.size, first.head.root, size, root, path)
        return None if extends else "the tree of its head does not begin with that of its first head"
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not of schema {SCHEMA}") from error
