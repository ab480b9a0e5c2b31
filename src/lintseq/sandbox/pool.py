"""Jobs through fork servers: endings in the order of the jobs, however the programs fare.

Owns the servers, the pipes to the programs and what their silence means. A server is a process of its own, started
afresh, so that nothing of this one's memory is in it; a program's verdict, its output and the values that it returns
are read here, as bytes and as plain data.
"""

import base64
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import IO, Any, Self

from lintseq.errors import ConfigError, ToolError
from lintseq.sandbox.child import MOST_RESULT_BYTES, STARTED
from lintseq.sandbox.data import DataError, decode, encode
from lintseq.sandbox.isolation import Isolation, advice
from lintseq.sandbox.job import CallFunction, FeedStdin, Job, JobResult, Raised, Returned, RunCheck, Verdict
from lintseq.sandbox.tampering import signs_of_tampering

ATTEMPTS = 3
"""How often a job is tried if the sandbox breaks over it."""
_ENDS_KEPT = 64 << 10
"""Bytes of the start, and of the end, that are kept of what a program prints by the way."""
_GRACE = 30.0
"""Seconds that a server may take beyond the longest that its program may."""
_START = 60.0
"""Seconds that a server may take to start, with its imports."""
_AHEAD = 16
"""Jobs for each worker that may be done or under way before the first of them is asked for."""


def default_workers() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Sandbox:
    """Runs programs that nobody trusts, some at a time. Use it in a `with` statement."""

    def __init__(self, *, workers: int | None = None, isolation: str = "auto") -> None:
        """`isolation` is `auto`, the strongest isolation that can be had, or `unsafe`, none."""
        if isolation not in ("auto", "unsafe"):
            raise ConfigError(f"there is no sandbox {isolation!r}; use auto or unsafe")
        if workers is not None and workers < 1:
            raise ConfigError(f"a sandbox needs at least one worker, not {workers}")
        self.workers = workers or default_workers()
        self._isolated = isolation == "auto"
        self._isolation: Isolation | None = None
        self._slots: list[_Slot] = []
        self._idle: LifoQueue[_Slot] = LifoQueue()
        self._threads: ThreadPoolExecutor | None = None

    @property
    def isolation(self) -> Isolation:
        """How far programs are kept in on this machine."""
        if self._isolation is None:
            raise ToolError("the sandbox has not been entered; use it in a `with` statement")
        return self._isolation

    def __enter__(self) -> Self:
        self._slots = [_Slot(isolated=self._isolated) for _ in range(self.workers)]
        try:
            self._isolation = self._slots[0].server("bare").isolation
        except _Refused as error:
            self.__exit__(None, None, None)
            raise ConfigError(
                f"programs cannot be isolated on this machine ({error}); {advice(str(error))},"
                " or choose the sandbox 'unsafe' (--sandbox unsafe) if you trust the programs"
            ) from error
        except _Broken as error:
            self.__exit__(None, None, None)
            raise ToolError(f"the sandbox does not start: {error}") from error
        for slot in reversed(self._slots):
            self._idle.put(slot)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="sandbox")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in self._slots:
            slot.close()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for slot in self._slots:
            slot.release()

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Yield how each job ended, in their order; a few are begun before they are asked for."""
        if self._threads is None:
            raise ToolError("the sandbox has not been entered; use it in a `with` statement")
        begun: deque[Future[JobResult]] = deque()
        try:
            for job in jobs:
                begun.append(self._threads.submit(self._run, job))
                while begun and (begun[0].done() or len(begun) >= _AHEAD * self.workers):
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()

    def _run(self, job: Job) -> JobResult:
        slot = self._idle.get()
        try:
            return slot.run(job)
        finally:
            self._idle.put(slot)


class _Broken(Exception):
    """A server that does not do its work, which is no program's fault."""


class _Refused(Exception):
    """A server that could not make its jail here."""


class _Slot:
    """Runs one job at a time, by a server for each kind of imports."""

    def __init__(self, *, isolated: bool) -> None:
        self._isolated = isolated
        self._servers: dict[str, _Server] = {}
        self._closed = False
        self._lock = threading.Lock()

    def server(self, kind: str) -> "_Server":
        """Return the server for a kind of imports, started if it is not running."""
        with self._lock:
            if self._closed:
                raise _Broken("the sandbox was closed")
            if kind not in self._servers:
                self._servers[kind] = _Server(kind, isolated=self._isolated)
            server = self._servers[kind]
        server.wait_until_ready()
        return server

    def run(self, job: Job) -> JobResult:
        """Return how a job ended; it is tried again if the sandbox breaks."""
        started = time.monotonic()
        packed = _pack(job)
        why = ""
        for _ in range(ATTEMPTS):
            try:
                return self.server(job.imports).run(job, packed)
            except (_Broken, _Refused) as error:
                why = str(error)
                self._discard(job.imports)
                if self._closed:
                    break
        return JobResult("sandbox-error", detail=why, seconds=time.monotonic() - started)

    def _discard(self, kind: str) -> None:
        with self._lock:
            server = self._servers.pop(kind, None)
        if server is not None:
            server.close()
            server.release()

    def close(self) -> None:
        """End all servers; a job that one of them is at breaks off."""
        with self._lock:
            self._closed = True
        for server in list(self._servers.values()):
            server.close()

    def release(self) -> None:
        """Give back what the servers held, now that nobody uses it."""
        for server in list(self._servers.values()):
            server.release()


def _pack(job: Job) -> bytes:
    """Return a job as its process reads it: a line of data, then one for the arguments of each call."""
    task = job.task
    name = "stdin" if isinstance(task, FeedStdin) else "check" if isinstance(task, RunCheck) else "calls"
    for path, _ in job.scratch:
        if path.startswith("/") or ".." in path.split("/") or not path:
            raise ConfigError(f"the file {path!r} of a job does not lie in its folder")
    row = {
        "task": name,
        "program": job.program,
        "code": task.code if isinstance(task, RunCheck) else "",
        "function": task.function if isinstance(task, CallFunction) else "",
        "scratch": [(path, base64.b64encode(content).decode()) for path, content in job.scratch],
    }
    arguments = task.arguments if isinstance(task, CallFunction) else ()
    return b"\n".join([json.dumps(row).encode(), *map(encode, arguments)])


def _environment() -> dict[str, str]:
    """Return all of the environment that servers and programs see."""
    folders = [os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"]
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        "PATH": ":".join(folders),
        "HOME": "/tmp",
        "USER": "program",
        "LOGNAME": "program",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",  # the same order of sets in every server
        "PYTHONIOENCODING": "utf-8:strict",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",  # threads reserve little memory that they do not use
        "MPLBACKEND": "Agg",
        **one_thread,
    }


_SOURCE = str(Path(__file__).parents[2])
_CODE = "import sys; sys.path.insert(0, {source!r}); from lintseq.sandbox.server import main; main()"


class _Server:
    """A fork server and the way to it."""

    def __init__(self, kind: str, *, isolated: bool) -> None:
        self._isolated = isolated
        self._number = 0
        self._ready: dict[str, Any] | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._control, theirs = socket.socketpair()
        settings = {"control": theirs.fileno(), "isolated": isolated, "imports": kind, "source": _SOURCE}
        flags = ["-s", "-P", "-X", "utf8"]
        self._process = subprocess.Popen(
            [sys.executable, *flags, "-c", _CODE.format(source=_SOURCE), json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=_environment(),
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # so that a Ctrl-C reaches this process alone, which answers for both
        )
        theirs.close()

    def wait_until_ready(self) -> None:
        if self._ready is None:
            ready = self._receive(time.monotonic() + _START)
            if "refused" in ready:
                raise _Refused(ready["refused"])
            self._ready = ready

    @property
    def isolation(self) -> Isolation:
        if self._ready is None:
            raise ToolError("a server has no level before it is ready")
        return Isolation.from_reasons("isolated" if self._isolated else "unsafe", self._ready["layers"])

    def close(self) -> None:
        """End the server and all that runs in it."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for it
        self._process.kill()
        self._process.wait()

    def release(self) -> None:
        self._control.close()
        self._errors.close()

    # One job

    def run(self, job: Job, packed: bytes) -> JobResult:
        limits = job.limits
        self._number += 1
        wall = 3 * limits.seconds + 1
        number = secrets.token_hex(8).encode()
        order = {
            "number": self._number,
            "seconds": limits.seconds,
            "wall": wall,
            "memory": limits.memory,
            "processes": limits.processes,
            "scratch": limits.scratch,
        }
        streams = _Streams(limits.output)
        try:
            theirs = streams.open(packed, job.task.text if isinstance(job.task, FeedStdin) else None, number)
            try:
                self._send(order, theirs)
            finally:
                for descriptor in theirs:
                    os.close(descriptor)
            report = self._follow(streams, time.monotonic() + 4 * wall + _GRACE)
            streams.drain()
            return _ending(job, report, streams, number)
        finally:
            streams.close()

    def _follow(self, streams: "_Streams", deadline: float) -> dict[str, Any]:
        """Take in what the program writes until the server reports that it has ended."""
        poll = select.poll()
        control = self._control.fileno()
        poll.register(control, select.POLLIN)
        for descriptor in streams.places:
            poll.register(descriptor, select.POLLIN)
        told = False
        while True:
            left = deadline - time.monotonic()
            ready = [descriptor for descriptor, _ in poll.poll(max(0, 1000 * left))]
            if not ready:
                raise _Broken("the server does not report the end of a program")
            if control in ready:
                return self._receive(deadline)
            for descriptor in ready:
                if not streams.read(descriptor):
                    poll.unregister(descriptor)
            if streams.over and not told:
                told = True
                self._send({"kill": self._number})

    def _send(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        text = json.dumps(message).encode()
        try:
            head = len(text).to_bytes(4, "big")
            if descriptors:
                socket.send_fds(self._control, [head], descriptors)
                self._control.sendall(text)
            else:
                self._control.sendall(head + text)
        except OSError as error:
            raise _Broken(f"the server is gone{self._last_words()}") from error

    def _receive(self, deadline: float) -> dict[str, Any]:
        length = int.from_bytes(self._bytes(4, deadline), "big")
        message: dict[str, Any] = json.loads(self._bytes(length, deadline))
        return message

    def _bytes(self, count: int, deadline: float) -> bytes:
        data = b""
        while len(data) < count:
            try:
                self._control.settimeout(max(0.01, deadline - time.monotonic()))
                part = self._control.recv(count - len(data))
                self._control.settimeout(None)
            except TimeoutError as error:
                raise _Broken("the server does not answer") from error
            except OSError as error:
                raise _Broken("the connection to the server broke") from error
            if not part:
                raise _Broken(f"the server ended{self._last_words()}")
            data += part
        return data

    def _last_words(self) -> str:
        """Return how the server ended and what it wrote about it."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f" (status {self._process.poll()}){': ' + lines[-1] if lines else ''}"


class _Streams:
    """The pipes from a program: its channel and its two outputs, each kept up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.places: list[int] = []
        """Of the channel, standard output and standard error."""
        self._parts: dict[int, list[bytes]] = {}
        self._sizes: dict[int, int] = {}
        self._job = -1
        self.over = False

    def open(self, packed: bytes, stdin: str | None, number: bytes) -> list[int]:
        """Lay the job ready; return the descriptors for the program's process."""
        mine, theirs = socket.socketpair()
        channel = mine.detach()
        os.write(channel, number)
        out, their_out = os.pipe()
        err, their_err = os.pipe()
        self.places = [channel, out, err]
        for place in self.places:
            os.set_blocking(place, False)
            self._parts[place], self._sizes[place] = [], 0
        source = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        if stdin is not None:
            os.close(source)
            source = _file_of(stdin.encode("utf-8", "surrogateescape"))
        return [_file_of(packed), theirs.detach(), source, their_out, their_err]

    def read(self, place: int) -> bool:
        """Take in what there is; tell whether more may come."""
        try:
            data = os.read(place, 1 << 16)
        except BlockingIOError:
            return True
        except OSError:
            return False
        limit = MOST_RESULT_BYTES + (2 << 20) if place == self.places[0] else self._limit
        free = limit - self._sizes[place]
        if len(data) > free:
            self.over = True
        self._parts[place].append(data[: max(0, free)])
        self._sizes[place] += min(len(data), max(0, free))
        return bool(data)

    def drain(self) -> None:
        """Take in what is left, now that nobody writes any more."""
        for place in self.places:
            before = -1
            while before != self._sizes[place]:
                before = self._sizes[place]
                if not self.read(place):
                    break

    def bytes(self, index: int) -> bytes:
        return b"".join(self._parts[self.places[index]])

    def close(self) -> None:
        for place in self.places:
            os.close(place)


def _file_of(data: bytes) -> int:
    """Return a descriptor of a file without a name that holds the data, for reading alone."""
    with tempfile.TemporaryFile() if _memfd is None else os.fdopen(_memfd("job", os.MFD_CLOEXEC), "w+b") as file:
        file.write(data)
        file.flush()
        if _memfd is None:
            file.seek(0)
            return os.dup(file.fileno())
        return os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)


_memfd = getattr(os, "memfd_create", None)


# What it means


def _ending(job: Job, report: dict[str, Any], streams: _Streams, number: bytes) -> JobResult:
    started, outcomes, message = _read_channel(streams.bytes(0), number)
    if not started:
        words = streams.bytes(0).decode("utf-8", "replace")
        raise _Broken(f"a program could not be started: {words.strip()[:500] or report}")
    verdict, detail, error = _verdict(job, report, streams, message, len(outcomes))
    out, err = streams.bytes(1), streams.bytes(2)
    if not isinstance(job.task, FeedStdin):
        out, err = _ends(out), _ends(err)
    return JobResult(
        verdict,
        detail,
        seconds=report["seconds"],
        cpu_seconds=report["cpu"],
        outcomes=outcomes,
        stdout=out,
        stderr=err,
        error=error,
        suspect=tuple(signs_of_tampering(job.program))
        if verdict == "passed" and isinstance(job.task, RunCheck)
        else (),
    )


def _read_channel(data: bytes, number: bytes) -> tuple[bool, tuple[Returned | Raised, ...], dict[str, str] | None]:
    """Return whether the program was started, the outcomes of its calls, and the verdict if it is a true one."""
    first, *lines = data.split(b"\n")
    outcomes: list[Returned | Raised] = []
    for line in lines:
        if line.startswith(number):
            try:
                message = json.loads(line.removeprefix(number))
                known = {key: str(message.get(key, "")) for key in ("verdict", "detail", "error")}
            except (ValueError, RecursionError, AttributeError):
                return first == STARTED, tuple(outcomes), None
            valid = known["verdict"] in ("passed", "failed", "error", "memory", "output")
            return first == STARTED, tuple(outcomes), known if valid else None
        outcome = _outcome(line)
        if outcome is None:
            break
        outcomes.append(outcome)
    return first == STARTED, tuple(outcomes), None


def _outcome(line: bytes) -> Returned | Raised | None:
    """Return the outcome of a call that a line tells of, whoever wrote it."""
    try:
        message = json.loads(line)
        if "returned" in message:
            return Returned(decode(str(message["returned"]).encode()))
        return Raised(str(message["raised"]), str(message["message"]))
    except DataError as error:
        return Raised("DataError", str(error))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


_NEARLY = 0.8
"""What ended by a signal and used up so much of its time was ended for that; kernels count coarsely."""


def _verdict(
    job: Job, report: dict[str, Any], streams: _Streams, message: dict[str, str] | None, outcomes: int
) -> tuple[Verdict, str, str]:
    """Return verdict, detail and name of the error."""
    limits, status, reason = job.limits, report["status"], report["reason"]
    if streams.over:
        return "output", f"more than {limits.output:,} bytes", ""
    if reason == "memory":
        return "memory", f"more than {limits.memory:,} bytes", ""
    # Where /proc cannot be read, what children used is known only once they have ended.
    used = report["cpu"] / limits.seconds
    ended = status in (-signal.SIGXCPU, -signal.SIGKILL) and reason == ""
    if reason == "cpu" or used > 1 or (ended and used > _NEARLY):
        return "timeout", f"more than {limits.seconds:g} s of processor time", ""
    if reason == "wall":
        return "timeout", f"more than {3 * limits.seconds + 1:g} s by the clock", ""
    if (
        isinstance(job.task, CallFunction)
        and outcomes != len(job.task.arguments)
        and message
        and message["verdict"] == "passed"
    ):
        return "error", "left before all calls were made", ""
    if message is not None and (status == 0 or message["verdict"] != "passed"):
        return message["verdict"], message["detail"], message["error"]  # type: ignore[return-value]
    if status == 0 and isinstance(job.task, FeedStdin):
        return "passed", "", ""
    if status < 0:
        return "error", f"ended by {signal.Signals(-status).name}", ""
    return "error", f"left early, with status {status}", ""


def _ends(data: bytes) -> bytes:
    if len(data) <= 2 * _ENDS_KEPT:
        return data
    left_out = len(data) - 2 * _ENDS_KEPT
    return data[:_ENDS_KEPT] + f"\n... {left_out} bytes left out ...\n".encode() + data[-_ENDS_KEPT:]
