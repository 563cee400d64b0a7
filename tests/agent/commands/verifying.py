"""`upheld logs verify-trail` asked about a trail, and what its report says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.conftest import Ended, upheld
from tests.world.trails import Trail, key_list, text


def verify(trail: Trail, *options: str | Path, until: datetime | None = None, keys: dict[str, Any] | None = None) -> Ended:
    file = trail.root.parent / "keys.json"
    file.write_text(json.dumps(keys or key_list(0)))
    return upheld(
        "logs", "verify-trail", trail.root, "--public-keys", file, "--until", text(until or trail.now), "--format", "json", *options
    )


def hours(ended: Ended) -> dict[str, int]:
    return dict(Counter(hour["proof"] for chain in ended.report["chains"] for hour in chain["hours"]))


def kinds(ended: Ended) -> set[tuple[str, str]]:
    return {(problem["proof"], problem["kind"]) for problem in ended.report["problems"]}


def hour_of(ended: Ended, at: datetime) -> str:
    return next(hour["proof"] for chain in ended.report["chains"] for hour in chain["hours"] if hour["from"] == text(at))
