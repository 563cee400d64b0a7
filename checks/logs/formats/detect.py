"""Which format a file has, by what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

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
READERS: Final[Mapping[str, Reader]] = {
    "alb": alb.read,
    "alb_connection": alb_connection.read,
    "cloudfront": cloudfront.read,
    "cloudtrail": cloudtrail.read,
    "elb": elb.read,
    "nlb_tls": nlb_tls.read,
    "route53_resolver": route53_resolver.read,
    "s3_access": s3_access.read,
    "vpc_flow": vpc_flow.read,
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
    if b'"digestS3Object"' in text:
        return DIGEST
    if b'"Records"' in text[:200]:
        return "cloudtrail"
    return json_formats.marked(text) or ("cloudtrail" if b'"eventVersion"' in text else None)
