"""Asking AWS: a bounded pool of threads that does nothing but call, and who is told what each call said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from agent.collect.aws_client import Deadline, Halt, Page
from agent.collect.aws_drafts import Listing
from agent.collect.aws_errors import Failure
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
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="collect")

    def ask(self, listing: Listing, service: str, region: str, call: str, params: Mapping[str, Any], then: Then) -> None:
        listing.pending += 1
        future = self._pool.submit(listing.account.call, service, region, call, params)
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

    def drain(self) -> set[Listing]:
        """Until nothing is under way, or the deadline passes: the listings that were cut short by it."""
        while self._waiting:
            done, _ = wait(self._waiting, timeout=max(self.deadline.left, 0), return_when=FIRST_COMPLETED)
            if not done:
                return self._give_up()
            for future in done:
                listing, then = self._waiting.pop(future)
                listing.pending -= 1
                then(future.result())
                self._finished += 1
                if listing.pending == 0:
                    self.settled(listing)
            if self.progress:
                self.progress(self._finished, self._finished + len(self._waiting))
        return set()

    def _give_up(self) -> set[Listing]:
        """Whatever has not answered is late. Running calls end by their own time limits."""
        listings: set[Listing] = set()
        while self._waiting:
            _, (listing, then) = self._waiting.popitem()
            listings.add(listing)
            then(Halt(LATE))
        return listings

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
