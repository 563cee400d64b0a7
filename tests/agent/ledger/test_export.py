"""What leaves the ledger: proofs that stand without it, for what they are of and nothing else; statements that others can read."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from agent.ledger import LedgerError, export
from agent.ledger.signing import Signer, pae, read_head, read_signer, read_verifier
from tests.ledger.runs import append, begin, fill, run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger")
    fill(*begin(folder))
    return folder


def proof(place: Path, number: int) -> tuple[dict[str, Any], Signer]:
    ledger, signer = begin(place)
    with ledger.database.reading() as connection:
        return json.loads(json.dumps(export.inclusion(connection, number))), signer


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_run_is_proven_to_be_in_the_head_and_another_is_not(place: Path, number: int) -> None:
    told, signer = proof(place, number)
    assert export.check_proof(told, signer.verifier) is None
    for path, value in ((("record", "verdict"), "upheld"), (("record", "number"), 2), (("path",), []), (("record", "ledger"), "other")):
        forged = copy.deepcopy(told)
        held = forged
        for step in path[:-1]:
            held = held[step]
        held[path[-1]] = value
        if forged != told:
            assert export.check_proof(forged, signer.verifier) == "the run is not in the tree of its head"


def test_a_proof_under_another_key_is_none(place: Path, tmp_path: Path) -> None:
    told, _ = proof(place, 2)
    _, other = begin(tmp_path)
    assert export.check_proof(told, other.verifier) == "its head is not signed with this key"
    told["head"]["size"] += 1
    assert export.check_proof(told, proof(place, 2)[1].verifier) == "its head is not signed with this key"


def test_a_later_ledger_is_proven_to_begin_with_an_earlier_one(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    heads = [append(ledger, signer, run(hour, {"vol-a": "upheld"})).head for hour in range(5)]
    for first in heads:
        with ledger.database.reading() as connection:
            told = json.loads(json.dumps(export.consistency(connection, first)))
        assert export.check_proof(told, signer.verifier) is None
        if first is not heads[-1]:
            told["path"][-1] = "00" * 32
            assert export.check_proof(told, signer.verifier) == "the tree of its head does not begin with that of its first head"


def test_a_head_of_another_ledger_has_no_proof(place: Path, tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    first = append(ledger, signer, run(0, {"vol-a": "upheld"})).head
    other, _ = begin(place)
    with other.database.reading() as connection, pytest.raises(LedgerError, match="that of another ledger"):
        export.consistency(connection, first)


def test_a_statement_is_an_in_toto_statement_in_a_signed_envelope(place: Path) -> None:
    ledger, signer = begin(place)
    with ledger.database.reading() as connection:
        told = export.statement(connection, 2, signer)
        record = export.run(connection, 2)
    payload = base64.b64decode(told["payload"])
    statement = json.loads(payload)
    assert told["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "security", "digest": {"sha256": "a" * 64}}]
    assert statement["predicate"]["policy"] == {"digest": {"sha256": "b" * 64}}
    assert statement["predicate"]["finished"] == record["finished"]
    (signature,) = told["signatures"]
    assert signature["keyid"] == signer.verifier.id
    assert signer.verifier.accepts(base64.b64decode(signature["sig"]), pae(told["payloadType"], payload))
    assert not signer.verifier.accepts(base64.b64decode(signature["sig"]), pae("text/plain", payload))


def test_the_envelope_signs_the_encoding_of_its_specification() -> None:
    """The example of DSSE 1.0.2, protocol.md."""
    assert pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_run_that_read_no_policy_has_no_statement(tmp_path: Path) -> None:
    ledger, signer = begin(tmp_path)
    append(ledger, signer, run(0, {"vol-a": "upheld"}, policies={"security": None}))
    with ledger.database.reading() as connection, pytest.raises(LedgerError, match="read no policy"):
        export.statement(connection, 1, signer)


def test_there_is_no_run_that_there_is_not(place: Path) -> None:
    ledger, _ = begin(place)
    with ledger.database.reading() as connection, pytest.raises(LedgerError, match="there is no run 9"):
        export.run(connection, 9)


@pytest.mark.parametrize("told", [{}, [], None, {"schema": "upheld.proof/1"}, {"head": {}, "path": ["x"]}])
def test_what_is_no_proof_is_not_taken_for_one(place: Path, told: Any) -> None:
    _, signer = begin(place)
    with pytest.raises(ValueError, match="schema"):
        export.check_proof(told, signer.verifier)


@pytest.mark.parametrize("told", [{}, [], None, {"schema": "upheld.head/1", "size": "1"}, {"schema": "upheld.head/1", "size": 1}])
def test_what_is_no_head_is_not_taken_for_one(told: Any) -> None:
    with pytest.raises(ValueError, match="schema"):
        read_head(told)


def test_the_key_is_for_its_owner_alone_and_its_public_half_for_all(tmp_path: Path) -> None:
    _, signer = begin(tmp_path)
    key = tmp_path / "signing-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert read_verifier(tmp_path / "signing-key.pub.pem").id == signer.verifier.id
    assert begin(tmp_path)[1].verifier.id == signer.verifier.id
    key.chmod(0o644)
    with pytest.raises(LedgerError, match="can be read by others"):
        begin(tmp_path)


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(LedgerError, match="sealed with an Ed25519 key"):
        read_signer(pem.decode(), "here")
    with pytest.raises(LedgerError, match="not a private key as PEM"):
        read_signer("x", "here")


def test_a_head_is_signed_over_its_canonical_json(place: Path) -> None:
    ledger, _ = begin(place)
    with ledger.database.reading() as connection:
        head = export.head(connection)
    plain = {name: held for name, held in head.record.items() if name not in {"key", "signature"}}
    assert rfc8785.dumps(plain) == head.head.message
