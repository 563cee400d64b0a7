"""CloudTrail's files as downloaded from its bucket: digests, their signatures where they were saved, and hashes of the log files.

`aws s3 sync` keeps the folders below `AWSLogs/`; files in other folders are told by their names. The signature of the newest
digest stands only in the object's metadata: `aws s3api head-object` prints it, and is saved beside the digest under the
digest's name with `.head.json` behind it. All other signatures stand in the digest after.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.collect.gunzip import Damaged, Limits, TooLarge, Unreadable, pieces
from agent.collect.json_files import files_below, read_json
from checks.document import DocumentError
from checks.logs.digest import BadDigest, Key, digest_name, log_name, read_digest, read_keys
from checks.logs.trail import DigestFile, Held

HEAD: Final = ".head.json"
THREADS: Final = min(32, 4 * (os.cpu_count() or 1))
_DIGESTS: Final = Limits(size=64_000_000)
_LOG_FOLDERS = re.compile(r"/CloudTrail(-[A-Za-z]+)?/")


@dataclass(frozen=True, slots=True)
class TrailFiles:
    """What was found: `logs` is None where log files were not asked for; `others` counts files that are neither."""

    digests: tuple[DigestFile, ...]
    logs: tuple[Held, ...] | None
    others: int


def read_trail(
    paths: Iterable[Path], *, logs: bool = True, threads: int = THREADS, progress: Callable[[int, int], None] | None = None
) -> TrailFiles:
    """Read and hash every file of a trail, in parallel. Raises DocumentError for what is no file or folder, or a bad `.head.json`."""
    digests: list[Path] = []
    held: list[Path] = []
    heads: dict[str, Path] = {}
    others = 0
    for path in _files(paths):
        if path.name.endswith(HEAD):
            heads[str(path).removesuffix(HEAD)] = path
        elif digest_name(str(path)) or "/CloudTrail-Digest/" in str(path):
            digests.append(path)
        elif log_name(str(path)) or _LOG_FOLDERS.search(str(path)):
            held.append(path)
        else:
            others += 1
    signatures = {name: _signature(path) for name, path in heads.items()}
    wanted = len(digests) + (len(held) if logs else 0)
    done = 0

    def counted(found: Iterable[DigestFile | Held]) -> Iterator[DigestFile | Held]:
        nonlocal done
        for one in found:
            done += 1
            if progress:
                progress(done, wanted)
            yield one

    with ThreadPoolExecutor(threads) as pool:
        read = [
            one for one in counted(pool.map(lambda path: _digest(path, signatures.get(str(path))), digests)) if isinstance(one, DigestFile)
        ]
        hashed = [one for one in counted(pool.map(_log, held)) if isinstance(one, Held)] if logs else None
    return TrailFiles(tuple(read), None if hashed is None else tuple(hashed), others)


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


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file once, whichever of the paths it is below."""
    seen = set()
    for root in paths:
        if not root.exists():
            raise DocumentError(str(root), None, "there is no such file or folder")
        for path in files_below(root) if root.is_dir() else [root]:
            if (same := os.path.realpath(path)) not in seen:
                seen.add(same)
                yield path


def _signature(path: Path) -> str:
    data, _, _ = read_json(path, nothing="{}")
    metadata = data.get("Metadata") if isinstance(data, dict) else None
    signature = metadata.get("signature") if isinstance(metadata, dict) else None
    if not isinstance(signature, str):
        raise DocumentError(str(path), None, "there is no Metadata.signature in it, as aws s3api head-object prints it of a digest")
    return signature


def _digest(path: Path, signature: str | None) -> DigestFile:
    try:
        raw = b"".join(pieces(path, _DIGESTS))
        found = hashlib.sha256(raw).hexdigest()
        return DigestFile(Held(str(path), found), read_digest(raw, found), signature)
    except (Damaged, BadDigest) as error:
        return DigestFile(Held(str(path), None, _said(error, path), damaged=True), None, signature)
    except (Unreadable, TooLarge) as error:
        return DigestFile(Held(str(path), None, _said(error, path)), None, signature)


def _log(path: Path) -> Held:
    hashed = hashlib.sha256()
    try:
        for piece in pieces(path):
            hashed.update(piece)
    except Damaged as error:
        return Held(str(path), None, _said(error, path), damaged=True)
    except (Unreadable, TooLarge) as error:
        return Held(str(path), None, _said(error, path))
    return Held(str(path), hashed.hexdigest())


def _said(error: Exception, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
