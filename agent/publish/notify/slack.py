"""A message as Slack's incoming webhooks take it.

Sources: Slack, "Formatting message text" (the three characters to escape), "Text object" (3,000 characters; `verbatim` leaves names
and addresses alone), "Header block" (150 characters), "Blocks" (50 in a message).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from agent.publish.notify import wording
from agent.publish.notify.events import Event
from agent.publish.notify.outbox import Message

_MOST: Final = 20
_LONGEST: Final = 3000
_HEAD: Final = 150


def body(message: Message) -> bytes:
    events = wording.ordered(message.events)
    head = wording.head(events)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": head[:_HEAD], "emoji": False}}]
    blocks += [_section(_told(event)) for event in events[:_MOST]]
    if more := list(wording.rest(events[_MOST:])):
        blocks.append(_section(more))
    blocks.append({"type": "context", "elements": [{**_text([f"message {message.id}"])}]})
    return json.dumps({"text": _escaped(head), "blocks": blocks}).encode("ascii")


def _told(event: Event) -> list[str]:
    return [wording.title(event), *wording.body(event)]


def _section(lines: Sequence[str]) -> dict[str, Any]:
    return {"type": "section", "text": _text(lines)}


def _text(lines: Sequence[str]) -> dict[str, Any]:
    return {"type": "mrkdwn", "verbatim": True, "text": _cut("\n".join(map(_escaped, lines)))}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str) -> str:
    """No longer than a text may be, and not in the middle of an escape."""
    if len(text) <= _LONGEST:
        return text
    cut = text[: _LONGEST - 3]
    start = cut.rfind("&", len(cut) - 5)
    return (cut if start < 0 or ";" in cut[start:] else cut[:start]) + "..."
