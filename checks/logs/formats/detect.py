"""Which format a file has, by what is in it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from checks.logs.formats import (
    alb,
    alb_connection,
    cloudfront,
    cloudtrail,
    declared,
    elb,
    json_formats,
    nlb_tls,
    parquet,
    route53_resolver,
    s3_access,
    vpc_flow,
)
from checks.logs.formats.faults import Faults

Reader = Callable[[Iterable[bytes], str, Faults], Iterator[Any]]


class Narrow(Protocol):
    """A reader that can leave out what no column is made of that is `wanted` (None: all)."""

    def __call__(self, pieces: Iterable[bytes], object_: str, faults: Faults, wanted: Collection[str] | None = None) -> Iterator[Any]: ...


_NARROW: Final[Mapping[str, Narrow]] = {"alb": alb.read, "cloudtrail": cloudtrail.read, "vpc_flow": vpc_flow.read}
READERS: Final[Mapping[str, Reader]] = {
    **_NARROW,
    "alb_connection": alb_connection.read,
    "cloudfront": cloudfront.read,
    "elb": elb.read,
    "nlb_tls": nlb_tls.read,
    "route53_resolver": route53_resolver.read,
    "s3_access": s3_access.read,
    "web": declared.read,
    **{name: format_.read for name, format_ in json_formats.FORMATS.items()},
}
"""Each format's reader; its table is `log.` and its name."""
_LINES: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "alb": alb.is_record,
    "alb_connection": alb_connection.is_record,
    "cloudfront": lambda line: cloudfront.is_header(line) or cloudfront.is_record(line),
    "elb": elb.is_record,
    "nlb_tls": nlb_tls.is_record,
    "route53_resolver": route53_resolver.is_record,
    "s3_access": s3_access.is_record,
    "vpc_flow": lambda line: vpc_flow.header(line) is not None or vpc_flow.is_default(line),
    "web": declared.is_record,
}
"""Whether a file whose first line this is has the format; no line is one of two."""
DIGEST: Final = "cloudtrail-digest"
_OF_DIGEST: Final = re.compile(rb'\{\s*"(?:awsAccountId|digest[A-Z]\w+|previousDigest\w+|newestEventTime|oldestEventTime|logFiles)"')
"""How a digest begins ("CloudTrail digest file structure"). What a record holds may have the names of its members, too: whoever calls an
API writes its parameters."""


def reader(format_: str, wanted: Collection[str] | None = None) -> Reader:
    """A format's reader. `wanted` names the columns that are asked for (None: all): others may be null, and what is odd in them
    is not told. Most formats are read whole all the same."""
    narrow = _NARROW.get(format_)
    return READERS[format_] if narrow is None else functools.partial(narrow, wanted=wanted)


def detect(head: bytes) -> str | None:
    """The format of a file that begins so; DIGEST for a digest, which holds no rows; None where it is none of them."""
    if head.startswith(parquet.MAGIC):
        return "vpc_flow"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")) and (found := _of_json(text)):
        return found
    first = text.partition(b"\n")[0]
    return next((name for name, is_its in _LINES.items() if is_its(first)), None)


def _of_json(text: bytes) -> str | None:
    if b'"Records"' in text[:200]:
        return "cloudtrail"
    if _OF_DIGEST.match(text) and b'"digestS3Object"' in text:
        return DIGEST
    return json_formats.marked(text) or ("cloudtrail" if b'"eventVersion"' in text else None)
