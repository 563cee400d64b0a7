"""Log files in local folders, as a store.

What `aws s3api head-object` printed of an object may be saved beside it, under its name with `.head.json` behind it: that is
the object's metadata.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.collect.aws.errors import Failure
from agent.collect.estate import EstateError
from agent.collect.files.json_files import files_below, read_json
from agent.collect.gunzip import LIMITS, PIECE, Limits, uncompressed
from agent.collect.logs.objects import LogObject, Unlisted, Unreadable
from checks.document import DocumentError
from checks.model import Reason

SAVED: Final = ".head.json"
_REASONS: Final = {FileNotFoundError: Reason.VANISHED, PermissionError: Reason.DENIED}


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file below the paths, without what was saved of objects' metadata. Raises DocumentError and EstateError."""
    for root in paths:
        if not root.exists():
            raise DocumentError(str(root), None, "there is no such file or folder")
        yield from (path for path in (files_below(root) if root.is_dir() else [root]) if not path.name.endswith(SAVED))


def read(path: Path, size: int | None = None) -> Iterator[bytes]:
    """The bytes of a file: the first `size`, where that is given, for a log is written on while it is read. Raises Unreadable."""
    try:
        with open(path, "rb", buffering=0, opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _unreadable(path, Reason.FAILED, "not a regular file")
            if size is not None and status.st_size < size:
                raise _unreadable(path, Reason.VANISHED, "it is shorter than when it was listed: it was replaced, or cut")
            left = size
            while piece := file.read(PIECE if left is None else min(PIECE, left)):
                yield piece
                left = None if left is None else left - len(piece)
    except OSError as error:
        raise _unreadable(path, _REASONS.get(type(error), Reason.FAILED), f"cannot be read: {error.strerror}") from error


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe that nobody writes to is not waited for


def _unreadable(path: Path, reason: Reason, what: str) -> Unreadable:
    return Unreadable(str(path), "open", Failure(reason, "", what))


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """Files and folders as a store of log files; each file once, whichever of the paths it is below."""

    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        return ", ".join(map(str, self.paths))

    def holds(self, name: str) -> bool:
        return any(Path(name).is_relative_to(path) for path in self.paths)

    def objects(self, since: datetime | None, until: datetime) -> Iterator[LogObject]:  # noqa: ARG002 - late rows are in new files
        """Raises Unlisted."""
        seen = set()
        try:
            for path in files(self.paths):
                if (same := os.path.realpath(path)) not in seen:
                    seen.add(same)
                    one = _object(path)
                    if one.may_hold(since):
                        yield one
        except (DocumentError, EstateError, OSError) as error:
            raise Unlisted(self.name, "scandir", Failure(Reason.FAILED, "", str(error).removeprefix(f"{self.name}: "))) from error

    def raw(self, one: LogObject) -> Iterator[bytes]:
        """Raises Unreadable."""
        return read(Path(one.name), one.size)

    def pieces(self, one: LogObject, limits: Limits = LIMITS) -> Iterator[bytes]:
        """Raises Unreadable, Damaged and TooLarge."""
        return uncompressed(self.raw(one), one.name, limits)

    def metadata(self, one: LogObject) -> Mapping[str, str]:
        """What was saved of it, empty where nothing was. Raises DocumentError for a file that `head-object` has not printed."""
        path = Path(one.name + SAVED)
        if not path.exists():
            return {}
        data, _, _ = read_json(path, nothing="{}")
        metadata = data.get("Metadata") if isinstance(data, dict) else None
        if not isinstance(metadata, dict) or not isinstance(metadata.get("signature"), str):
            raise DocumentError(str(path), None, "there is no Metadata.signature in it, as aws s3api head-object prints it of a digest")
        return {str(name).lower(): str(value) for name, value in metadata.items()}


def _object(path: Path) -> LogObject:
    status = path.stat()
    return LogObject(str(path), f"{status.st_size}-{status.st_mtime_ns}", status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
