"""Which format a file has, by what is in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from checks.logs.formats import alb, cloudtrail, vpc_flow
from checks.logs.formats.faults import Faults


class Reader(Protocol):
    """Record batches of a format's table, of a file's pieces. `wanted` names the columns that are read (None: all)."""

    def __call__(
        self, pieces: Iterable[bytes], object_: str, faults: Faults, wanted: Collection[str] | None = None, /
    ) -> Iterator[Any]: ...


READERS: Final[Mapping[str, Reader]] = {"cloudtrail": cloudtrail.read, "vpc_flow": vpc_flow.read, "alb": alb.read}
"""Each format's reader; its table is `log.` and its name."""
DIGEST: Final = "cloudtrail-digest"


def detect(head: bytes) -> str | None:
    """The format of a file that begins so; DIGEST for a digest, which holds no rows; None where it is none of them."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        if b'"digestS3Object"' in text:
            return DIGEST
        return "cloudtrail" if b'"Records"' in text[:200] or b'"eventVersion"' in text else None
    first = text.partition(b"\n")[0]
    if alb.is_record(first):
        return "alb"
    return "vpc_flow" if vpc_flow.header(first) or vpc_flow.is_default(first) else None
