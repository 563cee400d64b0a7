"""A message as signed JSON for programs, after Standard Webhooks 1.0.0 (its specification, "Verifying webhook authenticity").

A receiver verifies it with any library for Standard Webhooks, or so: `webhook-signature` holds, behind `v1,` and in base64, the
HMAC-SHA256 under the shared secret of `webhook-id`, a full stop, `webhook-timestamp`, a full stop, and the body as it arrived. What
is older than five minutes is refused, and what has an id that was seen is not taken twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agent.config.notify import Occasion
from agent.publish.notify.events import SCHEMA as EVENT
from agent.publish.notify.outbox import Message
from checks.lifecycle import Status
from checks.rule import SEVERITIES

SCHEMA: Final = "upheld.notification/1"
TYPE: Final = "upheld.transitions"
PART: Final = 25
"""How many events a message takes: some 20 kB, as the specification recommends."""
TOLERANCE: Final = 300
"""How old a message may be, in seconds, where it is verified."""
_PREFIX: Final = "whsec_"
_SHORTEST: Final = 24


def key(secret: str) -> bytes:
    """The key of a secret: `whsec_` and base64, or any text of 24 bytes and more. Raises ValueError."""
    try:
        held = base64.b64decode(secret.removeprefix(_PREFIX), validate=True) if secret.startswith(_PREFIX) else secret.encode()
    except binascii.Error as error:
        raise ValueError(f"behind {_PREFIX} stands base64, and this is none") from error
    if len(held) < _SHORTEST:
        raise ValueError(f"a webhook's secret has {_SHORTEST} bytes or more; `openssl rand -base64 32` makes one")
    return held


def body(message: Message) -> bytes:
    """The same bytes in every attempt."""
    moment = datetime.fromtimestamp(message.made, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {
        "schema": SCHEMA,
        "type": TYPE,
        "timestamp": moment,
        "id": message.id,
        "data": {"events": [event.record for event in message.events]},
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")


def headers(message: Message, sent: bytes, secret: bytes, now: int) -> dict[str, str]:
    """`now`: of this attempt, in seconds since 1970."""
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{_signature(message.id, str(now), sent, secret)}",
        "Idempotency-Key": message.id,
    }


def verify(held: Mapping[str, str], received: bytes, secret: bytes, now: int) -> bool:
    """Whether a request is this program's, and new: what a receiver does. `held`: its headers, with names in small letters."""
    stamp = held.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(now - int(stamp)) > TOLERANCE:
        return False
    wanted = _signature(held.get("webhook-id", ""), stamp, received, secret)
    given = [one.removeprefix("v1,") for one in held.get("webhook-signature", "").split(" ") if one.startswith("v1,")]
    return any(hmac.compare_digest(one.encode(), wanted.encode()) for one in given)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the body. Members may be added within version 1; none is taken away."""
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    sentence = _object({"id": text, "quote": text, "policy": maybe})
    event = _object(
        {
            "schema": {"const": EVENT},
            "id": text,
            "occasion": {"enum": [str(occasion) for occasion in Occasion]},
            "at": text,
            "run": {"type": "integer", "description": "its number in the ledger"},
            "finding": text,
            "rule": text,
            "severity": {"enum": list(SEVERITIES)},
            "resource": _object({"id": text, "type": text, "account": text, "region": text}),
            "promises": {"type": "array", "items": sentence},
            "before": {"enum": [None, *map(str, Status)]},
            "after": {"enum": list(map(str, Status))},
            "what": {"type": "string", "description": "what broke, with the counterexample in words; or what became of it"},
            "counterexample": {"type": "string", "description": "digest of what broke it, which an exception is bound to"},
            "remedy": text,
        }
    )
    whole = {
        "schema": {"const": SCHEMA},
        "type": {"const": TYPE},
        "timestamp": text,
        "id": {"type": "string", "description": "the same in every attempt"},
        "data": _object({"events": {"type": "array", "minItems": 1, "maxItems": PART, "items": event}}),
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **_object(whole)}


def _object(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": sorted(members)}


def _signature(id_: str, stamp: str, sent: bytes, secret: bytes) -> str:
    signed = b".".join((id_.encode(), stamp.encode(), sent))
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode("ascii")
