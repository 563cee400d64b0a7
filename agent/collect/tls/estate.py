"""Endpoints inspected and put together as an estate: what was seen, what was not, and which there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from agent.collect.tls.inspecting import Inspector, Seen, Target
from agent.collect.wire import rfc3339
from checks.model import GLOBAL, Estate, Gap, Look, Manifest, Resource, Scope
from checks.tls import endpoint
from checks.tls.reuse import with_shared_keys

Progress = Callable[[int, int], None]


def inspect(inspector: Inspector, targets: Iterable[Target], progress: Progress | None = None) -> list[Seen]:
    """Every endpoint once, in the order they were asked for."""
    wanted = list({target.id: target for target in targets}.values())

    async def run() -> list[Seen]:
        found: dict[str, Seen] = {}
        async for seen in inspector.inspect(wanted):
            found[seen.target.id] = seen
            if progress:
                progress(len(found), len(wanted))
        return [found[target.id] for target in wanted]

    return asyncio.run(run())


def told(seen: Sequence[Seen], at: datetime, *, whole: bool = True) -> tuple[list[Resource], list[Look], list[Gap]]:
    """(resources, looks, gaps): the endpoints, what each look took, and the look that shows which endpoints there are.

    `whole`: whether no endpoint is known that stands not among these.
    """
    resources = [one.resource for one in seen if one.resource is not None]
    resources = with_shared_keys(resources, whole=whole and len(resources) == len(seen))
    looks = [look for one in seen for look in one.looks]
    listing = endpoint.listing([one.target.id for one in seen], rfc3339(at))
    return resources, [*looks, listing], [gap for one in seen for gap in one.gaps]


def estate(seen: Sequence[Seen], started: datetime, finished: datetime, tool: str, unread: Sequence[Gap] = ()) -> Estate:
    """An estate of endpoints alone. `unread`: what was listed and is no endpoint that could be asked."""
    resources, looks, gaps = told(seen, finished, whole=not unread)
    scope = Scope({endpoint.ACCOUNT: (GLOBAL,)}, (endpoint.TYPE,))
    manifest = Manifest("upheld.estate/1", rfc3339(started), rfc3339(finished), tool, {}, None, scope, source="tls")
    return Estate(manifest, {endpoint.TYPE: tuple(resources)}, tuple(looks), (*gaps, *unread))
