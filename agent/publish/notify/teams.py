"""A message as a workflow of Microsoft Teams takes it: an Adaptive Card in an envelope.

Sources: Microsoft, "Create incoming webhooks with Workflows" (the envelope), "Text features" of Adaptive Cards (a RichTextBlock takes
no Markdown, so that no name becomes a link), "Microsoft Teams" among the connectors (a message has at most about 28 KB).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from agent.config.notify import Occasion
from agent.publish.notify import wording
from agent.publish.notify.events import Event
from agent.publish.notify.outbox import Message

_MOST: Final = 12
_LARGEST: Final = 20_000
"""In bytes. Others measured that less than the documented 28 KB is taken."""
_COLOURS: Final = {
    Occasion.BROKEN: "attention",
    Occasion.REPAIRED: "good",
    Occasion.EVIDENCE_LOST: "warning",
    Occasion.EXCEPTION_EXPIRING: "warning",
}


def body(message: Message) -> bytes:
    """With as many events one by one as fit."""
    events = wording.ordered(message.events)
    told = min(_MOST, len(events))
    while len(encoded := _encoded(message, events, told)) > _LARGEST and told:
        told -= 1
    return encoded


def _encoded(message: Message, events: Sequence[Event], told: int) -> bytes:
    blocks = [_block([_run(wording.head(events), weight="bolder", size="medium")])]
    for event in events[:told]:
        blocks.append(_block([_run(wording.title(event), weight="bolder", color=_COLOURS.get(event.occasion, "default"))], separator=True))
        blocks += [_block([_run(line)]) for line in wording.body(event)]
    counted = list(wording.rest(events[told:]))
    blocks += [_block([_run(line)]) for line in counted[:_MOST]]
    if len(counted) > _MOST:
        blocks.append(_block([_run(f"and more under {len(counted) - _MOST} other rules: `upheld ledger history` has all of them")]))
    blocks.append(_block([_run(f"message {message.id}", isSubtle=True, size="small")]))
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": blocks}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return json.dumps({"type": "message", "attachments": [attachment]}).encode("ascii")


def _block(runs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs, **more}


def _run(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **more}
