"""The key that seals the ledger, the heads it signs, and the statements: Ed25519 (RFC 8032) over canonical JSON (RFC 8785)."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.ledger import LedgerError

HEAD_SCHEMA: Final = "upheld.head/1"
FILE: Final = "signing-key.pem"
PUBLIC_FILE: Final = "signing-key.pub.pem"
_STATEMENT: Final = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key, known by the SHA-256 of its 32 bytes."""

    public: Ed25519PublicKey

    @property
    def id(self) -> str:
        return hashlib.sha256(self.public.public_bytes_raw()).hexdigest()

    def accepts(self, signature: bytes, message: bytes) -> bool:
        try:
            self.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def pem(self) -> bytes:
        return self.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class Signer:
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.private.public_key())

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


@dataclass(frozen=True, slots=True)
class Head:
    """A tree's size and root at a time, which is what is signed; `ledger` tells the tree from all others."""

    ledger: str
    size: int
    root: bytes
    time: str

    @property
    def message(self) -> bytes:
        return rfc8785.dumps(self._plain)

    @property
    def _plain(self) -> dict[str, Any]:
        return {"schema": HEAD_SCHEMA, "ledger": self.ledger, "size": self.size, "root": self.root.hex(), "time": self.time}

    def record(self, key: str, signature: bytes) -> dict[str, Any]:
        """The head with its signature, as it is exported."""
        return {**self._plain, "key": key, "signature": base64.b64encode(signature).decode("ascii")}


@dataclass(frozen=True, slots=True)
class SignedHead:
    head: Head
    key: str
    signature: bytes

    @property
    def record(self) -> dict[str, Any]:
        return self.head.record(self.key, self.signature)

    def signed_by(self, verifier: Verifier) -> bool:
        return self.key == verifier.id and verifier.accepts(self.signature, self.head.message)


def read_head(record: Any) -> SignedHead:
    """An exported head. Raises ValueError for anything else."""
    try:
        if record["schema"] != HEAD_SCHEMA or not isinstance(record["size"], int):
            raise ValueError(f"it is not of schema {HEAD_SCHEMA}")
        head = Head(str(record["ledger"]), record["size"], bytes.fromhex(record["root"]), str(record["time"]))
        head.message  # noqa: B018 - raises where it cannot have been signed
        return SignedHead(head, str(record["key"]), base64.b64decode(record["signature"], validate=True))
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not of schema {HEAD_SCHEMA}") from error


def envelope(statement: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """An in-toto statement in a signed envelope. Source: DSSE 1.0.2, protocol.md and envelope.md; in-toto Attestation Framework,
    spec/v1/envelope.md."""
    payload = rfc8785.dumps(dict(statement))
    signature = signer.sign(pae(_STATEMENT, payload))
    return {
        "payload": base64.b64encode(payload).decode("ascii"),
        "payloadType": _STATEMENT,
        "signatures": [{"keyid": signer.verifier.id, "sig": base64.b64encode(signature).decode("ascii")}],
    }


def pae(type_: str, body: bytes) -> bytes:
    """The bytes that an envelope's signature covers: the pre-authentication encoding of DSSE 1.0.2."""
    name = type_.encode()
    return b" ".join([b"DSSEv1", str(len(name)).encode(), name, str(len(body)).encode(), body])


def read_signer(pem: str, where: str) -> Signer:
    """Raises LedgerError where it is not an Ed25519 key without a password, as PEM."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnicodeEncodeError) as error:
        raise LedgerError(f"{where}: not a private key as PEM: `openssl genpkey -algorithm ed25519` makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerError(f"{where}: the ledger is sealed with an Ed25519 key: `openssl genpkey -algorithm ed25519` makes one")
    return Signer(key)


def read_verifier(file: Path) -> Verifier:
    """A public key from a PEM file. Raises LedgerError."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise LedgerError(f"the public key {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise LedgerError(f"{file}: not a public key as PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise LedgerError(f"{file}: not an Ed25519 key")
    return Verifier(key)


def own_signer(state: Path, *, make: bool) -> Signer | None:
    """The key in the state directory, for its owner alone; made where there is none, if it may be. Raises LedgerError."""
    file = state / FILE
    try:
        if not file.exists():
            if not make:
                return None
            make_key(file)
            (state / PUBLIC_FILE).write_bytes(read_signer(file.read_text(encoding="utf-8"), str(file)).verifier.pem)
        if (mode := file.stat().st_mode & 0o777) & 0o077:
            raise LedgerError(f"{file} can be read by others (mode {mode:04o}): `chmod 600` it, and make a new one if somebody may have")
        return read_signer(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise LedgerError(f"the signing key {file} cannot be {'made' if make else 'read'}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{file}: not a private key as PEM") from error


def make_key(file: Path) -> None:
    """A new key, for its owner alone. Of two processes that make one at once, both use the first. Raises OSError."""
    signer = Signer(Ed25519PrivateKey.generate())
    pem = signer.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor, name = tempfile.mkstemp(prefix=".", dir=file.parent)  # of mode 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(name, file)
        except FileExistsError:
            return
    finally:
        os.unlink(name)
