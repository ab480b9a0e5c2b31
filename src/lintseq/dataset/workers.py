"""Batches through worker processes: results in the order of the batches, however the processes fare.

Owns processes, pipes, and the limits that only another process can keep; what the work is, is given. A
process that dies or hangs takes nothing with it but the row that it was at: the rows before that one and
those after it are done again, and so, alone, is a row over which a process died, to be sure that it was the
cause.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, MutableSequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from typing import TYPE_CHECKING

from lintseq.dataset.work import Batch, Result, RowWorker, Tally, WorkOptions, joined, rejected
from lintseq.errors import ToolError
from lintseq.storage.growing import uninterrupted

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from multiprocessing.context import ForkContext, SpawnContext

_BATCHES_AHEAD = 512
"""Batches for each worker that may be under way or wait for an earlier one to be done: while a row uses up its time,
the other workers go on."""
_BYTES_AHEAD = 32 << 20
"""Bytes for each worker that these may be, rows and what they gave."""
_GRACE = 0.25
"""Seconds that a row may take beyond its time limit, to heed it, before its process is ended."""


def default_workers() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_in_processes(
    batches: Iterator[Batch], options: WorkOptions, *, workers: int
) -> Generator[tuple[Batch, Result]]:
    """Yield each batch with its result, in order; the work is done in `workers` processes."""
    idle: list[_Worker] = []
    busy: dict[Connection, tuple[_Worker, _Job]] = {}
    orders: deque[_Order] = deque()
    again: deque[_Job] = deque()
    size = 0
    try:
        while True:
            while len(busy) < workers:
                job = again.popleft() if again else None
                if job is None and len(orders) < _BATCHES_AHEAD * workers and size < _BYTES_AHEAD * workers:
                    batch = next(batches, None)
                    if batch is not None:
                        orders.append(_Order(batch))
                        size += orders[-1].size
                        job = _Job(orders[-1], 0, batch)
                if job is None:
                    break
                worker = idle.pop() if idle else _Worker(options)
                worker.give(job.batch)
                busy[worker.connection] = worker, job
            if not busy:
                return
            deadline = min(worker.deadline for worker, _ in busy.values())
            patience = max(deadline - time.monotonic(), 0) if options.row_timeout else None
            ready = set(wait(list(busy), timeout=patience))
            for connection, (worker, job) in list(busy.items()):
                if connection not in ready and (not worker.overdue or connection.poll()):  # not done just now, either
                    continue
                del busy[connection]
                result = worker.take() if connection in ready else None
                if result is not None:
                    idle.append(worker)
                    size += job.done(result)
                else:
                    size += _bury(worker, job, options, again)
            while orders and orders[0].done:
                order = orders.popleft()
                size -= order.size
                yield order.batch, order.result()
    finally:
        for worker, _ in busy.values():
            worker.kill()
        for worker in idle:
            worker.stop()


@dataclass(slots=True)
class _Order:
    """A batch that was given out, whole or, after an accident, in parts."""

    batch: Batch
    results: dict[int, Result] = field(default_factory=dict)
    """By the place of their first row in the batch."""
    rows: int = 0
    """How many have results."""
    size: int = 0
    """Bytes of the rows and of the results."""

    def __post_init__(self) -> None:
        self.size = sum(len(row.data) for row in self.batch.rows)

    @property
    def done(self) -> bool:
        return self.rows == len(self.batch.rows)

    def result(self) -> Result:
        if len(self.results) == 1:
            return next(iter(self.results.values()))
        return joined([self.results[place] for place in sorted(self.results)])


@dataclass(frozen=True, slots=True)
class _Job:
    """Consecutive rows of an order that one process works on."""

    order: _Order
    place: int
    """That of the first row in the order's batch."""
    batch: Batch

    def done(self, result: Result) -> int:
        """Hand in the result; return the bytes that wait because of it."""
        self.order.results[self.place] = result
        self.order.rows += len(self.batch.rows)
        size = _size(result)
        self.order.size += size
        return size

    def part(self, start: int, end: int) -> "_Job":
        return _Job(self.order, self.place + start, self.batch.part(start, end))


def _size(result: Result) -> int:
    apart = sum(_size(part.result) for part in result.parts)
    return len(result.records) + len(result.rejections) + apart


def _bury(worker: "_Worker", job: _Job, options: WorkOptions, again: deque[_Job]) -> int:
    """Reject the row that a process died or hung over; put into `again` what has to be done once more.

    Returns the bytes of the rejection, if it is known by now that the row was the cause.
    """
    hung, row = worker.overdue, worker.row
    status = worker.kill(patience=0.0 if hung else 0.1)
    culprit = job.part(row, row + 1)
    again.extend(part for part in (job.part(0, row), job.part(row + 1, len(job.batch.rows))) if part.batch.rows)
    if not hung and len(job.batch.rows) > 1:
        again.append(culprit)
        return 0
    if hung:
        cause = ("timeout", f"not done after {options.row_timeout:g} seconds, and it could not be interrupted")
    else:
        cause = ("crashed", f"the process that worked on it {_ended(status)}")
    return culprit.done(rejected(culprit.batch, *cause, options))


def _ended(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


_NOTHING = Result(b"", b"", Tally())
"""What a worker sends when it has started."""

_ours: set[Connection] = set()
"""This process's ends of the pipes to all workers."""


class _Worker:
    """A process that does one batch at a time, and ends when its pipe does."""

    def __init__(self, options: WorkOptions) -> None:
        # Forking is quickest, but unsafe where other threads may hold locks.
        quick = sys.platform == "linux" and threading.active_count() == 1
        context: ForkContext | SpawnContext
        context = multiprocessing.get_context("fork") if quick else multiprocessing.get_context("spawn")
        self._patience = options.row_timeout + _GRACE if options.row_timeout else float("inf")
        self._at = RawArray("d", 2)
        """The row that the process is at, from 0, and when it came to it."""
        self.connection, theirs = context.Pipe()
        _ours.add(self.connection)
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs, options, self._at), daemon=True)
        with uninterrupted():  # so that the process never sees a Ctrl-C, which this one answers for both
            self._process.start()
        theirs.close()
        self._started = False

    @property
    def row(self) -> int:
        """Which row of its batch the process is at."""
        return int(self._at[0])

    @property
    def deadline(self) -> float:
        """When that takes longer than a row may."""
        since: float = self._at[1]
        return since + self._patience

    @property
    def overdue(self) -> bool:
        return time.monotonic() >= self.deadline

    def give(self, batch: Batch) -> None:
        if not self._started and self.take() is None:
            status = self.kill(patience=0.1)
            raise ToolError(
                f"a worker process does not start (status {status}); in a script of your own, call `build`"
                " under `if __name__ == '__main__':`"
            )
        self._started = True
        self._at[:] = (0, time.monotonic())
        # A process that died is noticed by `take`.
        with suppress(OSError):
            self.connection.send(batch)

    def take(self) -> Result | None:
        """Return the result of the batch that was given last, or None if the process died over it."""
        try:
            result: Result = self.connection.recv()
        except (EOFError, OSError):
            return None
        return result

    def stop(self) -> None:
        """End the process, which has nothing to do."""
        self._close()
        self._process.join(5)
        self._process.kill()
        self._process.join()

    def kill(self, *, patience: float = 0.0) -> int | None:
        """End the process, after some seconds in which it may end by itself; return its exit status, as
        `multiprocessing` has it."""
        self._process.join(patience)
        self._process.kill()
        self._process.join()
        self._close()
        return self._process.exitcode

    def _close(self) -> None:
        _ours.discard(self.connection)
        self.connection.close()


def _serve(connection: Connection, options: WorkOptions, at: MutableSequence[float]) -> None:
    """Work on batches until the other end of `connection` closes, be it that its process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for inherited in _ours:
        inherited.close()  # by forking; left open, they would keep the pipes alive without their owner
    limit_memory = _memory_limit(options.row_memory)

    def note_row(row: int) -> None:
        at[:] = (row, time.monotonic())

    worker = RowWorker(options, note_row)
    with worker.limiting_rows(), suppress(EOFError, ConnectionError):
        connection.send(_NOTHING)
        while True:
            batch = connection.recv()
            limit_memory()
            connection.send(worker(batch))


def _memory_limit(allowed: int | None) -> Callable[[], None]:
    """Return what lets this process take `allowed` bytes more than it has when it is called, where the system can."""
    statm = "/proc/self/statm"
    if allowed is None or resource is None or not os.path.exists(statm):
        return lambda: None
    page = resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]

    def limit() -> None:
        with open(statm, "rb") as file:
            wanted = int(file.read().split()[0]) * page + allowed
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))

    return limit
