"""One estate put together of parts of others: what was looked at just now, and all else as it was, with its own looks and times.

Files that go over whole are linked and not written again; their hashes go over, too.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import orjson

from agent.collect.estate import MANIFEST, EstateError, line_of, manifest_record, scope_of, sha256_of
from checks.model import Gap, Manifest

_LOOKS: Final = "looks.jsonl"
_GAPS: Final = "gaps.jsonl"
Wanted = Callable[[str, str, str], bool]
"""Whether what stands at a type, account and region goes over."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of an estate goes into another one."""

    place: Path
    wanted: Wanted

    def manifest(self) -> Manifest:
        """Raises EstateError."""
        record = manifest_record(self.place)
        del record["files"]
        return Manifest(**{**record, "scope": scope_of(record["scope"])})

    def files(self) -> Iterator[tuple[str, str]]:
        """The files of resources, with their hashes."""
        for name, sha256 in manifest_record(self.place)["files"].items():
            parts = PurePosixPath(name).parts
            if len(parts) > 1 and self.wanted(PurePosixPath(name).stem, parts[1], parts[2]):
                yield name, sha256

    def lines(self, file: str) -> Iterator[tuple[str, bytes]]:
        """The looks or gaps, as they are written, by what they are sorted by."""
        for line in (self.place / file).read_bytes().splitlines(keepends=True):
            held = orjson.loads(line)
            if self.wanted(held["type"], held["account"], held["region"]):
                yield held.get("id") or "", line


def compose(place: Path, manifest: Manifest, parts: Sequence[Part], gaps: Iterable[Gap] = ()) -> None:
    """Put an estate together at `place`, which must be free, with more `gaps`. Raises EstateError for a part that is none."""
    folder = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        hashes: dict[str, str] = {}
        for part in parts:
            for name, sha256 in part.files():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.link(part.place / name, folder / name)
                hashes[name] = sha256
        looks = {id_: line for part in parts for id_, line in part.lines(_LOOKS)}
        more = {line_of(asdict(gap)).encode("ascii") for gap in gaps}
        (folder / _LOOKS).write_bytes(b"".join(looks[id_] for id_ in sorted(looks)))
        (folder / _GAPS).write_bytes(b"".join(sorted(more.union(line for part in parts for _, line in part.lines(_GAPS)))))
        hashes |= {name: sha256_of(folder / name) for name in (_LOOKS, _GAPS)}
        record = {**asdict(manifest), "files": hashes}
        (folder / MANIFEST).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
        folder.chmod(0o755)
        os.replace(folder, place)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise EstateError(f"{place} cannot be put together: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
