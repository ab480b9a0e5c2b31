"""The level `isolated`: namespaces, and a root that shows only what programs need.

Responsible for the namespaces, the visible root and the scratch folder, which is a fresh file system for each program.
"""

import contextlib
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterator
from typing import ClassVar

from lintseq.errors import IsolationError
from lintseq.sandbox import kernel, processes, seccomp
from lintseq.sandbox.jail import WORK, Jail, become, gap_for_all
from lintseq.sandbox.scratch import MAX_ENTRIES
from lintseq.sandbox.visible import DEVICES, is_in, visible_paths

_UID_INSIDE = 1000
_PRIVATE_UIDS = 1_000_000_000
"""Plus the server's process id: a user that nothing else on the machine runs as."""
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
_SCRATCH = "/tmp"
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


class IsolatedJail(Jail):
    """A jail in namespaces of its own, whose first process is the server."""

    level: ClassVar[str] = "isolated"

    def __init__(self, temporary: str) -> None:
        super().__init__(temporary)
        self._uid: int | None = None
        """The user that programs become, if it is another one."""
        self._landlock = 0
        """Version of Landlock, or 0."""
        self._hidden: dict[str, str] = {}
        """Visible paths that the scratch folder would hide, and where else they are."""
        self.exact_processes = True

    def leave_parent(self) -> None:
        """Leave the parent's namespaces; the next process that is forked becomes the first of the jail."""
        with contextlib.suppress(OSError):
            _write("/proc/self/oom_score_adj", "1000")
        with refusals():
            if not self._leave_as_root():
                _new_user_namespace()
                _leave_namespaces()

    def _leave_as_root(self) -> bool:
        """Leave the namespaces with root's own rights, and return True; or give them up, and return False."""
        if os.geteuid() != 0 or (uid := private_uid()) is None:
            return False
        if kernel.has_admin():
            with contextlib.suppress(PermissionError):
                _leave_namespaces()
                self._uid = uid
                return True
        os.setgroups([])
        become(uid)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")
        return False

    def finish(self) -> None:
        """Nothing is left: the kernel kills the rest of a namespace with its first process."""

    def build(self) -> None:
        """Build the root, and detach everything outside it."""
        with refusals():
            if os.getpid() != 1:
                raise OSError(0, "the first process of a new process namespace is not number 1")
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL, what="end with the launcher")
            self._open_memory_file()
            _loopback_up()
            with contextlib.suppress(OSError):
                _write("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0")
            self._change_root()
            if self._uid is not None:
                os.setgroups([])
            kernel.drop_bounding_set()
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no new privileges")
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0, what="closed /proc files")
            kernel.filter_system_calls(seccomp.filter_for(kernel.MACHINE))
        try:
            self._landlock = kernel.landlock_version()
        except OSError as error:
            self.off["landlock"] = str(error.strerror)

    def _change_root(self) -> None:
        visible = visible_paths()
        root = next(
            folder
            for folder in _SPARE_FOLDERS
            if os.path.isdir(folder) and not any(is_in(path, folder) for path in visible)
        )
        kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,nr_inodes=2048,mode=755")
        for path in visible:
            _show(path, root + path)
            if is_in(path, _SCRATCH):
                self._hidden[path] = f"/.visible/{len(self._hidden)}"
                _show(path, root + self._hidden[path])
        _write_etc(f"{root}/etc", _UID_INSIDE if self._uid is None else self._uid)
        for folder in ("tmp", "dev", "proc", "var"):
            os.makedirs(f"{root}/{folder}", exist_ok=True)
        for name in DEVICES:
            _write(f"{root}/dev/{name}")
            kernel.bind(f"/dev/{name}", f"{root}/dev/{name}")
        for name, target in _LINKS.items():
            if not os.path.lexists(f"{root}/{name}"):
                os.symlink(target, f"{root}/{name}")
        try:
            flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
            kernel.mount("proc", f"{root}/proc", "proc", flags, "hidepid=2")
        except OSError as error:
            self.watches = False
            reason = "none may be mounted here, as in containers that hide parts of theirs"
            self.off["proc"] = f"{reason} ({error.strerror}); time and memory are limited for each process alone"
        kernel.make_read_only(root, devices=True)
        kernel.change_root(root)
        self.scratch = _SCRATCH

    def open(self, size: int) -> None:
        """Mount an empty scratch folder of limited size, and show in it what is visible there."""
        options = f"size={size},nr_inodes={MAX_ENTRIES},mode=1777"
        kernel.mount("tmpfs", self.scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        for path, source in self._hidden.items():
            _show(source, path, read_only=False)  # it is already

    def clear(self, size: int) -> bool:
        """Detach the scratch folder, and replace the network if something lingers in it; return False."""
        kernel.unmount(self.scratch)
        if not self.watches or _network_in_use():
            kernel.unshare(kernel.NEW_NET, "network")
            _loopback_up()
        return False

    def scratch_exceeds(self, size: int) -> bool:
        """Return False: the kernel limits it."""
        return False

    def program_processes(self) -> list[str]:
        """Return the ids of all processes in the namespace except the first."""
        return processes.other_processes() if self.watches else []

    def kill(self) -> None:
        """Kill everything in the namespace except its first process, this one; no other process can be reached."""
        if os.getpid() != 1:
            raise AssertionError("not the first process of a namespace")
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)

    def _other_processes(self) -> int:
        return 1 if self._uid is None else 0  # the server, if it is the same user

    def _give_up_privileges(self) -> None:
        if self._uid is not None:
            become(self._uid)
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")

    def _restrict(self) -> None:
        os.mkdir(f"{self.scratch}/shm", 0o700)
        if self._landlock:
            rules = kernel.ruleset(kernel.WRITE, self._landlock)
            for folder in (self.scratch, "/dev"):
                kernel.allow(rules, folder, kernel.WRITE, self._landlock)
            kernel.restrict(rules)
            os.close(rules)

    def find_gap(self) -> str:
        """Try what no program may do; return what succeeded, or an empty text."""
        if 0 in (os.getuid(), os.geteuid(), os.getgid()):
            return "programs would run as root"
        if gap := gap_for_all():
            return gap
        with contextlib.suppress(OSError), socket.socket(40, socket.SOCK_STREAM):
            return "programs could reach the host of a virtual machine (vsock)"
        with contextlib.suppress(OSError), socket.create_connection(("192.0.2.1", 9), timeout=0.1):
            return "programs could reach the network"
        return ""


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


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turn what the kernel refuses into an `IsolationError`."""
    try:
        yield
    except OSError as error:
        raise IsolationError(str(error.strerror or error)) from error


def _leave_namespaces() -> None:
    kernel.unshare(_NAMESPACES, "mount, process, network, IPC and name")
    kernel.make_private("/")


def private_uid() -> int | None:
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


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def _show(path: str, target: str, *, read_only: bool = True) -> None:
    """Show a path, read-only, at another."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        _write(target)
    kernel.bind(path, target)
    if read_only:
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
