"""The fork server: one process that forks a fresh one for every program, watches it, and cleans up after it.

Builds the jail, enforces the limits on time and memory, and ends everything that a program started. `client` starts it
as `python -c "from lintseq.sandbox.server import main; main()" SETTINGS` and talks to it over a socket. Programs and
results never pass through this process: the forked process reads its job from a file and writes to pipes whose other
ends the user's process holds, so nothing of one program is in the memory of the next.
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
from functools import partial
from typing import Any, NoReturn

from lintseq.errors import IsolationError
from lintseq.sandbox import child, processes
from lintseq.sandbox.confinement import ConfinedJail
from lintseq.sandbox.data import decode
from lintseq.sandbox.jail import WORK, Jail
from lintseq.sandbox.messages import receive, send
from lintseq.sandbox.namespaces import IsolatedJail

STANDARD = (
    "abc argparse array ast asyncio base64 bisect bz2 calendar cmath collections concurrent.futures contextlib copy"
    " csv dataclasses datetime decimal difflib enum fractions functools glob gzip hashlib heapq html inspect io"
    " itertools json logging math multiprocessing numbers operator os pathlib pickle pprint queue random re secrets"
    " shutil socket sqlite3 statistics string struct subprocess tempfile textwrap threading time timeit traceback"
    " types typing unicodedata unittest urllib.parse urllib.request uuid warnings weakref zlib"
)
"""Imported before any program runs."""
_NUMPY = "numpy numpy.linalg numpy.random numpy.testing"
IMPORTS = {"bare": "", "numpy": _NUMPY, "full": f"{_NUMPY} pandas"}
"""Also imported, by the jobs' `imports`, where installed."""

_CHANNEL = 400
"""A descriptor that programs do not close by counting up a little."""
_FIRST_CHECK, _CHECK_EVERY = 0.02, 0.05
"""Seconds between checks of what a program uses."""
_MAX_WAITING = 4
"""Multiple of the wall-clock limit that a program may take if it had to wait for a CPU."""


def main() -> None:
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=settings["control"])
    kind = {jail.level: jail for jail in (IsolatedJail, ConfinedJail, Jail)}[settings["level"]]
    try:
        if sys.platform != "linux" and kind is not Jail:
            raise IsolationError(f"isolation needs Linux, and this is {sys.platform}")
        jail = kind(settings["temporary"])
        jail.leave_parent()
        if server := os.fork():
            control.close()
            while (found := os.wait())[0] != server:
                pass
            jail.finish()
            os._exit(os.waitstatus_to_exitcode(found[1]) & 0xFF)
        jail.build()
    except IsolationError as error:
        _reply(control, {"refused": str(error)})
        return
    _serve(control, jail, settings)


def _serve(control: socket.socket, jail: Jail, settings: dict[str, Any]) -> None:
    # The first process of a namespace receives only signals that it handles, so no program can stop it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512 if hard == resource.RLIM_INFINITY else min(512, hard), hard))
    if settings["source"] in sys.path:
        sys.path.remove(settings["source"])
    for name in f"{STANDARD} {IMPORTS[settings['imports']]}".split():
        with contextlib.suppress(Exception):  # a package that cannot be imported may do anything
            importlib.import_module(name)
    jail.adapt_modules()
    for name in [name for name in sys.modules if name.partition(".")[0] == "lintseq"]:
        del sys.modules[name]  # so that no program finds them by chance
    gc.collect()
    gc.freeze()
    jail.inherited_memory = processes.own_memory("self") if jail.watches else 0
    if gap := _find_gap(jail):
        _reply(control, {"refused": gap})
        return
    _reply(control, {"off": jail.off, "lacks": jail.lacks})
    while True:
        try:
            order, descriptors = receive(control)
        except (OSError, EOFError):
            jail.remove_scratch()
            return
        if "kill" in order:  # too late: the program had ended by itself
            continue
        program = _RunningProgram(control, jail, order, descriptors)
        _reply(control, program.finish())
        if program.sticks:
            return


def _find_gap(jail: Jail) -> str:
    """Return a gap in the jail, found by a process that enters it; empty if there is none."""
    source, target = os.pipe()
    jail.open(1 << 20)
    if os.fork() == 0:
        try:
            jail.enter(seconds=1, memory=1 << 28, processes=8, scratch=1 << 20)
            gap = jail.find_gap()
        except BaseException as error:
            gap = f"{type(error).__name__}: {error}"
        os.write(target, gap.encode())
        os._exit(0)
    os.close(target)
    with open(source, "rb") as file:
        gap = file.read().decode()
    os.wait()
    jail.clear(0)
    return gap


def _reply(control: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # if the user's process is gone, the next attempt to receive finds out
        send(control, message)


class _RunningProgram:
    """One program, from its start to the end of everything that it started."""

    def __init__(self, control: socket.socket, jail: Jail, order: dict[str, Any], descriptors: list[int]) -> None:
        self._control, self._jail, self._order = control, jail, order
        self.sticks = False
        """Whether this process could not remove what the program left; the launcher can, and another takes over."""
        self._statuses: dict[int, int] = {}
        self._cpu = 0.0
        """CPU time of processes that have ended."""
        self._reason = ""
        """Why the program was ended, if it did not end by itself."""
        self._measure_above, self._measure_at, self._scratch_at = 0, 0.0, 0.0
        jail.open(order["scratch"])
        self._started = time.monotonic()
        self._pid = os.fork()
        if self._pid == 0:
            _become_program(jail, order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def finish(self) -> dict[str, Any]:
        """Wait for the end, clean up, and return the report."""
        self._watch()
        seconds = time.monotonic() - self._started
        if self._reap(os.WNOHANG):
            if not self._reason and self._has_too_many(self._jail.program_processes()):
                self._reason = "processes"
            self._jail.kill()
            self._reap(0)
        try:
            if self._jail.clear(self._order["scratch"]):
                self._reason = self._reason or "scratch"
        except PermissionError:
            self.sticks = True
        status = os.waitstatus_to_exitcode(self._statuses[self._pid])
        return {"status": status, "reason": self._reason, "seconds": seconds, "cpu": self._cpu}

    def _watch(self) -> None:
        """Wait until the program ends or exceeds a limit."""
        end = os.pidfd_open(self._pid) if hasattr(os, "pidfd_open") else None
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if end is not None:
            poll.register(end, select.POLLIN)
        wait = _FIRST_CHECK
        try:
            while True:
                ready = [descriptor for descriptor, _ in poll.poll(1000 * wait)]
                if end in ready:
                    return
                if ready and self._is_cancelled():
                    self._reason = "cancelled"
                    return
                self._reap(os.WNOHANG)
                if self._pid in self._statuses or self._exceeds_limits():
                    return
                wait = _CHECK_EVERY if end is not None else _FIRST_CHECK
        finally:
            if end is not None:
                os.close(end)

    def _is_cancelled(self) -> bool:
        """Return whether the user's process asks to end the program, or is gone."""
        try:
            order, _ = receive(self._control)
        except (OSError, EOFError):
            return True
        return bool(order.get("kill") == self._order["number"])

    def _exceeds_limits(self) -> bool:
        """Return whether the program has used more than it may, and note what."""
        jail, order = self._jail, self._order
        running = jail.program_processes()
        usages = [processes.usage(process) for process in running]
        cpu = self._cpu + sum(seconds for seconds, _ in usages)
        resident = sum(size for _, size in usages)
        elapsed = time.monotonic() - self._started
        if resident > order["memory"] and self._is_too_large(resident, running):
            self._reason = "memory"
        elif self._has_too_many(running):
            self._reason = "processes"
        elif cpu > order["seconds"]:
            self._reason = "cpu"
        elif elapsed > order["wall"]:
            waited = sum(map(processes.seconds_waited, running)) if elapsed < _MAX_WAITING * order["wall"] else 0
            self._reason = "wall" if elapsed - waited > order["wall"] else ""
        elif self._scratch_is_too_large():
            self._reason = "scratch"
        return bool(self._reason)

    def _has_too_many(self, running: list[str]) -> bool:
        """Return whether a program has more processes and threads than it may, where the kernel does not see to it."""
        return not self._jail.exact_processes and sum(map(processes.threads, running)) > self._order["processes"]

    def _scratch_is_too_large(self) -> bool:
        """Measure the scratch folder, but spend at most a tenth of the time with that."""
        started = time.monotonic()
        if started < self._scratch_at:
            return False
        found = self._jail.scratch_exceeds(self._order["scratch"])
        self._scratch_at = started + 10 * (time.monotonic() - started)
        return found

    def _is_too_large(self, resident: int, running: list[str]) -> bool:
        """Measure memory exactly, with shared memory once. That is slow, so not again before it can have changed."""
        now, limit = time.monotonic(), self._order["memory"]
        if resident < self._measure_above and now < self._measure_at:
            return False
        inherited = self._jail.inherited_memory
        size = sum(processes.own_memory(process, inherited=inherited) for process in running) - inherited
        self._measure_above, self._measure_at = resident + (limit - size) // 2, now + 1
        return bool(size > limit)

    def _reap(self, options: int) -> bool:
        """Reap exited processes and record their usage; return whether any are left."""
        while True:
            try:
                pid, status, used = os.wait4(-1, options)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._statuses[pid] = status
            self._cpu += used.ru_utime + used.ru_stime


# In the forked process


def _become_program(jail: Jail, order: dict[str, Any], descriptors: list[int]) -> NoReturn:
    try:
        os.setsid()
        job_file, channel, *streams = descriptors
        channel = fcntl.fcntl(channel, fcntl.F_DUPFD_CLOEXEC, _CHANNEL)
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
        job = _read_job(job_file)
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
        child.run(job, channel, folder)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(descriptors[1], f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(1)


def _read_job(file: int) -> dict[str, Any]:
    data = b""
    while part := os.pread(file, 1 << 22, len(data)):
        data += part
    head, *arguments = data.split(b"\n")
    job: dict[str, Any] = json.loads(head)
    job["arguments"] = [partial(decode, line) for line in arguments]
    return job
