"""The level `confined`, for machines that refuse namespaces: what a process can do to itself and its children.

Landlock restricts files, and signals and TCP where the kernel's version can; a seccomp filter closes what Landlock
leaves open. No process namespace ends what a program started: the server adopts orphans, and kills every descendant.
"""

import contextlib
import errno
import os
import resource
import socket
import time
from collections.abc import Iterator
from typing import ClassVar

from lintseq.errors import IsolationError
from lintseq.sandbox import kernel, seccomp
from lintseq.sandbox.jail import Jail, become, gap_for_all
from lintseq.sandbox.namespaces import private_uid, refusals
from lintseq.sandbox.sharing import without_dev_shm
from lintseq.sandbox.visible import DEVICES, python_paths, visible_paths

_READABLE = (
    *("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime", "/etc/mime.types"),
    *("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/fonts", "/etc/terminfo"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version"),
    *("/proc/filesystems", "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/osrelease"),
)
_ALL_RIGHTS = kernel.READ | kernel.WRITE
_SPARE_PROCESSES = 1024
"""How many processes an ordinary user may start elsewhere before the limit affects programs."""
_MANY_PROCESSES = 1 << 18
_RECOUNT_SECONDS = 10.0
_SIGNALS_SINCE = 6
"""Version of Landlock that restricts signals."""
_RULES_FOR = 256
"""Programs that share Landlock rules: each adds one of its own, and they are freed together."""
_REASONS = {
    errno.ENOSYS: "this kernel has no Landlock; Linux has it since version 5.13",
    errno.EOPNOTSUPP: "Landlock is not active in this kernel: add it to `lsm=` among its boot options",
    errno.EPERM: "the system calls of Landlock are forbidden here, as by the filter of an old container engine",
}


class ConfinedJail(Jail):
    """A jail that an unprivileged process builds by giving up rights."""

    level: ClassVar[str] = "confined"

    def __init__(self, temporary: str) -> None:
        super().__init__(temporary)
        self._landlock = 0
        """Version of Landlock."""
        self._uid: int | None = None
        """The user that programs become, if it is another one."""
        self._keeps_root = False
        """Whether programs keep root's rights to files, since this Python is where only root can read it."""
        self._counted_at = -_RECOUNT_SECONDS
        self._others: int | None = None
        self._rules: int | None = None
        """Descriptor of the Landlock rules."""
        self._programs = 0

    def leave_parent(self) -> None:
        """Test what confinement needs, and choose the user that programs become."""
        super().leave_parent()
        try:
            self._landlock = kernel.landlock_version()
        except OSError as error:
            raise IsolationError(_REASONS.get(error.errno or 0, str(error))) from error
        if not self.watches:
            raise IsolationError("there is no /proc, in which processes could be watched")
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
        if os.geteuid() == 0:
            self._choose_user()
        self.lacks = list(self._find_lacks())

    def _choose_user(self) -> None:
        self._uid = private_uid()
        try:
            if self._uid is None:
                raise PermissionError
            self._keeps_root = not _can_read_python(self._uid)
        except PermissionError as error:
            reason = "root may not become another user here, and the number of its processes has no limit"
            raise IsolationError(f"{reason}: run as an ordinary user") from error

    def _find_lacks(self) -> Iterator[str]:
        yield from ("network", "shared", "temporary", "visible", "children")
        if self._uid is None:
            yield from ("same-user", "count")
        if self._keeps_root:
            yield "root"
        for version, what in ((_SIGNALS_SINCE, "signals"), (2, "moves")):
            if self._landlock < version:
                yield what

    def build(self) -> None:
        """Give up the user and all privileges; the server and its programs have the same rights to files."""
        with refusals():
            if self._uid is not None:
                os.setgroups([])
                kernel.drop_bounding_set()  # else starting a program as root would give the capabilities back
            if self._keeps_root:
                # The limit on processes does not hold for root; what counts is the real user.
                os.setresuid(self._uid or 0, 0, 0)
            elif self._uid is not None:
                become(self._uid)
            kernel.drop_capabilities()
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0, what="closed /proc files")
        self.exact_processes = self._uid is not None
        super().build()
        if self._keeps_root:  # access(2) asks for the real user, who has no rights but those of root's group
            os.chmod(self.scratch, 0o770)
            os.umask(0o002)
        with refusals():
            if self._landlock >= _SIGNALS_SINCE:  # else the filter depends on the program's process
                self._filter()

    def _filter(self) -> None:
        calls = seccomp.ConfinedCalls(
            signals_only=os.getpid() if self._landlock < _SIGNALS_SINCE else None,
            owns_files=self._uid is None or self._keeps_root,
            pretends_user=self._keeps_root,
            truncates=self._landlock < 3,
        )
        kernel.filter_system_calls(seccomp.filter_for(kernel.MACHINE, calls))

    def adapt_modules(self) -> None:
        """Let `multiprocessing` do without /dev/shm, if this Python has all of it."""
        with contextlib.suppress(ImportError):
            without_dev_shm(self.scratch)

    def open(self, size: int) -> None:
        """Prepare what several programs share: the Landlock rules, and the number of the user's other processes."""
        super().open(size)
        if self._programs % _RULES_FOR == 0:
            self._make_rules()
        self._programs += 1
        if self.exact_processes:
            self._others = 1  # the server
        elif time.monotonic() - self._counted_at > _RECOUNT_SECONDS:
            count = _count_processes()
            self._others = None if count is None else count + _SPARE_PROCESSES
            self._counted_at = time.monotonic()

    def _make_rules(self) -> None:
        if self._rules is not None:
            os.close(self._rules)
        self._rules = kernel.ruleset(_ALL_RIGHTS, self._landlock, tcp=True)
        rights = dict.fromkeys((*visible_paths(), *_READABLE), kernel.READ)
        rights |= {f"/dev/{name}": _ALL_RIGHTS & ~kernel.IOCTL_DEVICES for name in DEVICES}
        rights[self.scratch] = _ALL_RIGHTS
        for path, given in rights.items():
            with contextlib.suppress(FileNotFoundError, PermissionError):
                kernel.allow(self._rules, path, given, self._landlock)

    def _other_processes(self) -> int | None:
        return self._others

    def _give_up_privileges(self) -> None:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")

    def _restrict(self) -> None:
        if self._rules is None:
            raise AssertionError("a jail is opened before it is entered")
        # Other programs have their own process, and with it their own folder in /proc.
        kernel.allow(self._rules, f"/proc/{os.getpid()}", kernel.READ, self._landlock)
        kernel.restrict(self._rules)
        if self._landlock < _SIGNALS_SINCE:
            self._filter()

    def find_gap(self) -> str:
        """Try what programs need, and what none may do; return what is wrong, or an empty text."""
        for path in python_paths():  # root has no more rights than others here
            try:
                os.close(os.open(path, os.O_RDONLY))
            except PermissionError:
                return f"programs could not read {path}: run as the user that it belongs to"
            except OSError:
                pass
        server = os.getppid()
        with contextlib.suppress(OSError):
            os.kill(server, 0)
            return "programs could send signals to others"
        with contextlib.suppress(OSError), open(f"/proc/{server}/environ", "rb"):
            return "programs could read other processes"
        with contextlib.suppress(OSError):
            os.listdir(os.path.dirname(self.scratch))
            return f"programs could read {os.path.dirname(self.scratch)}"
        for family in (socket.AF_INET, socket.AF_INET6, 40):
            with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM):
                return "programs could reach the network"
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as unix:
            unix.connect("\0lintseq-nobody")
        if self._uid is None or self._keeps_root:
            os.chmod(self.scratch, 0o711)
            if os.stat(self.scratch).st_mode & 0o777 == 0o711:
                return "programs could change the modes of files"
        return gap_for_all()


def _can_read_python(uid: int) -> bool:
    """Return whether a user can read this Python, by becoming it for a moment; raises `PermissionError`."""
    paths = [path for path in python_paths() if os.path.exists(path)]
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        for path in paths:
            os.close(os.open(path, os.O_RDONLY))
        return True
    except OSError:
        return False
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _count_processes() -> int | None:
    """Return how many processes the kernel counts for this user, of which some may be invisible; None if too many.

    Found by setting limits, in a process of its own, until one allows exactly one more.
    """
    source, target = os.pipe()
    counter = os.fork()
    if counter == 0:
        try:
            few, many = 0, _MANY_PROCESSES
            while many - few > 1:
                middle = (few + many) // 2
                few, many = (few, middle) if _may_fork(middle) else (middle, many)
            os.write(target, str(many if many < _MANY_PROCESSES else -1).encode())
        finally:
            os._exit(0)
    os.close(target)
    with open(source, "rb") as file:
        count = int(file.read() or -1)
    os.waitpid(counter, 0)
    return None if count < 0 else count


def _may_fork(limit: int) -> bool:
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))
        child = os.fork()
    except (OSError, ValueError):
        return False
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True
