"""What a full enumeration saw, put beside a quick look that finds the address unchanged: facts of an age of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checks.model import digest
from checks.tls import endpoint
from checks.tls.strength import derived

MAX_AGE = timedelta(days=8)
"""How long an enumeration stands where nobody says: the week from one to the next, and a day for one that comes late."""
_CARRIED = ("suites", "enumerated", "groups", "hybrid_group", "dh_bits", "client_certificate", "other_certificates", "without_name")
"""What a quick look does not ask for, or not always."""
_BY_KEY = ("versions", "refusals")
"""Of these it asks for a part."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an address from before: when it was last enumerated, what a quick look saw then, and what was found."""

    at: datetime
    fingerprint: str
    facts: Mapping[str, Any]
    counts: timedelta = MAX_AGE

    def is_due(self, now: datetime, every: timedelta) -> bool:
        """Whether it is time for the next enumeration: the last is old, is of a time to come, or showed a certificate that has since
        run out, and with it what was said of its trust."""
        return not self.at <= now < self.at + every or any(_time(after) < now for after in _ends(self.facts))

    def is_stale(self, now: datetime) -> bool:
        return not self.at <= now <= self.at + self.counts or any(_time(after) < now for after in _ends(self.facts))


def fingerprint(seen: Mapping[str, Any]) -> str:
    """128 bits over what a quick look tells of the server's settings. The certificate counts by its key: one that is renewed changes
    nothing else."""
    told = ("outcome", "versions", "agreed", "forbidden_offered", "glimpsed", "hybrid_group", "client_certificate")
    return digest({name: seen[name] for name in told if name in seen}, seen.get("certificate", {}).get("key_sha256"))


def kept(seen: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be remembered of an address that was enumerated."""
    return {name: seen[name] for name in (*_CARRIED, *_BY_KEY) if name in seen}


def together(quick: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The facts of a quick look, and beside them those of the enumeration. `enumeration` says of when those are, and which."""
    facts = {name: value for name, value in known.facts.items() if name in _CARRIED and name not in quick}
    carried = [*facts]
    for name in _BY_KEY:
        older = {key: value for key, value in known.facts.get(name, {}).items() if key not in quick.get(name, {})}
        carried += [f"{name}.{key}" for key in older]
        facts[name] = {**older, **quick.get(name, {})}
    held = {**quick, **facts, "enumeration": {"at": endpoint.time(known.at), "carried": sorted(carried)}}
    return held | derived(held)


def left_out(quick: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The facts of a quick look alone: what is known beside them is too old to count, and shows that it is."""
    why = f"everything was last asked at {endpoint.time(known.at)}: it stands for {MAX_AGE.days} days, and while certificates last that it showed"
    return {**quick, "enumeration": {"at": endpoint.time(known.at), "stale": True}, "unanswered": [*quick.get("unanswered", ()), why]}


def _ends(facts: Mapping[str, Any]) -> Iterator[str]:
    """When the certificates end that were seen beside the one that every look sees."""
    for one in (*facts.get("other_certificates", ()), facts.get("without_name", {})):
        if "not_after" in one:
            yield one["not_after"]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
