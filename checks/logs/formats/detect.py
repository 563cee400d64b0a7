"""Which format a file has, by what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from checks.logs.formats import alb, cloudtrail, json_formats, vpc_flow
from checks.logs.formats.faults import Faults

Reader = Callable[[Iterable[bytes], str, Faults], Iterator[Any]]
READERS: Final[Mapping[str, Reader]] = {
    "alb": alb.read,
    "cloudtrail": cloudtrail.read,
    "vpc_flow": vpc_flow.read,
    **{name: format_.read for name, format_ in json_formats.FORMATS.items()},
}
"""Each format's reader; its table is `log.` and its name."""
DIGEST: Final = "cloudtrail-digest"


def detect(head: bytes) -> str | None:
    """The format of a file that begins so; DIGEST for a digest, which holds no rows; None where it is none of them."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")) and (found := _of_json(text)):
        return found
    first = text.partition(b"\n")[0]
    if alb.is_record(first):
        return "alb"
    return "vpc_flow" if vpc_flow.header(first) or vpc_flow.is_default(first) else None


def _of_json(text: bytes) -> str | None:
    if b'"digestS3Object"' in text:
        return DIGEST
    if b'"Records"' in text[:200]:
        return "cloudtrail"
    return json_formats.marked(text) or ("cloudtrail" if b'"eventVersion"' in text else None)
