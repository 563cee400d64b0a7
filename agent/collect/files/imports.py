"""What importing files has in common, whichever cloud they are of: when they were written, who vouches for them, what is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from agent.collect.estate import EstateError, EstateWriter
from checks.model import Resource


def moment(text: str) -> datetime:
    """The time that `--collected-at` says. Raises EstateError."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise EstateError(f"--collected-at {text}: not a time in RFC 3339, such as 2026-01-31T12:00:00Z")
    return told


def last_written(times: Iterable[float]) -> datetime:
    """When the newest of the files was written."""
    return datetime.fromtimestamp(max(times), UTC)


def check_asserted(by: str | None) -> None:
    """Raises EstateError where an assertion has nobody behind it."""
    if by is not None and not by.strip():
        raise EstateError("--assert-complete: name who asserts it")


class CountingWriter(EstateWriter):
    """Writes an estate, and knows how much."""

    def __init__(self, place: Path, provider: str) -> None:
        super().__init__(place, provider)
        self._counts: dict[str, int] = {}

    def add_resources(self, resources: Iterable[Resource]) -> None:
        held = list(resources)
        for resource in held:
            self._counts[resource.type] = self._counts.get(resource.type, 0) + 1
        super().add_resources(held)

    @property
    def totals(self) -> str:
        gaps = len({(gap.type, gap.account, gap.region, gap.id, gap.field, gap.message) for gap in self._gaps})
        return f"{sum(self._counts.values())} resources of {len(self._counts)} types, {len(self._looks)} looks, {gaps} gaps"


def whose_word(asserted_by: str | None) -> str:
    """What the absence from the files means."""
    if asserted_by:
        return f"{asserted_by} asserts that what is not in the files does not exist"
    return "what is not in the files is not collected"


def unused_line(names: list[str]) -> Iterable[str]:
    """The files that say nothing, in a line, if there are any."""
    if names:
        yield f"  not used: {', '.join(names[:10])}" + (f" and {len(names) - 10} others" if len(names) > 10 else "")


def printed(lines: Iterable[str]) -> str:
    """Lines without what could forge one."""
    return "\n".join(line if line.isprintable() else ascii(line)[1:-1] for line in lines)
