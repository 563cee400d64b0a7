"""Bytes as they were before they were compressed, piece by piece, with a limit on what little may grow to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from isal import isal_zlib
from isal.igzip_lib import IsalError

PIECE: Final = 1 << 18
"""How much is read at once."""
_LARGEST: Final = 1 << 22
"""How much it may grow to at once: most log files come out whole, and need not be put together."""
_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31
"""`wbits` of zlib: a gzip header is expected, and its checksum is checked."""


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

    def check(self, name: str, read: int, written: int) -> None:
        """Raises TooLarge."""
        if written > self.size:
            raise TooLarge(f"{name}: larger than {self.size // 1_000_000} MB")
        if written > self.spared and written > read * self.ratio:
            raise TooLarge(f"{name}: {read} bytes that grow to more than {written}: no log compresses so well")


LIMITS: Final = Limits()


def uncompressed(raw: Iterable[bytes], name: str, limits: Limits = LIMITS) -> Iterator[bytes]:
    """What the bytes of a file hold, uncompressed where they are gzip (told by the first bytes; several members follow each other).

    Raises Damaged and TooLarge, which name the file, also after pieces were given; and whatever `raw` raises.
    """
    source = (piece for piece in raw if piece)
    head = _at_least(len(_MAGIC), b"", source)
    yield from _gunzip(name, source, head, limits) if head.startswith(_MAGIC) else _plain(name, source, head, limits)


def _at_least(size: int, piece: bytes, source: Iterator[bytes]) -> bytes:
    while len(piece) < size and (more := next(source, b"")):
        piece += more
    return piece


def _plain(name: str, source: Iterator[bytes], piece: bytes, limits: Limits) -> Iterator[bytes]:
    read = 0
    while piece:
        read += len(piece)
        limits.check(name, read, read)
        yield piece
        piece = next(source, b"")


def _gunzip(name: str, source: Iterator[bytes], piece: bytes, limits: Limits) -> Iterator[bytes]:
    read, written = len(piece), 0
    member: Any = isal_zlib.decompressobj(_GZIP)
    while True:
        try:
            out = member.decompress(piece, _LARGEST)
        except IsalError as error:  # type: ignore[misc]  # the stubs name no class
            raise Damaged(f"{name}: damaged gzip after {written} bytes: {error}") from error
        written += len(out)
        limits.check(name, read, written)
        if out:
            yield out
        piece = member.unused_data if member.eof else member.unconsumed_tail
        if not piece and (member.eof or not out):
            piece = next(source, b"")
            read += len(piece)
        if member.eof:
            if not piece:
                return
            begun = len(piece)
            piece = _at_least(len(_MAGIC), piece, source)
            read += len(piece) - begun
            if not piece.startswith(_MAGIC):
                raise Damaged(f"{name}: something stands behind the end of the gzip data")
            member = isal_zlib.decompressobj(_GZIP)
        elif not piece and not out:
            raise Damaged(f"{name}: the gzip data is cut off after {written} bytes")
