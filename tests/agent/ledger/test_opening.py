"""Which ledger a configuration means: its file or server, its key, how much is kept; and what is said where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import config
from agent.config import ConfigurationError
from agent.ledger import LedgerError
from agent.ledger.opening import Place, place
from agent.ledger.signing import own_signer


def opened(folder: Path, ledger: str, **environment: str) -> Place:
    (folder / "upheld.yaml").write_text(f"schema: upheld.config/1\nstate: state\nagent:\n  ledger: {ledger}\n")
    return place(config.load(str(folder / "upheld.yaml"), environment), environment)


def pem(folder: Path) -> str:
    signer = own_signer(folder, make=True)
    assert signer is not None
    return (folder / "signing-key.pem").read_text()


def test_without_a_word_it_is_a_file_in_the_state_directory_with_a_key_of_its_own(tmp_path: Path) -> None:
    held = opened(tmp_path, "{}")
    assert held.database.file == tmp_path / "state" / "ledger.db"
    assert held.evidence.quota == 2_048_000_000
    assert held.signer(make=False) is None
    assert not held.state.exists()
    held.state.mkdir()
    made = held.signer(make=True)
    assert made is not None
    assert held.verifier(None).id == made.verifier.id


def test_a_key_of_the_configuration_is_a_secret_and_counts_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAL", pem(tmp_path))
    held = opened(tmp_path, "{signing_key: {env: SEAL}, max_age: 8d, evidence_mb: 0}")
    signer = held.signer(make=True)
    assert signer is not None
    assert not (tmp_path / "state" / "signing-key.pem").exists()
    assert held.evidence.quota == 0


def test_a_url_may_be_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER", "postgresql://me:secret@db.example/held")
    held = opened(tmp_path, "{url: {env: LEDGER}}")
    assert (held.database.file, "secret" in held.database.name) == (None, False)


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        ("{signing_key: {env: NOWHERE}}", "upheld.yaml:4: the environment variable NOWHERE is not set"),
        ("{signing_key: {env: WRONG}}", "upheld.yaml:4: not a private key as PEM"),
        ("{url: {env: NOWHERE}}", "upheld.yaml:4: the environment variable NOWHERE is not set"),
        ("{evidence_mb: -1}", "upheld.yaml:4: agent.ledger.evidence_mb"),
        ("{max_age: soon}", "'soon' is not a duration"),
        ("{key: x}", "unknown key 'agent.ledger.key'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: str, said: str) -> None:
    monkeypatch.setenv("WRONG", "x")
    with pytest.raises(ConfigurationError, match=said):
        opened(tmp_path, ledger).signer(make=True)


def test_a_ledger_is_not_verified_with_no_key(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"there is no key in .* to verify the ledger with: name one with --public-key"):
        opened(tmp_path, "{}").verifier(None)
