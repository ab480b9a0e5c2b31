"""Running jobs in parallel through fork servers, with results in the order of the jobs."""

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from queue import LifoQueue
from typing import Self, get_args

from lintseq.errors import ConfigError, IsolationError, ServerError, ToolError
from lintseq.sandbox.client import LAUNCHER, ForkServer, pack_job
from lintseq.sandbox.isolation import IsolationLevel, Level, LevelOrAuto, advice
from lintseq.sandbox.job import FeedStdin, Job, JobResult, Limits, RunCheck
from lintseq.sandbox.results import with_suspicion
from lintseq.storage import default_workers

ATTEMPTS = 3
"""How often a job is tried if the sandbox fails."""
AHEAD = 16
"""Jobs per worker that may run before the result of the first is taken."""


def run(
    program: str,
    *,
    stdin: str = "",
    check: str | None = None,
    limits: Limits | None = None,
    level: LevelOrAuto = "auto",
) -> JobResult:
    """Return the result of one program, with this text on standard input, or of code that checks it, run after it.

    May be called from many threads: they share a sandbox with a worker for each CPU, which the first call starts and
    the end of this process closes. This process is never forked. Raises `ConfigError` if the level is not available.
    """
    task = FeedStdin(stdin) if check is None else RunCheck(check)
    (result,) = shared_sandbox(level).run([Job(program, task, limits or Limits())])
    return result


def shared_sandbox(level: LevelOrAuto) -> "Sandbox":
    """Return this process's sandbox of a level, which `run` uses too; raises `ConfigError` if it is not available."""
    with _shared_lock:
        if level not in _shared:
            _shared[level] = Sandbox(level=level).__enter__()
            atexit.register(_shared[level].__exit__)
        return _shared[level]


class Sandbox:
    """Runs untrusted programs in parallel. Use it in a `with` statement; several threads may share it.

    `workers` is the number of programs that run at a time (default: the number of CPUs). `level` is `isolated`,
    `confined`, `unsafe` (no isolation), or `auto`, the strongest of the first two that this machine offers. `launcher`
    is Python code that starts a fork server. Entering raises `ConfigError` if the level is not available.
    """

    def __init__(
        self, *, workers: int | None = None, level: LevelOrAuto = "auto", launcher: str | None = None
    ) -> None:
        if level not in get_args(LevelOrAuto):
            raise ConfigError(f"there is no level {level!r}; use {', '.join(get_args(LevelOrAuto))}")
        if workers is not None and workers < 1:
            raise ConfigError(f"a sandbox needs at least one worker, not {workers}")
        self.workers = workers or default_workers()
        self._levels: tuple[Level, ...] = ("isolated", "confined") if level == "auto" else (level,)
        self._launcher = launcher or LAUNCHER
        self._isolation: IsolationLevel | None = None
        self._workers: list[_SandboxWorker] = []
        self._idle: LifoQueue[_SandboxWorker] = LifoQueue()
        self._threads: ThreadPoolExecutor | None = None
        _sandboxes.add(self)

    @property
    def isolation(self) -> IsolationLevel:
        """How programs are isolated on this machine."""
        if self._isolation is None:
            raise ToolError("the sandbox has not been entered; use it in a `with` statement")
        return self._isolation

    def __enter__(self) -> Self:
        refusals: dict[Level, str] = {}
        for level in self._levels:
            try:
                self._isolation = self._start(level, refusals)
                break
            except IsolationError as error:
                self.__exit__()
                refusals[level] = str(error)
            except ServerError as error:
                self.__exit__()
                raise ToolError(f"the sandbox does not start: {error}") from error
        else:
            reasons = "; ".join(f"{level}: {reason}" for level, reason in refusals.items())
            raise ConfigError(
                f"programs cannot be isolated on this machine ({reasons}); {advice(reasons)},"
                " or choose the sandbox 'unsafe' (--sandbox unsafe) if you trust the programs"
            )
        for worker in reversed(self._workers):
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="sandbox")
        return self

    def _start(self, level: Level, refusals: Mapping[Level, str]) -> IsolationLevel | None:
        """Start the first server, which shows whether this machine offers a level."""
        self._workers = [_SandboxWorker(level, self._launcher) for _ in range(self.workers)]
        isolation = self._workers[0].server("bare").isolation
        reason = "; ".join(f"{other} is not available: {text}" for other, text in refusals.items())
        return replace(isolation, reason=reason) if isolation else None

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.release()

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Yield the result of each job, in order. Some jobs start before their results are taken."""
        if self._threads is None:
            raise ToolError("the sandbox has not been entered; use it in a `with` statement")
        begun: deque[tuple[Job, Future[JobResult]]] = deque()
        try:
            for job in jobs:
                begun.append((job, self._threads.submit(self._run, job)))
                while begun and (begun[0][1].done() or len(begun) >= AHEAD * self.workers):
                    yield _result_of(*begun.popleft())
            while begun:
                yield _result_of(*begun.popleft())
        finally:
            for _, future in begun:
                future.cancel()

    def forget(self) -> None:
        """Leave the servers to the process that this one was forked from."""
        for worker in self._workers:
            worker.forget()
        self._workers, self._threads, self._isolation = [], None, None

    def _run(self, job: Job) -> JobResult:
        worker = self._idle.get()
        try:
            return worker.run(job)
        finally:
            self._idle.put(worker)


def _result_of(job: Job, future: Future[JobResult]) -> JobResult:
    return with_suspicion(job, future.result())


class _SandboxWorker:
    """Runs one job at a time, with one server per kind of imports."""

    def __init__(self, level: Level, launcher: str) -> None:
        self._level: Level = level
        self._launcher = launcher
        self._servers: dict[str, ForkServer] = {}
        self._closed = False
        self._lock = threading.Lock()

    def server(self, imports: str) -> ForkServer:
        """Return the server for a kind of imports, started if it is not running."""
        with self._lock:
            if self._closed:
                raise ServerError("the sandbox was closed")
            if imports not in self._servers:
                self._servers[imports] = ForkServer(imports, level=self._level, launcher=self._launcher)
            server = self._servers[imports]
        server.wait_until_ready()
        return server

    def run(self, job: Job) -> JobResult:
        """Return the result of a job, which is tried again if the sandbox fails."""
        started = time.monotonic()
        packed = pack_job(job)
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                return self.server(job.imports).run(job, packed)
            except (ServerError, IsolationError) as error:
                reason = str(error)
                self._discard(job.imports)
                if self._closed:
                    break
        return JobResult("sandbox-error", detail=reason, seconds=time.monotonic() - started)

    def _discard(self, imports: str) -> None:
        with self._lock:
            server = self._servers.pop(imports, None)
        if server is not None:
            server.close()
            server.release()

    def close(self) -> None:
        """End all servers; a job that runs in one of them is aborted."""
        with self._lock:
            self._closed = True
        for server in list(self._servers.values()):
            server.close()

    def release(self) -> None:
        """Close what the servers held, once no thread uses it."""
        for server in list(self._servers.values()):
            server.release()

    def forget(self) -> None:
        for server in self._servers.values():
            server.forget()


_sandboxes: weakref.WeakSet[Sandbox] = weakref.WeakSet()
_shared: dict[str, Sandbox] = {}
_shared_lock = threading.Lock()


def _forget_sandboxes() -> None:
    global _shared_lock  # noqa: PLW0603
    for sandbox in _sandboxes:
        sandbox.forget()
    _shared.clear()
    _shared_lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_forget_sandboxes)
