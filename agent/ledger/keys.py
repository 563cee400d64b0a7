"""The keys of a ledger, one after the other: each is introduced by the one before, and says itself what it goes on from.

A key that was lost cannot introduce the next one. Then a person does, by name and with a reason: whoever trusts the new key goes on,
and is told; whoever knows the old one alone is told that nothing of the old one speaks for the new.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, select

from agent.ledger import LedgerError, rows, tables
from agent.ledger.signing import SignedHead, Signer, Verifier

SCHEMA: Final = "upheld.key/1"


@dataclass(frozen=True, slots=True)
class Introduction:
    """A key, and after how many runs it begins to seal. `root`: of the tree so far, `heads`: digest of all its signed heads."""

    ledger: str
    size: int
    root: str
    heads: str
    time: str
    old: str
    """The id of the key before."""
    old_public: str | None
    """That key, 32 bytes in hexadecimal digits; None where it was lost, and its public half with it."""
    public: str
    lost: Mapping[str, str] | None
    """`owner` and `reason` where the key before was lost."""
    by_old: bytes | None = None
    by_new: bytes = b""

    @property
    def message(self) -> bytes:
        return rfc8785.dumps(self._plain)

    @property
    def _plain(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA, "ledger": self.ledger, "size": self.size, "root": self.root, "heads": self.heads, "time": self.time,
            "old": self.old, "old_public": self.old_public, "public": self.public, "lost": None if self.lost is None else dict(self.lost),
        }  # fmt: skip

    @property
    def record(self) -> dict[str, Any]:
        signatures = {"old": None if self.by_old is None else _base64(self.by_old), "new": _base64(self.by_new)}
        return {**self._plain, "signatures": signatures}

    @property
    def new(self) -> Verifier:
        return Verifier(Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public)))

    @property
    def before(self) -> Verifier | None:
        return None if self.old_public is None else Verifier(Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.old_public)))

    def problem(self) -> str | None:
        """What is wrong with its signatures."""
        before, what = self.before, f"the introduction of the key {self.new.id[:16]}"
        if before is not None and before.id != self.old:
            return f"{what} names a key before it that is another"
        if not self.new.accepts(self.by_new, self.message):
            return f"{what} is not signed with that key"
        if self.by_old is None:
            return None if self.lost is not None else f"{what} is not signed with the key before, {self.old[:16]}"
        if before is None or not before.accepts(self.by_old, self.message):
            return f"{what} is not signed with the key before, {self.old[:16]}"
        return None


def introduce(plain: Introduction, old: Signer | None, new: Signer) -> Introduction:
    """The introduction, signed."""
    from dataclasses import replace

    return replace(plain, by_old=None if old is None else old.sign(plain.message), by_new=new.sign(plain.message))


def read(record: Any) -> Introduction:
    """Raises ValueError for what is none."""
    try:
        if record["schema"] != SCHEMA or not isinstance(record["size"], int):
            raise ValueError(f"it is not of schema {SCHEMA}")
        signatures = record["signatures"]
        held = Introduction(
            str(record["ledger"]), record["size"], str(record["root"]), str(record["heads"]), str(record["time"]), str(record["old"]),
            record["old_public"], str(record["public"]), record["lost"],
            None if signatures["old"] is None else base64.b64decode(signatures["old"], validate=True),
            base64.b64decode(signatures["new"], validate=True),
        )  # fmt: skip
        held.message, held.new, held.before  # noqa: B018 - raise where they cannot have been signed
        return held
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"it is not of schema {SCHEMA}") from error


def stored(connection: Connection) -> list[Introduction]:
    """Those of a ledger, in their order. Raises LedgerError where one cannot be read."""
    try:
        held = connection.execute(select(tables.keys).order_by(tables.keys.c.after)).all()
        found = [read(orjson.loads(rows.blob(row.introduction))) for row in held]
        if [one.size for one in found] != [row.after for row in held]:
            raise ValueError("it stands after other runs than it says")
    except (ValueError, TypeError) as error:
        raise LedgerError(f"a key of the ledger cannot be read ({error}): its introduction was changed") from error
    return found


def row(one: Introduction) -> dict[str, Any]:
    return {"after": one.size, "introduction": rfc8785.dumps(one.record)}


def heads_digest(heads: Iterable[SignedHead]) -> str:
    """Over signed heads, in their order."""
    found = hashlib.sha256()
    for one in heads:
        found.update(rfc8785.dumps(one.record))
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Keyring:
    """`trusted`: the key that somebody knows from elsewhere; `chain`: how one key came after the other."""

    trusted: Verifier
    chain: Sequence[Introduction] = ()

    @property
    def last(self) -> str:
        """The id of the key that seals now."""
        return self.chain[-1].new.id if self.chain else self.trusted.id

    def id_of(self, size: int) -> str:
        """The id of the key that sealed so many runs, when the last of them was added."""
        newer = [one for one in self.chain if one.size < size]
        if newer:
            return newer[-1].new.id
        return self.chain[0].old if self.chain else self.trusted.id

    def find(self, id_: str) -> Verifier | None:
        """A key of the ledger, by its id; None for one whose public half was lost with it, or that is none of them."""
        known = [self.trusted, *(key for one in self.chain for key in (one.new, one.before) if key is not None)]
        return next((key for key in known if key.id == id_), None) if id_ in self.ids else None

    @property
    def ids(self) -> list[str]:
        """The ids of its keys, the first one first."""
        return [self.chain[0].old, *(one.new.id for one in self.chain)] if self.chain else [self.trusted.id]

    def signed(self, head: SignedHead) -> bool | None:
        """Whether a head is signed with the key that sealed then; None where that key was lost, and cannot be asked."""
        id_ = self.id_of(head.head.size)
        if head.key != id_:
            return False
        key = self.find(id_)
        return None if key is None else key.accepts(head.signature, head.head.message)

    def problems(self) -> Iterator[str]:
        """What keeps whoever trusts the one key from trusting all others."""
        for one, other in zip(self.chain, [None, *self.chain], strict=False):
            if (problem := one.problem()) is not None:
                yield problem
            if other is not None and one.old != other.new.id:
                yield f"the key {one.new.id[:16]} was introduced after {one.old[:16]}, and the key before it is {other.new.id[:16]}"
        if self.trusted.id not in self.ids:
            yield f"the ledger is sealed with the key {self.last[:16]}, and is verified with {self.trusted.id[:16]}"
            return
        for one in self.chain[self.ids.index(self.trusted.id) :]:
            if one.by_old is None:
                yield (
                    f"the key {one.new.id[:16]} seals what comes after {one.size} runs, and nothing of the key before it says that it may: "
                    f"{_said(one)}"
                )

    def notes(self) -> Iterator[str]:
        """What somebody who trusts the newest key ought to know."""
        for one in self.chain:
            how = f"introduced by {one.old[:16]}" if one.by_old is not None else f"by itself, after {one.old[:16]}: {_said(one)}"
            yield f"from run {one.size + 1} on, sealed with the key {one.new.id[:16]}, {how}, {one.time[:19]}Z"


def _said(one: Introduction) -> str:
    lost = one.lost or {}
    return f"that one was lost, says {lost.get('owner', 'nobody')} ({lost.get('reason', 'without a reason')})"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
