"""Work in several processes, with results in the order of the items.

Owns processes, pipes, and the limits that only another process can enforce; what the work is comes in as an argument.
With a `PartIsolation`, a process that dies or hangs costs only the part it was working on, such as one row of a
batch: the parts before and after it are done again, and so, alone, is a part over which a process died, to be sure
that it was the cause.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, MutableSequence, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from pathlib import Path, PurePosixPath
from typing import Any, Generic, TypeVar

from lintseq.errors import ConfigError, ToolError
from lintseq.storage.files import uninterrupted

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

T = TypeVar("T")
R = TypeVar("R")

GRACE_SECONDS = 0.25
"""How long a part may exceed its time limit, to notice it, before its process is killed."""
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PartIsolation(Generic[T, R]):
    """How to keep a part of an item that crashes, hangs or exhausts memory from taking anything else with it.

    Items have a length, the number of their parts, and the work calls its second argument with the index of each
    part that it begins.
    """

    part: Callable[[T, int, int], T]
    """Returns the parts of an item from one index to another as an item of its own."""
    join: Callable[[Sequence[R]], R]
    """Returns the results of consecutive parts as one."""
    reject: Callable[[T, str, str], R]
    """Returns the result of a part that failed, with a reason (`timeout` or `crashed`) and a detail."""
    timeout: float = 0.0
    """Seconds for each part; 0 is no limit."""
    memory: int | None = None
    """Bytes that the work on an item may allocate, in addition to what its process has (Linux only)."""


def default_workers() -> int:
    """Return the number of processors that this process may use, by its affinity and the quotas of its cgroups."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(int(min([count, *cpu_quotas()])), 1)


def cpu_quotas(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> Iterator[float]:
    """Yield the processors that each cgroup of this process may use at a time, where that is limited (Linux)."""
    lines = own.read_text(encoding="utf-8").splitlines() if own.exists() else []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers and "cpu" not in controllers.split(","):
            continue
        files = ("cpu/{}/cpu.cfs_quota_us", "cpu/{}/cpu.cfs_period_us") if controllers else ("{}/cpu.max",)
        group = PurePosixPath(path.lstrip("/"))
        for folder in (group, *group.parents):
            with suppress(OSError, ValueError):  # no such file, or `max`
                texts = [(root / file.format(folder)).read_text(encoding="utf-8") for file in files]
                quota, period = map(int, " ".join(texts).split())
                if quota > 0:
                    yield quota / period


def map_in_order(
    make_work: Callable[[], Callable[..., R]],
    items: Iterable[T],
    *,
    workers: int,
    isolation: PartIsolation[T, R] | None = None,
    fork: bool = True,
    ahead: int = 4,
    ahead_bytes: int = 32 << 20,
) -> Generator[tuple[T, R]]:
    """Yield each item with its result, in order; `workers` processes do the work.

    `make_work` is called once in each process and returns the function that does the work; it can be pickled. Per
    worker, up to `ahead` items, of up to `ahead_bytes` with their results, are in progress or wait for an earlier one.
    Processes are started afresh, not forked, if `fork` is false or this process has several threads. Without
    isolation, a single worker is this process. Raises `ToolError` if a process does not start, fails or, without
    isolation, dies.
    """
    if workers <= 1 and isolation is None:
        work = make_work()
        return ((item, work(item)) for item in items)
    # Forking is fastest, but unsafe where other threads may hold locks.
    fork = fork and sys.platform == "linux" and threading.active_count() == 1
    pool = _Pool(partial(_PoolProcess, make_work, isolation, fork), isolation, workers)
    return pool.run(iter(items), ahead * workers, ahead_bytes * workers)


@dataclass(slots=True)
class _Slot(Generic[T, R]):
    """An item in the order of the output, with the results of its parts so far."""

    item: T
    size: int = 0
    """Bytes of the item and its results."""
    results: dict[int, R] = field(default_factory=dict)
    """Index of the first part -> result."""
    open_jobs: int = 1


@dataclass(frozen=True, slots=True)
class _Job(Generic[T, R]):
    """An item, or consecutive parts of one, that a process works on."""

    slot: _Slot[T, R]
    item: T
    start: int = 0
    """The index of its first part."""


class _Pool(Generic[T, R]):
    """The processes of one call of `map_in_order` and the work that is in progress."""

    def __init__(
        self, make_worker: "Callable[[], _PoolProcess]", isolation: PartIsolation[T, R] | None, workers: int
    ) -> None:
        self._make_worker, self._isolation, self._workers = make_worker, isolation, workers
        self._join = None if isolation is None else isolation.join
        self._idle: list[_PoolProcess] = []
        self._busy: dict[Connection, tuple[_PoolProcess, _Job[T, R]]] = {}
        self._slots: deque[_Slot[T, R]] = deque()
        self._again: deque[_Job[T, R]] = deque()
        self._size = 0

    def run(self, items: Iterator[T], ahead: int, ahead_bytes: int) -> Generator[tuple[T, R]]:
        try:
            while True:
                while len(self._busy) < self._workers:
                    if self._again:
                        job = self._again.popleft()
                    elif len(self._slots) < ahead and self._size < ahead_bytes and (new := list(islice(items, 1))):
                        self._slots.append(_Slot(new[0]))
                        job = _Job(self._slots[-1], new[0])
                    else:
                        break
                    worker = self._idle.pop() if self._idle else self._make_worker()
                    self._busy[worker.connection] = worker, job
                    size = worker.send(job.item)
                    job.slot.size += size
                    self._size += size
                if not self._busy:
                    return
                self._collect()
                while self._slots and not self._slots[0].open_jobs:
                    slot = self._slots.popleft()
                    self._size -= slot.size
                    results = [slot.results[start] for start in sorted(slot.results)]
                    yield slot.item, results[0] if self._join is None or len(results) == 1 else self._join(results)
        finally:
            for worker, _ in self._busy.values():
                worker.kill()
            for worker in self._idle:
                worker.stop()

    def _collect(self) -> None:
        """Wait until a process sends something or exceeds its time, and process what comes."""
        deadline = min(worker.deadline for worker, _ in self._busy.values())
        timeout = None if deadline == float("inf") else max(deadline - time.monotonic(), 0)
        ready = set(wait(list(self._busy), timeout))
        for connection, (worker, job) in list(self._busy.items()):
            if connection not in ready and (time.monotonic() < worker.deadline or connection.poll()):
                continue
            kind, value, size = worker.receive() if connection in ready else _NO_MESSAGE
            if kind == _STARTED:
                continue
            del self._busy[connection]
            if kind == _DONE:
                self._idle.append(worker)
                job.slot.results[job.start] = value
                job.slot.open_jobs -= 1
                job.slot.size += size
                self._size += size
            elif kind == _FAILED:
                worker.kill()
                raise value
            else:
                self._recover(worker, job)

    def _recover(self, worker: "_PoolProcess", job: _Job[T, R]) -> None:
        """Reject the part over which a process died or hung, and put the others back."""
        hung, at = time.monotonic() >= worker.deadline, worker.part
        status = worker.kill(patience=0.0 if hung else 0.1)
        isolation, length = self._isolation, len(job.item) if isinstance(job.item, Sized) else 1
        if isolation is None:
            raise ToolError(
                f"a worker process {_ended(status)}; use fewer workers if memory is short, or one to see why"
            )
        ends = [end for end in ((0, at), (at + 1, length)) if end[0] < end[1]]
        job.slot.open_jobs += len(ends)
        self._again.extend(_Job(job.slot, isolation.part(job.item, *end), job.start + end[0]) for end in ends)
        culprit = _Job(job.slot, isolation.part(job.item, at, at + 1), job.start + at)
        if not hung and length > 1:
            self._again.append(culprit)
            return
        reason, detail = "crashed", f"the process that worked on it {_ended(status)}"
        if hung:
            seconds = f"{isolation.timeout:g} seconds"
            reason, detail = "timeout", f"not done after {seconds}, and it could not be interrupted"
        culprit.slot.results[culprit.start] = isolation.reject(culprit.item, reason, detail)
        culprit.slot.open_jobs -= 1


def _ended(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


_STARTED, _DONE, _FAILED = "started", "done", "failed"
"""Kinds of messages from a process."""
_NO_MESSAGE: tuple[str, Any, int] = ("", None, 0)
"""Placeholder for the message of a process that died or hangs."""

_pipes: set[Connection] = set()
"""This process's ends of the pipes to all workers."""


class _PoolProcess:
    """A process that works on one item at a time, and ends when its pipe closes."""

    def __init__(self, make_work: Callable[[], Any], isolation: PartIsolation[Any, Any] | None, fork: bool) -> None:
        context: Any = multiprocessing.get_context("fork" if fork else "spawn")
        limited = isolation is not None and isolation.timeout > 0
        self._patience = isolation.timeout + GRACE_SECONDS if isolation and limited else float("inf")
        memory = isolation.memory if isolation else None
        self._at = RawArray("d", 2)
        """The index of the part that the process works on, and when it began."""
        self.connection, theirs = context.Pipe()
        _pipes.add(self.connection)
        arguments = (theirs, make_work, self._at, isolation is not None, memory)
        self._process: BaseProcess = context.Process(target=_serve, args=arguments, daemon=True)
        with uninterrupted():  # so that the process never sees a Ctrl-C, which this one answers for both
            self._process.start()
        theirs.close()
        self._started = False

    @property
    def part(self) -> int:
        return int(self._at[0])

    @property
    def deadline(self) -> float:
        """When the current part exceeds its time."""
        since: float = self._at[1]
        return since + self._patience if self._started else float("inf")

    def send(self, item: object) -> int:
        """Send an item to work on; return its size in bytes."""
        data = pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
        self._at[:] = (0, time.monotonic())
        with suppress(OSError):  # `receive` notices that the process died
            self.connection.send_bytes(data)
        return len(data)

    def receive(self) -> tuple[str, Any, int]:
        """Return kind, value and size of a message; raise `ToolError` if the process died before it started."""
        try:
            data = self.connection.recv_bytes()
        except (EOFError, OSError):
            if not self._started:
                status = self.kill(patience=0.1)
                raise ToolError(
                    f"a worker process does not start (status {status}); in a script, protect the entry point with"
                    " `if __name__ == '__main__':`"
                ) from None
            return _NO_MESSAGE
        kind, value = pickle.loads(data)
        if kind == _STARTED:
            self._started = True
            self._at[1] = time.monotonic()
        return kind, value, len(data)

    def stop(self) -> None:
        """End the process, which is idle."""
        self.connection.close()
        self.kill(patience=_STOP_SECONDS)

    def kill(self, *, patience: float = 0.0) -> int | None:
        """End the process after some seconds in which it may end by itself; return its exit status."""
        self._process.join(patience)
        self._process.kill()
        self._process.join()
        _pipes.discard(self.connection)
        self.connection.close()
        return self._process.exitcode


def _serve(
    connection: Connection,
    make_work: Callable[[], Callable[..., Any]],
    at: MutableSequence[float],
    isolated: bool,
    memory: int | None,
) -> None:
    """Work on items until the other end of the pipe closes, even because its process died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for inherited in _pipes:
        inherited.close()  # left open by forking, they would keep the pipes alive without their owner

    def begin(part: int) -> None:
        at[:] = (part, time.monotonic())

    with suppress(EOFError, ConnectionError):
        try:
            work = make_work()
            connection.send((_STARTED, None))
            while True:
                item = connection.recv()
                if memory is not None:
                    _limit_memory(memory)
                connection.send((_DONE, work(item, begin) if isolated else work(item)))
        except (EOFError, ConnectionError):
            return
        except Exception as error:
            if isolated:
                raise
            known = isinstance(error, ToolError | ConfigError)
            connection.send((_FAILED, error if known else ToolError(f"{type(error).__name__}: {error}")))


def _limit_memory(allowed: int) -> None:
    """Limit this process to `allowed` bytes more than it has now (Linux only)."""
    if resource is not None and os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm", "rb") as file:
            wanted = int(file.read().split()[0]) * resource.getpagesize() + allowed
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
