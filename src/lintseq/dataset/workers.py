"""Batches through worker processes: results in the order of the batches, however the processes fare.

Owns processes and pipes; what the work is, is given. A process that dies takes nothing with it but the
row that killed it: its batch is done again row by row in other processes.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from lintseq.dataset.outputs.growing import uninterrupted
from lintseq.dataset.work import Batch, BuildOptions, Result, RowWorker, Tally, joined, rejected
from lintseq.errors import ToolError

if TYPE_CHECKING:
    from multiprocessing.context import ForkContext, SpawnContext

_BATCHES_AHEAD = 8
"""Batches for each worker that may be under way or wait for an earlier one to be done."""
_BYTES_AHEAD = 32 << 20
"""Finished bytes that may wait for an earlier batch before no more batches are given out."""


def default_workers() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_here(batches: Iterator[Batch], options: BuildOptions) -> Generator[tuple[Batch, Result]]:
    """Yield each batch with its result; the work is done in this process."""
    worker = RowWorker(options)
    with worker.limiting_rows():
        for batch in batches:
            yield batch, worker(batch)


def run_in_processes(
    batches: Iterator[Batch], options: BuildOptions, *, workers: int
) -> Generator[tuple[Batch, Result]]:
    """Yield each batch with its result, in order; the work is done in `workers` processes."""
    idle: list[_Worker] = []
    busy: dict[Connection, tuple[_Worker, int]] = {}
    waiting: dict[int, Batch] = {}
    done: dict[int, Result] = {}
    given, wanted, size = 0, 0, 0
    try:
        while True:
            while len(busy) < workers and len(waiting) < _BATCHES_AHEAD * workers and size < _BYTES_AHEAD:
                batch = next(batches, None)
                if batch is None:
                    break
                worker = idle.pop() if idle else _Worker(options)
                worker.give(batch)
                waiting[given] = batch
                busy[worker.connection] = worker, given
                given += 1
            if not busy:
                return
            ready = wait(list(busy))
            for connection in [connection for connection in busy if connection in ready]:
                worker, number = busy.pop(connection)
                result = worker.take()
                if result is None:
                    worker.kill()
                    result = _one_by_one(waiting[number], options)
                else:
                    idle.append(worker)
                done[number] = result
                size += _size(result)
            while wanted in done:
                result = done.pop(wanted)
                size -= _size(result)
                yield waiting.pop(wanted), result
                wanted += 1
    finally:
        for worker, _ in busy.values():
            worker.kill()
        for worker in idle:
            worker.stop()


def _size(result: Result) -> int:
    apart = sum(_size(part.result) for part in result.parts)
    return len(result.records) + len(result.rejections) + apart


def _one_by_one(batch: Batch, options: BuildOptions) -> Result:
    """Return the result of a batch that killed its process, by finding out which of its rows do."""
    results = []
    worker = _Worker(options)
    try:
        for row in batch.split():
            worker.give(row)
            result = worker.take()
            if result is None:
                result = rejected(row, *_cause(worker.kill(), options), options)
                worker = _Worker(options)
            results.append(result)
    finally:
        worker.stop()
    return joined(results)


def _cause(status: int | None, options: BuildOptions) -> tuple[str, str]:
    """Return reason and detail for a row whose process ended with `status`."""
    if status is not None and status < 0:
        if hasattr(signal, "SIGPROF") and -status == signal.SIGPROF:
            return "timeout", f"not done after {options.row_timeout:g} seconds, and it could not be interrupted"
        return "crashed", f"the process that worked on it was ended by {signal.Signals(-status).name}"
    return "crashed", f"the process that worked on it ended with status {status}"


_NOTHING = Result(b"", b"", Tally())
"""What a worker sends when it has started."""

_ours: set[Connection] = set()
"""This process's ends of the pipes to all workers."""


class _Worker:
    """A process that does one batch at a time, and ends when its pipe does."""

    def __init__(self, options: BuildOptions) -> None:
        # Forking is quickest, but unsafe where other threads may hold locks.
        quick = sys.platform == "linux" and threading.active_count() == 1
        context: ForkContext | SpawnContext
        context = multiprocessing.get_context("fork") if quick else multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        _ours.add(self.connection)
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs, options), daemon=True)
        with uninterrupted():  # so that the process never sees a Ctrl-C, which this one answers for both
            self._process.start()
        theirs.close()
        self._started = False

    def give(self, batch: Batch) -> None:
        if not self._started and self.take() is None:
            raise ToolError(
                f"a worker process does not start (status {self.kill()}); in a script of your own, call `build`"
                " under `if __name__ == '__main__':`, or with workers=1"
            )
        self._started = True
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

    def kill(self) -> int | None:
        """End the process, which may be dead already, and return its exit status as `multiprocessing` has it."""
        self._process.join(0.1)
        self._process.kill()
        self._process.join()
        self._close()
        return self._process.exitcode

    def _close(self) -> None:
        _ours.discard(self.connection)
        self.connection.close()


def _serve(connection: Connection, options: BuildOptions) -> None:
    """Work on batches until the other end of `connection` closes, be it that its process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for inherited in _ours:
        inherited.close()  # by forking; left open, they would keep the pipes alive without their owner
    worker = RowWorker(options)
    with worker.limiting_rows(killing=True), suppress(EOFError, ConnectionError):
        connection.send(_NOTHING)
        while True:
            connection.send(worker(connection.recv()))
