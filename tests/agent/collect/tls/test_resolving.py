"""Names: nobody waits for one that no server answers for."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.collect.tls import inspecting
from agent.collect.tls.inspecting import Inspector, Seen, Target
from checks.model import Reason
from checks.tls.certificate import Roots
from tests.world.tls_responders import Responder, plaintext_http

SLOW = 40


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that keeps silent on names under slow.invalid until the test is over, as one behind a firewall does."""
    over, really = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        if host.endswith("slow.invalid"):
            over.wait(20)
        return really("127.0.0.1" if host == "quick.invalid" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(inspecting, "RESOLVE_SECONDS", 1.0)
    yield
    over.set()


def test_names_that_nobody_answers_for_are_gaps_and_keep_no_other_from_being_found(slow_names: None) -> None:
    async def run(port: int) -> dict[str, Seen]:
        slow = [Target(f"{number}.slow.invalid", port) for number in range(SLOW)]
        inspector = Inspector(Roots(()), lambda: datetime.now(UTC), lambda _: False)
        return {seen.target.host: seen async for seen in inspector.inspect([*slow, Target("quick.invalid", port)])}

    with Responder(plaintext_http) as server:
        found = asyncio.run(run(server.port))
    quick = found.pop("quick.invalid").resource
    assert quick is not None
    assert quick.data["addresses"][0]["outcome"] == "plaintext"
    assert len(found) == SLOW
    assert {gap.reason for seen in found.values() for gap in seen.gaps} == {Reason.TIMED_OUT}
