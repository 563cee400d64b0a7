"""What is remembered of endpoints from run to run: when each address was last enumerated, and what was seen.

One file for each endpoint, so that ten thousand of them take no more memory than one, and a damaged file costs one endpoint a
full enumeration. What cannot be read is not remembered, and a notice says so.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from checks.model import digest
from checks.tls.carried import MAX_AGE, Known
from checks.tls.endpoint import time as stamp

SCHEMA = "upheld.tls-memory/1"


@dataclass(frozen=True, slots=True)
class Memory:
    """`basis`: what else the facts rest on than the endpoint, such as whom to trust; what was remembered on another basis is not
    known. `every`: how long until the next enumeration. `notice` is told in words what cannot be read or written."""

    folder: Path
    basis: str
    every: timedelta
    notice: Callable[[str], None]
    counts: timedelta = MAX_AGE
    """How long what was enumerated counts."""

    def recall(self, endpoint: str, asked: str) -> dict[str, Known]:
        """What is known of each address. `asked`: how the endpoint is asked (protocol, name), which must be the same."""
        file = self._file(endpoint)
        try:
            record = json.loads(file.read_bytes())
            if record["schema"] != SCHEMA or record["sha256"] != digest(record["addresses"]):
                raise ValueError("its digest is another")
            if record["basis"] != [self.basis, endpoint, asked]:
                return {}
            return {address: replace(_known(held), counts=self.counts) for address, held in record["addresses"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self.notice(f"{file} is damaged, so {endpoint} is enumerated in full: {type(error).__name__}: {error}")
            return {}

    def keep(self, endpoint: str, asked: str, known: Mapping[str, Known], now: datetime) -> None:
        """Remember, in the place of what was. Addresses that were not seen for longer than their facts would stand are forgotten."""
        addresses = {
            address: {"at": stamp(one.at), "fingerprint": one.fingerprint, "facts": one.facts}
            for address, one in sorted(known.items())
            if one.at + self.counts + self.every > now
        }
        record = {"schema": SCHEMA, "basis": [self.basis, endpoint, asked], "sha256": digest(addresses), "addresses": addresses}
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self._file(endpoint), json.dumps(record, sort_keys=True).encode("ascii"))
        except OSError as error:
            self.notice(f"what was seen of {endpoint} cannot be remembered: {self.folder}: {error.strerror}")

    def _file(self, endpoint: str) -> Path:
        return self.folder / f"{digest(endpoint)}.json"


def _known(held: Mapping[str, Any]) -> Known:
    at, facts = datetime.fromisoformat(held["at"]), held["facts"]
    if at.tzinfo is None or not isinstance(facts, dict) or not isinstance(held["fingerprint"], str):
        raise ValueError("it is not what was written")
    return Known(at, held["fingerprint"], facts)


def _replace(file: Path, data: bytes) -> None:
    """Write a file that is the old one or the new one. Should the power fail, one of them damaged shows by its digest."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.replace(name, file)
    except OSError:
        os.unlink(name)
        raise
