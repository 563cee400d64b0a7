"""Asking Azure: a bounded pool of threads that does nothing but call, and who is told what each call said."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from agent.collect.aws.client import Deadline
from agent.collect.azure.client import LATE, Answer, Halt
from agent.collect.threads import Threads

WORKERS = 8
"""ARM gives each identity 250 reads at once and 25 a second after that (Azure Resource Manager documentation, "Throttling")."""
Progress = Callable[[int, int], None]
Call = Callable[[], Answer | Halt]
Then = Callable[[Answer | Halt], None]


@dataclass(slots=True)
class Tasks:
    """The calls that are under way. Everything but the calls themselves happens in the thread that drains."""

    deadline: Deadline
    progress: Progress | None = None
    workers: int = WORKERS
    _waiting: dict[Future[Answer | Halt], Then] = field(default_factory=dict)
    _late: deque[Then] = field(default_factory=deque)
    _finished: int = 0
    _over: bool = False
    _pool: Threads = field(init=False)

    def __post_init__(self) -> None:
        self._pool = Threads(self.workers, "azure")

    def ask(self, call: Call, then: Then) -> None:
        """Call when a thread is free; past the deadline, it is late."""
        if self._over:
            self._late.append(then)
        else:
            self._waiting[self._pool.submit(call)] = then

    def drain(self) -> None:
        """Until nothing is under way. Where the deadline passes before, everyone who waits is told that it is late, and nobody
        waits for the calls that run."""
        while self._waiting:
            done, _ = wait(self._waiting, timeout=max(self.deadline.left, 0), return_when=FIRST_COMPLETED)
            if not done:
                self._over = True
                self._late.extend(self._waiting.values())
                self._waiting.clear()
            for future in done:
                self._waiting.pop(future)(future.result())
                self._finished += 1
            if self.progress:
                self.progress(self._finished, self._finished + len(self._waiting))
        while self._late:
            self._late.popleft()(LATE)

    def close(self) -> None:
        self._pool.close()
