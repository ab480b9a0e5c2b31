"""The fork server: one process that forks a fresh one for every program, watches it, and cleans up behind it.

Owns the order in which the jail is made, the watch over time and memory, and the end of everything that a program
started. Started by `pool` as `python -c "from lintseq.sandbox.server import main; main()" SETTINGS`; it is spoken to
over a socket. No program and no result ever passes through this process: the forked one reads its job from a file
and writes to pipes whose other ends the user's process holds, so nothing of one program is in the memory of the next.
"""

import base64
import contextlib
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn

from lintseq.sandbox import child
from lintseq.sandbox.data import decode
from lintseq.sandbox.jail import WORK, IsolationError, Jail, build, leave_parent, open_jail

STANDARD = (
    "abc argparse array ast asyncio base64 bisect bz2 calendar cmath collections concurrent.futures contextlib copy"
    " csv dataclasses datetime decimal difflib enum fractions functools glob gzip hashlib heapq html inspect io"
    " itertools json logging math multiprocessing numbers operator os pathlib pickle pprint queue random re secrets"
    " shutil socket sqlite3 statistics string struct subprocess tempfile textwrap threading time timeit traceback"
    " types typing unicodedata unittest urllib.parse urllib.request uuid warnings weakref zlib"
)
"""What is imported before any program runs, whatever its kind of imports, where it is there."""
_NUMPY = "numpy numpy.linalg numpy.random numpy.testing"
KINDS = {"bare": "", "numpy": _NUMPY, "full": f"{_NUMPY} pandas"}

_CHANNEL = 400
"""A descriptor that no program closes by counting up a little."""
_FIRST_LOOK, _LOOK_EVERY = 0.02, 0.05
"""Seconds until what a program uses is looked at."""
_WAITING_COUNTS = 4
"""So many times its limit by the clock a program may take if it did not get a processor before."""


def main() -> None:
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=settings["control"])
    try:
        jail = leave_parent() if settings["isolated"] else open_jail()
        if jail.isolated and (first := os.fork()):
            control.close()
            _, status = os.waitpid(first, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        if jail.isolated:
            build(jail)
    except IsolationError as error:
        _send(control, {"refused": str(error)})
        return
    _serve(control, jail, settings)


def _serve(control: socket.socket, jail: Jail, settings: dict[str, Any]) -> None:
    # The first process of a namespace gets no signal that it has no handler for, so that no program can stop it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512 if hard == resource.RLIM_INFINITY else min(512, hard), hard))
    if settings["source"] in sys.path:
        sys.path.remove(settings["source"])
    missing = [name for name in STANDARD.split() if not _import(name)]
    missing += [name for name in KINDS[settings["imports"]].split() if not _import(name)]
    for name in [name for name in sys.modules if name.partition(".")[0] == "lintseq"]:
        del sys.modules[name]  # so that no program meets them by chance
    gc.collect()
    gc.freeze()
    jail.imports_memory = _own_memory("self") if jail.has_processes else 0
    if refused := _try_walls(jail):
        _send(control, {"refused": refused})
        return
    _send(control, {"layers": jail.layers, "user": jail.uid, "missing": missing, "landlock": jail.landlock})
    while True:
        try:
            order, descriptors = _receive(control)
        except _Gone:
            return
        if "kill" in order:
            continue  # too late: it had ended by itself
        _send(control, _Run(control, jail, order, descriptors).report())


def _try_walls(jail: Jail) -> str:
    """Return what is wrong with the jail, found out by a process that goes into it; nothing if it is as it should."""
    if not jail.isolated:
        return ""
    mine, theirs = os.pipe()
    jail.open(1 << 20)
    if os.fork() == 0:
        try:
            jail.enter(seconds=1, memory=1 << 28, processes=8, scratch=1 << 20)
            found = jail.gap()
        except BaseException as error:
            found = f"{type(error).__name__}: {error}"
        os.write(theirs, found.encode())
        os._exit(0)
    os.close(theirs)
    with open(mine, "rb") as file:
        found = file.read().decode()
    os.wait()
    jail.clear()
    return found


def _import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # whatever a package does when it cannot be used
        return False
    return True


# Messages


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    text = json.dumps(message).encode()
    with contextlib.suppress(OSError):  # if nobody is there any more, the next attempt to receive finds out
        control.sendall(len(text).to_bytes(4, "big") + text)


class _Gone(Exception):
    """The user's process is there no more."""


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the next order with the descriptors that came with it."""
    try:
        head, descriptors, _, _ = socket.recv_fds(control, 4, 8)
        head += _exactly(control, 4 - len(head)) if head else b""
        text = _exactly(control, int.from_bytes(head, "big")) if head else b""
    except OSError as error:
        raise _Gone from error
    if not head:
        raise _Gone
    order: dict[str, Any] = json.loads(text)
    return order, descriptors


def _exactly(control: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = control.recv(count - len(data))
        if not part:
            raise _Gone
        data += part
    return data


# One program


class _Run:
    """One program, from its start to the end of all that it started."""

    def __init__(self, control: socket.socket, jail: Jail, order: dict[str, Any], descriptors: list[int]) -> None:
        self._control, self._room, self._order = control, jail, order
        self._statuses: dict[int, int] = {}
        self._cpu = 0.0
        """Of the processes that have ended."""
        self._reason = ""
        """Why the program was ended, if it did not end by itself."""
        self._exact_from, self._exact_at = 0, 0.0
        jail.open(order["scratch"])
        self._started = time.monotonic()
        self._pid = os.fork()
        if self._pid == 0:
            _become_program(jail, order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def report(self) -> dict[str, Any]:
        """Wait for the end, clean up, and return how it went."""
        self._watch()
        seconds = time.monotonic() - self._started
        self._kill_everything()
        self._room.clear()
        return {
            "number": self._order["number"],
            "status": os.waitstatus_to_exitcode(self._statuses[self._pid]),
            "reason": self._reason,
            "seconds": seconds,
            "cpu": self._cpu,
        }

    def _watch(self) -> None:
        end = os.pidfd_open(self._pid) if hasattr(os, "pidfd_open") else -1
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if end >= 0:
            poll.register(end, select.POLLIN)
        wait = _FIRST_LOOK
        try:
            while True:
                ready = [descriptor for descriptor, _ in poll.poll(1000 * wait)]
                if end in ready:
                    return
                if ready and self._told():
                    self._reason = "told"
                    return
                self._reap(os.WNOHANG)
                if self._pid in self._statuses or self._over():
                    return
                wait = _LOOK_EVERY if end >= 0 else _FIRST_LOOK
        finally:
            if end >= 0:
                os.close(end)

    def _told(self) -> bool:
        """Tell whether the program has to end because the user's process says so, or because it is gone."""
        try:
            order, _ = _receive(self._control)
        except _Gone:
            return True
        return bool(order.get("kill") == self._order["number"])

    def _over(self) -> bool:
        """Tell whether the program has taken more than it may, and note what."""
        cpu, waiting = self._cpu, 0.0
        if self._room.isolated and self._room.has_processes:
            resident = 0
            for process in _processes():
                used, size = _used(process)
                cpu += used
                resident += size
            if resident > self._order["memory"] and self._too_large(resident):
                self._reason = "memory"
                return True
        if cpu > self._order["seconds"]:
            self._reason = "cpu"
            return True
        passed = time.monotonic() - self._started
        wall = self._order["wall"]
        if passed > wall:
            if self._room.has_processes and passed < _WAITING_COUNTS * wall:
                waiting = sum(map(_waited, _processes()))
            if passed - waiting > wall:
                self._reason = "wall"
                return True
        return False

    def _too_large(self, resident: int) -> bool:
        """Count exactly, shared memory once; that is slow, so not again before there may be more to find."""
        now = time.monotonic()
        if resident < self._exact_from and now < self._exact_at:
            return False
        size = sum(map(_own_memory, _processes())) - self._room.imports_memory
        self._exact_from, self._exact_at = resident + (self._order["memory"] - size) // 2, now + 1
        return bool(size > self._order["memory"])

    def _kill_everything(self) -> None:
        """End every process of the program, and wait until they are gone."""
        if self._room.isolated:
            # Everything in the namespace but its first process, which this is: nobody else is in reach.
            if os.getpid() != 1:
                raise AssertionError("not the first process of a namespace")
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            self._reap(0)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        while self._reap(os.WNOHANG):
            for process in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.001)

    def _reap(self, options: int) -> bool:
        """Take in processes that have ended, with what they used; tell whether any are left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, options)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._statuses[pid] = status
            self._cpu += usage.ru_utime + usage.ru_stime


_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = resource.getpagesize()


def _processes() -> Iterator[str]:
    """Yield the processes in the jail but this one."""
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            yield name


def _read(path: str) -> bytes:
    """Return what a file in /proc says, or nothing if its process has ended."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536)
    except OSError:
        return b""


def _used(process: str) -> tuple[float, int]:
    """Return processor seconds and bytes in memory."""
    words = _read(f"/proc/{process}/stat").rpartition(b")")[2].split()
    if len(words) < 22:
        return 0.0, 0
    return (int(words[11]) + int(words[12])) * _TICK, int(words[21]) * _PAGE


def _own_memory(process: str) -> int:
    """Return the bytes of a process that are no file's, its share of those that it shares."""
    total = 0
    for line in _read(f"/proc/{process}/smaps_rollup").split(b"\n"):
        if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")):
            total += int(line.split()[1]) * 1024
    return total


def _waited(process: str) -> float:
    """Return the seconds that the threads of a process were ready to run and had no processor."""
    folder = f"/proc/{process}/task"
    try:
        threads = os.listdir(folder)
    except OSError:
        return 0.0
    return sum(int(words[1]) for one in threads if len(words := _read(f"{folder}/{one}/schedstat").split()) > 1) / 1e9


def _children() -> Iterator[int]:
    """Yield the processes that this one, which adopts orphans, is the parent of."""
    own = str(os.getpid()).encode()
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit() and _read(f"/proc/{name}/stat").rpartition(b")")[2].split()[1:2] == [own]:
            yield int(name)


# In the forked process


def _become_program(jail: Jail, order: dict[str, Any], descriptors: list[int]) -> NoReturn:
    try:
        os.setsid()
        job_file, theirs, source, out, err = descriptors
        channel = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, _CHANNEL)
        for target, place in enumerate((source, out, err)):
            os.dup2(place, target)
        job, arguments = _read_job(job_file)
        jail.enter(**{name: order[name] for name in ("seconds", "memory", "processes", "scratch")})
        os.closerange(3, channel)
        os.closerange(channel + 1, 512)
        descriptors[1] = channel
        folder = f"{jail.scratch}/{WORK}"
        for name, content in job["scratch"]:
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(base64.b64decode(content))
        os.environ.update(HOME=folder, TMPDIR=jail.scratch)
        job["arguments"] = arguments
        child.run(job, channel, folder)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(descriptors[1], f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(1)


def _read_job(file: int) -> tuple[dict[str, Any], list[partial[Any]]]:
    data = b""
    while part := os.pread(file, 1 << 22, len(data)):
        data += part
    head, *arguments = data.split(b"\n")
    job: dict[str, Any] = json.loads(head)
    return job, [partial(decode, line) for line in arguments]
