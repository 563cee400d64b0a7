"""`upheld ledger rotate`: another key seals the ledger from now on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sqlalchemy import insert, select, update

from agent.ledger import LedgerError, tables
from agent.ledger.keys import Introduction, heads_digest, introduce, row, stored
from agent.ledger.ledger import Ledger, signed_head
from agent.ledger.opening import Place
from agent.ledger.signing import FILE, PUBLIC_FILE, Signer, Verifier, make_key, read_signer, read_verifier

NEXT: Final = "signing-key.next.pem"


def rotate(ledger: Ledger, old: Signer | None, new: Signer, now: str, lost: dict[str, str] | None, known: Verifier | None) -> Introduction:
    """Have a new key seal what comes. `old` introduces it; None where it was lost, which `lost` says by whom and why. `known`: the public
    half of the one that was lost, where somebody has it. Raises LedgerError."""
    with ledger.database.writing() as connection:
        held = connection.execute(select(tables.ledger).with_for_update()).one()
        if held.key is None:
            raise LedgerError("the ledger holds no runs yet, and any key may seal the first one")
        if new.verifier.id == held.key:
            raise LedgerError(f"the ledger is sealed with the key {held.key[:16]} already")
        if old is not None:
            ledger.fits(held.key, old)
            known = old.verifier
        tree = ledger.tree(connection, held.origin, old)
        if stored(connection)[-1:] and stored(connection)[-1].size == tree.size:
            raise LedgerError("the key was changed since the last run: record one before it is changed again")
        heads = [
            signed_head(one, held.origin) for one in connection.execute(select(tables.checkpoints).order_by(tables.checkpoints.c.size))
        ]
        plain = Introduction(
            held.origin, tree.size, tree.root.hex(), heads_digest(heads), now, held.key,
            known.public.public_bytes_raw().hex() if known is not None and known.id == held.key else None,
            new.verifier.public.public_bytes_raw().hex(), lost,
        )  # fmt: skip
        made = introduce(plain, old, new)
        connection.execute(insert(tables.keys), row(made))
        connection.execute(update(tables.ledger).values(key=new.verifier.id))
    return made


def rotate_own(place: Place, now: str, lost: dict[str, str] | None) -> Introduction | None:
    """The key of the state directory gives way to a new one, which is there before the ledger names it. None where an earlier rotation
    had only to be finished. Raises LedgerError."""
    file, following = place.state / FILE, place.state / NEXT
    try:
        if not following.exists():
            make_key(following)
        new = read_signer(following.read_text(encoding="utf-8"), str(following))
        made = None
        if place.ledger.key() != new.verifier.id:
            old = None if lost is not None else place.signer(make=False)
            if old is None and lost is None:
                raise LedgerError(f"there is no key in {place.state} to introduce another: where it was lost, say so with --lost")
            made = rotate(place.ledger, old, new, now, lost, known_public(place.state))
        os.replace(following, file)
        (place.state / PUBLIC_FILE).write_bytes(new.verifier.pem)
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"the key in {place.state} cannot be changed: {error}; `upheld ledger rotate` again finishes it") from error
    return made


def known_public(state: Path) -> Verifier | None:
    """The public half of the own key, which may be there where the key is not."""
    try:
        return read_verifier(state / PUBLIC_FILE)
    except LedgerError:
        return None
