"""The stage of a collection that inspects TLS endpoints: those that were named, and those that what was collected serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.collect.estate import EstateWriter
from agent.collect.tls.crl import Lists
from agent.collect.tls.estate import Progress, inspect, told
from agent.collect.tls.inspecting import Inspector, Target
from agent.collect.tls.lookups import Caa
from agent.collect.tls.memory import Memory
from agent.collect.tls.served import Discovered, discovered, hidden
from agent.collect.tls.targets import USUAL, BadTarget, read
from agent.config import Endpoint, Tls
from checks.model import GLOBAL, Gap, Reason
from checks.tls import endpoint
from checks.tls.certificate import Roots


def named(settings: Tls) -> Iterator[Target]:
    """The endpoints of the configuration, one by one. Raises BadTarget, also for one that stands twice: only one would be told."""
    found = set[str]()
    for one in settings.endpoints:
        target = _target(one)
        if target.id in found:
            raise BadTarget(f"the endpoint {target.id} stands twice")
        found.add(target.id)
        yield target


def _target(one: str | Endpoint) -> Target:
    if isinstance(one, str):
        return read(one)
    host = f"[{one.host}]" if ":" in one.host else one.host
    return read(f"{host}:{one.port or USUAL.get(one.starttls or '', 443)}", starttls=one.starttls, server_name=one.server_name)


@dataclass(frozen=True, slots=True)
class Means:
    """How endpoints are inspected: whom to trust, what is remembered of them, whom else to ask."""

    roots: Roots
    memory: Memory | None = None
    caa: Caa | None = None


def collect(
    settings: Tls, means: Means, writer: EstateWriter, now: Callable[[], datetime], late: Callable[[], bool], progress: Progress | None
) -> None:
    """Inspect, and write what was seen. An endpoint that the estate serves and that is not asked is a gap that names it; what may
    serve some and was not seen is a gap in which there are. `late`: whether the collection's time is up.

    Raises BadTarget.
    """
    hides = list(hidden(writer.remembered_gaps))
    targets = {target.id: target for target in named(settings)}
    beside = [one for one in discovered(writer.remembered) if one.target.id not in targets]
    if settings.from_estate:
        targets |= {one.target.id: one.target for one in beside}
    else:
        hides += _unlisted(beside)
    inspector = Inspector(means.roots, now, late=late, memory=means.memory, caa=means.caa, lists=Lists(now) if settings.crl else None)
    seen = inspect(inspector, targets.values(), progress)
    resources, looks, gaps = told(seen, now(), whole=not hides)
    writer.add_resources(resources)
    for look in looks:
        writer.add_look(look)
    for gap in (*hides, *gaps):
        writer.add_gap(gap)


def _unlisted(found: Iterable[Discovered]) -> Iterator[Gap]:
    for one in found:
        message = f"{one.type} {one.id} serves it, and collect.tls does not list it"
        yield Gap(endpoint.TYPE, endpoint.ACCOUNT, GLOBAL, one.target.id, None, Reason.NOT_COLLECTED, "", message=message)
