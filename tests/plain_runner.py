"""Runs jobs in plain processes, without isolation, one after the other: only for our own programs and the reference
solutions of benchmarks, never for what a model wrote.
"""

import builtins
import contextlib
import copy
import io
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lintseq.benchmarks import Problem, Runner
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions, judge_in_batches
from lintseq.evaluation.results import JudgedCompletion
from lintseq.sandbox import CallFunction, FeedStdin, Job, JobResult, Raised, Returned, RunCheck
from lintseq.sandbox.isolation import IsolationLevel


class PlainRunner:
    """Runs each job in a process forked from this one."""

    isolation = IsolationLevel("unsafe", ())

    def __init__(self, *, timed: bool = True) -> None:
        self.timed = timed
        self.jobs = 0

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        with tempfile.TemporaryDirectory(prefix="lintseq-plain-") as folder:
            for number, job in enumerate(jobs):
                workdir = os.path.join(folder, str(number))
                os.mkdir(workdir)
                for path, content in job.scratch:
                    Path(workdir, path).write_bytes(content)
                yield self._run(job, workdir)
                shutil.rmtree(workdir, ignore_errors=True)

    def _run(self, job: Job, folder: str) -> JobResult:
        self.jobs += 1
        started = time.monotonic()
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(job, folder, read, write)
        os.close(write)
        deadline = started + 3 * job.limits.seconds + 1
        parts = []
        with os.fdopen(read, "rb", buffering=0) as pipe:
            while select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]:
                if not (chunk := pipe.read(1 << 20)):
                    break
                parts.append(chunk)
            else:
                os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        seconds, cpu = time.monotonic() - started, usage.ru_utime + usage.ru_stime
        if not self.timed:
            seconds = cpu = 0.0
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
            return JobResult("timeout", "took too long", seconds, cpu)
        if not parts:
            return JobResult("error", "left early", seconds, cpu)
        return JobResult(seconds=seconds, cpu_seconds=cpu, **pickle.loads(b"".join(parts)))


def _child(job: Job, folder: str, read: int, write: int) -> None:
    try:
        os.close(read)
        limit = max(1, round(job.limits.seconds))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        os.chdir(folder)
        sys.setrecursionlimit(1000)
        data = pickle.dumps(_ending(job))
        with os.fdopen(write, "wb") as pipe:
            pipe.write(data)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _ending(job: Job) -> dict[str, Any]:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    outcomes: list[Returned | Raised] = []
    finding: dict[str, Any] = {"verdict": "passed"}
    stdin = io.TextIOWrapper(io.BytesIO(job.task.text.encode() if isinstance(job.task, FeedStdin) else b""))
    names: dict[str, Any] = {
        "__name__": "__main__" if isinstance(job.task, FeedStdin) else "candidate",
        "__builtins__": builtins,
    }
    sys.modules["candidate"] = type(sys)("candidate")
    sys.modules["candidate"].__dict__.update(names)
    names = sys.modules["candidate"].__dict__
    if isinstance(job.task, FeedStdin):
        sys.modules["__main__"] = sys.modules["candidate"]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        sys.stdin = stdin
        try:
            exec(compile(job.program, "<program>", "exec", dont_inherit=True), names)
            if isinstance(job.task, RunCheck):
                exec(compile(job.task.code, "<check>", "exec", dont_inherit=True), names)
            elif isinstance(job.task, CallFunction):
                function = names[job.task.function]
                for arguments in job.task.arguments:
                    outcomes.append(_called(function, arguments))
        except AssertionError as error:
            finding = {"verdict": "failed", "detail": f"AssertionError: {error}", "error": "AssertionError"}
        except SystemExit as error:
            if not (isinstance(job.task, FeedStdin) and error.code in (None, 0)):
                finding = {"verdict": "error", "detail": f"left early: {error.code}", "error": "SystemExit"}
        except BaseException as error:
            finding = {"verdict": "error", "detail": f"{type(error).__name__}: {error}", "error": type(error).__name__}
        out.flush()
    return {**finding, "outcomes": tuple(outcomes), "stdout": out.buffer.getvalue()}


def _called(function: Any, arguments: tuple[Any, ...]) -> Returned | Raised:
    try:
        return Returned(plain(function(*copy.deepcopy(arguments))))
    except Exception as error:
        return Raised(type(error).__name__, str(error))


def plain(value: Any) -> Any:
    """Return a value as plain data, with subclasses as their base types."""
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    for kind in (bool, int, float, complex, str, bytes):
        if isinstance(value, kind):
            return kind(value)
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return kind(map(plain, value))
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    raise TypeError(f"returned {type(value).__name__}, which is not plain data")


def judge(
    problems: Iterable[Problem], completions: Sequence[Completion], runner: Runner, options: JudgingOptions
) -> list[JudgedCompletion]:
    """Return the judged completions, in their order."""
    return [row for batch in judge_in_batches(problems, completions, runner, options) for row in batch]
