"""The jail that programs run in: made once for a fork server, emptied after every program.

Owns namespaces, the root that is shown, the scratch folder, and what a program gives up before it starts. Runs in
the server's process, never in the user's. What each layer is called, and whether it stands, is in `layers`.
"""

import contextlib
import fcntl
import math
import os
import resource
import shutil
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator

from lintseq.sandbox import kernel, seccomp
from lintseq.sandbox.isolation import LAYERS

WORK = "work"
"""The folder that a program starts in, in the scratch folder."""
_INODES = 16384
_DESCRIPTORS = 512
MEMORY_RESERVE = 8 << 20
"""Bytes that a program which is out of memory gets back, to tell of it."""
_UID_INSIDE = 1000
_PRIVATE_UIDS = 1_000_000_000
"""To which the server's process number is added: a user that nothing else on the machine runs as."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_SPARE_FOLDERS = ("/sys", "/mnt", "/media", "/srv", "/opt", "/boot", "/run", "/tmp")
"""One of them is covered while the new root is built."""


class IsolationError(Exception):
    """This machine does not let a jail be made; says which step was refused."""


class Jail:
    """What a server needs to know of the jail that its programs run in."""

    def __init__(self) -> None:
        self.layers: dict[str, str] = {}
        """Of each layer, why it is off, or nothing if it is on."""
        self.uid: int | None = None
        """The user that programs become, if that is another."""
        self.isolated = False
        self.scratch = ""
        self.landlock = 0
        self.memory_file = -1
        self.imports_memory = 0
        """Bytes that every program has from the start, from the process that it is forked from."""
        self.has_processes = False
        """Whether the processes of a program can be looked at in /proc."""

    # Before a program, and after it

    def open(self, size: int) -> None:
        """Lay out an empty scratch folder of limited size."""
        if self.isolated:
            options = f"size={size},nr_inodes={_INODES},mode=1777"
            kernel.mount("tmpfs", self.scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        else:
            self.scratch = tempfile.mkdtemp(prefix="lintseq-sandbox-")

    def clear(self) -> None:
        """Remove what a program left: all its processes are gone by now."""
        if not self.isolated:
            shutil.rmtree(self.scratch, ignore_errors=True)
            return
        kernel.unmount(self.scratch)
        if self._network_in_use():
            kernel.unshare(kernel.NEW_NET, "network")
            _loopback_up()

    def _network_in_use(self) -> bool:
        """Tell whether connections linger; they would keep a port from the next program."""
        if not self.has_processes:
            return True
        for name in ("sockstat", "sockstat6"):
            with contextlib.suppress(FileNotFoundError), open(f"/proc/self/net/{name}", "rb") as file:
                for line in file.read().split(b"\n"):
                    title, *words = line.split() or [b""]
                    numbers = dict(zip(words[::2], words[1::2], strict=False))
                    if title in (b"TCP:", b"TCP6:") and {numbers[b"inuse"], numbers.get(b"tw", b"0")} != {b"0"}:
                        return True
        return False

    # In the program's process

    def enter(self, *, seconds: float, memory: int, processes: int, scratch: int) -> None:
        """Take the limits and give up every right, for good; then stand in an empty folder."""
        size, data = self.memory_in_use()
        others = 1 if self.isolated and self.uid is None else 0  # the server, which is the same user then
        _limit(resource.RLIMIT_CPU, math.ceil(seconds))
        _limit(resource.RLIMIT_FSIZE, scratch)
        _limit(resource.RLIMIT_NOFILE, _DESCRIPTORS)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_DATA, data + memory, reserve=MEMORY_RESERVE)
        # Jail for what is reserved but not used, and for memory that is shared between processes.
        _limit(resource.RLIMIT_AS, size + 4 * memory, reserve=MEMORY_RESERVE)
        if sys.platform == "linux":
            _limit(resource.RLIMIT_MSGQUEUE, 0)
        if self.isolated:
            _limit(resource.RLIMIT_NPROC, processes + others)
        if self.uid is not None:
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)
        if self.isolated:
            kernel.drop_capabilities()
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")
        folder = f"{self.scratch}/{WORK}"
        os.mkdir(folder, 0o700)
        os.mkdir(f"{self.scratch}/shm", 0o700)
        os.chdir(folder)
        if self.landlock:
            kernel.allow_writing_only_in((self.scratch, "/dev"), self.landlock)

    def gap(self) -> str:
        """Return what a program could still do here that it must not; tried, not looked up."""
        if 0 in (os.getuid(), os.geteuid(), os.getgid()):
            return "programs would run as root"
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
        with contextlib.suppress(OSError), socket.socket(40, socket.SOCK_STREAM):
            return "programs could reach the host of a virtual machine (vsock)"
        with contextlib.suppress(OSError), socket.create_connection(("192.0.2.1", 9), timeout=0.1):
            return "programs could reach the network"
        return ""

    def memory_in_use(self) -> tuple[int, int]:
        """Return the bytes of address space, and those of data, that this process has."""
        if self.memory_file < 0:
            return 0, 0
        page = resource.getpagesize()
        numbers = os.pread(self.memory_file, 200, 0).split()
        return int(numbers[0]) * page, int(numbers[5]) * page


def _limit(which: int, most: int, *, reserve: int = 0) -> None:
    """Set a limit that cannot be raised by more than `reserve`."""
    _, hard = resource.getrlimit(which)
    last = most + reserve if hard == resource.RLIM_INFINITY else min(most + reserve, hard)
    resource.setrlimit(which, (min(most, last), last))


def open_jail() -> Jail:
    """Return a jail without walls, for programs that are trusted: limits, and a folder to throw away."""
    jail = Jail()
    jail.layers = dict.fromkeys(LAYERS, "not asked for (unsafe)")
    jail.layers["limits"] = ""
    if sys.platform == "linux":
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1, what="adoption of processes")
        jail.memory_file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no new privileges")
    return jail


# Making a jail: in the launcher


def leave_parent() -> Jail:
    """Leave the parent's namespaces; the next process that is forked is the first of the jail.

    Raises `IsolationError` if the machine does not let it.
    """
    if sys.platform != "linux":
        raise IsolationError(f"isolation needs Linux, and this is {sys.platform}")
    jail = Jail()
    jail.isolated = True
    jail.layers = dict.fromkeys(LAYERS, "")
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    flags = kernel.NEW_NS | kernel.NEW_PID | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS | kernel.NEW_CGROUP
    what = "mount, process, network, IPC and name"
    try:
        if os.geteuid() == 0:
            jail.uid = _private_uid()
            if jail.uid is not None and kernel.has_admin():
                with contextlib.suppress(PermissionError):
                    kernel.unshare(flags, what)
                    kernel.make_private("/")
                    return jail
            if jail.uid is not None:
                os.setgroups([])
                os.setresgid(jail.uid, jail.uid, jail.uid)
                os.setresuid(jail.uid, jail.uid, jail.uid)
                kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")
                jail.uid = None
        _new_user()
        kernel.unshare(flags, what)
        kernel.make_private("/")
    except OSError as error:
        raise IsolationError(str(error.strerror or error)) from error
    return jail


def _private_uid() -> int | None:
    """Return a user number that is this process's own, among those that exist here; None if there is but one."""
    with open("/proc/self/uid_map") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    wanted = _PRIVATE_UIDS + os.getpid()
    if any(first <= wanted < first + count for first, _, count in ranges):
        return wanted
    first, _, count = max(ranges)
    return first + count - 1 - os.getpid() % min(count - 1, 1000) if count > 1 else None


def _new_user() -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USER, "user")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{_UID_INSIDE} {uid} 1"),
        ("gid_map", f"{_UID_INSIDE} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


# Making a jail: in its first process


def build(jail: Jail) -> None:
    """Build the root, and let go of everything outside of it."""
    try:
        if os.getpid() != 1:
            raise OSError(0, "the first process of a new process namespace is not number 1")
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL, what="end with the launcher")
        jail.memory_file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        _loopback_up()
        with contextlib.suppress(OSError), open("/proc/sys/net/ipv4/tcp_max_tw_buckets", "w") as file:
            file.write("0")
        _change_root(jail)
        if jail.uid is not None:
            os.setgroups([])
        kernel.limit_capabilities()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no new privileges")
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0, what="closed /proc files")
        kernel.filter_system_calls(seccomp.filter_for(kernel.MACHINE))
    except OSError as error:
        raise IsolationError(str(error.strerror or error)) from error
    jail.scratch = "/tmp"
    try:
        jail.landlock = kernel.landlock_version()
    except OSError as error:
        jail.layers["landlock"] = str(error.strerror)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def _change_root(jail: Jail) -> None:
    wanted = list(_visible())
    root = next(
        folder
        for folder in _SPARE_FOLDERS
        if os.path.isdir(folder) and not any(_is_in(path, folder) for path in wanted)
    )
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,nr_inodes=2048,mode=755")
    for path in wanted:
        _show(path, root)
    _write_etc(f"{root}/etc", _UID_INSIDE if jail.uid is None else jail.uid)
    for folder in ("tmp", "dev", "proc", "var"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    for name in _DEVICES:
        with open(f"{root}/dev/{name}", "w"):
            pass
        kernel.bind(f"/dev/{name}", f"{root}/dev/{name}")
    for name, target in (
        ("dev/fd", "/proc/self/fd"),
        ("dev/stdin", "/proc/self/fd/0"),
        ("dev/stdout", "/proc/self/fd/1"),
        ("dev/stderr", "/proc/self/fd/2"),
        ("dev/shm", "/tmp/shm"),
        ("var/tmp", "/tmp"),
    ):
        os.symlink(target, f"{root}/{name}")
    try:
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", f"{root}/proc", "proc", flags, "hidepid=2")
        jail.has_processes = True
    except OSError as error:
        why = "none may be mounted here, as in containers that hide parts of theirs"
        jail.layers["proc"] = f"{why} ({error.strerror}); time and memory are limited for each process alone"
    kernel.make_read_only(root, devices=True)
    kernel.change_root(root)


def _visible() -> Iterator[str]:
    """Yield the paths that programs may read: the system's programs and libraries, and this Python's."""
    shown: list[str] = []
    for path in (*_SYSTEM, *_python_paths()):
        if os.path.lexists(path) and not any(_is_in(path, other) for other in shown):
            shown.append(path)
            yield path


def _python_paths() -> Iterator[str]:
    prefixes = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    prefixes += [os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))]
    for prefix in dict.fromkeys((*prefixes, *map(os.path.realpath, prefixes))):
        for name in ("bin", "lib", "lib64", "pyvenv.cfg"):
            if prefix not in ("/", ""):
                yield f"{prefix}/{name}"


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _show(path: str, root: str) -> None:
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        with open(target, "w"):
            pass
    kernel.bind(path, target)
    kernel.make_read_only(target)


def _write_etc(folder: str, uid: int) -> None:
    os.makedirs(folder, exist_ok=True)
    for name, text in (
        ("passwd", f"root:x:0:0::/:/bin/false\nprogram:x:{uid}:{uid}::/tmp/{WORK}:/bin/sh\n"),
        ("group", f"root:x:0:\nprogram:x:{uid}:\n"),
        ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ):
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
