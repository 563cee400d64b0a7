"""Asking AWS: a bounded pool of threads that does nothing but call, and who is told what each call said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from agent.collect.aws.client import Account, Deadline, Halt, Page
from agent.collect.aws.drafts import Listing
from agent.collect.aws.errors import DeadlinePassed, Failure
from agent.collect.threads import Threads
from checks.model import Reason, digest

Progress = Callable[[int, int], None]
Then = Callable[[Page | Halt], None]
LATE = Failure(Reason.LATE, "DeadlinePassed", "the collection's deadline passed before this was answered")


@dataclass(slots=True)
class Asking:
    """The calls that are under way. `settled` is told of each listing of which nothing is under way any more.

    Everything but the calls themselves happens in the thread that asks.
    """

    workers: int
    deadline: Deadline
    settled: Callable[[Listing], None]
    progress: Progress | None
    _waiting: dict[Future[Page | Halt], tuple[Listing, Then]] = field(default_factory=dict)
    _shared: dict[str, Page | Halt | list[tuple[Listing, Then]]] = field(default_factory=dict)
    _finished: int = 0
    _pool: Threads = field(init=False)

    def __post_init__(self) -> None:
        self._pool = Threads(self.workers, "aws")

    def ask(self, listing: Listing, service: str, region: str, call: str, params: Mapping[str, Any], then: Then) -> None:
        listing.pending += 1
        future = self._pool.submit(partial(listing.account.call, service, region, call, params))
        self._waiting[future] = (listing, then)

    def ask_once(self, listing: Listing, service: str, region: str, call: str, params: Mapping[str, Any], then: Then) -> None:
        """Ask what others ask too, or wait for the answer that they get."""
        key = digest(listing.account.id, region, service, call, params)
        held = self._shared.get(key)
        if isinstance(held, Page | Halt):
            then(held)
        elif held is not None:
            listing.pending += 1
            held.append((listing, then))
        else:
            self._shared[key] = []
            self.ask(listing, service, region, call, params, partial(self._spread, key, then))

    def _spread(self, key: str, then: Then, answer: Page | Halt) -> None:
        """Hand the answer of a shared call to everyone who asked for it."""
        waiting = self._shared[key]
        assert isinstance(waiting, list)
        self._shared[key] = answer
        then(answer)
        for listing, other in waiting:
            listing.pending -= 1
            other(answer)
            if listing.pending == 0:
                self.settled(listing)

    def drain(self) -> bool:
        """Until nothing is under way: true; false where the deadline passes before."""
        while self._waiting:
            done, _ = wait(self._waiting, timeout=max(self.deadline.left, 0), return_when=FIRST_COMPLETED)
            if not done:
                return False
            for future in done:
                listing, then = self._waiting.pop(future)
                listing.pending -= 1
                then(future.result())
                self._finished += 1
                if listing.pending == 0:
                    self.settled(listing)
            if self.progress:
                self.progress(self._finished, self._finished + len(self._waiting))
        return True

    def late(self) -> Iterator[Listing]:
        """Tell everyone who waits that it is late, and whose call it was. Nobody waits for the calls that run."""
        while self._waiting:
            _, (listing, then) = self._waiting.popitem()
            then(Halt(LATE))
            yield listing

    def awaits(self, listing: Listing) -> bool:
        return any(held is listing for held, _ in self._waiting.values())

    def close(self) -> None:
        self._pool.close()


def in_time(account: Account, ask: Callable[[], Page | Halt]) -> Page | Halt:
    """What is asked of an account until its deadline; what comes after that is late, and nobody waits for it."""
    try:
        return account.deadline.within(ask)
    except DeadlinePassed:
        return Halt(LATE)
