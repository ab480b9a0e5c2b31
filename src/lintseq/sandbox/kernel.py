"""Linux system calls that Python's library lacks: namespaces, mounts, capabilities, seccomp and Landlock.

Defines the kernel's numbers and struct layouts; `jail` decides what to do with them. Every call raises `OSError` with
the name of what was refused. Imports only cheap modules, because every fork server loads this one.
"""

import ctypes
import os
import platform
import stat
import struct

NEW_NS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USER, NEW_PID, NEW_NET = 0x10000000, 0x20000000, 0x40000000
ANY_NAMESPACE = NEW_NS | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NET

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
_PR_SET_SECCOMP, _PR_CAPBSET_READ, _PR_CAPBSET_DROP = 22, 23, 24
_CAP_HEADER = struct.pack("=Ii", 0x20080522, 0)
_CAP_SYS_ADMIN = 21

# These are the same on every architecture.
_NR_MOUNT_SETATTR, _NR_LANDLOCK_CREATE, _NR_LANDLOCK_ADD, _NR_LANDLOCK_RESTRICT = 442, 444, 445, 446

MACHINE = platform.machine()
_NR_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(MACHINE)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _syscall(what: str, number: int, *arguments: int | bytes | None) -> int:
    """Make a system call by number; integers are passed as longs."""
    values = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *values), what)


def unshare(flags: int, what: str) -> None:
    """Leave the parent's namespaces of the given kinds."""
    _checked(_libc.unshare(flags), f"new {what} namespace")


def prctl(option: int, *values: int, what: str) -> None:
    numbers = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *numbers), what)


# Mounts


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    data = options.encode() if options else None
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data)
    _checked(result, f"mount of {kind or source} at {target}")


def unmount(target: str) -> None:
    """Detach a mount now, even if something in it is open."""
    _checked(_libc.umount2(target.encode(), _MNT_DETACH), f"unmount of {target}")


def make_private(path: str) -> None:
    """Stop propagating mounts below `path` from and to the parent."""
    result = _libc.mount(None, path.encode(), None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)
    _checked(result, f"private mounts at {path}")


def bind(source: str, target: str) -> None:
    """Show `source`, with everything mounted in it, at `target` too."""
    result = _libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(_MS_BIND | _MS_REC), None)
    _checked(result, f"bind mount of {source}")


def make_read_only(path: str, *, devices: bool = False) -> None:
    """Make a mount, and every mount in it, read-only and without set-user-id programs."""
    change_mount(path, add=ATTR_RDONLY | ATTR_NOSUID | (0 if devices else ATTR_NODEV))


def change_mount(path: str, *, add: int = 0, remove: int = 0) -> None:
    """Change the attributes of a mount and of every mount in it."""
    attributes = struct.pack("=QQQQ", add, remove, 0, 0)
    what = f"change of the mount at {path} (needs Linux 5.12)"
    _syscall(what, _NR_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, attributes, len(attributes))


def change_root(path: str) -> None:
    """Make `path`, which is a mount, the root, and detach the old root."""
    if _NR_PIVOT_ROOT is None:
        raise OSError(38, f"change of root: not supported on {MACHINE}")
    os.chdir(path)
    _syscall("change of root", _NR_PIVOT_ROOT, b".", b".")
    unmount(".")
    os.chdir("/")


# Capabilities


def drop_bounding_set() -> None:
    """Ensure that no program started from here on can gain a capability."""
    number = 0
    while _libc.prctl(_PR_CAPBSET_READ, ctypes.c_ulong(number), 0, 0, 0) >= 0:
        prctl(_PR_CAPBSET_DROP, number, what="capability bounding set")
        number += 1


def drop_capabilities() -> None:
    """Give up every capability of this process."""
    _checked(_libc.capset(_CAP_HEADER, bytes(24)), "dropping of capabilities")


def has_admin() -> bool:
    """Return whether this process may administer its namespaces (CAP_SYS_ADMIN)."""
    sets = ctypes.create_string_buffer(24)
    _checked(_libc.capget(_CAP_HEADER, sets), "reading of capabilities")
    effective: int = struct.unpack_from("=I", sets, 0)[0]
    return bool(effective >> _CAP_SYS_ADMIN & 1)


# seccomp and Landlock


def filter_system_calls(program: bytes) -> None:
    """Install a filter from `seccomp` for this process and its children, irrevocably."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(header, len(header))
    mode = ctypes.c_ulong(2), ctypes.byref(holder), ctypes.c_ulong(0), ctypes.c_ulong(0)
    _checked(_libc.prctl(_PR_SET_SECCOMP, *mode), "system call filter (seccomp)")


READ = 0b1101
"""Landlock version 1: run and read files, list folders."""
WRITE = 0b1111111110010 | 1 << 13 | 1 << 14 | 1 << 15
"""Version 1: write files; remove and create files, folders, links, sockets and devices. Later versions: move and link
between folders (2), truncate (3), control devices (5)."""
IOCTL_DEVICES = 1 << 15
_KNOWN_RIGHTS = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, IOCTL_DEVICES))
_ON_FILES = 0b111 | 1 << 14 | 1 << 15
"""The rights that a rule for a file, not a folder, may have."""
_TCP = 0b11
_SCOPES = 0b11
"""Abstract sockets and signals reach no process outside."""


def landlock_version() -> int:
    """Return the version of Landlock that the kernel offers; raises `OSError` if there is none."""
    return _syscall("Landlock", _NR_LANDLOCK_CREATE, None, 0, 1)


def ruleset(handled: int, version: int, *, tcp: bool = False) -> int:
    """Return a descriptor of Landlock rules that take rights on files, and with `tcp` TCP from version 4.

    From version 6 they also restrict signals and abstract sockets to the processes that they hold for.
    """
    # The layout: rights on files (version 1), on the network (4), scopes (6).
    attributes = struct.pack("=Q", handled & _known(version))
    if version >= 4:
        attributes += struct.pack("=Q", _TCP if tcp else 0)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    return _syscall("Landlock", _NR_LANDLOCK_CREATE, attributes, len(attributes), 0)


def _known(version: int) -> int:
    return sum(rights for since, rights in _KNOWN_RIGHTS if version >= since)


def allow(rules: int, path: str, rights: int, version: int) -> None:
    """Let a ruleset, which handles these rights, give them for a path and everything in it."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights &= _known(version)
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        _syscall(f"Landlock rule for {path}", _NR_LANDLOCK_ADD, rules, 1, rule, 0)
    finally:
        os.close(descriptor)


def restrict(rules: int) -> None:
    """Hold this process and its children to a ruleset, irrevocably."""
    _syscall("Landlock", _NR_LANDLOCK_RESTRICT, rules, 0)
