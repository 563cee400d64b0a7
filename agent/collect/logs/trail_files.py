"""CloudTrail's files in any store: digests, their signatures, and hashes of the log files.

In a bucket, the signature of a digest stands in the object's metadata, and in the digest after. `aws s3 sync` keeps the folders
below `AWSLogs/`; files in other folders are told by their names. Of a digest in a local folder, `aws s3api head-object` prints
the metadata, which is saved beside it under the digest's name with `.head.json` behind it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from agent.collect.files.json_files import read_json
from agent.collect.gunzip import Damaged, Limits, TooLarge
from agent.collect.logs.objects import LogObject, LogStore, NotSeen, Unlisted, Unreadable
from checks.document import DocumentError
from checks.logs.digest import BadDigest, Key, digest_name, log_name, read_digest, read_keys
from checks.logs.trail import DigestFile, Held

THREADS: Final = min(32, 4 * (os.cpu_count() or 1))
"""For files of this machine."""
REQUESTS: Final = 32
"""For objects that are asked for: then waiting is what takes time."""
_DIGESTS: Final = Limits(size=64_000_000)
_LOG_FOLDERS = re.compile(r"/CloudTrail(-[A-Za-z]+)?/")
Progress = Callable[[int, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrailFiles:
    """What was found: `logs` is None where log files were not asked for; `others` counts files that are neither.

    `unlisted` says why there may be more; `unsigned` why of some digests it is not known which signature they were stored with.
    """

    digests: tuple[DigestFile, ...]
    logs: tuple[Held, ...] | None
    others: int
    unlisted: tuple[Unlisted, ...] = ()
    unsigned: tuple[NotSeen, ...] = ()


Found = tuple[LogStore, LogObject]


def read_trail(
    stores: Iterable[LogStore],
    *,
    since: datetime | None,
    until: datetime,
    logs: bool = True,
    threads: int = THREADS,
    progress: Progress | None = None,
) -> TrailFiles:
    """Read and hash every file of a trail that may be about the window, in parallel. Raises DocumentError for a bad `.head.json`."""
    digests: list[Found] = []
    held: list[Found] = []
    others, unlisted = 0, []
    for store in stores:
        try:
            for one in store.objects(since, until):
                if digest_name(one.name) or "/CloudTrail-Digest/" in one.name:
                    digests.append((store, one))
                elif log_name(one.name) or _LOG_FOLDERS.search(one.name):
                    held.append((store, one))
                else:
                    others += 1
        except Unlisted as error:
            unlisted.append(error)
    unsigned: list[NotSeen] = []
    wanted = len(digests) + (len(held) if logs else 0)
    with ThreadPoolExecutor(threads) as pool:
        read = list(_counted(pool.map(lambda found: _digest(found, unsigned), digests), 0, wanted, progress))
        hashed = list(_counted(pool.map(_log, held), len(digests), wanted, progress)) if logs else None
    return TrailFiles(tuple(read), None if hashed is None else tuple(hashed), others, tuple(unlisted), tuple(unsigned))


def public_keys(paths: Sequence[Path]) -> list[Key]:
    """The keys in files that `aws cloudtrail list-public-keys` printed, one a region. Raises DocumentError."""
    found = []
    for path in paths:
        data, _, _ = read_json(path, nothing='{"PublicKeyList": []}')
        try:
            found += read_keys(data)
        except ValueError as error:
            raise DocumentError(str(path), None, str(error)) from error
    return found


def _counted(found: Iterable[T], done: int, wanted: int, progress: Progress | None) -> Iterator[T]:
    for one in found:
        done += 1
        if progress:
            progress(done, wanted)
        yield one


def _digest(found: Found, unsigned: list[NotSeen]) -> DigestFile:
    store, one = found
    signature = None
    try:
        signature = store.metadata(one).get("signature")
    except Unreadable as error:
        unsigned.append(error)
    try:
        raw = b"".join(store.pieces(one, _DIGESTS))
        sha256 = hashlib.sha256(raw).hexdigest()
        return DigestFile(Held(one.name, sha256), read_digest(raw, sha256), signature)
    except (Damaged, BadDigest) as error:
        return DigestFile(Held(one.name, None, _said(error, one), damaged=True), None, signature)
    except (Unreadable, TooLarge) as error:
        return DigestFile(Held(one.name, None, _said(error, one)), None, signature)


def _log(found: Found) -> Held:
    store, one = found
    hashed = hashlib.sha256()
    try:
        for piece in store.pieces(one):
            hashed.update(piece)
    except Damaged as error:
        return Held(one.name, None, _said(error, one), damaged=True)
    except (Unreadable, TooLarge) as error:
        return Held(one.name, None, _said(error, one))
    return Held(one.name, hashed.hexdigest())


def _said(error: Exception, one: LogObject) -> str:
    return str(error).removeprefix(f"{one.name}: ")
