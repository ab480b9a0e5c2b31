"""The user's side of a fork server: starts it, hands it jobs, and collects what programs write.

A server is a separate process with a clean environment, so nothing of this process's memory is in it.
"""

import base64
import json
import os
import secrets
import select
import site
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from lintseq.errors import ConfigError, IsolationError, ServerError
from lintseq.sandbox import messages
from lintseq.sandbox.child import MAX_RESULT_BYTES
from lintseq.sandbox.data import encode
from lintseq.sandbox.isolation import IsolationLevel, Level, isolation_level
from lintseq.sandbox.job import CallFunction, FeedStdin, Job, JobResult, RunCheck
from lintseq.sandbox.results import END_KEPT, PrintedOutput, ProgramOutput, result_of, with_refusal
from lintseq.sandbox.visible import PACKAGES

_SOURCE = str(Path(__file__).parents[2])
LAUNCHER = "import sys; sys.path.insert(0, {source!r}); from lintseq.sandbox.server import main; main()"
"""Python code that starts a server; `{source}` is the folder that contains lintseq."""
_START_SECONDS = 60.0
"""How long a server may take to start, with its imports."""
_GRACE_SECONDS = 30.0
"""How long a server may take beyond the longest time of its program."""
_END_SECONDS = 2.0
"""How long a server may take to kill and remove what its program left."""
_MAX_CHANNEL_BYTES = MAX_RESULT_BYTES + (2 << 20)


def pack_job(job: Job) -> bytes:
    """Return a job as its process reads it: a line of JSON, then one line for the arguments of each call."""
    task = job.task
    for path, _ in job.scratch:
        if path.startswith("/") or ".." in path.split("/") or not path:
            raise ConfigError(f"the scratch file {path!r} of a job is outside its folder")
    row = {
        "task": "stdin" if isinstance(task, FeedStdin) else "check" if isinstance(task, RunCheck) else "calls",
        "program": job.program,
        "code": task.code if isinstance(task, RunCheck) else "",
        "function": task.function if isinstance(task, CallFunction) else "",
        "scratch": [(path, base64.b64encode(content).decode()) for path, content in job.scratch],
    }
    arguments = task.arguments if isinstance(task, CallFunction) else ()
    return b"\n".join([json.dumps(row).encode(), *map(encode, arguments)])


def server_environment() -> dict[str, str]:
    """Return the environment of servers and programs."""
    folders = [os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"]
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
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # the default one reserves a gigabyte
        "MPLBACKEND": "Agg",
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        **({"PYTHONPATH": os.pathsep.join(packages)} if (packages := _other_packages()) else {}),
    }


def _other_packages() -> list[str]:
    """Return folders of packages on this process's path that are not on that of a fresh interpreter."""
    named = [site.getusersitepackages(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return [folder for folder in named if folder in sys.path and os.path.basename(folder) in PACKAGES]


class ForkServer:
    """A fork server and the connection to it."""

    def __init__(self, imports: str, *, level: Level, launcher: str = LAUNCHER) -> None:
        self._level: Level = level
        self._number = 0
        self.isolation: IsolationLevel | None = None
        """Known when the server is ready."""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._control, control = socket.socketpair()
        settings = {"control": control.fileno(), "level": level, "imports": imports, "source": _SOURCE}
        settings["temporary"] = tempfile.gettempdir()
        code = launcher.format(source=_SOURCE)
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-X", "utf8", "-c", code, json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=server_environment(),
            cwd="/",
            pass_fds=[control.fileno()],
            start_new_session=True,  # so that Ctrl-C reaches only this process, which handles it for both
        )
        control.close()

    def wait_until_ready(self) -> None:
        """Wait for the first message; raises `IsolationError` if the jail was refused."""
        if self.isolation is None:
            ready = self._receive(time.monotonic() + _START_SECONDS)
            if "refused" in ready:
                raise IsolationError(ready["refused"])
            self.isolation = isolation_level(self._level, ready["off"], ready["lacks"])

    def close(self) -> None:
        """End the server and everything that runs in it."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for it, and ends the server
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def release(self) -> None:
        """Close the files, once no thread uses them."""
        self._control.close()
        self._errors.close()

    def forget(self) -> None:
        """Abandon a server that belongs to the process that this one was forked from."""
        self.release()
        self._process.returncode = 0  # it cannot be waited for here

    def run(self, job: Job, packed: bytes) -> JobResult:
        """Return the result of a job; raises `ServerError` if the server fails."""
        self._number += 1
        wall = 3 * job.limits.seconds + 1
        order = {"number": self._number, "wall": wall, **asdict(job.limits)}
        streams = _Streams(job.limits.output, judged=isinstance(job.task, FeedStdin))
        try:
            descriptors = streams.open(packed, job.task.text if isinstance(job.task, FeedStdin) else None)
            try:
                self._send(order, descriptors)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            report = self._collect(streams, time.monotonic() + 4 * wall + _GRACE_SECONDS)
            result = result_of(job, report, streams.drain(), streams.nonce)
            return with_refusal(result) if self._level == "confined" else result
        finally:
            streams.close()

    def _collect(self, streams: "_Streams", deadline: float) -> dict[str, Any]:
        """Read what the program writes until the server reports that it has ended; return the report."""
        poll = select.poll()
        control = self._control.fileno()
        for descriptor in (control, *streams.descriptors):
            poll.register(descriptor, select.POLLIN)
        cancelled = False
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(max(0, 1000 * (deadline - time.monotonic())))]
            if not ready:
                raise ServerError("the server does not report the end of a program")
            if control in ready:
                return self._receive(deadline)
            for descriptor in ready:
                if not streams.read(descriptor):
                    poll.unregister(descriptor)
            if streams.overflowed and not cancelled:
                cancelled = True
                self._send({"kill": self._number})

    def _send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        try:
            messages.send(self._control, message, descriptors)
        except OSError as error:
            raise ServerError(f"the server has exited{self._exit_report()}") from error

    def _receive(self, deadline: float) -> dict[str, Any]:
        try:
            return messages.receive(self._control, deadline)[0]
        except TimeoutError as error:
            raise ServerError("the server does not answer") from error
        except (EOFError, OSError) as error:
            raise ServerError(f"the server ended{self._exit_report()}") from error

    def _exit_report(self) -> str:
        """Return how the server ended and its last line on standard error."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f" (status {self._process.poll()}){': ' + lines[-1] if lines else ''}"


class _Streams:
    """The pipes from a program: its channel and its two outputs, each kept up to a limit.

    Beyond the limit, output that nobody judges is read and dropped, all but its end: standard error, and standard
    output unless it is `judged`.
    """

    def __init__(self, max_output: int, *, judged: bool) -> None:
        self._max_output, self._judged = max_output, judged
        self.nonce = secrets.token_hex(8).encode()
        """Lies in the channel until the program has finished; only a verdict that follows it counts."""
        self.descriptors: tuple[int, ...] = ()
        """Channel, standard output and standard error."""
        self.overflowed = False
        """Whether a stream that is not dropped exceeded its limit."""
        self._parts: dict[int, list[bytes]] = {}
        self._free: dict[int, int] = {}
        """How many more bytes are kept of each."""
        self._ends: dict[int, bytes] = {}
        """The end of the output that is dropped."""
        self._counts: dict[int, int] = {}
        """How many bytes were received."""

    def open(self, packed: bytes, stdin: str | None) -> tuple[int, ...]:
        """Prepare the job; return the descriptors for the program's process."""
        mine, theirs = socket.socketpair()
        channel = mine.detach()
        os.write(channel, self.nonce)
        out, their_out = os.pipe()
        err, their_err = os.pipe()
        self.descriptors = (channel, out, err)
        for descriptor in self.descriptors:
            os.set_blocking(descriptor, False)
            self._parts[descriptor] = []
            self._free[descriptor] = _MAX_CHANNEL_BYTES if descriptor == channel else self._max_output
            self._counts[descriptor] = 0
        self._ends = dict.fromkeys((err,) if self._judged else (out, err), b"")
        if stdin is None:
            source = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        else:
            source = _readable_file(stdin.encode("utf-8", "surrogateescape"))
        return _readable_file(packed), theirs.detach(), source, their_out, their_err

    def read(self, descriptor: int) -> bool:
        """Read what is available; return whether more may come."""
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return True
        except OSError:
            return False
        kept, rest = data[: self._free[descriptor]], data[self._free[descriptor] :]
        if descriptor in self._ends:
            self._ends[descriptor] = (self._ends[descriptor] + rest)[-END_KEPT:]
        else:
            self.overflowed |= bool(rest)
        self._parts[descriptor].append(kept)
        self._free[descriptor] -= len(kept)
        self._counts[descriptor] += len(data)
        return bool(data)

    def drain(self) -> ProgramOutput:
        """Read the rest, after all writers have closed, and return everything."""
        for descriptor in self.descriptors:
            before = -1
            while before != self._counts[descriptor]:
                before = self._counts[descriptor]
                if not self.read(descriptor):
                    break
        channel, out, err = (
            PrintedOutput(b"".join(self._parts[descriptor]), self._ends.get(descriptor, b""), self._counts[descriptor])
            for descriptor in self.descriptors
        )
        return ProgramOutput(channel.beginning, out, err, self.overflowed)

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)


def _readable_file(data: bytes) -> int:
    """Return a read-only descriptor of an unnamed file that contains the data."""
    memfd = getattr(os, "memfd_create", None)
    with tempfile.TemporaryFile() if memfd is None else os.fdopen(memfd("job", os.MFD_CLOEXEC), "w+b") as file:
        file.write(data)
        file.flush()
        if memfd is None:
            file.seek(0)
            return os.dup(file.fileno())
        return os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
