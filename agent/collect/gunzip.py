"""Files as they were before they were compressed, piece by piece, with a limit on what a small file may grow to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from isal import isal_zlib
from isal.igzip_lib import IsalError

PIECE: Final = 1 << 18
_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31
"""`wbits` of zlib: a gzip header is expected, and its checksum is checked."""


class Unreadable(OSError):
    """A file that could not be read, and nothing is known of what is in it."""


class Damaged(ValueError):
    """A file whose bytes are there and are not what was once written: cut off, altered, or with something put behind it."""


class TooLarge(ValueError):
    """A file that is larger, or grows larger, than anything of its kind."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`size` in bytes, uncompressed; `ratio` counts once `spared` bytes are out (small repetitive files compress very well)."""

    size: int = 4_000_000_000
    ratio: int = 250
    spared: int = 64_000_000

    def check(self, path: Path, read: int, written: int) -> None:
        """Raises TooLarge."""
        if written > self.size:
            raise TooLarge(f"{path}: larger than {self.size // 1_000_000} MB")
        if written > self.spared and written > read * self.ratio:
            raise TooLarge(f"{path}: {read} bytes that grow to more than {written}: no log compresses so well")


LIMITS: Final = Limits()


def pieces(path: Path, limits: Limits = LIMITS) -> Iterator[bytes]:
    """The contents, uncompressed where the file is gzip (told by its first bytes; several members follow each other).

    Raises Unreadable, Damaged and TooLarge, also after pieces were given.
    """
    try:
        with open(path, "rb", opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(f"{path}: not a regular file")
            head = file.read(PIECE)
            yield from _gunzip(path, file, head, limits) if head.startswith(_MAGIC) else _plain(path, file, head, limits)
    except OSError as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"{path}: cannot be read: {error.strerror}") from error


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe that nobody writes to is not waited for


def _plain(path: Path, file: Any, piece: bytes, limits: Limits) -> Iterator[bytes]:
    read = 0
    while piece:
        read += len(piece)
        limits.check(path, read, read)
        yield piece
        piece = file.read(PIECE)


def _gunzip(path: Path, file: Any, piece: bytes, limits: Limits) -> Iterator[bytes]:
    read, written = len(piece), 0
    member: Any = isal_zlib.decompressobj(_GZIP)
    while True:
        try:
            out = member.decompress(piece, PIECE)
        except IsalError as error:  # type: ignore[misc]  # the stubs name no class
            raise Damaged(f"{path}: damaged gzip after {written} bytes: {error}") from error
        written += len(out)
        limits.check(path, read, written)
        if out:
            yield out
        piece = member.unused_data if member.eof else member.unconsumed_tail
        if not piece and (member.eof or not out):
            piece = file.read(PIECE)
            read += len(piece)
        if member.eof:
            if not piece:
                return
            while len(piece) < len(_MAGIC) and (more := file.read(PIECE)):
                piece, read = piece + more, read + len(more)
            if not piece.startswith(_MAGIC):
                raise Damaged(f"{path}: something stands behind the end of the gzip data")
            member = isal_zlib.decompressobj(_GZIP)
        elif not piece and not out:
            raise Damaged(f"{path}: the gzip data is cut off after {written} bytes")
