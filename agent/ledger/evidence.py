"""What was collected, kept: each run's estate as a compressed archive, known by its hash, under a quota.

The oldest go first, and the record of the run that made them go says so: what is missing without a record was taken. An estate
holds what its collection let through to the disk, without secrets, and is kept as it is.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.ledger import LedgerError

FOLDER: Final = "evidence"
_ENDING: Final = ".tar.gz"


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that is written, before the run that names it is recorded."""

    name: str
    sha256: str
    size: int
    fresh: bool
    """Whether it was not there already: the same estate has the same archive."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The archives of a state directory; `quota` in bytes, 0 to keep none."""

    state: Path
    quota: int

    @property
    def folder(self) -> Path:
        return self.state / FOLDER

    def pack(self, estate: Path, finished: str) -> Archive | None:
        """Write an estate's archive; the same estate gives the same bytes. None where none is kept. Raises LedgerError."""
        if not self.quota:
            return None
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            descriptor, written = tempfile.mkstemp(prefix=".", dir=self.folder)
            try:
                with os.fdopen(descriptor, "w+b") as stream:
                    _tar(estate, stream)
                    stream.flush()
                    os.fsync(stream.fileno())
                    stream.seek(0)
                    sha256, size = hashlib.file_digest(stream, "sha256").hexdigest(), stream.seek(0, os.SEEK_END)
                name = f"{finished.translate({ord(':'): None})}-{sha256[:16]}{_ENDING}"
                fresh = not (self.folder / name).exists()
                os.replace(written, self.folder / name)
            except BaseException:
                os.unlink(written)
                raise
        except OSError as error:
            raise LedgerError(f"the evidence cannot be kept in {self.folder}: {error.strerror}; the run was not recorded") from error
        return Archive(name, sha256, size, fresh)

    def entry(self, archive: Archive | None) -> dict[str, Any]:
        """What a record says of it: the archive, and which of those that are there go for it, the oldest first."""
        if archive is None:
            return {}
        kept = {file.name: file.stat().st_size for file in self.folder.glob(f"*{_ENDING}")}
        if archive.size > self.quota:
            return {"archive": None, "why": f"{archive.size} bytes are more than the quota of {self.quota}", "dropped": []}
        dropped, held = [], archive.size + sum(size for name, size in kept.items() if name != archive.name)
        for name in sorted(kept.keys() - {archive.name}):
            if held <= self.quota:
                break
            dropped.append(name)
            held -= kept[name]
        return {"archive": {"name": archive.name, "sha256": archive.sha256, "size": archive.size}, "dropped": dropped}

    def forget(self, names: Iterable[str]) -> None:
        """Delete archives. One that cannot be deleted now is deleted after the next run."""
        for name in names:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError:
                from agent import log

                log.logger().warning("evidence", detail=f"{self.folder / name} cannot be deleted")

    def unpack(self, held: Mapping[str, Any], place: Path) -> None:
        """An archive as an estate again. Raises LedgerError where it is not the one that was sealed."""
        if (problem := self.problem(held)) is not None:
            raise LedgerError(problem)
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            raise LedgerError(f"{place} is there already: name a new folder")
        with tarfile.open(self.folder / held["name"], "r:gz") as archive:
            archive.extractall(place, filter="data")

    def holds(self, held: Mapping[str, Any]) -> bool:
        """Whether an archive that a record names is here."""
        return (self.folder / Path(held["name"]).name).exists()

    def problem(self, held: Mapping[str, Any]) -> str | None:
        """What is wrong with an archive that a record names."""
        file = self.folder / Path(held["name"]).name
        try:
            with file.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            return f"{file} is missing, and no run dropped it"
        except OSError as error:
            return f"{file} cannot be read: {error.strerror}"
        return None if found == held["sha256"] else f"{file} was changed: its SHA-256 is not the one that was sealed"


def keeping(kept: dict[str, dict[str, Any]], entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The archives that are kept after a run, by name, as its record says."""
    held = {name: one for name, one in kept.items() if name not in entry.get("dropped", ())}
    archive = entry.get("archive")
    return {**held, archive["name"]: archive} if archive else held


def _tar(estate: Path, stream: io.BufferedRandom | Any) -> None:
    """Names in order and nothing of who wrote them when, so that equal estates are equal archives."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in sorted(path for path in estate.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(str(file.relative_to(estate)))
            member.size, member.mode = file.stat().st_size, 0o600
            with file.open("rb") as content:
                archive.addfile(member, content)
