"""What a fault makes of an answer: bodies that are none, members left out, pages lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

from tests.world.faults import Fault, Kind
from tests.world.refusals import internal_error, refusal, refuse
from tests.world.wire import Answer, Call, Cut, UnknownCallError
from tests.world.wire_documents import PAGE_TOKEN, Document, halves, pages
from tests.world.wire_models import items_path, operation_model, paging

PORTAL = b"""<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Sign in to continue</title></head>
<body><h1>Guest network</h1><form action="/login" method="post"><input name="user"/><input name="password"/></form>
</body></html>
"""
"""A captive portal's page. It is well-formed XML, so that an XML parser does not save a careless reader."""


# --- doing it --------------------------------------------------------------------------------------------------------


class Pages:
    """Cuts listings into pages and keeps the later ones until they are asked for."""

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        self.sizes: dict[str, int] = dict(sizes or {})
        self._kept: dict[str, Answer] = {}

    def recall(self, call: Call) -> Answer | None:
        """The page that a request asks for by a token that was given out here."""
        if not call.has_page_token:
            return None
        found = PAGE_TOKEN.search(call.text)
        return self._kept.get(found.group()) if found else None

    def first(self, call: Call, answer: Answer) -> Answer:
        """The answer itself, or the first of its pages where the operation is to be paged."""
        size = self.sizes.get(call.action, 0)
        return self.keep(pages(call, answer, size)) if size else answer

    def keep(self, cut: Sequence[Answer]) -> Answer:
        for page, following in pairwise(cut):
            token = PAGE_TOKEN.search(page.body.decode("latin-1"))
            if token:
                self._kept[token.group()] = following
        return cut[0]


def inflict(fault: Fault, call: Call, fetch: Callable[[], Answer], paged: Pages) -> Answer:
    """The answer that the fault makes of the call; `fetch` gets the true one, where that is needed.

    Silence (`Kind.is_silence`) is the caller's, as it is no answer.
    """
    kind = Kind(fault.kind)
    if kind is Kind.EMPTY_200:
        return Answer(200, {}, b"")
    if kind is Kind.HTML_200:
        return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, PORTAL)
    if kind in {Kind.TRUNCATE, Kind.TRUNCATE_QUIET}:
        whole = fetch()
        cut = Cut(whole.status, whole.headers, whole.body)
        return cut if kind is Kind.TRUNCATE else Answer(whole.status, whole.headers, cut.arriving)
    if kind is Kind.MISSING_MEMBER:
        return _without_member(fault, call, fetch())
    if kind.about_pages:
        return _spoil_pages(fault, call, fetch, paged)
    return refuse(call, refusal(call, fault))


def _without_member(fault: Fault, call: Call, whole: Answer) -> Answer:
    if whole.status >= 300:
        return whole
    shape = operation_model(call.service, call.operation).output_shape
    payload = shape.serialization.get("payload") if shape else None
    if shape is not None and payload and shape.members[payload].type_name != "structure":
        return Answer(whole.status, whole.headers, b"")
    document = Document(call, whole)
    document.remove(fault.member or items_path(call.service, call.operation))
    return document.answer()


def _spoil_pages(fault: Fault, call: Call, fetch: Callable[[], Answer], paged: Pages) -> Answer:
    if not call.has_page_token:
        whole = fetch()
        if _has_token(call, whole):
            return whole
        cut = halves(call, whole)
        return paged.keep([cut[0], cut[0]] if fault.kind is Kind.PAGE_LOOP and len(cut) > 1 else cut)
    if fault.kind is Kind.LOST_PAGE:
        return refuse(call, internal_error(call))
    if fault.kind is Kind.PAGE_LOOP:
        return paged.recall(call) or fetch()
    return Answer(200, {}, b"")


def _has_token(call: Call, answer: Answer) -> bool:
    """Whether the answer itself says that there is another page."""
    known = paging(call.service, call.operation)
    return known is not None and answer.status < 300 and bool(Document(call, answer).read(known.output_token))


def applicable(kind: Kind, service: str, operation: str) -> bool:
    """Whether the fault can happen to the operation at all: pages are lost only where there are pages."""
    if Kind(kind).about_pages:
        known = paging(service, operation)
        return known is not None and bool(known.items)
    if kind is Kind.MISSING_MEMBER:
        with suppress(UnknownCallError):
            return bool(items_path(service, operation))
        return False
    return kind is not Kind.ERROR
