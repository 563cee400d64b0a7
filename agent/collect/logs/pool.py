"""Objects counted on every core: bytes are fetched here and handed to processes that decompress, parse and count them.

A process that dies takes nothing with it: what it had in hand is given to another. An object over which processes die twice
is told as one that could not be read.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from agent.collect.gunzip import uncompressed
from agent.collect.logs.counting import Counter
from agent.collect.logs.files import LocalFiles, read
from agent.collect.logs.objects import LogObject, LogStore, Unreadable
from agent.collect.logs.prefetch import SMALL, WIDTH, ahead
from checks.logs.object_read import ObjectRead

SMALL_WORK: Final = 16_000_000
"""Bytes, as stored, up to which objects are counted in this process: to start others takes longer."""
TOGETHER: Final = 64
"""So many objects are counted together, if they are not large."""
LARGE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class _Fetched:
    """An object, and its bytes as stored, why there are none, or None for one that is read piece by piece."""

    one: LogObject
    raw: bytes | Unreadable | None


@dataclass(frozen=True, slots=True)
class _Task:
    """Objects that are counted together."""

    objects: tuple[_Fetched, ...]
    format: str
    deaths: int = 0


def count(
    counter: Counter, store: LogStore, objects: Sequence[LogObject], format_: str, *, late: Callable[[], bool],
    processes: int | None = None, small: int = SMALL_WORK,
) -> Iterator[list[tuple[LogObject, ObjectRead]]]:  # fmt: skip
    """What each object comes to, some at a time and in no order; stops where it is `late`."""
    tasks = _tasks(store, _until(late, objects), format_)
    if sum(one.size for one in objects) <= small:
        for task in tasks:
            yield _counted(counter, task, store)
    else:
        yield from _spread(counter, store, tasks, processes or os.cpu_count() or 1)


def _until(late: Callable[[], bool], objects: Iterable[LogObject]) -> Iterator[LogObject]:
    for one in objects:
        if late():
            return
        yield one


def _tasks(store: LogStore, objects: Iterable[LogObject], format_: str) -> Iterator[_Task]:
    def fetch(one: LogObject) -> _Fetched:
        if one.size > SMALL:
            return _Fetched(one, None)
        try:
            return _Fetched(one, b"".join(store.raw(one)))
        except Unreadable as error:
            return _Fetched(one, error)

    fetched = (_Fetched(one, None) for one in objects) if isinstance(store, LocalFiles) else ahead(fetch, objects, WIDTH)
    some: list[_Fetched] = []
    size = 0
    for one in fetched:
        some.append(one)
        size += one.one.size
        if len(some) >= TOGETHER or size >= LARGE:
            yield _Task(tuple(some), format_)
            some, size = [], 0
    if some:
        yield _Task(tuple(some), format_)


def _spread(counter: Counter, store: LogStore, tasks: Iterator[_Task], processes: int) -> Iterator[list[tuple[LogObject, ObjectRead]]]:
    again: deque[_Task] = deque()
    workers: list[_Worker] = []
    try:
        while True:
            idle = [one for one in workers if one.task is None]
            while (idle or len(workers) < processes) and (task := again.popleft() if again else next(tasks, None)) is not None:
                if not isinstance(store, LocalFiles) and any(one.raw is None for one in task.objects):
                    yield _counted(counter, task, store)  # too large to be handed on
                    continue
                if not idle:
                    workers.append(_Worker.started(counter))
                    idle.append(workers[-1])
                idle.pop().take(task)
            busy = {one.connection: one for one in workers if one.task is not None}
            if not busy:
                return
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                task = worker.task
                assert task is not None
                if (reads := worker.given()) is not None:
                    yield _paired(task, reads)
                    continue
                workers.remove(worker)
                if len(task.objects) > 1:
                    again.extend(_Task((one,), task.format) for one in task.objects)
                elif task.deaths == 0:
                    again.append(replace(task, deaths=1))
                else:
                    one = task.objects[0].one
                    yield [(one, unread(one.name, "each process that read it died"))]
    finally:
        for worker in workers:
            worker.end()


@dataclass(slots=True)
class _Worker:
    """A process that counts, the task it has, and the pipe to it: its end of it is closed where it ends, and so is ours."""

    process: BaseProcess
    connection: Connection
    task: _Task | None = None

    @classmethod
    def started(cls, counter: Counter) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, counter.another()), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours)

    def take(self, task: _Task) -> None:
        self.task = task
        with contextlib.suppress(OSError):  # it is dead, and `given` will say so
            self.connection.send(task)

    def given(self) -> list[ObjectRead] | None:
        """What its task came to; None where it died over it."""
        self.task = None
        try:
            reads: list[ObjectRead] = self.connection.recv()
        except (EOFError, OSError):
            self.end()
            return None
        return reads

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


def _work(connection: Connection, counter: Counter) -> None:
    """In a process of its own: it counts until its parent ends, however that ends."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            connection.send([read for _, read in _counted(counter, task, None)])


def _paired(task: _Task, reads: Sequence[ObjectRead]) -> list[tuple[LogObject, ObjectRead]]:
    return [(one.one, read) for one, read in zip(task.objects, reads, strict=True)]


def unread(name: str, why: str) -> ObjectRead:
    """An object of which nothing is known but that it is there."""
    return ObjectRead(name, None, None, {}, why, damaged=False, doubtful=None)


def _counted(counter: Counter, task: _Task, store: LogStore | None) -> list[tuple[LogObject, ObjectRead]]:
    contents = ((one.one.name, _pieces(one, store)) for one in task.objects)
    return _paired(task, list(counter.count(contents, task.format)))


def _pieces(fetched: _Fetched, store: LogStore | None) -> Iterator[bytes]:
    one = fetched.one
    match fetched.raw:
        case bytes() as raw:
            return uncompressed(iter([raw]), one.name)
        case Unreadable() as error:
            return _raising(error)
    if store is not None:
        return store.pieces(one)
    return uncompressed(read(Path(one.name), one.size), one.name)


def _raising(error: Unreadable) -> Iterator[bytes]:
    raise error
    yield b""
