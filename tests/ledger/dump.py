"""Prints a ledger of the present schema as SQL, sealed with a key that is no secret: what later versions must still read.

python -m tests.ledger.dump > tests/agent/ledger/schemas/REVISION.sql
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.ledger.signing import Signer
from tests.ledger.runs import begin, fill

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(b"a key for tests, and no secret!!"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        ledger, _ = begin(Path(folder))
        fill(ledger, SIGNER)
        with closing(sqlite3.connect(Path(folder) / "ledger.db")) as db:
            print("\n".join(db.iterdump()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
