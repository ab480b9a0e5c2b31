"""The jail that programs run in: built once by a fork server, cleared after every program.

Responsible for namespaces, the visible root, the scratch folder, and what a program gives up before it starts. Runs in
the server's process, never in the user's. `isolation.LAYERS` describes the layers.
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

from lintseq.errors import IsolationError
from lintseq.sandbox import kernel, seccomp

WORK = "work"
"""The folder in the scratch folder that a program starts in."""
_MAX_INODES = 16384
_MAX_DESCRIPTORS = 512
_MEMORY_RESERVE = 8 << 20
"""Bytes that a program which is out of memory gets back, to report it."""
_UID_INSIDE = 1000
_PRIVATE_UIDS = 1_000_000_000
"""Plus the server's process id: a user that nothing else on the machine runs as."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "/proc/self/fd/0",
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
    "dev/shm": "/tmp/shm",
    "var/tmp": "/tmp",
}
_SPARE_FOLDERS = ("/sys", "/mnt", "/media", "/srv", "/opt", "/boot", "/run", "/tmp")
"""The new root is built over one of these."""
_NAMESPACES = kernel.NEW_NS | kernel.NEW_PID | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS | kernel.NEW_CGROUP
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


class Jail:
    """The jail of one fork server."""

    def __init__(self, *, isolated: bool) -> None:
        self.isolated = isolated
        self.off: dict[str, str] = {}
        """Layers that this machine does not offer, each with the reason."""
        self.uid: int | None = None
        """The user that programs become, if it is another one."""
        self.scratch = "/tmp"
        self.landlock = 0
        """Version of Landlock, or 0."""
        self.memory_file: int | None = None
        """Descriptor of the file with the memory in use, where there is one."""
        self.imports_memory = 0
        """Bytes that every program inherits from the process it is forked from."""
        self.has_proc = False
        """Whether /proc shows the processes of a program."""

    # Before and after a program

    def open(self, size: int) -> None:
        """Create an empty scratch folder of limited size."""
        if self.isolated:
            options = f"size={size},nr_inodes={_MAX_INODES},mode=1777"
            kernel.mount("tmpfs", self.scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        else:
            self.scratch = tempfile.mkdtemp(prefix="lintseq-sandbox-")

    def clear(self) -> None:
        """Remove what a program left; all its processes have ended."""
        if not self.isolated:
            shutil.rmtree(self.scratch, ignore_errors=True)
            return
        kernel.unmount(self.scratch)
        if not self.has_proc or _network_in_use():
            kernel.unshare(kernel.NEW_NET, "network")
            _loopback_up()

    # In the program's process

    def enter(self, *, seconds: float, memory: int, processes: int, scratch: int) -> None:
        """Set the limits, give up every right for good, and change to an empty folder."""
        size, data = self.memory_in_use()
        _limit(resource.RLIMIT_CPU, math.ceil(seconds))
        _limit(resource.RLIMIT_FSIZE, scratch)
        _limit(resource.RLIMIT_NOFILE, _MAX_DESCRIPTORS)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_DATA, data + memory, reserve=_MEMORY_RESERVE)
        # Leaves space for memory that is reserved but not used, and for memory that processes share.
        _limit(resource.RLIMIT_AS, size + 4 * memory, reserve=_MEMORY_RESERVE)
        if sys.platform == "linux":
            _limit(resource.RLIMIT_MSGQUEUE, 0)
        if self.isolated:
            server = 1 if self.uid is None else 0  # then the server is the same user
            _limit(resource.RLIMIT_NPROC, processes + server)
        if self.uid is not None:
            _become(self.uid)
        if self.isolated:
            kernel.drop_capabilities()
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")
        folder = f"{self.scratch}/{WORK}"
        os.mkdir(folder, 0o700)
        os.mkdir(f"{self.scratch}/shm", 0o700)
        os.chdir(folder)
        if self.landlock:
            kernel.allow_writing_only_in((self.scratch, "/dev"), self.landlock)

    def find_gap(self) -> str:
        """Return something that a program could do and must not, found by trying; empty if there is nothing."""
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
        """Return the bytes of address space and of data of this process."""
        if self.memory_file is None:
            return 0, 0
        page = resource.getpagesize()
        numbers = os.pread(self.memory_file, 200, 0).split()
        return int(numbers[0]) * page, int(numbers[5]) * page


def _limit(which: int, most: int, *, reserve: int = 0) -> None:
    """Set a limit that can later be raised by at most `reserve`."""
    _, hard = resource.getrlimit(which)
    last = most + reserve if hard == resource.RLIM_INFINITY else min(most + reserve, hard)
    resource.setrlimit(which, (min(most, last), last))


def _become(uid: int) -> None:
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _network_in_use() -> bool:
    """Return whether connections linger, which would keep a port from the next program."""
    for name in ("sockstat", "sockstat6"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/self/net/{name}", "rb") as file:
            for line in file.read().split(b"\n"):
                title, *words = line.split() or [b""]
                numbers = dict(zip(words[::2], words[1::2], strict=False))
                if title in (b"TCP:", b"TCP6:") and {numbers[b"inuse"], numbers.get(b"tw", b"0")} != {b"0"}:
                    return True
    return False


def open_unsafe_jail() -> Jail:
    """Return a jail without isolation, for trusted programs: only limits and a temporary folder."""
    jail = Jail(isolated=False)
    if sys.platform == "linux":
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1, what="adoption of processes")
        jail.memory_file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no new privileges")
    return jail


# Building a jail: in the launcher


def leave_parent() -> Jail:
    """Leave the parent's namespaces; the next process that is forked becomes the first of the jail.

    Raises `IsolationError` if the machine does not allow it.
    """
    if sys.platform != "linux":
        raise IsolationError(f"isolation needs Linux, and this is {sys.platform}")
    jail = Jail(isolated=True)
    with contextlib.suppress(OSError):
        _write("/proc/self/oom_score_adj", "1000")
    with _refusals():
        if not _leave_as_root(jail):
            _new_user_namespace()
            _leave_namespaces()
    return jail


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the kernel refuses into an `IsolationError`."""
    try:
        yield
    except OSError as error:
        raise IsolationError(str(error.strerror or error)) from error


def _leave_as_root(jail: Jail) -> bool:
    """Leave the namespaces with root's own rights, and return True; or give those rights up, and return False."""
    if os.geteuid() != 0 or (uid := _private_uid()) is None:
        return False
    if kernel.has_admin():
        with contextlib.suppress(PermissionError):
            _leave_namespaces()
            jail.uid = uid
            return True
    os.setgroups([])
    _become(uid)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")
    return False


def _leave_namespaces() -> None:
    kernel.unshare(_NAMESPACES, "mount, process, network, IPC and name")
    kernel.make_private("/")


def _private_uid() -> int | None:
    """Return a user id that only this process uses, among those that exist here; None if there is only one."""
    with open("/proc/self/uid_map") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    wanted = _PRIVATE_UIDS + os.getpid()
    if any(first <= wanted < first + count for first, _, count in ranges):
        return wanted
    first, _, count = max(ranges)
    return first + count - 1 - os.getpid() % min(count - 1, 1000) if count > 1 else None


def _new_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USER, "user")
    maps = {"setgroups": "deny", "uid_map": f"{_UID_INSIDE} {uid} 1", "gid_map": f"{_UID_INSIDE} {gid} 1"}
    for name, text in maps.items():
        _write(f"/proc/self/{name}", text)


# Building a jail: in its first process


def build(jail: Jail) -> None:
    """Build the root, and detach everything outside it."""
    with _refusals():
        if os.getpid() != 1:
            raise OSError(0, "the first process of a new process namespace is not number 1")
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL, what="end with the launcher")
        jail.memory_file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        _loopback_up()
        with contextlib.suppress(OSError):
            _write("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0")
        _change_root(jail)
        if jail.uid is not None:
            os.setgroups([])
        kernel.drop_bounding_set()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no new privileges")
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0, what="closed /proc files")
        kernel.filter_system_calls(seccomp.filter_for(kernel.MACHINE))
    try:
        jail.landlock = kernel.landlock_version()
    except OSError as error:
        jail.off["landlock"] = str(error.strerror)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def _change_root(jail: Jail) -> None:
    visible = list(_visible_paths())
    root = next(
        folder
        for folder in _SPARE_FOLDERS
        if os.path.isdir(folder) and not any(_is_in(path, folder) for path in visible)
    )
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,nr_inodes=2048,mode=755")
    for path in visible:
        _show(path, root)
    _write_etc(f"{root}/etc", _UID_INSIDE if jail.uid is None else jail.uid)
    for folder in ("tmp", "dev", "proc", "var"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    for name in _DEVICES:
        _write(f"{root}/dev/{name}")
        kernel.bind(f"/dev/{name}", f"{root}/dev/{name}")
    for name, target in _LINKS.items():
        os.symlink(target, f"{root}/{name}")
    try:
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", f"{root}/proc", "proc", flags, "hidepid=2")
        jail.has_proc = True
    except OSError as error:
        reason = "none may be mounted here, as in containers that hide parts of theirs"
        jail.off["proc"] = f"{reason} ({error.strerror}); time and memory are limited for each process alone"
    kernel.make_read_only(root, devices=True)
    kernel.change_root(root)


def _visible_paths() -> Iterator[str]:
    """Yield the paths that programs may read: the system's programs and libraries, and this Python's."""
    visible: list[str] = []
    for path in (*_SYSTEM, *_python_paths()):
        if os.path.lexists(path) and not any(_is_in(path, other) for other in visible):
            visible.append(path)
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
    """Show a path, read-only, below the new root."""
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        _write(target)
    kernel.bind(path, target)
    kernel.make_read_only(target)


def _write_etc(folder: str, uid: int) -> None:
    os.makedirs(folder, exist_ok=True)
    files = {
        "passwd": f"root:x:0:0::/:/bin/false\nprogram:x:{uid}:{uid}::/tmp/{WORK}:/bin/sh\n",
        "group": f"root:x:0:\nprogram:x:{uid}:\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, text in files.items():
        _write(f"{folder}/{name}", text)


def _write(path: str, text: str = "") -> None:
    with open(path, "w") as file:
        file.write(text)
