"""The jail that programs run in: prepared once by a fork server, cleared after every program.

`Jail` is the level `unsafe`: limits, a temporary folder, and an end to every process of a program. The other levels
add layers to it: `confinement.ConfinedJail` what a process can do to itself, `namespaces.IsolatedJail` namespaces and
a root of its own. A launcher forks the server and outlives it, so that nothing of a program does. All of this runs in
their processes, never in the user's.
"""

import contextlib
import math
import os
import resource
import secrets
import signal
import sys
import time
from typing import ClassVar

from lintseq.errors import IsolationError
from lintseq.sandbox import kernel, processes, scratch

WORK = "work"
"""The folder in the scratch folder that a program starts in."""
_MAX_DESCRIPTORS = 512
_MEMORY_RESERVE = 8 << 20
"""Bytes that a program which is out of memory gets back, to report it."""


class Jail:
    """The jail of one fork server."""

    level: ClassVar[str] = "unsafe"

    def __init__(self, temporary: str) -> None:
        self._folders = list(dict.fromkeys(scratch.places(temporary)))
        self._name = f"lintseq_sandbox_{os.getpid()}_{secrets.token_hex(4)}"
        self.scratch = ""
        """The one folder that programs may write in."""
        self._free_before = 0
        self.off: dict[str, str] = {}
        """Layers that this machine does not offer, each with the reason."""
        self.lacks: list[str] = []
        """What programs can do here and cannot elsewhere at this level: keys of `isolation.LACKS`."""
        self.inherited_memory = 0
        """Bytes that every program inherits from the process it is forked from."""
        self.watches = os.path.isdir("/proc/self")
        """Whether the processes of a program can be watched."""
        self.exact_processes = False
        """Whether the kernel limits the number of a program's processes."""
        self._memory_file: int | None = None
        """Descriptor of the file with the memory in use, where there is one."""

    # In the launcher

    def leave_parent(self) -> None:
        """Prepare for the next process that is forked, the server; raises `IsolationError` if that is refused."""
        if sys.platform == "linux":
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1, what="adoption of processes")

    def finish(self) -> None:
        """Kill and remove what a server left, after it has ended for any reason."""
        kill_descendants()
        self.remove_scratch()

    # In the server

    def build(self) -> None:
        """Prepare what all programs share; raises `IsolationError` if that is refused."""
        if sys.platform == "linux":
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1, what="adoption of processes")
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no new privileges")
        self._open_memory_file()
        self._make_scratch()

    def _open_memory_file(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._memory_file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def _make_scratch(self) -> None:
        refusals = []
        for folder in self._folders:
            try:
                os.mkdir(f"{folder}/{self._name}", 0o700)
            except OSError as error:
                refusals.append(str(error))
            else:
                self.scratch = f"{folder}/{self._name}"
                return
        raise IsolationError(f"no temporary folder can be written ({'; '.join(refusals)}): set TMPDIR to one that can")

    def remove_scratch(self) -> None:
        """Remove the scratch folder, wherever it is, if it exists."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                scratch.remove(f"{folder}/{self._name}")

    def adapt_modules(self) -> None:
        """Change modules that need what this level does not offer; all programs inherit them."""

    def open(self, size: int) -> None:
        """Provide an empty scratch folder of limited size, as far as that is possible."""
        self._free_before = scratch.free_space(self.scratch)

    def clear(self, size: int) -> bool:
        """Remove what a program left, whose processes have ended; return whether its files took more than `size`."""
        used, entries = scratch.empty(self.scratch)
        return used > size or entries > scratch.MAX_ENTRIES

    def scratch_exceeds(self, size: int) -> bool:
        """Return whether the scratch folder holds more than it may; False if the kernel limits it."""
        return scratch.exceeds(self.scratch, size, self._free_before, self.program_processes())

    def program_processes(self) -> list[str]:
        """Return the ids of all processes of the running program that can be watched."""
        return processes.descendants()

    def kill(self) -> None:
        """Send SIGKILL to every process of the program until none is alive; they remain to be reaped."""
        kill_descendants()

    # In the program's process

    def enter(self, *, seconds: float, memory: int, processes: int, scratch: int) -> None:
        """Set the limits, give up every right for good, and change to an empty folder."""
        size, data = self._memory_in_use()
        _limit(resource.RLIMIT_CPU, math.ceil(seconds))
        _limit(resource.RLIMIT_FSIZE, scratch)
        _limit(resource.RLIMIT_NOFILE, _MAX_DESCRIPTORS)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_DATA, data + memory, reserve=_MEMORY_RESERVE)
        # Leaves space for memory that is reserved but not used, and for memory that processes share.
        _limit(resource.RLIMIT_AS, size + 4 * memory, reserve=_MEMORY_RESERVE)
        if sys.platform == "linux":
            _limit(resource.RLIMIT_MSGQUEUE, 0)
        others = self._other_processes()
        if others is not None:
            _limit(resource.RLIMIT_NPROC, processes + others)
        self._give_up_privileges()
        folder = f"{self.scratch}/{WORK}"
        os.mkdir(folder, 0o770)
        os.chdir(folder)
        self._restrict()

    def _other_processes(self) -> int | None:
        """Return how many processes of the program's user are not the program's; None if that is unknown."""
        return None

    def _give_up_privileges(self) -> None: ...

    def _restrict(self) -> None: ...

    def find_gap(self) -> str:
        """Try what no program may do; return what succeeded, or an empty text."""
        return ""

    def _memory_in_use(self) -> tuple[int, int]:
        """Return the bytes of address space and of data of this process."""
        if self._memory_file is None:
            return 0, 0
        page = resource.getpagesize()
        numbers = os.pread(self._memory_file, 200, 0).split()
        return int(numbers[0]) * page, int(numbers[5]) * page


def kill_descendants() -> None:
    """Kill every process below this one, which adopts orphans, until none is alive.

    Does not reap: until then the dead count against the limit of processes, which stops a program that forks faster
    than it is killed.
    """
    while alive := [process for process in processes.descendants() if processes.is_alive(process)]:
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        time.sleep(0.001)


def _limit(which: int, most: int, *, reserve: int = 0) -> None:
    """Set a limit that can later be raised by at most `reserve`."""
    _, hard = resource.getrlimit(which)
    last = most + reserve if hard == resource.RLIM_INFINITY else min(most + reserve, hard)
    resource.setrlimit(which, (min(most, last), last))


def become(uid: int) -> None:
    """Become another user for good."""
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def gap_for_all() -> str:
    """Try what no program may do at any level but `unsafe`; return what succeeded, or an empty text."""
    if kernel.has_admin():
        return "programs would have the rights of an administrator"
    for path in ("/lintseq-was-here", "/etc/lintseq-was-here", f"{sys.prefix}/lib/lintseq-was-here"):
        with contextlib.suppress(OSError), open(path, "w"):
            return f"programs could write {path}"
    with contextlib.suppress(OSError):
        os.close(os.memfd_create("test"))
        return "system calls are not filtered"
    with contextlib.suppress(OSError):
        kernel.unshare(kernel.NEW_NET, "network")
        return "programs could leave the network namespace"
    return ""
